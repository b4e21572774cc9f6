"""The Selling Partner API in its own words; the only place that knows its addresses.

Reference: https://developer-docs.amazon.com/sp-api. Each call takes from the bucket of its
operation, whose limits are on the card.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote

from integrations.amazon import oauth, refusals
from integrations.amazon.platform import CARD
from integrations.errors import Misconfigured, NotFound
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import Answer, product
from integrations.kit.oauth2 import OAuthApp, StaticToken, TokenAuth
from integrations.kit.ratelimit import MemoryLimiter
from integrations.platform import Connection

Params = Mapping[str, Any]
_ORDERS = "/orders/2026-01-01/orders"
_CONFIRM = "/orders/v0/orders"
_LISTINGS = "/listings/2021-08-01/items"
_OUTBOUND = "/fba/outbound/2020-07-01/fulfillmentOrders"
_REPORTS = "/reports/2021-06-30"
_TRANSACTIONS = "/finances/2024-06-19/transactions"
_NOTIFICATIONS = "/notifications/v1"
_FBA_INVENTORY = "/fba/inventory/v1/summaries"
_FEEDS = "/feeds/2021-06-30"
TOKEN_HEADER = "x-amz-access-token"  # noqa: S105 - the name of a header

# Without FULFILLMENT an order has no status, without PROCEEDS no money.
ORDER_DATA = (
    "BUYER",
    "RECIPIENT",
    "PROCEEDS",
    "PROMOTION",
    "CANCELLATION",
    "FULFILLMENT",
    "PACKAGES",
    "PAYMENT",
)
PARCEL_DATA = ("FULFILLMENT", "PACKAGES")
LISTING_DATA = ("summaries", "offers", "fulfillmentAvailability", "relationships")


class AmazonClient:
    """Calls for one seller account in one region. Raises any PlatformError."""

    def __init__(self, connection: Connection) -> None:
        self.http = connection.http
        # …/docs/include-a-user-agent-header-in-all-requests asks for name, version and language.
        self.http.user_agent = f"{product()} (Language=Python/{platform.python_version()})"
        self.http.auth = TokenAuth(TOKEN_HEADER, "", connection.token or StaticToken(""))
        self.http.explain = refusals.explain
        self.http.refuses_token = refusals.refuses_token
        self.http.rest_s = refusals.rest_s
        self.http.learn = refusals.learn
        self._seller = connection.credentials.get("seller_id", "")
        names = ("client_id", "client_secret")
        self._app = OAuthApp(*(connection.credentials.get(name, "") for name in names))

    @property
    def seller(self) -> str:
        """Raises Misconfigured without a merchant token."""
        if not self._seller:
            raise Misconfigured(
                "The merchant token is missing. Copy it from Seller Central → Settings → Account "
                "Info and enter it here.",
                code="no_seller_id",
            )
        return self._seller

    # -- sellers: …/docs/sellers-api-v1-reference ----------------------------------------------

    def participations(self) -> Answer:
        return self._get("getMarketplaceParticipations", "/sellers/v1/marketplaceParticipations")

    # -- notifications: …/docs/notifications-api-v1-reference -----------------------------------
    # Destinations are the app's, in this region; subscriptions are made by the seller, and read and
    # deleted by their id by the app.

    def destinations(self) -> Answer:
        return self._get("getDestinations", self._destination(), auth=self._grantless)

    def create_destination(self, body: Mapping[str, Any]) -> Answer:
        path = self._destination()
        return self._post("createDestination", path, body, auth=self._grantless)

    def delete_destination(self, destination: str) -> None:
        path = self._destination(destination)
        self._delete("deleteDestination", path, auth=self._grantless)

    def subscription(self, topic: str) -> Answer:
        """Raises NotFound where there is none."""
        return self._get("getSubscription", self._subscription(topic))

    def create_subscription(self, topic: str, body: Mapping[str, Any]) -> Answer:
        return self._post("createSubscription", self._subscription(topic), body)

    def delete_subscription(self, topic: str, subscription: str) -> None:
        path = self._subscription(topic, subscription)
        self._delete("deleteSubscriptionById", path, auth=self._grantless)

    # -- orders: …/docs/orders-api-v2026-01-01-reference ---------------------------------------

    def search_orders(self, params: Params) -> Answer:
        return self._get("searchOrders", _ORDERS, params)

    def order(self, order_id: str, included: Sequence[str] = ORDER_DATA) -> Answer:
        path = f"{_ORDERS}/{quote(order_id, safe='')}"
        return self._get("getOrder", path, {"includedData": included})

    # …/docs/orders-api-v0-reference#confirmshipment: it has no successor yet.
    def confirm_shipment(self, order_id: str, body: Mapping[str, Any]) -> None:
        path = f"{_CONFIRM}/{quote(order_id, safe='')}/shipmentConfirmation"
        self._post("confirmShipment", path, body)

    # -- listings: …/docs/listings-items-api-v2021-08-01-reference -----------------------------

    def search_listings(self, marketplace: str, params: Params) -> Answer:
        asked = {"marketplaceIds": marketplace, "includedData": LISTING_DATA, **params}
        return self._get("searchListingsItems", self._items(), asked)

    def listing(self, sku: str, marketplace: str) -> Answer:
        """Several marketplaces could be named, but the first alone is answered for:
        https://github.com/amzn/selling-partner-api-docs/issues/2362.
        """
        asked = {"marketplaceIds": marketplace, "includedData": LISTING_DATA}
        return self._get("getListingsItem", self._items(sku), asked)

    def patch_listing(self, sku: str, marketplace: str, body: Mapping[str, Any]) -> Answer:
        """What is sent is absolute, so it may be sent again."""
        asked = {"marketplaceIds": marketplace, "includedData": "issues"}
        return self._call(
            "PATCH", "patchListingsItem", self._items(sku), asked, body, repeatable=True
        )

    # -- multi-channel fulfilment: …/docs/fulfillment-outbound-api-v2020-07-01-reference -----------
    # There is a 2026-07-04 as well. This one has the seller's own id as the one key of an order,
    # the speeds that fees are told for, a dynamic sandbox, and no end announced (2026-11).

    def preview_outbound(self, body: Mapping[str, Any]) -> Answer:
        """Changes nothing, so it may be sent again."""
        return self._post("getFulfillmentPreview", f"{_OUTBOUND}/preview", body, repeatable=True)

    def create_outbound(self, body: Mapping[str, Any]) -> None:
        self._post("createFulfillmentOrder", _OUTBOUND, body)

    def outbound_order(self, reference: str) -> Answer:
        return self._get("getFulfillmentOrder", f"{_OUTBOUND}/{quote(reference, safe='')}")

    def cancel_outbound(self, reference: str) -> None:
        path = f"{_OUTBOUND}/{quote(reference, safe='')}/cancel"
        self._call("PUT", "cancelFulfillmentOrder", path)

    # -- reports: …/docs/reports-api-v2021-06-30-reference ------------------------------------

    def create_report(self, body: Mapping[str, Any]) -> Answer:
        """A report that was asked for twice does no harm."""
        return self._post("createReport", f"{_REPORTS}/reports", body, repeatable=True)

    def reports(self, params: Params) -> Answer:
        return self._get("getReports", f"{_REPORTS}/reports", params)

    def report(self, report_id: str) -> Answer:
        return self._get("getReport", f"{_REPORTS}/reports/{quote(report_id, safe='')}")

    def report_document(self, document_id: str) -> Answer:
        path = f"{_REPORTS}/documents/{quote(document_id, safe='')}"
        return self._get("getReportDocument", path)

    # -- finances: …/docs/finances-api-v2024-06-19-reference ----------------------------------

    def transactions(self, params: Params) -> Answer:
        return self._get("listTransactions", _TRANSACTIONS, params)

    # -- what Amazon keeps: …/docs/fba-inventory-api-v1-reference --------------------------------

    def inventory_summaries(self, marketplace: str, params: Params) -> Answer:
        asked = {
            "details": "true",
            "granularityType": "Marketplace",
            "granularityId": marketplace,
            "marketplaceIds": marketplace,
            **params,
        }
        return self._get("getInventorySummaries", _FBA_INVENTORY, asked)

    # -- feeds: …/docs/feeds-api-v2021-06-30-reference -----------------------------------------

    def create_feed_document(self, content_type: str) -> Answer:
        """A place for a file; one that is not used costs nothing, so it may be asked for again."""
        body = {"contentType": content_type}
        return self._post("createFeedDocument", f"{_FEEDS}/documents", body, repeatable=True)

    def create_feed(self, kind: str, marketplace: str, document: str) -> Answer:
        body = {
            "feedType": kind,
            "marketplaceIds": [marketplace],
            "inputFeedDocumentId": document,
        }
        return self._post("createFeed", f"{_FEEDS}/feeds", body)

    def feed(self, feed_id: str) -> Answer:
        return self._get("getFeed", f"{_FEEDS}/feeds/{quote(feed_id, safe='')}")

    def feeds(self, params: Params) -> Answer:
        return self._get("getFeeds", f"{_FEEDS}/feeds", params)

    def cancel_feed(self, feed_id: str) -> None:
        self._delete("cancelFeed", f"{_FEEDS}/feeds/{quote(feed_id, safe='')}")

    def feed_document(self, document: str) -> Answer:
        path = f"{_FEEDS}/documents/{quote(document, safe='')}"
        return self._get("getFeedDocument", path)

    # -- how a call is made --------------------------------------------------------------------

    def _items(self, sku: str = "") -> str:
        """Raises Misconfigured without a merchant token, NotFound for what cannot be a SKU."""
        if sku in (".", ".."):
            raise NotFound(f"The store has no listing with SKU “{sku}”.")
        root = f"{_LISTINGS}/{quote(self.seller, safe='')}"
        return f"{root}/{quote(sku, safe='')}" if sku else root

    def _destination(self, *words: str) -> str:
        return "/".join((f"{_NOTIFICATIONS}/destinations", *(quote(w, safe="") for w in words)))

    def _subscription(self, *words: str) -> str:
        return "/".join((f"{_NOTIFICATIONS}/subscriptions", *(quote(w, safe="") for w in words)))

    @cached_property
    def _grantless(self) -> TokenAuth:
        """What calls about the app itself carry. Raises PlatformError when no token is given."""
        own = {"limiter": MemoryLimiter({"default": CARD.limits[0]}), "breaker": MemoryBreaker()}
        with self.http.elsewhere(CARD.tokens_at(self.http.base_url), **own) as http:
            token = oauth.grantless(http, self._app, oauth.NOTIFICATIONS).access_token
        self.http.hidden = (*self.http.hidden, token)
        return TokenAuth(TOKEN_HEADER, "", StaticToken(token))

    def _get(
        self, operation: str, path: str, params: Params | None = None, **options: Any
    ) -> Answer:
        return self._call("GET", operation, path, params, **options)

    def _post(self, operation: str, path: str, body: Mapping[str, Any], **options: Any) -> Answer:
        return self._call("POST", operation, path, None, body, **options)

    def _delete(self, operation: str, path: str, **options: Any) -> None:
        self._call("DELETE", operation, path, **options)

    def _call(
        self,
        method: str,
        operation: str,
        path: str,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Answer:
        asked = {name: _listed(value) for name, value in (params or {}).items()}
        json = dict(body) if body is not None else None
        return self.http.request(method, path, params=asked, json=json, bucket=operation, **options)


def _listed(value: Any) -> Any:
    """Lists have commas."""
    return ",".join(value) if isinstance(value, list | tuple) else value

"""Who a store is, what the app was granted and at which locations it keeps stock:
``StoreIdentity``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from integrations.base import StoreIdentity
from integrations.errors import PermissionMissing
from integrations.shopify import refusals, shapes
from integrations.shopify.client import Reply, ShopifyClient
from integrations.shopify.orders import ALL_ORDERS
from integrations.shopify.platform import CARD
from integrations.shopify.shapes import Camel
from integrations.shopify.values import text
from inventory.data import StoreLocationData

_OLD_ORDERS = (
    "Orders older than 60 days cannot be read: that takes the scope read_all_orders, which Shopify "
    "approves for an app."
)
_READ_ONLY = (
    "The app may only read: orders come in, but no stock, parcel or cancellation can be sent. "
    "Connect the store again and grant {scopes} to change that."
)


class Plan(Camel):
    public_display_name: str = ""
    shopify_plus: bool = False


class Shop(Camel):
    name: str
    myshopify_domain: str
    currency_code: str
    iana_timezone: str
    plan: Plan


class Scope(Camel):
    handle: str


class Installation(Camel):
    access_scopes: list[Scope]


class Location(Camel):
    legacy_resource_id: shapes.Number
    name: str
    is_active: bool
    fulfills_online_orders: bool = False


def check(client: ShopifyClient) -> None:
    """Whether calls are let in with all that Logix cannot do without. Raises AuthenticationFailed,
    PermissionMissing.
    """
    granted = _granted(client.ask("identity"))
    lacking = CARD.lacking(granted)
    if missing := tuple(scope for scope in CARD.required_scopes if scope in lacking):
        raise PermissionMissing(refusals.no_scope(missing), scopes=missing, code="scope_missing")


def identify(client: ShopifyClient, base_url: str) -> StoreIdentity:
    """Raises AuthenticationFailed, NotFound and whatever says "not now"."""
    reply = client.ask("identity")
    shop = reply.at("shop", Shop)
    granted = _granted(reply)
    missing = CARD.lacking(granted)
    features: dict[str, Any] = {
        "domain": shop.myshopify_domain,
        "plan": text(shop.plan.public_display_name, 80),
        "plus": shop.plan.shopify_plus,
        "all_orders": ALL_ORDERS in granted,
    }
    warnings = [_version(client.served)]
    writes = [scope for scope in missing if scope.startswith("write_")]
    if writes:
        warnings.append(_READ_ONLY.format(scopes=", ".join(writes)))
    if ALL_ORDERS not in granted:
        warnings.append(_OLD_ORDERS)
    now = datetime.now(UTC)
    return StoreIdentity(
        name=text(shop.name) or shop.myshopify_domain,
        base_url=base_url,
        currency=shop.currency_code,
        timezone=shop.iana_timezone,
        version=client.served or CARD.api_version,
        granted=granted,
        missing=missing,
        clock_skew_s=(reply.store_time - now).total_seconds() if reply.store_time else None,
        features=features,
        locations=None if "read_locations" in missing else _locations(client),
        warnings=tuple(warning for warning in warnings if warning),
    )


def _granted(reply: Reply) -> tuple[str, ...]:
    scopes = reply.at("currentAppInstallation", Installation).access_scopes
    return tuple(sorted({scope.handle for scope in scopes}))


def _locations(client: ShopifyClient) -> tuple[StoreLocationData, ...]:
    """The store's own, closed ones too; those of fulfillment services are theirs to count."""
    found: list[Location] = []
    after: str | None = None
    while True:
        reply = client.ask("locations", {"after": after})
        page = reply.at("locations", shapes.Connection[Location])
        found += page.nodes
        if page.rest is None or page.rest == after:
            break
        after = page.rest
    return tuple(
        StoreLocationData(
            external_id=told.legacy_resource_id,
            name=text(told.name, 120),
            is_active=told.is_active,
            is_online=told.fulfills_online_orders,
        )
        for told in found
    )


def _version(served: str) -> str:
    """A version that was retired is answered by the oldest that lives, with other meanings."""
    if not served or served == CARD.api_version:
        return ""
    return (
        f"Shopify answers with version {served} of its API, and Logix asks for {CARD.api_version}. "
        "Update Logix."
    )

"""The calls that are answered, with the rates and bursts of their models and the roles they need.

That any of these roles will do is assumed; the page "Role mappings" is the source for which they
are.
"""

from __future__ import annotations

from integrations.sandbox.amazon import sellers
from integrations.sandbox.amazon.api.call import Operation
from integrations.sandbox.amazon.feeds import calls as feeds
from integrations.sandbox.amazon.finances.transactions import transactions
from integrations.sandbox.amazon.listings import inventory, patching, reading
from integrations.sandbox.amazon.login.token import NOTIFICATIONS
from integrations.sandbox.amazon.notifications import calls as notifications
from integrations.sandbox.amazon.options import ALL_ROLES, SHIPPING_ROLE, TAX_ROLE
from integrations.sandbox.amazon.orders import reading as orders
from integrations.sandbox.amazon.orders import shipping
from integrations.sandbox.amazon.outbound import calls as outbound
from integrations.sandbox.amazon.reports import calls as reports

_ANY = frozenset(ALL_ROLES)
_NONE: frozenset[str] = frozenset()
_ORDERS = frozenset({"Inventory and Order Tracking", SHIPPING_ROLE, TAX_ROLE})
_LISTINGS = frozenset({"Product Listing"})
_FULFILLMENT = frozenset({"Amazon Fulfillment"})
_FINANCES = frozenset({"Finance and Accounting"})
_STOCK = frozenset({"Amazon Fulfillment", "Product Listing"})

_ORDER = "/orders/2026-01-01/orders"
_ITEM = "/listings/2021-08-01/items/{sellerId}"
_OUTBOUND = "/fba/outbound/2020-07-01/fulfillmentOrders"
_SENT = f"{_OUTBOUND}/{{sellerFulfillmentOrderId}}"
_DESTINATIONS = "/notifications/v1/destinations"
_SUBSCRIPTION = "/notifications/v1/subscriptions/{notificationType}"
_REPORTS, _FEEDS = "/reports/2021-06-30", "/feeds/2021-06-30"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "getMarketplaceParticipations", "GET", "/sellers/v1/marketplaceParticipations", 0.016, 15,
        sellers.participations, _ANY,
    ),
    Operation("searchOrders", "GET", _ORDER, 0.0056, 20, orders.search, _ORDERS),
    Operation("getOrder", "GET", f"{_ORDER}/{{orderId}}", 0.5, 30, orders.get, _ORDERS),
    Operation(
        "confirmShipment", "POST", "/orders/v0/orders/{orderId}/shipmentConfirmation", 2, 10,
        shipping.confirm, _ORDERS,
    ),
    Operation("searchListingsItems", "GET", _ITEM, 5, 5, reading.search, _LISTINGS),
    Operation("getListingsItem", "GET", f"{_ITEM}/{{sku}}", 5, 10, reading.get, _LISTINGS),
    Operation("patchListingsItem", "PATCH", f"{_ITEM}/{{sku}}", 5, 5, patching.patch, _LISTINGS),
    Operation(
        "getInventorySummaries", "GET", "/fba/inventory/v1/summaries", 2, 2,
        inventory.summaries, _STOCK,
    ),
    Operation(
        "getFulfillmentPreview", "POST", f"{_OUTBOUND}/preview", 2, 30,
        outbound.preview, _FULFILLMENT,
    ),
    Operation("createFulfillmentOrder", "POST", _OUTBOUND, 2, 30, outbound.create, _FULFILLMENT),
    Operation("listAllFulfillmentOrders", "GET", _OUTBOUND, 2, 30, outbound.search, _FULFILLMENT),
    Operation("getFulfillmentOrder", "GET", _SENT, 2, 30, outbound.get, _FULFILLMENT),
    Operation(
        "cancelFulfillmentOrder", "PUT", f"{_SENT}/cancel", 2, 30, outbound.cancel, _FULFILLMENT
    ),
    Operation("createReport", "POST", f"{_REPORTS}/reports", 0.0167, 15, reports.create, _ANY),
    Operation("getReports", "GET", f"{_REPORTS}/reports", 0.0222, 10, reports.search, _ANY),
    Operation("getReport", "GET", f"{_REPORTS}/reports/{{reportId}}", 2, 15, reports.get, _ANY),
    Operation(
        "cancelReport", "DELETE", f"{_REPORTS}/reports/{{reportId}}", 0.0222, 10,
        reports.cancel, _ANY,
    ),
    Operation(
        "getReportDocument", "GET", f"{_REPORTS}/documents/{{reportDocumentId}}", 0.0167, 15,
        reports.document, _ANY,
    ),
    Operation(
        "listTransactions", "GET", "/finances/2024-06-19/transactions", 0.5, 10,
        transactions, _FINANCES,
    ),
    Operation(
        "createFeedDocument", "POST", f"{_FEEDS}/documents", 0.5, 15, feeds.create_document, _ANY
    ),
    Operation(
        "getFeedDocument", "GET", f"{_FEEDS}/documents/{{feedDocumentId}}", 0.0222, 10,
        feeds.document, _ANY,
    ),
    Operation("createFeed", "POST", f"{_FEEDS}/feeds", 0.0083, 15, feeds.create, _ANY),
    Operation("getFeeds", "GET", f"{_FEEDS}/feeds", 0.0222, 10, feeds.search, _ANY),
    Operation("getFeed", "GET", f"{_FEEDS}/feeds/{{feedId}}", 2, 15, feeds.get, _ANY),
    Operation("cancelFeed", "DELETE", f"{_FEEDS}/feeds/{{feedId}}", 2, 15, feeds.cancel, _ANY),
    Operation(
        "createDestination", "POST", _DESTINATIONS, 1, 5, notifications.create_destination,
        _NONE, NOTIFICATIONS,
    ),
    Operation(
        "getDestinations", "GET", _DESTINATIONS, 1, 5, notifications.destinations,
        _NONE, NOTIFICATIONS,
    ),
    Operation(
        "getDestination", "GET", f"{_DESTINATIONS}/{{destinationId}}", 1, 5,
        notifications.destination, _NONE, NOTIFICATIONS,
    ),
    Operation(
        "deleteDestination", "DELETE", f"{_DESTINATIONS}/{{destinationId}}", 1, 5,
        notifications.delete_destination, _NONE, NOTIFICATIONS,
    ),
    Operation(
        "getSubscriptions", "GET", "/notifications/v1/subscriptions", 1, 5,
        notifications.subscriptions, _ANY,
    ),
    Operation(
        "getSubscription", "GET", _SUBSCRIPTION, 1, 5, notifications.subscription, _ANY
    ),
    Operation(
        "createSubscription", "POST", _SUBSCRIPTION, 1, 5, notifications.create_subscription, _ANY
    ),
    Operation(
        "getSubscriptionById", "GET", f"{_SUBSCRIPTION}/{{subscriptionId}}", 1, 5,
        notifications.subscription, _NONE, NOTIFICATIONS,
    ),
    Operation(
        "deleteSubscriptionById", "DELETE", f"{_SUBSCRIPTION}/{{subscriptionId}}", 1, 5,
        notifications.delete_subscription, _NONE, NOTIFICATIONS,
    ),
    Operation(
        "sendTestNotification", "POST", f"{_SUBSCRIPTION}/testNotification", 1, 5,
        notifications.send_test, _NONE, NOTIFICATIONS, tells_limit=False,
    ),
)  # fmt: skip

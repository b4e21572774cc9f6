"""What a message says, as the official schemas of notifications have it: field names begin with
capitals for most types, with small letters for those of feeds and reports.

That an order's postal code is told to apps without the role for addresses is assumed. So is that
an order of another shop is told of once for each change, as a shipment from its first one on.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon.clock import DAY, iso
from integrations.sandbox.amazon.listings.models import Stock
from integrations.sandbox.amazon.orders.models import UNPAID, Item
from integrations.sandbox.amazon.outbound.models import SPEEDS, Outbound, Shipment

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Told = dict[str, Any]
# Notifications still spell statuses as Orders v0 did.
_STATUSES = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}
_SHIPMENTS = {"PENDING": "Pending", "SHIPPED": "Shipped"}
_SMALL = frozenset({"FEED_PROCESSING_FINISHED", "REPORT_PROCESSING_FINISHED"})


def order_change(store: SellerStore, key: str) -> Told | None:
    order = store.state.orders.get(key)
    if order is None:
        return None
    asks = any(item.wish and item.open for item in order.items)
    kind = "BuyerRequestedChange" if asks else "OrderStatusChange"
    reason = "Buyer Requested Cancel" if asks else "Order Status Change"
    shipped = sum(item.shipped for item in order.items)
    return {
        "OrderChangeNotification": {
            "NotificationLevel": "OrderLevel",
            "SellerId": store.options.seller_id,
            "AmazonOrderId": order.id,
            "OrderChangeType": kind,
            "OrderChangeTrigger": {
                "TimeOfOrderChange": iso(order.updated),
                "ChangeReason": reason,
            },
            "Summary": {
                "MarketplaceId": order.marketplace,
                "OrderStatus": _STATUSES[order.status],
                "PurchaseDate": iso(order.created),
                "DestinationPostalCode": None if order.status in UNPAID else order.address.zip,
                "FulfillmentType": "AFN" if order.is_amazons else "MFN",
                "OrderType": "StandardOrder",
                "NumberOfItemsShipped": shipped,
                "NumberOfItemsUnshipped": sum(item.open for item in order.items),
                "OrderItems": [_item(item) for item in order.items],
            },
        }
    }


def _item(item: Item) -> Told:
    return {
        "OrderItemId": item.id,
        "SellerSKU": item.sku,
        "SupplySourceId": None,
        "Quantity": 0 if item.cancelled_by else item.quantity,
        "QuantityShipped": item.shipped,
        "IsBuyerRequestedCancel": bool(item.wish),
    }


def fba_inventory(store: SellerStore, key: str) -> Told | None:
    row = store.state.listings.get(key)
    if row is None or row.stock is None:
        return None
    figures = _figures(row.stock)
    return {
        "SellerId": store.options.seller_id,
        "FNSKU": row.fnsku,
        "ASIN": row.asin,
        "SKU": row.sku,
        "FulfillmentInventoryByMarketplace": [
            {"MarketplaceId": place, "ItemName": row.title, "FulfillmentInventory": figures}
            for place in row.offers
        ],
    }


def _figures(stock: Stock) -> Told:
    return {
        "InboundQuantityBreakdown": {
            "Working": stock.inbound_working,
            "Shipped": stock.inbound_shipped,
            "Receiving": stock.inbound_receiving,
        },
        "Fulfillable": stock.fulfillable,
        "Unfulfillable": stock.customer_damaged + stock.warehouse_damaged,
        "Researching": stock.researching,
        "ReservedQuantityBreakdown": {
            "WarehouseProcessing": stock.processing,
            "WarehouseTransfer": stock.transshipment,
            "PendingCustomerOrder": stock.pending_orders,
        },
        "FutureSupplyBuyable": 0,
        "PendingCustomerOrderInTransit": 0,
    }


def feed(store: SellerStore, key: str) -> Told | None:
    row = store.state.feeds.get(key)
    if row is None:
        return None
    told = {"feedId": row.id, "feedType": row.kind, "processingStatus": row.status}
    document = {"resultFeedDocumentId": row.result} if row.result else {}
    return {"feedProcessingFinishedNotification": {**_account(store), **told, **document}}


def report(store: SellerStore, key: str) -> Told | None:
    row = store.state.reports.get(key)
    if row is None:
        return None
    told = {"reportId": row.id, "reportType": row.kind, "processingStatus": row.status}
    document = {"reportDocumentId": row.document} if row.document else {}
    return {"reportProcessingFinishedNotification": {**_account(store), **told, **document}}


def _account(store: SellerStore) -> Told:
    seller = store.options.seller_id
    return {"sellerId": seller, "accountId": f"amzn1.merchant.o.{seller}"}


def fulfillment_order(store: SellerStore, key: str) -> Told | None:
    """What Amazon's guide to notifications says, whose own example leaves out what is not told: a
    shipment comes with that kind of event alone, a returned item with another, which is not played.
    The schema asks for both in all of them, and for an "info" that no page knows.
    """
    order = store.state.outbound.get(key)
    if order is None:
        return None
    told: Told = {
        "SellerId": store.options.seller_id,
        "EventType": "Shipment" if order.shipments else "Order",
        "StatusUpdatedDateTime": iso(order.updated),
        "SellerFulfillmentOrderId": order.id,
        "FulfillmentOrderStatus": order.status,
    }
    if order.shipments:
        told["FulfillmentShipment"] = _shipment(order, order.shipments[-1])
    return {"FulfillmentOrderStatusNotification": told}


def _shipment(order: Outbound, shipment: Shipment) -> Told:
    days, _ = SPEEDS[order.speed]
    return {
        "FulfillmentShipmentStatus": _SHIPMENTS[shipment.status],
        "AmazonShipmentId": shipment.id,
        "EstimatedArrivalDateTime": iso(shipment.date + days * DAY),
        "FulfillmentShipmentPackages": [
            {"PackageNumber": x.number, "CarrierCode": x.carrier, "TrackingNumber": x.tracking}
            for x in shipment.packages
        ],
    }


KINDS: dict[str, Callable[[SellerStore, str], Told | None]] = {
    "ORDER_CHANGE": order_change,
    "FBA_INVENTORY_AVAILABILITY_CHANGES": fba_inventory,
    "FEED_PROCESSING_FINISHED": feed,
    "REPORT_PROCESSING_FINISHED": report,
    "FULFILLMENT_ORDER_STATUS": fulfillment_order,
}
"""The payload about one thing, None where there is nothing to tell."""


def envelope(store: SellerStore, kind: str, payload: Told, *, subscription: str) -> Told:
    """Around a payload; the id of the message is new each time."""
    now, is_small = iso(store.clock.now()), kind in _SMALL
    version = "2020-09-04" if is_small else "1.0"
    told = {
        "NotificationVersion": version,
        "NotificationType": kind,
        "PayloadVersion": version,
        "EventTime": now,
        "Payload": payload,
        "NotificationMetadata": {
            "ApplicationId": store.options.application_id,
            "SubscriptionId": subscription,
            "PublishTime": now,
            "NotificationId": str(uuid.uuid4()),
        },
    }
    return _small(told) if is_small else told


def _small(told: Told) -> Told:
    """A payload is spelled so already."""
    return {
        f"{name[0].lower()}{name[1:]}": _small(value) if name == "NotificationMetadata" else value
        for name, value in told.items()
    }

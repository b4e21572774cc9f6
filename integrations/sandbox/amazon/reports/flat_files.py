"""The rows of the flat files, heading first. The headings are those of real files that were
published (help page 200547170 of Seller Central for orders, test files of clients for listings).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.listings.models import Listing, Stock
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import rounded
from integrations.sandbox.amazon.orders.models import UNPAID, Item, Order
from integrations.sandbox.amazon.reports.models import Report

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Rows = list[list[str]]

_LISTINGS = (
    "item-name", "item-description", "listing-id", "seller-sku", "price", "quantity", "open-date",
    "image-url", "item-is-marketplace", "product-id-type", "zshop-shipping-fee", "item-note",
    "item-condition", "zshop-category1", "zshop-browse-path", "zshop-storefront-feature", "asin1",
    "asin2", "asin3", "will-ship-internationally", "expedited-shipping", "zshop-boldface",
    "product-id", "bid-for-featured-placement", "add-delete", "pending-quantity",
    "fulfillment-channel", "merchant-shipping-group", "status",
)  # fmt: skip
_ORDERS = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status",
    "fulfillment-channel", "sales-channel", "order-channel", "url", "ship-service-level",
    "product-name", "sku", "asin", "item-status", "quantity", "currency", "item-price", "item-tax",
    "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "item-promotion-discount", "ship-promotion-discount", "ship-city", "ship-state",
    "ship-postal-code", "ship-country", "promotion-ids", "is-business-order",
    "purchase-order-number", "price-designation",
)  # fmt: skip
_FBA = (
    "sku", "fnsku", "asin", "product-name", "condition", "your-price", "mfn-listing-exists",
    "mfn-fulfillable-quantity", "afn-listing-exists", "afn-warehouse-quantity",
    "afn-fulfillable-quantity", "afn-unsellable-quantity", "afn-reserved-quantity",
    "afn-total-quantity", "per-unit-volume", "afn-inbound-working-quantity",
    "afn-inbound-shipped-quantity", "afn-inbound-receiving-quantity",
    "afn-researching-quantity", "afn-reserved-future-supply", "afn-future-supply-buyable",
)  # fmt: skip

_WORDS = {
    "PENDING_AVAILABILITY": "Pending",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "Shipping",
    "SHIPPED": "Shipped",
    "CANCELLED": "Cancelled",
    "UNFULFILLABLE": "Unfulfillable",
}


def listings(store: SellerStore, report: Report) -> Rows:
    """One row for a SKU, at its price in the first marketplace asked for; parents have none."""
    place = report.marketplaces[0]
    rows = [list(_LISTINGS)]
    for row in store.state.listings.values():
        offer = row.offers.get(place)
        if offer is None:
            continue
        told = {
            "item-name": row.title,
            "listing-id": row.listing_id,
            "seller-sku": row.sku,
            "price": str(offer.price),
            "quantity": "" if row.is_amazons else str(row.quantity or 0),
            "open-date": _local(offer.created),
            "item-is-marketplace": "y",
            "product-id-type": "1",
            "item-condition": "11",
            "asin1": row.asin,
            "product-id": row.asin,
            "pending-quantity": "" if row.is_amazons else "0",
            "fulfillment-channel": row.channel,
            "merchant-shipping-group": "Migrated Template",
            "status": _listing_word(row),
        }
        rows.append([told.get(name, "") for name in _LISTINGS])
    return rows


def orders_by_update(store: SellerStore, report: Report) -> Rows:
    return _orders(report, store.state.orders.values(), "updated", store.clock.now())


def orders_by_date(store: SellerStore, report: Report) -> Rows:
    return _orders(report, store.state.orders.values(), "created", store.clock.now())


def fba_inventory(store: SellerStore, report: Report) -> Rows:
    place = report.marketplaces[0]
    rows = [list(_FBA)]
    for row in store.state.listings.values():
        if row.stock is not None and place in row.offers:
            told = _fba(row, row.stock) | {"your-price": str(row.offers[place].price)}
            rows.append([told.get(name, "") for name in _FBA])
    return rows


def _orders(report: Report, orders: Iterable[Order], by: str, now: int) -> Rows:
    """A row for each thing of an order."""
    since = report.since if report.since is not None else now - 24 * 3600
    until = report.until if report.until is not None else now
    chosen = [
        order
        for order in orders
        if order.marketplace in report.marketplaces and since <= getattr(order, by) <= until
    ]
    chosen.sort(key=lambda order: (getattr(order, by), order.id))
    return [list(_ORDERS)] + [_order_row(order, item) for order in chosen for item in order.items]


def _order_row(order: Order, item: Item) -> list[str]:
    market, at = MARKETPLACES[order.marketplace], order.address
    is_paid = order.status not in UNPAID
    told = {
        "amazon-order-id": order.id,
        "merchant-order-id": order.seller_order_id,
        "purchase-date": _offset(order.created),
        "last-updated-date": _offset(order.updated),
        "order-status": _WORDS[order.status],
        "fulfillment-channel": "Amazon" if order.is_amazons else "Merchant",
        "sales-channel": market.name if order.channel == "AMAZON" else "Non-Amazon",
        "ship-service-level": order.service_level.title(),
        "product-name": item.title,
        "sku": item.sku,
        "asin": item.asin,
        "item-status": "Cancelled" if item.cancelled_by else _WORDS[order.status],
        "quantity": "0" if item.cancelled_by else str(item.quantity),
        "ship-city": at.city if is_paid else "",
        "ship-state": at.state if is_paid else "",
        "ship-postal-code": at.zip if is_paid else "",
        "ship-country": at.country if is_paid else "",
        "promotion-ids": item.promotion,
        "is-business-order": "true" if order.company else "false",
        "purchase-order-number": order.purchase_order,
        "price-designation": "BusinessPrice" if item.is_business_price else "",
    }
    if is_paid and not item.cancelled_by:
        told |= _money(item, market.currency)
    return [told.get(name, "") for name in _ORDERS]


def _money(item: Item, currency: str) -> dict[str, str]:
    """Of the whole quantity; what is nothing stays empty."""

    def text(amount: Decimal) -> str:
        return str(rounded(amount, currency)) if amount else ""

    return {
        "currency": currency,
        "item-price": str(rounded(item.unit * item.quantity, currency)),
        "item-tax": text(item.tax),
        "shipping-price": text(item.shipping),
        "shipping-tax": text(item.shipping_tax),
        "gift-wrap-price": text(item.gift_wrap),
        "item-promotion-discount": text(item.discount),
        "ship-promotion-discount": text(item.shipping_discount),
    }


def _fba(row: Listing, stock: Stock) -> dict[str, str]:
    reserved = stock.pending_orders + stock.transshipment + stock.processing
    unsellable = stock.customer_damaged + stock.warehouse_damaged
    numbers = {
        "afn-warehouse-quantity": stock.fulfillable + unsellable + reserved,
        "afn-fulfillable-quantity": stock.fulfillable,
        "afn-unsellable-quantity": unsellable,
        "afn-reserved-quantity": reserved,
        "afn-total-quantity": stock.total,
        "afn-inbound-working-quantity": stock.inbound_working,
        "afn-inbound-shipped-quantity": stock.inbound_shipped,
        "afn-inbound-receiving-quantity": stock.inbound_receiving,
        "afn-researching-quantity": stock.researching,
        "afn-reserved-future-supply": 0,
        "afn-future-supply-buyable": 0,
    }
    return {
        "sku": row.sku,
        "fnsku": row.fnsku,
        "asin": row.asin,
        "product-name": row.title,
        "condition": "New",
        "mfn-listing-exists": "No",
        "afn-listing-exists": "Yes",
    } | {name: str(number) for name, number in numbers.items()}


def _listing_word(row: Listing) -> str:
    if row.is_suppressed:
        return "Incomplete"
    return "Active" if row.for_sale else "Inactive"


def _local(moment: int) -> str:
    """The day first, and a zone's letters behind, as in the files of Europe."""
    return datetime.fromtimestamp(moment, UTC).strftime("%d/%m/%Y %H:%M:%S GMT")


def _offset(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")

"""The tables of this room; ``rooms`` says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.api.resolving import Fields, Load, Nodes
from integrations.sandbox.shopify.orders import (
    bodies,
    customer_fields,
    fulfillment_fields,
    fulfillment_writes,
    line_fields,
    order_fields,
    order_lists,
    order_writes,
    parts,
    refund_fields,
    refund_writes,
    rest,
    work_bodies,
)
from integrations.sandbox.shopify.orders.customers import Customer
from integrations.sandbox.shopify.orders.models import Order

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore


def _part(kind: str) -> Load:
    return lambda store, number: parts.find(store, kind, number)


def _reverse(store: ShopStore, number: int) -> Any:
    one = parts.find(store, "Return", number)
    return None if one is None else refund_fields.reverse_of(one)


def _of_companies(store: ShopStore, number: int) -> Any:
    return store.orders.companies.get(number)


FIELDS: tuple[Fields, ...] = (
    order_fields.FIELDS,
    line_fields.FIELDS,
    fulfillment_fields.FIELDS,
    refund_fields.FIELDS,
    customer_fields.FIELDS,
    order_lists.FIELDS,
    order_writes.FIELDS,
    fulfillment_writes.FIELDS,
    refund_writes.FIELDS,
)
NODES: Nodes = {
    "Order": lambda store, number: store.orders.get(number),
    "Customer": lambda store, number: store.orders.customer(number),
    "Company": _of_companies,
    "ReverseFulfillmentOrder": _reverse,
    **{kind: _part(kind) for kind in parts.KINDS},
}
PAYLOADS: dict[str, Any] = {
    "orders/create": bodies.order_body,
    "orders/updated": bodies.order_body,
    "orders/paid": bodies.order_body,
    "orders/cancelled": bodies.order_body,
    "orders/fulfilled": bodies.order_body,
    "orders/partially_fulfilled": bodies.order_body,
    "fulfillments/create": work_bodies.fulfillment_body,
    "fulfillments/update": work_bodies.fulfillment_body,
    "refunds/create": work_bodies.refund_body,
    "order_transactions/create": work_bodies.transaction_body,
    "returns/request": work_bodies.return_body,
    "returns/approve": work_bodies.return_body,
    "returns/close": work_bodies.return_end,
    "returns/cancel": work_bodies.return_end,
    "fulfillment_orders/order_routing_complete": work_bodies.work_body,
    "fulfillment_orders/hold_released": work_bodies.work_body,
    "fulfillment_orders/scheduled_fulfillment_order_ready": work_bodies.work_body,
    "customers/create": rest.whole_customer,
    "customers/update": rest.whole_customer,
}
TOUCHED: dict[type, Any] = {
    Order: lambda store, order: store.orders.touched(order),
    Customer: lambda store, customer: store.orders.keep_customer(customer),
}

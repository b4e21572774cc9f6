"""The states an order shows, each worked out from what happened to it.

Source: the descriptions of OrderDisplayFinancialStatus, OrderDisplayFulfillmentStatus and
OrderReturnStatus in the official schema of 2026-07.
"""

from __future__ import annotations

from integrations.sandbox.shopify.orders import totals
from integrations.sandbox.shopify.orders.fulfillment_models import Fulfillment, FulfillmentOrder
from integrations.sandbox.shopify.orders.models import LineItem, Order

OPEN_STATES = frozenset({"OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD", "INCOMPLETE"})


def financial(order: Order, now: int) -> str:
    received, refunded = totals.received(order).shop.amount, totals.refunded(order).shop.amount
    if received > 0:
        if refunded >= received:
            return "REFUNDED"
        if refunded > 0:
            return "PARTIALLY_REFUNDED"
        return "PAID" if totals.outstanding(order).shop.amount <= 0 else "PARTIALLY_PAID"
    if any(row.kind == "VOID" and row.status == "SUCCESS" for row in order.transactions):
        return "VOIDED"
    holds = [row for row in order.transactions if row.kind == "AUTHORIZATION"]
    if any(row.status == "SUCCESS" for row in holds):
        is_over = all(row.expires_at is not None and row.expires_at <= now for row in holds)
        return "EXPIRED" if is_over else "AUTHORIZED"
    if order.cancelled_at is not None:
        return "VOIDED"
    return "PAID" if totals.sold(order).total.shop.amount == 0 else "PENDING"


def open_work(order: Order) -> list[FulfillmentOrder]:
    return [work for work in order.fulfillment_orders if work.status in OPEN_STATES]


def fulfillment(order: Order) -> str:
    is_begun = any(row.status == "SUCCESS" for row in order.fulfillments)
    left = [work for work in open_work(order) if work.remaining]
    if not left:
        return "FULFILLED" if is_begun else "UNFULFILLED"
    if is_begun:
        return "PARTIALLY_FULFILLED"
    for state in ("ON_HOLD", "SCHEDULED", "IN_PROGRESS"):
        if all(work.status == state for work in left):
            return state
    return "UNFULFILLED"


def returning(order: Order) -> str:
    found = {one.status for one in order.returns}
    if "OPEN" in found:
        return "IN_PROGRESS"
    if "REQUESTED" in found:
        return "RETURN_REQUESTED"
    return "RETURNED" if "CLOSED" in found else "NO_RETURN"


def shipped_units(order: Order, line: LineItem) -> int:
    return sum(
        row.quantity
        for parcel in order.fulfillments
        if parcel.status == "SUCCESS"
        for row in parcel.lines
        if row.line_item_id == line.id
    )


def unfulfilled_units(order: Order, line: LineItem) -> int:
    return sum(
        row.remaining
        for work in open_work(order)
        for row in work.lines
        if row.line_item_id == line.id
    )


def line_fulfillment(order: Order, line: LineItem) -> str | None:
    """As REST says it: "fulfilled", "partial", None."""
    if not shipped_units(order, line):
        return None
    return "partial" if unfulfilled_units(order, line) else "fulfilled"


def parcel(one: Fulfillment) -> str:
    """A FulfillmentDisplayStatus."""
    if one.status == "CANCELLED":
        return "CANCELED"
    return one.shipment or "FULFILLED"

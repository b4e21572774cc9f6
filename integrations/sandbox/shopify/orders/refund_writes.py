"""Mutations of refunds and returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations.sandbox.shopify.api.errors import refuse
from integrations.sandbox.shopify.api.resolving import Call, Fields, Resolver
from integrations.sandbox.shopify.ids import number_of
from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import (
    order_lists,
    parts,
    paying,
    refunding,
    returning,
    totals,
)
from integrations.sandbox.shopify.orders.models import Order, Transaction
from integrations.sandbox.shopify.orders.order_writes import changing
from integrations.sandbox.shopify.orders.refund_models import RefundDuty, Return, ReturnLine
from integrations.sandbox.shopify.orders.refusals import Impossible

Input = dict[str, Any]
Money = list[tuple[Transaction, Bag]]


# --- refunds --------------------------------------------------------------------------------------


def refund_create(_: Any, info: Any, *, input: Input) -> dict[str, Any]:
    """Amounts are in ``currency``, which must be named where the buyer paid in another than the
    shop's. Source: the ``currency`` of REST's Refund; RefundInput in the official schema.
    """
    call: Call = info.context
    with changing(call, number_of(input["orderId"], "Order"), "orderId") as (hand, order):
        currency = input.get("currency")
        if order.presentment_currency != order.currency and currency is None:
            raise Impossible("Currency must be provided for multi-currency orders", "currency")
        if currency not in (None, order.presentment_currency):
            raise Impossible("Currency must be the order's presentment currency", "currency")
        made = refunding.refund(hand, order, _plan(call, order, input))
    return {"refund": made, "order": order}


def _plan(call: Call, order: Order, given: Input) -> refunding.Plan:
    return refunding.Plan(
        units=[_units(call, order, place, row) for place, row in _rows(given, "refundLineItems")],
        shipping=_shipping(order, given.get("shipping")),
        duties=[_duty(order, given, place, row) for place, row in _rows(given, "refundDuties")],
        money=[_payment(order, place, row) for place, row in _rows(given, "transactions")],
        note=given.get("note"),
        allows_too_much=bool(given.get("allowOverRefunding")),
    )


def _rows(given: Input, name: str) -> list[tuple[int, Input]]:
    return list(enumerate(given.get(name) or ()))


def _units(call: Call, order: Order, place: int, row: Input) -> refunding.Units:
    number = number_of(row["lineItemId"], "LineItem")
    line = next((one for one in order.lines if one.id == number), None)
    if line is None:
        raise Impossible("Line item does not exist", "refundLineItems", place, "lineItemId")
    location_id = None
    if row.get("locationId"):
        location_id = number_of(row["locationId"], "Location")
        known = call.store.catalogue.locations.get(location_id)
        if known is None or not known.is_active:
            raise Impossible("Location does not exist", "refundLineItems", place, "locationId")
    return refunding.Units(
        line, row["quantity"], row.get("restockType") or "NO_RESTOCK", location_id
    )


def _shipping(order: Order, given: Input | None) -> Bag | None:
    if not given:
        return None
    if given.get("fullRefund"):
        return refunding.shipping_left(order)
    amount = given.get("amount")
    return None if amount is None else totals.shown_bag(order, amount)


def _duty(order: Order, given: Input, place: int, row: Input) -> RefundDuty:
    """In full, or for as many units of its line as go back."""
    number = number_of(row["dutyId"], "Duty")
    for line in order.lines:
        for duty in [one for one in line.duties if one.id == number]:
            if row.get("refundType") != "PROPORTIONAL":
                return RefundDuty(order.id, duty.id, duty.price)
            back = sum(
                one["quantity"]
                for _, one in _rows(given, "refundLineItems")
                if number_of(one["lineItemId"], "LineItem") == line.id
            )
            return RefundDuty(order.id, duty.id, duty.price.part(back, line.quantity))
    raise Impossible("Duty does not exist", "refundDuties", place, "dutyId")


def _payment(order: Order, place: int, row: Input) -> tuple[Transaction, Bag]:
    """Without a parent, the first payment of that gateway."""
    where = ("transactions", place)
    if row["kind"] != "REFUND":
        raise Impossible("Transaction kind must be refund", *where, "kind")
    parent_id = number_of(row["parentId"], "OrderTransaction") if row.get("parentId") else None
    for payment in paying.payments(order):
        if payment.id == parent_id or (parent_id is None and payment.gateway == row["gateway"]):
            return payment, totals.shown_bag(order, row["amount"])
    raise Impossible("Parent transaction does not exist", *where, "parentId")


# --- returns --------------------------------------------------------------------------------------


def return_create(_: Any, info: Any, *, return_input: Input) -> dict[str, Any]:
    call: Call = info.context
    number = number_of(return_input["orderId"], "Order")
    with changing(call, number, "returnInput", "orderId", code="NOT_FOUND") as (hand, order):
        rows = return_input["returnLineItems"]
        if not rows:
            raise Impossible("Return must have line items.", "returnLineItems", code="BLANK")
        asked = [_asked(order, place, row) for place, row in enumerate(rows)]
        made = returning.open_return(hand, order, asked)
    return {"return": made}


def _asked(order: Order, place: int, row: Input) -> returning.Asked:
    number = number_of(row["fulfillmentLineItemId"], "FulfillmentLineItem")
    try:
        line = returning.fulfillment_line(order, number)
    except KeyError as err:
        raise Impossible(
            "Fulfillment line item does not exist.",
            "returnLineItems",
            place,
            "fulfillmentLineItemId",
            code="NOT_FOUND",
        ) from err
    reason = row.get("returnReason") or "UNKNOWN"
    return returning.Asked(line, row["quantity"], reason, row.get("returnReasonNote") or "")


def return_process(_: Any, info: Any, *, input: Input) -> dict[str, Any]:
    call: Call = info.context
    one = _return(call, input["returnId"], "input", "returnId")
    transfer = (input.get("financialTransfer") or {}).get("issueRefund") or {}
    with changing(call, one.order_id, "returnId") as (hand, order):
        arrived = [
            _arrived(call, one, place, row) for place, row in _rows(input, "returnLineItems")
        ]
        if not arrived:
            raise Impossible("Nothing to process.", "returnLineItems", code="BLANK")
        returning.process(
            hand,
            order,
            one,
            arrived,
            _money(order, transfer.get("orderTransactions") or ()),
            note=input.get("note"),
            allows_too_much=bool(transfer.get("allowOverRefunding")),
        )
    return {"return": one}


def _arrived(call: Call, one: Return, place: int, row: Input) -> returning.Arrived:
    number = number_of(row["id"], "ReturnLineItem")
    line = next((known for known in one.lines if known.id == number), None)
    if line is None:
        raise Impossible(
            "Return line item does not exist.", "returnLineItems", place, "id", code="NOT_FOUND"
        )
    shelves = [_shelf(call, line, place, spot) for spot in row.get("dispositions") or ()]
    return returning.Arrived(line, row["quantity"], [shelf for shelf in shelves if shelf])


def _shelf(call: Call, line: ReturnLine, place: int, spot: Input) -> tuple[int, int] | None:
    """Where units are put back on sale; None for those that are not."""
    number = number_of(spot["reverseFulfillmentOrderLineItemId"], "ReverseFulfillmentOrderLineItem")
    if number != line.id:
        raise Impossible(
            "Reverse fulfillment order line item does not belong to the return line item.",
            "returnLineItems",
            place,
            "dispositions",
            code="INVALID",
        )
    if spot["dispositionType"] != "RESTOCKED":
        return None
    location_id = number_of(spot.get("locationId") or "", "Location")
    if location_id not in call.store.catalogue.locations:
        raise Impossible(
            "Location is required to restock.",
            "returnLineItems",
            place,
            "dispositions",
            code="BLANK",
        )
    return location_id, spot["quantity"]


def _money(order: Order, rows: Sequence[Input]) -> Money:
    found: Money = []
    for place, row in enumerate(rows):
        number = number_of(row["parentId"], "OrderTransaction")
        payment = next((one for one in paying.payments(order) if one.id == number), None)
        if payment is None:
            raise Impossible(
                "Parent transaction does not exist.",
                "financialTransfer",
                "issueRefund",
                "orderTransactions",
                place,
                code="NOT_FOUND",
            )
        amount = row["transactionAmount"]
        is_shop = amount["currencyCode"] == order.currency
        read = totals.bag if is_shop else totals.shown_bag
        found.append((payment, read(order, amount["amount"])))
    return found


def return_close(_: Any, info: Any, *, id: str) -> dict[str, Any]:
    one = _return(info.context, id, "id")
    with changing(info.context, one.order_id, "id") as (hand, order):
        returning.close(hand, order, one)
    return {"return": one}


def return_cancel(
    _: Any, info: Any, *, id: str, notify_customer: bool | None = None
) -> dict[str, Any]:
    one = _return(info.context, id, "id")
    with changing(info.context, one.order_id, "id") as (hand, order):
        returning.call_off(hand, order, one)
    return {"return": one}


def _return(call: Call, gid: str, *field: str) -> Return:
    found: Return | None = parts.find(call.store, "Return", number_of(gid, "Return"))
    if found is None or order_lists.seen(call, found.order_id) is None:
        raise refuse("Return does not exist.", *field, code="NOT_FOUND")
    return found


def _found(kind: str) -> Resolver:
    """One by its id, of an order the app may see."""

    def find(_: Any, info: Any, *, id: str) -> Any:
        found = parts.find(info.context.store, kind, number_of(id, kind))
        is_seen = found is not None and order_lists.seen(info.context, found.order_id) is not None
        return found if is_seen else None

    return find


FIELDS: Fields = {
    "QueryRoot": {"refund": _found("Refund"), "return": _found("Return")},
    "Mutation": {
        "refundCreate": refund_create,
        "returnCreate": return_create,
        "returnProcess": return_process,
        "returnClose": return_close,
        "returnCancel": return_cancel,
    },
}

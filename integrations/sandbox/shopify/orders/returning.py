"""Goods coming back: a return opened or asked for, processed bit by bit, closed or called off.

Source: returnCreate and returnProcess in the official schema of 2026-07. That a return whose units
are all processed closes by itself is our reading of "processes a return", not confirmed. The body
of returns/process is not published (its sample is empty), so that topic stays silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import refunding, totals
from integrations.sandbox.shopify.orders.fulfillment_models import FulfillmentLine
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import LineItem, Order, Transaction
from integrations.sandbox.shopify.orders.refund_models import Refund, Return, ReturnLine
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch

_LIVE = frozenset({"OPEN", "REQUESTED", "CLOSED"})


@dataclass(frozen=True, slots=True)
class Asked:
    row: FulfillmentLine
    quantity: int
    reason: str = "UNKNOWN"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """``restocks`` are (location, units) that can be sold again."""

    row: ReturnLine
    quantity: int
    restocks: Sequence[tuple[int, int]] = ()


def open_return(
    hand: Hand, order: Order, asked: Sequence[Asked], *, is_request: bool = False
) -> Return:
    """``is_request``: the buyer asks and nobody has agreed yet. Raises Impossible."""
    for place, one in enumerate(asked):
        if not 0 < one.quantity <= returnable(order, one.row):
            raise Impossible(
                "Return line item has an invalid quantity.",
                "returnLineItems",
                place,
                "quantity",
                code="INVALID",
            )
    made = Return(
        id=hand.number("Return"),
        order_id=order.id,
        name=f"{order.name}-R{len(order.returns) + 1}",
        status="REQUESTED" if is_request else "OPEN",
        created_at=hand.now,
        request_approved_at=None if is_request else hand.now,
        lines=[
            ReturnLine(
                id=hand.number("ReturnLineItem"),
                order_id=order.id,
                fulfillment_line_id=one.row.id,
                quantity=one.quantity,
                reason=one.reason,
                note=one.note,
            )
            for one in asked
        ],
    )
    order.returns.append(made)
    order.closed_at = None
    hand.tell("returns/request" if is_request else "returns/approve", made.id)
    touch(hand, order)
    return made


def process(
    hand: Hand,
    order: Order,
    one: Return,
    arrived: Sequence[Arrived],
    money: Sequence[tuple[Transaction, Bag]] = (),
    *,
    note: str | None = None,
    allows_too_much: bool = False,
) -> Refund:
    """What has arrived is taken out of the order, and money goes back where any is named. Raises
    Impossible.
    """
    if one.status != "OPEN":
        raise Impossible("Return is not open.", "returnId", code="INVALID_STATE")
    for place, come in enumerate(arrived):
        if not 0 < come.quantity <= come.row.quantity - come.row.processed:
            raise Impossible(
                "Return line item quantity is more than is left to process.",
                "returnLineItems",
                place,
                "quantity",
                code="INVALID",
            )
    units = [part for come in arrived for part in _units(order, come)]
    made = refunding.refund(
        hand,
        order,
        refunding.Plan(
            units=units,
            money=money,
            note=note,
            allows_too_much=allows_too_much,
            return_id=one.id,
        ),
    )
    for come in arrived:
        come.row.processed += come.quantity
        come.row.shelves += [(place, many) for place, many in come.restocks if many]
        if rest := come.quantity - sum(many for _, many in come.restocks):
            come.row.shelves.append((None, rest))
        come.row.refunded += come.quantity if money else 0
    if all(row.processed == row.quantity for row in one.lines):
        close(hand, order, one)
    return made


def _units(order: Order, come: Arrived) -> list[refunding.Units]:
    """Units that go back on a shelf, one entry for each shelf, and those that do not."""
    line = line_of(order, come.row)
    rows = [refunding.Units(line, many, "RETURN", place) for place, many in come.restocks if many]
    rest = come.quantity - sum(row.quantity for row in rows)
    if rest < 0:
        raise Impossible(
            "Dispositions name more units than are processed.", "returnLineItems", code="INVALID"
        )
    return [*rows, refunding.Units(line, rest)] if rest else rows


def close(hand: Hand, order: Order, one: Return) -> None:
    _end(hand, order, one, "CLOSED", "returns/close")


def call_off(hand: Hand, order: Order, one: Return) -> None:
    """Raises Impossible."""
    if any(row.processed for row in one.lines):
        raise Impossible("Return is not cancelable.", "id", code="INVALID_STATE")
    _end(hand, order, one, "CANCELED", "returns/cancel")


def approve(hand: Hand, order: Order, one: Return) -> None:
    """Raises Impossible."""
    if one.status != "REQUESTED":
        raise Impossible("Return is not requested.", "id", code="INVALID_STATE")
    one.status, one.request_approved_at = "OPEN", hand.now
    hand.tell("returns/approve", one.id)
    touch(hand, order)


def _end(hand: Hand, order: Order, one: Return, status: str, topic: str) -> None:
    if one.status not in ("OPEN", "REQUESTED"):
        raise Impossible("Return is not open.", "id", code="INVALID_STATE")
    one.status, one.closed_at = status, hand.now
    hand.tell(topic, one.id)
    touch(hand, order)


def returnable(order: Order, row: FulfillmentLine) -> int:
    """Units of a shipped line that no return has yet."""
    parcel = next(one for one in order.fulfillments if row in one.lines)
    if parcel.status != "SUCCESS":
        return 0
    return row.quantity - sum(
        line.quantity
        for one in order.returns
        if one.status in _LIVE
        for line in one.lines
        if line.fulfillment_line_id == row.id
    )


def worth(order: Order, one: Return) -> Bag:
    """What the buyer is owed once all that is announced is here."""
    units: dict[int, int] = {}
    for row in one.lines:
        line_id = line_of(order, row).id
        units[line_id] = units.get(line_id, 0) + row.quantity - row.processed
    parts = [totals.units(order, order.line(line_id), many) for line_id, many in units.items()]
    owed = [net if order.taxes_included else net + tax for net, tax in parts]
    return totals.added(order, owed)


def fulfillment_line(order: Order, number: int) -> FulfillmentLine:
    """Raises KeyError."""
    for parcel in order.fulfillments:
        for row in parcel.lines:
            if row.id == number:
                return row
    raise KeyError(number)


def line_of(order: Order, row: ReturnLine) -> LineItem:
    return order.line(fulfillment_line(order, row.fulfillment_line_id).line_item_id)

"""Refunds: units, shipping, duties and money given back, and what becomes of the goods.

Source: refundCreate and its inputs in the official schema of 2026-07. A unit refunded before it
was shipped leaves the work of its location; CANCEL puts it back on sale there, RETURN where the
refund says, NO_RESTOCK nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import paying, states, totals
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import LineItem, Order, Transaction
from integrations.sandbox.shopify.orders.refund_models import (
    Adjustment,
    Refund,
    RefundDuty,
    RefundLine,
    RefundShipping,
)
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch


@dataclass(frozen=True, slots=True)
class Units:
    """``location_id`` None: where the goods were to be shipped from."""

    line: LineItem
    quantity: int
    restock_type: str = "NO_RESTOCK"
    location_id: int | None = None


@dataclass(slots=True)
class Plan:
    """What is to be given back. ``shipping`` is an amount, ``money`` (payment, amount) each."""

    units: Sequence[Units] = ()
    shipping: Bag | None = None
    duties: Sequence[RefundDuty] = ()
    money: Sequence[tuple[Transaction, Bag]] = ()
    note: str | None = None
    allows_too_much: bool = False
    return_id: int | None = None


def refund(hand: Hand, order: Order, plan: Plan) -> Refund:
    """Raises Impossible."""
    _check(order, plan)
    made = Refund(hand.number("Refund"), order.id, hand.now, plan.note, return_id=plan.return_id)
    order.refunds.append(made)
    for units in plan.units:
        made.lines.append(_give_back(hand, order, units))
    if plan.shipping is not None and order.shipping_lines:
        made.shipping.append(_shipping(hand, order, plan.shipping))
    made.duties = list(plan.duties)
    for payment, amount in plan.money:
        made.transaction_ids.append(paying.give_back(hand, order, payment, amount).id)
    _adjust(hand, order, made)
    hand.tell("refunds/create", made.id)
    touch(hand, order)
    return made


def worth(order: Order, made: Refund) -> Bag:
    """What its lines, shipping and duties add up to, tax and all."""
    rows: list[RefundLine | RefundShipping] = [*made.lines, *made.shipping]
    subtotal = totals.added(order, (row.subtotal for row in rows))
    duties = totals.added(order, (row.amount for row in made.duties))
    tax = totals.added(order, (row.tax for row in rows))
    return subtotal + duties if order.taxes_included else subtotal + duties + tax


def paid_back(order: Order, made: Refund) -> Bag:
    return totals.added(
        order, (order.transaction(number).amount for number in made.transaction_ids)
    )


def spread(order: Order, amount: Bag) -> list[tuple[Transaction, Bag]]:
    """An amount over the payments it can be taken from, first to last."""
    rows, left = [], amount
    for payment in paying.payments(order):
        room = paying.refundable(order, payment)
        share = left if left.presentment.amount < room.presentment.amount else room
        if share.presentment.amount > 0:
            rows.append((payment, share))
            left = left - share
    return rows


def shipping_left(order: Order) -> Bag:
    return totals.current(order).shipping


def shipping_tax(order: Order, amount: Bag) -> Bag:
    """The tax on so much of the shipping."""
    full = totals.sold(order).shipping
    rows = [row.price for line in order.shipping_lines for row in line.tax_lines]
    if not full.shop.amount:
        return totals.nothing(order)
    return totals.added(order, rows).part(amount.shop.amount, full.shop.amount)


def duties_left(order: Order) -> list[RefundDuty]:
    rows = []
    for duty in totals.all_duties(order):
        back = totals.added(
            order,
            (
                row.amount
                for refund in order.refunds
                for row in refund.duties
                if row.duty_id == duty.id
            ),
        )
        if (left := duty.price - back).presentment.amount > 0:
            rows.append(RefundDuty(order.id, duty.id, left))
    return rows


# --- how ------------------------------------------------------------------------------------------


def _check(order: Order, plan: Plan) -> None:
    asked: dict[int, int] = {}
    for place, units in enumerate(plan.units):
        where = ("refundLineItems", place)
        asked[units.line.id] = asked.get(units.line.id, 0) + units.quantity
        if units.quantity < 1:
            raise Impossible("Quantity must be greater than 0", *where, "quantity")
        if asked[units.line.id] > totals.current_units(order, units.line):
            raise Impossible("Quantity cannot refund more items than were purchased", *where)
        open_units = states.unfulfilled_units(order, units.line)
        if units.restock_type == "CANCEL" and units.quantity > open_units:
            raise Impossible("Restock type cannot cancel fulfilled items", *where, "restockType")
        if units.restock_type == "LEGACY_RESTOCK":
            raise Impossible("Restock type is not accepted", *where, "restockType")
    if plan.shipping is not None and not _fits(plan.shipping, shipping_left(order)):
        raise Impossible("Shipping amount cannot be more than was paid for it", "shipping")
    left = {row.duty_id: row.amount for row in duties_left(order)}
    for place, row in enumerate(plan.duties):
        if not _fits(row.amount, left.get(row.duty_id, totals.nothing(order))):
            raise Impossible("Duty has been refunded already", "refundDuties", place)
    for place, (payment, amount) in enumerate(plan.money):
        room = paying.refundable(order, payment)
        if not plan.allows_too_much and not _fits(amount, room):
            raise Impossible(
                "Refund amount cannot be greater than the amount that is left to refund.",
                "transactions",
                place,
            )
    if not (plan.units or plan.shipping or plan.money or plan.duties):
        raise Impossible("Refund must have something to give back.")


def _fits(amount: Bag, room: Bag) -> bool:
    return Decimal(0) <= amount.presentment.amount <= room.presentment.amount


def _give_back(hand: Hand, order: Order, units: Units) -> RefundLine:
    subtotal, tax = totals.units(order, units.line, units.quantity)
    place = _leave_work(hand, order, units)
    location_id = units.location_id or place
    if units.restock_type == "RETURN" and location_id is not None:
        hand.restock(units.line, location_id, units.quantity)
    is_restocked = units.restock_type in ("CANCEL", "RETURN")
    return RefundLine(
        id=hand.number("RefundLineItem"),
        order_id=order.id,
        line_item_id=units.line.id,
        quantity=units.quantity,
        restock_type=units.restock_type,
        subtotal=subtotal,
        tax=tax,
        location_id=location_id if is_restocked else None,
        is_restocked=is_restocked and location_id is not None,
    )


def _leave_work(hand: Hand, order: Order, units: Units) -> int | None:
    """Unshipped units need no shipping any more; the place they were at."""
    if units.restock_type == "RETURN":
        return next((work.location_id for work in order.fulfillment_orders), None)
    found = take_from_work(order, units.line, units.quantity)
    for location_id, quantity in found:
        if units.restock_type == "CANCEL":
            hand.uncommit(units.line, location_id, quantity)
        else:
            hand.ship(units.line, location_id, quantity)
    return found[0][0] if found else None


def take_from_work(order: Order, line: LineItem, quantity: int) -> list[tuple[int, int]]:
    """(location, units) that were still to be shipped and are not any more."""
    found = []
    for work in states.open_work(order):
        for row in [one for one in work.lines if one.line_item_id == line.id]:
            taken = min(row.remaining, quantity)
            if taken:
                row.remaining, row.total = row.remaining - taken, row.total - taken
                quantity -= taken
                found.append((work.location_id, taken))
        if not work.remaining:
            work.status, work.holds = "CLOSED", []
    return found


def _shipping(hand: Hand, order: Order, amount: Bag) -> RefundShipping:
    return RefundShipping(
        hand.number("RefundShippingLine"),
        order.id,
        order.shipping_lines[0].id,
        subtotal=amount,
        tax=shipping_tax(order, amount),
    )


def _adjust(hand: Hand, order: Order, made: Refund) -> None:
    """Money that differs from what was given back is told apart."""
    gap = worth(order, made) - paid_back(order, made)
    if made.transaction_ids and gap.presentment.amount:
        made.adjustments.append(
            Adjustment(
                hand.number("OrderAdjustment"),
                order.id,
                gap,
                totals.nothing(order),
                "REFUND_DISCREPANCY",
            )
        )

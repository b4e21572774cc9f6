"""What a refund comes to, and how much may still be given back. Pure: reads rows, writes none.

A refund of units takes those that have not left first. A line's unit is worth its share of what the
line cost, with tax; the last unit takes what rounding left, and the order's last refund what the
rounding of the whole order left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from uuid import UUID

from logix.common.amounts import money, places_of
from orders.data import ZERO, ChargeKind, RefundLineData
from orders.errors import OrderError
from orders.models import Order, OrderLine, RefundRequest

# Smallest units: a difference beyond these is a plugin's doing.
_MOST_ROUNDED = Decimal(5)


@dataclass(frozen=True, slots=True)
class Sum:
    """``lines`` by the store's ids. ``left``: of each line, by our id, the units refunded that the
    buyer has, so that they may come back.
    """

    amount: Decimal
    lines: tuple[RefundLineData, ...]
    left: Mapping[UUID, int]
    shipping: Decimal
    shipping_tax: Decimal


@dataclass(frozen=True, slots=True)
class Room:
    """What may still be given back: money, of that for shipping, and units by our line's id."""

    amount: Decimal
    shipping: Decimal
    units: Mapping[UUID, int]


def counted(order: Order) -> list[RefundRequest]:
    """The order's requests that count: those on their way, and those the store shows still."""
    shown = set(order.refunds.values_list("external_id", flat=True))
    return [
        one
        for one in order.refund_requests.all()
        if one.state in RefundRequest.PENDING
        or (one.state == RefundRequest.State.DONE and one.external_id in shown)
    ]


def room_of(order: Order, lines: Mapping[UUID, OrderLine], asked: Sequence[RefundRequest]) -> Room:
    """``asked``: the requests that are ``counted``."""
    gone = _gone_units(lines, asked)
    pending = sum((one.amount for one in asked if _is_pending(one)), ZERO)
    return Room(
        amount=max(ZERO, order.paid_total - order.refunded_total - pending),
        shipping=max(ZERO, _shipping(order)[0] - sum((one.shipping for one in asked), ZERO)),
        units={pk: max(0, line.quantity - gone[pk]) for pk, line in lines.items()},
    )


def add_up(
    order: Order,
    lines: Mapping[UUID, OrderLine],
    asked: Sequence[RefundRequest],
    *,
    units: Mapping[UUID, int],
    shipping: Decimal,
    amount: Decimal | None,
) -> Sum:
    """The sum of a refund of ``units`` and ``shipping`` (with tax), or ``amount`` where somebody
    decided on another. Raises OrderError for what is not there to be given back.
    """
    room = room_of(order, lines, asked)
    places = places_of(order.currency)
    for told in (shipping, amount or ZERO):
        _check_amount(told, places, order.currency)
    gone = _gone_units(lines, asked)
    rows, left = [], {}
    for pk, count in units.items():
        line = lines.get(pk)
        _check_units(pk, line, count, room)
        assert line is not None  # noqa: S101 - checked just before
        before = gone[pk]
        worth = _share(line.total + line.tax, line, before, count, places)
        tax = _share(line.tax, line, before, count, places)
        rows.append(
            RefundLineData(
                line_external_id=line.external_id,
                quantity=count,
                amount=worth - tax,
                tax=tax,
            )
        )
        here = max(0, line.quantity - before - line.quantity_shipped)
        left[pk] = max(0, count - here)
    if shipping > room.shipping:
        raise OrderError(
            "too_much_shipping",
            f"At most {said(room.shipping, order)} of the shipping can be refunded.",
        )
    worth = sum((row.amount + row.tax for row in rows), ZERO) + shipping
    is_last = shipping >= _to_unit(room.shipping, places, ROUND_DOWN) and all(
        units.get(pk, 0) == most for pk, most in room.units.items()
    )
    missed = worth - room.amount
    is_near = worth and abs(missed) <= _rounded_away(order, lines, places)
    if is_near and (missed > 0 or is_last):
        worth = _to_unit(room.amount, places, ROUND_DOWN)
    total = worth if amount is None else amount
    if total <= 0:
        raise OrderError("nothing_to_refund", "Say what is to be refunded: units, or an amount.")
    if total > room.amount:
        raise OrderError(
            "too_much",
            f"{said(total, order)} asked for, and at most {said(room.amount, order)} can be "
            "refunded: what was paid, less what was refunded or is on its way.",
        )
    return Sum(total, tuple(rows), left, shipping, _shipping_tax(order, shipping, places))


def said(amount: Decimal, order: Order) -> str:
    """An amount as people read it."""
    return f"{money(amount, places_of(order.currency))} {order.currency}"


def _check_amount(amount: Decimal, places: int, currency: str) -> None:
    if not amount.is_finite() or amount < 0:
        raise OrderError("bad_amount", "An amount cannot be below zero.")
    if amount != round(amount, places):
        raise OrderError("bad_amount", f"{currency} has {places} decimals, and no more.")


def _check_units(pk: UUID, line: OrderLine | None, count: int, room: Room) -> None:
    if line is None:
        raise OrderError("unknown_line", f"Line {pk} is not part of this order.")
    if count < 1:
        raise OrderError("bad_quantity", "Refund at least one unit of a line.")
    if count > room.units[pk]:
        raise OrderError(
            "too_many",
            f"{line.sku or line.name}: {count} asked for, {room.units[pk]} left to refund.",
        )


def _share(whole: Decimal, line: OrderLine, before: int, count: int, places: int) -> Decimal:
    """What ``count`` units cost, of which ``before`` went back already."""

    def up_to(units: int) -> Decimal:
        return _to_unit(whole * units / line.quantity, places)

    return up_to(before + count) - up_to(before)


def _rounded_away(order: Order, lines: Mapping[UUID, OrderLine], places: int) -> Decimal:
    """By how much the smallest units of all parts may miss what was paid: a store that rounds at
    the total tells of parts that are no whole units, and of what they lack to it.
    """
    parts = [line.total + line.tax for line in lines.values()] + [_shipping(order)[0]]
    missed = sum((abs(part - _to_unit(part, places)) for part in parts), ZERO)
    is_rounding = abs(order.rounding) <= _MOST_ROUNDED.scaleb(-places)
    return missed + abs(order.rounding) if is_rounding else missed


def _shipping(order: Order) -> tuple[Decimal, Decimal]:
    """What shipping cost with tax, and its tax."""
    rows = [
        row
        for row in order.charges
        if row["kind"] == ChargeKind.SHIPPING and not row["informative"]
    ]
    tax = sum((Decimal(row["tax"]) for row in rows), ZERO)
    return sum((Decimal(row["amount"]) for row in rows), ZERO) + tax, tax


def _shipping_tax(order: Order, shipping: Decimal, places: int) -> Decimal:
    whole, tax = _shipping(order)
    if not shipping or not whole:
        return ZERO
    return _to_unit(tax * shipping / whole, places)


def _to_unit(amount: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), rounding)


def _gone_units(lines: Mapping[UUID, OrderLine], asked: Sequence[RefundRequest]) -> dict[UUID, int]:
    """Units given back or on their way. A list may show a refund of ours before an answer by id
    tells of which lines it is.
    """
    pending = _units_of(one for one in asked if _is_pending(one))
    shown = _units_of(one for one in asked if not _is_pending(one))
    return {
        pk: max(line.quantity_refunded, shown[line.external_id]) + pending[line.external_id]
        for pk, line in lines.items()
    }


def _is_pending(one: RefundRequest) -> bool:
    return one.state in RefundRequest.PENDING


def _units_of(asked: Iterable[RefundRequest]) -> Counter[str]:
    """Units by the store's id of their line."""
    found: Counter[str] = Counter()
    for one in asked:
        for row in one.lines:
            found[row["line"]] += row["quantity"]
    return found

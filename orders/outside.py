"""Having another store send an order, or part of it, from the warehouses its platform keeps: what
people ask for, and what ends it. How far it is, the store tells: ``outside_news``.

While it is under way its units are nobody's to pick here. What was reserved for them is free, and
is reserved again as soon as it is sure that they will not leave there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from inventory.models import Listing
from logix.common import bulk
from logix.common.crypto import SealBroken
from logix.common.ids import uuid7
from orders import privacy, shortage, signals
from orders.changing import change, lines_of, note, settle_stock, units_left
from orders.conflict_diff import place_of
from orders.data import Address
from orders.data_outside import OutsideLineData, OutsideOrder, Speed
from orders.errors import OrderError
from orders.lines import item_of
from orders.models import Order, OrderLine, OutsideFulfillment, OutsideLine
from orders.shipping import refuse_unless_shippable, units_to_ship
from orders.status import Flag, FulfillmentStatus, OrderStatus, PaymentStatus

State = OutsideFulfillment.State
# What a listing says of itself where its platform keeps the goods (``custom``).
KEPT = "fulfilled_by"
_PAID = frozenset({PaymentStatus.PAID, PaymentStatus.AUTHORIZED, PaymentStatus.PARTIALLY_REFUNDED})
LESS_WANTED = "less of the order is wanted"
# Of the 40 characters of a reference, what the order's number may take.
_NUMBER_IN_REFERENCE = 20


@dataclass(frozen=True, slots=True)
class Planned:
    """Units of a line, and the SKU that the store that sends knows it by."""

    line: OrderLine
    units: int
    sku: str


def plan(order: Order, store: Any, units: Mapping[UUID, int] | None = None) -> list[Planned]:
    """What ``store`` would be asked to send: ``units`` by order line, None for all that is left.
    Nothing is changed. Raises OrderError where it may not be, or the store has not all of it.
    """
    _refuse_unless_sendable(order, store)
    by_id = lines_of(order)
    wanted = units_to_ship(by_id, units)
    skus = _skus_there(store, [by_id[pk] for pk in wanted])
    strange = [by_id[pk].sku or by_id[pk].name for pk in wanted if pk not in skus]
    if strange:
        raise OrderError(
            "not_kept_there",
            f"{store} keeps no {', '.join(strange)} in its platform's warehouses. Link its listing "
            "there to the same product, or leave it out.",
        )
    return [Planned(by_id[pk], count, skus[pk]) for pk, count in wanted.items()]


def drawn_up(order: Order, planned: list[Planned]) -> OutsideOrder:
    """As a store is asked what sending it would cost. Raises OrderError."""
    lines = tuple(OutsideLineData(key=x.line.pk.hex, sku=x.sku, quantity=x.units) for x in planned)
    return _as_asked(order, "LGX-PREVIEW", lines)


def asked(fulfillment: OutsideFulfillment) -> OutsideOrder:
    """As its store is asked to send it, to where the order goes now. Raises OrderError."""
    lines = tuple(
        OutsideLineData(key=x.key, sku=x.sku, quantity=x.quantity) for x in fulfillment.lines.all()
    )
    return _as_asked(fulfillment.order, fulfillment.reference, lines, Speed(fulfillment.speed))


def request(
    order: Order,
    store: Any,
    *,
    units: Mapping[UUID, int] | None = None,
    speed: Speed = Speed.STANDARD,
    actor: str,
    request_id: str = "",
) -> OutsideFulfillment:
    """Have ``store`` asked to send it. Raises OrderError as ``plan`` does."""

    def ask(order: Order) -> OutsideFulfillment:
        planned = plan(order, store, units)
        _address_of(order)
        pk = uuid7()
        made = OutsideFulfillment.objects.create(
            id=pk,
            order=order,
            store=store,
            reference=_reference(order, pk),
            speed=speed,
            requested_by=actor,
        )
        by_id = lines_of(order)
        for one in planned:
            OutsideLine.objects.create(
                fulfillment=made, line_id=one.line.pk, sku=one.sku, quantity=one.units
            )
            by_id[one.line.pk].outside_quantity += one.units
        write_lines(by_id[one.line.pk] for one in planned)
        settle_stock(order, by_id, actor=actor, request_id=request_id)
        count = sum(one.units for one in planned)
        note(
            order,
            "outside_requested",
            f"Asked {store} to send {_units(count)}, {speed.value}",
            actor,
            data={"reference": made.reference},
            request_id=request_id,
        )
        signals.outside_requested.send(sender=OutsideFulfillment, fulfillment=made, actor=actor)
        return made

    return change(order, ask)


def cancel(
    fulfillment: OutsideFulfillment, *, actor: str, reason: str = "", request_id: str = ""
) -> OutsideFulfillment:
    """Have it called off at the store that sends it. Whether that came in time, the store says; one
    that is being called off is returned as it is. Raises OrderError when it is over.
    """

    def call_off(order: Order) -> OutsideFulfillment:
        found = lock(fulfillment.pk)
        if not found.is_open:
            raise OrderError(
                "outside_over", f"{found} is over: {found.get_state_display().lower()}."
            )
        start_calling_off(order, found, why=reason, actor=actor, request_id=request_id)
        found.refresh_from_db()
        return found

    return change(fulfillment.order, call_off)


def start_calling_off(
    order: Order,
    found: OutsideFulfillment,
    *,
    why: str,
    actor: str,
    request_id: str = "",
) -> None:
    """What the store that sends was never told of is over at once. Call it in a change of the
    order, or in the transaction that wrote it.
    """
    if found.state == State.CANCELLING:
        return
    found.state, found.problem = State.CANCELLING, ""
    found.save(update_fields=["state", "problem"])
    note(
        order,
        "outside_cancel_requested",
        f"Asked {found.store} not to send {found}{f': {why}' if why else ''}",
        actor,
        data={"reference": found.reference},
        request_id=request_id,
    )
    answers = signals.outside_cancel_requested.send(
        sender=OutsideFulfillment, fulfillment=found, actor=actor
    )
    if any(never_told for _, never_told in answers):
        end(order, found, State.CANCELLED, actor=actor, request_id=request_id)


def stop_if_unwanted(order: Order) -> None:
    """Call off what is to send more of the order than is wanted. Call it in a change of the
    order.
    """
    under_way = order.lines.filter(outside_quantity__gt=0)
    if any(units_left(line) < line.outside_quantity for line in under_way):
        stop_unwanted({order.pk: LESS_WANTED})


def stop_unwanted(order_ids: Mapping[UUID, str]) -> None:
    """What the orders' own stores do not want to be sent any more is called off, by order and why.
    Call it in the transaction that writes the orders.
    """
    rows = OutsideFulfillment.objects.open().filter(order__in=list(order_ids))
    for found in rows.select_related("order__store", "store"):
        why = order_ids[found.order_id]
        start_calling_off(found.order, found, why=why, actor="system")


def end(
    order: Order,
    found: OutsideFulfillment,
    state: str,
    *,
    problem: str = "",
    actor: str = "",
    request_id: str = "",
) -> None:
    """It is over: what has not left there is to be sent from here again. Call it in a change of the
    order.
    """
    by_id = {line.pk: line for line in order.lines.with_items()}
    back = 0
    for row in found.lines.all():
        rest = min(row.quantity - row.sent, by_id[row.line_id].outside_quantity)
        by_id[row.line_id].outside_quantity -= rest
        back += rest
    if back:
        write_lines(by_id[row.line_id] for row in found.lines.all())
        wanted = {pk: line for pk, line in by_id.items() if line.removed_at is None}
        short = settle_stock(order, wanted, actor=actor, request_id=request_id)
        shortage.record(short, timezone.now(), request_id=request_id)
    found.state, found.problem = state, problem
    found.ended_at, found.next_look_at = timezone.now(), None
    found.save(update_fields=["state", "problem", "ended_at", "next_look_at", "raw_status"])
    are = "is" if back == 1 else "are"
    rest_words = f" {_units(back)} {are} to be sent from here again." if back else ""
    note(
        order,
        "outside_ended",
        f"{found.store}: {found} {_ENDED[State(state)]}."
        f"{f' {problem}' if problem else ''}{rest_words}",
        actor,
        data={"reference": found.reference, "state": str(state), "units_back": back},
        request_id=request_id,
    )


def lock(pk: UUID) -> OutsideFulfillment:
    rows = OutsideFulfillment.objects.select_for_update(of=("self",)).select_related("store")
    return rows.get(pk=pk)


def write_lines(lines: Any) -> None:
    names = ("outside_quantity", "outside_shipped")
    bulk.update(OrderLine, [{"id": x.pk, **{n: getattr(x, n) for n in names}} for x in lines])


_ENDED = {
    State.SENT: "was sent",
    State.PARTLY_SENT: "was sent in part",
    State.REFUSED: "was refused",
    State.CANCELLED: "was called off",
}


def _units(count: int) -> str:
    return f"{count} unit{'' if count == 1 else 's'}"


def _refuse_unless_sendable(order: Order, store: Any) -> None:
    if store.merchant_id != order.merchant_id:
        raise OrderError("unknown_store", "This store belongs to somebody else.")
    if store.pk == order.store_id:
        raise OrderError("own_store", f"{store} is the order's own store.")
    refuse_unless_shippable(order)
    if order.order_status == OrderStatus.ON_HOLD:
        raise OrderError("on_hold", "The order is on hold. Release it first.")
    if order.payment_status not in _PAID:
        raise OrderError(
            "not_paid", "The order is not paid, or was refunded. Nothing is sent before it is paid."
        )
    in_progress = order.fulfillment_status == FulfillmentStatus.IN_PROGRESS
    if order.picking_since or in_progress:
        raise OrderError(
            "being_picked",
            "The order is being picked here. Take that back first, so that it is not sent twice.",
        )
    if Flag.DISPUTED in order.flag_set:
        raise OrderError("disputed", "The payment is disputed. Decide that first.")


def _skus_there(store: Any, lines: list[OrderLine]) -> dict[UUID, str]:
    """By line the SKU of a listing of ``store`` for the same item that its platform keeps."""
    items = {line.pk: item_of(line) for line in lines}
    wanted = {item for item in items.values() if item}
    rows = Listing.objects.filter(store_id=store.pk, gone_at=None).exclude(sku="")
    found: dict[UUID, str] = {}
    either = rows.filter(variant__in=wanted) | rows.filter(variant__counted_as__in=wanted)
    for variant, counted_as, sku, custom in either.order_by("sku").values_list(
        "variant_id", "variant__counted_as_id", "sku", "custom"
    ):
        if (custom or {}).get(KEPT):
            found.setdefault(counted_as or variant, sku)
    return {pk: found[item] for pk, item in items.items() if item in found}


def _as_asked(
    order: Order,
    reference: str,
    lines: tuple[OutsideLineData, ...],
    speed: Speed | None = None,
) -> OutsideOrder:
    return OutsideOrder(
        reference=reference,
        number=order.number,
        placed_at=order.placed_at,
        address=_address_of(order),
        lines=lines,
        speed=speed,
    )


def _address_of(order: Order) -> Address:
    """Raises OrderError."""
    if order.erased_at:
        raise OrderError("buyer_erased", "The buyer was erased, so nobody knows where it goes.")
    place = Address()
    if order.buyer_sealed:
        sealed, key = bytes(order.buyer_sealed), order.store.data_key_id
        try:
            buyer = privacy.open_buyer(key, order.store_id, order.external_id, sealed)
        except SealBroken as err:
            raise OrderError("address_unreadable", str(err)) from err
        place = place_of(buyer)
    if not (place.name or place.company) or not place.line1 or not place.country:
        raise OrderError(
            "address_missing",
            "The order has no complete address: a name, a street and a country are needed. "
            "Complete it in its store, and read the order again.",
        )
    return place


def _reference(order: Order, pk: UUID) -> str:
    """Unlike any other at the store that sends, whichever hub made that."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", order.number[:_NUMBER_IN_REFERENCE]).strip("-")
    return "-".join(filter(None, ("LGX", stem, pk.hex[-10:].upper())))

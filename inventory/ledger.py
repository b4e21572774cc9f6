"""The only writer of stock: levels, movements and reservations, each change with its cause, all in
one transaction.

Order lines come as ``Demand``: how much must be reserved and how much has left, in total. The
ledger compares that with what it already did for the line and writes the difference, so any
repetition or order of events ends the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from inventory import reserving
from inventory.book import Book, Held, read_held
from inventory.errors import LedgerConflict, LedgerRefused
from inventory.models import (
    Bucket,
    Location,
    MovementKind,
    Reservation,
    StockMovement,
    Variant,
)
from inventory.reserving import Demand
from logix.common.ids import uuid7

__all__ = [
    "Demand",
    "LedgerConflict",
    "LedgerRefused",
    "OpeningCount",
    "adjust",
    "erase_reasons",
    "open_counts",
    "restock",
    "settle",
]


@transaction.atomic
def settle(
    merchant_id: UUID, demands: Sequence[Demand], *, actor: str = "system", request_id: str = ""
) -> dict[UUID, int]:
    """Bring reservations and levels to what ``demands`` say, earlier orders first. What that frees
    goes to the orders that wait for it. Return the units that are short, by line (only > 0).

    Raises LedgerConflict when another transaction was faster.
    """
    held = read_held([d.line_ref for d in demands if not d.is_new])
    todo = [d for d in demands if not reserving.is_settled(d, held.get(d.line_ref, []))]
    if todo:
        variant_ids = {d.variant_id for d in todo}
        variant_ids |= {r.variant_id for d in todo for r in held.get(d.line_ref, [])}
        book = Book.open(merchant_id, variant_ids, actor=actor, request_id=request_id)
        for demand in sorted(todo, key=lambda d: d.placed_at):
            rows = held[demand.line_ref]
            book.know(rows)
            reserving.settle_line(book, demand, rows)
        reserving.serve_waiting(book)
        book.write()
    return _short_by_line(held)


@transaction.atomic
def adjust(
    *,
    variant: Variant,
    location: Location,
    delta: int | None = None,
    set_to: int | None = None,
    reason: str,
    actor: str,
    cause: str = "",
    request_id: str = "",
) -> StockMovement:
    """Change on-hand by ``delta``, or count it as ``set_to``. Reservations stay. Orders waiting for
    the item are served.

    The same ``cause`` twice changes stock once and returns the first movement. Raises
    LedgerRefused, LedgerConflict.
    """
    if (delta is None) == (set_to is None):
        raise LedgerRefused("Give either a change or a counted quantity, not both.")
    if set_to is not None and set_to < 0:
        raise LedgerRefused("A counted quantity cannot be below zero.")
    kind = MovementKind.COUNT if set_to is not None else MovementKind.ADJUSTMENT
    return _by_hand(
        kind,
        variant=variant,
        location=location,
        delta=delta,
        set_to=set_to,
        reason=reason,
        actor=actor,
        cause=cause or f"adjust:{uuid7()}",
        request_id=request_id,
    )


@transaction.atomic
def restock(
    *,
    variant: Variant,
    location: Location,
    units: int,
    cause: str,
    reason: str = "",
    order_ref: UUID | None = None,
    actor: str,
    request_id: str = "",
) -> StockMovement:
    """Put returned goods back on the shelf, because somebody decided so: a return alone moves no
    stock. ``cause`` names the return; twice the same restocks once. Raises LedgerRefused,
    LedgerConflict.
    """
    if units < 1:
        raise LedgerRefused("Restock at least one unit.")
    return _by_hand(
        MovementKind.RESTOCK,
        variant=variant,
        location=location,
        delta=units,
        reason=reason,
        order_ref=order_ref,
        actor=actor,
        cause=cause,
        request_id=request_id,
    )


def erase_reasons(order_ref: UUID) -> int:
    """Empty the words people wrote beside movements of an order: its buyer was erased, and people
    write names. What moved, when and by whom stays. Return how many.
    """
    said = StockMovement.objects.filter(order_ref=order_ref).exclude(reason="")
    return said.update(reason="")


def _by_hand(
    kind: MovementKind,
    *,
    variant: Variant,
    location: Location,
    delta: int | None,
    set_to: int | None = None,
    reason: str,
    order_ref: UUID | None = None,
    actor: str,
    cause: str,
    request_id: str,
) -> StockMovement:
    if variant.merchant_id != location.merchant_id:
        raise LedgerRefused("The product and the place belong to different merchants.")
    item_id = variant.stock_item_id
    # Whoever brings the same cause waits for the level's lock before looking for it.
    book = Book.open(variant.merchant_id, {item_id}, actor=actor, request_id=request_id)
    if done := StockMovement.objects.filter(cause=cause).first():
        return done
    level = book.level_at(item_id, location.pk)
    change = set_to - level.on_hand if set_to is not None else delta or 0
    book.count(level)
    pk = book.move(level, Bucket.ON_HAND, change, kind, cause, reason=reason, order_ref=order_ref)
    reserving.serve_waiting(book)
    book.write()
    return StockMovement.objects.get(pk=pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningCount:
    """A store's own figure for an item nobody has counted here yet, seen at ``seen_at``."""

    variant_id: UUID
    quantity: int
    seen_at: datetime


@transaction.atomic
def open_counts(
    merchant_id: UUID, counts: Sequence[OpeningCount], *, reason: str, actor: str = "system"
) -> int:
    """Adopt store figures as first count; return how many items were opened.

    A store's figure is already lowered by its open orders, ours is not: on hand = figure + what
    orders placed up to then still hold here.
    """
    by_variant = {c.variant_id: c for c in counts}
    book = Book.open(merchant_id, set(by_variant), actor=actor)
    fresh = {
        variant_id: count
        for variant_id, count in by_variant.items()
        if all(level.counted_at is None for level in book.levels_of(variant_id))
    }
    held: dict[UUID, int] = defaultdict(int)
    for variant_id, placed_at, quantity in Reservation.objects.filter(
        variant_id__in=fresh, quantity__gt=0
    ).values_list("variant_id", "placed_at", "quantity"):
        if placed_at <= fresh[variant_id].seen_at:
            held[variant_id] += quantity
    for variant_id, count in fresh.items():
        level = book.levels_of(variant_id)[0]
        book.count(level)
        book.move(
            level,
            Bucket.ON_HAND,
            count.quantity + held[variant_id] - level.on_hand,
            MovementKind.OPENING,
            f"opening:{level.id}",
            reason=reason,
        )
    reserving.serve_waiting(book)
    book.write()
    return len(fresh)


def _short_by_line(held: dict[UUID, list[Held]]) -> dict[UUID, int]:
    short = {line: sum(r.short for r in rows) for line, rows in held.items()}
    return {line: units for line, units in short.items() if units}

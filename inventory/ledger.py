"""The only writer of stock: levels, movements and reservations, each change with its cause, all in
one transaction.

Order lines come as ``Demand``: how much must be reserved and how much has left, in total. The
ledger compares that with what it already did for the line and writes the difference, so any
repetition or order of events ends the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction

from inventory import byhand, kits, reserving
from inventory.book import Book
from inventory.choosing import Orders
from inventory.data import MOST_UNITS
from inventory.entries import Held, Level, read_held
from inventory.errors import LedgerConflict, LedgerRefused
from inventory.kits import Recipe
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
    recipes = kits.recipes(d.variant_id for d in demands)
    lines = {d.line_ref: _parts(d, recipes.get(d.variant_id)) for d in demands}
    held = read_held([d.line_ref for d in demands if not d.is_new])
    todo = {
        line: wanted
        for line, wanted in lines.items()
        if not reserving.is_settled(wanted, held.get(line, []))
    }
    if todo:
        variant_ids = {d.variant_id for wanted in todo.values() for d in wanted}
        variant_ids |= {r.variant_id for line in todo for r in held.get(line, [])}
        book = Book.open(merchant_id, variant_ids, actor=actor, request_id=request_id)
        book.know_stores({wanted[0].store_id for wanted in todo.values()})
        if any(row.drawn for line in todo for row in held.get(line, ())):
            book.know_asides()
        orders = Orders.of(book, todo.values())
        for line, wanted in sorted(todo.items(), key=lambda one: one[1][0].placed_at):
            rows = held[line]
            book.know(rows)
            reserving.settle_line(book, wanted, rows, orders)
        reserving.serve_waiting(book, orders)
        book.write()
    return _short_by_line(held, {d.line_ref: recipes.get(d.variant_id, {}) for d in demands})


def _parts(demand: Demand, recipe: Recipe | None) -> list[Demand]:
    """What a line asks of stock: of a kit its parts."""
    if recipe is None:
        return [demand]
    return [
        replace(
            demand,
            variant_id=part,
            outstanding=demand.outstanding * units,
            shipped=demand.shipped * units,
            assigned={at: number * units for at, number in demand.assigned.items()},
        )
        for part, units in recipe.items()
    ]


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
    found = byhand.opened(variant, location, actor=actor, cause=cause, request_id=request_id)
    if isinstance(found, StockMovement):
        return found
    book, level = found
    change = set_to - level.on_hand if set_to is not None else delta or 0
    if change > 0 and level.on_hand + change > MOST_UNITS:
        raise LedgerRefused(f"No more than {MOST_UNITS} units of an item can lie at one place.")
    book.count(level)
    pk = book.move(level, Bucket.ON_HAND, change, kind, cause, reason=reason, order_ref=order_ref)
    reserving.serve_waiting(book)
    book.write()
    return StockMovement.objects.get(pk=pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningCount:
    """A store's own figure for an item nobody has counted here yet, seen at ``seen_at``. It is that
    of one place, or without ``location_id`` of all together. ``holds_open``: units that its open
    orders wait for are still in it.
    """

    variant_id: UUID
    quantity: int
    seen_at: datetime
    location_id: UUID | None = None
    holds_open: bool = False


@transaction.atomic
def open_counts(
    merchant_id: UUID, counts: Sequence[OpeningCount], *, reason: str, actor: str = "system"
) -> int:
    """Adopt store figures as first count; return how many were opened.

    Most stores' figures are lowered by their open orders already, ours is not: on hand = figure +
    what orders placed up to then still hold here.
    """
    assembled = kits.recipes(count.variant_id for count in counts)
    counts = [count for count in counts if count.variant_id not in assembled]
    book = Book.open(merchant_id, {c.variant_id for c in counts}, actor=actor)
    single = {(count.variant_id, count.location_id): count for count in counts}.values()
    fresh = [(level, count) for count in single if (level := _uncounted(book, count))]
    held: dict[tuple[UUID, UUID | None], list[tuple[datetime, int]]] = defaultdict(list)
    for variant_id, location_id, placed_at, quantity in Reservation.objects.filter(
        variant_id__in={count.variant_id for _, count in fresh}, quantity__gt=0
    ).values_list("variant_id", "location_id", "placed_at", "quantity"):
        for place in (location_id, None):
            held[variant_id, place].append((placed_at, quantity))
    for level, count in fresh:
        known = held[count.variant_id, count.location_id]
        taken = sum(units for placed_at, units in known if placed_at <= count.seen_at)
        taken = 0 if count.holds_open else taken
        book.count(level)
        book.move(
            level,
            Bucket.ON_HAND,
            count.quantity + taken - level.on_hand,
            MovementKind.OPENING,
            f"opening:{level.id}",
            reason=reason,
        )
    reserving.serve_waiting(book)
    book.write()
    return len(fresh)


def _uncounted(book: Book, count: OpeningCount) -> Level | None:
    """The level that a first count is of, None where there was one before."""
    if count.location_id:
        level = book.level_at(count.variant_id, count.location_id)
        return level if level.counted_at is None else None
    levels = book.levels_of(count.variant_id)
    return levels[0] if all(level.counted_at is None for level in levels) else None


def _short_by_line(held: dict[UUID, list[Held]], recipes: Mapping[UUID, Recipe]) -> dict[UUID, int]:
    """In units of the line: a kit is short as often as the part that it lacks most."""
    found = {}
    for line, rows in held.items():
        short: dict[UUID, int] = defaultdict(int)
        for row in rows:
            short[row.variant_id] += row.short
        recipe = recipes.get(line, {})
        units = max((-(-n // recipe.get(v, 1)) for v, n in short.items()), default=0)
        if units:
            found[line] = units
    return found

"""Where the units of an order are taken from, as its store wants it: one table of strategies. Looks
at an open book and changes nothing in it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F

from inventory.book import Book
from inventory.entries import Held, Level
from inventory.models import Reservation
from inventory.shelves import Strategy

if TYPE_CHECKING:
    from inventory.reserving import Demand

# An order of these is looked at as a whole, and never taken from a second place by the latter.
_WHOLE = frozenset({Strategy.SINGLE_OR_SPLIT, Strategy.NO_SPLIT})
# Why units are missing that may lie elsewhere, in words that follow “not on hand where”.
WHERE_ONLY: Mapping[Strategy, str] = {
    Strategy.PINNED: "its store wants it sent from",
    Strategy.NO_SPLIT: "all of the order is taken from",
}


@dataclass(slots=True)
class Orders:
    """The orders that are settled together, for those that are to come from one place.
    ``wanted``: all that is asked for of each; ``held``: units of it by place.
    """

    wanted: Mapping[UUID, Sequence[Demand]] = field(default_factory=dict)
    held: dict[UUID, Counter[UUID]] = field(default_factory=dict)
    chosen: dict[UUID, UUID | None] = field(default_factory=dict)

    @classmethod
    def of(cls, book: Book, lines: Iterable[Sequence[Demand]]) -> Orders:
        """One statement, only where a store wants its orders kept together."""
        wanted: dict[UUID, list[Demand]] = defaultdict(list)
        for demands in lines:
            if book.sources_of(demands[0].store_id).strategy in _WHOLE:
                wanted[demands[0].order_ref] += demands
        return cls(wanted, _held(book, wanted))

    def note(self, row: Held, place: UUID, units: int) -> None:
        """A waiting line was served: the rest of its order is to come from there as well."""
        self.held.setdefault(row.order_ref, Counter())[place] += units

    def place_of(self, book: Book, demand: Demand) -> UUID | None:
        """The place of a whole order: where it holds units already, else the one that has all of
        it; where orders are not split and none has, the one that has most.
        """
        order = demand.order_ref
        if order not in self.chosen:
            held = self.held.get(order)
            self.chosen[order] = (
                _most(held) if held else _best(book, self.wanted.get(order, [demand]))
            )
        return self.chosen[order]


def levels(
    book: Book, demand: Demand, counted: Sequence[Level], missing: int, orders: Orders
) -> list[Level]:
    """Of the ``counted`` levels, first choice first, those to take ``missing`` units from, one
    after the other; what they lack is short at the first. Never empty.
    """
    way = _WAYS[book.sources_of(demand.store_id).strategy]
    return way(book, demand, counted, missing, orders)


def for_waiting(book: Book, row: Held, orders: Orders) -> list[Level]:
    """Where a line that is short of something may be served from. What waits where it is bound to
    be sent from is served there alone.
    """
    there = book.levels_for(row.variant_id, row.store_id)
    strategy = book.sources_of(row.store_id).strategy
    if strategy is Strategy.PINNED:
        return _bound(book, row, row.location_id)
    if strategy is Strategy.MOST_STOCK:
        return _most_first(book, row.store_id, there)
    if strategy is Strategy.NO_SPLIT:
        held = orders.held.get(row.order_ref)
        if held:
            return _bound(book, row, _most(held))
        return _most_first(book, row.store_id, there, up_to=row.short)[:1]
    return there


def free(book: Book, level: Level, store_id: UUID) -> int:
    """Units to be had there. A place that is closed has none, also for what is bound to it."""
    bound = book.sources_of(store_id).strategy in WHERE_ONLY
    if bound and not book.open_places([level.location_id]):
        return 0
    return max(0, book.free_for(level, store_id))


def _bound(book: Book, row: Held, place: UUID) -> list[Level]:
    return [book.level_at(row.variant_id, at) for at in book.open_places([place])]


def know_waiting(book: Book, lines: Iterable[Sequence[Held]], orders: Orders) -> None:
    """Where orders that are not split hold units by now. One statement, only where some wait."""
    waiting = {rows[0].order_ref: rows[0].store_id for rows in lines}
    whole = [
        order
        for order, store_id in waiting.items()
        if book.sources_of(store_id).strategy is Strategy.NO_SPLIT
    ]
    orders.held |= _held(book, whole)


def _ranked(
    book: Book, demand: Demand, counted: Sequence[Level], missing: int, orders: Orders
) -> list[Level]:
    enough = [x for x in counted if book.free_for(x, demand.store_id) >= missing]
    return enough[:1] or list(counted)


def _most_stock(
    book: Book, demand: Demand, counted: Sequence[Level], missing: int, orders: Orders
) -> list[Level]:
    return _most_first(book, demand.store_id, counted)


def _single_or_split(
    book: Book, demand: Demand, counted: Sequence[Level], missing: int, orders: Orders
) -> list[Level]:
    place = orders.place_of(book, demand)
    first = [x for x in counted if x.location_id == place]
    rest = [x for x in counted if x.location_id != place]
    if first and book.free_for(first[0], demand.store_id) < missing:
        return [*first, *rest]
    return first or _ranked(book, demand, counted, missing, orders)


def _pinned(
    book: Book, demand: Demand, counted: Sequence[Level], missing: int, orders: Orders
) -> list[Level]:
    places = named(book, demand)
    if not places:
        return _ranked(book, demand, counted, missing, orders)
    at_open = book.open_places(places) or places
    return [book.level_at(demand.variant_id, place) for place in at_open]


def _no_split(
    book: Book, demand: Demand, counted: Sequence[Level], missing: int, orders: Orders
) -> list[Level]:
    place = orders.place_of(book, demand) or counted[0].location_id
    return [book.level_at(demand.variant_id, place)]


_Way = Callable[["Book", "Demand", Sequence[Level], int, Orders], list[Level]]
_WAYS: Mapping[Strategy, _Way] = {
    Strategy.RANKED: _ranked,
    Strategy.MOST_STOCK: _most_stock,
    Strategy.SINGLE_OR_SPLIT: _single_or_split,
    Strategy.PINNED: _pinned,
    Strategy.NO_SPLIT: _no_split,
}


def named(book: Book, demand: Demand) -> list[UUID]:
    """Our places that stand where the store wants it sent from, where it says."""
    at = book.sources_of(demand.store_id).at
    return [place for told in demand.assigned for place in at.get(told, ())]


def _most_first(
    book: Book, store_id: UUID, found: Sequence[Level], *, up_to: int | None = None
) -> list[Level]:
    def fewest_last(level: Level) -> int:
        units = book.free_for(level, store_id)
        return -(units if up_to is None else min(units, up_to))

    return sorted(found, key=fewest_last)


def _best(book: Book, wanted: Sequence[Demand]) -> UUID | None:
    """The place that has most of an order, of equal ones where the store wants it sent from, then
    by order of choice. None where none has all of it, and it may be split.
    """
    store_id = wanted[0].store_id
    need: Counter[UUID] = Counter()
    at_named: Counter[UUID] = Counter()
    for demand in wanted:
        need[demand.variant_id] += demand.outstanding
        at_named.update(named(book, demand))
    has: Counter[UUID] = Counter()
    rank: dict[UUID, int] = {}
    for item, units in need.items():
        for level in book.levels_for(item, store_id):
            rank.setdefault(level.location_id, len(rank))
            has[level.location_id] += min(units, max(0, book.free_for(level, store_id)))
    best = max(rank, key=lambda place: (has[place], at_named[place], -rank[place]))
    if book.sources_of(store_id).strategy is Strategy.NO_SPLIT:
        return best
    return best if has[best] == need.total() else None


def _most(held: Counter[UUID]) -> UUID:
    return held.most_common(1)[0][0]


def _held(book: Book, orders: Iterable[UUID]) -> dict[UUID, Counter[UUID]]:
    """Units of these orders by place, reserved and gone, as the book has them now."""
    found: dict[UUID, Counter[UUID]] = {}
    wanted = set(orders)
    if not wanted:
        return found
    rows = Reservation.objects.filter(order_ref__in=wanted).annotate(
        units=F("quantity") + F("shipped")
    )
    stored = rows.values_list("pk", "order_ref", "location_id", "units")
    now = {pk: (order, place, units) for pk, order, place, units in stored}
    for row in book.rows.values():
        if row.order_ref in wanted:
            now[row.id] = (row.order_ref, row.location_id, row.quantity + row.shipped)
    for order, place, units in now.values():
        if units > 0:
            found.setdefault(order, Counter())[place] += units
    return found

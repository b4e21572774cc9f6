"""How the units of one order line are reserved, shipped and given back, and who is served when
units become free. Works on an open book; writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from inventory import choosing
from inventory.book import Book
from inventory.choosing import Orders
from inventory.entries import Held, Level
from inventory.shelves import Strategy
from logix.common.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one order line asks of one stock item: ``outstanding`` units still to be reserved and
    ``shipped`` units gone, both in total, not as changes. ``location_id`` is where the units that
    leave now were taken from, if known. ``assigned``: units by the store's location that is to send
    them, where it says; ``is_moved``: it says otherwise than before. ``is_new``: the line was made
    in this transaction, so it holds nothing yet.
    """

    line_ref: UUID
    order_ref: UUID
    store_id: UUID
    variant_id: UUID
    outstanding: int
    shipped: int
    placed_at: datetime
    expires_at: datetime | None = None
    location_id: UUID | None = None
    assigned: Mapping[str, int] = field(default_factory=dict)
    is_moved: bool = False
    is_new: bool = False


def is_settled(demands: Sequence[Demand], rows: Sequence[Held]) -> bool:
    """Whether the rows of a line already say what its demands say."""
    wanted = {d.variant_id for d in demands}
    return all(r.variant_id in wanted or not (r.quantity or r.short) for r in rows) and all(
        _is_item_settled(d, _counting(d, demands, rows)) for d in demands
    )


def _is_item_settled(demand: Demand, rows: Sequence[Held]) -> bool:
    return (
        not demand.is_moved
        and sum(r.shipped for r in rows) == demand.shipped
        and sum(r.quantity + r.short for r in rows) == demand.outstanding
        and all(r.expires_at == demand.expires_at for r in rows if r.quantity or r.short)
    )


def settle_line(book: Book, demands: Sequence[Demand], rows: list[Held], orders: Orders) -> None:
    """Bring a line to its demands: one, or one for each part of a kit. ``rows`` are all it has; new
    ones are appended. ``orders``: those that are settled together.
    """
    wanted = {d.variant_id for d in demands}
    for row in rows:
        if row.variant_id not in wanted:
            _give_back(book, [row], row.quantity + row.short)
    for demand in demands:
        _settle_item(book, demand, rows, _counting(demand, demands, rows), orders)


def _counting(demand: Demand, demands: Sequence[Demand], rows: Sequence[Held]) -> list[Held]:
    """The rows whose shipped units count for a demand: what left of a line under another product
    before is gone all the same; of a kit each part counts for itself.
    """
    return [r for r in rows if len(demands) == 1 or r.variant_id == demand.variant_id]


def _settle_item(
    book: Book, demand: Demand, rows: list[Held], counting: list[Held], orders: Orders
) -> None:
    mine = [r for r in rows if r.variant_id == demand.variant_id]
    mine.sort(key=lambda row: book.places[row.location_id].order)
    _settle_shipped(book, demand, rows, mine, counting)
    strategy = book.sources_of(demand.store_id).strategy
    if demand.is_moved and strategy is Strategy.PINNED:
        _leave(book, demand, mine)
    excess = sum(r.quantity + r.short for r in mine) - demand.outstanding
    if excess > 0:
        _give_back(book, mine, excess)
    elif excess < 0:
        _reserve(book, demand, rows, mine, -excess, orders)
    if demand.is_moved and strategy is not Strategy.NO_SPLIT:
        _follow(book, demand, rows, mine)
    for row in mine:
        if (row.quantity or row.short) and row.expires_at != demand.expires_at:
            row.expires_at = demand.expires_at
            book.touch(row)


def serve_waiting(book: Book, orders: Orders | None = None) -> None:
    """Give what became free to the lines that are short of it, oldest order first, wherever its
    store's orders may take it from.
    """
    grown = book.grown()
    if not grown:
        return
    waiting = book.waiting(grown)
    book.know_stores({rows[0].store_id for rows in waiting.values()})
    orders = orders or Orders()
    choosing.know_waiting(book, waiting.values(), orders)
    for rows in sorted(waiting.values(), key=lambda rows: (rows[0].placed_at, rows[0].id)):
        for row in [r for r in rows if r.short]:
            for level in choosing.for_waiting(book, row, orders):
                take = min(row.short, max(0, book.free_for(level, row.store_id)))
                if take:
                    book.wait(row, -take)
                    book.reserve(_row_at(book, row, level.location_id, rows), take)
                    orders.note(row, level.location_id, take)


def _settle_shipped(
    book: Book, demand: Demand, rows: list[Held], mine: list[Held], counting: Sequence[Held]
) -> None:
    """Take what left from the place it left from; where that is not known, from what was reserved,
    first where more is reserved than is still to be sent from there. What nothing was reserved for
    is taken as well: it is gone. What is back lies where it left from, else where units left last.
    """
    change = demand.shipped - sum(r.shipped for r in counting)
    if change < 0:
        last_first = list(reversed(counting))
        last_first.sort(key=lambda row: row.location_id != demand.location_id)
        for row in last_first:
            if units := min(-change, row.shipped):
                book.unship(row, units)
                change += units
        return
    for row, most in (*_beyond(book, demand, mine), *((row, row.quantity) for row in mine)):
        units = min(change, most, row.quantity)
        if units > 0 and demand.location_id in (None, row.location_id):
            book.ship(row, units, from_reserved=True)
            change -= units
    if change > 0:
        place = demand.location_id or (
            mine[0].location_id
            if mine
            else book.levels_for(demand.variant_id, demand.store_id)[0].location_id
        )
        row = _row_for(book, demand, place, rows, mine)
        book.ship(row, change, from_reserved=False)


def _give_back(book: Book, rows: Sequence[Held], units: int) -> None:
    """What nobody has yet is given up first, then what is held, the last choice first."""
    for row in rows:
        if part := min(units, row.short):
            book.wait(row, -part)
            units -= part
    for row in reversed(rows):
        if part := min(units, row.quantity):
            book.release(row, part)
            units -= part


def _reserve(
    book: Book,
    demand: Demand,
    rows: list[Held],
    mine: list[Held],
    missing: int,
    orders: Orders,
) -> None:
    """Take what is free where the store wants it sent from, then as its strategy says; the rest is
    short and the order is never refused.
    """
    whole = book.sources_of(demand.store_id).strategy is Strategy.NO_SPLIT
    for places, units in () if whole else _assigned(book, demand):
        lacking = min(missing, units - _held_at(mine, places))
        for level, take in _free_at(book, demand, places, lacking):
            book.reserve(_row_for(book, demand, level.location_id, rows, mine), take)
            missing -= take
    if not missing:
        return
    levels = book.levels_for(demand.variant_id, demand.store_id)
    counted = [level for level in levels if level.counted_at is not None]
    if not counted:
        place = (orders.place_of(book, demand) if whole else None) or levels[0].location_id
        book.reserve(_row_for(book, demand, place, rows, mine), missing)
        return
    chosen = choosing.levels(book, demand, counted, missing, orders)
    for level in chosen:
        take = min(missing, choosing.free(book, level, demand.store_id))
        if take:
            book.reserve(_row_for(book, demand, level.location_id, rows, mine), take)
            missing -= take
    if missing:
        book.wait(_row_for(book, demand, chosen[0].location_id, rows, mine), missing)


def _leave(book: Book, demand: Demand, mine: Sequence[Held]) -> None:
    """Of a line that is only sent from where the store says, which says otherwise now: what it held
    and waited for elsewhere is given up, and reserved anew.
    """
    places = choosing.named(book, demand)
    for row, most in _beyond(book, demand, mine):
        book.release(row, most)
    for row in mine if places else ():
        if row.short and row.location_id not in places:
            book.wait(row, -row.short)


def _follow(book: Book, demand: Demand, rows: list[Held], mine: list[Held]) -> None:
    """The store sends from other locations than before: units move there as far as they are free
    there.
    """
    for places, units in _assigned(book, demand):
        for level, take in _free_at(book, demand, places, units - _held_at(mine, places)):
            left = take
            for row, most in _beyond(book, demand, mine):
                part = min(left, most)
                if part:
                    book.release(row, part)
                    book.reserve(_row_for(book, demand, level.location_id, rows, mine), part)
                    left -= part


def _assigned(book: Book, demand: Demand) -> list[tuple[tuple[UUID, ...], int]]:
    """Our places that stand at a location of the store, and the units it wants sent from there."""
    if not demand.assigned:
        return []
    at = book.sources_of(demand.store_id).at
    return [(at[told], units) for told, units in demand.assigned.items() if told in at]


def _held_at(mine: Sequence[Held], places: Sequence[UUID]) -> int:
    return sum(row.quantity for row in mine if row.location_id in places)


def _beyond(book: Book, demand: Demand, mine: Sequence[Held]) -> list[tuple[Held, int]]:
    """What is held at places beyond what is to be sent from there, where the store says."""
    assigned = _assigned(book, demand)
    if not assigned:
        return []
    found = []
    left = dict(assigned)
    for row in mine:
        places = next((x for x in left if row.location_id in x), None)
        kept = min(row.quantity, left[places]) if places else 0
        if places:
            left[places] -= kept
        if row.quantity > kept:
            found.append((row, row.quantity - kept))
    return found


def _free_at(
    book: Book, demand: Demand, places: Sequence[UUID], units: int
) -> list[tuple[Level, int]]:
    """Where to take ``units`` from, as far as they are there; a place nobody has counted has what
    the store says.
    """
    found = []
    for place in book.open_places(places):
        level = book.level_at(demand.variant_id, place)
        free = book.free_for(level, demand.store_id)
        take = units if level.counted_at is None else min(units, free)
        if take > 0:
            found.append((level, take))
            units -= take
    return found


def _row_for(
    book: Book, demand: Demand, location_id: UUID, rows: list[Held], mine: list[Held]
) -> Held:
    for row in mine:
        if row.location_id == location_id:
            return row
    row = Held(
        id=uuid7(),
        store_id=demand.store_id,
        order_ref=demand.order_ref,
        line_ref=demand.line_ref,
        variant_id=demand.variant_id,
        location_id=location_id,
        placed_at=demand.placed_at,
        expires_at=demand.expires_at,
    )
    rows.append(row)
    mine.append(row)
    return book.add(row)


def _row_at(book: Book, like: Held, location_id: UUID, rows: list[Held]) -> Held:
    """The same line's row at another place."""
    for row in rows:
        if row.location_id == location_id and row.variant_id == like.variant_id:
            return row
    row = Held(
        id=uuid7(),
        store_id=like.store_id,
        order_ref=like.order_ref,
        line_ref=like.line_ref,
        variant_id=like.variant_id,
        location_id=location_id,
        placed_at=like.placed_at,
        expires_at=like.expires_at,
    )
    rows.append(row)
    return book.add(row)

"""How the units of one order line are reserved, shipped and given back, and who is served when
units become free. Works on an open book; writes nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inventory.book import Book, Held
from logix.common.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one order line asks of one stock item: ``outstanding`` units still to be reserved and
    ``shipped`` units gone, both in total, not as changes. ``location_id`` is where the units that
    leave now were taken from, if known. ``is_new``: the line was made in this transaction, so it
    holds nothing yet.
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
    is_new: bool = False


def is_settled(demand: Demand, rows: Sequence[Held]) -> bool:
    """Whether the rows of the line already say what ``demand`` says."""
    return (
        sum(r.shipped for r in rows) == demand.shipped
        and sum(r.quantity + r.short for r in rows) == demand.outstanding
        and all(r.variant_id == demand.variant_id or not (r.quantity or r.short) for r in rows)
        and all(r.expires_at == demand.expires_at for r in rows if r.quantity or r.short)
    )


def settle_line(book: Book, demand: Demand, rows: list[Held]) -> None:
    """Bring a line to its demand. ``rows`` are all it has; new ones are appended."""
    for row in rows:
        if row.variant_id != demand.variant_id:
            _give_back(book, [row], row.quantity + row.short)
    mine = [r for r in rows if r.variant_id == demand.variant_id]
    mine.sort(key=lambda row: book.places[row.location_id].order)
    _settle_shipped(book, demand, rows, mine)
    excess = sum(r.quantity + r.short for r in mine) - demand.outstanding
    if excess > 0:
        _give_back(book, mine, excess)
    elif excess < 0:
        _reserve(book, demand, rows, mine, -excess)
    for row in mine:
        if (row.quantity or row.short) and row.expires_at != demand.expires_at:
            row.expires_at = demand.expires_at
            book.touch(row)


def serve_waiting(book: Book) -> None:
    """Give what became free to the lines that are short of it, oldest order first, wherever it
    lies.
    """
    grown = book.grown()
    if not grown:
        return
    waiting = book.waiting(grown)
    for rows in sorted(waiting.values(), key=lambda rows: (rows[0].placed_at, rows[0].id)):
        for row in [r for r in rows if r.short]:
            for level in book.levels_of(row.variant_id):
                take = min(row.short, max(0, level.free))
                if take:
                    book.wait(row, -take)
                    book.reserve(_row_at(book, row, level.location_id, rows), take)


def _settle_shipped(book: Book, demand: Demand, rows: list[Held], mine: list[Held]) -> None:
    """Take what left from the place it left from; where that is not known, from what was reserved.
    What nothing was reserved for is taken as well: it is gone.
    """
    change = demand.shipped - sum(r.shipped for r in rows)
    if change < 0:
        for row in reversed(rows):
            if units := min(-change, row.shipped):
                book.unship(row, units)
                change += units
        return
    for row in mine:
        if demand.location_id in (None, row.location_id) and (units := min(change, row.quantity)):
            book.ship(row, units, from_reserved=True)
            change -= units
    if change > 0:
        place = demand.location_id or (
            mine[0].location_id if mine else book.levels_of(demand.variant_id)[0].location_id
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


def _reserve(book: Book, demand: Demand, rows: list[Held], mine: list[Held], missing: int) -> None:
    """Take what is free, one place if one has enough, else by rank; the rest is short and the order
    is never refused.
    """
    levels = book.levels_of(demand.variant_id)
    counted = [level for level in levels if level.counted_at is not None]
    if not counted:
        book.reserve(_row_for(book, demand, levels[0].location_id, rows, mine), missing)
        return
    enough = [level for level in counted if level.free >= missing]
    for level in enough[:1] or counted:
        take = min(missing, max(0, level.free))
        if take:
            book.reserve(_row_for(book, demand, level.location_id, rows, mine), take)
            missing -= take
    if missing:
        book.wait(_row_for(book, demand, counted[0].location_id, rows, mine), missing)


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

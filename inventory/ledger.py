"""The only writer of stock: levels, movements and reservations, each change with its cause, all in
one transaction.

Order lines come as ``Demand``: how much must be reserved and how much has left, in total. The
ledger compares that with what it already did for the line and writes the difference, so any
repetition or order of events ends the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from inventory import locations, signals
from inventory.models import (
    Bucket,
    Location,
    MovementKind,
    Reservation,
    StockLevel,
    StockMovement,
    Variant,
)
from logix.common import bulk
from logix.common.ids import uuid7


class LedgerConflict(Exception):
    """Another transaction changed the same stock first. Nothing was written; run the whole
    transaction again.
    """


class LedgerRefused(Exception):
    """A hand adjustment that cannot be done, with the reason for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one order line asks of one stock item: ``outstanding`` units still to be reserved and
    ``shipped`` units gone, both in total, not as changes. ``location_id`` is where the shipped
    units were taken from, if known.
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


@transaction.atomic
def settle(
    merchant_id: UUID, demands: Sequence[Demand], *, actor: str = "system", request_id: str = ""
) -> dict[UUID, int]:
    """Bring reservations and levels to what ``demands`` say. Return the units that are short, by
    line (only > 0).

    Raises LedgerConflict when another transaction was faster.
    """
    held = _held_by_line(demands)
    open_demands = [d for d in demands if not _is_settled(d, held.get(d.line_ref, []))]
    if not open_demands:
        return _short_by_line(held)
    variant_ids = {d.variant_id for d in open_demands}
    variant_ids |= {r.variant_id for d in open_demands for r in held.get(d.line_ref, [])}
    book = _Book.open(merchant_id, variant_ids, actor=actor, request_id=request_id)
    for demand in open_demands:
        rows = held.setdefault(demand.line_ref, [])
        for row in rows:
            if row.variant_id != demand.variant_id:
                book.release(row, row.quantity + row.short)
        _settle_line(book, demand, rows)
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
    cause = cause or f"adjust:{uuid7()}"
    done = StockMovement.objects.filter(cause=cause).first()
    if done:
        return done
    item_id = variant.stock_item_id
    book = _Book.open(variant.merchant_id, {item_id}, actor=actor, request_id=request_id)
    level = book.level_at(item_id, location.pk)
    kind = MovementKind.COUNT if set_to is not None else MovementKind.ADJUSTMENT
    change = set_to - level.on_hand if set_to is not None else delta or 0
    if level.counted_at is None:
        level.counted_at = book.now
    book.move(level, Bucket.ON_HAND, change, kind, cause, reason=reason)
    _serve_waiting(book, item_id)
    book.write()
    return StockMovement.objects.get(cause=cause)


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
    book = _Book.open(merchant_id, set(by_variant), actor=actor)
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
        target = count.quantity + held[variant_id]
        level.counted_at = book.now
        book.move(
            level,
            Bucket.ON_HAND,
            target - level.on_hand,
            MovementKind.OPENING,
            f"opening:{level.pk}",
            reason=reason,
        )
    book.write()
    return len(fresh)


def _settle_line(book: _Book, demand: Demand, rows: list[Reservation]) -> None:
    mine = [r for r in rows if r.variant_id == demand.variant_id]
    _settle_shipped(book, demand, rows, mine)
    waiting = sum(r.quantity + r.short for r in mine)
    for row in reversed(mine):
        excess = waiting - demand.outstanding
        if excess <= 0:
            break
        waiting -= book.release(row, excess)
    missing = demand.outstanding - waiting
    if missing > 0:
        _reserve(book, demand, rows, missing)
    for row in mine:
        row.expires_at = demand.expires_at


def _settle_shipped(
    book: _Book, demand: Demand, rows: list[Reservation], mine: list[Reservation]
) -> None:
    change = demand.shipped - sum(r.shipped for r in rows)
    if change < 0:
        for row in reversed(rows):
            change += book.unship(row, min(-change, row.shipped))
        return
    for row in sorted(mine, key=lambda r: r.location_id != demand.location_id):
        if change and row.quantity:
            change -= book.ship(row, min(change, row.quantity), from_reserved=True)
    if change > 0:
        row = _row_for_rest(book, demand, rows, mine)
        row.short = max(0, row.short - change)
        book.ship(row, change, from_reserved=False)


def _row_for_rest(
    book: _Book, demand: Demand, rows: list[Reservation], mine: list[Reservation]
) -> Reservation:
    """The row that takes shipped units nothing was reserved for: at the given place, else where the
    line already is.
    """
    location_id = demand.location_id or (
        mine[0].location_id if mine else book.levels_of(demand.variant_id)[0].location_id
    )
    for row in mine:
        if row.location_id == location_id:
            return row
    row = book.new_row(demand, location_id)
    rows.append(row)
    mine.append(row)
    return row


def _reserve(book: _Book, demand: Demand, rows: list[Reservation], missing: int) -> None:
    """Take what is free, one place if one has enough, else by rank; the rest is short and the order
    is never refused.
    """
    by_place = {r.location_id: r for r in rows if r.variant_id == demand.variant_id}

    def row_at(location_id: UUID) -> Reservation:
        if location_id not in by_place:
            by_place[location_id] = book.new_row(demand, location_id)
            rows.append(by_place[location_id])
        return by_place[location_id]

    levels = book.levels_of(demand.variant_id)
    counted = [level for level in levels if level.counted_at is not None]
    if not counted:
        book.reserve(row_at(levels[0].location_id), missing)
        return
    enough = [level for level in counted if level.free >= missing]
    for level in enough[:1] or counted:
        take = min(missing, max(0, level.free))
        if take:
            book.reserve(row_at(level.location_id), take)
            missing -= take
    if missing:
        row = row_at(counted[0].location_id)
        row.short += missing
        book.touch(row)


def _serve_waiting(book: _Book, variant_id: UUID) -> None:
    """Give freed stock to the orders that are short of it, oldest first."""
    waiting = Reservation.objects.filter(variant_id=variant_id, short__gt=0).order_by("placed_at")
    for row in waiting.select_for_update():
        for level in book.levels_of(variant_id):
            if level.location_id != row.location_id:
                continue
            take = min(row.short, max(0, level.free))
            if take:
                row.short -= take
                book.reserve(row, take)


def _held_by_line(demands: Iterable[Demand]) -> dict[UUID, list[Reservation]]:
    held: dict[UUID, list[Reservation]] = defaultdict(list)
    refs = [d.line_ref for d in demands]
    for row in Reservation.objects.filter(line_ref__in=refs).order_by("id"):
        held[row.line_ref].append(row)
    return held


def _is_settled(demand: Demand, rows: list[Reservation]) -> bool:
    return (
        sum(r.shipped for r in rows) == demand.shipped
        and sum(r.quantity + r.short for r in rows) == demand.outstanding
        and all(r.variant_id == demand.variant_id or not (r.quantity or r.short) for r in rows)
        and all(r.expires_at == demand.expires_at for r in rows if r.quantity)
    )


def _short_by_line(held: dict[UUID, list[Reservation]]) -> dict[UUID, int]:
    short = {line: sum(r.short for r in rows) for line, rows in held.items()}
    return {line: units for line, units in short.items() if units}


@dataclass
class _Book:
    """The levels a transaction works on, in memory until ``write``: every change goes through
    ``move``.
    """

    merchant_id: UUID
    actor: str
    request_id: str
    now: datetime
    levels: dict[UUID, list[StockLevel]]
    movements: list[dict[str, object]] = field(default_factory=list)
    _free_before: dict[UUID, int] = field(default_factory=dict)
    _changed_levels: dict[UUID, StockLevel] = field(default_factory=dict)
    _rows: dict[UUID, Reservation] = field(default_factory=dict)
    _new_rows: set[UUID] = field(default_factory=set)

    @classmethod
    def open(
        cls, merchant_id: UUID, variant_ids: set[UUID], *, actor: str, request_id: str = ""
    ) -> _Book:
        """Read the levels. Rows are locked in one order where the database can; where it cannot
        (SQLite), the transaction already holds the only write lock. The version guard in ``write``
        holds either way.
        """
        levels: dict[UUID, list[StockLevel]] = {v: [] for v in variant_ids}
        rows = StockLevel.objects.filter(variant_id__in=variant_ids, location__is_active=True)
        for level in rows.order_by("variant_id", "location_id").select_for_update(of=("self",)):
            levels[level.variant_id].append(level)
        ranks = locations.ranks(merchant_id)
        for found in levels.values():
            found.sort(key=lambda level: ranks.get(level.location_id, (9999, "")))
        book = cls(merchant_id, actor, request_id, timezone.now(), levels)
        book._add_missing()
        book._free_before = {v: sum(x.free for x in found) for v, found in levels.items()}
        return book

    def _add_missing(self) -> None:
        missing = [v for v, found in self.levels.items() if not found]
        if not missing:
            return
        place = locations.default(self.merchant_id)
        rows = [
            {
                "id": uuid7(),
                "merchant_id": self.merchant_id,
                "variant_id": variant_id,
                "location_id": place.pk,
                "on_hand": 0,
                "reserved": 0,
                "held": 0,
                "damaged": 0,
                "version": 0,
            }
            for variant_id in sorted(missing)
        ]
        bulk.insert(StockLevel, rows, ignore_conflicts=True)
        added = StockLevel.objects.filter(variant_id__in=missing, location=place)
        for level in added.order_by("variant_id").select_for_update(of=("self",)):
            self.levels[level.variant_id].append(level)

    def levels_of(self, variant_id: UUID) -> list[StockLevel]:
        return self.levels[variant_id]

    def level_at(self, variant_id: UUID, location_id: UUID) -> StockLevel:
        for level in self.levels[variant_id]:
            if level.location_id == location_id:
                return level
        level = StockLevel(
            merchant_id=self.merchant_id, variant_id=variant_id, location_id=location_id
        )
        level.save(force_insert=True)
        level.on_hand = 0
        self.levels[variant_id].append(level)
        return level

    def move(
        self,
        level: StockLevel,
        bucket: Bucket,
        delta: int,
        kind: MovementKind,
        cause: str,
        *,
        reason: str = "",
        order_ref: UUID | None = None,
    ) -> None:
        column = "on_hand" if bucket is Bucket.ON_HAND else "reserved"
        before = getattr(level, column)
        setattr(level, column, before + delta)
        self._changed_levels[level.pk] = level
        self.movements.append(
            {
                "id": uuid7(),
                "merchant_id": self.merchant_id,
                "variant_id": level.variant_id,
                "location_id": level.location_id,
                "kind": kind,
                "bucket": bucket,
                "before": before,
                "delta": delta,
                "after": before + delta,
                "cause": cause,
                "reason": reason,
                "order_ref": order_ref,
                "actor": self.actor,
                "request_id": self.request_id,
                "at": self.now,
            }
        )

    def new_row(self, demand: Demand, location_id: UUID) -> Reservation:
        row = Reservation(
            id=uuid7(),
            merchant_id=self.merchant_id,
            store_id=demand.store_id,
            order_ref=demand.order_ref,
            line_ref=demand.line_ref,
            variant_id=demand.variant_id,
            location_id=location_id,
            placed_at=demand.placed_at,
            expires_at=demand.expires_at,
        )
        self._new_rows.add(row.pk)
        self._rows[row.pk] = row
        return row

    def touch(self, row: Reservation) -> None:
        self._rows[row.pk] = row

    def reserve(self, row: Reservation, units: int) -> None:
        row.quantity += units
        self._reserved(row, units, MovementKind.RESERVE)

    def release(self, row: Reservation, units: int) -> int:
        """Give back up to ``units``, what is short first. Return how many it was."""
        from_short = min(units, row.short)
        from_held = min(units - from_short, row.quantity)
        row.short -= from_short
        row.quantity -= from_held
        self.touch(row)
        if from_held:
            self._reserved(row, -from_held, MovementKind.RELEASE)
        return from_short + from_held

    def ship(self, row: Reservation, units: int, *, from_reserved: bool) -> int:
        row.shipped += units
        if from_reserved:
            row.quantity -= units
            self._reserved(row, -units, MovementKind.SHIPMENT)
        self._on_hand(row, -units, MovementKind.SHIPMENT)
        return units

    def unship(self, row: Reservation, units: int) -> int:
        if units:
            row.shipped -= units
            self._on_hand(row, units, MovementKind.UNSHIP)
        return units

    def _reserved(self, row: Reservation, delta: int, kind: MovementKind) -> None:
        self._line_move(row, Bucket.RESERVED, delta, kind)

    def _on_hand(self, row: Reservation, delta: int, kind: MovementKind) -> None:
        self._line_move(row, Bucket.ON_HAND, delta, kind)

    def _line_move(self, row: Reservation, bucket: Bucket, delta: int, kind: MovementKind) -> None:
        self.touch(row)
        cause = f"{row.pk}:{row.version + 1}:{len(self.movements)}:{kind}:{bucket}"
        level = self.level_at(row.variant_id, row.location_id)
        self.move(level, bucket, delta, kind, cause, order_ref=row.order_ref)

    def write(self) -> None:
        """Write everything in four statements at most, or nothing. Raises LedgerConflict."""
        level_rows = [
            {
                "id": level.pk,
                "on_hand": level.on_hand,
                "reserved": level.reserved,
                "counted_at": level.counted_at,
                "version": level.version + 1,
                "updated_at": self.now,
            }
            for level in self._changed_levels.values()
        ]
        new = [self._as_row(r, 1) for r in self._rows.values() if r.pk in self._new_rows]
        changed = [
            self._as_row(r, r.version + 1)
            for r in self._rows.values()
            if r.pk not in self._new_rows
        ]
        if (
            len(bulk.insert(Reservation, new, ignore_conflicts=True)) != len(new)
            or len(bulk.update(Reservation, changed, versioned="version")) != len(changed)
            or len(bulk.update(StockLevel, level_rows, versioned="version")) != len(level_rows)
        ):
            raise LedgerConflict("The stock was changed by another process at the same time.")
        bulk.insert(StockMovement, self.movements)
        self._tell()

    def _as_row(self, row: Reservation, version: int) -> dict[str, object]:
        return {
            "id": row.pk,
            "merchant_id": row.merchant_id,
            "store_id": row.store_id,
            "order_ref": row.order_ref,
            "line_ref": row.line_ref,
            "variant_id": row.variant_id,
            "location_id": row.location_id,
            "quantity": row.quantity,
            "short": row.short,
            "shipped": row.shipped,
            "version": version,
            "placed_at": row.placed_at,
            "expires_at": row.expires_at,
            "updated_at": self.now,
        }

    def _tell(self) -> None:
        changed = frozenset(
            variant_id
            for variant_id, found in self.levels.items()
            if sum(level.free for level in found) != self._free_before[variant_id]
            or any(level.counted_at == self.now for level in found)
        )
        if changed:
            signals.stock_changed.send(sender=StockLevel, variant_ids=changed)

"""The open book of one transaction: levels and reservations in memory, every change with its
movement, written set-wise or not at all.

``ledger``, ``allocating``, ``condition`` and ``kept`` decide what to change; nobody else opens a
book.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from inventory import entries, locations, shelves, signals
from inventory.asides import Asides
from inventory.entries import Aside, Held, Level
from inventory.errors import LedgerConflict, LedgerRefused
from inventory.locations import Place
from inventory.models import (
    Allocation,
    Bucket,
    Location,
    MovementKind,
    Reservation,
    StockLevel,
    StockMovement,
)
from inventory.shelves import Sources
from logix.common import bulk
from logix.common.ids import uuid7


@dataclass
class Book:
    merchant_id: UUID
    actor: str
    request_id: str
    now: datetime
    places: dict[UUID, Place]
    _levels: dict[UUID, list[Level]]
    _movements: list[dict[str, object]] = field(default_factory=list)
    _free_before: dict[UUID, dict[UUID, int]] = field(default_factory=dict)
    asides: Asides = field(default_factory=Asides)
    _sources: dict[UUID, Sources] = field(default_factory=dict)
    _changed_levels: dict[UUID, Level] = field(default_factory=dict)
    rows: dict[UUID, Held] = field(default_factory=dict)
    _touched: dict[UUID, Held] = field(default_factory=dict)
    _short_before: dict[UUID, int] = field(default_factory=dict)

    @classmethod
    def open(
        cls, merchant_id: UUID, variant_ids: set[UUID], *, actor: str, request_id: str = ""
    ) -> Book:
        """Read the levels. Rows are locked in one order where the database can; where it cannot
        (SQLite), the transaction already holds the only write lock. The version guard in ``write``
        holds either way.
        """
        book = cls(
            merchant_id,
            actor,
            request_id,
            timezone.now(),
            locations.places(merchant_id),
            {variant_id: [] for variant_id in variant_ids},
        )
        book._read(StockLevel.objects.filter(variant_id__in=variant_ids))
        book._add_missing()
        if any(level.allocated for found in book._levels.values() for level in found):
            book.know_asides()
        for variant_id, found in book._levels.items():
            found.sort(key=lambda level: book.places[level.location_id].order)
            book._free_before[variant_id] = book.offered(variant_id)
        return book

    @classmethod
    def of_kept(cls, place: Location, variant_ids: set[UUID], *, actor: str) -> Book:
        """The book of a place that a platform keeps, and of no other: what changes there is free to
        nobody, so nobody is told.
        """
        known = {place.pk: Place(place.rank, place.code, is_active=False)}
        levels: dict[UUID, list[Level]] = {variant_id: [] for variant_id in variant_ids}
        book = cls(place.merchant_id, actor, "", timezone.now(), known, levels)
        bulk.insert(
            StockLevel,
            [entries.new_level(place.merchant_id, v, place.pk) for v in sorted(variant_ids)],
            ignore_conflicts=True,
        )
        book._read(StockLevel.objects.filter(variant_id__in=variant_ids, location=place))
        return book

    def _read(self, rows: object) -> None:
        """Those at other places than the book's, which platforms keep, are not its business."""
        ordered = rows.order_by("variant_id", "location_id").select_for_update()  # type: ignore[attr-defined]
        for values in ordered.values_list(*entries.LEVEL):
            level = Level(*values)
            if level.location_id in self.places:
                self._levels[level.variant_id].append(level)

    def _add_missing(self) -> None:
        """Every item has a level at an open place. A merchant who closed all of them keeps the
        first.
        """
        missing = [
            variant_id
            for variant_id, found in self._levels.items()
            if not any(self.places[x.location_id].is_active for x in found)
        ]
        if not missing:
            return
        place = locations.default(self.merchant_id)
        self.places.setdefault(place.pk, Place(place.rank, place.code, place.is_active))
        missing = [v for v in missing if all(x.location_id != place.pk for x in self._levels[v])]
        bulk.insert(
            StockLevel,
            [entries.new_level(self.merchant_id, v, place.pk) for v in sorted(missing)],
            ignore_conflicts=True,
        )
        self._read(StockLevel.objects.filter(variant_id__in=missing, location=place))

    def levels_of(self, variant_id: UUID) -> list[Level]:
        """The levels to take from, first choice first: those at open places, or what there is when
        all are closed. Never empty.
        """
        found = self._levels[variant_id]
        return [x for x in found if self.places[x.location_id].is_active] or found

    def levels_for(self, variant_id: UUID, store_id: UUID) -> list[Level]:
        """Those that units of a store's orders may be taken from, first choice first. Never
        empty.
        """
        wanted = self.open_places(self.sources_of(store_id).places)
        if not wanted:
            return self.levels_of(variant_id)
        there = {level.location_id: level for level in self._levels[variant_id]}
        found = [there[pk] for pk in wanted if pk in there]
        return found or [self.level_at(variant_id, wanted[0])]

    def open_places(self, location_ids: Iterable[UUID]) -> list[UUID]:
        return [pk for pk in location_ids if self.places[pk].is_active]

    def sources_of(self, store_id: UUID) -> Sources:
        """Read for all stores that are asked for together, once."""
        if store_id not in self._sources:
            self.know_stores([store_id])
        return self._sources[store_id]

    def know_stores(self, store_ids: Iterable[UUID]) -> None:
        unknown = set(store_ids) - set(self._sources)
        if unknown:
            given = shelves.sources(unknown)
            self._sources.update((pk, given.get(pk, Sources())) for pk in unknown)

    def know_asides(self) -> None:
        """Until this was called nothing is set aside. One statement, the first time."""
        self.asides.know(list(self._levels))

    def offered(self, variant_id: UUID) -> dict[UUID, int]:
        """Units that stores may be told of, where there are any: by place what is free to all, by
        allocation what its store can have.
        """
        free = {level.location_id: level.free for level in self.levels_of(variant_id)}
        own = {x.id: free.get(x.location_id, 0) + x.left for x in self.asides.of(variant_id)}
        return {key: units for key, units in (free | own).items() if units > 0}

    def free_for(self, level: Level, store_id: UUID) -> int:
        """What orders of a store may take there: what is free to all, and what is set aside for it.
        Where less is there than is promised, that is less as well.
        """
        own = self.asides.at(store_id, level.variant_id, level.location_id)
        return level.free + (own.left if own else 0)

    def level_at(self, variant_id: UUID, location_id: UUID) -> Level:
        """The level there, closed places included; made when there is none. Raises LedgerRefused,
        LedgerConflict.
        """
        for level in self._levels[variant_id]:
            if level.location_id == location_id:
                return level
        if location_id not in self.places:
            raise LedgerRefused("This place belongs to somebody else.")
        row = entries.new_level(self.merchant_id, variant_id, location_id)
        if not bulk.insert(StockLevel, [row], ignore_conflicts=True):
            raise LedgerConflict("Another process opened the same stock level.")
        level = Level(row["id"], variant_id, location_id, 0, 0, 0, 0, 0, None, 0)  # type: ignore[arg-type]
        self._levels[variant_id].append(level)
        return level

    def count(self, level: Level) -> None:
        """From now on the level is a counted one."""
        if level.counted_at is None:
            level.counted_at = self.now
            self._changed_levels[level.id] = level

    def move(
        self,
        level: Level,
        bucket: Bucket,
        delta: int,
        kind: MovementKind,
        cause: str,
        *,
        reason: str = "",
        order_ref: UUID | None = None,
    ) -> UUID:
        """Change a level by ``delta`` units; return the id of the movement that says so."""
        before = getattr(level, bucket.value)
        setattr(level, bucket.value, before + delta)
        self._changed_levels[level.id] = level
        pk = uuid7()
        self._movements.append(
            {
                "id": pk,
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
        return pk

    # --- reservations ---

    def know(self, rows: Iterable[Held]) -> None:
        """Rows read outside: the book works on the same records."""
        self.rows.update((row.id, row) for row in rows)

    def add(self, row: Held) -> Held:
        self.rows[row.id] = self._touched[row.id] = row
        return row

    def touch(self, row: Held) -> None:
        self._touched[row.id] = row

    def waiting(self, variant_ids: Iterable[UUID]) -> dict[UUID, list[Held]]:
        """By line: all rows of the lines that wait for one of these items."""
        wanted = set(variant_ids)
        short = Reservation.objects.filter(variant_id__in=wanted, short__gt=0)
        rows = Reservation.objects.filter(
            variant_id__in=wanted, line_ref__in=short.values("line_ref")
        )
        for values in rows.values_list(*entries.HELD):
            row = Held(*values)
            self.rows.setdefault(row.id, row)
        lines: dict[UUID, list[Held]] = defaultdict(list)
        for row in self.rows.values():
            if row.variant_id in wanted:
                lines[row.line_ref].append(row)
        return {line: found for line, found in lines.items() if any(r.short for r in found)}

    def reserve(self, row: Held, units: int) -> None:
        row.quantity += units
        self._line_move(row, Bucket.RESERVED, units, MovementKind.RESERVE)
        self._own_move(row, -self.asides.draw(row, units), MovementKind.RESERVE)

    def wait(self, row: Held, units: int) -> None:
        """``units`` more (or, negative, fewer) are wanted and not there."""
        self._short_before.setdefault(row.id, row.short)
        row.short += units
        self.touch(row)

    def release(self, row: Held, units: int) -> None:
        row.quantity -= units
        self._line_move(row, Bucket.RESERVED, -units, MovementKind.RELEASE)
        self._own_move(row, self.asides.hand_back(row), MovementKind.RELEASE)

    def ship(self, row: Held, units: int, *, from_reserved: bool) -> None:
        row.shipped += units
        if from_reserved:
            row.quantity -= units
            self._line_move(row, Bucket.RESERVED, -units, MovementKind.SHIPMENT)
        self._line_move(row, Bucket.ON_HAND, -units, MovementKind.SHIPMENT)
        if not from_reserved:
            self._own_move(row, -self.asides.draw(row, units), MovementKind.SHIPMENT)

    def unship(self, row: Held, units: int) -> None:
        row.shipped -= units
        self._line_move(row, Bucket.ON_HAND, units, MovementKind.UNSHIP)
        self._own_move(row, self.asides.hand_back(row), MovementKind.UNSHIP)

    def _line_move(self, row: Held, bucket: Bucket, delta: int, kind: MovementKind) -> None:
        """Causes are unique: a row's next version is written once, and counts its moves."""
        self._touched[row.id] = row
        row.moves += 1
        cause = f"{row.id.hex}:{row.version + 1}:{row.moves}:{kind}:{bucket}"
        level = self.level_at(row.variant_id, row.location_id)
        self.move(level, bucket, delta, kind, cause, order_ref=row.order_ref)

    # --- what is set aside for a store ---

    def set_aside(self, aside: Aside, units: int, reason: str) -> None:
        """``units`` more of it, or, negative, fewer."""
        level = self.level_at(aside.variant_id, aside.location_id)
        aside.units += units
        self.asides.change(aside, units)
        kind = MovementKind.ALLOCATE if units > 0 else MovementKind.DEALLOCATE
        cause = f"allocation:{aside.id.hex}:{aside.version + 1}"
        self.move(level, Bucket.ALLOCATED, units, kind, cause, reason=reason)

    def _own_move(self, row: Held, units: int, kind: MovementKind) -> None:
        """Of what is set aside for the row's store ``units`` more are left, or, negative, fewer."""
        if units:
            self._line_move(row, Bucket.ALLOCATED, units, kind)

    # --- the end ---

    def grown(self) -> list[UUID]:
        """Items of which more is free somewhere than when the book was opened, or that are counted
        now.
        """
        return [
            variant_id
            for variant_id, before in self._free_before.items()
            if (free := self.offered(variant_id))
            and (self._counted_now(variant_id) or _is_more(free, before))
        ]

    def write(self) -> None:
        """Write everything in five statements at most, or nothing. Raises LedgerConflict."""
        touched = self._touched.values()
        new = entries.held_rows(self.merchant_id, [r for r in touched if not r.version], self.now)
        changed = entries.held_rows(self.merchant_id, [r for r in touched if r.version], self.now)
        levels = [entries.level_row(level, self.now) for level in self._changed_levels.values()]
        asides = [entries.aside_row(aside) for aside in self.asides.changed]
        if (
            len(bulk.insert(Reservation, new, ignore_conflicts=True)) != len(new)
            or len(bulk.update(Reservation, changed, versioned="version")) != len(changed)
            or len(bulk.update(StockLevel, levels, versioned="version")) != len(levels)
            or len(bulk.update(Allocation, asides, versioned="version")) != len(asides)
            or len(bulk.insert(StockMovement, self._movements, ignore_conflicts=True))
            != len(self._movements)
        ):
            raise LedgerConflict("The stock was changed by another process at the same time.")
        self._tell()

    def _counted_now(self, variant_id: UUID) -> bool:
        return any(level.counted_at == self.now for level in self._levels[variant_id])

    def _tell(self) -> None:
        changed = frozenset(
            variant_id
            for variant_id, before in self._free_before.items()
            if self.offered(variant_id) != before or self._counted_now(variant_id)
        )
        if changed:
            signals.stock_changed.send(sender=StockLevel, variant_ids=changed)
        served = frozenset(
            self.rows[pk].line_ref
            for pk, before in self._short_before.items()
            if self.rows[pk].short < before
        )
        if served:
            signals.lines_served.send(sender=Reservation, line_refs=served)


def _is_more(free: dict[UUID, int], before: dict[UUID, int]) -> bool:
    return any(units > before.get(place, 0) for place, units in free.items())

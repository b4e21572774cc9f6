"""The open book of one transaction: levels and reservations in memory, every change with its
movement, written set-wise or not at all.

``ledger`` decides what to change and is the only one who opens a book.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from inventory import locations, shelves, signals
from inventory.errors import LedgerConflict, LedgerRefused
from inventory.locations import Place
from inventory.models import Bucket, MovementKind, Reservation, StockLevel, StockMovement
from inventory.shelves import Sources
from logix.common import bulk
from logix.common.ids import uuid7

_LEVEL = ("id", "variant_id", "location_id", "on_hand", "reserved", "held", "damaged")
_LEVEL_STATE = ("counted_at", "version")
_HELD = (
    "id",
    "store_id",
    "order_ref",
    "line_ref",
    "variant_id",
    "location_id",
    "placed_at",
    "quantity",
    "short",
    "shipped",
    "version",
    "expires_at",
)


@dataclass(slots=True, eq=False)
class Level:
    """A ``StockLevel`` row while the book is open. A plain record: a model instance costs ten times
    as much, and a page of orders opens hundreds.
    """

    id: UUID
    variant_id: UUID
    location_id: UUID
    on_hand: int
    reserved: int
    held: int
    damaged: int
    counted_at: datetime | None
    version: int

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved - self.held - self.damaged


@dataclass(slots=True, eq=False)
class Held:
    """A ``Reservation`` row while the book is open. ``version`` 0: not in the database yet."""

    id: UUID
    store_id: UUID
    order_ref: UUID
    line_ref: UUID
    variant_id: UUID
    location_id: UUID
    placed_at: datetime
    quantity: int = 0
    short: int = 0
    shipped: int = 0
    version: int = 0
    expires_at: datetime | None = None
    moves: int = 0


def read_held(line_refs: Sequence[UUID]) -> dict[UUID, list[Held]]:
    """What lines hold now."""
    found: dict[UUID, list[Held]] = defaultdict(list)
    rows = Reservation.objects.filter(line_ref__in=line_refs).order_by("id")
    for values in rows.values_list(*_HELD):
        row = Held(*values)
        found[row.line_ref].append(row)
    return found


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
    _sources: dict[UUID, Sources] = field(default_factory=dict)
    _changed_levels: dict[UUID, Level] = field(default_factory=dict)
    _rows: dict[UUID, Held] = field(default_factory=dict)
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
        for variant_id, found in book._levels.items():
            found.sort(key=lambda level: book.places[level.location_id].order)
            book._free_before[variant_id] = book.free_by_place(variant_id)
        return book

    def _read(self, rows: object) -> None:
        ordered = rows.order_by("variant_id", "location_id").select_for_update()  # type: ignore[attr-defined]
        for values in ordered.values_list(*_LEVEL, *_LEVEL_STATE):
            level = Level(*values)
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
            [self._new_level(v, place.pk) for v in sorted(missing)],
            ignore_conflicts=True,
        )
        self._read(StockLevel.objects.filter(variant_id__in=missing, location=place))

    def _new_level(self, variant_id: UUID, location_id: UUID) -> dict[str, object]:
        zeros = dict.fromkeys(("on_hand", "reserved", "held", "damaged", "version"), 0)
        ids = {"variant_id": variant_id, "location_id": location_id}
        return {"id": uuid7(), "merchant_id": self.merchant_id, **ids, **zeros}

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

    def free_by_place(self, variant_id: UUID) -> dict[UUID, int]:
        """Units that stores may be told of, where there are any."""
        levels = self.levels_of(variant_id)
        return {level.location_id: level.free for level in levels if level.free > 0}

    def level_at(self, variant_id: UUID, location_id: UUID) -> Level:
        """The level there, closed places included; made when there is none. Raises LedgerRefused,
        LedgerConflict.
        """
        for level in self._levels[variant_id]:
            if level.location_id == location_id:
                return level
        if location_id not in self.places:
            raise LedgerRefused("This place belongs to somebody else.")
        row = self._new_level(variant_id, location_id)
        if not bulk.insert(StockLevel, [row], ignore_conflicts=True):
            raise LedgerConflict("Another process opened the same stock level.")
        level = Level(row["id"], variant_id, location_id, 0, 0, 0, 0, None, 0)  # type: ignore[arg-type]
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
        column = "on_hand" if bucket is Bucket.ON_HAND else "reserved"
        before = getattr(level, column)
        setattr(level, column, before + delta)
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
        self._rows.update((row.id, row) for row in rows)

    def add(self, row: Held) -> Held:
        self._rows[row.id] = self._touched[row.id] = row
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
        for values in rows.values_list(*_HELD):
            row = Held(*values)
            self._rows.setdefault(row.id, row)
        lines: dict[UUID, list[Held]] = defaultdict(list)
        for row in self._rows.values():
            if row.variant_id in wanted:
                lines[row.line_ref].append(row)
        return {line: found for line, found in lines.items() if any(r.short for r in found)}

    def reserve(self, row: Held, units: int) -> None:
        row.quantity += units
        self._line_move(row, Bucket.RESERVED, units, MovementKind.RESERVE)

    def wait(self, row: Held, units: int) -> None:
        """``units`` more (or, negative, fewer) are wanted and not there."""
        self._short_before.setdefault(row.id, row.short)
        row.short += units
        self.touch(row)

    def release(self, row: Held, units: int) -> None:
        row.quantity -= units
        self._line_move(row, Bucket.RESERVED, -units, MovementKind.RELEASE)

    def ship(self, row: Held, units: int, *, from_reserved: bool) -> None:
        row.shipped += units
        if from_reserved:
            row.quantity -= units
            self._line_move(row, Bucket.RESERVED, -units, MovementKind.SHIPMENT)
        self._line_move(row, Bucket.ON_HAND, -units, MovementKind.SHIPMENT)

    def unship(self, row: Held, units: int) -> None:
        row.shipped -= units
        self._line_move(row, Bucket.ON_HAND, units, MovementKind.UNSHIP)

    def _line_move(self, row: Held, bucket: Bucket, delta: int, kind: MovementKind) -> None:
        """Causes are unique: a row's next version is written once, and counts its moves."""
        self._touched[row.id] = row
        row.moves += 1
        cause = f"{row.id.hex}:{row.version + 1}:{row.moves}:{kind}:{bucket}"
        level = self.level_at(row.variant_id, row.location_id)
        self.move(level, bucket, delta, kind, cause, order_ref=row.order_ref)

    # --- the end ---

    def grown(self) -> list[UUID]:
        """Items of which more is free somewhere than when the book was opened, or that are counted
        now.
        """
        return [
            variant_id
            for variant_id, before in self._free_before.items()
            if (free := self.free_by_place(variant_id))
            and (self._counted_now(variant_id) or _is_more(free, before))
        ]

    def write(self) -> None:
        """Write everything in four statements at most, or nothing. Raises LedgerConflict."""
        new = [self._as_row(r, 1) for r in self._touched.values() if not r.version]
        changed = [self._as_row(r, r.version + 1) for r in self._touched.values() if r.version]
        levels = [self._level_row(level) for level in self._changed_levels.values()]
        if (
            len(bulk.insert(Reservation, new, ignore_conflicts=True)) != len(new)
            or len(bulk.update(Reservation, changed, versioned="version")) != len(changed)
            or len(bulk.update(StockLevel, levels, versioned="version")) != len(levels)
            or len(bulk.insert(StockMovement, self._movements, ignore_conflicts=True))
            != len(self._movements)
        ):
            raise LedgerConflict("The stock was changed by another process at the same time.")
        self._tell()

    def _level_row(self, level: Level) -> dict[str, object]:
        return {
            "id": level.id,
            "on_hand": level.on_hand,
            "reserved": level.reserved,
            "counted_at": level.counted_at,
            "version": level.version + 1,
            "updated_at": self.now,
        }

    def _as_row(self, row: Held, version: int) -> dict[str, object]:
        return {
            "id": row.id,
            "merchant_id": self.merchant_id,
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

    def _counted_now(self, variant_id: UUID) -> bool:
        return any(level.counted_at == self.now for level in self._levels[variant_id])

    def _tell(self) -> None:
        changed = frozenset(
            variant_id
            for variant_id, before in self._free_before.items()
            if self.free_by_place(variant_id) != before or self._counted_now(variant_id)
        )
        if changed:
            signals.stock_changed.send(sender=StockLevel, variant_ids=changed)
        served = frozenset(
            self._rows[pk].line_ref
            for pk, before in self._short_before.items()
            if self._rows[pk].short < before
        )
        if served:
            signals.lines_served.send(sender=Reservation, line_refs=served)


def _is_more(free: dict[UUID, int], before: dict[UUID, int]) -> bool:
    return any(units > before.get(place, 0) for place, units in free.items())

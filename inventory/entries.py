"""The rows of an open book, as plain records: a model instance costs ten times as much, and a page
of orders opens hundreds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from inventory.models import Reservation
from logix.common.ids import uuid7

Row = dict[str, object]

LEVEL = (
    "id",
    "variant_id",
    "location_id",
    "on_hand",
    "reserved",
    "allocated",
    "held",
    "damaged",
    "counted_at",
    "version",
)
HELD = (
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
    "allocation_id",
    "drawn",
)
ASIDE = ("id", "store_id", "variant_id", "location_id", "units", "left", "version")


@dataclass(slots=True, eq=False)
class Level:
    """A ``StockLevel`` row. ``free``: to whoever comes first; what is set aside is not."""

    id: UUID
    variant_id: UUID
    location_id: UUID
    on_hand: int
    reserved: int
    allocated: int
    held: int
    damaged: int
    counted_at: datetime | None
    version: int

    @property
    def free(self) -> int:
        return self.on_hand - self.reserved - self.allocated - self.held - self.damaged


@dataclass(slots=True, eq=False)
class Held:
    """A ``Reservation`` row. ``version`` 0: not in the database yet."""

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
    allocation_id: UUID | None = None
    drawn: int = 0
    moves: int = 0


@dataclass(slots=True, eq=False)
class Aside:
    """An ``Allocation`` row that stands."""

    id: UUID
    store_id: UUID
    variant_id: UUID
    location_id: UUID
    units: int
    left: int
    version: int


def read_held(line_refs: Sequence[UUID]) -> dict[UUID, list[Held]]:
    """What lines hold now."""
    found: dict[UUID, list[Held]] = defaultdict(list)
    rows = Reservation.objects.filter(line_ref__in=line_refs).order_by("id")
    for values in rows.values_list(*HELD):
        row = Held(*values)
        found[row.line_ref].append(row)
    return found


def new_level(merchant_id: UUID, variant_id: UUID, location_id: UUID) -> Row:
    """An empty one that nobody has counted."""
    numbers = ("on_hand", "reserved", "allocated", "held", "damaged", "version")
    ids = {"merchant_id": merchant_id, "variant_id": variant_id, "location_id": location_id}
    return {"id": uuid7(), **ids, **dict.fromkeys(numbers, 0)}


def level_row(level: Level, now: datetime) -> Row:
    """What is written of it: its next version."""
    return {
        "id": level.id,
        "on_hand": level.on_hand,
        "reserved": level.reserved,
        "allocated": level.allocated,
        "held": level.held,
        "damaged": level.damaged,
        "counted_at": level.counted_at,
        "version": level.version + 1,
        "updated_at": now,
    }


def aside_row(aside: Aside) -> Row:
    return {
        "id": aside.id,
        "units": aside.units,
        "left": aside.left,
        "version": aside.version + 1,
    }


def held_rows(merchant_id: UUID, rows: Iterable[Held], now: datetime) -> list[Row]:
    return [
        {
            "id": row.id,
            "merchant_id": merchant_id,
            "store_id": row.store_id,
            "order_ref": row.order_ref,
            "line_ref": row.line_ref,
            "variant_id": row.variant_id,
            "location_id": row.location_id,
            "quantity": row.quantity,
            "short": row.short,
            "shipped": row.shipped,
            "allocation_id": row.allocation_id,
            "drawn": row.drawn,
            "version": row.version + 1,
            "placed_at": row.placed_at,
            "expires_at": row.expires_at,
            "updated_at": now,
        }
        for row in rows
    ]

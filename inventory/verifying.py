"""Whether levels are what their movements and reservations say. It only looks: what differs was
changed by something other than the ledger, and a person must find out which side is right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Coalesce

from inventory.models import (
    Allocation,
    Bucket,
    Location,
    Reservation,
    StockLevel,
    StockMovement,
    Variant,
)

# Variants looked at in one statement.
BATCH = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with the units of an item at a place, in words that follow its name."""

    variant_id: UUID
    location_id: UUID
    sku: str
    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.sku or self.variant_id} at {self.place}: {self.what}"


def differences(variant_ids: Collection[UUID]) -> list[Difference]:
    """What is wrong with the levels of these items. All is read by one statement, so it is true of
    one moment, also while stock is being written.
    """
    told: dict[tuple[UUID, UUID], dict[str, _Sums]] = defaultdict(dict)
    for variant_id, location_id, source, *sums in _everything(variant_ids):
        told[variant_id, location_id][source] = _Sums(*map(int, sums))
    said = [(key, what) for key, sums in told.items() for what in _said(sums)]
    if not said:
        return []
    skus = dict(Variant.objects.filter(pk__in={v for (v, _), _ in said}).values_list("pk", "sku"))
    places = dict(
        Location.objects.filter(pk__in={at for (_, at), _ in said}).values_list("pk", "name")
    )
    found = [Difference(v, at, skus[v], places[at], what) for (v, at), what in said]
    return sorted(found, key=lambda one: (one.sku, one.variant_id, one.place))


def batches(variants: QuerySet[Variant], after: UUID | None = None) -> Iterator[list[UUID]]:
    """Their ids in order, BATCH at a time, from those after ``after`` on."""
    while True:
        rows = variants.filter(pk__gt=after) if after else variants
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not ids:
            return
        yield ids
        after = ids[-1]


class _Sums(NamedTuple):
    """What one table says of an item at a place. ``…_squares`` are sums of after² - before²: a
    trail that begins at 0 and is unbroken telescopes to the square of the level, in whatever order
    it was written. Transactions that wait for each other do not end in the order of their times.
    """

    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    held: int = 0
    damaged: int = 0
    on_hand_squares: int = 0
    reserved_squares: int = 0
    allocated_squares: int = 0
    held_squares: int = 0
    damaged_squares: int = 0


_WIDE = BigIntegerField()
_NONE = Value(0, output_field=_WIDE)
_SQUARES = Cast("after", _WIDE) * Cast("after", _WIDE) - Cast("before", _WIDE) * Cast(
    "before", _WIDE
)
_LEVEL, _MOVED, _HELD, _ASIDE = "level", "moved", "held", "aside"
# Units of each bucket and their squares: the names of the columns.
_UNITS = dict(zip(Bucket, "abcde", strict=True))
_SQUARED = dict(zip(Bucket, "fghij", strict=True))
_SUMS = (*_UNITS.values(), *_SQUARED.values())
_NAMES = {
    Bucket.ON_HAND: "on hand",
    Bucket.RESERVED: "reserved",
    Bucket.ALLOCATED: "set aside",
    Bucket.HELD: "held back",
    Bucket.DAMAGED: "damaged",
}


def _everything(variant_ids: Collection[UUID]) -> QuerySet[Any]:
    """(variant, location, which table, its sums) of all four tables."""
    levels = StockLevel.objects.annotate(
        **{name: Cast(bucket.value, _WIDE) for bucket, name in _UNITS.items()}
    )
    moved = StockMovement.objects.values("variant", "location").annotate(
        **{name: _sum("delta", bucket) for bucket, name in _UNITS.items()},
        **{name: _sum(_SQUARES, bucket) for bucket, name in _SQUARED.items()},
    )
    held = Reservation.objects.filter(quantity__gt=0).values("variant", "location")
    held = held.annotate(a=_NONE, b=Sum("quantity", output_field=_WIDE))
    aside = Allocation.objects.filter(left__gt=0).values("variant", "location")
    aside = aside.annotate(a=_NONE, b=_NONE, c=Sum("left", output_field=_WIDE))
    parts = ((_LEVEL, levels), (_MOVED, moved), (_HELD, held), (_ASIDE, aside))
    first, *others = (_whole(rows, source, variant_ids) for source, rows in parts)
    return first.union(*others, all=True)


def _whole(rows: QuerySet[Any], source: str, variant_ids: Collection[UUID]) -> QuerySet[Any]:
    """With 0 for the sums that a table says nothing of."""
    unsaid = {name: _NONE for name in _SUMS if name not in rows.query.annotations}
    rows = rows.filter(variant__in=variant_ids).order_by()
    return rows.annotate(source=Value(source), **unsaid).values_list(
        "variant", "location", "source", *_SUMS
    )


def _sum(of: Any, bucket: Bucket) -> Coalesce:
    return Coalesce(Sum(of, filter=Q(bucket=bucket)), _NONE, output_field=_WIDE)


def _said(sums: Mapping[str, _Sums]) -> Iterator[str]:
    level, moved, held, aside = (sums.get(name) for name in (_LEVEL, _MOVED, _HELD, _ASIDE))
    if level is None:
        yield "its level is gone; movements or reservations of it are still there."
        return
    moved, held, aside = moved or _Sums(), held or _Sums(), aside or _Sums()
    for bucket, name in _NAMES.items():
        here, total = getattr(level, bucket.value), getattr(moved, bucket.value)
        if here != total:
            yield f"{name} is {here}, its movements add up to {total}."
        elif getattr(moved, f"{bucket.value}_squares") != here * here:
            yield f"the trail of {name} has a gap: a movement does not begin where another ended."
    if held.reserved != level.reserved:
        yield f"reserved is {level.reserved}, orders hold {held.reserved}."
    if aside.allocated != level.allocated:
        yield f"set aside is {level.allocated}, of what is set aside {aside.allocated} are left."

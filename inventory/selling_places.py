"""The only writer of a store's locations, and of which of our places it sells from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from inventory import signals
from inventory.data import StoreLocationData
from inventory.models import StoreLocation, StorePlace


@dataclass(frozen=True, slots=True)
class Given:
    """One of our places that a store sells from, lower ``rank`` first; ``shown_at`` is the store's
    location its units are shown at, None where the store keeps one figure.
    """

    location_id: UUID
    shown_at_id: UUID | None
    rank: int


@transaction.atomic
def take_locations(store_id: UUID, told: Sequence[StoreLocationData]) -> bool:
    """Keep a store's locations as it tells them; one it no longer names is closed. Return whether
    anything changed.
    """
    known = {row.external_id: row for row in StoreLocation.objects.filter(store_id=store_id)}
    changed = False
    for data in told:
        now = {
            "name": data.name[:120],
            "is_active": data.is_active,
            "is_online": data.is_online,
        }
        row = known.pop(data.external_id, None)
        if row is None:
            StoreLocation.objects.create(store_id=store_id, external_id=data.external_id, **now)
        elif any(getattr(row, name) != value for name, value in now.items()):
            StoreLocation.objects.filter(pk=row.pk).update(**now)
        else:
            continue
        changed = True
    gone = [row.pk for row in known.values() if row.is_active]
    changed |= bool(StoreLocation.objects.filter(pk__in=gone).update(is_active=False))
    if changed:
        signals.shelves_changed.send(sender=StoreLocation, store_id=store_id)
    return changed


def given_to(store_id: UUID) -> list[Given]:
    """The places a store sells from, first choice first; none: from all that are open."""
    rows = StorePlace.objects.filter(store_id=store_id).order_by("rank", "location__rank", "id")
    return [Given(*row) for row in rows.values_list("location_id", "shown_at_id", "rank")]


@transaction.atomic
def give(store_id: UUID, given: Sequence[Given]) -> None:
    """Have the store sell from exactly these. What it should show changes with it; what was
    reserved stays where it is.
    """
    StorePlace.objects.filter(store_id=store_id).delete()
    StorePlace.objects.bulk_create(
        StorePlace(
            store_id=store_id,
            location_id=one.location_id,
            shown_at_id=one.shown_at_id,
            rank=one.rank,
        )
        for one in given
    )
    signals.shelves_changed.send(sender=StorePlace, store_id=store_id)

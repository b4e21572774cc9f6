"""Places that hold stock, and which of them comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from inventory import signals
from inventory.errors import LedgerRefused
from inventory.models import Location, StockLevel

MAIN_CODE = "main"


def default(merchant_id: UUID) -> Location:
    """The merchant's first active place; a merchant without one gets ``main``."""
    place = Location.objects.filter(merchant_id=merchant_id, is_active=True).first()
    if place is None:
        place, _ = Location.objects.get_or_create(
            merchant_id=merchant_id,
            code=MAIN_CODE,
            defaults={"name": "Main warehouse", "rank": 10},
        )
    return place


@dataclass(frozen=True, slots=True)
class Place:
    """What stock needs to know of a location."""

    rank: int
    code: str
    is_active: bool

    @property
    def order(self) -> tuple[int, str]:
        return (self.rank, self.code)


def places(merchant_id: UUID) -> dict[UUID, Place]:
    """All of the merchant's own places, closed ones included."""
    rows = Location.objects.filter(merchant_id=merchant_id, kept_by=None)
    return {
        pk: Place(rank, code, is_active)
        for pk, rank, code, is_active in rows.values_list("pk", "rank", "code", "is_active")
    }


def create(
    merchant_id: UUID, *, code: str, name: str, rank: int = 100, is_active: bool = True
) -> Location:
    """Raises IntegrityError when the merchant has a place of this code."""
    return Location.objects.create(
        merchant_id=merchant_id, code=code, name=name, rank=rank, is_active=is_active
    )


@transaction.atomic
def change(place: Location, **changes: Any) -> Location:
    """Set ``name``, ``rank`` or ``is_active``. A place that opens or closes changes what every
    store may sell of it. Raises LedgerRefused for opening one that a platform keeps.
    """
    if place.kept_by_id and changes.get("is_active"):
        raise LedgerRefused(place.refusal)
    was_active = place.is_active
    for name, value in changes.items():
        setattr(place, name, value)
    place.save(update_fields=list(changes))
    if place.is_active != was_active:
        held = StockLevel.objects.filter(location=place).values_list("variant_id", flat=True)
        if variant_ids := frozenset(held):
            signals.stock_changed.send(sender=Location, variant_ids=variant_ids)
    return place

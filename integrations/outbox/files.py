"""Files on their way to stores, of figures and of parcels: which are due, and the lease of whoever
works on one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.expressions import F
from django.db.models.functions import Now

from integrations.models import HandOver, ParcelHandOver, StockHandOver, StoreStatus
from logix.common.bell import ring

LEASE = timedelta(seconds=120)
# Lines that are read, or noted, together.
CHUNK = 500

File = ParcelHandOver | StockHandOver
_KINDS: tuple[type[File], ...] = (ParcelHandOver, StockHandOver)
_DUE = 100


class Fenced(Exception):
    """Somebody else works on it by now."""


def due() -> list[UUID]:
    """Files with something to be done now, parcels first, longest due first."""
    found: list[UUID] = []
    for kind in _KINDS:
        rows = _due(kind).exclude(lease_until__gt=Now())
        found += rows.order_by("next_at").values_list("pk", flat=True)[:_DUE]
    return found


def ring_for(file_id: UUID, *, delay_s: float = 0.0) -> None:
    task = "integrations.tasks.work_hand_over"
    ring(task, str(file_id), queue="bulk", delay_s=delay_s)


def look_soon(store_id: UUID, reference: str) -> bool:
    """The store announced that it has worked off what it calls ``reference``: look at once, unless
    a look came to grief and has to wait. False for what is not ours, or not waited for any more.
    """
    for kind in _KINDS:
        for file in kind._default_manager.filter(store=store_id, state__in=HandOver.OPEN):
            if reference in file.handle.get("awaits", ()):
                pending = kind._default_manager.filter(
                    pk=file.pk, state=HandOver.State.PENDING, problem_code="", next_at__gt=Now()
                )
                if pending.update(next_at=Now()):
                    ring_for(file.pk)
                return True
    return False


def take(file_id: UUID) -> File | None:
    """Under a lease, if it is due and nobody else has it; the attempt is counted before anything is
    done.
    """
    counted = {"fence": F("fence") + 1, "attempts": F("attempts") + 1}
    for kind in _KINDS:
        free = _due(kind).filter(Q(lease_until=None) | Q(lease_until__lt=Now()), pk=file_id)
        if free.update(**counted, lease_until=Now() + LEASE):
            rows = kind._default_manager.select_related("store__data_key", "store__merchant")
            return rows.get(pk=file_id)
    return None


def keep(file: HandOver, **changes: Any) -> None:
    """Note ``changes`` and renew the lease. Raises Fenced."""
    changes = {"lease_until": Now() + LEASE, **changes}
    if not mine(file).update(**changes):
        raise Fenced
    for name, value in changes.items():
        if name != "lease_until":
            setattr(file, name, value)


def mine(file: HandOver) -> QuerySet[Any]:
    """The file as long as nobody else works on it."""
    return type(file)._default_manager.filter(pk=file.pk, fence=file.fence)


def _due(kind: type[File]) -> QuerySet[Any]:
    return kind._default_manager.filter(
        state__in=HandOver.OPEN, next_at__lte=Now(), store__status=StoreStatus.ACTIVE
    )

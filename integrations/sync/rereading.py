"""Orders whose status nobody knew, read again by id once a person has said what it means.

The walk is a row of the database (``Rereading``): it goes along the ids, meets each order once,
waits for a store that cannot be asked, and ends. An order that cannot be read is parked, which has
its own tries.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy, registry
from integrations.base import BaseEcommerceIntegration, Unreadable
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import Rereading, Store, StreamName
from integrations.platform import Ability
from integrations.sync import parking, reading
from integrations.sync.outcome import Applied
from orders.models import Order
from orders.status import ImportState

log = structlog.get_logger(__name__)

A_SLICE = 100
BUDGET_S = 20.0
# While one worker is at it, the next sweep leaves it alone; and so long a store rests.
_HELD = timedelta(minutes=2)
# No task that began before the words were known works longer.
_LAST_LOOK = timedelta(minutes=7)


def reread_orders(store: Store, words: Collection[str]) -> None:
    """Have the orders that wait because of these statuses read again. Call it in the transaction
    that gives the words their meaning; a walk under way begins anew with them.
    """
    if not words or not registry.card(store.platform).can(Ability.ORDER_BY_ID):
        return
    with transaction.atomic():
        row, is_new = Rereading.objects.select_for_update().get_or_create(
            store=store, defaults={"words": sorted(words), "next_at": timezone.now()}
        )
        if not is_new:
            Rereading.objects.filter(pk=row.pk).update(
                words=sorted({*row.words, *words}),
                after=None,
                again=True,
                next_at=timezone.now(),
                fence=F("fence") + 1,
            )


def reread_due_orders(limit: int = 50) -> int:
    """Go on with the walks whose time has come, longest waiting first; return how many orders were
    read. A store that cannot be asked is put off and holds up no other.
    """
    due = Rereading.objects.filter(next_at__lte=Now(), store__status="active")
    until = time.monotonic() + BUDGET_S
    read = 0
    for row in due.select_related("store__data_key", "store__merchant").order_by("next_at")[:limit]:
        if time.monotonic() > until:
            break
        read += _slice(row, until)
    return read


def unknown_words(store: Store) -> dict[str, int]:
    """Statuses of this store that nobody has given a meaning, each with how many orders wait for
    one, most first. A word that was explained a moment ago is none.
    """
    known = store.options.get("status_words") or {}
    waiting = waiting_orders(store).exclude(raw_status__in=list(known)).values_list("raw_status")
    return dict(waiting.annotate(n=Count("pk")).order_by("-n", "raw_status"))


def waiting_orders(store: Store) -> QuerySet[Order]:
    """A deleted order waits for a decision, all others in review for the meaning of a word."""
    return Order.objects.filter(
        merchant=store.merchant_id,
        store=store,
        import_state=ImportState.NEEDS_REVIEW,
        gone_at=None,
    )


def _slice(row: Rereading, until: float) -> int:
    if not _keep(row, next_at=timezone.now() + _HELD):
        return 0
    waiting = waiting_orders(row.store).filter(raw_status__in=row.words)
    if row.after:
        waiting = waiting.filter(pk__gt=row.after)
    orders = list(waiting.order_by("pk").values_list("pk", "external_id")[:A_SLICE])
    if not orders:
        _end(row)
        return 0
    try:
        with authentication.adapter_for(row.store, priority=Priority.BULK) as adapter:
            return _read(row, adapter, orders, until)
    except PlatformError as err:
        authentication.note_failure(row.store, err)
        wait = timedelta(seconds=getattr(err, "retry_after_s", None) or 0)
        _keep(row, next_at=timezone.now() + max(wait, _HELD))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("orders_not_reread", store=str(row.store_id))
    return 0


def _read(
    row: Rereading,
    adapter: BaseEcommerceIntegration,
    orders: list[tuple[UUID, str]],
    until: float,
) -> int:
    """Each order once; the place is kept behind each that was read, or set aside."""
    read = 0
    for pk, external_id in orders:
        _reread(row.store, adapter, external_id)
        read += 1
        if not _keep(row, after=pk):
            return read
        if time.monotonic() > until:
            break
    _keep(row, next_at=timezone.now())
    return read


def _reread(store: Store, adapter: BaseEcommerceIntegration, external_id: str) -> None:
    try:
        reading.reread(store, adapter, Applied(reread=(external_id,)), origin="status words")
    except (PlatformError, OperationalError, InterfaceError):
        raise
    except Exception as err:
        log.exception("reread_failed", store=str(store.pk), external_id=external_id)
        told = policy.decide(err)
        reason = Unreadable(external_id=external_id, code=told.code, reason=told.sentence)
        parking.park(store, stream=StreamName.ORDERS, unreadable=reason)


def _end(row: Rereading) -> None:
    if row.again:
        _keep(row, after=None, again=False, next_at=timezone.now() + _LAST_LOOK)
    else:
        Rereading.objects.filter(pk=row.pk, fence=row.fence).delete()


def _keep(row: Rereading, **changes: object) -> bool:
    """Write ``changes`` unless somebody else was faster: another worker, or a person with more
    words.
    """
    mine = Rereading.objects.filter(pk=row.pk, fence=row.fence)
    if not mine.update(fence=F("fence") + 1, **changes):
        return False
    row.fence += 1
    for name, value in changes.items():
        setattr(row, name, value)
    return True

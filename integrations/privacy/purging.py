"""The end of buyers' data by time: every hour, of every store with a bound, what ended long enough
ago is erased as if its buyer had asked.

Each order is a transaction of its own, so a worker who dies leaves whole orders behind; two workers
at once do the same work once. When an order ended stands on it (``orders.ending``), so a bound that
is changed holds at once.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from integrations import keeping, registry
from integrations.models import Store
from logix.accounts import audit
from orders import ending, services
from orders.models import Order

log = structlog.get_logger(__name__)

BUDGET_S = 30.0
PURGED = "privacy.purged"
_BATCH = 500
_Erase = Callable[[Order], dict[str, int] | None]


class _TimeIsOver(Exception):
    pass


def bounded_stores() -> QuerySet[Store]:
    """Stores whose buyers' data end by themselves, disconnected ones too."""
    platforms = [card.slug for card in registry.cards() if card.buyers_kept]
    return Store.objects.filter(keeping.bounded(platforms)).select_related("merchant")


def purge(now: datetime, *, after: UUID | None = None, budget_s: float = BUDGET_S) -> UUID | None:
    """Erase what is due, store by store from ``after`` on. Return the store to go on with when the
    time was over before all was done, else None. An order that cannot be erased stops no other; it
    is tried again in an hour.
    """
    until = time.monotonic() + budget_s
    stores = bounded_stores().order_by("pk")
    for store in stores.filter(pk__gte=after) if after else stores:
        try:
            _purge_store(store, now, until)
        except _TimeIsOver:
            return store.pk
        except registry.UnknownPlatform:
            log.warning("purge_without_card", store=str(store.pk), platform=store.platform)
    return None


def due(store: Store, now: datetime) -> QuerySet[Order]:
    """Orders of which nothing should be kept any more, oldest first."""
    card = registry.card(store.platform)
    kept = Order.objects.filter(store=store, erased_at=None)
    before, end = keeping.forgets_before(card, store, now), keeping.silence_ends(card, store)
    if before is None:
        return kept.none()
    if end is not None and end - keeping.EARLY <= now:
        return kept.order_by("ended_at", "pk")
    return kept.filter(ending.OVER, ended_at__lte=before).order_by("ended_at", "pk")


def _purge_store(store: Store, now: datetime, until: float) -> None:
    """Raises _TimeIsOver."""
    card = registry.card(store.platform)
    kept = Order.objects.filter(store=store, erased_at=None)
    unsaid = kept.filter(ending.OVER, ended_at=None).prefetch_related("shipments")
    while ending.settle(unsaid[:_BATCH]):
        _refuse_past(until)
    # Opened again since: what counts is when it ends again.
    before = keeping.forgets_before(card, store, now)
    kept.filter(ended_at__lte=before).exclude(ending.OVER).update(ended_at=None)
    kept_for = keeping.kept_for(card, store) or timedelta()
    erase = partial(
        services.erase_buyer,
        actor="system",
        why=f"it is kept for {kept_for.days} days at most",
        audited=False,
        lasting=card.lasting_fields,
    )
    failed: list[UUID] = []
    while ids := list(due(store, now).exclude(pk__in=failed).values_list("pk", flat=True)[:_BATCH]):
        failed += _purge_batch(store, ids, erase, until)
        if len(failed) >= _BATCH:
            return


def _purge_batch(store: Store, ids: list[UUID], erase: _Erase, until: float) -> list[UUID]:
    """Return those that failed. The audit log is told once, of counts. Raises _TimeIsOver."""
    done: Counter[str] = Counter()
    failed = []
    try:
        for order in Order.objects.filter(pk__in=ids).only("pk"):
            _refuse_past(until)
            try:
                counts = erase(order)
            except (OperationalError, InterfaceError):
                raise
            except Exception:
                log.exception("buyer_not_purged", order=str(order.pk))
                failed.append(order.pk)
                continue
            if counts is not None:
                done.update({"orders": 1, **counts})
    finally:
        if done:
            told = dict(done)
            audit.record(PURGED, actor="system", merchant=store.merchant, obj=store, details=told)
    return failed


def _refuse_past(until: float) -> None:
    if time.monotonic() > until:
        raise _TimeIsOver

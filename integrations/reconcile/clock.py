"""When stores are compared: once a night each, spread over three hours of the store's own night."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Coalesce

from integrations.models import LIVE_STATES, Reconciliation, Store, StreamName, SyncRun
from integrations.reconcile.requests import request
from integrations.sync import RunRefused
from logix.common.zones import zone

# By the store's clock.
NIGHT_BEGINS_H, NIGHT_MINUTES = 2, 180
# A night is taken once, and none is left out for longer than this.
_SAME_NIGHT = timedelta(hours=12)
AT_LATEST = timedelta(hours=30)
# A comparison is missed when there was none for so long.
OVERDUE = timedelta(days=3)


def start_due(now: datetime) -> list[Reconciliation]:
    """Begin the comparisons whose time has come. A store that cannot be compared now is asked
    again later.
    """
    started = []
    for store in _waiting(now - _SAME_NIGHT):
        if not _is_time(store, now):
            continue
        try:
            started.append(request(store, actor="system"))
        except RunRefused:
            # Its orders are being read, or somebody else was faster.
            continue
    return started


def overdue(now: datetime) -> QuerySet[Store]:
    """Stores that should have been compared and were not, by whatever mishap."""
    return _since(now - OVERDUE)


def _since(moment: datetime) -> QuerySet[Store]:
    """Stores read by themselves that were not compared since, nor connected."""
    real = Q(reconciliations__dry_run=False)
    rows = Store.objects.live().filter(auto_sync=True, streams__name=StreamName.ORDERS)
    rows = rows.filter(streams__read_through__isnull=False)
    compared = Max("reconciliations__created_at", filter=real)
    compared_at = Coalesce(compared, F("created_at"))
    return rows.annotate(compared_at=compared_at).filter(compared_at__lt=moment)


def _waiting(moment: datetime) -> QuerySet[Store]:
    reading = SyncRun.objects.filter(
        stream__name=StreamName.ORDERS, dry_run=False, state__in=LIVE_STATES
    )
    rows = _since(moment).exclude(pk__in=reading.values("store"))
    return rows.select_related("merchant").order_by(F("compared_at"))


def _is_time(store: Store, now: datetime) -> bool:
    compared_at: datetime = store.compared_at  # type: ignore[attr-defined]
    if now - compared_at > AT_LATEST:
        return True
    here = now.astimezone(zone(store.timezone))
    begins = here.replace(hour=NIGHT_BEGINS_H, minute=0, second=0, microsecond=0)
    minutes = (here - begins).total_seconds() / 60
    return store.pk.int % NIGHT_MINUTES <= minutes < NIGHT_MINUTES

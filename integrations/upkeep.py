"""Housekeeping the clock asks for: slots, heartbeats, webhook subscriptions, retention."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import models
from django.utils import timezone

from integrations import connect
from integrations.errors import PlatformError
from integrations.models import (
    CallLog,
    Endpoint,
    Heartbeat,
    ParkedRecord,
    RunKind,
    ScheduleSlot,
    Store,
    SyncRun,
)
from logix.accounts.models import IdempotentRequest
from logix.common import bulk
from orders.models import OrderPayload

log = structlog.get_logger(__name__)

AUDIT_EVERY = timedelta(hours=1)
_BATCH = 1000


def take_slot(job: str, *, seconds: int) -> bool:
    """True for the one caller of this job in this slot of time. With two clocks, the slower one
    does nothing.
    """
    epoch = int(timezone.now().timestamp())
    slot = datetime.fromtimestamp(epoch - epoch % seconds, tz=UTC)
    return bool(bulk.insert(ScheduleSlot, [{"job": job, "slot": slot}], ignore_conflicts=True))


def beat(kind: str) -> None:
    """A sign of life of this process, for ``doctor`` and the health page."""
    name = f"{kind}@{socket.gethostname()}:{os.getpid()}"
    Heartbeat.objects.update_or_create(name=name, defaults={"kind": kind, "at": timezone.now()})


def audit_subscriptions() -> int:
    """Compare every active store's webhooks with what they should be, and mend them. Return how
    many were mended.
    """
    since = timezone.now() - AUDIT_EVERY
    due = Store.objects.live().filter(
        models.Q(endpoints__last_checked_at__lt=since) | models.Q(endpoints__last_checked_at=None),
        endpoints__status=Endpoint.Status.ACTIVE,
    )
    mended = 0
    for store in due.select_related("data_key").distinct():
        try:
            mended += sum(1 for s in connect.reconcile_webhooks(store) if s.mended)
        except PlatformError as err:
            log.warning("subscription_audit_failed", store=str(store.pk), code=err.code)
    return mended


def purge(now: datetime) -> dict[str, int]:
    """Delete what has outlived its use, in batches; return the counts."""
    day = timedelta(days=1)
    expired: dict[str, models.QuerySet[Any]] = {
        "calls": CallLog.objects.filter(at__lt=now - 7 * day),
        "slots": ScheduleSlot.objects.filter(slot__lt=now - day),
        "heartbeats": Heartbeat.objects.filter(at__lt=now - day),
        "answers": IdempotentRequest.objects.filter(created_at__lt=now - 7 * day),
        "payloads": OrderPayload.objects.filter(purge_after__lt=now),
        "poll runs": SyncRun.objects.filter(kind=RunKind.DELTA, created_at__lt=now - 90 * day),
    }
    counts = {name: _delete(rows) for name, rows in expired.items()}
    counts["parked bodies"] = ParkedRecord.objects.filter(
        purge_after__lt=now, raw_sealed__isnull=False
    ).update(raw_sealed=None)
    return counts


def _delete(rows: models.QuerySet[Any]) -> int:
    total = 0
    while keys := list(rows.values_list("pk", flat=True)[:_BATCH]):
        rows.model._default_manager.filter(pk__in=keys).delete()
        total += len(keys)
    return total

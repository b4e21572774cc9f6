"""Housekeeping the clock asks for: slots, heartbeats, webhook subscriptions, retention, and the
proof that stock levels are true.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, models
from django.utils import timezone

from integrations import connect
from integrations.errors import PlatformError
from integrations.models import (
    CallLog,
    Command,
    ConnectAttempt,
    Endpoint,
    Heartbeat,
    ParcelHandOver,
    ParkedRecord,
    Reconciliation,
    RunKind,
    ScheduleSlot,
    StockHandOver,
    Store,
    StoreStatus,
    SyncGap,
    SyncRun,
)
from inventory import bundles, verifying
from inventory.errors import LedgerConflict
from inventory.models import Variant
from inventory.verifying import Difference
from logix.accounts import audit
from logix.accounts.models import AuditEvent, IdempotentRequest
from logix.common import bulk
from logix.common.transactions import again_on
from orders.models import OrderPayload

log = structlog.get_logger(__name__)

CALLS_KEPT = timedelta(days=7)
AUDIT_EVERY = timedelta(hours=1)
AUDIT_BUDGET_S = 180.0
PROOF_BUDGET_S = 60.0
# What was found to differ is news for so long; by then the next proof has found it again.
PROOF_IS_NEWS = timedelta(days=2)
# Items named on the audit log of each batch: where so many differ, one cause made them.
_MOST_NAMED = 20
_BATCH = 1000
# In one transaction: it holds up whoever changes a kit of the merchant.
_BUNDLES = 50


def each_of(*jobs: Callable[[], Any]) -> None:
    """Do all jobs, also when one fails; the first failure is raised at the end."""
    failed: list[Exception] = []
    for job in jobs:
        try:
            job()
        except Exception as err:
            failed.append(err)
            log.warning("job_failed", job=job.__qualname__, error=type(err).__name__)
    if failed:
        raise failed[0]


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
    """Compare active stores' webhooks with what they should be, longest unchecked first, and mend
    them. Return how many were mended. A store's trouble is its own.
    """
    until = time.monotonic() + AUDIT_BUDGET_S
    since = timezone.now() - AUDIT_EVERY
    due = Store.objects.live().filter(
        # Without it there are none to be: they were dropped with the switch.
        models.Q(auto_sync=True),
        models.Q(endpoints__last_checked_at__lt=since) | models.Q(endpoints__last_checked_at=None),
        endpoints__status=Endpoint.Status.ACTIVE,
    )
    due = due.annotate(checked_at=models.Min("endpoints__last_checked_at")).select_related(
        "data_key", "merchant"
    )
    mended = 0
    for store in due.order_by(models.F("checked_at").asc(nulls_first=True)):
        if time.monotonic() > until:
            break
        try:
            mended += sum(1 for s in connect.reconcile_webhooks(store) if s.mended)
        except PlatformError as err:
            log.warning("subscription_audit_failed", store=str(store.pk), code=err.code)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("subscription_audit_failed", store=str(store.pk))
    return mended


def prove_stock(after: UUID | None = None) -> UUID | None:
    """Compare levels with their movements and reservations for a minute, from the item ``after``
    on; return the last one looked at, or None when that were all. What differs stands in the audit
    log, and is left as it is.
    """
    until = time.monotonic() + PROOF_BUDGET_S
    for ids in verifying.batches(Variant.objects.all(), after):
        _noted(verifying.differences(ids))
        if time.monotonic() > until:
            return ids[-1]
    tonight = timezone.now() - timedelta(days=1)
    told = AuditEvent.objects.filter(action="stock.differs", at__gte=tonight)
    differing = told.order_by().values("object_id").distinct().count()
    counts = {"items": Variant.objects.count(), "differing": differing}
    audit.record("stock.proven", actor="system", details=counts)
    return None


def retry_bundles() -> int:
    """Look again at the bundles of connected stores that are no kits, some at a time; return how
    many are kits now. What a store told is not asked anew.
    """
    rows = bundles.waiting().exclude(store__status=StoreStatus.DISCONNECTED)
    waiting = list(rows.order_by("store", "pk").values_list("pk", flat=True))
    again = again_on(LedgerConflict)
    some = [waiting[at : at + _BUNDLES] for at in range(0, len(waiting), _BUNDLES)]
    return sum(again(partial(bundles.try_again, ids)) for ids in some)


def stock_proven_at() -> datetime | None:
    """When all items were last looked at, whatever was found."""
    told = AuditEvent.objects.filter(action="stock.proven")
    return told.order_by("-id").values_list("at", flat=True).first()


def untrue_stock(merchants: Collection[UUID] | None = None) -> list[Difference]:
    """What the last proofs found and is still so, of these merchants or of all. One statement where
    they found nothing.
    """
    told = AuditEvent.objects.filter(action="stock.differs", at__gte=timezone.now() - PROOF_IS_NEWS)
    if merchants is not None:
        told = told.filter(merchant__in=merchants)
    ids = {UUID(pk) for pk in told.order_by().values_list("object_id", flat=True).distinct()}
    return verifying.differences(ids) if ids else []


def _noted(found: list[Difference]) -> None:
    said: dict[UUID, list[str]] = {}
    for one in found:
        said.setdefault(one.variant_id, []).append(f"{one.place}: {one.what}")
    named = Variant.objects.select_related("merchant").filter(pk__in=list(said)[:_MOST_NAMED])
    for variant in named if said else ():
        details = {"said": said[variant.pk]}
        audit.record(
            "stock.differs",
            actor="system",
            merchant=variant.merchant,
            obj=variant,
            details=details,
        )


def forget_answers(merchant_id: UUID, order_id: UUID) -> int:
    """The buyer of an order was erased: kept answers of the API that showed them are given no more.
    What those requests asked for may be asked again and changes nothing; answers about parcels and
    notes name nobody and stay. Return how many.
    """
    rows = IdempotentRequest.objects.filter(
        merchant=merchant_id, state=IdempotentRequest.State.DONE
    )
    shown = models.Q(path__contains=f"/orders/{order_id}/") & ~models.Q(
        path__regex=r"/(shipments|notes)$"
    )
    previewed = models.Q(path__endswith="/mappings/preview")
    return rows.filter(shown | previewed).delete()[0]


def purge(now: datetime) -> dict[str, int]:
    """Delete what has outlived its use, in batches; return the counts."""
    day = timedelta(days=1)
    expired: dict[str, models.QuerySet[Any]] = {
        "calls": CallLog.objects.filter(at__lt=now - CALLS_KEPT),
        "slots": ScheduleSlot.objects.filter(slot__lt=now - day),
        "heartbeats": Heartbeat.objects.filter(at__lt=now - day),
        "answers": IdempotentRequest.objects.filter(created_at__lt=now - 7 * day),
        "payloads": OrderPayload.objects.filter(purge_after__lt=now),
        "poll runs": SyncRun.objects.filter(kind=RunKind.DELTA, created_at__lt=now - 90 * day),
        "stock files": StockHandOver.objects.filter(done_at__lt=now - 90 * day),
        "parcel files": ParcelHandOver.objects.filter(done_at__lt=now - 90 * day),
        "comparisons": Reconciliation.objects.filter(created_at__lt=now - 400 * day),
        "closed gaps": SyncGap.objects.filter(closed_at__lt=now - 90 * day),
        "settled records": ParkedRecord.objects.filter(
            state=ParkedRecord.State.RESOLVED, resolved_at__lt=now - 90 * day
        ),
        "told fields": Command.objects.filter(
            kind=Command.Kind.FIELDS, state=Command.State.DONE, done_at__lt=now - 30 * day
        ),
        "connect attempts": ConnectAttempt.objects.filter(expires_at__lt=now - 7 * day),
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

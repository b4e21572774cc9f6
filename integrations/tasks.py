"""Celery's doors. Every task takes ids, calls one function, and may run twice, late, or beside
itself.

``tick`` is rung by the clock every few seconds and only rings others; what is due stands in the
database.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from integrations import authentication, connect, outbox, privacy, sync, upkeep
from integrations.models import Reconciliation, RunState, Stream, SyncRun
from integrations.reconcile import compare_slice, start_due
from inventory import allocating
from logix.common import bell
from orders.holds import release_lapsed

_TICK_LIMIT = 200
# Seconds. A slice ends by itself after half a minute and the page that is under way; a slow store's
# page of products may be a hundred calls.
_READING: dict[str, Any] = {"soft_time_limit": 300, "time_limit": 360}


@shared_task(name="integrations.tasks.tick")
def tick() -> None:
    """Ring for everything that is due. A second clock in the same moment changes nothing: the slot
    is taken.
    """
    if not upkeep.take_slot("tick", seconds=1):
        return
    now = timezone.now()
    for stream_id in Stream.objects.due(now).values_list("pk", flat=True)[:_TICK_LIMIT]:
        bell.ring("integrations.tasks.run_stream", stream_id, queue="live")
    due = SyncRun.objects.filter(
        state__in=[RunState.QUEUED, RunState.RUNNING, RunState.WAITING],
        next_at__lte=now,
        store__status="active",
    ).exclude(lease_until__gt=now)
    for run_id in due.order_by("next_at").values_list("pk", flat=True)[:_TICK_LIMIT]:
        bell.ring("integrations.tasks.run_backfill", str(run_id), queue="bulk")
    for run_id in Reconciliation.objects.due(now).values_list("pk", flat=True)[:_TICK_LIMIT]:
        bell.ring("integrations.tasks.compare", str(run_id), queue="bulk")
    for store_id in outbox.due_stores("push"):
        bell.ring("integrations.tasks.send_pushes", str(store_id), queue="push")
    for hand_over_id in outbox.due_hand_overs():
        bell.ring("integrations.tasks.work_hand_over", str(hand_over_id), queue="bulk")
    for store_id in outbox.due_stores("command"):
        bell.ring("integrations.tasks.send_commands", str(store_id), queue="push")
    bell.ring("webhooks.tasks.process", queue="live")


@shared_task(name="integrations.tasks.run_stream", **_READING)
def run_stream(stream_id: int) -> None:
    """Rung for by the clock and by whoever is in a hurry, so it looks whether the time has come."""
    if sync.run_stream(stream_id, if_due=True):
        bell.ring("integrations.tasks.run_stream", stream_id, queue="live")


@shared_task(name="integrations.tasks.run_backfill", **_READING)
def run_backfill(run_id: str) -> None:
    if sync.run_slice(UUID(run_id), if_due=True):
        bell.ring("integrations.tasks.run_backfill", run_id, queue="bulk")


@shared_task(name="integrations.tasks.compare", **_READING)
def compare(run_id: str) -> None:
    if compare_slice(UUID(run_id), if_due=True):
        bell.ring("integrations.tasks.compare", run_id, queue="bulk")


@shared_task(name="integrations.tasks.drop_prepared", **_READING)
def drop_prepared() -> None:
    sync.drop_prepared()


@shared_task(name="integrations.tasks.send_pushes")
def send_pushes(store_id: str) -> None:
    outbox.send_pushes(UUID(store_id))


@shared_task(name="integrations.tasks.work_hand_over", **_READING)
def work_hand_over(hand_over_id: str) -> None:
    outbox.work_hand_over(UUID(hand_over_id))


@shared_task(name="integrations.tasks.send_commands")
def send_commands(store_id: str) -> None:
    outbox.send_commands(UUID(store_id))


@shared_task(name="integrations.tasks.look_outside", **_READING)
def look_outside(store_id: str) -> None:
    outbox.look_outside(UUID(store_id))


@shared_task(name="integrations.tasks.sweep", **_READING)
def sweep() -> None:
    """Every 15 s: take back what dead workers held, try what may work now."""
    if upkeep.take_slot("sweep", seconds=10):
        upkeep.each_of(
            outbox.sweep,
            SyncRun.objects.end_stopped,
            sync.reread_due_orders,
            sync.retry_due_parked,
            sync.confirm_zeros,
            privacy.work_due,
            release_lapsed,
            allocating.end_due,
            outbox.ring_looks,
        )


@shared_task(name="integrations.tasks.carry_out_privacy", **_READING)
def carry_out_privacy(request_id: str) -> None:
    if privacy.work(UUID(request_id)):
        bell.ring("integrations.tasks.carry_out_privacy", request_id, queue="admin")


@shared_task(name="integrations.tasks.renew_tokens")
def renew_tokens() -> None:
    """Every minute: new tokens for stores whose token soon ends, so that no call has to wait; a new
    secret of the hub's own app noted.
    """
    if upkeep.take_slot("renew_tokens", seconds=30):
        upkeep.each_of(authentication.note_hub_apps, authentication.refresh_due)


@shared_task(name="integrations.tasks.reconcile", **_READING)
def reconcile() -> None:
    """Every 5 minutes: comparisons of stores begun whose night has come, gaps read again, webhook
    subscriptions audited and mended; every hour: stores that refused us asked again.
    """
    if upkeep.take_slot("reconcile", seconds=60):
        upkeep.each_of(
            _compare_tonight, sync.reread_gaps, upkeep.audit_subscriptions, sync.drop_prepared
        )
    if upkeep.take_slot("recheck", seconds=3600):
        connect.recheck_refused()


def _compare_tonight() -> None:
    start_due(timezone.now())


@shared_task(name="integrations.tasks.maintain", **_READING)
def maintain() -> None:
    """Every hour: erase buyers whose time is over, and delete what has outlived its use; every
    night (UTC): prove that stock is true, and look again at bundles that are no kits.
    """
    if upkeep.take_slot("maintain", seconds=60):
        bell.ring("integrations.tasks.purge_buyers", queue="bulk")
        upkeep.purge(timezone.now())
    if upkeep.take_slot("prove_stock", seconds=86_400):
        bell.ring("integrations.tasks.prove_stock", queue="bulk")
    if upkeep.take_slot("retry_bundles", seconds=86_400):
        bell.ring("integrations.tasks.retry_bundles", queue="bulk")


@shared_task(name="integrations.tasks.purge_buyers", **_READING)
def purge_buyers(after_id: str = "") -> None:
    if left := privacy.purge(timezone.now(), after=UUID(after_id) if after_id else None):
        bell.ring("integrations.tasks.purge_buyers", str(left), queue="bulk")


@shared_task(name="integrations.tasks.retry_bundles", **_READING)
def retry_bundles() -> None:
    upkeep.retry_bundles()


@shared_task(name="integrations.tasks.prove_stock", **_READING)
def prove_stock(after_id: str = "") -> None:
    if last := upkeep.prove_stock(UUID(after_id) if after_id else None):
        bell.ring("integrations.tasks.prove_stock", str(last), queue="bulk")


@shared_task(name="integrations.tasks.heartbeat")
def heartbeat() -> None:
    """Every 15 s: the clock rang and a worker answered."""
    upkeep.beat("worker")

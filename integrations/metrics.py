"""What ``/metrics`` says about stores: how long work waits, how far behind each is, who fails.

A handful of grouped queries at the moment of the scrape; nothing is counted in memory, so every
process tells the same. The webhook inbox tells its own (``webhooks.upkeep``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from integrations import authentication, outbox, privacy
from integrations.models import (
    Command,
    Heartbeat,
    ParkedRecord,
    PrivacyRequest,
    Push,
    RunState,
    ScheduleSlot,
    Store,
    StoreBreaker,
    StoreStatus,
    Stream,
    StreamName,
    SyncGap,
    SyncRun,
)
from integrations.models.privacy import NEAR

# So many failures in a row are no hiccup.
FAILURES = 3


def collect() -> Iterator[Metric]:
    """For ``/metrics``."""
    now = timezone.now()
    yield from _due(now)
    yield _stuck()
    yield _lag(now)
    yield _stores()
    yield GaugeMetricFamily(
        "logix_stores_failing",
        "Stores that refuse us, keep failing, or could not be read three times in a row.",
        value=failing_stores().count(),
    )
    yield GaugeMetricFamily(
        "logix_parked_records",
        "Records that wait for somebody because they could not be understood.",
        value=ParkedRecord.objects.filter(state=ParkedRecord.State.PARKED).count(),
    )
    yield GaugeMetricFamily(
        "logix_sync_gaps_open",
        "Windows of time that could not be read and are not closed yet.",
        value=SyncGap.objects.filter(closed_at=None).count(),
    )
    yield from _privacy(now)
    yield _oldest_buyers(now)
    yield _credentials(now)
    yield _signs_of_life(now)


def failing_stores() -> QuerySet[Store]:
    """Stores that need somebody: refused, tripped, or unread again and again."""
    tripped = StoreBreaker.objects.filter(store=OuterRef("pk")).exclude(state="closed")
    unread = Stream.objects.filter(store=OuterRef("pk"), enabled=True, failures__gte=FAILURES)
    active = Q(status=StoreStatus.ACTIVE)
    return Store.objects.filter(
        Q(status=StoreStatus.NEEDS_MERCHANT) | active & (Exists(tripped) | Exists(unread))
    )


def queues(now: datetime) -> list[tuple[str, int, float]]:
    """Of each kind of work that is due: its name, how much, seconds the oldest has been waiting."""
    out = outbox.numbers()
    streams = Stream.objects.due(now).order_by().aggregate(n=Count("pk"), at=Min("next_at"))
    runs = SyncRun.objects.filter(
        state__in=[RunState.QUEUED, RunState.WAITING],
        next_at__lte=now,
        store__status=StoreStatus.ACTIVE,
    ).aggregate(n=Count("pk"), at=Min("next_at"))
    return [
        ("push", out.ready_pushes, out.oldest_push_s),
        ("command", out.ready_commands, out.oldest_command_s),
        ("stream", streams["n"], _seconds(now, streams["at"])),
        ("backfill", runs["n"], _seconds(now, runs["at"])),
    ]


def _due(now: datetime) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "logix_queue_oldest_age_seconds",
        "How long the oldest due piece of work has been waiting.",
        labels=["queue"],
    )
    due = GaugeMetricFamily("logix_queue_due", "Pieces of work that are due.", labels=["queue"])
    for name, count, seconds in queues(now):
        due.add_metric([name], count)
        age.add_metric([name], seconds)
    yield from (due, age)


def _stuck() -> Metric:
    family = GaugeMetricFamily(
        "logix_outbox_stuck", "Writes to stores that wait for somebody.", labels=["kind"]
    )
    rows = {
        "push": Push.objects.filter(state=Push.State.BLOCKED, store__writes_enabled=True),
        "command": Command.objects.filter(state=Command.State.PARKED),
    }
    for kind, stuck in rows.items():
        active = stuck.filter(store__status=StoreStatus.ACTIVE)
        family.add_metric([kind], active.count())
    return family


def _lag(now: datetime) -> Metric:
    """A stream that never was read through is as old as its store. What is read a few times a day,
    or every hour, is left out: its age tells nothing.
    """
    family = GaugeMetricFamily(
        "logix_store_lag_seconds",
        "Age of the moment up to which a store has been read.",
        labels=["store", "name", "platform", "stream"],
    )
    rows = Stream.objects.exclude(
        name__in=(StreamName.PAYOUTS, StreamName.RETURNS, StreamName.KEPT)
    ).filter(enabled=True, store__status=StoreStatus.ACTIVE, store__auto_sync=True)
    rows = rows.annotate(since=Coalesce("read_through", F("store__created_at")))
    wanted = ("store_id", "store__name", "store__platform", "name", "since")
    for store, name, platform, stream, since in rows.order_by().values_list(*wanted):
        family.add_metric([str(store), name, platform, stream], _seconds(now, since))
    return family


def _stores() -> Metric:
    family = GaugeMetricFamily("logix_stores", "Stores by status.", labels=["status"])
    counts = dict(Store.objects.order_by().values_list("status").annotate(Count("pk")))
    for status in StoreStatus.values:
        family.add_metric([status], counts.get(status, 0))
    return family


def _privacy(now: datetime) -> Iterator[Metric]:
    """Buyers' requests have a date by law."""
    waiting = PrivacyRequest.objects.open().aggregate(
        n=Count("pk"), near=Count("pk", filter=Q(due_at__lt=now + NEAR))
    )
    yield GaugeMetricFamily(
        "logix_privacy_requests_open", "Privacy requests not done yet.", value=waiting["n"]
    )
    yield GaugeMetricFamily(
        "logix_privacy_requests_near_due",
        "Privacy requests due within seven days, or late.",
        value=waiting["near"],
    )


def _oldest_buyers(now: datetime) -> Metric:
    """By platform, since that is whose bound it is. Open orders keep their buyers and tell none."""
    family = GaugeMetricFamily(
        "logix_oldest_pii_age_days",
        "How long ago the order had ended whose buyer's data are kept the longest since.",
        labels=["platform"],
    )
    oldest: dict[str, float] = {}
    for kept in privacy.standing(privacy.bounded_stores()):
        days = kept.age(now) / timedelta(days=1)
        oldest[kept.store.platform] = max(days, oldest.get(kept.store.platform, 0.0))
    for platform, days in oldest.items():
        family.add_metric([platform], days)
    return family


def _credentials(now: datetime) -> Metric:
    family = GaugeMetricFamily(
        "logix_credential_days_left",
        "Days until a credential of a store, or of the hub itself, ends; below 0 once it has.",
        labels=["store", "name", "platform", "what"],
    )
    for one in authentication.endings(Store.objects.all()):
        store = str(one.store.pk) if one.store else ""
        labels = [store, one.of, one.platform, one.what]
        family.add_metric(labels, (one.ends_at - now) / timedelta(days=1))
    return family


def _signs_of_life(now: datetime) -> Metric:
    """Missing where there never was one: ``absent()`` is the alarm for that."""
    family = GaugeMetricFamily(
        "logix_sign_of_life_age_seconds",
        "Age of the last sign of life of a worker, and of the clock.",
        labels=["of"],
    )
    last = {
        "worker": Heartbeat.objects.filter(kind="worker").order_by("-at").values_list("at"),
        "clock": ScheduleSlot.objects.filter(job="tick").order_by("-slot").values_list("slot"),
    }
    for of, rows in last.items():
        if found := rows.first():
            family.add_metric([of], _seconds(now, found[0]))
    return family


def _seconds(now: datetime, at: datetime | None) -> float:
    return max(0.0, (now - at).total_seconds()) if at else 0.0

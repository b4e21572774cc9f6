"""What is read from stores: streams with their cursor and lease, runs with their progress, gaps,
parked records.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from integrations.models.store import Store, StoreStatus
from logix.common.ids import uuid7


class StreamName(models.TextChoices):
    ORDERS = "orders", "Orders"
    PRODUCTS = "products", "Products and stock"
    PAYOUTS = "payouts", "Payouts"
    REFUNDS = "refunds", "Refunds and fees"
    RETURNS = "returns", "Returns"
    KEPT = "kept", "Units the platform keeps"


class StreamQuerySet(models.QuerySet["Stream"]):
    def due(self, now: datetime) -> StreamQuerySet:
        """Streams to be read now, longest waiting first; leased ones are being read. Without
        ``next_at`` a stream is not read by itself.
        """
        return self.filter(
            Q(lease_until=None) | Q(lease_until__lt=now),
            Q(store__auto_sync=True) | Q(asked_at__isnull=False),
            enabled=True,
            next_at__lte=now,
            store__status=StoreStatus.ACTIVE,
        ).order_by("next_at")


class Stream(models.Model):
    """One kind of record of one store. Everything changed before ``read_through`` has been
    committed here.

    ``position`` resumes the walk: ``at`` is the adapter's, ``began`` the store's clock when the
    walk began, ``awaits`` what the store has to prepare first. ``asked_at``: a person, or news that
    came amid a reading, asked for one that has not come to its end yet. The
    lease (owner, until, fence) lets one worker read at a time.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="streams")
    name = models.CharField(max_length=10, choices=StreamName.choices)
    enabled = models.BooleanField(default=True)
    every_s = models.PositiveIntegerField("Read every (seconds)", default=300)
    overlap_s = models.PositiveIntegerField("Look back (seconds)", default=600)
    lag_s = models.PositiveIntegerField("Platform's delay (seconds)", default=5)
    next_at = models.DateTimeField(null=True, blank=True, db_index=True)
    asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    read_through = models.DateTimeField(null=True, blank=True)
    position: models.JSONField[Any] = models.JSONField(default=dict, blank=True)
    skew_ms = models.IntegerField(default=0)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.BigIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    objects = StreamQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["store", "name"], name="stream_once")]

    def __str__(self) -> str:
        return f"{self.name} of {self.store}"


class RunState(models.TextChoices):
    QUEUED = "queued", "Waiting to start"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    WAITING = "waiting", "Waiting for the store"
    COMPLETED = "completed", "Completed"
    COMPLETED_WITH_GAPS = "completed_with_gaps", "Completed with gaps"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


LIVE_STATES = (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED, RunState.WAITING)


class RunKind(models.TextChoices):
    DELTA = "delta", "Changes"
    BACKFILL = "backfill", "Back-fill"
    RECONCILE = "reconcile", "Reconcile"


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def live(self) -> SyncRunQuerySet:
        return self.filter(state__in=LIVE_STATES)

    def stop(self, problem: str = "") -> int:
        """Have these runs end: at once where no worker is at them, else at their next page; what
        they wrote stays. ``problem`` says what is left undone. Return how many were live.
        """
        stopped = self.live().update(cancel_requested=True, problem=problem)
        self.end_stopped()
        return stopped

    def end_stopped(self) -> int:
        """End those that are to stop and that no worker is at. Return how many."""
        idle = Q(lease_until=None) | Q(lease_until__lt=Now())
        return (
            self.live()
            .filter(idle, cancel_requested=True)
            .update(
                state=RunState.CANCELLED,
                finished_at=Now(),
                next_at=None,
                lease_until=None,
                fence=F("fence") + 1,
            )
        )


class SyncRun(models.Model):
    """One reading of a stream, resumable from ``checkpoint``. Poll runs that found nothing are not
    kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="runs")
    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=10, choices=RunKind.choices)
    state = models.CharField(max_length=20, choices=RunState.choices, default=RunState.QUEUED)
    dry_run = models.BooleanField(default=False)
    window_from = models.DateTimeField(null=True)
    window_to = models.DateTimeField(null=True)
    checkpoint: models.JSONField[Any] = models.JSONField(default=dict)
    expected = models.PositiveIntegerField(null=True)
    pages = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    parked = models.PositiveIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    requested_by = models.CharField(max_length=150, blank=True)
    problem = models.TextField(blank=True)
    next_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["stream"],
                condition=Q(state__in=["queued", "running", "paused", "waiting"]),
                name="run_one_live",
            ),
        ]
        indexes = [
            models.Index(fields=["store", "-created_at"], name="run_recent"),
            models.Index(
                fields=["next_at"],
                condition=Q(state__in=["queued", "running", "waiting"]),
                name="run_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.stream}"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def progress(self) -> float | None:
        """0–1, None while the platform has not said how much there is."""
        return min(1.0, self.seen / self.expected) if self.expected else None

    @property
    def matching(self) -> dict[str, Any] | None:
        """What a dry run of products would link (``sync.matching``); None: it is none, or not done
        yet.
        """
        return self.checkpoint.get("matching")


class SyncGap(models.Model):
    """A window that could not be read completely. Re-read until it closes. ``position``: where a
    reading goes on that waits for the store.
    """

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="gaps")
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    reason = models.TextField()
    position: models.JSONField[Any] = models.JSONField(default=dict, db_default={})
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], condition=Q(closed_at=None), name="gap_open"),
        ]

    def __str__(self) -> str:
        return f"gap {self.window_from:%Y-%m-%d %H:%M} – {self.window_to:%H:%M}"


class ParkedRecord(models.Model):
    """A record that could not be applied, with the reason in words. Kept until it is applied or
    dismissed by a person.
    """

    class State(models.TextChoices):
        PARKED = "parked", "Parked"
        RESOLVED = "resolved", "Resolved"
        DISMISSED = "dismissed", "Dismissed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="parked")
    stream = models.CharField(max_length=10, choices=StreamName.choices)
    external_id = models.CharField(max_length=128)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PARKED)
    code = models.CharField(max_length=60)
    reason = models.TextField()
    path = models.CharField(max_length=200, blank=True)
    raw_sealed = models.BinaryField(null=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    next_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    purge_after = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["store", "stream", "external_id"], name="parked_once"),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="parked"), name="parked_due"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.external_id}"


class Rereading(models.Model):
    """Orders of one store that are read again by id, since it was told what their status means: a
    walk along their ids, each order once. ``words`` are the store's statuses; orders up to
    ``after`` were read. ``fence`` is raised by whoever works on it or gives it more to do.

    The walk is done twice: until the tasks are over that began before the words were known, they
    may bring more of these orders.
    """

    store = models.OneToOneField(
        Store, primary_key=True, on_delete=models.CASCADE, related_name="rereading"
    )
    words: models.JSONField[Any] = models.JSONField(default=list)
    after = models.UUIDField(null=True)
    again = models.BooleanField(default=True)
    next_at = models.DateTimeField(db_index=True)
    fence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{', '.join(self.words)} of {self.store}"

"""Nightly comparisons of a store with what is kept of it here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from integrations.models.store import Store, StoreStatus
from logix.common.ids import uuid7


class ReconciliationState(models.TextChoices):
    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    STOPPED = "stopped", "Stopped, asks a person"
    FAILED = "failed", "Failed"


class Phase(models.TextChoices):
    """What a comparison does, in this order."""

    LISTS = "lists", "Lists of orders"
    MISSING = "missing", "Orders missing here"
    UNLISTED = "unlisted", "Orders the store does not list"
    GONE = "gone", "Orders deleted at the store"
    SAMPLE = "sample", "Sample of orders"
    STOCK = "stock", "Stock figures"
    ZEROS = "zeros", "Stock figures of 0"
    CHANNELS = "channels", "Listings in every channel"
    PRODUCTS = "products", "Items that could not be compared"
    DONE = "done", "Done"


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    def due(self, now: datetime) -> ReconciliationQuerySet:
        """Those to be worked on now, longest waiting first; leased ones are in work."""
        free = Q(lease_until=None) | Q(lease_until__lt=now)
        return self.filter(
            free,
            state=ReconciliationState.RUNNING,
            next_at__lte=now,
            store__status=StoreStatus.ACTIVE,
        ).order_by("next_at")


class Reconciliation(models.Model):
    """One comparison of a store with what is kept of it here: orders placed in the window, a
    sample of them part by part, stock figures.

    Resumable from ``phase`` and ``place``; the lease (owner, until, fence) lets one worker at it.
    ``counts`` are by cause (``reconcile.report.CAUSES``), one that is not there is 0. ``findings``
    are the differences met, the first of them, each with its sentence. ``go_on``: a person said to
    change so much all the same.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="reconciliations")
    state = models.CharField(
        max_length=8, choices=ReconciliationState.choices, default=ReconciliationState.RUNNING
    )
    dry_run = models.BooleanField(default=False)
    window_from = models.DateTimeField()
    window_to = models.DateTimeField()
    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.LISTS)
    place: models.JSONField[Any] = models.JSONField(default=dict)
    counts: models.JSONField[Any] = models.JSONField(default=dict)
    findings: models.JSONField[Any] = models.JSONField(default=list)
    go_on = models.BooleanField(default=False)
    problem = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        verbose_name = "comparison"
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["store"], condition=Q(state="running"), name="reconciliation_one_live"
            ),
        ]
        indexes = [
            models.Index(fields=["store", "-created_at"], name="reconciliation_recent"),
            models.Index(
                fields=["next_at"], condition=Q(state="running"), name="reconciliation_due"
            ),
        ]

    def __str__(self) -> str:
        return f"comparison of {self.store}"

    @property
    def is_live(self) -> bool:
        return self.state == ReconciliationState.RUNNING

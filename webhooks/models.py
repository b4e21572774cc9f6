"""The inbox: everything stores send us, kept as it came until its effects are committed."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from logix.common.ids import uuid7


class Delivery(models.Model):
    """One webhook as it arrived. Accepted means committed; what follows is the worker's business.

    ``attempts`` counts claims, committed before the work starts, so a delivery that kills its
    worker is parked in the end. ``body_sealed`` is emptied some days after the work is done.
    ``resource`` is ALWAYS for topics that are worked whatever state the store is in.
    """

    ALWAYS = "always"

    class State(models.TextChoices):
        NEW = "new", "Waiting"
        BUSY = "busy", "Being processed"
        DONE = "done", "Done"
        IGNORED = "ignored", "Ignored"
        PARKED = "parked", "Parked"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(
        "integrations.Endpoint", on_delete=models.CASCADE, related_name="deliveries"
    )
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.CASCADE, related_name="deliveries"
    )
    dedupe_key = models.CharField(max_length=160)
    topic = models.CharField(max_length=80)
    resource = models.CharField(max_length=20, blank=True)
    resource_id = models.CharField(max_length=128, blank=True)
    headers: models.JSONField[Any] = models.JSONField(default=dict)
    body_sealed = models.BinaryField(null=True)
    body_length = models.PositiveIntegerField(default=0)
    received_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=40, blank=True)
    problem_code = models.CharField(max_length=60, blank=True)
    problem = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-received_at"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "dedupe_key"], name="delivery_once"),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="new"), name="delivery_ready"),
            models.Index(fields=["lease_until"], condition=Q(state="busy"), name="delivery_busy"),
            models.Index(
                fields=["store", "received_at"],
                condition=Q(state__in=["new", "busy"]),
                name="delivery_pending",
            ),
            models.Index(fields=["store", "-received_at"], name="delivery_recent"),
            models.Index(
                fields=["done_at"], condition=Q(state__in=["done", "ignored"]), name="delivery_old"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.resource_id}".strip()

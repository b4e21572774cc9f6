"""Housekeeping shared by all workers: limiter buckets, breakers, schedule slots, heartbeats, the
call log, field rules.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from integrations.mapping import rules
from integrations.models.store import Store


class RateBucket(models.Model):
    """One GCRA bucket, changed by one conditional UPDATE (``kit.ratelimit_db``). Times are epoch
    seconds, database clock.
    """

    key = models.CharField(max_length=200, unique=True)
    tat = models.FloatField(default=0)
    blocked_until = models.FloatField(default=0)
    updated_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.key


class StoreBreaker(models.Model):
    """The store's circuit breaker, seen by every worker."""

    store = models.OneToOneField(
        Store, primary_key=True, on_delete=models.CASCADE, related_name="breaker"
    )
    state = models.CharField(max_length=10, default="closed")
    failures = models.PositiveIntegerField(default=0)
    opened = models.PositiveSmallIntegerField(default=0)
    window_start = models.DateTimeField(null=True)
    window_calls = models.PositiveIntegerField(default=0)
    window_failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    probe_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.state} ({self.failures})"


class ScheduleSlot(models.Model):
    """A tick that was taken: with two clocks running, the insert of one of them wins."""

    job = models.CharField(max_length=60)
    slot = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "slot"], name="slot_once")]

    def __str__(self) -> str:
        return f"{self.job} {self.slot:%H:%M:%S}"


class Heartbeat(models.Model):
    """Last sign of life of a process of a kind (worker, clock)."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class CallLog(models.Model):
    """One call to a platform: no body, no query, no secret. Kept 7 days."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="calls")
    at = models.DateTimeField(db_index=True)
    method = models.CharField(max_length=8)
    route = models.CharField(max_length=160)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=1)
    elapsed_ms = models.PositiveIntegerField()
    wait_ms = models.PositiveIntegerField(default=0)
    bytes_in = models.PositiveIntegerField(default=0)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["store", "-id"], name="call_recent")]

    def __str__(self) -> str:
        return f"{self.method} {self.route} {self.status or self.error}"


class FieldRule(models.Model):
    """A custom field mapped without code. ``path`` is JMESPath into the platform's raw record
    (inbound) or into the Logix order (outbound); see ``mapping.rules`` for targets, casts and
    modes.
    """

    class Direction(models.TextChoices):
        IN = "in", "Store to Logix"
        OUT = "out", "Logix to store"

    class Mode(models.TextChoices):
        SET = "set", "Always set"
        FILL = "fill", "Only when empty"
        REQUIRED = "required", "Must be there, else park"

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="field_rules")
    stream = models.CharField(max_length=10, default="orders")
    direction = models.CharField(max_length=3, choices=Direction.choices, default=Direction.IN)
    path = models.CharField(max_length=300)
    target = models.CharField(max_length=120)
    cast = models.CharField(max_length=12, default="text")
    value_map: models.JSONField[Any] = models.JSONField(default=dict, blank=True)
    default: models.JSONField[Any] = models.JSONField(null=True, blank=True)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.SET)
    position = models.PositiveSmallIntegerField(default=0)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["store", "stream", "direction", "target"],
                condition=Q(enabled=True),
                name="rule_target_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} → {self.target}"

    def clean(self) -> None:
        """Whoever saves a rule by a form is told what is wrong with it."""
        try:
            self.compiled()
        except rules.RuleInvalid as err:
            raise ValidationError(str(err)) from err

    def compiled(self) -> rules.Rule:
        """The rule, ready for use. Raises RuleInvalid with what is wrong."""
        return rules.Rule.compile(
            path=self.path,
            target=self.target,
            cast=self.cast,
            value_map=self.value_map,
            default=self.default,
            mode=self.mode,
            stream=self.stream,
            outbound=self.direction == self.Direction.OUT,
        )

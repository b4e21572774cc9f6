"""What is to be written to stores: pushes (the figure wanted, however often it changes) and
commands (done once).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from integrations.models.store import Store
from logix.common.ids import uuid7


class Push(models.Model):
    """Wanted against told, for one listing. A thousand changes raise ``want_version``; one write
    settles them. ``pushed_at_places`` is what was told by the store's location, where it keeps a
    figure for each; ``pushed_value`` all of it together.

    ``busy`` is in the hands of a worker, ``handed`` in a file that the store works off by itself
    (``HandedFigure``): nobody else sends it meanwhile. ``blocked`` waits for someone (writes off,
    merchant must act, parked with a reason); it is never lost.
    """

    class State(models.TextChoices):
        IDLE = "idle", "In step"
        READY = "ready", "To be sent"
        BUSY = "busy", "Being sent"
        HANDED = "handed", "Handed over"
        BLOCKED = "blocked", "Blocked"

    UNDER_WAY = (State.BUSY, State.HANDED)
    UNSENT = (State.READY, *UNDER_WAY)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="pushes")
    listing = models.OneToOneField(
        "inventory.Listing", on_delete=models.CASCADE, related_name="push"
    )
    state = models.CharField(max_length=8, choices=State.choices, default=State.IDLE)
    want_version = models.BigIntegerField(default=0)
    sent_version = models.BigIntegerField(default=0)
    dirty_since = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    pushed_value = models.IntegerField(null=True)
    pushed_at_places: models.JSONField[Any] = models.JSONField(default=dict, db_default={})
    pushed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    problem_code = models.CharField(max_length=60, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_version__lte=F("want_version")), name="push_versions"
            ),
        ]
        indexes = [
            models.Index(
                fields=["store", "next_at"], condition=Q(state="ready"), name="push_ready"
            ),
            models.Index(fields=["lease_until"], condition=Q(state="busy"), name="push_busy"),
        ]
        verbose_name_plural = "pushes"

    def __str__(self) -> str:
        return f"stock of {self.listing}"


class HandOver(models.Model):
    """Many writes that go to a store in one file, which it works off by itself and answers later;
    of each kind one at a time. What was handed over is known by ``handle``, the adapter's own
    words.

    ``refused`` are those in it that were not taken. ``handed_at`` is when they were written,
    ``ended_at`` when the store had worked them off. One that failed holds off the next until
    ``next_at``.
    """

    class State(models.TextChoices):
        GATHERING = "gathering", "Being gathered"
        SENDING = "sending", "Being handed over"
        PENDING = "pending", "At the store"
        SETTLING = "settling", "Being noted"
        DONE = "done", "Done"
        FAILED = "failed", "Came to nothing"

    OPEN = (State.GATHERING, State.SENDING, State.PENDING, State.SETTLING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="%(class)ss")
    state = models.CharField(max_length=10, choices=State.choices, default=State.GATHERING)
    handle: models.JSONField[Any] = models.JSONField(default=dict)
    refused = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    gathered_at = models.DateTimeField(null=True)
    handed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    problem_code = models.CharField(max_length=60, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["-created_at"]


_OPEN = Q(state__in=["gathering", "sending", "pending", "settling"])


class StockHandOver(HandOver):
    """A file of ``figures`` stock figures."""

    figures = models.PositiveIntegerField(default=0)
    orders_unread = models.BooleanField(default=False)

    class Meta(HandOver.Meta):
        constraints = [
            models.UniqueConstraint(fields=["store"], condition=_OPEN, name="one_hand_over"),
        ]
        indexes = [
            models.Index(fields=["store", "-created_at"], name="hand_over_recent"),
            models.Index(fields=["next_at"], condition=_OPEN, name="hand_over_due"),
        ]
        verbose_name = "stock file"

    def __str__(self) -> str:
        return f"{self.figures} figures for {self.store}"


class ParcelHandOver(HandOver):
    """A file of ``parcels`` parcels."""

    parcels = models.PositiveIntegerField(default=0)

    class Meta(HandOver.Meta):
        constraints = [
            models.UniqueConstraint(fields=["store"], condition=_OPEN, name="one_parcel_file"),
        ]
        indexes = [
            models.Index(fields=["store", "-created_at"], name="parcel_file_recent"),
            models.Index(fields=["next_at"], condition=_OPEN, name="parcel_file_due"),
        ]
        verbose_name = "parcel file"

    def __str__(self) -> str:
        return f"{self.parcels} parcels for {self.store}"


class HandedFigure(models.Model):
    """A push that is in a hand-over, on line ``number`` of its file, until the store's word on it
    is kept. ``word`` is what the adapter wants to be told again when the line is written. ``want``
    and ``units`` are what was wanted, and told, when the figure was computed; ``code`` and
    ``problem`` the store's refusal.
    """

    hand_over = models.ForeignKey(StockHandOver, on_delete=models.CASCADE, related_name="lines")
    push = models.OneToOneField(Push, on_delete=models.CASCADE, related_name="handed")
    number = models.PositiveIntegerField()
    word = models.CharField(max_length=200, blank=True)
    want = models.BigIntegerField(default=0)
    units = models.IntegerField(null=True)
    reversals = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=60, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hand_over", "number"], name="one_line_a_number"),
        ]

    def __str__(self) -> str:
        return f"line {self.number}: {self.push}"


class Command(models.Model):
    """One write to a store, done once: keyed, in order per target, looked up before it is sent
    again. ``words_sealed`` is what a person wrote (``outbox.words``). ``order_ref`` is an order of
    this store, or with FULFILL and UNFULFILL one of another, and ``external_order_id`` the name by
    which this store knows it. ``handed`` is in a file that the store works off by itself
    (``HandedParcel``): nobody else sends it meanwhile.
    """

    class Kind(models.TextChoices):
        STATUS = "status", "Order status"
        SHIPMENT = "shipment", "Shipment"
        CANCEL = "cancel", "Cancel order"
        NOTE = "note", "Order note"
        FIELDS = "fields", "Order fields"
        REFUND = "refund", "Refund"
        FULFILL = "fulfill", "Send another store's order"
        UNFULFILL = "unfulfill", "Call off another store's order"

    class State(models.TextChoices):
        NEW = "new", "Waiting"
        BUSY = "busy", "Being sent"
        HANDED = "handed", "Handed over"
        UNKNOWN = "unknown", "Sent, answer lost"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused by the store"
        PARKED = "parked", "Parked"
        DROPPED = "dropped", "Dropped by a person"

    UNTOLD = (State.NEW, State.BUSY, State.HANDED, State.UNKNOWN)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    key = models.CharField(max_length=120)
    order_ref = models.UUIDField(db_index=True)
    external_order_id = models.CharField(max_length=128)
    payload: models.JSONField[Any] = models.JSONField(default=dict)
    words_sealed = models.BinaryField(null=True)
    sequence = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    changed = models.BooleanField(null=True)
    problem_code = models.CharField(max_length=60, blank=True)
    problem = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["store", "key"], name="command_once")]
        indexes = [
            models.Index(
                fields=["store", "next_at"],
                condition=Q(state__in=["new", "unknown"]),
                name="command_ready",
            ),
            models.Index(fields=["lease_until"], condition=Q(state="busy"), name="command_busy"),
            models.Index(fields=["store", "order_ref", "id"], name="command_target"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.external_order_id}"


class HandedParcel(models.Model):
    """A command that is in a hand-over, on line ``number`` of its file, until the store's word on
    it is kept. ``code`` and ``problem`` are its refusal, which stays with the file; where that
    ``is_unsure``, the parcel may be there already.
    """

    hand_over = models.ForeignKey(ParcelHandOver, on_delete=models.CASCADE, related_name="lines")
    command = models.OneToOneField(Command, on_delete=models.CASCADE, related_name="handed")
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=60, blank=True)
    problem = models.TextField(blank=True)
    is_unsure = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hand_over", "number"], name="one_parcel_a_number"),
        ]

    def __str__(self) -> str:
        return f"line {self.number}: {self.command}"

"""What buyers and stores ask by law: requests with their due date, and the marks that keep an
erasure when the store tells of the same buyer again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from integrations.models.store import Store
from logix.common.ids import uuid7

# Open so short before its due date, a request needs somebody now.
NEAR = timedelta(days=7)


class PrivacyRequestQuerySet(models.QuerySet["PrivacyRequest"]):
    def open(self) -> PrivacyRequestQuerySet:
        return self.filter(state=PrivacyRequest.State.OPEN)


class PrivacyRequest(models.Model):
    """One request, as a store passed it on. Whom it is about is sealed (``customer_sealed``) or a
    keyed digest (``email_index``, as on orders), and gone once the request is done.

    ``next_at``: when Logix goes on with it by itself, None while it waits for a person.
    ``confirmed``: the store, or a person, confirmed what cannot be taken back. ``walked_at``: all
    was erased once; it is looked at a second time, since what was being written just then may have
    come after. ``fence`` is raised by whoever works on it.
    """

    class Kind(models.TextChoices):
        EXPORT = "export", "Tell a buyer what is kept"
        ERASE_BUYER = "erase_buyer", "Erase a buyer"
        ERASE_STORE = "erase_store", "Erase all buyers of the store"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="privacy_requests")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    reference = models.CharField(max_length=128)
    order_ids: models.JSONField[Any] = models.JSONField(default=list)
    customer_sealed = models.BinaryField(null=True)
    email_index = models.CharField(max_length=32, blank=True)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=4, choices=State.choices, default=State.OPEN)
    confirmed = models.BooleanField(default=False)
    walked_at = models.DateTimeField(null=True)
    orders_done = models.PositiveIntegerField(default=0)
    counts: models.JSONField[Any] = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=150, blank=True)

    objects = PrivacyRequestQuerySet.as_manager()

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(fields=["store", "kind", "reference"], name="privacy_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="open"), name="privacy_open"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.store}"


class ErasureMark(models.Model):
    """The tombstone of an order, or of a buyer whose orders up to ``until`` are erased. ``mark`` is
    a keyed digest (``privacy.marks``); what is imported later and bears it is erased with it.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="erasure_marks")
    mark = models.CharField(max_length=40)
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "mark"], name="mark_once")]

    def __str__(self) -> str:
        return self.mark

"""Refunds that people ask a store for from here. ``refunding.py`` is the only writer; what the
store itself tells of refunds is ``Refund``.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from logix.common.ids import uuid7
from orders.columns import money


class RefundRequestQuerySet(models.QuerySet["RefundRequest"]):
    def pending(self) -> RefundRequestQuerySet:
        """What counts towards what was given back though the store does not show it yet."""
        return self.filter(state__in=RefundRequest.PENDING)


class RefundRequest(models.Model):
    """``lines``: as those of a ``Refund``. ``restock``: units by order line (ids as text) that go
    back on the shelf at ``location`` once the store has the refund. ``moves_money``: through the
    gateway. ``external_id``: the store's refund it became. Why it was asked for stands with the
    command, sealed.
    """

    class State(models.TextChoices):
        ASKED = "asked", "On its way to the store"
        TOLD = "told", "Taken by the store"
        DONE = "done", "Refunded"
        REFUSED = "refused", "Refused by the store"
        DROPPED = "dropped", "Dropped by a person"

    PENDING = (State.ASKED, State.TOLD)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        "orders.Order", on_delete=models.CASCADE, related_name="refund_requests"
    )
    reference = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    amount = money()
    shipping = money()
    lines = models.JSONField(default=list)
    restock = models.JSONField(default=dict)
    location = models.ForeignKey("inventory.Location", null=True, on_delete=models.SET_NULL)
    moves_money = models.BooleanField(default=False)
    external_id = models.CharField(max_length=128, blank=True)
    problem = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    objects = RefundRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "reference"], name="refund_request_once"),
        ]
        indexes = [
            models.Index(
                fields=["order"],
                condition=Q(state__in=["asked", "told"]),
                name="refund_request_pending",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

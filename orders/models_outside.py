"""Orders, or parts of them, that another store sends from its platform's warehouses. ``outside.py``
and ``outside_news.py`` are the only writers.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from logix.common.ids import uuid7
from orders.columns import choices
from orders.data_outside import Speed


class OutsideQuerySet(models.QuerySet["OutsideFulfillment"]):
    def open(self) -> OutsideQuerySet:
        return self.filter(state__in=OutsideFulfillment.OPEN)


class OutsideFulfillment(models.Model):
    """``store`` sends it, which is not the order's own. ``reference`` is the name by which that
    store knows it. ``problem``: why it was refused, or could not be called off. ``next_look_at``:
    when the store is asked again how far it is, None once nothing more is to be expected.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "On its way to the store"
        ACCEPTED = "accepted", "Taken by the store"
        SENDING = "sending", "Being sent"
        CANCELLING = "cancelling", "Being called off"
        SENT = "sent", "Sent"
        PARTLY_SENT = "partly_sent", "Sent in part"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Called off"

    OPEN = (State.REQUESTED, State.ACCEPTED, State.SENDING, State.CANCELLING)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="outside")
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.PROTECT, related_name="sends_for_others"
    )
    reference = models.CharField(max_length=40)
    speed = models.CharField(max_length=12, choices=choices(Speed))
    state = models.CharField(max_length=12, choices=State.choices, default=State.REQUESTED)
    raw_status = models.CharField(max_length=40, blank=True)
    problem = models.TextField(blank=True)
    requested_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)
    looks = models.PositiveSmallIntegerField(default=0)

    objects = OutsideQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["store", "reference"], name="outside_once"),
        ]
        indexes = [
            models.Index(
                fields=["next_look_at"],
                condition=Q(next_look_at__isnull=False),
                name="outside_to_look",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class OutsideLine(models.Model):
    """Units of one line of the order, as ``sku`` of the store that sends; ``sent`` have left."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    fulfillment = models.ForeignKey(
        OutsideFulfillment, on_delete=models.CASCADE, related_name="lines"
    )
    line = models.ForeignKey("orders.OrderLine", on_delete=models.CASCADE, related_name="outside")
    sku = models.CharField(max_length=128)
    quantity = models.PositiveIntegerField()
    sent = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["fulfillment", "line"], name="outside_line_once"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}"

    @property
    def key(self) -> str:
        """By which the store that sends tells it from others."""
        return self.line_id.hex

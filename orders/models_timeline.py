"""What happened to an order, in sentences, and the store's own last answer about it."""

from __future__ import annotations

from django.db import models

from logix.common.ids import uuid7


class OrderEvent(models.Model):
    """One row of an order's timeline. ``title`` is a sentence; ``data`` holds before and after,
    never personal data.
    """

    class Origin(models.TextChoices):
        STORE = "store", "The store"
        HUB = "hub", "Logix"
        PERSON = "person", "A person"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=300)
    data = models.JSONField(default=dict)
    origin = models.CharField(max_length=6, choices=Origin.choices)
    actor = models.CharField(max_length=150, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["order", "at", "id"], name="event_by_order")]

    def __str__(self) -> str:
        return self.title


class OrderPayload(models.Model):
    """The platform's own last answer about the order: lz4-compressed, sealed, purged on the
    personal data clock.
    """

    order = models.OneToOneField(
        "orders.Order", primary_key=True, on_delete=models.CASCADE, related_name="payload"
    )
    sealed = models.BinaryField()
    at = models.DateTimeField()
    purge_after = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"payload of {self.order_id}"

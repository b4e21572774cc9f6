"""What platforms take of orders, as they booked it. ``fees.py`` is the only writer."""

from __future__ import annotations

from typing import Any

from django.db import models

from logix.common.ids import uuid7
from orders.columns import money


class OrderFee(models.Model):
    """What was booked of one order at one time, as it was told last. ``amounts``: [{word, amount}],
    which come to ``total``; above zero the platform takes, below it gives back. No order is named
    but by its id at the store: it may come later, or never.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    external_order_id = models.CharField(max_length=128)
    external_id = models.CharField(max_length=128)
    currency = models.CharField(max_length=3)
    total = money()
    amounts: models.JSONField[Any] = models.JSONField(default=list)
    posted_at = models.DateTimeField()
    observed_at = models.DateTimeField()

    class Meta:
        ordering = ["posted_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["store", "external_order_id", "external_id"], name="order_fee_once"
            ),
        ]

    def __str__(self) -> str:
        return f"fees {self.total}"

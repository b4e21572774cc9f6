"""What stores tell of orders apart from the orders themselves: their refunds and returns, where a
platform keeps those in another place. ``apart.py`` is the only writer.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from logix.common.ids import uuid7
from orders.columns import choices
from orders.data import PartKind


class ToldPart(models.Model):
    """One refund or return, as it was told last. ``told`` is the record (``RefundData`` or
    ``ReturnData``, as JSON); what people wrote is not kept. ``currency`` is that of its amounts;
    ``by_sku``: its lines name SKUs. ``waits``: its order does not show it yet, because it has not
    come, or has not been read since.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    external_order_id = models.CharField(max_length=128)
    kind = models.CharField(max_length=6, choices=choices((PartKind.REFUND, PartKind.RETURN)))
    external_id = models.CharField(max_length=128)
    currency = models.CharField(max_length=3, blank=True)
    by_sku = models.BooleanField(default=False)
    told: models.JSONField[Any] = models.JSONField()
    digest = models.CharField(max_length=32)
    waits = models.BooleanField(default=True)
    observed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "external_order_id", "kind", "external_id"],
                name="told_part_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["store", "external_order_id"],
                condition=Q(waits=True),
                name="told_part_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"

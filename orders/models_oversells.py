"""What was sold and was not there. ``shortage.py`` is the only writer."""

from __future__ import annotations

from django.db import models

from logix.common.ids import uuid7


class OversellQuerySet(models.QuerySet["Oversell"]):
    def unresolved(self) -> OversellQuerySet:
        return self.filter(resolved_at=None)


class Oversell(models.Model):
    """``units`` of an order line are not on hand (of a kit: kits). ``cause`` says how it came, at
    the time: what each store was told of the item and when, by which rule it was computed; and
    ``found_after_s``, how long after the sale we heard of it. Resolved when nothing is missing any
    more: served, cancelled, shipped all the same. ``is_backorder``: the order's store sells the
    item below zero on purpose, so it waits for units like any other and alarms nobody.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="oversells")
    line = models.ForeignKey("orders.OrderLine", on_delete=models.CASCADE, related_name="oversells")
    variant = models.ForeignKey(
        "inventory.Variant", null=True, on_delete=models.SET_NULL, related_name="oversells"
    )
    sku = models.CharField("SKU", max_length=128, blank=True)
    units = models.PositiveIntegerField()
    is_backorder = models.BooleanField(default=False, db_default=False)
    cause = models.JSONField(default=dict)
    found_after_s = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    objects = OversellQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["line"], condition=models.Q(resolved_at=None), name="oversell_one_open"
            ),
        ]
        indexes = [
            models.Index(
                fields=["merchant", "-opened_at"],
                condition=models.Q(resolved_at=None),
                name="oversell_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.units} × {self.sku}"

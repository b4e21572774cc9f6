"""What people decided on goods that were refunded after they had left, where no return tells of
them. ``refunded_goods.py`` is the only writer.
"""

from __future__ import annotations

from django.db import models

from logix.common.ids import uuid7


class GoodsDecision(models.Model):
    """``units`` of an order line, decided once. ``withdrawn_at``: one that said that nothing comes
    back was taken back, so that the units wait again.
    """

    class Outcome(models.TextChoices):
        BACK = "back", "Put back to stock"
        NOTHING = "nothing", "Nothing comes back"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(
        "orders.Order", on_delete=models.CASCADE, related_name="goods_decisions"
    )
    line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.CASCADE, related_name="goods_decisions"
    )
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    units = models.PositiveIntegerField()
    location = models.ForeignKey("inventory.Location", null=True, on_delete=models.SET_NULL)
    decided_by = models.CharField(max_length=150)
    decided_at = models.DateTimeField()
    withdrawn_by = models.CharField(max_length=150, blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.units} × {self.line}"

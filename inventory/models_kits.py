"""What kits are made of. ``kits.py`` is the only writer."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from logix.common.ids import uuid7


class KitPart(models.Model):
    """``units`` of a part in one kit. A part may be a kit itself."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kit = models.ForeignKey("inventory.Variant", on_delete=models.CASCADE, related_name="parts")
    part = models.ForeignKey("inventory.Variant", on_delete=models.PROTECT, related_name="part_of")
    units = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["kit", "part"], name="kit_part_once"),
            models.CheckConstraint(condition=Q(units__gte=1), name="kit_part_units"),
            models.CheckConstraint(condition=~Q(kit=F("part")), name="kit_not_of_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.units} × {self.part_id}"

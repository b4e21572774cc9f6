"""What is set aside for one store. ``allocating.py`` makes, changes and ends it; the book of the
ledger counts what is left of it.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from inventory.data import MOST_UNITS
from logix.common.ids import uuid7

_STANDS = Q(ended_at=None)


class Allocation(models.Model):
    """``units`` of one variant at one place that only orders of ``store`` may take, of which
    ``left`` are not taken yet: they are what the level counts as allocated. The row stays for the
    record when it has ended, at ``until`` or by hand.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.PROTECT, related_name="allocations"
    )
    variant = models.ForeignKey(
        "inventory.Variant", on_delete=models.PROTECT, related_name="allocations"
    )
    location = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, related_name="allocations"
    )
    units = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(MOST_UNITS)])
    left = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=120, blank=True)
    version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "location", "store"], condition=_STANDS, name="allocation_once"
            ),
            models.CheckConstraint(condition=Q(left__lte=F("units")), name="allocation_left"),
            models.CheckConstraint(condition=_STANDS | Q(left=0), name="allocation_ended_empty"),
        ]
        indexes = [
            models.Index(
                fields=["until"],
                condition=_STANDS & Q(until__isnull=False),
                name="allocation_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.units} × {self.variant} for {self.store}"

    @property
    def used(self) -> int:
        """Units its store's orders took: reserved or gone."""
        return self.units - self.left

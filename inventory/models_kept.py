"""What a platform tells of the units in warehouses of its own. ``kept.py`` is the only writer."""

from __future__ import annotations

from django.db import models

from inventory.models_places import Location
from logix.common.ids import uuid7


class KeptUnits(models.Model):
    """Units of one listing of a store that its platform keeps at ``location``. ``variant`` holds
    their count; null while the listing is linked to nothing here. ``changed_at`` is the platform's
    own word of when a figure last changed, ``read_at`` when we last heard of the row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="kept_units")
    external_variant_id = models.CharField(max_length=128)
    variant = models.ForeignKey(
        "inventory.Variant", null=True, on_delete=models.PROTECT, related_name="kept_units"
    )
    sku = models.CharField("SKU in the store", max_length=128, blank=True)
    title = models.CharField(max_length=300, blank=True)
    sellable = models.PositiveIntegerField(default=0)
    reserved = models.PositiveIntegerField("Reserved there", default=0)
    inbound = models.PositiveIntegerField("On their way", default=0)
    unsellable = models.PositiveIntegerField(default=0)
    researching = models.PositiveIntegerField("Being looked for", default=0)
    changed_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "kept units"
        constraints = [
            models.UniqueConstraint(fields=["location", "external_variant_id"], name="kept_once"),
        ]
        indexes = [
            models.Index(fields=["merchant", "sku", "id"], name="kept_by_sku"),
        ]

    def __str__(self) -> str:
        return f"{self.sku or self.external_variant_id} at {self.location}"

"""Where stock lies, and where each store says it does. ``locations.py`` is the only writer of
places, ``selling_places.py`` of what stores have to do with them, ``kept.py`` of what platforms
keep in warehouses of their own.
"""

from __future__ import annotations

from django.db import models

from logix.common.ids import uuid7


class Location(models.Model):
    """A place that holds stock. Lower ``rank`` is picked first.

    ``kept_by``: the platform of this store keeps it and counts there, under the name ``kept_ref``.
    Such a place is never open, so it is in no store's figure and no order takes from it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    name = models.CharField(max_length=120)
    code = models.SlugField(max_length=40)
    rank = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)
    kept_by = models.ForeignKey(
        "integrations.Store",
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="kept_places",
    )
    kept_ref = models.CharField(max_length=64, blank=True, db_default="", editable=False)

    class Meta:
        ordering = ["rank", "code"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "code"], name="location_code_once"),
            models.UniqueConstraint(
                fields=["kept_by", "kept_ref"],
                condition=models.Q(kept_by__isnull=False),
                name="location_kept_once",
            ),
            models.CheckConstraint(
                condition=models.Q(kept_by__isnull=True) | models.Q(is_active=False),
                name="location_kept_not_open",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def refusal(self) -> str:
        """Why nothing is counted, moved or taken here by hand; "" where it may be."""
        if self.kept_by_id is not None:
            return (
                f"What lies at {self.name} is counted by the platform of {self.kept_by}, and is "
                "only shown here. Choose a place of your own."
            )
        return "" if self.is_active else f"{self.name} is closed. Open it, or choose another place."


class StoreLocation(models.Model):
    """A place as one store knows it, that keeps a figure of its own there. ``is_online``: online
    orders are sent from it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.CASCADE, related_name="locations"
    )
    external_id = models.CharField(max_length=128)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    is_online = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "external_id"]
        constraints = [
            models.UniqueConstraint(fields=["store", "external_id"], name="store_location_once"),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id


class StorePlace(models.Model):
    """A place of ours that a store sells from, first choice first, and the store's location its
    units are shown at (null where the store keeps one figure). A store without any sells from all
    open places.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey("integrations.Store", on_delete=models.CASCADE, related_name="places")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="sold_by")
    shown_at = models.ForeignKey(
        StoreLocation, null=True, on_delete=models.RESTRICT, related_name="places"
    )
    rank = models.PositiveSmallIntegerField(default=100)

    class Meta:
        ordering = ["rank", "id"]
        constraints = [
            models.UniqueConstraint(fields=["store", "location"], name="store_place_once"),
        ]

    def __str__(self) -> str:
        return f"{self.location} for {self.store}"

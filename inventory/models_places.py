"""Where stock lies, and where each store says it does. ``locations.py`` is the only writer of
places, ``selling_places.py`` of what stores have to do with them.
"""

from __future__ import annotations

from django.db import models

from logix.common.ids import uuid7


class Location(models.Model):
    """A place that holds stock. Lower ``rank`` is picked first."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    name = models.CharField(max_length=120)
    code = models.SlugField(max_length=40)
    rank = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["rank", "code"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "code"], name="location_code_once"),
        ]

    def __str__(self) -> str:
        return self.name


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

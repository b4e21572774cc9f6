"""A listing in each channel of its store. ``channels.py`` is the only writer."""

from __future__ import annotations

from django.db import models

from logix.common.ids import uuid7


class ListingChannel(models.Model):
    """What one channel of the store, by its id, said of a listing at ``seen_at``: ``external_id``
    is the name it has there, ``raw_status`` the channel's own words. A channel that does not offer
    it has no row.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    listing = models.ForeignKey(
        "inventory.Listing", on_delete=models.CASCADE, related_name="channels"
    )
    channel = models.CharField(max_length=64)
    external_id = models.CharField(max_length=64, blank=True)
    title = models.CharField(max_length=300, blank=True)
    price = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    raw_status = models.CharField(max_length=120, blank=True)
    is_buyable = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["channel"]
        constraints = [
            models.UniqueConstraint(fields=["listing", "channel"], name="listing_channel_once"),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} in {self.channel}"

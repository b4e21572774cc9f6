"""What stores that are masters of their stock told and was not simply taken over."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from integrations.models.store import Store


class ToldFigure(models.Model):
    """A 0 where we counted ``was`` units and no order says why: it is read once more before it is
    believed, and where there are too many of them somebody is asked.

    ``taken`` ones count as sudden for a while, so that many cannot slip by few at a time.
    """

    class State(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "Read once more"
        HELD = "held", "Waits for somebody"
        TAKEN = "taken", "Taken over"

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="told_figures")
    listing = models.OneToOneField(
        "inventory.Listing", on_delete=models.CASCADE, related_name="told_figure"
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.UNCONFIRMED)
    was = models.IntegerField()
    problem = models.TextField(blank=True)
    next_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(state="unconfirmed"), name="told_unconfirmed"
            ),
            models.Index(fields=["store", "state"], name="told_by_store"),
        ]

    def __str__(self) -> str:
        return f"0 told of {self.listing}"

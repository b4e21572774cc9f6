"""Edits of a store that came after picking began. ``conflicts.py`` says what differs,
``deciding.py`` what a person decides; ``importing.py`` writes what the store tells.
"""

from __future__ import annotations

from django.db import models

from logix.common.ids import uuid7


class ConflictQuerySet(models.QuerySet["Conflict"]):
    def open(self) -> ConflictQuerySet:
        return self.filter(state=Conflict.State.OPEN)


class Conflict(models.Model):
    """``baseline`` is the order as it was when picking began, ``diff`` what the store has made of
    it since: both hold no address and no note, only whether it is another. ``edits`` grows with
    each edit that changes the difference, so that a person decides on what they saw. ``edited_at``
    and ``source_version`` are the store's time and version of the last one.
    """

    class State(models.TextChoices):
        OPEN = "open", "Waits for a decision"
        ACCEPTED = "accepted", "Accepted"
        RETURNED = "returned", "Taken back by the store"
        OVERTAKEN = "overtaken", "Needs no decision any more"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="conflicts")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    baseline = models.JSONField(default=dict)
    diff = models.JSONField(default=dict)
    edits = models.PositiveIntegerField(default=1)
    edited_at = models.DateTimeField()
    source_version = models.BigIntegerField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(state="open"), name="conflict_one_open"
            ),
        ]
        indexes = [models.Index(fields=["order", "-opened_at"], name="conflict_by_order")]

    def __str__(self) -> str:
        return f"edit of {self.order}"

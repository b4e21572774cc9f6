"""Returns as the hub knows them: goods of an order that are to come back, or have. What the store
tells of them is written by ``importing.py``, what was put back to stock by ``restocking.py``.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from logix.common.ids import uuid7
from orders.columns import choices
from orders.status import UNSETTLED, Handling, ReturnStatus


class Return(models.Model):
    """``notes_sealed``: what people wrote about its lines, which may name the buyer.
    ``handling``: as the store's option was when it was first told; a later choice does not change
    it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="returns")
    external_id = models.CharField(max_length=128)
    name = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=choices(ReturnStatus))
    raw_status = models.CharField(max_length=60)
    notes_sealed = models.BinaryField(null=True)
    handling = models.CharField(
        max_length=9,
        choices=choices(Handling),
        default=Handling.RECORD,
        db_default=Handling.RECORD.value,
    )
    created_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "external_id"], name="return_once"),
        ]
        indexes = [
            models.Index(
                fields=["order"],
                condition=Q(status__in=sorted(x.value for x in UNSETTLED)),
                name="return_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def problem(self) -> str:
        """Why a person has to look, in words; '' where nobody has to."""
        if self.status != ReturnStatus.UNKNOWN:
            return ""
        return (
            f"The store says “{self.raw_status}” of this return, a word that Logix does not know. "
            "Look at the return in the store before you put its goods back."
        )


class ReturnLine(models.Model):
    """Units of one line. ``line`` null: the store does not say of which. ``received``: how many the
    store has taken in; ``restocked``: how many were put back to stock here, by decision of a person
    or by the store's word where its option says so.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    parent = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(
        "orders.OrderLine", null=True, on_delete=models.SET_NULL, related_name="returned_in"
    )
    external_id = models.CharField(max_length=128)
    quantity = models.PositiveIntegerField()
    received = models.PositiveIntegerField(default=0)
    restocked = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["parent", "external_id"], name="return_line_once"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.line or 'unknown line'}"

    @property
    def left(self) -> int:
        """Units that may still be put back."""
        return max(0, self.quantity - self.restocked)

"""Payouts as the hub knows them: what a store's payment service paid to the merchant's bank, and
the lines it is made of. ``payouts.py`` is the only writer.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from logix.common.ids import uuid7
from orders.columns import choices, money
from orders.data import PayoutLineKind, PayoutStatus


class PayoutQuerySet(models.QuerySet["Payout"]):
    def unexplained(self) -> PayoutQuerySet:
        """Those whose lines do not add up to them, or cannot be added."""
        return self.exclude(problem="")


class Payout(models.Model):
    """One payment to the bank, or from it (``amount`` below zero). The totals are of its lines.

    ``remainder`` is what no line explains: ``amount`` − ``net_total``, null where the lines cannot
    be added up. ``problem`` names it in words; without one the payout is explained to the cent.
    ``raw_mark``: the store's own record that this was made of.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.PROTECT)
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.PROTECT, related_name="payouts"
    )
    external_id = models.CharField(max_length=128)
    status = models.CharField(max_length=10, choices=choices(PayoutStatus))
    raw_status = models.CharField(max_length=60)

    currency = models.CharField(max_length=3)
    amount = money()
    gross_total = money()
    fee_total = money()
    net_total = money()
    remainder = money(null=True)
    problem = models.TextField(blank=True)
    lines_complete = models.BooleanField(default=True)
    line_count = models.PositiveIntegerField(default=0)

    issued_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)

    digest = models.CharField(max_length=32)
    lines_digest = models.CharField(max_length=32)
    raw_mark = models.CharField(max_length=32, blank=True)
    revision = models.PositiveIntegerField(default=0)
    observed_at = models.DateTimeField()
    imported_at = models.DateTimeField(db_default=Now())
    applied_at = models.DateTimeField(db_default=Now())

    objects = PayoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "external_id"], name="payout_once"),
            models.CheckConstraint(
                condition=~Q(problem="") | Q(remainder=0, remainder__isnull=False),
                name="payout_adds_up_or_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-issued_at", "-id"], name="payout_recent"),
            models.Index(fields=["store", "-issued_at", "-id"], name="payout_store_recent"),
            models.Index(
                fields=["merchant", "-issued_at", "-id"],
                condition=~Q(problem=""),
                name="payout_unexplained",
            ),
        ]

    def __str__(self) -> str:
        return f"payout {self.external_id}"

    @property
    def adds_up(self) -> bool:
        return not self.problem


class PayoutLine(models.Model):
    """One movement that a payout is made of. ``order`` null: it is about none, or about one that is
    not here yet; it is linked when the order comes.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payout = models.ForeignKey(Payout, on_delete=models.CASCADE, related_name="lines")
    # Of the payout; here for the index of those that wait, which begins with it.
    store = models.ForeignKey(
        "integrations.Store", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order = models.ForeignKey(
        "orders.Order", null=True, on_delete=models.SET_NULL, related_name="payout_lines"
    )
    external_id = models.CharField(max_length=128)
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=choices(PayoutLineKind))
    raw_kind = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=3)
    amount = money()
    fee = money()
    net = money()
    at = models.DateTimeField(null=True)
    external_order_id = models.CharField(max_length=128, blank=True)
    external_transaction_id = models.CharField(max_length=128, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["payout", "external_id"], name="payout_line_once"),
        ]
        indexes = [
            models.Index(fields=["payout", "position"], name="payout_line_place"),
            models.Index(
                fields=["store", "external_order_id"],
                condition=Q(order=None) & ~Q(external_order_id=""),
                name="payout_line_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.net}"

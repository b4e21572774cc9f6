"""How payouts look from outside, and how that is described in OpenAPI; a test holds both to the
same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from integrations.api.fields import Money
from integrations.api.order_schema import PayoutLineSerializer, StoreRefSerializer
from logix.common.amounts import money, places_of
from orders.data import PayoutStatus
from orders.models import Payout, PayoutLine

STATUSES = [status.value for status in PayoutStatus]
_PLAIN = (
    "id",
    "external_id",
    "status",
    "raw_status",
    "currency",
    "problem",
    "adds_up",
    "lines_complete",
    "line_count",
    "issued_at",
    "paid_at",
    "imported_at",
    "applied_at",
)
_AMOUNTS = ("amount", "gross_total", "fee_total", "net_total", "remainder")
_LINE = (
    "payout_id",
    "external_id",
    "kind",
    "raw_kind",
    "currency",
    "at",
    "order_id",
    "external_order_id",
    "external_transaction_id",
)
_LINE_AMOUNTS = ("amount", "fee", "net")


class PayoutSummarySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    store = StoreRefSerializer()
    external_id = serializers.CharField(help_text="The payout's id at the platform.")
    status = serializers.ChoiceField(STATUSES)
    raw_status = serializers.CharField(help_text="The platform's own word.")
    currency = serializers.CharField()
    amount = Money(help_text="What arrives at the bank; below zero, what is taken from it.")
    gross_total = Money(help_text="Of all lines, before fees.")
    fee_total = Money(help_text="What was taken off the lines.")
    net_total = Money(help_text="What the lines add up to.")
    remainder = Money(
        allow_null=True,
        help_text="`amount` less `net_total`: what no line explains. Null where the lines cannot "
        "be added up.",
    )
    adds_up = serializers.BooleanField(help_text="The lines explain the amount to the last digit.")
    problem = serializers.CharField(help_text="Why it does not add up, in words.")
    lines_complete = serializers.BooleanField(help_text="False: the platform told some lines only.")
    line_count = serializers.IntegerField()
    issued_at = serializers.DateTimeField(help_text="When the platform made it.")
    paid_at = serializers.DateTimeField(allow_null=True, help_text="When the money arrived.")
    imported_at = serializers.DateTimeField()
    applied_at = serializers.DateTimeField(help_text="When it last changed here.")


class PayoutSerializer(PayoutSummarySerializer):
    lines = PayoutLineSerializer(many=True, help_text="The first of them, as the platform lists.")
    more_lines = serializers.CharField(
        allow_null=True, help_text="Address of all lines, where there are more than these."
    )


def summary(payout: Payout) -> dict[str, Any]:
    """A payout of a list; give it with ``store`` loaded."""
    places, store = places_of(payout.currency), payout.store
    shape = {name: getattr(payout, name) for name in _PLAIN}
    shape |= {name: money(getattr(payout, name), places) for name in _AMOUNTS}
    shape["store"] = {"id": store.pk, "name": store.name, "platform": store.platform}
    return shape


def in_full(payout: Payout, lines: Iterable[PayoutLine], more_lines: str | None) -> dict[str, Any]:
    return {**summary(payout), "lines": [line(x) for x in lines], "more_lines": more_lines}


def line(row: PayoutLine) -> dict[str, Any]:
    places = places_of(row.currency)
    shape = {name: getattr(row, name) for name in _LINE}
    return shape | {name: money(getattr(row, name), places) for name in _LINE_AMOUNTS}

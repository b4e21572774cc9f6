"""Refunds of an order that are asked for here: on their way to the store, made, or refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Money, Strict
from integrations.api.lookups import location_of
from integrations.api.order_writes import ParcelLine, units_of
from integrations.api.views import ApiViewSet
from logix.accounts.models import Scope
from logix.common.amounts import money, places_of
from orders import services
from orders.models import Order, RefundRequest
from orders.refunding import LONGEST_REASON

_SHOWN = (
    "id",
    "reference",
    "state",
    "moves_money",
    "external_id",
    "problem",
    "requested_by",
    "created_at",
    "ended_at",
)


class RefundLine(ParcelLine):
    restock = serializers.IntegerField(
        min_value=0,
        max_value=1_000_000,
        default=0,
        help_text="Units of these that come back and can be sold again; only such as had left.",
    )


class Refunding(Strict):
    lines = RefundLine(many=True, required=False, allow_empty=False)
    shipping = serializers.DecimalField(
        max_digits=20, decimal_places=6, required=False, help_text="Of the shipping, with tax."
    )
    amount = serializers.DecimalField(
        max_digits=20,
        decimal_places=6,
        required=False,
        help_text="Another sum than lines and shipping are worth; alone, money without goods.",
    )
    reason = serializers.CharField(
        max_length=LONGEST_REASON,
        required=False,
        allow_blank=True,
        default="",
        help_text="The store keeps it with the refund, and may show it to the buyer.",
    )
    location = serializers.CharField(
        max_length=60,
        required=False,
        help_text="Code or id of the place that goods go back to; the first place if left out.",
    )
    reference = serializers.CharField(
        max_length=64, required=False, help_text="Your own name of the refund."
    )


class RequestedLineSerializer(serializers.Serializer[Any]):
    line_id = serializers.UUIDField(allow_null=True, help_text="Null: no line any more.")
    quantity = serializers.IntegerField()
    amount = Money(help_text="Without tax.")
    tax = Money()
    restock = serializers.IntegerField(help_text="Units that go back to stock here.")


class RefundRequestSerializer(serializers.Serializer[Any]):
    """`asked` and `told` count towards what was given back until the store shows the refund."""

    id = serializers.UUIDField()
    reference = serializers.CharField()
    state = serializers.ChoiceField(RefundRequest.State.choices)
    amount = Money(help_text="In all, with tax.")
    shipping = Money()
    lines = RequestedLineSerializer(many=True)
    moves_money = serializers.BooleanField(
        help_text="False: the store notes the refund and moves no money."
    )
    external_id = serializers.CharField(help_text="The store's refund it became.")
    problem = serializers.CharField(help_text="Why it was refused or dropped, in words.")
    requested_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class RefundViews(ApiViewSet):
    """Refunds of one order that were asked for here. Those the store tells of stand with the order
    itself.
    """

    tag = "Orders"
    write_scope = Scope.ORDERS_WRITE
    serializer_class = RefundRequestSerializer

    def get_queryset(self) -> QuerySet[RefundRequest]:
        rows = RefundRequest.objects.filter(order__merchant=self.merchant)
        return rows.select_related("order").prefetch_related("order__lines")

    @extend_schema(
        summary="An order's refunds that were asked for here, latest first",
        responses=RefundRequestSerializer(many=True),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        return self.page(self.get_queryset().filter(order=self._order(pk)), _shape)

    @extend_schema(
        summary="Refund an order",
        description="Units, shipping, or an amount: never more than was paid, less what was "
        "refunded or is on its way. What a unit is worth is reckoned from its line, to the cent. "
        "Whether the money moves is the store's option `refunds`, which is `off` until its owner "
        "allows it. The same `reference` again returns the refund that was asked for; give it an "
        "`Idempotency-Key` as well.",
        request=Refunding,
        responses={202: RefundRequestSerializer},
        examples=[
            OpenApiExample(
                "A unit that came back",
                {
                    "lines": [{"sku": "MUG-BLUE", "quantity": 1, "restock": 1}],
                    "reason": "Did not like the colour",
                },
                request_only=True,
            ),
            OpenApiExample("Money alone", {"amount": "5.00"}, request_only=True),
        ],
    )
    def create(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(Refunding)
        told = {name: asked[name] for name in asked if name not in ("lines", "location")}
        if "lines" in asked:
            told["lines"] = units_of(order, asked["lines"])
            told["restock"] = units_of(order, asked["lines"], of="restock") or "none"
        if "location" in asked:
            told["location"] = location_of(self.merchant, asked["location"], field="location")
        made = self.audited(
            "order.refund_requested",
            order,
            lambda: services.request_refund(
                order, **told, actor=self.actor, request_id=request_id()
            ),
            reference=asked.get("reference", ""),
        )
        return Response(_shape(self.get_queryset().get(pk=made.pk)), status=202)

    def _order(self, pk: UUID) -> Order:
        rows = Order.objects.filter(merchant=self.merchant).select_related("store")
        order = rows.filter(pk=pk).first()
        if order is None:
            raise Http404
        return order


def _shape(found: RefundRequest) -> dict[str, Any]:
    places = places_of(found.order.currency)
    lines = {line.external_id: line.pk for line in found.order.lines.all()}
    return {
        **{name: getattr(found, name) for name in _SHOWN},
        "amount": money(found.amount, places),
        "shipping": money(found.shipping, places),
        "lines": [
            {
                "line_id": lines.get(row["line"]),
                "quantity": row["quantity"],
                "amount": money(Decimal(row["amount"]), places),
                "tax": money(Decimal(row["tax"]), places),
                "restock": found.restock.get(str(lines.get(row["line"])), 0),
            }
            for row in found.lines
        ],
    }

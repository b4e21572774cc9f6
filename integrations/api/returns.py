"""Returns of an order: what is to come back, and the word that it can be sold again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import order_shapes
from integrations.api.errors import request_id
from integrations.api.fields import Strict
from integrations.api.lookups import location_of
from integrations.api.order_schema import ReturnSerializer
from integrations.api.views import ApiViewSet
from logix.accounts.models import Scope
from orders import services
from orders.models import Order, Return


class RestockedLine(Strict):
    line = serializers.UUIDField(help_text="Id of the return's line.")
    units = serializers.IntegerField(min_value=1, max_value=1_000_000)


class Restocking(Strict):
    lines = RestockedLine(many=True, allow_empty=False)
    location = serializers.CharField(
        max_length=60, required=False, help_text="Code or id; the first place if left out."
    )


class ReturnViews(ApiViewSet):
    """Goods of one order that are to come back, or have."""

    tag = "Orders"
    write_scope = Scope.STOCK_WRITE
    serializer_class = ReturnSerializer

    def get_queryset(self) -> QuerySet[Return]:
        rows = Return.objects.filter(order__merchant=self.merchant)
        return rows.select_related("order__store").prefetch_related("lines")

    @extend_schema(
        summary="An order's returns, latest first",
        description="Without the words of people, which stand with the order itself.",
        responses=ReturnSerializer(many=True),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        if not Order.objects.filter(merchant=self.merchant, pk=pk).exists():
            raise Http404
        return self.page(self.get_queryset().filter(order_id=pk), _shape)

    @extend_schema(
        summary="Put returned units back to stock",
        description="A return alone moves no stock: this is the word that its goods can be sold "
        "again. Never more of a line than was to come back. Sent again, it puts back more: give it "
        "an `Idempotency-Key`. The store is told the new figure, and nothing of the return.",
        request=Restocking,
        responses=ReturnSerializer,
        examples=[
            OpenApiExample(
                "One unit",
                {
                    "lines": [{"line": "<id of the return's line>", "units": 1}],
                    "location": "main",
                },
                request_only=True,
            ),
        ],
    )
    @action(detail=True, methods=["post"])
    def restock(self, request: Request, pk: UUID, return_id: UUID) -> Response:
        found = self.get_queryset().filter(order_id=pk, pk=return_id).first()
        if found is None:
            raise Http404
        asked = self.read(Restocking)
        told: dict[str, Any] = {"units": _units(asked["lines"])}
        if "location" in asked:
            told["location"] = location_of(self.merchant, asked["location"], field="location")
        self.audited(
            "order.return_restocked",
            found.order,
            lambda: services.restock_return(
                found, **told, actor=self.actor, request_id=request_id()
            ),
            return_id=str(return_id),
            units=sum(told["units"].values()),
        )
        return Response(_shape(self.get_queryset().get(pk=return_id)))


def _shape(found: Return) -> dict[str, Any]:
    return order_shapes.return_of(found.order, found, with_notes=False)


def _units(lines: list[dict[str, Any]]) -> dict[UUID, int]:
    """By the return's line; one that is named twice is added up."""
    units: dict[UUID, int] = {}
    for item in lines:
        units[item["line"]] = units.get(item["line"], 0) + item["units"]
    return units

"""Edits that a store made after picking began: what differs from the order as it was then, and the
word of a person that the edit holds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Strict
from integrations.api.order_schema import ConflictSerializer
from integrations.api.views import ApiViewSet
from logix.accounts.models import Scope
from logix.common.amounts import money, places_of
from orders import services
from orders.models import Conflict, Order


class Acceptance(Strict):
    edits = serializers.IntegerField(
        min_value=1,
        help_text="The conflict's `edits` as you saw it: refused where the store edited again "
        "since.",
    )


class ConflictViews(ApiViewSet):
    """Edits of one order after picking began, and what was decided."""

    tag = "Orders"
    write_scope = Scope.ORDERS_WRITE
    serializer_class = ConflictSerializer
    ordering = ("-opened_at", "-id")

    def get_queryset(self) -> QuerySet[Conflict]:
        rows = Conflict.objects.filter(order__merchant=self.merchant)
        return rows.select_related("order")

    @extend_schema(
        summary="Edits of an order after picking began, latest first",
        description="At most one is open. `GET /orders?flag=edited_after_import` lists the orders "
        "that wait.",
        responses=ConflictSerializer(many=True),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        if not Order.objects.filter(merchant=self.merchant, pk=pk).exists():
            raise Http404
        return self.page(self.get_queryset().filter(order_id=pk), shape)

    @extend_schema(
        summary="Accept the store's edit",
        description="The order goes on with the lines it has at the store now, and what the edit "
        "wants less of is free again. Units that had left stay as shipped. Who wants the order "
        "otherwise changes it in the store: an edit that brings it back ends the conflict by "
        "itself.",
        request=Acceptance,
        responses=ConflictSerializer,
        examples=[OpenApiExample("As it was seen", {"edits": 1}, request_only=True)],
    )
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: UUID) -> Response:
        order = Order.objects.filter(merchant=self.merchant, pk=pk).first()
        if order is None:
            raise Http404
        asked = self.read(Acceptance)
        found = self.audited(
            "order.edit_accepted",
            order,
            lambda: services.accept_edit(
                order, seen=asked["edits"], actor=self.actor, request_id=request_id()
            ),
        )
        return Response(shape(self.get_queryset().get(pk=found.pk)))


def shape(found: Conflict) -> dict[str, Any]:
    places = places_of(found.order.currency)
    return {
        "id": found.pk,
        "state": found.state,
        "edits": found.edits,
        "edited_at": found.edited_at,
        "source_version": found.source_version,
        "opened_at": found.opened_at,
        "closed_at": found.closed_at,
        "decided_by": found.decided_by,
        "lines": [
            {
                "change": row["change"],
                "line_id": row["line_id"],
                "external_id": row["line"],
                "name": row["name"],
                "before": _side(row["before"], places),
                "after": _side(row["after"], places),
                "shipped": row["shipped"],
            }
            for row in found.diff.get("lines", ())
        ],
        "fields": found.diff.get("fields", []),
    }


def _side(told: dict[str, Any] | None, places: int) -> dict[str, Any] | None:
    if told is None:
        return None
    return {**told, "unit_price": money(Decimal(told["unit_price"]), places)}

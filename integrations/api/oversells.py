"""Oversells over the API: what was sold and is not there, how it came, and whether it is over."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import outbox
from integrations.api.fields import Query
from integrations.api.views import ApiViewSet
from orders.models import Oversell


class OversellQuery(Query):
    store = serializers.UUIDField(required=False)
    sku = serializers.CharField(max_length=128, required=False)
    resolved = serializers.BooleanField(
        required=False, default=False, help_text="True: those that are over."
    )
    backorder = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="True: only what a store sold on back-order; false: only the rest.",
    )


class OversellSerializer(serializers.Serializer[Oversell]):
    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    order_number = serializers.CharField(source="order.number")
    store_id = serializers.UUIDField(source="order.store_id")
    line_id = serializers.UUIDField()
    variant_id = serializers.UUIDField(allow_null=True)
    sku = serializers.CharField()
    units = serializers.IntegerField(help_text="Missing now; when it is over, missing last.")
    is_backorder = serializers.BooleanField(
        help_text="The order's store sells the item below zero on purpose: it waits for units, and "
        "is nobody's mistake."
    )
    cause = serializers.JSONField(
        help_text="What each store had been told of the item when the order came in, and when; "
        "`should_show` is its figure now that the order counts, not what it should have shown "
        "before; `reserve_from` where the order may not take it from just any place."
    )
    found_after_s = serializers.IntegerField(help_text="Seconds from the sale until it was known.")
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)


class BetweenSerializer(serializers.Serializer[outbox.Between]):
    what = serializers.CharField(help_text="An order, or what somebody did.")
    units = serializers.IntegerField(help_text="That became free; below zero: that were taken.")
    order_id = serializers.UUIDField(allow_null=True)
    at = serializers.DateTimeField()


class ToldSerializer(serializers.Serializer[outbox.Told]):
    store = serializers.CharField()
    sold_it = serializers.BooleanField(help_text="The order is of this store.")
    told = serializers.IntegerField(
        allow_null=True, help_text="Its last figure before the order; null: none."
    )
    told_at = serializers.DateTimeField(allow_null=True)
    free_then = serializers.IntegerField(
        allow_null=True, help_text="What was free to the store when it was told."
    )
    between = BetweenSerializer(
        many=True, help_text="What was taken or added between that and the order."
    )
    words = serializers.CharField(help_text="All of it in sentences.")


class OversellDetailSerializer(OversellSerializer):
    history = ToldSerializer(many=True, help_text="By listing, the one that sold it first.")


class OversellViews(ApiViewSet):
    """Order lines of which units are not on hand."""

    tag = "Stock"
    ordering: tuple[str, ...] = ("-opened_at", "-id")
    serializer_class = OversellSerializer

    def get_queryset(self) -> QuerySet[Oversell]:
        return Oversell.objects.filter(merchant=self.merchant).select_related("order")

    @extend_schema(summary="List oversells, latest first", parameters=[OversellQuery])
    def list(self, request: Request) -> Response:
        asked: dict[str, Any] = self.query(OversellQuery)
        rows = self.get_queryset().filter(resolved_at__isnull=not asked["resolved"])
        if "store" in asked:
            rows = rows.filter(order__store_id=asked["store"])
        if "sku" in asked:
            rows = rows.filter(sku=asked["sku"])
        if asked["backorder"] is not None:
            rows = rows.filter(is_backorder=asked["backorder"])
        return self.page(rows, lambda row: OversellSerializer(row).data)

    @extend_schema(
        summary="One oversell, and how it came",
        description="What each store was last told of the item and when, what was free then, and "
        "what came between that and the order, as far as it is known.",
        responses=OversellDetailSerializer,
    )
    def retrieve(self, request: Request, pk: UUID) -> Response:
        rows = self.get_queryset().select_related("order", "line", "variant")
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        shape = OversellSerializer(found).data
        told = [asdict(x) for x in outbox.oversell_history(found)]
        return Response({**shape, "history": told})

"""Oversells over the API: what was sold and is not there, how it came, and whether it is over."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.fields import Query
from integrations.api.views import ApiViewSet
from orders.models import Oversell


class OversellQuery(Query):
    store = serializers.UUIDField(required=False)
    sku = serializers.CharField(max_length=128, required=False)
    resolved = serializers.BooleanField(
        required=False, default=False, help_text="True: those that are over."
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
    cause = serializers.JSONField(
        help_text="What each store had been told of the item when the order came in, and when; "
        "`reserve_from` where the order may not take it from just any place."
    )
    found_after_s = serializers.IntegerField(help_text="Seconds from the sale until it was known.")
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)


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
        return self.page(rows, lambda row: OversellSerializer(row).data)

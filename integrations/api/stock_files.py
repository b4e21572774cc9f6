"""Files of many stock figures: when each was handed over, and what the store made of it."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.fields import Query, Words
from integrations.api.views import ApiViewSet
from integrations.models import StockHandOver, StoreStatus


class StockFileQuery(Query):
    store = serializers.UUIDField(required=False)
    state = Words(StockHandOver.State.values, help_text="Default: all.")


class StockFileSerializer(serializers.ModelSerializer[StockHandOver]):
    store_id = serializers.UUIDField(read_only=True)
    code = serializers.CharField(source="problem_code", read_only=True)

    class Meta:
        model = StockHandOver
        fields = (
            "id",
            "store_id",
            "state",
            "figures",
            "refused",
            "created_at",
            "handed_at",
            "ended_at",
            "done_at",
            "next_at",
            "code",
            "problem",
        )
        read_only_fields = fields
        extra_kwargs = {
            "state": {"help_text": "`pending`: the store is working it off."},
            "figures": {"help_text": "How many are in it."},
            "refused": {"help_text": "Of them, those the store did not take; each push says why."},
            "handed_at": {"help_text": "When its figures were computed and handed over."},
            "ended_at": {"help_text": "When the store had worked it off, by its own clock."},
            "next_at": {"help_text": "When the store is asked about it next."},
            "problem": {"help_text": "Why it waits, or came to nothing."},
        }


class StockFileViews(ApiViewSet):
    """Where a store takes many figures in one file."""

    tag = "Stock"
    serializer_class = StockFileSerializer

    def get_queryset(self) -> QuerySet[StockHandOver]:
        rows = StockHandOver.objects.filter(store__merchant=self.merchant)
        return rows.exclude(store__status=StoreStatus.DISCONNECTED)

    @extend_schema(summary="Files of many stock figures, newest first", parameters=[StockFileQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(StockFileQuery)
        rows = self.get_queryset()
        if "store" in asked:
            rows = rows.filter(store_id=asked["store"])
        if "state" in asked:
            rows = rows.filter(state__in=asked["state"])
        return self.page(rows, lambda row: StockFileSerializer(row).data)

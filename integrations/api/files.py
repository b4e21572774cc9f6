"""Files of many stock figures, or parcels: when each was handed over, and what the store made of
it.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.fields import Query, Words
from integrations.api.views import ApiViewSet
from integrations.models import (
    Command,
    HandedParcel,
    HandOver,
    ParcelHandOver,
    StockHandOver,
    StoreStatus,
)

File = TypeVar("File", ParcelHandOver, StockHandOver)
_SAID = (
    "refused",
    "created_at",
    "handed_at",
    "ended_at",
    "done_at",
    "next_at",
    "code",
    "problem",
)
_HELP = {
    "state": {"help_text": "`pending`: the store is working it off."},
    "figures": {"help_text": "How many are in it."},
    "parcels": {"help_text": "How many are in it."},
    "handed_at": {"help_text": "When it was written and handed over."},
    "ended_at": {"help_text": "When the store had worked it off, by its own clock."},
    "next_at": {"help_text": "When the store is asked about it next."},
    "problem": {"help_text": "Why it waits, or came to nothing."},
}


class FileQuery(Query):
    store = serializers.UUIDField(required=False)
    state = Words(HandOver.State.values, help_text="Default: all.")


class FileSerializer(serializers.ModelSerializer[File]):
    store_id = serializers.UUIDField(read_only=True)
    code = serializers.CharField(source="problem_code", read_only=True)


class StockFileSerializer(FileSerializer[StockHandOver]):
    class Meta:
        model = StockHandOver
        fields = ("id", "store_id", "state", "figures", *_SAID)
        read_only_fields = fields
        extra_kwargs = {
            **_HELP,
            "refused": {"help_text": "Of them, those the store did not take; each push says why."},
        }


class ParcelFileSerializer(FileSerializer[ParcelHandOver]):
    class Meta:
        model = ParcelHandOver
        fields = ("id", "store_id", "state", "parcels", *_SAID)
        read_only_fields = fields
        extra_kwargs = {
            **_HELP,
            "refused": {"help_text": "Of them, those the store did not take; `refused` says why."},
        }


class RefusedParcelSerializer(serializers.Serializer[HandedParcel]):
    id = serializers.IntegerField()
    number = serializers.IntegerField(help_text="Of its line in the file.")
    order_id = serializers.UUIDField(source="command.order_ref")
    external_order_id = serializers.CharField(
        source="command.external_order_id", help_text="The order's id in the store."
    )
    reference = serializers.CharField(
        source="command.payload.reference", help_text="Of the shipment."
    )
    carrier = serializers.CharField(source="command.payload.carrier")
    tracking_number = serializers.CharField(source="command.payload.tracking_number")
    code = serializers.CharField()
    problem = serializers.CharField(help_text="The store's word on it.")
    may_be_there = serializers.BooleanField(
        source="is_unsure", help_text="The store is looked at, and told by a call if need be."
    )
    state = serializers.ChoiceField(
        Command.State.choices, source="command.state", help_text="What became of it since."
    )


class FileViews(ApiViewSet):
    """The newest first."""

    model: ClassVar[type[HandOver]]

    def get_queryset(self) -> QuerySet[Any]:
        rows = self.model._default_manager.filter(store__merchant=self.merchant)
        return rows.exclude(store__status=StoreStatus.DISCONNECTED)

    def list(self, request: Request) -> Response:
        asked = self.query(FileQuery)
        rows = self.get_queryset()
        if "store" in asked:
            rows = rows.filter(store_id=asked["store"])
        if "state" in asked:
            rows = rows.filter(state__in=asked["state"])
        return self.page(rows, lambda row: self.get_serializer(row).data)


class StockFileViews(FileViews):
    """Where a store takes many figures in one file."""

    tag = "Stock"
    model = StockHandOver
    serializer_class = StockFileSerializer

    @extend_schema(summary="Files of many stock figures, newest first", parameters=[FileQuery])
    def list(self, request: Request) -> Response:
        return super().list(request)


class ParcelFileViews(FileViews):
    """Where a store takes many parcels in one file."""

    tag = "Orders"
    model = ParcelHandOver
    serializer_class = ParcelFileSerializer

    @extend_schema(summary="Files of many parcels, newest first", parameters=[FileQuery])
    def list(self, request: Request) -> Response:
        return super().list(request)

    @extend_schema(
        summary="Parcels of a file that the store did not take",
        responses=RefusedParcelSerializer(many=True),
    )
    @action(detail=True)
    def refused(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        file = self.get_queryset().filter(pk=pk).first()
        if file is None:
            raise Http404
        rows = file.lines.exclude(code="").select_related("command")
        self.ordering = ("number",)
        return self.page(rows, lambda row: RefusedParcelSerializer(row).data)

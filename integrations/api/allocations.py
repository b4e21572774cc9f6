"""Units set aside for one store, over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Query, Strict, When
from integrations.api.lookups import ONE_ITEM, item_of, location_of, store_of
from integrations.api.stock import PlaceSerializer, StockItemSerializer
from integrations.api.views import ApiViewSet
from integrations.outbox.facts import set_aside_words
from inventory import allocating, locations
from inventory.catalogue import sku_key
from inventory.data import MOST_UNITS
from inventory.models import Allocation
from logix.accounts.models import Scope

_NOTE = 120
_ROW = ("id", "store", "variant", "location", "units", "left", "until")


class OwnerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class AllocationSerializer(serializers.ModelSerializer[Allocation]):
    store = OwnerSerializer()
    variant = StockItemSerializer(help_text="That whose stock counts.")
    location = PlaceSerializer()
    units = serializers.IntegerField(help_text="Set aside; of one that has ended what was used.")
    used = serializers.IntegerField(help_text="Of these: taken by orders of the store.")
    left = serializers.IntegerField(help_text="Of these: not taken yet, and kept from all others.")
    until = serializers.DateTimeField(allow_null=True, help_text="Null: until somebody ends it.")
    ended_at = serializers.DateTimeField(allow_null=True, help_text="Null: it stands.")

    class Meta:
        model = Allocation
        fields = (
            "id",
            "store",
            "variant",
            "location",
            "units",
            "used",
            "left",
            "until",
            "note",
            "created_at",
            "ended_at",
        )
        read_only_fields = fields


class SetAsideSerializer(serializers.Serializer[Any]):
    """As a part of what explains an item."""

    id = serializers.UUIDField(help_text="Of `/stock/allocations`.")
    store = OwnerSerializer()
    variant = StockItemSerializer()
    location = PlaceSerializer()
    units = serializers.IntegerField()
    left = serializers.IntegerField(help_text="Not taken by its orders yet.")
    until = serializers.DateTimeField(allow_null=True)
    words = serializers.CharField()


def set_aside_row(row: Allocation) -> Any:
    words = set_aside_words(row)
    return SetAsideSerializer({**{name: getattr(row, name) for name in _ROW}, "words": words}).data


class AllocationValues(Strict):
    units = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_UNITS, help_text="Those already used included."
    )
    until = When(required=False, allow_null=True, help_text="Null: until somebody ends it.")
    note = serializers.CharField(max_length=_NOTE, required=False, allow_blank=True)


class NewAllocation(Strict):
    either = (ONE_ITEM,)

    store = serializers.UUIDField(help_text="Whose orders alone may take them.")
    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(
        max_length=60, required=False, help_text="Code or id; the first place if left out."
    )
    units = serializers.IntegerField(min_value=1, max_value=MOST_UNITS)
    until = When(required=False, allow_null=True, default=None, help_text="When it ends by itself.")
    note = serializers.CharField(max_length=_NOTE, required=False, allow_blank=True, default="")


class AllocationQuery(Query):
    store = serializers.UUIDField(required=False)
    sku = serializers.CharField(required=False)
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(required=False, help_text="Code or id.")
    ended = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="False: those that stand."
    )


class AllocationViews(ApiViewSet):
    """Below ``/stock/allocations``."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE
    serializer_class = AllocationSerializer

    def get_queryset(self) -> QuerySet[Allocation]:
        rows = Allocation.objects.filter(merchant=self.merchant)
        return rows.select_related("store", "variant", "location")

    @extend_schema(summary="List what is set aside", parameters=[AllocationQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(AllocationQuery)
        rows = self.get_queryset()
        if "store" in asked:
            rows = rows.filter(store=asked["store"])
        if "sku" in asked:
            rows = rows.filter(variant__sku_key=sku_key(asked["sku"]))
        if "variant" in asked:
            rows = rows.filter(variant=asked["variant"])
        if "location" in asked:
            place = location_of(self.merchant, asked["location"], field="location")
            rows = rows.filter(location=place)
        if asked["ended"] is not None:
            rows = rows.filter(ended_at__isnull=not asked["ended"])
        return self.page(rows, lambda row: AllocationSerializer(row).data)

    @extend_schema(
        summary="Set units aside for a store",
        description="What is free at a place is kept for one store from then on: others are shown "
        "less, it is shown what it was, and its orders take these first. No more than is free can "
        "be set aside, and once for each store, item and place: 409 `allocation_refused` says "
        "why not.",
        request=NewAllocation,
        responses={201: AllocationSerializer},
        examples=[
            OpenApiExample(
                "Thirty for one store",
                {"store": "0199…", "sku": "MUG-BLUE", "location": "main", "units": 30},
                request_only=True,
            )
        ],
    )
    def create(self, request: Request) -> Response:
        asked = self.read(NewAllocation)
        store = store_of(self.merchant, asked["store"], field="store")
        variant = item_of(self.merchant, asked)
        place = (
            location_of(self.merchant, asked["location"], field="location")
            if "location" in asked
            else locations.default(self.merchant.pk)
        )
        made = self.again(
            lambda: allocating.make(
                store,
                variant,
                place,
                units=asked["units"],
                until=asked["until"],
                note=asked["note"],
                actor=self.actor,
                request_id=request_id(),
            )
        )
        return Response(self._shown(made.pk), status=201)

    @extend_schema(summary="One allocation")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(self._shown(pk))

    @extend_schema(
        summary="Change how much is set aside, or until when",
        description="Less than is used already, or more than is free besides, is refused: 409 "
        "`allocation_refused`.",
        request=AllocationValues,
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        found, asked = self._found(pk), self.read(AllocationValues)
        self.again(
            lambda: allocating.change(found, **asked, actor=self.actor, request_id=request_id())
        )
        return Response(self._shown(pk))

    @extend_schema(
        summary="End an allocation",
        description="What is left of it is free to all, and stores are told. What orders took "
        "stays theirs. It is kept for the record.",
        responses={204: OpenApiResponse(description="Ended")},
    )
    def destroy(self, request: Request, pk: UUID) -> Response:
        found = self._found(pk)
        self.again(lambda: allocating.end(found, actor=self.actor, request_id=request_id()))
        return Response(status=204)

    def _found(self, pk: UUID) -> Allocation:
        found = self.get_queryset().filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _shown(self, pk: UUID) -> Any:
        return AllocationSerializer(self._found(pk)).data

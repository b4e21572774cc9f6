"""Units in warehouses of a platform's own, over the API: what it tells of them, only read."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.fields import Query
from integrations.api.lookups import location_of
from integrations.api.stock import PlaceSerializer, StockItemSerializer
from integrations.api.views import ApiViewSet
from inventory.kept import FIGURES
from inventory.models import KeptUnits


class KeptUnitsSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    store = serializers.UUIDField(help_text="The one whose platform keeps them.")
    location = PlaceSerializer()
    sku = serializers.CharField(help_text="In the store.")
    title = serializers.CharField()
    variant = StockItemSerializer(
        allow_null=True, help_text="Null: the listing is linked to nothing here."
    )
    sellable = serializers.IntegerField(help_text="The platform alone sells them.")
    reserved = serializers.IntegerField(help_text="For the platform's own orders and moves.")
    inbound = serializers.IntegerField(help_text="On their way there; none of the others.")
    unsellable = serializers.IntegerField()
    researching = serializers.IntegerField(help_text="The platform looks for them.")
    changed_at = serializers.DateTimeField(allow_null=True, help_text="By the platform's word.")
    read_at = serializers.DateTimeField(help_text="When it last told of them.")


class KeptQuery(Query):
    store = serializers.UUIDField(required=False)
    location = serializers.CharField(required=False, help_text="Code or id.")
    sku = serializers.CharField(required=False, help_text="In the store, spelled as it is there.")
    variant = serializers.UUIDField(required=False)
    linked = serializers.BooleanField(required=False, allow_null=True, default=None)


class KeptViews(ApiViewSet):
    """What lies in platforms' own warehouses."""

    tag = "Stock"
    serializer_class = KeptUnitsSerializer

    def get_queryset(self) -> QuerySet[KeptUnits]:
        rows = KeptUnits.objects.filter(merchant=self.merchant)
        return rows.select_related("location", "variant")

    @extend_schema(
        summary="Units that platforms keep",
        description="Counted by the platform in its own warehouses and sold by it alone: they are "
        "in no other store's figure, and nothing here moves them.",
        parameters=[KeptQuery],
        responses=KeptUnitsSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        asked = self.query(KeptQuery)
        wanted = Q()
        if "store" in asked:
            wanted &= Q(location__kept_by=asked["store"])
        if "location" in asked:
            place = location_of(self.merchant, asked["location"], field="location")
            wanted &= Q(location=place)
        if "sku" in asked:
            wanted &= Q(sku=asked["sku"])
        if "variant" in asked:
            wanted &= Q(variant=asked["variant"])
        if asked["linked"] is not None:
            wanted &= Q(variant__isnull=not asked["linked"])
        return self.page(self.get_queryset().filter(wanted), _kept)


def _kept(row: KeptUnits) -> dict[str, Any]:
    place, item = row.location, row.variant
    return {
        "id": row.pk,
        "store": place.kept_by_id,
        "location": {"id": place.pk, "code": place.code, "name": place.name},
        "sku": row.sku,
        "title": row.title,
        "variant": item and {"id": item.pk, "sku": item.sku, "title": item.title},
        **{name: getattr(row, name) for name in FIGURES},
        "changed_at": row.changed_at,
        "read_at": row.read_at,
    }

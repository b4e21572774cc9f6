"""What kits are made of, over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Query, Strict
from integrations.api.lookups import ONE_ITEM, item_of
from integrations.api.stock import StockItemSerializer
from integrations.api.views import ApiViewSet
from inventory import kits
from inventory.models import KitPart, Variant
from logix.accounts.models import Merchant, Scope

_MOST_UNITS = 10_000


class PartSerializer(serializers.Serializer[Any]):
    variant = StockItemSerializer(source="part")
    units = serializers.IntegerField(help_text="Of it in one kit.")


class PartsSerializer(serializers.Serializer[Any]):
    parts = PartSerializer(many=True, help_text="Empty: it is no kit, and counted itself.")


class NewPart(Strict):
    either = (ONE_ITEM,)

    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    units = serializers.IntegerField(min_value=1, max_value=_MOST_UNITS)


class NewParts(Strict):
    parts = serializers.ListField(
        child=NewPart(), max_length=kits.MOST_PARTS, help_text="All of them; none: it is no kit."
    )


class KitViews(ApiViewSet):
    """Below ``/variants/{id}/parts``."""

    tag = "Catalogue"
    write_scope = Scope.STOCK_WRITE
    http_method_names = [*ApiViewSet.http_method_names, "put"]
    pagination_class = None
    serializer_class = PartsSerializer

    def get_queryset(self) -> QuerySet[Variant]:
        return Variant.objects.filter(merchant=self.merchant)

    @extend_schema(summary="What a kit is made of")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        return self._shown(self._kit(pk))

    @extend_schema(
        summary="Make a kit of other items",
        description="In place of the parts before; none makes it a thing of its own again, that "
        "has to be counted. Open orders of it hold its new parts, and stores are told. A part may "
        "be a kit itself. 409 `kit_refused` says what cannot be.",
        request=NewParts,
        examples=[
            OpenApiExample(
                "Two mugs in a box",
                {"parts": [{"sku": "MUG-BLUE", "units": 2}, {"sku": "GIFT-BOX", "units": 1}]},
                request_only=True,
            )
        ],
    )
    def update(self, request: Request, pk: UUID) -> Response:
        kit, asked = self._kit(pk), self.read(NewParts)
        parts = _units(self.merchant, asked["parts"])
        self.again(lambda: kits.set_parts(kit, parts, actor=self.actor, request_id=request_id()))
        return self._shown(kit)

    def _kit(self, pk: UUID) -> Variant:
        found = self.get_queryset().filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _shown(self, kit: Variant) -> Response:
        parts = KitPart.objects.filter(kit=kit).select_related("part")
        return Response(PartsSerializer({"parts": parts}).data)


def _units(merchant: Merchant, asked: list[dict[str, Any]]) -> dict[UUID, int]:
    """Raises ValidationError naming what there is none of, or what is named twice."""
    units: dict[UUID, int] = {}
    for number, one in enumerate(asked):
        part = item_of(merchant, one, within=f"parts/{number}/")
        if part.pk in units:
            raise serializers.ValidationError(
                {
                    f"parts/{number}": serializers.ErrorDetail(
                        f"{part} is named twice. Add its units up.", "repeated"
                    )
                }
            )
        units[part.pk] = one["units"]
    return units

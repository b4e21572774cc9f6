"""Stock over the API: levels, the trail of every unit, and corrections by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Query, Strict, When, Words
from integrations.api.lookups import ONE_ITEM, item_of, location_of, order_of
from integrations.api.views import ApiViewSet
from inventory import condition, ledger, locations
from inventory.catalogue import sku_key
from inventory.data import MOST_UNITS
from inventory.models import Bucket, Location, MovementKind, StockLevel, StockMovement
from logix.accounts.models import Scope

BUCKETS = [bucket.value for bucket in Bucket]
UNSOLD = [bucket.value for bucket in condition.UNSOLD]
_LEVEL = ("on_hand", "reserved", "allocated", "held", "damaged", "counted_at", "updated_at")
_MOVEMENT = (
    "id",
    "at",
    "kind",
    "bucket",
    "before",
    "delta",
    "after",
    "reason",
    "cause",
    "order_ref",
    "actor",
    "request_id",
)
_ITEM = (
    "variant_id",
    "variant__sku",
    "variant__title",
    "location_id",
    "location__code",
    "location__name",
    "location__kept_by_id",
)
# For whoever reads levels: at a place that a platform keeps they are that platform's alone.
KEPT_BY = (
    "The store whose platform keeps the place and counts there: what is free, it alone sells; its "
    "reserved units are `held`. More under `/stock/kept`. Null: a place of yours."
)


class StockItemSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sku = serializers.CharField()
    title = serializers.CharField()


class PlaceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()


class LevelSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    variant = StockItemSerializer()
    location = PlaceSerializer()
    kept_by = serializers.UUIDField(allow_null=True, help_text=KEPT_BY)
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField(help_text="Held by orders.")
    allocated = serializers.IntegerField(help_text="Set aside for single stores, not taken yet.")
    held = serializers.IntegerField(help_text="Lie there and are not sold: to be looked at.")
    damaged = serializers.IntegerField(help_text="Lie there and are not sold.")
    free = serializers.IntegerField(help_text="What is left to sell; below zero when oversold.")
    counted_at = serializers.DateTimeField(
        allow_null=True, help_text="Null: nobody has counted it, so no store is told."
    )
    updated_at = serializers.DateTimeField()


class MovementSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(MovementKind.choices)
    bucket = serializers.ChoiceField(BUCKETS)
    before = serializers.IntegerField()
    delta = serializers.IntegerField()
    after = serializers.IntegerField()
    reason = serializers.CharField()
    cause = serializers.CharField(help_text="Unique: the same cause never moves stock twice.")
    order_ref = serializers.UUIDField(allow_null=True)
    actor = serializers.CharField()
    request_id = serializers.CharField()
    variant = StockItemSerializer()
    location = PlaceSerializer()


class Adjustment(Strict):
    either = (ONE_ITEM, ("delta", "set_to"))

    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(
        max_length=60, required=False, help_text="Code or id; the first place if left out."
    )
    delta = serializers.IntegerField(
        required=False, min_value=-1_000_000, max_value=1_000_000, help_text="This or `set_to`."
    )
    set_to = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST_UNITS, help_text="What was counted."
    )
    reason = serializers.CharField(max_length=200)

    def validate_delta(self, delta: int) -> int:
        if delta == 0:
            raise serializers.ValidationError(
                "A delta of 0 changes nothing. To confirm what is there, count it with set_to.",
                "no_change",
            )
        return delta


class Return(Strict):
    either = (ONE_ITEM,)

    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(
        max_length=60, required=False, help_text="Code or id; the first place if left out."
    )
    units = serializers.IntegerField(min_value=1, max_value=1_000_000)
    reference = serializers.CharField(
        max_length=64, help_text="Your own name of the return. It puts an item back once."
    )
    order = serializers.UUIDField(required=False, help_text="The order they were returned from.")
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class Unsold(Strict):
    either = (ONE_ITEM, ("delta", "set_to"))

    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(
        max_length=60, required=False, help_text="Code or id; the first place if left out."
    )
    bucket = serializers.ChoiceField(UNSOLD, help_text="`held` to be looked at, or `damaged`.")
    delta = serializers.IntegerField(
        required=False,
        min_value=-1_000_000,
        max_value=1_000_000,
        help_text="So many more, or fewer. This or `set_to`.",
    )
    set_to = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST_UNITS, help_text="So many in all."
    )
    reason = serializers.CharField(max_length=200)


class WriteOff(Strict):
    either = (ONE_ITEM,)

    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(
        max_length=60, required=False, help_text="Code or id; the first place if left out."
    )
    units = serializers.IntegerField(min_value=1, max_value=1_000_000)
    reason = serializers.CharField(max_length=200)


class LevelQuery(Query):
    sku = serializers.CharField(required=False)
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(required=False, help_text="Code or id.")
    counted = serializers.BooleanField(required=False, allow_null=True, default=None)
    free_below = serializers.IntegerField(
        required=False,
        min_value=-MOST_UNITS,
        max_value=MOST_UNITS,
        help_text="Only levels with less than this free.",
    )


class MovementQuery(Query):
    sku = serializers.CharField(required=False)
    variant = serializers.UUIDField(required=False)
    location = serializers.CharField(required=False, help_text="Code or id.")
    kind = Words(MovementKind.values)
    bucket = Words(BUCKETS)
    order = serializers.UUIDField(required=False)
    after = When(required=False, help_text="At or after.")
    before = When(required=False)


class StockViews(ApiViewSet):
    """Stock is counted once, here; stores are told."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE

    def get_queryset(self) -> QuerySet[StockLevel]:
        return StockLevel.objects.filter(merchant=self.merchant)

    @extend_schema(
        summary="Stock levels",
        parameters=[LevelQuery],
        responses=LevelSerializer(many=True),
    )
    @action(detail=False)
    def levels(self, request: Request) -> Response:
        asked = self.query(LevelQuery)
        rows = self._narrowed(self.get_queryset(), asked)
        if asked["counted"] is not None:
            rows = rows.filter(counted_at__isnull=not asked["counted"])
        if "free_below" in asked:
            free = F("on_hand") - F("reserved") - F("allocated") - F("held") - F("damaged")
            rows = rows.alias(free_units=free).filter(free_units__lt=asked["free_below"])
        self.ordering = ("-id",)
        return self.page(rows.values("id", *_LEVEL, *_ITEM), _level)

    @extend_schema(
        summary="The trail of every unit, latest first",
        parameters=[MovementQuery],
        responses=MovementSerializer(many=True),
    )
    @action(detail=False)
    def movements(self, request: Request) -> Response:
        asked = self.query(MovementQuery)
        rows = self._narrowed(StockMovement.objects.filter(merchant=self.merchant), asked)
        for name in ("kind", "bucket"):
            if asked.get(name):
                rows = rows.filter(**{f"{name}__in": asked[name]})
        if "order" in asked:
            rows = rows.filter(order_ref=asked["order"])
        if "after" in asked:
            rows = rows.filter(at__gte=asked["after"])
        if "before" in asked:
            rows = rows.filter(at__lt=asked["before"])
        self.ordering = ("-at", "-id")
        return self.page(rows.values(*_MOVEMENT, *_ITEM), _movement)

    @extend_schema(
        summary="Correct or count stock",
        request=Adjustment,
        responses={201: MovementSerializer},
        examples=[
            OpenApiExample(
                "Counted",
                {"sku": "MUG-BLUE", "location": "main", "set_to": 12, "reason": "Count"},
                request_only=True,
            ),
            OpenApiExample(
                "Broken",
                {"sku": "MUG-BLUE", "delta": -1, "reason": "Dropped"},
                request_only=True,
            ),
        ],
    )
    @action(detail=False, methods=["post"])
    def adjust(self, request: Request) -> Response:
        asked = self.read(Adjustment)
        variant, place = item_of(self.merchant, asked), self._open_place(asked)
        moved = self.audited(
            "stock.adjusted",
            variant,
            lambda: ledger.adjust(
                variant=variant,
                location=place,
                delta=asked.get("delta"),
                set_to=asked.get("set_to"),
                reason=asked["reason"],
                actor=self.actor,
                request_id=request_id(),
            ),
            location=place.code,
            delta=asked.get("delta"),
            set_to=asked.get("set_to"),
            reason=asked["reason"],
        )
        return self._moved(moved)

    @extend_schema(
        summary="Put returned units back",
        description="A return alone moves no stock: this is the word that its goods can be sold "
        "again. The same `reference` and item again returns the movement that was made.",
        request=Return,
        responses={201: MovementSerializer},
        examples=[
            OpenApiExample(
                "Returned",
                {"sku": "MUG-BLUE", "units": 1, "reference": "RMA-1001"},
                request_only=True,
            ),
        ],
    )
    @action(detail=False, methods=["post"])
    def restock(self, request: Request) -> Response:
        asked = self.read(Return)
        variant, place = item_of(self.merchant, asked), self._open_place(asked)
        moved = self.audited(
            "stock.restocked",
            variant,
            lambda: ledger.restock(
                variant=variant,
                location=place,
                units=asked["units"],
                cause=f"restock:{self.merchant.pk.hex}:{variant.pk.hex}:{asked['reference']}",
                reason=asked["reason"],
                order_ref=order_of(self.merchant, asked.get("order"), field="order"),
                actor=self.actor,
                request_id=request_id(),
            ),
            location=place.code,
            units=asked["units"],
            reference=asked["reference"],
        )
        return self._moved(moved)

    @extend_schema(
        summary="Hold units back, or call them damaged",
        description="They lie there and no store is told of them. Let go of, they are sold again "
        "and serve the orders that wait.",
        request=Unsold,
        responses={201: MovementSerializer},
        examples=[
            OpenApiExample(
                "Damaged",
                {"sku": "MUG-BLUE", "bucket": "damaged", "delta": 2, "reason": "Wet boxes"},
                request_only=True,
            ),
        ],
    )
    @action(detail=False, methods=["post"])
    def keep_back(self, request: Request) -> Response:
        asked = self.read(Unsold)
        variant, place = item_of(self.merchant, asked), self._open_place(asked)
        told: dict[str, Any] = {name: asked.get(name) for name in ("delta", "set_to", "reason")}
        moved = self.audited(
            "stock.kept_back",
            variant,
            lambda: condition.keep_back(
                variant=variant,
                location=place,
                bucket=Bucket(asked["bucket"]),
                **told,
                actor=self.actor,
                request_id=request_id(),
            ),
            location=place.code,
            bucket=asked["bucket"],
            **told,
        )
        return self._moved(moved)

    @extend_schema(
        summary="Write damaged units off",
        description="They are neither damaged nor on hand any more; what can be sold stays.",
        request=WriteOff,
        responses={201: MovementSerializer},
    )
    @action(detail=False, methods=["post"])
    def write_off(self, request: Request) -> Response:
        asked = self.read(WriteOff)
        variant, place = item_of(self.merchant, asked), self._open_place(asked)
        told = {"units": asked["units"], "reason": asked["reason"]}
        moved = self.audited(
            "stock.written_off",
            variant,
            lambda: condition.write_off(
                variant=variant,
                location=place,
                **told,
                actor=self.actor,
                request_id=request_id(),
            ),
            location=place.code,
            **told,
        )
        return self._moved(moved)

    def _moved(self, moved: StockMovement) -> Response:
        row = StockMovement.objects.filter(pk=moved.pk).values(*_MOVEMENT, *_ITEM).get()
        return Response(_movement(row), status=201)

    def _open_place(self, asked: dict[str, Any]) -> Location:
        place = (
            location_of(self.merchant, asked["location"], field="location")
            if "location" in asked
            else locations.default(self.merchant.pk)
        )
        if place.kept_by_id:
            raise ledger.LedgerRefused(place.refusal)
        if not place.is_active:
            raise ledger.LedgerRefused(f"{place.name} is closed. Open it before counting there.")
        return place

    def _narrowed(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        if "sku" in asked:
            rows = rows.filter(
                variant__merchant=self.merchant, variant__sku_key=sku_key(asked["sku"])
            )
        if "variant" in asked:
            rows = rows.filter(variant_id=asked["variant"])
        if "location" in asked:
            rows = rows.filter(
                location=location_of(self.merchant, asked["location"], field="location")
            )
        return rows


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "variant": {
            "id": row["variant_id"],
            "sku": row["variant__sku"],
            "title": row["variant__title"],
        },
        "location": {
            "id": row["location_id"],
            "code": row["location__code"],
            "name": row["location__name"],
        },
    }


def _level(row: Mapping[str, Any]) -> dict[str, Any]:
    taken = ("reserved", "allocated", "held", "damaged")
    free = row["on_hand"] - sum(row[name] for name in taken)
    told = {name: row[name] for name in _LEVEL}
    kept_by = row["location__kept_by_id"]
    return {"id": row["id"], **_item(row), "kept_by": kept_by, **told, "free": free}


def _movement(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: row[name] for name in _MOVEMENT}, **_item(row)}

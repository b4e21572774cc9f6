"""Products, variants, their listings in stores, and the places that hold stock."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import sync
from integrations.api.errors import request_id
from integrations.api.fields import Query, Strict, Words
from integrations.api.listing_shapes import ListingSerializer
from integrations.api.lookups import ONE_ITEM, item_of
from integrations.api.views import ApiViewSet
from inventory import links, locations, modes
from inventory.candidates import counted_alone
from inventory.catalogue import sku_key
from inventory.data import MOST_UNITS
from inventory.errors import ModeRefused
from inventory.models import LinkProblem, Listing, ListingMode, Location, Product, Variant
from logix.accounts.models import Scope


class VariantSerializer(serializers.ModelSerializer[Variant]):
    product_id = serializers.UUIDField(read_only=True)
    counted_as_id = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="The variant that holds this one's count."
    )

    class Meta:
        model = Variant
        fields = (
            "id",
            "product_id",
            "sku",
            "barcode",
            "title",
            "weight_g",
            "counted_as_id",
            "created_at",
            "archived_at",
        )
        read_only_fields = fields


class ProductSerializer(serializers.ModelSerializer[Product]):
    variants = VariantSerializer(many=True, read_only=True)

    class Meta:
        model = Product
        fields = ("id", "title", "kind", "created_at", "archived_at", "variants")
        read_only_fields = fields


class LocationSerializer(serializers.ModelSerializer[Location]):
    kept_by = serializers.UUIDField(
        source="kept_by_id",
        allow_null=True,
        read_only=True,
        help_text="The store whose platform keeps it and counts there: it is only shown, and never "
        "open. Null: a place of yours.",
    )

    class Meta:
        model = Location
        fields = ("id", "code", "name", "rank", "is_active", "kept_by")
        read_only_fields = fields


class NewLocation(Strict):
    code = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=120)
    rank = serializers.IntegerField(
        min_value=0, max_value=32767, default=100, help_text="Lower is picked first."
    )
    is_active = serializers.BooleanField(default=True)


class LocationChange(Strict):
    name = serializers.CharField(max_length=120, required=False)
    rank = serializers.IntegerField(min_value=0, max_value=32767, required=False)
    is_active = serializers.BooleanField(
        required=False, help_text="False: its stock is offered to no store."
    )


class ProductQuery(Query):
    title = serializers.CharField(
        required=False, help_text="Begins with this; case does not matter."
    )
    archived = serializers.BooleanField(required=False, allow_null=True, default=None)


class ProductViews(ApiViewSet):
    """Products with their variants."""

    tag = "Catalogue"
    ordering = ("title", "id")
    serializer_class = ProductSerializer

    def get_queryset(self) -> QuerySet[Product]:
        rows = Product.objects.filter(merchant=self.merchant)
        return rows.prefetch_related("variants")

    @extend_schema(summary="List products by title", parameters=[ProductQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(ProductQuery)
        rows = self.get_queryset()
        if "title" in asked:
            rows = rows.filter(title__istartswith=asked["title"])
        rows = _archived(rows, asked)
        return self.page(rows, lambda row: ProductSerializer(row).data)

    @extend_schema(summary="One product")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(ProductSerializer(_one(self.get_queryset(), pk)).data)


class VariantQuery(Query):
    sku = serializers.CharField(required=False, help_text="Exactly; case does not matter.")
    barcode = serializers.CharField(required=False)
    product = serializers.UUIDField(required=False)
    archived = serializers.BooleanField(required=False, allow_null=True, default=None)


class VariantViews(ApiViewSet):
    """What is sold and counted."""

    tag = "Catalogue"
    ordering = ("sku", "id")
    serializer_class = VariantSerializer

    def get_queryset(self) -> QuerySet[Variant]:
        return Variant.objects.filter(merchant=self.merchant)

    @extend_schema(summary="List variants by SKU", parameters=[VariantQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(VariantQuery)
        rows = _archived(self.get_queryset(), asked)
        if "sku" in asked:
            rows = rows.filter(sku_key=sku_key(asked["sku"]))
        if "barcode" in asked:
            rows = rows.filter(barcode=asked["barcode"])
        if "product" in asked:
            rows = rows.filter(product_id=asked["product"])
        return self.page(rows, lambda row: VariantSerializer(row).data)

    @extend_schema(summary="One variant")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(VariantSerializer(_one(self.get_queryset(), pk)).data)


class ListingQuery(Query):
    store = serializers.UUIDField(required=False)
    variant = serializers.UUIDField(required=False)
    sku = serializers.CharField(required=False, help_text="The SKU in the store, exactly.")
    linked = serializers.BooleanField(required=False, allow_null=True, default=None)
    mode = Words(ListingMode.values)
    gone = serializers.BooleanField(required=False, default=False)
    channel = serializers.CharField(
        required=False,
        max_length=64,
        help_text="Offered in this channel of its store, see `/integrations/{id}/channels`.",
    )
    bundle = serializers.BooleanField(required=False, allow_null=True, default=None)
    link_problem = Words([word for word in LinkProblem.values if word])
    alone = serializers.BooleanField(
        required=False,
        default=False,
        help_text="True: those with a product to themselves since nothing told what they are.",
    )
    kit_problem = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="True: bundles whose variant is no kit of the store's parts.",
    )


class ListingLink(Strict):
    either = (ONE_ITEM,)

    sku = serializers.CharField(
        max_length=128, required=False, help_text="This, `variant` or `new`."
    )
    variant = serializers.UUIDField(required=False)
    new = serializers.BooleanField(
        required=False, help_text="True: to a product made for it, or the one it has to itself."
    )

    def _not_one(self, data: dict[str, Any]) -> dict[str, list[serializers.ErrorDetail]]:
        return {} if set(data) == {"new"} else super()._not_one(data)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "new" in asked and (len(asked) > 1 or not asked["new"]):
            raise serializers.ValidationError(
                {"new": "new is true and stands alone, or is left out."}, "new_alone"
            )
        return asked


class ListingChange(Strict):
    mode = serializers.ChoiceField(
        ListingMode.choices,
        required=False,
        help_text="`normal`: by stock and rules. `fixed`: always `fixed_quantity`. `paused`: 0. "
        "`ignore`: never written.",
    )
    fixed_quantity = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="What the store shows while `mode` is `fixed`.",
    )


class ListingViews(ApiViewSet):
    """Variants as stores sell them, with the figure each store last told."""

    tag = "Catalogue"
    write_scope = Scope.STOCK_WRITE
    ordering = ("sku", "id")
    serializer_class = ListingSerializer

    def get_queryset(self) -> QuerySet[Listing]:
        rows = Listing.objects.filter(merchant=self.merchant).select_related("store")
        return rows.defer("custom").prefetch_related("channels")

    @extend_schema(summary="List listings by SKU", parameters=[ListingQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(ListingQuery)
        rows = self.get_queryset().filter(gone_at__isnull=not asked["gone"])
        for name in ("store", "variant"):
            if name in asked:
                rows = rows.filter(**{f"{name}_id": asked[name]})
        if "sku" in asked:
            rows = rows.filter(sku=asked["sku"])
        if "channel" in asked:
            rows = rows.filter(channels__channel=asked["channel"])
        if asked["linked"] is not None:
            rows = rows.filter(variant__isnull=not asked["linked"])
        if asked.get("mode"):
            rows = rows.filter(mode__in=asked["mode"])
        if asked["bundle"] is not None:
            rows = rows.filter(is_bundle=asked["bundle"])
        if asked.get("link_problem"):
            rows = rows.filter(link_problem__in=asked["link_problem"])
        if asked["alone"]:
            rows = rows.filter(counted_alone())
        if asked["kit_problem"] is not None:
            rows = rows.filter(~Q(kit_problem="") if asked["kit_problem"] else Q(kit_problem=""))
        return self.page(rows, lambda row: ListingSerializer(row).data)

    @extend_schema(summary="One listing")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(ListingSerializer(_one(self.get_queryset(), pk)).data)

    @extend_schema(
        summary="Change how a listing is sold",
        description="Its store is told the figure that follows from it. What is left out stays.",
        request=ListingChange,
        responses=ListingSerializer,
        examples=[
            OpenApiExample(
                "Always nine", {"mode": "fixed", "fixed_quantity": 9}, request_only=True
            ),
            OpenApiExample("Show 0 for now", {"mode": "paused"}, request_only=True),
        ],
    )
    def partial_update(self, request: Request, pk: UUID) -> Response:
        listing, asked = _one(self.get_queryset(), pk), self.read(ListingChange)
        try:
            changed = self.again(
                lambda: modes.change(listing, **asked, actor=self.actor, request_id=request_id())
            )
        except ModeRefused as err:
            detail = serializers.ErrorDetail(str(err), "required")
            raise serializers.ValidationError({"fixed_quantity": detail}) from err
        return Response(ListingSerializer(changed).data)

    @extend_schema(
        summary="Link a listing to a variant",
        description="Orders that waited for it go on, and the store is told the variant's figure. "
        "A listing that is linked already is linked anew. With `new` it is counted as a product of "
        "its own; one that is already, for want of a SKU, stays so and is settled.",
        request=ListingLink,
        responses=ListingSerializer,
    )
    @action(detail=True, methods=["post"])
    def link(self, request: Request, pk: UUID) -> Response:
        listing, asked = _one(self.get_queryset(), pk), self.read(ListingLink)
        by, called = self.actor, request_id()
        if asked.get("new"):
            own = self.again(lambda: sync.make_product(listing, actor=by, request_id=called))
            return Response(ListingSerializer(own).data)
        variant = item_of(self.merchant, asked)
        linked = self.again(lambda: links.link(listing, variant, actor=by, request_id=called))
        return Response(ListingSerializer(linked).data)

    @extend_schema(
        summary="Take a listing off its variant",
        description="Its store keeps the figure it shows; new orders for it wait until it is "
        "linked again. The catalogue's next reading does not link it by its SKU.",
        request=None,
        responses=ListingSerializer,
    )
    @action(detail=True, methods=["post"])
    def unlink(self, request: Request, pk: UUID) -> Response:
        listing = _one(self.get_queryset(), pk)
        unlinked = self.again(
            lambda: links.unlink(listing, actor=self.actor, request_id=request_id())
        )
        return Response(ListingSerializer(unlinked).data)


class LocationViews(ApiViewSet):
    """Places that hold stock; the lowest rank is picked first."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE
    ordering = ("rank", "code")
    serializer_class = LocationSerializer

    def get_queryset(self) -> QuerySet[Location]:
        return Location.objects.filter(merchant=self.merchant)

    @extend_schema(summary="List locations")
    def list(self, request: Request) -> Response:
        self.query(Query)
        return self.page(self.get_queryset(), lambda row: LocationSerializer(row).data)

    @extend_schema(summary="One location")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(LocationSerializer(_one(self.get_queryset(), pk)).data)

    @extend_schema(
        summary="Add a location", request=NewLocation, responses={201: LocationSerializer}
    )
    def create(self, request: Request) -> Response:
        asked = self.read(NewLocation)
        try:
            with transaction.atomic():
                made = self.audited(
                    "location.created",
                    None,
                    lambda: locations.create(self.merchant.pk, **asked),
                    code=asked["code"],
                )
        except IntegrityError as err:
            raise serializers.ValidationError(
                {"code": serializers.ErrorDetail("A location has this code already.", "taken")}
            ) from err
        return Response(LocationSerializer(made).data, status=201)

    @extend_schema(summary="Change a location", request=LocationChange)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        place, asked = _one(self.get_queryset(), pk), self.read(LocationChange)
        changed = self.audited(
            "location.changed", place, lambda: locations.change(place, **asked), **asked
        )
        return Response(LocationSerializer(changed).data)


def _archived(rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
    if asked["archived"] is None:
        return rows
    return rows.filter(Q(archived_at__isnull=not asked["archived"]))


def _one(rows: QuerySet[Any], pk: UUID) -> Any:
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found

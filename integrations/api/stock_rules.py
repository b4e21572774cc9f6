"""Stock rules over the API: how much of what is there each store may sell."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Query, Strict
from integrations.api.lookups import listing_of, store_of, variant_by_id, variant_by_sku
from integrations.api.views import ApiViewSet
from inventory import ruling
from inventory.models import StockRule
from logix.accounts.models import Merchant, Scope

MOST_UNITS = 100_000_000
# What narrows a rule to a part of a store; one of them at most.
_NARROWER = ("listing", "sku", "variant", "category")


class StockRuleSerializer(serializers.ModelSerializer[StockRule]):
    scope = serializers.SerializerMethodField(help_text="What it is for, in words.")
    store_id = serializers.UUIDField(
        read_only=True, allow_null=True, help_text="Null: all stores without a narrower rule."
    )
    listing_id = serializers.UUIDField(read_only=True, allow_null=True)
    variant_id = serializers.UUIDField(read_only=True, allow_null=True)

    class Meta:
        model = StockRule
        fields = ("id", "scope", "store_id", "listing_id", "variant_id", "category", *ruling.VALUES)
        read_only_fields = fields

    def get_scope(self, rule: StockRule) -> str:
        return ruling.scope_of(rule)


class StockRuleValues(Strict):
    buffer = serializers.IntegerField(
        required=False, min_value=0, max_value=MOST_UNITS, help_text="Units kept back. Default: 0."
    )
    percent = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        help_text="Share of the rest that is shown, rounded down. Default: 100.",
    )
    max_listed = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="No more than this is shown. Null: no such limit.",
    )
    end_when = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="0 is shown when no more than this is free. Default: 0.",
    )
    always = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="This is shown, whatever is there. Null: it is computed.",
    )


class NewStockRule(StockRuleValues):
    store = serializers.UUIDField(required=False, help_text="All your stores if left out.")
    listing = serializers.UUIDField(required=False, help_text="This one of the store alone.")
    sku = serializers.CharField(
        max_length=128, required=False, help_text="This item in the store; this or `variant`."
    )
    variant = serializers.UUIDField(required=False)
    category = serializers.CharField(
        max_length=120,
        required=False,
        help_text="What the store has in this category, named exactly as the store does.",
    )

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        narrower = [name for name in _NARROWER if name in asked]
        if len(narrower) > 1:
            raise serializers.ValidationError(
                f"Give one of {' and '.join(f'“{name}”' for name in narrower)}: a rule is for one "
                "thing.",
                "several_scopes",
            )
        if narrower and "store" not in asked:
            raise serializers.ValidationError(
                {"store": serializers.ErrorDetail("Say in which store.", "required")}
            )
        return asked


class StockRuleQuery(Query):
    store = serializers.UUIDField(required=False)
    listing = serializers.UUIDField(required=False)
    variant = serializers.UUIDField(required=False)
    category = serializers.CharField(required=False, help_text="Exactly.")


class StockRuleViews(ApiViewSet):
    """Of the rules that could hold for a listing the narrowest does; see docs/STOCK.md."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE
    ordering = ("id",)
    serializer_class = StockRuleSerializer

    def get_queryset(self) -> QuerySet[StockRule]:
        rows = StockRule.objects.filter(merchant=self.merchant)
        return rows.select_related("merchant", "store", "listing", "variant")

    @extend_schema(summary="List stock rules", parameters=[StockRuleQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(StockRuleQuery)
        rows = self.get_queryset().filter(**asked)
        return self.page(rows, lambda row: StockRuleSerializer(row).data)

    @extend_schema(
        summary="Add a stock rule",
        description="For all stores, for `store`, or for one `listing`, item (`sku` or `variant`) "
        "or `category` of it. The narrowest holds, whatever wider ones say: that of the listing, "
        "the item, the category, the store, of all stores. The stores it holds for are told. One "
        "that there is already is changed, not added: 409 `rule_taken`.",
        request=NewStockRule,
        responses={201: StockRuleSerializer},
        examples=[
            OpenApiExample(
                "Keep two back in one store",
                {"store": "0199…", "buffer": 2},
                request_only=True,
            ),
            OpenApiExample(
                "Made to order",
                {"store": "0199…", "sku": "MUG-BLUE", "always": 50},
                request_only=True,
            ),
        ],
    )
    def create(self, request: Request) -> Response:
        asked = self.read(NewStockRule)
        scope = scope_of_rule(self.merchant, asked)
        values = {name: asked[name] for name in ruling.VALUES if name in asked}
        made = self.again(
            lambda: ruling.create(
                self.merchant, **scope, **values, actor=self.actor, request_id=request_id()
            )
        )
        return Response(StockRuleSerializer(made).data, status=201)

    @extend_schema(summary="One stock rule")
    def retrieve(self, request: Request, rule_id: int) -> Response:
        return Response(StockRuleSerializer(self._rule(rule_id)).data)

    @extend_schema(
        summary="Change what a stock rule says",
        description="What it is for stays: for that, remove it and add another.",
        request=StockRuleValues,
    )
    def partial_update(self, request: Request, rule_id: int) -> Response:
        rule, asked = self._rule(rule_id), self.read(StockRuleValues)
        changed = self.again(
            lambda: ruling.change(rule, **asked, actor=self.actor, request_id=request_id())
        )
        return Response(StockRuleSerializer(changed).data)

    @extend_schema(
        summary="Remove a stock rule",
        description="The next wider rule holds from now on.",
        responses={204: OpenApiResponse(description="Removed")},
    )
    def destroy(self, request: Request, rule_id: int) -> Response:
        rule = self._rule(rule_id)
        self.again(lambda: ruling.remove(rule, actor=self.actor, request_id=request_id()))
        return Response(status=204)

    def _rule(self, rule_id: int) -> StockRule:
        found = self.get_queryset().filter(pk=rule_id).first()
        if found is None:
            raise Http404
        return found


def scope_of_rule(merchant: Merchant, asked: dict[str, Any]) -> dict[str, Any]:
    """Raises ValidationError naming what there is none of."""
    if "store" not in asked:
        return {}
    store = store_of(merchant, asked["store"], field="store")
    scope: dict[str, Any] = {"store": store, "category": asked.get("category", "")}
    if "listing" in asked:
        scope["listing"] = listing_of(store, asked["listing"], field="listing")
    if "sku" in asked:
        scope["variant"] = variant_by_sku(merchant, asked["sku"], field="sku")
    if "variant" in asked:
        scope["variant"] = variant_by_id(merchant, asked["variant"], field="variant")
    return scope

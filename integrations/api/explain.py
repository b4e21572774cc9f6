"""Why a store shows what it shows, and what it would show under another rule."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import outbox
from integrations.api.explain_shapes import (
    ExplainedSerializer,
    SupposedSerializer,
    explained,
    item,
    supposed_row,
)
from integrations.api.fields import Query, Strict
from integrations.api.lookups import ONE_ITEM, item_of, store_of
from integrations.api.rule_shapes import StockRuleValues
from integrations.api.views import ApiViewSet
from inventory.models import StockRule, Variant
from logix.accounts.models import Scope


class ExplainQuery(Query):
    either = (ONE_ITEM,)

    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    store = serializers.UUIDField(required=False, help_text="This store alone.")


class SupposedRule(Strict):
    either = (ONE_ITEM,)

    sku = serializers.CharField(max_length=128, required=False, help_text="This or `variant`.")
    variant = serializers.UUIDField(required=False)
    store = serializers.UUIDField(required=False, help_text="This store alone.")
    suppose = StockRuleValues(
        help_text="A rule in place of the one that holds. What is left out is as in a new rule."
    )


class ExplainViews(ApiViewSet):
    """Below ``/stock``: nothing is written."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE
    pagination_class = None
    serializer_class = ExplainedSerializer
    queryset = Variant.objects.none()

    @extend_schema(
        summary="Why each store shows what it shows of an item",
        description="For each listing what its store should show, was told and shows, by which "
        "rule and from which terms; where the units lie, what moved last, and which open orders "
        "hold them. At most 50 listings and 20 rows of each other list; `count` says how many "
        "there are.",
        parameters=[ExplainQuery],
        responses=ExplainedSerializer,
    )
    def explain(self, request: Request) -> Response:
        variant, store_id = self._asked(self.query(ExplainQuery))
        return Response(explained(outbox.facts_of(variant, store_id=store_id)))

    @extend_schema(
        summary="What stores would show of an item under another rule",
        description="Nothing is kept and no store is told. A listing that is paused, fixed or "
        "never written stays so.",
        request=SupposedRule,
        responses=SupposedSerializer,
        examples=[
            OpenApiExample(
                "If five were kept back",
                {"sku": "MUG-BLUE", "suppose": {"buffer": 5}},
                request_only=True,
            )
        ],
    )
    def suppose(self, request: Request) -> Response:
        asked = self.read(SupposedRule)
        variant, store_id = self._asked(asked)
        rows = outbox.supposed(variant, StockRule(**asked["suppose"]), store_id=store_id)
        shown = [supposed_row(*row) for row in rows]
        return Response({"variant": item(variant), "listings": shown})

    def _asked(self, asked: dict[str, Any]) -> tuple[Variant, UUID | None]:
        variant = item_of(self.merchant, asked)
        if "store" not in asked:
            return variant, None
        return variant, store_of(self.merchant, asked["store"], field="store").pk

"""Stock rules over the API: how much of what is there each store may sell, and undo for them."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import outbox
from integrations.api.errors import CONTENT_TYPE, TITLES, Refused, request_id
from integrations.api.fields import Query
from integrations.api.rule_shapes import (
    AddedStockRule,
    RuleProblemSerializer,
    StockRuleChange,
    StockRuleSerializer,
    StockRuleTriedSerializer,
    scope_of_rule,
)
from integrations.api.views import ApiViewSet
from inventory import ruling
from inventory.models import StockRule
from logix.accounts.models import Scope

_ASKS = (
    "Where more listings of a store than usual would fall to 0 by it, nothing is kept and the "
    "answer is 409 `sells_out` with what it would do; `confirm` does it."
)
_REFUSAL = {
    (409, CONTENT_TYPE): OpenApiResponse(RuleProblemSerializer, description=TITLES[409]),
}


class StockRuleQuery(Query):
    store = serializers.UUIDField(required=False)
    listing = serializers.UUIDField(required=False)
    variant = serializers.UUIDField(required=False)
    category = serializers.CharField(required=False, help_text="Exactly.")


class RemoveQuery(Query):
    confirm = serializers.BooleanField(
        default=False, help_text="True: do it although much is sold out by it."
    )


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
        f"that there is already is changed, not added: 409 `rule_taken`. {_ASKS}",
        request=AddedStockRule,
        responses={201: StockRuleSerializer, **_REFUSAL},
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
            OpenApiExample(
                "Keep one back in all stores", {"store": None, "buffer": 1}, request_only=True
            ),
        ],
    )
    def create(self, request: Request) -> Response:
        asked = self.read(AddedStockRule)
        scope = scope_of_rule(self.merchant, asked)
        values = {name: asked[name] for name in ruling.VALUES if name in asked}
        made = self._done(
            StockRule(merchant=self.merchant, **scope),
            lambda: ruling.create(
                self.merchant, **scope, **values, actor=self.actor, request_id=request_id()
            ),
            confirmed=asked["confirm"],
        )
        return Response(StockRuleSerializer(made).data, status=201)

    @extend_schema(summary="One stock rule")
    def retrieve(self, request: Request, rule_id: int) -> Response:
        return Response(StockRuleSerializer(self._rule(rule_id)).data)

    @extend_schema(
        summary="Change what a stock rule says",
        description=f"What it is for stays: for that, remove it and add another. {_ASKS}",
        request=StockRuleChange,
        responses={200: StockRuleSerializer, **_REFUSAL},
    )
    def partial_update(self, request: Request, rule_id: int) -> Response:
        rule, asked = self._rule(rule_id), self.read(StockRuleChange)
        confirmed = asked.pop("confirm")
        changed = self._done(
            rule,
            lambda: ruling.change(rule, **asked, actor=self.actor, request_id=request_id()),
            confirmed=confirmed,
        )
        return Response(StockRuleSerializer(changed).data)

    @extend_schema(
        summary="Remove a stock rule",
        description=f"The next wider rule holds from now on. {_ASKS}",
        parameters=[RemoveQuery],
        responses={204: OpenApiResponse(description="Removed"), **_REFUSAL},
    )
    def destroy(self, request: Request, rule_id: int) -> Response:
        rule, asked = self._rule(rule_id), self.query(RemoveQuery)

        def work() -> StockRule:
            ruling.remove(rule, actor=self.actor, request_id=request_id())
            return rule

        self._done(rule, work, confirmed=asked["confirm"])
        return Response(status=204)

    def _done(
        self, rule: StockRule, work: Callable[[], StockRule], *, confirmed: bool
    ) -> StockRule:
        """Raises Refused where much would be sold out and nobody said that it is meant."""
        tried = None if confirmed else outbox.sells_out(rule, work)
        if tried is not None:
            raise Refused(
                409,
                "sells_out",
                f"{outbox.sold_out_words(tried)} Nothing was kept: send `confirm` with it if that "
                "is meant.",
                more={"tried": StockRuleTriedSerializer(tried).data},
            )
        return self.again(work)

    def _rule(self, rule_id: int) -> StockRule:
        found = self.get_queryset().filter(pk=rule_id).first()
        if found is None:
            raise Http404
        return found

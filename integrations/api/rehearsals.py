"""Changes that reach many rows, tried before they are made: by the code that makes them, with all
of it taken back. Nothing is kept, and no store is written to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import connect, outbox, sync
from integrations.api.errors import request_id
from integrations.api.fields import Strict
from integrations.api.mappings import TriedRule
from integrations.api.rule_shapes import (
    NewStockRule,
    StockRuleTriedSerializer,
    StockRuleValues,
    scope_of_rule,
)
from integrations.api.views import ApiViewSet
from integrations.mapping.rules import Rule, RuleInvalid
from integrations.models import FieldRule, Store, StoreStatus, StreamName
from integrations.sync.rehearsing import MOST_LOOKED_AT, STATUSES
from integrations.sync.rehearsing import MOST_NAMED as ORDERS_NAMED
from inventory import ruling
from inventory.models import StockRule
from logix.accounts.models import Scope


class ChangedStockRule(StockRuleValues):
    remove = serializers.BooleanField(
        default=False, help_text="Try to remove it instead; give nothing else then."
    )

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["remove"] and len(asked) > 1:
            raise serializers.ValidationError(
                {"remove": "A rule is either changed or removed."}, "remove_alone"
            )
        return asked


class WordsRequest(Strict):
    status_words = serializers.DictField(
        child=serializers.CharField(), help_text="As in `options`: all of the store's words."
    )


class StatusesSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {name: serializers.CharField() for name in STATUSES}


class RereadSerializer(serializers.Serializer[Any]):
    order_id = serializers.UUIDField(source="order.pk")
    number = serializers.CharField(source="order.number")
    before = StatusesSerializer()
    after = StatusesSerializer()
    problem = serializers.CharField(help_text="Why it could not be read; empty: it was.")


class WordsTriedSerializer(serializers.Serializer[Any]):
    waiting = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Orders that would be read again, by the status that gets another meaning.",
    )
    later = serializers.IntegerField(
        help_text="Settled orders of such a status: read so when the store next tells of them."
    )
    named = RereadSerializer(many=True, help_text=f"The first {ORDERS_NAMED} of `waiting`.")


class RulesRequest(Strict):
    rules = serializers.ListField(child=TriedRule(), allow_empty=False, max_length=25)


class RulesTriedSerializer(serializers.Serializer[Any]):
    looked_at = serializers.IntegerField(help_text=f"The newest, at most {MOST_LOOKED_AT}.")
    is_all = serializers.BooleanField(help_text="These are all orders of the store.")
    differ = serializers.IntegerField(help_text="Would be read differently.")
    set_aside = serializers.IntegerField(help_text="Would be parked, as a rule requires more.")
    unread = serializers.IntegerField(help_text="Their record is no longer kept.")


class StockRuleTries(ApiViewSet):
    """Below ``/stock/rules``."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE
    pagination_class = None
    serializer_class = StockRuleTriedSerializer

    @extend_schema(
        summary="Try a stock rule before it is added",
        request=NewStockRule,
        responses=StockRuleTriedSerializer,
        examples=[
            OpenApiExample(
                "Two kept back in one store", {"store": "0199…", "buffer": 2}, request_only=True
            )
        ],
    )
    @action(detail=False, methods=["post"])
    def new(self, request: Request) -> Response:
        asked = self.read(NewStockRule)
        scope = scope_of_rule(self.merchant, asked)
        values = {name: asked[name] for name in ruling.VALUES if name in asked}
        return self._tried(
            lambda: ruling.create(
                self.merchant, **scope, **values, actor=self.actor, request_id=request_id()
            )
        )

    @extend_schema(
        operation_id="stock_rules_change_try_create",
        summary="Try a change of a stock rule, or its removal",
        request=ChangedStockRule,
        responses=StockRuleTriedSerializer,
    )
    @action(detail=True, methods=["post"])
    def change(self, request: Request, rule_id: int) -> Response:
        rows = StockRule.objects.filter(merchant=self.merchant).select_related("merchant", "store")
        rule = rows.filter(pk=rule_id).first()
        if rule is None:
            raise Http404
        asked = self.read(ChangedStockRule)
        by, called = self.actor, request_id()

        def work() -> StockRule:
            if asked["remove"]:
                ruling.remove(rule, actor=by, request_id=called)
                return rule
            values = {name: asked[name] for name in ruling.VALUES if name in asked}
            return ruling.change(rule, actor=by, request_id=called, **values)

        return self._tried(work)

    def _tried(self, work: Callable[[], StockRule]) -> Response:
        return Response(StockRuleTriedSerializer(outbox.try_rule(work)).data)


class StoreTries(ApiViewSet):
    """Below ``/integrations/{id}``, for stores of any platform."""

    tag = "Mappings"
    write_scope = Scope.STORES_WRITE
    talks_to_store = frozenset({"status_words"})
    pagination_class = None
    serializer_class = WordsTriedSerializer

    @extend_schema(
        summary="Try status words on the orders that wait for them",
        description="The first orders are read from the store by their ids, and nothing of it is "
        "kept. `PATCH` of the integration's `options` does it.",
        request=WordsRequest,
        responses=WordsTriedSerializer,
    )
    @action(detail=True, methods=["post"])
    def status_words(self, request: Request, pk: UUID) -> Response:
        store, words = self._store(pk), self.read(WordsRequest)["status_words"]
        connect.check_options(store, {"status_words": words})
        return Response(WordsTriedSerializer(sync.try_words(store, words)).data)

    @extend_schema(
        summary="Count the orders that field rules would change",
        description="Of those kept here, by the records the store told. `/mappings/preview` shows "
        "the values of some of them.",
        request=RulesRequest,
        responses=RulesTriedSerializer,
    )
    @action(detail=True, methods=["post"])
    def mappings(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(RulesRequest)
        return Response(RulesTriedSerializer(sync.try_rules(store, _rules(store, asked))).data)

    def _store(self, pk: UUID) -> Store:
        rows = Store.objects.filter(merchant=self.merchant).select_related("merchant", "data_key")
        store = rows.exclude(status=StoreStatus.DISCONNECTED).filter(pk=pk).first()
        if store is None:
            raise Http404
        return store


def _rules(store: Store, asked: dict[str, Any]) -> list[Rule]:
    try:
        rows = [FieldRule(store=store, stream=StreamName.ORDERS, **rule) for rule in asked["rules"]]
        return [sync.check_rule(store, row) for row in rows]
    except RuleInvalid as err:
        raise serializers.ValidationError(str(err), "rule_invalid") from err

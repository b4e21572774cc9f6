"""Field rules over the API: a store's own fields brought into orders and products without code, and
tried on real orders before they are saved.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import sync
from integrations.api.auth import may
from integrations.api.errors import Refused, request_id
from integrations.api.fields import Anything, Query, Strict
from integrations.api.views import ApiViewSet
from integrations.mapping.rules import CASTS, MAX_PATH, TARGETS, Rule, RuleInvalid
from integrations.models import FieldRule, Store, StoreStatus, StreamName
from logix.accounts import audit
from logix.accounts.models import Scope
from orders.models import Order

_EXAMPLE = {
    "path": "meta_data[?key=='_gift_message'].value | [0]",
    "target": "custom.gift_message",
}
_ORDERS_TRIED = 10
_PATH = "JMESPath into the store's own record; outbound, into the order as this API shows it."
_TARGETS = (
    f"`custom.<name>`; for orders also {', '.join(f'`{name}`' for name in TARGETS)}. "
    "Outbound, a key of the order in the store."
)


class RuleSerializer(serializers.ModelSerializer[FieldRule]):
    store_id = serializers.UUIDField(read_only=True)
    default = Anything(read_only=True)

    class Meta:
        model = FieldRule
        fields = (
            "id",
            "store_id",
            "stream",
            "direction",
            "path",
            "target",
            "cast",
            "value_map",
            "default",
            "mode",
            "position",
            "enabled",
        )
        read_only_fields = fields


class RuleChange(Strict):
    path = serializers.CharField(max_length=MAX_PATH, required=False, help_text=_PATH)
    target = serializers.CharField(
        max_length=120,
        required=False,
        help_text=_TARGETS,
    )
    cast = serializers.ChoiceField(list(CASTS), required=False, help_text="Default: text.")
    value_map = serializers.DictField(
        required=False, help_text="The store's value to ours; what is not in it stays as it is."
    )
    default = Anything(required=False, help_text="Taken when nothing is found.")
    mode = serializers.ChoiceField(
        FieldRule.Mode.choices,
        required=False,
        help_text="Default: set. `fill` keeps what is there; `required` parks a record without it.",
    )
    position = serializers.IntegerField(
        required=False, min_value=0, max_value=32767, help_text="Lower is applied first."
    )
    enabled = serializers.BooleanField(required=False, help_text="Default: true.")


class NewRule(RuleChange):
    stream = serializers.ChoiceField(sync.RULED, default=StreamName.ORDERS.value)
    direction = serializers.ChoiceField(
        FieldRule.Direction.choices,
        default=FieldRule.Direction.IN.value,
        help_text="`out`: told to the store whenever the order changes. Default: in.",
    )
    path = serializers.CharField(max_length=MAX_PATH, help_text=_PATH)
    target = serializers.CharField(
        max_length=120,
        help_text=_TARGETS,
    )


class TriedRule(Strict):
    path = serializers.CharField(max_length=MAX_PATH)
    target = serializers.CharField(max_length=120)
    cast = serializers.ChoiceField(list(CASTS), required=False)
    value_map = serializers.DictField(required=False)
    default = Anything(required=False)
    mode = serializers.ChoiceField(FieldRule.Mode.choices, required=False)
    direction = serializers.ChoiceField(
        FieldRule.Direction.choices, required=False, help_text="Default: in."
    )


class PreviewRequest(Strict):
    store = serializers.UUIDField()
    rules = TriedRule(
        many=True,
        required=False,
        allow_empty=False,
        help_text="Rules to try; the store's saved ones if left out.",
    )
    orders = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        allow_empty=False,
        max_length=sync.MOST_ORDERS,
        help_text=f"Ids of orders; the store's {_ORDERS_TRIED} latest if left out.",
    )


class TriedSerializer(serializers.Serializer[Any]):
    target = serializers.CharField()
    before = Anything(help_text="Outbound null: the store is not asked.")
    after = Anything()
    problem = serializers.CharField(help_text="Why the order would be parked; empty: it would not.")


class PreviewedSerializer(serializers.Serializer[Any]):
    order = serializers.UUIDField()
    number = serializers.CharField()
    problem = serializers.CharField(help_text="Why nothing could be tried; empty: it was.")
    rules = TriedSerializer(many=True)


class PreviewSerializer(serializers.Serializer[Any]):
    results = PreviewedSerializer(many=True)


class MappingViews(ApiViewSet):
    """The rules of one store, and the rehearsal of rules."""

    tag = "Mappings"
    write_scope = Scope.STORES_WRITE
    ordering = ("position", "id")
    serializer_class = RuleSerializer

    def get_queryset(self) -> QuerySet[FieldRule]:
        return FieldRule.objects.filter(store__merchant=self.merchant)

    @extend_schema(summary="List a store's field rules in their order")
    def list(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        rows = self.get_queryset().filter(store=self._store(pk))
        return self.page(rows, lambda row: RuleSerializer(row).data)

    @extend_schema(
        summary="Add a field rule",
        description="It counts for what is read from now on; parked records are tried again.",
        request=NewRule,
        responses={201: RuleSerializer},
        examples=[OpenApiExample("Gift message", _EXAMPLE, request_only=True)],
    )
    def create(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(NewRule)
        return Response(RuleSerializer(self._saved(store, None, asked)).data, status=201)

    @extend_schema(summary="One field rule")
    def retrieve(self, request: Request, pk: UUID, rule_id: int) -> Response:
        return Response(RuleSerializer(self._rule(pk, rule_id)).data)

    @extend_schema(summary="Change a field rule", request=RuleChange)
    def partial_update(self, request: Request, pk: UUID, rule_id: int) -> Response:
        rule, asked = self._rule(pk, rule_id), self.read(RuleChange)
        return Response(RuleSerializer(self._saved(rule.store, rule, asked)).data)

    @extend_schema(
        summary="Remove a field rule",
        description="What it has set so far stays in the orders.",
        responses={204: OpenApiResponse(description="Removed")},
    )
    def destroy(self, request: Request, pk: UUID, rule_id: int) -> Response:
        sync.remove_rule(self._rule(pk, rule_id), actor=self.actor)
        return Response(status=204)

    @extend_schema(
        summary="Try field rules on past orders",
        description="Nothing is written. The answer shows values of the store's own records, so it "
        "needs the scope `pii` as well.",
        request=PreviewRequest,
        responses={200: PreviewSerializer},
        examples=[
            OpenApiExample(
                "One rule on the latest orders",
                {"store": "0199…", "rules": [_EXAMPLE]},
                request_only=True,
            )
        ],
    )
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        if not may(request, Scope.PII):
            raise Refused(403, "scope_missing", "A preview needs the scope “pii” as well.")
        asked = self.read(PreviewRequest)
        store = self._store(asked["store"])
        found = sync.preview(_rules(store, asked), _orders(store, asked))
        audit.record(
            "rules.previewed",
            actor=self.actor,
            merchant=self.merchant,
            obj=store,
            details={"orders": [item.order.number for item in found]},
            request_id=request_id(),
        )
        return Response({"results": [_shape(item) for item in found]})

    def _saved(self, store: Store, rule: FieldRule | None, asked: dict[str, Any]) -> FieldRule:
        try:
            return sync.save_rule(store, rule, actor=self.actor, **asked)
        except RuleInvalid as err:
            raise serializers.ValidationError(str(err), "rule_invalid") from err

    def _store(self, pk: UUID) -> Store:
        rows = Store.objects.filter(merchant=self.merchant).select_related("merchant")
        found = rows.exclude(status=StoreStatus.DISCONNECTED).filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _rule(self, pk: UUID, rule_id: int) -> FieldRule:
        rows = self.get_queryset().filter(store=self._store(pk)).select_related("store__merchant")
        found = rows.filter(pk=rule_id).first()
        if found is None:
            raise Http404
        return found


def _rules(store: Store, asked: dict[str, Any]) -> list[Rule]:
    try:
        if "rules" in asked:
            rows = [FieldRule(store=store, **rule) for rule in asked["rules"]]
        else:
            known = FieldRule.objects.filter(store=store, stream=StreamName.ORDERS, enabled=True)
            rows = list(known)
        return [sync.check_rule(store, row) for row in rows]
    except RuleInvalid as err:
        raise serializers.ValidationError(str(err), "rule_invalid") from err


def _orders(store: Store, asked: dict[str, Any]) -> list[Order]:
    rows = Order.objects.filter(store=store).select_related("store", "payload")
    if "orders" not in asked:
        return list(rows.order_by("-placed_at", "-id")[:_ORDERS_TRIED])
    found = rows.in_bulk(asked["orders"])
    for pk in asked["orders"]:
        if pk not in found:
            raise serializers.ValidationError(
                {"orders": f"The store has no order {pk} here."}, "unknown"
            )
    return [found[pk] for pk in asked["orders"]]


def _shape(item: sync.Preview) -> dict[str, Any]:
    return {
        "order": item.order.pk,
        "number": item.order.number,
        "problem": item.problem,
        "rules": [
            {
                "target": tried.target,
                "before": tried.before,
                "after": tried.after,
                "problem": tried.problem,
            }
            for tried in item.tried
        ],
    }

"""Refunded goods of an order that no return tells of: what waits, and the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Strict
from integrations.api.lookups import location_of
from integrations.api.order_writes import units_of
from integrations.api.views import ApiViewSet
from logix.accounts.models import Scope
from orders import services
from orders.models import GoodsDecision, Order
from orders.refunded_goods import goods_of

_SHOWN = (
    "id",
    "line_id",
    "outcome",
    "units",
    "location_id",
    "decided_by",
    "decided_at",
    "withdrawn_by",
    "withdrawn_at",
)


class DecidedLine(Strict):
    either = (("line", "sku"),)

    line = serializers.UUIDField(required=False, help_text="Id of the order line.")
    sku = serializers.CharField(required=False, help_text="Instead of `line`, where it is unique.")
    restock = serializers.IntegerField(
        min_value=0,
        max_value=1_000_000,
        default=0,
        help_text="Units that are back and can be sold again.",
    )
    nothing = serializers.IntegerField(
        min_value=0, max_value=1_000_000, default=0, help_text="Units that do not come back."
    )


class GoodsDecided(Strict):
    lines = DecidedLine(many=True, allow_empty=False)
    location = serializers.CharField(
        max_length=60, required=False, help_text="Code or id; the first place if left out."
    )


class GoodsLineSerializer(serializers.Serializer[Any]):
    line_id = serializers.UUIDField()
    sku = serializers.CharField()
    refunded = serializers.IntegerField(help_text="Units refunded after they had left.")
    waits = serializers.IntegerField(help_text="Units of them that wait for a decision.")


class GoodsDecisionSerializer(serializers.Serializer[GoodsDecision]):
    id = serializers.UUIDField()
    line_id = serializers.UUIDField()
    outcome = serializers.ChoiceField(GoodsDecision.Outcome.choices)
    units = serializers.IntegerField()
    location_id = serializers.UUIDField(allow_null=True)
    decided_by = serializers.CharField()
    decided_at = serializers.DateTimeField()
    withdrawn_by = serializers.CharField()
    withdrawn_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was taken back that nothing comes back."
    )


class RefundedGoodsSerializer(serializers.Serializer[Any]):
    """Units that were refunded after they had left, where no return tells of them."""

    lines = GoodsLineSerializer(many=True)
    decisions = GoodsDecisionSerializer(many=True)


class RefundedGoodsViews(ApiViewSet):
    """Goods of one order's refunds. A refund moves money only, until somebody decides here."""

    tag = "Orders"
    write_scope = Scope.STOCK_WRITE
    pagination_class = None
    serializer_class = RefundedGoodsSerializer

    @extend_schema(
        summary="Refunded goods of an order, and what was decided",
        description="Lines with a return are decided on there, and units that had not left are "
        "free by themselves. Empty where the store's option `returns` is `off`.",
        responses=RefundedGoodsSerializer,
    )
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(_shape(self._order(pk)))

    @extend_schema(
        summary="Decide on refunded goods",
        description="`restock` puts units back to stock, `nothing` says that they do not come "
        "back. Never more than wait. Sent again, it decides on more, if more wait: give it an "
        "`Idempotency-Key`. Stores are told the new figure, and nothing of the refund.",
        request=GoodsDecided,
        responses=RefundedGoodsSerializer,
        examples=[
            OpenApiExample(
                "One came back, one does not",
                {"lines": [{"sku": "MUG-BLUE", "restock": 1, "nothing": 1}], "location": "main"},
                request_only=True,
            ),
        ],
    )
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: UUID) -> Response:
        order, asked = self._order(pk), self.read(GoodsDecided)
        told: dict[str, Any] = {
            "back": units_of(order, asked["lines"], of="restock"),
            "nothing": units_of(order, asked["lines"], of="nothing"),
        }
        if "location" in asked:
            told["location"] = location_of(self.merchant, asked["location"], field="location")
        self.audited(
            "order.goods_decided",
            order,
            lambda: services.decide_goods(order, **told, actor=self.actor, request_id=request_id()),
            back=sum(told["back"].values()),
            nothing=sum(told["nothing"].values()),
        )
        return Response(_shape(order))

    @extend_schema(
        summary="Take back that nothing comes back",
        description="Its units wait for a decision again. Once more changes nothing. 409 "
        "`back_already` for units that were put back to stock.",
        request=None,
        responses=RefundedGoodsSerializer,
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: UUID, decision_id: UUID) -> Response:
        order = self._order(pk)
        found = order.goods_decisions.filter(pk=decision_id).first()
        if found is None:
            raise Http404
        self.audited(
            "order.goods_expected",
            order,
            lambda: services.expect_goods(found, actor=self.actor, request_id=request_id()),
            decision=str(decision_id),
        )
        return Response(_shape(order))

    def _order(self, pk: UUID) -> Order:
        rows = Order.objects.filter(merchant=self.merchant).select_related("store")
        order = rows.filter(pk=pk).first()
        if order is None:
            raise Http404
        return order


def _shape(order: Order) -> dict[str, Any]:
    return {
        "lines": [
            {"line_id": pk, "sku": x.line.sku, "refunded": x.refunded, "waits": x.waits}
            for pk, x in goods_of(order).items()
        ],
        "decisions": [
            {name: getattr(one, name) for name in _SHOWN} for one in order.goods_decisions.all()
        ],
    }

"""Payouts over the API: the list, one payout with its lines and what they leave unexplained."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import payout_shapes
from integrations.api.fields import Query, When, Words
from integrations.api.order_schema import PayoutLineSerializer
from integrations.api.payout_shapes import PayoutSerializer, PayoutSummarySerializer
from integrations.api.views import ApiViewSet
from orders.data import PayoutLineKind, PayoutStatus
from orders.models import Payout

LINES_SHOWN = 100

_RANGES = {"issued_after": "issued_at__gte", "issued_before": "issued_at__lt"}


class PayoutQuery(Query):
    store = serializers.UUIDField(required=False)
    status = Words(PayoutStatus)
    adds_up = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="False: those that no lines explain, or not yet.",
    )
    issued_after = When(required=False, help_text="At or after.")
    issued_before = When(required=False)


class PayoutLineQuery(Query):
    kind = Words(PayoutLineKind)


class PayoutViews(ApiViewSet):
    """What platforms paid to the merchant."""

    tag = "Payouts"
    ordering: tuple[str, ...] = ("-issued_at", "-id")
    serializer_class = PayoutSerializer

    def get_queryset(self) -> QuerySet[Payout]:
        return Payout.objects.filter(merchant=self.merchant).select_related("store")

    @extend_schema(
        summary="List payouts, latest first",
        parameters=[PayoutQuery],
        responses=PayoutSummarySerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        asked = self.query(PayoutQuery)
        rows = self.get_queryset()
        if "store" in asked:
            rows = rows.filter(store_id=asked["store"])
        if asked.get("status"):
            rows = rows.filter(status__in=asked["status"])
        if asked["adds_up"] is not None:
            rows = rows.filter(problem="") if asked["adds_up"] else rows.exclude(problem="")
        for name, lookup in _RANGES.items():
            if name in asked:
                rows = rows.filter(**{lookup: asked[name]})
        return self.page(rows, payout_shapes.summary)

    @extend_schema(
        summary="One payout with its lines",
        description=f"The first {LINES_SHOWN} lines; `more_lines` leads to all of them.",
        responses=PayoutSerializer,
    )
    def retrieve(self, request: Request, pk: UUID) -> Response:
        payout = self._payout(pk)
        more = None
        if payout.line_count > LINES_SHOWN:
            more = request.build_absolute_uri(f"{request.path}/lines")
        return Response(payout_shapes.in_full(payout, payout.lines.all()[:LINES_SHOWN], more))

    @extend_schema(
        summary="A payout's lines, as the platform lists them",
        parameters=[PayoutLineQuery],
        responses=PayoutLineSerializer(many=True),
    )
    @action(detail=True)
    def lines(self, request: Request, pk: UUID) -> Response:
        self.ordering = ("position",)
        asked = self.query(PayoutLineQuery)
        rows = self._payout(pk).lines.all()
        if asked.get("kind"):
            rows = rows.filter(kind__in=asked["kind"])
        return self.page(rows, payout_shapes.line)

    def _payout(self, pk: UUID) -> Payout:
        payout = self.get_queryset().filter(pk=pk).first()
        if payout is None:
            raise Http404
        return payout

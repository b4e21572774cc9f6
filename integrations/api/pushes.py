"""Stock figures on their way to stores: what waits, what cannot be sent and why, and what people do
about it.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import outbox
from integrations.api import errors
from integrations.api.fields import Query, Words
from integrations.api.views import ApiViewSet
from integrations.models import Push, StoreStatus
from logix.accounts.models import Scope


class PushQuery(Query):
    store = serializers.UUIDField(required=False)
    sku = serializers.CharField(max_length=128, required=False)
    state = Words(Push.State.values, help_text="Default: blocked.")
    code = serializers.CharField(max_length=60, required=False, help_text="Of the problem.")


class PushSerializer(serializers.Serializer[Push]):
    id = serializers.UUIDField()
    store_id = serializers.UUIDField()
    listing_id = serializers.UUIDField()
    sku = serializers.CharField(source="listing.sku")
    title = serializers.CharField(source="listing.title")
    state = serializers.ChoiceField(
        Push.State.choices, help_text="handed: in a file that the store works off by itself."
    )
    told = serializers.IntegerField(
        source="pushed_value", allow_null=True, help_text="What the store was told last."
    )
    told_at = serializers.DateTimeField(source="pushed_at", allow_null=True)
    shows = serializers.IntegerField(
        source="listing.seen_quantity",
        allow_null=True,
        help_text="The store's figure as last seen.",
    )
    since = serializers.DateTimeField(
        source="dirty_since", allow_null=True, help_text="The oldest change not told yet."
    )
    next_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried next.")
    attempts = serializers.IntegerField()
    handed_over_at = serializers.DateTimeField(
        source="handed.hand_over.handed_at",
        allow_null=True,
        default=None,
        help_text="When the file it is in was handed over; null while that is gathered.",
    )
    code = serializers.CharField(source="problem_code")
    problem = serializers.CharField(help_text="Why it waits, and what to do.")


class PushViews(ApiViewSet):
    """Stock figures and their way to the stores."""

    tag = "Stock"
    write_scope = Scope.STOCK_WRITE
    serializer_class = PushSerializer

    def get_queryset(self) -> QuerySet[Push]:
        rows = Push.objects.filter(store__merchant=self.merchant)
        return rows.exclude(store__status=StoreStatus.DISCONNECTED).select_related(
            "listing", "handed__hand_over"
        )

    @extend_schema(summary="List stock figures on their way", parameters=[PushQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(PushQuery)
        rows = self.get_queryset().filter(state__in=asked.get("state") or [Push.State.BLOCKED])
        if "store" in asked:
            rows = rows.filter(store_id=asked["store"])
        if "sku" in asked:
            rows = rows.filter(listing__sku=asked["sku"])
        if "code" in asked:
            rows = rows.filter(problem_code=asked["code"])
        return self.page(rows, lambda row: PushSerializer(row).data)

    @extend_schema(summary="One stock figure on its way")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(PushSerializer(self._push(pk)).data)

    @extend_schema(
        summary="Try again now",
        description="The figure is computed anew and sent, whatever it waited for. 409 while it is "
        "being sent, or is in a file at the store.",
        request=None,
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        push = self._push(pk)
        if not outbox.retry_push(push, actor=self.actor):
            where = outbox.words_of(push) or "It is being sent at this moment. Look again."
            raise errors.Refused(409, "being_sent", where)
        return self.retrieve(request, pk)

    def _push(self, pk: UUID) -> Push:
        push = self.get_queryset().select_related("store__merchant").filter(pk=pk).first()
        if push is None:
            raise Http404
        return push

"""Comparisons of a store with what is kept of it: what was found, healed and left open."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import reconcile
from integrations.api.fields import Query, Strict
from integrations.api.views import ApiViewSet
from integrations.models import Reconciliation, Store, StoreStatus
from logix.accounts.models import Scope


class CountsSerializer(serializers.Serializer[Any]):
    """How many of each cause; every cause is there, also with 0."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        causes = reconcile.CAUSES.items()
        return {str(cause): serializers.IntegerField(help_text=words) for cause, words in causes}


class FindingSerializer(serializers.Serializer[Any]):
    cause = serializers.ChoiceField([(str(x), w) for x, w in reconcile.CAUSES.items()])
    sentence = serializers.CharField()
    external_id = serializers.CharField(help_text="The store's id of the order; may be empty.")
    object_id = serializers.CharField(
        help_text="Our id of the order or of the listing; empty where it was not here."
    )
    healed = serializers.BooleanField()


class SummarySerializer(serializers.ModelSerializer[Reconciliation]):
    """A comparison without the single differences."""

    store_id = serializers.UUIDField(read_only=True)
    verdict = serializers.SerializerMethodField(help_text="The report in one sentence.")
    healed = serializers.SerializerMethodField(help_text="Differences that were mended.")
    left_open = serializers.SerializerMethodField(
        help_text="Differences that wait for somebody, or for the next comparison."
    )
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Reconciliation
        fields: tuple[str, ...] = (
            "id",
            "store_id",
            "state",
            "dry_run",
            "window_from",
            "window_to",
            "phase",
            "verdict",
            "healed",
            "left_open",
            "counts",
            "problem",
            "go_on",
            "requested_by",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields
        extra_kwargs = {
            "state": {"help_text": "`stopped`: so much would change that a person is asked first."},
            "window_from": {"help_text": "Orders placed since then are compared."},
            "go_on": {"help_text": "A person said to change so much all the same."},
        }

    def get_verdict(self, run: Reconciliation) -> str:
        return reconcile.verdict(run)

    def get_healed(self, run: Reconciliation) -> int:
        return reconcile.healed(run)

    def get_left_open(self, run: Reconciliation) -> int:
        return reconcile.left_open(run)

    @extend_schema_field(CountsSerializer)
    def get_counts(self, run: Reconciliation) -> dict[str, int]:
        return reconcile.all_counts(run)


class ReconciliationSerializer(SummarySerializer):
    findings = FindingSerializer(many=True, help_text="The first 200 differences.")

    class Meta(SummarySerializer.Meta):
        fields = (*SummarySerializer.Meta.fields, "findings")
        read_only_fields = fields


class ComparisonRequest(Strict):
    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=reconcile.MOST_DAYS,
        help_text="Orders placed in so many days. Left out: the store's option `reconcile_days`, "
        f"else {reconcile.DAYS}.",
    )
    dry_run = serializers.BooleanField(default=False, help_text="Compare, and heal nothing.")


class ReconciliationViews(ApiViewSet):
    """Below ``/integrations/{id}/reconciliations``, for stores of any platform."""

    tag = "Sync"
    write_scope = Scope.STORES_WRITE
    serializer_class = ReconciliationSerializer

    def get_queryset(self) -> QuerySet[Reconciliation]:
        rows = Reconciliation.objects.filter(store__merchant=self.merchant)
        return rows.select_related("store__merchant")

    @extend_schema(
        summary="Comparisons of a store, newest first",
        description="One is made every night, between two and five by the store's clock.",
        responses=SummarySerializer(many=True),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        rows = self.get_queryset().filter(store=self._store(pk))
        return self.page(rows.defer("findings", "place"), lambda row: SummarySerializer(row).data)

    @extend_schema(
        summary="Compare a store now",
        description="Its orders, a sample of them part by part, and its stock figures. What "
        "differs is healed. Watch the comparison by its id.",
        request=ComparisonRequest,
        responses={202: ReconciliationSerializer},
        examples=[OpenApiExample("A rehearsal of a week", {"days": 7, "dry_run": True})],
    )
    def create(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(ComparisonRequest)
        run = reconcile.request(
            store, days=asked.get("days"), dry_run=asked["dry_run"], actor=self.actor
        )
        return Response(ReconciliationSerializer(self._run(pk, run.pk)).data, status=202)

    @extend_schema(summary="One comparison and what it found")
    def retrieve(self, request: Request, pk: UUID, run_id: UUID) -> Response:
        self.query(Query)
        return Response(ReconciliationSerializer(self._run(pk, run_id)).data)

    @extend_schema(
        summary="Let a stopped comparison go on all the same",
        description="For one whose `state` is `stopped`: its `problem` says how much would change.",
        request=None,
    )
    @action(detail=True, methods=["post"])
    def go_on(self, request: Request, pk: UUID, run_id: UUID) -> Response:
        reconcile.go_on(self._run(pk, run_id), actor=self.actor)
        return Response(ReconciliationSerializer(self._run(pk, run_id)).data)

    def _store(self, pk: UUID) -> Store:
        rows = Store.objects.filter(merchant=self.merchant).select_related("merchant")
        store = rows.exclude(status=StoreStatus.DISCONNECTED).filter(pk=pk).first()
        if store is None:
            raise Http404
        return store

    def _run(self, pk: UUID, run_id: UUID) -> Reconciliation:
        run = self.get_queryset().filter(store=pk, pk=run_id).first()
        if run is None:
            raise Http404
        return run

"""Runs of the sync engine and the records it had to set aside."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import sync
from integrations.api.fields import Query, Strict, Words
from integrations.api.runs_schema import ParkedSerializer, RunSerializer
from integrations.api.views import ApiViewSet
from integrations.models import ParkedRecord, StreamName, SyncRun
from logix.accounts.models import Scope


class RunViews(ApiViewSet):
    """One reading of a stream, with its progress."""

    tag = "Sync"
    write_scope = Scope.STORES_WRITE
    serializer_class = RunSerializer

    def get_queryset(self) -> QuerySet[SyncRun]:
        return SyncRun.objects.filter(store__merchant=self.merchant).select_related(
            "stream", "store__merchant"
        )

    @extend_schema(summary="One run and its progress")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(RunSerializer(self._run(pk)).data)

    @extend_schema(summary="Stop a run; what it wrote stays", request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: UUID) -> Response:
        sync.cancel_run(self._run(pk), actor=self.actor)
        return self.retrieve(request, pk)

    @extend_schema(summary="Hold a run", request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: UUID) -> Response:
        sync.pause_run(self._run(pk), actor=self.actor)
        return self.retrieve(request, pk)

    @extend_schema(summary="Go on with a held or failed run", request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: UUID) -> Response:
        sync.resume_run(self._run(pk), actor=self.actor)
        return self.retrieve(request, pk)

    def _run(self, pk: UUID) -> SyncRun:
        run = self.get_queryset().filter(pk=pk).first()
        if run is None:
            raise Http404
        return run


class ParkedQuery(Query):
    store = serializers.UUIDField(required=False)
    state = Words(ParkedRecord.State.values, help_text="Default: parked.")
    stream = Words(StreamName.values)
    code = serializers.CharField(required=False)


class Dismissal(Strict):
    reason = serializers.CharField(max_length=500)


class RetriedSerializer(serializers.Serializer[Any]):
    resolved = serializers.BooleanField()
    parked = ParkedSerializer()


class ParkedViews(ApiViewSet):
    """Records of stores that could not be applied, each with its reason in words."""

    tag = "Sync"
    write_scope = Scope.STORES_WRITE
    talks_to_store = frozenset({"retry"})
    serializer_class = ParkedSerializer

    def get_queryset(self) -> QuerySet[ParkedRecord]:
        return ParkedRecord.objects.filter(store__merchant=self.merchant)

    @extend_schema(summary="List parked records", parameters=[ParkedQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(ParkedQuery)
        rows = self.get_queryset().filter(state__in=asked.get("state") or ["parked"])
        if "store" in asked:
            rows = rows.filter(store_id=asked["store"])
        if asked.get("stream"):
            rows = rows.filter(stream__in=asked["stream"])
        if "code" in asked:
            rows = rows.filter(code=asked["code"])
        return self.page(rows.defer("raw_sealed"), lambda row: ParkedSerializer(row).data)

    @extend_schema(summary="One parked record")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(ParkedSerializer(self._parked(pk)).data)

    @extend_schema(
        summary="Read the record again from its store", request=None, responses=RetriedSerializer
    )
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        resolved = sync.retry_parked(self._parked(pk), actor=self.actor)
        return Response({"resolved": resolved, "parked": ParkedSerializer(self._parked(pk)).data})

    @extend_schema(summary="Decide that the record is not wanted", request=Dismissal)
    @action(detail=True, methods=["post"])
    def dismiss(self, request: Request, pk: UUID) -> Response:
        asked = self.read(Dismissal)
        sync.dismiss_parked(self._parked(pk), actor=self.actor, reason=asked["reason"])
        return self.retrieve(request, pk)

    def _parked(self, pk: UUID) -> ParkedRecord:
        rows = self.get_queryset().select_related("store__merchant", "store__data_key")
        parked = rows.filter(pk=pk).first()
        if parked is None:
            raise Http404
        return parked

"""Integrations: connecting a store, testing it, changing it, syncing it, letting it go."""

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

from integrations import connect, registry, sync
from integrations.api.fields import Query, Strict
from integrations.api.runs_schema import RunSerializer, applied
from integrations.api.stores_schema import (
    DisconnectQuery,
    IntegrationQuery,
    IntegrationSerializer,
    StreamSerializer,
    SyncRequest,
)
from integrations.api.views import ApiViewSet
from integrations.models import RunKind, Store, StoreStatus, Stream, SyncRun
from integrations.platform import PlatformCard
from logix.accounts.models import Scope

_PARTS = ("streams", "credentials", "endpoints")


class PauseReason(Strict):
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class AllStoreViews(ApiViewSet):
    """The stores of all platforms."""

    tag = "Integrations"
    serializer_class = IntegrationSerializer

    def get_queryset(self) -> QuerySet[Store]:
        rows = Store.objects.filter(merchant=self.merchant)
        return connect.telling_places(rows).prefetch_related(*_PARTS)

    @extend_schema(summary="List the stores of all platforms", parameters=[IntegrationQuery])
    def list(self, request: Request) -> Response:
        asked = self.query(IntegrationQuery)
        rows = self.get_queryset()
        if asked.get("status"):
            rows = rows.filter(status__in=asked["status"])
        else:
            rows = rows.exclude(status=StoreStatus.DISCONNECTED)
        if "platform" in asked:
            rows = rows.filter(platform=asked["platform"])
        return self.page(rows, lambda row: IntegrationSerializer(row).data)

    @extend_schema(summary="One store of any platform")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(IntegrationSerializer(self._store(pk)).data)

    @extend_schema(summary="Runs of a store, latest first", responses=RunSerializer(many=True))
    @action(detail=True)
    def runs(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        rows = SyncRun.objects.filter(store=self._store(pk)).select_related("stream")
        self.ordering = ("-created_at", "-id")
        return self.page(rows, lambda row: RunSerializer(row).data)

    def _store(self, pk: UUID) -> Store:
        """Disconnected ones too: their orders and runs stay."""
        store = self.get_queryset().filter(pk=pk).first()
        if store is None:
            raise Http404
        return store


class StoreViews(ApiViewSet):
    """The stores of one platform, given by its ``routes.py``; all it knows of the platform is the
    card.
    """

    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    talks_to_store = frozenset(
        {"create", "partial_update", "destroy", "test", "resume", "pause", "sync"}
    )
    serializer_class = IntegrationSerializer
    platform = ""
    connect_body: type[Strict] = Strict
    change_body: type[Strict] = Strict

    @property
    def card(self) -> PlatformCard:
        return registry.card(self.platform)

    def get_queryset(self) -> QuerySet[Store]:
        rows = Store.objects.filter(merchant=self.merchant, platform=self.platform)
        return connect.telling_places(rows).exclude(status=StoreStatus.DISCONNECTED)

    def list(self, request: Request) -> Response:
        self.query(Query)
        rows = self.get_queryset().prefetch_related(*_PARTS)
        return self.page(rows, lambda row: IntegrationSerializer(row).data)

    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(self._shown(pk))

    def create(self, request: Request) -> Response:
        asked = self.read(self.connect_body)
        store = connect.connect_store(
            merchant=self.merchant,
            platform=self.platform,
            base_url=asked.pop("store_url"),
            credentials=self._credentials(asked),
            actor=self.actor,
            **asked,
        )
        return Response(self._shown(store.pk), status=201)

    def partial_update(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(self.change_body)
        if credentials := self._credentials(asked):
            asked["credentials"] = credentials
        if "store_url" in asked:
            asked["base_url"] = asked.pop("store_url")
        if asked:
            connect.change_store(store, actor=self.actor, **asked)
        return Response(self._shown(pk))

    def destroy(self, request: Request, pk: UUID) -> Response:
        asked = self.query(DisconnectQuery)
        connect.disconnect(self._store(pk), actor=self.actor, **asked)
        return Response(status=204)

    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: UUID) -> Response:
        found = connect.test_connection(self._store(pk), actor=self.actor)
        return Response(
            {
                "ok": found.ok,
                "sentence": found.sentence,
                "error_code": found.error_code,
                "warnings": list(found.warnings),
                "elapsed_s": round(found.elapsed_s, 3),
                "identity": _identity(found.identity),
            }
        )

    @action(detail=True, methods=["post"])
    def sync(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(SyncRequest)
        if "order" in asked:
            done = sync.refetch_order(
                store, number=asked["order"], actor=self.actor, dry_run=asked["dry_run"]
            )
            return Response({"applied": applied(done)})
        window = asked["full"] or "since" in asked
        run = sync.request_run(
            store,
            stream=asked["stream"],
            kind=RunKind.BACKFILL if window else RunKind.DELTA,
            since=asked.get("since"),
            until=asked.get("until"),
            dry_run=asked["dry_run"],
            actor=self.actor,
        )
        stream = Stream.objects.get(store=store, name=asked["stream"])
        return Response(
            {
                "run": RunSerializer(run).data if run else None,
                "stream": StreamSerializer(stream).data,
            },
            status=202,
        )

    @action(detail=True)
    def runs(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        rows = SyncRun.objects.filter(store=self._store(pk)).select_related("stream")
        self.ordering = ("-created_at", "-id")
        return self.page(rows, lambda row: RunSerializer(row).data)

    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(PauseReason)
        connect.pause(store, actor=self.actor, reason=asked["reason"])
        return Response(self._shown(pk))

    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: UUID) -> Response:
        connect.resume(self._store(pk), actor=self.actor)
        return Response(self._shown(pk))

    def _credentials(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Take the card's credential values out of ``asked``."""
        names = [field.name for field in self.card.credential_fields]
        return {name: asked.pop(name) for name in names if name in asked}

    def _store(self, pk: UUID) -> Store:
        rows = self.get_queryset().select_related("merchant", "data_key")
        store = rows.filter(pk=pk).first()
        if store is None:
            raise Http404
        return store

    def _shown(self, pk: UUID) -> Any:
        store = self.get_queryset().prefetch_related(*_PARTS).filter(pk=pk).first()
        if store is None:
            raise Http404
        return IntegrationSerializer(store).data


def _identity(found: Any) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "name": found.name,
        "base_url": found.base_url,
        "currency": found.currency,
        "timezone": found.timezone,
        "version": found.version,
        "granted": list(found.granted),
        "missing": list(found.missing),
        "clock_skew_s": found.clock_skew_s,
    }

"""The channels of a store that sells in several through one connection, and which are on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import channels, connect
from integrations.api.fields import Query, Strict
from integrations.api.views import ApiViewSet
from integrations.channels import Standing
from integrations.models import Store, StoreStatus
from logix.accounts.models import Scope


class ChannelSerializer(serializers.Serializer[Standing]):
    external_id = serializers.CharField(
        source="channel.external_id", help_text="The platform's own id of it."
    )
    name = serializers.CharField(source="channel.name")
    country = serializers.CharField(source="channel.country", help_text="ISO 3166.")
    currency = serializers.CharField(source="channel.currency", help_text="ISO 4217.")
    timezone = serializers.CharField(
        source="channel.timezone", help_text="IANA's name, for example `Europe/Berlin`."
    )
    is_on = serializers.BooleanField(
        help_text="Its orders are read and its listings are offered. The first that is on gives "
        "the store its currency and time zone."
    )
    listings = serializers.IntegerField(help_text="How many of the store's listings it offers.")
    orders_30_days = serializers.IntegerField(
        source="orders", help_text="Orders here that were placed there in the last 30 days."
    )


class ChannelsSerializer(serializers.Serializer[Any]):
    channels = ChannelSerializer(
        many=True,
        help_text="Those that are on first, first choice first. Empty: the store is one channel.",
    )


class ChosenChannels(Strict):
    channels = serializers.ListField(
        child=serializers.CharField(max_length=64),
        max_length=50,
        help_text="`external_id` of each that is to be on, first choice first; at least one.",
    )


class ChannelViews(ApiViewSet):
    """Below ``/integrations/{id}/channels``, for stores of any platform."""

    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    http_method_names = [*ApiViewSet.http_method_names, "put"]
    pagination_class = None
    serializer_class = ChannelsSerializer

    def get_queryset(self) -> QuerySet[Store]:
        rows = Store.objects.filter(merchant=self.merchant).exclude(status=StoreStatus.DISCONNECTED)
        return rows.select_related("merchant")

    @extend_schema(summary="A store's channels, and which of them are on")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        return self._shown(self._store(pk))

    @extend_schema(
        summary="Choose the channels of a store",
        description="In place of those before. Of one that is switched off no new orders are read "
        "and no listing is offered; orders that are here stay and go on. Of one that is switched "
        "on, orders are read from the store's `import_since` on, in the background. The store's "
        "products are read again.",
        request=ChosenChannels,
        examples=[
            OpenApiExample(
                "Germany first, then France",
                {"channels": ["A1PA6795UKMFR9", "A13V1IB3VIYZZH"]},
                request_only=True,
            )
        ],
    )
    def update(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(ChosenChannels)
        connect.choose_channels(store, asked["channels"], actor=self.actor)
        return self._shown(store)

    def _store(self, pk: UUID) -> Store:
        store = self.get_queryset().filter(pk=pk).first()
        if store is None:
            raise Http404
        return store

    def _shown(self, store: Store) -> Response:
        shown = {"channels": channels.standing(store, now=timezone.now())}
        return Response(ChannelsSerializer(shown).data)

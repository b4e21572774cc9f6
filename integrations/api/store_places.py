"""Which places of the merchant a store sells from, and at which of its own locations their units
are shown.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import connect
from integrations.api.fields import Query, Strict
from integrations.api.lookups import location_of
from integrations.api.stock import PlaceSerializer
from integrations.api.views import ApiViewSet
from integrations.models import Store, StoreStatus
from inventory.models import StoreLocation, StorePlace
from inventory.selling_places import Given
from logix.accounts.models import Merchant, Scope

_PROBLEM = (
    "The store keeps stock at several locations, and none of them shows a place of Logix yet, so "
    "none is read or written. Choose with PUT, or let Logix make a place for each with POST "
    "…/make-places."
)
# Between the ranks of places that are chosen by their order.
_STEP = 10


class StoreLocationSerializer(serializers.ModelSerializer[StoreLocation]):
    class Meta:
        model = StoreLocation
        fields = ("id", "external_id", "name", "is_active", "is_online")
        read_only_fields = fields
        extra_kwargs = {
            "external_id": {"help_text": "The store's own id of it."},
            "is_online": {"help_text": "Online orders are sent from there."},
        }


class ShownAtSerializer(serializers.ModelSerializer[StoreLocation]):
    class Meta:
        model = StoreLocation
        fields = ("id", "external_id", "name")
        read_only_fields = fields


class StorePlaceSerializer(serializers.ModelSerializer[StorePlace]):
    location = PlaceSerializer(read_only=True, help_text="One of your places, see `/locations`.")
    shown_at = ShownAtSerializer(
        read_only=True,
        allow_null=True,
        help_text="The store's location that shows its units. Null: the store keeps one figure.",
    )

    class Meta:
        model = StorePlace
        fields = ("location", "shown_at", "rank")
        read_only_fields = fields


class StorePlacesSerializer(serializers.Serializer[Any]):
    figure_per_location = serializers.BooleanField(
        help_text="True: the store keeps a figure for each of its locations. False: one for all."
    )
    locations = StoreLocationSerializer(many=True, help_text="The store's own.")
    places = StorePlaceSerializer(
        many=True,
        help_text="Yours that it sells from, first choice first. Empty: all that are open, shown "
        "at the only location that online orders are sent from.",
    )
    problem = serializers.CharField(
        help_text="Why no stock is read or written for want of a choice; empty: it is."
    )


class ChosenPlace(Strict):
    location = serializers.CharField(max_length=60, help_text="Code or id of one of your places.")
    shown_at = serializers.CharField(
        max_length=128,
        required=False,
        help_text="`external_id` of the store's location that shows its units. Leave it out where "
        "the store keeps one figure.",
    )
    rank = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=10_000,
        help_text="Lower is chosen first; by the order of the list if left out.",
    )


class ChosenPlaces(Strict):
    places = serializers.ListField(
        child=ChosenPlace(), max_length=200, help_text="All of them, first choice first."
    )


class StorePlaceViews(ApiViewSet):
    """Below ``/integrations/{id}/locations``, for stores of any platform."""

    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    http_method_names = [*ApiViewSet.http_method_names, "put"]
    pagination_class = None
    serializer_class = StorePlacesSerializer

    def get_queryset(self) -> QuerySet[Store]:
        rows = Store.objects.filter(merchant=self.merchant).exclude(status=StoreStatus.DISCONNECTED)
        return rows.select_related("merchant").prefetch_related(
            "locations", "places__location", "places__shown_at"
        )

    @extend_schema(summary="A store's locations, and which of your places each of them shows")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        return self._shown(pk)

    @extend_schema(
        summary="Choose the places a store sells from",
        description="In place of those before. Its products are read again and its figures told "
        "anew; what is reserved for orders stays where it is. A location that shows no place is "
        "left alone: it keeps the figure it has.",
        request=ChosenPlaces,
        examples=[
            OpenApiExample(
                "A store with a figure per location",
                {"places": [{"location": "main", "shown_at": "61000001"}]},
                request_only=True,
            ),
            OpenApiExample(
                "A store with one figure",
                {"places": [{"location": "main"}, {"location": "overflow"}]},
                request_only=True,
            ),
        ],
    )
    def update(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(ChosenPlaces)
        connect.choose_places(
            store, _given(self.merchant, store, asked["places"]), actor=self.actor
        )
        return self._shown(pk)

    @extend_schema(
        summary="Make a place for every location of a store that shows none",
        description="Each gets a place of yours with its name, and shows it from now on. The "
        "store's figures become the first counts there.",
        request=None,
    )
    @action(detail=True, methods=["post"])
    def make_places(self, request: Request, pk: UUID) -> Response:
        connect.make_places(self._store(pk), actor=self.actor)
        return self._shown(pk)

    def _store(self, pk: UUID) -> Store:
        store = self.get_queryset().filter(pk=pk).first()
        if store is None:
            raise Http404
        return store

    def _shown(self, pk: UUID) -> Response:
        store = self._store(pk)
        locations = list(store.locations.all())
        shown = {
            "figure_per_location": bool(locations),
            "locations": locations,
            "places": sorted(store.places.all(), key=_turn),
            "problem": _PROBLEM if connect.lacks_places(store) else "",
        }
        return Response(StorePlacesSerializer(shown).data)


def _turn(chosen: StorePlace) -> tuple[int, int, UUID]:
    """As ``inventory.shelves`` has them."""
    return (chosen.rank, chosen.location.rank, chosen.pk)


def _given(merchant: Merchant, store: Store, asked: list[dict[str, Any]]) -> list[Given]:
    """Raises ValidationError naming what there is none of."""
    theirs = {row.external_id: row.pk for row in store.locations.all()}
    given = []
    for number, one in enumerate(asked):
        place = location_of(merchant, one["location"], field=f"places/{number}/location")
        at = one.get("shown_at")
        if at is not None and at not in theirs:
            raise _unknown(store, at, theirs, number)
        shown_at = theirs[at] if at is not None else None
        given.append(Given(place.pk, shown_at, one.get("rank", _STEP * (number + 1))))
    return given


def _unknown(
    store: Store, at: str, known: Collection[str], number: int
) -> serializers.ValidationError:
    told = f"{store} keeps one figure; leave shown_at out."
    if known:
        told = f"{store} has no location “{at[:60]}”. It has {', '.join(known)}."
    field = f"places/{number}/shown_at"
    return serializers.ValidationError({field: serializers.ErrorDetail(told, "unknown")})

"""Who counts the stock of a store, and the figures that would be told to it: both can be seen
before they are set going.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import outbox, sync
from integrations.api.fields import Query, Strict
from integrations.api.views import ApiViewSet
from integrations.models import Store, StoreStatus, ToldFigure
from integrations.outbox import Outcome
from integrations.outbox.rehearsing import MOST_LINES
from integrations.sync.mastering import MOST_NAMED, Master
from logix.accounts.models import Scope

_MASTERS = (
    ("hub", "Logix counts, and tells the store its figures."),
    ("store", "The store counts; its figures become stock here, and none is told to it."),
)


class StockMasterSerializer(serializers.Serializer[Any]):
    master = serializers.ChoiceField(_MASTERS)
    zeros_unconfirmed = serializers.IntegerField(
        help_text="Zeros that no order explains and that are read once more."
    )
    zeros_held = serializers.IntegerField(
        help_text="Zeros that came in such numbers that somebody has to say that they are meant."
    )


class RecountSerializer(serializers.Serializer[Any]):
    listing_id = serializers.UUIDField(source="listing.pk")
    sku = serializers.CharField(source="listing.sku")
    title = serializers.CharField(source="listing.title")
    shows = serializers.IntegerField(allow_null=True, help_text="The store's figure.")
    before = serializers.IntegerField(help_text="Units that could be sold of it here.")
    after = serializers.IntegerField(help_text="… and can once its figure counts.")


class SwitchSerializer(serializers.Serializer[Any]):
    master = serializers.ChoiceField(_MASTERS)
    is_done = serializers.BooleanField(help_text="False: this is what it would do.")
    listings = serializers.IntegerField(help_text="Of the store.")
    counted = serializers.IntegerField(help_text="Counted anew by the store's figure.")
    equal = serializers.IntegerField(help_text="Their figure is what is counted here.")
    zeros = serializers.IntegerField(
        help_text="Their 0 is not explained by orders, so it is read once more before it counts."
    )
    elsewhere = serializers.IntegerField(
        help_text="Another store that counts its stock was connected first and counts their item; "
        "they are told their figure."
    )
    rest = serializers.IntegerField(
        help_text="Not counted by their figure: unlinked, uncounted in the store, a kit, fixed, "
        "paused or never written."
    )
    told = serializers.IntegerField(
        help_text="Show another figure than Logix counts, and are told it where writing is on."
    )
    named = RecountSerializer(
        many=True, help_text=f"The first {MOST_NAMED} that change, unexplained zeros first."
    )


class SwitchRequest(Strict):
    master = serializers.ChoiceField(_MASTERS)
    confirm = serializers.BooleanField(
        default=False, help_text="False: nothing is changed, and the answer says what would be."
    )


class BelievedSerializer(serializers.Serializer[Any]):
    believed = serializers.IntegerField()


class SentZerosSerializer(serializers.Serializer[Any]):
    sent = serializers.IntegerField(help_text="Zeros that waited and are on their way now.")


class FirstPushQuery(Query):
    outcome = serializers.ChoiceField([str(x) for x in Outcome], required=False)
    after = serializers.UUIDField(required=False, help_text="`next` of the answer before.")


class PushCountsSerializer(serializers.Serializer[Any]):
    write = serializers.IntegerField(help_text="Would be written.")
    equal = serializers.IntegerField(help_text="Show what they should.")
    left_alone = serializers.IntegerField(help_text="Have no figure of Logix.")
    blocked = serializers.IntegerField(help_text="Would wait for somebody.")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    listings = serializers.IntegerField()


class PushLineSerializer(serializers.Serializer[Any]):
    listing_id = serializers.UUIDField(source="listing.pk")
    sku = serializers.CharField(source="listing.sku")
    title = serializers.CharField(source="listing.title")
    outcome = serializers.ChoiceField([str(x) for x in Outcome])
    shows = serializers.IntegerField(allow_null=True, help_text="The store's figure as last seen.")
    would_show = serializers.IntegerField(allow_null=True)
    at = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="`would_show` by the store's own id of each location, where it keeps several.",
    )
    reason = serializers.CharField()


class FirstPushSerializer(serializers.Serializer[Any]):
    writes_enabled = serializers.BooleanField(help_text="True: writing is on already.")
    counts = PushCountsSerializer()
    zeros = serializers.IntegerField(help_text="Of those written: would show 0, and do not now.")
    reasons = ReasonSerializer(many=True)
    lines = PushLineSerializer(many=True, help_text=f"At most {MOST_LINES}.")
    next = serializers.UUIDField(allow_null=True, help_text="Null: these were the last.")


class StockMasterViews(ApiViewSet):
    """Below ``/integrations/{id}``, for stores of any platform."""

    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    pagination_class = None
    serializer_class = StockMasterSerializer

    def get_queryset(self) -> QuerySet[Store]:
        rows = Store.objects.filter(merchant=self.merchant).exclude(status=StoreStatus.DISCONNECTED)
        return rows.select_related("merchant")

    @extend_schema(summary="Who counts the stock of a store")
    def retrieve(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        store = self._store(pk)
        unsure = ToldFigure.objects.filter(store=store, state=ToldFigure.State.UNCONFIRMED)
        shown = {
            "master": sync.master_of(store),
            "zeros_unconfirmed": unsure.count(),
            "zeros_held": sync.zeros_held(store),
        }
        return Response(StockMasterSerializer(shown).data)

    @extend_schema(
        summary="Let a store count its stock, or Logix again",
        description="Without `confirm` it is only tried: the answer says what would change, by the "
        "same code and with nothing kept. What orders hold stays reserved either way.",
        request=SwitchRequest,
        responses=SwitchSerializer,
        examples=[
            OpenApiExample("What it would do", {"master": "store"}, request_only=True),
            OpenApiExample("Do it", {"master": "store", "confirm": True}, request_only=True),
        ],
    )
    def switch(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.read(SwitchRequest)
        done = sync.set_stock_master(
            store,
            cast("Master", asked["master"]),
            actor=self.actor,
            dry_run=not asked["confirm"],
        )
        return Response(SwitchSerializer(done).data)

    @extend_schema(
        summary="Believe the zeros of a store that counts its stock",
        description="For those of `zeros_held`: they become stock, and other stores are told.",
        request=None,
        responses=BelievedSerializer,
    )
    @action(detail=True, methods=["post"])
    def believe_zeros(self, request: Request, pk: UUID) -> Response:
        believed = sync.believe_the_zeros(self._store(pk), actor=self.actor)
        return Response({"believed": believed})

    @extend_schema(
        summary="Say that the zeros that wait to be told to a store are meant",
        description="Where far more figures would fall to 0 at once than orders explain, they wait "
        "(/stock/pushes, code `would_sell_out`): a rule, a closed place or a count may be wrong.",
        request=None,
        responses=SentZerosSerializer,
    )
    @action(detail=True, methods=["post"])
    def send_zeros(self, request: Request, pk: UUID) -> Response:
        sent = outbox.send_the_zeros(self._store(pk), actor=self.actor)
        return Response({"sent": sent})

    @extend_schema(
        summary="What a store would be told if writing were turned on now",
        description="Listing by listing, by the code that writes; nothing is kept and nothing "
        "sent. Orders that come in before the switch change it.",
        parameters=[FirstPushQuery],
        responses=FirstPushSerializer,
    )
    @action(detail=True)
    def first_push(self, request: Request, pk: UUID) -> Response:
        store, asked = self._store(pk), self.query(FirstPushQuery)
        wanted = Outcome(asked["outcome"]) if "outcome" in asked else None
        found = outbox.first_push(store, outcome=wanted, after=asked.get("after"))
        shown = {
            "writes_enabled": store.writes_enabled,
            "counts": {str(one): number for one, number in found.counts.items()},
            "zeros": found.zeros,
            "reasons": [{"reason": why, "listings": n} for why, n in found.reasons.items()],
            "lines": found.lines,
            "next": found.next,
        }
        return Response(FirstPushSerializer(shown).data)

    def _store(self, pk: UUID) -> Store:
        store = self.get_queryset().filter(pk=pk).first()
        if store is None:
            raise Http404
        return store

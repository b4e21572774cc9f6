"""Links that people have to make: what an unlinked listing might be, and all that leave no doubt at
once.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.fields import Query, Strict
from integrations.api.lookups import store_of
from integrations.api.views import ApiViewSet
from inventory import linkruns
from inventory.candidates import (
    MOST_AT_ONCE,
    MOST_NAMED,
    Candidate,
    LinkedAll,
    candidates,
    link_all,
    twins,
)
from inventory.models import Listing
from logix.accounts.models import Scope
from logix.common.transactions import rehearsed

_TWINS = 10


class LinkAll(Strict):
    store = serializers.UUIDField()
    dry_run = serializers.BooleanField(default=False, help_text="Say what would be, link nothing.")


class CandidateSerializer(serializers.Serializer[Candidate]):
    variant_id = serializers.UUIDField(source="variant.pk")
    sku = serializers.CharField(source="variant.sku")
    barcode = serializers.CharField(source="variant.barcode")
    title = serializers.CharField(source="variant.product.title")
    reason = serializers.CharField()
    is_sure = serializers.BooleanField(help_text="It can be linked unseen.")


class TwinSerializer(serializers.Serializer[Listing]):
    listing_id = serializers.UUIDField(source="pk")
    title = serializers.CharField()
    variant_id = serializers.UUIDField(allow_null=True)


class CandidatesSerializer(serializers.Serializer[object]):
    results = CandidateSerializer(many=True)
    twins = TwinSerializer(
        many=True, help_text=f"Listings of the store with the same SKU, the first {_TWINS}."
    )


class LeftSerializer(serializers.Serializer[dict[str, object]]):
    listing_id = serializers.UUIDField()
    reason = serializers.CharField()


class LinkedAllSerializer(serializers.Serializer[object]):
    linked = serializers.IntegerField()
    doubtful = serializers.IntegerField(help_text="Looked at, and left to a person.")
    left = LeftSerializer(many=True, help_text=f"The first {MOST_NAMED} of these.")
    more = serializers.BooleanField(
        help_text=f"{MOST_AT_ONCE} were linked, and there are more: call again for the rest."
    )
    run = serializers.IntegerField(
        source="run_id", allow_null=True, help_text="What `/listings/link-all/undo` takes."
    )


class UndoLinkAll(Strict):
    store = serializers.UUIDField()
    run = serializers.IntegerField(min_value=1, help_text="As `/listings/link-all` told it.")
    dry_run = serializers.BooleanField(default=False, help_text="Say what would be, undo nothing.")


class UndoneSerializer(serializers.Serializer[linkruns.Undone]):
    put_back = serializers.IntegerField()
    kept = serializers.IntegerField(help_text="Changed since by somebody, and left so.")


class MatchingViews(ApiViewSet):
    """What a store's unlinked listings might be."""

    tag = "Catalogue"
    write_scope = Scope.STOCK_WRITE
    pagination_class = None
    serializer_class = CandidateSerializer

    @extend_schema(
        summary="What a listing might be",
        description="Products with its SKU, barcode or title, the likeliest first, and the store's "
        "other listings with its SKU.",
        responses=CandidatesSerializer,
    )
    @action(detail=True)
    def candidates(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        listing = Listing.objects.filter(merchant=self.merchant, pk=pk).first()
        if listing is None:
            raise Http404
        found = {"results": candidates(listing), "twins": list(twins(listing)[:_TWINS])}
        return Response(CandidatesSerializer(found).data)

    @extend_schema(
        summary="Link all listings of a store that leave no doubt",
        description="By a SKU or barcode that one product has. Those unlinked by hand stay so, and "
        "every link can be taken off again.",
        request=LinkAll,
        responses=LinkedAllSerializer,
    )
    @action(detail=False, methods=["post"])
    def link_all(self, request: Request) -> Response:
        asked = self.read(LinkAll)
        store = store_of(self.merchant, asked["store"], field="store")

        def work() -> LinkedAll:
            return link_all(store.pk, actor=self.actor, request_id=request_id())

        if asked["dry_run"]:
            done = replace(self.again(partial(rehearsed, work)), run_id=None)
        else:
            done = self.again(work)
        left = [{"listing_id": listing, "reason": reason} for listing, reason in done.left]
        shown = {
            "linked": done.linked,
            "doubtful": done.doubtful,
            "left": left,
            "more": done.more,
            "run_id": done.run_id,
        }
        return Response(LinkedAllSerializer(shown).data)

    @extend_schema(
        summary="Undo what linking all did",
        description="Listings that nobody touched since are as they were before the run; they do "
        "not count as unlinked by hand.",
        request=UndoLinkAll,
        responses=UndoneSerializer,
    )
    @action(detail=False, methods=["post"])
    def undo_link_all(self, request: Request) -> Response:
        asked = self.read(UndoLinkAll)
        store = store_of(self.merchant, asked["store"], field="store")
        run = linkruns.of_store(store.pk, asked["run"])
        if run is None:
            raise serializers.ValidationError(
                {"run": serializers.ErrorDetail(f"{store} has no such run.", "unknown")}
            )
        work = partial(linkruns.undo, run, actor=self.actor, request_id=request_id())
        done = self.again(partial(rehearsed, work) if asked["dry_run"] else work)
        return Response(UndoneSerializer(done).data)

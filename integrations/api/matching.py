"""Links that people have to make: what an unlinked listing might be, and all that leave no doubt at
once.
"""

from __future__ import annotations

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
from inventory.candidates import (
    MOST_AT_ONCE,
    Candidate,
    LinkedAll,
    candidates,
    link_all,
    promising,
)
from inventory.models import Listing
from logix.accounts.models import Scope
from logix.common.transactions import rehearsed


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


class CandidatesSerializer(serializers.Serializer[object]):
    results = CandidateSerializer(many=True)


class LeftSerializer(serializers.Serializer[dict[str, object]]):
    listing_id = serializers.UUIDField()
    reason = serializers.CharField()


class LinkedAllSerializer(serializers.Serializer[object]):
    linked = serializers.IntegerField()
    left = LeftSerializer(many=True)
    more = serializers.BooleanField(
        help_text=f"Only the first {MOST_AT_ONCE} were looked at: call again for the rest."
    )


class MatchingViews(ApiViewSet):
    """What a store's unlinked listings might be."""

    tag = "Catalogue"
    write_scope = Scope.STOCK_WRITE
    pagination_class = None
    serializer_class = CandidateSerializer

    @extend_schema(
        summary="What a listing might be",
        description="Products with its SKU, barcode or title, the likeliest first.",
        responses=CandidatesSerializer,
    )
    @action(detail=True)
    def candidates(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        listing = Listing.objects.filter(merchant=self.merchant, pk=pk).first()
        if listing is None:
            raise Http404
        found = [CandidateSerializer(one).data for one in candidates(listing)]
        return Response({"results": found})

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

        def work() -> tuple[LinkedAll, bool]:
            done = link_all(store.pk, actor=self.actor, request_id=request_id())
            return done, promising(store.pk).count() > len(done.left)

        done, more = self.again(partial(rehearsed, work) if asked["dry_run"] else work)
        left = [{"listing_id": listing, "reason": reason} for listing, reason in done.left]
        shown = {"linked": done.linked, "left": left, "more": more}
        return Response(LinkedAllSerializer(shown).data)

"""Bundles of stores that become kits here, over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.errors import request_id
from integrations.api.listing_shapes import ListingSerializer
from integrations.api.views import ApiViewSet
from inventory import bundles
from inventory.models import Listing
from logix.accounts.models import Scope


class BundleViews(ApiViewSet):
    """Listings that their store puts together from others."""

    tag = "Catalogue"
    write_scope = Scope.STOCK_WRITE
    pagination_class = None
    serializer_class: Any = ListingSerializer

    @extend_schema(
        summary="Make a bundle's variant a kit of the store's parts",
        description="In place of what was chosen by hand; from then on it follows the store. "
        "409 `kit_refused` says what cannot be.",
        request=None,
        responses=ListingSerializer,
    )
    @action(detail=True, methods=["post"])
    def take_over(self, request: Request, pk: UUID) -> Response:
        rows = Listing.objects.filter(merchant=self.merchant, pk=pk).select_related("store")
        listing = rows.first()
        if listing is None:
            raise Http404
        taken = self.again(
            lambda: bundles.take_over(listing, actor=self.actor, request_id=request_id())
        )
        return Response(ListingSerializer(taken).data)

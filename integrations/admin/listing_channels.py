"""What the channels of a store say of a listing, on the listing's pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from unfold.decorators import display

from integrations import channels
from integrations.admin.base import ReadOnlyInline
from integrations.admin.order_parts import money
from integrations.models import Store
from inventory.models import ListingChannel


class ListingChannelInline(ReadOnlyInline):
    model = ListingChannel
    verbose_name_plural = "Where it is offered"
    fields = ("named", "title", "asked", "can_be_bought", "raw_status", "external_id", "seen_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ListingChannel]:
        return super().get_queryset(request).select_related("listing__store")

    @display(description="Channel")
    def named(self, row: ListingChannel) -> str:
        known = channels.all_of(row.listing.store)
        return next((x.name for x in known if x.external_id == row.channel), row.channel)

    @display(description="Price")
    def asked(self, row: ListingChannel) -> str:
        return "-" if row.price is None else money(row.price, row.currency)

    @display(description="Can be bought", boolean=True)
    def can_be_bought(self, row: ListingChannel) -> bool:
        return row.is_buyable


class ChannelFilter(admin.SimpleListFilter):
    """The channels of one's own stores; no filter where there are none."""

    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        stores = model_admin.related_rows(request, Store)
        found = {x.external_id: x.name for store in stores for x in channels.all_of(store)}
        return sorted(found.items(), key=lambda one: one[1])

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        chosen = self.value()
        return queryset.filter(channels__channel=chosen) if chosen else queryset

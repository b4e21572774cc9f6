"""The trail of stock for people: what moved, and why in words that lead to the cause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations.admin.base import HubAdmin, link, person, told
from integrations.admin.looking import InWords
from inventory.models import Bucket, MovementKind, StockLevel, StockMovement, Variant
from orders.models import Order, numbered

_TRAIL_SHOWN = 50
BUCKETS = {
    Bucket.ON_HAND: "On hand",
    Bucket.RESERVED: "Reserved",
    Bucket.ALLOCATED: "Set aside",
    Bucket.HELD: "Held back",
    Bucket.DAMAGED: "Damaged",
}
# With the order's number where there is one, else without.
_CAUSES: Mapping[MovementKind, tuple[str, str]] = {
    MovementKind.OPENING: ("First count", "First count, taken from the store's figure"),
    MovementKind.COUNT: ("Counted", "Counted by hand"),
    MovementKind.ADJUSTMENT: ("Adjusted", "Adjusted by hand"),
    MovementKind.RESERVE: ("Reserved for order", "Reserved for an order"),
    MovementKind.RELEASE: ("No longer kept for order", "No longer kept for an order"),
    MovementKind.SHIPMENT: ("Shipped in a parcel of order", "Shipped with an order"),
    MovementKind.UNSHIP: ("Shipment taken back of order", "Shipment taken back"),
    MovementKind.RESTOCK: ("Returned from order", "Returned to stock"),
    MovementKind.ALLOCATE: ("Set aside for order", "Set aside for a store"),
    MovementKind.DEALLOCATE: ("No longer set aside for order", "No longer set aside for a store"),
    MovementKind.HOLD: ("Held back", "Held back by hand"),
    MovementKind.UNHOLD: ("No longer held back", "No longer held back"),
    MovementKind.DAMAGE: ("Found damaged", "Found damaged"),
    MovementKind.REPAIR: ("No longer damaged", "No longer damaged"),
    MovementKind.WRITE_OFF: ("Written off", "Written off as damaged"),
    MovementKind.TOLD: ("Told by the platform", "Told by the platform that keeps it"),
}


def with_numbers(rows: models.QuerySet[StockMovement]) -> models.QuerySet[Any]:
    """With the number of the order each movement is about, in the same statement."""
    order = Order.objects.filter(pk=OuterRef("order_ref"))
    return rows.annotate(order_number=Subquery(order.values("number")[:1]))


def item_words(variant: Variant) -> list[str]:
    """What is counted, so that anybody knows it: its SKU (or that it has none), then its title."""
    title = told(variant.product.title)
    if variant.title and variant.title != variant.product.title:
        title = format_html("{} – {}", title, told(variant.title))
    return [variant.sku or "no SKU", title]


def item_link(variant: Variant) -> str:
    page = reverse("admin:inventory_variant_change", args=[variant.pk])
    return link(page, format_html("{} · {}", *item_words(variant)))


def cause_of(movement: Any) -> str:
    """Why stock moved, leading to the order or to the item's page, where hands are laid on it."""
    with_order, alone = _CAUSES[MovementKind(movement.kind)]
    if movement.order_number:
        page = reverse("admin:orders_order_change", args=[movement.order_ref])
        return format_html("{} {}", with_order, link(page, numbered(movement.order_number)))
    return alone


def trail_of(level: StockLevel) -> str:
    """The newest movements of one level, a line each."""
    rows = StockMovement.objects.filter(variant=level.variant, location=level.location)
    lines = (
        (
            date_format(timezone.localtime(m.at), "DATETIME_FORMAT"),
            cause_of(m),
            BUCKETS[Bucket(m.bucket)].lower(),
            m.before,
            m.after,
            format_html_join(" · ", "{}", ((told(x),) for x in (person(m.actor), m.reason) if x)),
        )
        for m in with_numbers(rows)[:_TRAIL_SHOWN]
    )
    return format_html_join("", "{} · {} · {} {} → {} · {}<br>", lines) or format_html(
        "{}", "Nothing has moved yet."
    )


@admin.register(StockMovement)
class StockMovementAdmin(HubAdmin):
    empty_words = "Nothing has moved yet."
    words = {bucket.label: words for bucket, words in BUCKETS.items()}
    list_display = (
        "at",
        "item",
        "location",
        "why",
        "where",
        "before",
        "change",
        "after",
        "by",
        "reason",
    )
    list_filter = ("kind", ("bucket", InWords), "location")
    search_fields = ("variant__sku", "variant__product__title", "reason")
    list_select_related = ("variant__product", "location")
    fields = (
        ("at", "why"),
        ("item_link", "location", "where"),
        ("before", "change", "after"),
        ("by", "reason"),
        "request_id",
    )
    readonly_fields = ("item_link", "why", "where", "change", "by")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return with_numbers(super().get_queryset(request))

    @display(description="Item", header=True, ordering="variant__sku")
    def item(self, movement: StockMovement) -> list[str]:
        return item_words(movement.variant)

    @display(description="Item")
    def item_link(self, movement: StockMovement) -> str:
        return item_link(movement.variant)

    @display(description="Why", ordering="kind")
    def why(self, movement: Any) -> str:
        return cause_of(movement)

    @display(description="Of", ordering="bucket")
    def where(self, movement: StockMovement) -> str:
        return BUCKETS[Bucket(movement.bucket)]

    @display(description="Change", ordering="delta")
    def change(self, movement: StockMovement) -> str:
        return f"{movement.delta:+d}"

    @display(description="By", ordering="actor")
    def by(self, movement: StockMovement) -> str:
        return person(movement.actor)

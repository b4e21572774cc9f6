"""Units in warehouses of a platform's own: what it tells of each listing, and the words by which
pages about stock say whose they are.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.decorators import display

from integrations import registry
from integrations.admin.base import GOOD, WARN, HubAdmin, Said, Sentence, count_of
from integrations.admin.looking import Look
from integrations.admin.movements import item_link
from inventory.kept import FIGURES
from inventory.models import KeptUnits, Location, StockLevel

_SHOWN = 20
_LACKING = Q(variant=None) & ~Q(**dict.fromkeys(FIGURES, 0))


def keeper_of(place: Location) -> str:
    """Who counts there, where it is not Logix; ''."""
    return registry.name_of(place.kept_by.platform) if place.kept_by else ""


def kept_words(place: Location) -> str:
    """Whose the units there are; '' at a place of one's own. ``place`` has its ``kept_by``."""
    keeper = keeper_of(place)
    return keeper and f"counted by {keeper}, and sold by no other store"


def kept_at(level: StockLevel) -> str:
    """What a level at such a place is made of, a line for each listing."""
    rows = KeptUnits.objects.filter(location=level.location, variant=level.variant)
    lines = (
        (
            x.sku,
            f"{x.sellable} can be sold, {x.reserved} reserved, {x.unsellable} unsellable, "
            f"{x.researching} being looked for; {x.inbound} more on their way.",
        )
        for x in rows.order_by("sku", "pk")[:_SHOWN]
    )
    return format_html_join("", "<bdi>{}</bdi>: {}<br>", lines)


@admin.register(KeptUnits)
class KeptUnitsAdmin(HubAdmin):
    empty_words = (
        "No platform keeps units of yours, as far as your stores tell. Where one does, what lies "
        "in its warehouses is read every hour and shows here."
    )
    list_display = (
        "sku",
        "location",
        "item",
        "sellable",
        "reserved",
        "inbound",
        "unsellable",
        "researching",
        "read_at",
    )
    list_filter = ("location", "merchant")
    search_fields = ("sku", "title")
    list_select_related = ("variant__product", "location__kept_by")
    ordering = ("sku", "pk")
    fields = (
        ("sku", "title"),
        ("location", "counted_by"),
        "item",
        ("sellable", "reserved", "inbound"),
        ("unsellable", "researching"),
        ("changed_at", "read_at"),
    )
    readonly_fields = ("counted_by", "item")

    def looks(self) -> dict[str, Look]:
        return {"unlinked": Look("Linked to nothing here", _LACKING)}

    def wellbeing(self, request: HttpRequest) -> Said:
        lacking = self.rows_in(request, "unlinked").count()
        if lacking:
            return [_unlinked_words(lacking)]
        if not self.get_queryset(request).exists():
            return []
        return [Sentence(GOOD, "Counted by the platforms, and in no other store's figure.")]

    @display(description="Item", ordering="variant__sku")
    def item(self, row: KeptUnits) -> str:
        return item_link(row.variant) if row.variant else "linked to nothing here"

    @display(description="Whose")
    def counted_by(self, row: KeptUnits) -> str:
        return kept_words(row.location)


def _unlinked_words(count: int) -> Sentence:
    has = "has no listing" if count == 1 else "have no listing"
    words = (
        f"{count_of(count, 'SKU')} in platforms' warehouses {has} linked to a product here. Read "
        "the store's products, or link its listing; the units are shown as soon as it is."
    )
    return Sentence(WARN, words, "look=unlinked")

"""What is sold: products with their variants, and listings with the figure each should show."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from unfold.decorators import display

from integrations import channels, outbox
from integrations.admin.acts import again
from integrations.admin.base import (
    GOOD,
    HubAdmin,
    ReadOnlyInline,
    Said,
    Sentence,
)
from integrations.admin.base import link as leads_to
from integrations.admin.bundles import TAKE_OVER, WAITS, BundlePages, waiting_words
from integrations.admin.explaining import ExplainPages, explain_button, takes_off_words
from integrations.admin.kept import kept_words
from integrations.admin.kits import KitPages
from integrations.admin.linking import LINK_ACTS, LINK_LOOKS, LinkPages
from integrations.admin.listing_channels import ChannelFilter, ListingChannelInline
from integrations.admin.listing_forms import ListingForm
from integrations.admin.looking import Look
from integrations.admin.order_parts import money
from integrations.admin.roles import actor, may
from integrations.admin.stock_rules import rule_button
from integrations.admin.store_places import by_location, parts_of
from inventory import modes
from inventory.errors import ModeRefused
from inventory.models import Listing, Product, StockLevel, Variant
from logix.accounts.models import Role

_LISTINGS_SHOWN = 50
# What platforms keep is not there for other stores.
_OWN = Q(levels__location__kept_by=None)


class VariantInline(ReadOnlyInline):
    model = Variant
    fields = ("opens", "title", "barcode", "weight", "stock", "sold")
    readonly_fields = fields

    @display(description="SKU")
    def opens(self, variant: Variant) -> str:
        page = reverse("admin:inventory_variant_change", args=[variant.pk])
        return leads_to(page, variant.sku or "no SKU")

    @display(description="Weight")
    def weight(self, variant: Variant) -> str:
        return weight_of(variant)

    @display(description="Stock")
    def stock(self, variant: Variant) -> str:
        return leads_to(rows_of("inventory_stocklevel", variant.stock_item_id), "levels")

    @display(description="Sold as")
    def sold(self, variant: Variant) -> str:
        return leads_to(rows_of("inventory_listing", variant.pk), "listings")


@admin.register(Product)
class ProductAdmin(HubAdmin):
    empty_words = "No product yet. They come with a store's catalogue."
    list_display = ("title", "kind", "variant_count", "created_at")
    list_filter = ("kind", "merchant")
    search_fields = ("title", "variants__sku")
    inlines = (VariantInline,)
    fields = (("title", "kind"), ("merchant", "created_at", "archived_at"))

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Product]:
        return super().get_queryset(request).annotate(variant_total=Count("variants"))

    @display(description="Variants", ordering="variant_total")
    def variant_count(self, product: Any) -> int:
        return product.variant_total


class LevelInline(ReadOnlyInline):
    model = StockLevel
    verbose_name_plural = "Where it lies"
    fields = ("opens", "on_hand", "reserved", "allocated", "held", "damaged", "free", "counted_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StockLevel]:
        return super().get_queryset(request).select_related("location__kept_by")

    @display(description="Location")
    def opens(self, level: StockLevel) -> str:
        page = reverse("admin:inventory_stocklevel_change", args=[level.pk])
        place, whose = leads_to(page, str(level.location)), kept_words(level.location)
        return format_html("{} ({})", place, whose) if whose else place


class ListingInline(ReadOnlyInline):
    model = Listing
    verbose_name_plural = "Where it is sold"
    fields = ("opens", "sku", "seen_quantity", "mode", "link_problem", "is_listed")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Listing]:
        return super().get_queryset(request).select_related("store")

    @display(description="Store")
    def opens(self, listing: Listing) -> str:
        page = reverse("admin:inventory_listing_change", args=[listing.pk])
        return leads_to(page, str(listing.store))


@admin.register(Variant)
class VariantAdmin(KitPages, ExplainPages):
    list_display = ("sku", "product", "title", "on_hand", "reserved", "free")
    search_fields = ("sku", "title", "product__title", "barcode")
    list_filter = ("merchant",)
    list_select_related = ("product",)
    inlines = (LevelInline, ListingInline)
    fields = (
        ("sku", "product"),
        ("title", "barcode"),
        ("weight", "counted_with"),
        ("made_of", "elsewhere"),
    )
    readonly_fields = ("weight", "counted_with", "made_of", "elsewhere")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Variant]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                level_on_hand=Sum("levels__on_hand", filter=_OWN),
                level_reserved=Sum("levels__reserved", filter=_OWN),
            )
        )

    @display(description="Weight")
    def weight(self, variant: Variant) -> str:
        return weight_of(variant)

    @display(description="Counted with")
    def counted_with(self, variant: Variant) -> str:
        """Sizes may share one count; then that holds the stock."""
        if variant.counted_as_id is None:
            return "on its own"
        page = reverse("admin:inventory_variant_change", args=[variant.counted_as_id])
        return leads_to(page, f"the shared stock of {variant.product}")

    @display(description="See also")
    def elsewhere(self, variant: Variant) -> str:
        pages = (
            ("Stock", rows_of("inventory_stocklevel", variant.stock_item_id)),
            ("Movements", rows_of("inventory_stockmovement", variant.stock_item_id)),
            ("Listings", rows_of("inventory_listing", variant.pk)),
        )
        return format_html_join(" · ", "{}", ((leads_to(url, name),) for name, url in pages))

    @display(description="On hand", ordering="level_on_hand")
    def on_hand(self, variant: Any) -> Any:
        return variant.level_on_hand

    @display(description="Reserved", ordering="level_reserved")
    def reserved(self, variant: Any) -> Any:
        return variant.level_reserved

    @display(description="Free")
    def free(self, variant: Any) -> Any:
        if variant.level_on_hand is None:
            return None
        return variant.level_on_hand - variant.level_reserved


@admin.register(Listing)
class ListingAdmin(LinkPages, BundlePages):
    form = ListingForm
    change_role = Role.OPERATOR
    empty_words = "No listing yet. They come with a store's catalogue."
    list_display = ("sku", "title", "store", "seen_quantity", "pushed", "mode", "link_words")
    list_filter = ("store", ChannelFilter, "mode", "link_problem", "is_listed")
    search_fields = ("sku", "title", "external_product_id", "external_variant_id")
    list_select_related = ("store", "variant", "push")
    fields = (
        ("title", "sku"),
        ("store", "variant"),
        ("mode", "fixed_quantity"),
        "explanation",
        ("seen", "seen_at", "told"),
        "sells_on",
        ("raw_status", "asked", "link_words"),
        "bundle",
    )
    readonly_fields = (
        "title",
        "sku",
        "store",
        "variant",
        "explanation",
        "seen",
        "seen_at",
        "told",
        "sells_on",
        "raw_status",
        "asked",
        "link_words",
        "bundle",
    )

    acts = (TAKE_OVER, *LINK_ACTS)

    def get_inlines(self, request: HttpRequest, obj: Listing | None = None) -> Any:
        return (ListingChannelInline,) if obj and channels.all_of(obj.store) else ()

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        shown = super().buttons(request, obj)
        if may(request, obj.merchant_id, Role.OWNER):
            shown = [rule_button(obj), *shown]
        if obj.variant_id:
            shown = [explain_button(obj.variant_id), *shown]
        return [*self.link_buttons(request, obj), *shown]

    def looks(self) -> dict[str, Look]:
        return {**LINK_LOOKS, "bundles": WAITS}

    def wellbeing(self, request: HttpRequest) -> Said:
        found = [
            *self.link_sentences(request),
            *waiting_words(self.rows_in(request, "bundles").count()),
        ]
        if found or not self.get_queryset(request).filter(gone_at=None).exists():
            return found
        return [Sentence(GOOD, "Every listing is linked to what is counted.")]

    @display(description="Told the store")
    def pushed(self, listing: Listing) -> Any:
        push = getattr(listing, "push", None)
        return push.pushed_value if push else None

    @display(description="Seen quantity")
    def seen(self, listing: Listing) -> Any:
        return by_location(listing.store, listing.seen_quantity, listing.seen_at_places)

    @display(description="Told the store")
    def told(self, listing: Listing) -> Any:
        push = getattr(listing, "push", None)
        return push and by_location(listing.store, push.pushed_value, push.pushed_at_places)

    @display(description="Sold below zero")
    def sells_on(self, listing: Listing) -> str:
        return "yes, on back-order" if listing.backorders else "no"

    @display(description="Price")
    def asked(self, listing: Listing) -> str:
        return "-" if listing.price is None else money(listing.price, listing.priced_in)

    @display(description="What it should show, and why")
    def explanation(self, listing: Listing) -> str:
        target = outbox.targets([listing])[listing.pk]
        figure = "left alone" if target.value is None else target.value
        terms = (
            (name.replace("_", " "), value)
            for name, value in {**target.terms, **target.takes_off}.items()
            if value is not None
        )
        lines = format_html_join("", "<br>{}: {}", terms)
        parts = parts_of(listing.store, target.told)
        reason = f"{target.reason} {takes_off_words(target)}".strip()
        return format_html("<b>{}</b> – {}{}{}", figure, reason, parts, lines)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **options: Any
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, *args, **options)
        except ModeRefused as err:  # by what somebody else kept since the form was shown
            messages.error(request, str(err))
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Listing, form: Any, change: bool) -> None:
        changed = {name: form.cleaned_data[name] for name in form.changed_data}
        again(lambda: modes.change(obj, **changed, actor=actor(request)))


def weight_of(variant: Variant) -> str:
    """Without the zeros its column keeps."""
    return "" if variant.weight_g is None else f"{variant.weight_g.normalize():f} g"


def rows_of(page: str, variant_id: Any) -> str:
    """The rows of a list that are about one variant."""
    query = urlencode({"variant__id__exact": str(variant_id)})
    return f"{reverse(f'admin:{page}_changelist')}?{query}"


def listings_of(variant_id: Any) -> str:
    """Where a variant, or those that share its count, is sold."""
    sold = Q(variant=variant_id) | Q(variant__counted_as=variant_id)
    rows = Listing.objects.filter(sold).select_related("store").order_by("store__name", "sku")
    found = (
        (leads_to(reverse("admin:inventory_listing_change", args=[x.pk]), f"{x.store}: {x}"),)
        for x in rows[:_LISTINGS_SHOWN]
    )
    return format_html_join("", "{}<br>", found) or format_html("{}", "nowhere")

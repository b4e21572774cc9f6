"""What is sold: products with their variants, and listings with the figure each should show."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Count, Sum
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations import outbox
from integrations.admin.base import GOOD, WARN, HubAdmin, ReadOnlyInline, Said, count_of
from inventory.availability import targets
from inventory.models import LinkProblem, Listing, ListingMode, Product, StockLevel, Variant
from logix.accounts.models import Role


class VariantInline(ReadOnlyInline):
    model = Variant
    fields = ("sku", "title", "barcode", "weight_g")
    readonly_fields = fields
    show_change_link = True


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
    fields = ("location", "on_hand", "reserved", "held", "damaged", "free", "counted_at")
    readonly_fields = fields


class ListingInline(ReadOnlyInline):
    model = Listing
    verbose_name_plural = "Where it is sold"
    fields = ("store", "sku", "seen_quantity", "mode", "link_problem", "is_listed")
    readonly_fields = fields


@admin.register(Variant)
class VariantAdmin(HubAdmin):
    list_display = ("sku", "product", "title", "on_hand", "reserved", "free")
    search_fields = ("sku", "title", "product__title", "barcode")
    list_filter = ("merchant",)
    list_select_related = ("product",)
    inlines = (LevelInline, ListingInline)
    fields = (("sku", "product"), ("title", "barcode"), ("weight_g", "counted_as"))

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Variant]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                level_on_hand=Sum("levels__on_hand"),
                level_reserved=Sum("levels__reserved"),
            )
        )

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


class ListingForm(forms.ModelForm):
    class Meta:
        model = Listing
        fields = ("mode", "fixed_quantity")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("mode") == ListingMode.FIXED and data.get("fixed_quantity") is None:
            self.add_error("fixed_quantity", "Say which figure the store always shows.")
        return data


@admin.register(Listing)
class ListingAdmin(HubAdmin):
    form = ListingForm
    change_role = Role.OPERATOR
    empty_words = "No listing yet. They come with a store's catalogue."
    list_display = ("sku", "title", "store", "seen_quantity", "pushed", "mode", "link_words")
    list_filter = ("store", "mode", "link_problem", "is_listed")
    search_fields = ("sku", "title", "external_product_id", "external_variant_id")
    list_select_related = ("store", "variant", "push")
    fields = (
        ("title", "sku"),
        ("store", "variant"),
        ("mode", "fixed_quantity"),
        "explanation",
        ("seen_quantity", "seen_at", "pushed"),
        ("raw_status", "price", "link_words"),
    )
    readonly_fields = (
        "title",
        "sku",
        "store",
        "variant",
        "explanation",
        "seen_quantity",
        "seen_at",
        "pushed",
        "raw_status",
        "price",
        "link_words",
    )

    def wellbeing(self, request: HttpRequest) -> Said:
        listed = self.get_queryset(request).filter(gone_at=None)
        unlinked = listed.exclude(link_problem=LinkProblem.NONE).count()
        if unlinked:
            listings = count_of(unlinked, "listing")
            return [
                (WARN, f"{listings} not counted here: no SKU, or one that is used twice there.")
            ]
        return [(GOOD, "Every listing is linked to what is counted.")] if listed.exists() else []

    @display(description="Told the store")
    def pushed(self, listing: Listing) -> Any:
        push = getattr(listing, "push", None)
        return push.pushed_value if push else None

    @display(description="Link", label={"Linked": "success"}, ordering="link_problem")
    def link_words(self, listing: Listing) -> str:
        return listing.get_link_problem_display()

    @display(description="What it should show, and why")
    def explanation(self, listing: Listing) -> str:
        target = targets([listing])[listing.pk]
        figure = "left alone" if target.value is None else target.value
        terms = (
            (name.replace("_", " "), value)
            for name, value in target.terms.items()
            if value is not None
        )
        lines = format_html_join("", "<br>{}: {}", terms)
        return format_html("<b>{}</b> – {}{}", figure, target.reason, lines)

    def saved(self, request: HttpRequest, obj: Listing) -> None:
        outbox.mark_listings([obj.pk])

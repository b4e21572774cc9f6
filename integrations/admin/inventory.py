"""Products, listings, levels with their trail, and counting by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import F, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from integrations.admin.base import REFUSALS, HubAdmin, actor, may
from integrations.admin.orders import ReadOnlyInline
from inventory import ledger
from inventory.availability import targets
from inventory.models import (
    Listing,
    Location,
    Product,
    StockLevel,
    StockMovement,
    StockRule,
    Variant,
)
from logix.accounts.models import Role


class VariantInline(ReadOnlyInline):
    model = Variant
    fields = ("sku", "title", "barcode", "weight_g")
    readonly_fields = fields
    show_change_link = True


@admin.register(Product)
class ProductAdmin(HubAdmin):
    list_display = ("title", "kind", "created_at")
    list_filter = ("kind", "merchant")
    search_fields = ("title", "variants__sku")
    inlines = (VariantInline,)
    fields = ("title", "kind", "merchant", "created_at", "archived_at")


class LevelInline(ReadOnlyInline):
    model = StockLevel
    fields = ("location", "on_hand", "reserved", "held", "damaged", "free", "counted_at")
    readonly_fields = fields


class ListingInline(ReadOnlyInline):
    model = Listing
    fields = ("store", "sku", "seen_quantity", "mode", "link_problem", "is_listed")
    readonly_fields = fields


@admin.register(Variant)
class VariantAdmin(HubAdmin):
    list_display = ("sku", "product", "title", "on_hand", "reserved", "free")
    search_fields = ("sku", "title", "product__title", "barcode")
    list_filter = ("merchant",)
    list_select_related = ("product",)
    inlines = (LevelInline, ListingInline)
    fields = ("sku", "product", "title", "barcode", "weight_g", "counted_as")

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


@admin.register(Listing)
class ListingAdmin(HubAdmin):
    list_display = ("sku", "title", "store", "seen_quantity", "pushed", "mode", "link_problem")
    list_filter = ("store", "mode", "link_problem", "is_listed")
    search_fields = ("sku", "title", "external_product_id", "external_variant_id")
    list_select_related = ("store", "variant", "push")
    fields = (
        "title",
        "sku",
        "store",
        "variant",
        "mode",
        "fixed_quantity",
        "seen_quantity",
        "seen_at",
        "raw_status",
        "price",
        "stock_ref",
        "explanation",
    )
    readonly_fields = tuple(f for f in fields if f not in ("mode", "fixed_quantity"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and may(request, obj.merchant_id, Role.OPERATOR)

    @display(description="Told the store")
    def pushed(self, listing: Listing) -> Any:
        push = getattr(listing, "push", None)
        return push.pushed_value if push else None

    @display(description="What it should show, and why")
    def explanation(self, listing: Listing) -> str:
        target = targets([listing])[listing.pk]
        figure = "left alone" if target.value is None else target.value
        terms = format_html_join("", "<br>{}: {}", target.terms.items())
        return format_html("<b>{}</b> – {}{}", figure, target.reason, terms)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        from inventory import signals

        super().save_model(request, obj, form, change)
        signals.store_figure_changed.send(sender=Listing, listing_ids=frozenset({obj.pk}))


@admin.register(Location)
class LocationAdmin(HubAdmin):
    list_display = ("name", "code", "rank", "is_active")
    fields = ("merchant", "name", "code", "rank", "is_active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and may(request, obj.merchant_id, Role.OWNER)


class CountForm(forms.Form):
    set_to = forms.IntegerField(
        label="Counted quantity", min_value=0, widget=UnfoldAdminIntegerFieldWidget
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)


@admin.register(StockLevel)
class StockLevelAdmin(HubAdmin):
    list_display = ("item", "location", "on_hand", "reserved", "held", "free_units", "counted_at")
    list_filter = ("location", "merchant")
    search_fields = ("variant__sku", "variant__product__title")
    list_select_related = ("variant__product", "location")
    fields = (
        "item",
        "location",
        "on_hand",
        "reserved",
        "held",
        "damaged",
        "free_units",
        "counted_at",
        "trail",
    )
    readonly_fields = fields
    change_form_outer_before_template = "logix/admin/count.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StockLevel]:
        return (
            super()
            .get_queryset(request)
            .annotate(free_now=F("on_hand") - F("reserved") - F("held") - F("damaged"))
        )

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        short = self.get_queryset(request).filter(free_now__lt=0, counted_at__isnull=False).count()
        if short:
            return [("bad", f"{short} items are promised more often than they are there.")]
        return [("good", "Nothing is promised that is not there.")]

    @display(description="Item", header=True, ordering="variant__sku")
    def item(self, level: StockLevel) -> list[str]:
        return [level.variant.sku or level.variant.title or "–", level.variant.product.title]

    @display(description="Free", ordering="free_now")
    def free_units(self, level: Any) -> int:
        return level.free

    @display(description="Trail")
    def trail(self, level: StockLevel) -> str:
        rows = StockMovement.objects.filter(variant=level.variant, location=level.location)[:50]
        return format_html_join(
            "",
            "{} · {} · {} {} → {} · {} {}<br>",
            (
                (
                    m.at.strftime("%Y-%m-%d %H:%M"),
                    m.get_kind_display(),
                    m.bucket,
                    m.before,
                    m.after,
                    m.actor,
                    m.reason,
                )
                for m in rows
            ),
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.count_view)
        own = path("<path:object_id>/count/", view, name="inventory_stocklevel_count")
        return [own, *super().get_urls()]

    def count_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        level = self.get_queryset(request).get(pk=object_id)
        back = reverse("admin:inventory_stocklevel_change", args=[level.pk])
        if not may(request, level.merchant_id, Role.OPERATOR):
            messages.error(request, "Your role does not allow counting stock.")
            return HttpResponseRedirect(back)
        form = CountForm(request.POST or None, initial={"set_to": level.on_hand})
        if request.method == "POST" and form.is_valid():
            try:
                ledger.adjust(
                    variant=level.variant,
                    location=level.location,
                    set_to=form.cleaned_data["set_to"],
                    reason=form.cleaned_data["reason"],
                    actor=actor(request),
                )
            except REFUSALS as err:
                messages.error(request, str(err))
            else:
                messages.success(
                    request, f"{level.variant} is counted: {form.cleaned_data['set_to']}."
                )
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Count {level.variant}",
            "opts": self.opts,
            "form": form,
            "original": level,
            "back": back,
        }
        return TemplateResponse(request, "logix/admin/form.html", context)


@admin.register(StockMovement)
class StockMovementAdmin(HubAdmin):
    list_display = (
        "at",
        "variant",
        "location",
        "kind",
        "bucket",
        "before",
        "delta",
        "after",
        "actor",
        "reason",
    )
    list_filter = ("kind", "bucket", "location")
    search_fields = ("variant__sku", "reason")
    list_select_related = ("variant", "location")
    fields = (*list_display, "cause", "order_ref", "request_id")


@admin.register(StockRule)
class StockRuleAdmin(HubAdmin):
    list_display = ("merchant", "store", "buffer", "percent", "max_listed", "end_when")
    list_select_related = ("merchant", "store")
    fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and may(request, obj.merchant_id, Role.OWNER)

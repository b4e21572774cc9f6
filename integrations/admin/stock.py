"""What is there: levels with their trail, counting by hand, movements, places, and stock rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from integrations import outbox
from integrations.admin.acts import REFUSALS
from integrations.admin.base import BAD, GOOD, HubAdmin, Said, count_of, person
from integrations.admin.roles import actor, may
from integrations.models import Store
from inventory import ledger
from inventory.models import Location, StockLevel, StockMovement, StockRule
from logix.accounts.models import Role

_FREE = F("on_hand") - F("reserved") - F("held") - F("damaged")
_TRAIL_SHOWN = 50


@admin.register(Location)
class LocationAdmin(HubAdmin):
    add_role = Role.OWNER
    change_role = Role.OWNER
    list_display = ("name", "code", "merchant", "rank", "is_active")
    list_filter = ("merchant", "is_active")
    list_select_related = ("merchant",)
    fields = ("merchant", "name", "code", ("rank", "is_active"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("merchant",) if obj else ()


class CountForm(forms.Form):
    set_to = forms.IntegerField(
        label="Counted quantity", min_value=0, widget=UnfoldAdminIntegerFieldWidget
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)


@admin.register(StockLevel)
class StockLevelAdmin(HubAdmin):
    empty_words = "No stock yet. It is counted when a store's catalogue comes in."
    list_display = ("item", "location", "on_hand", "reserved", "held", "free_units", "counted_at")
    list_filter = ("location", "merchant")
    search_fields = ("variant__sku", "variant__product__title")
    list_select_related = ("variant__product", "location")
    fields = (
        ("variant", "location"),
        "product",
        ("on_hand", "reserved", "free_units"),
        ("held", "damaged"),
        "counted_at",
        "trail",
    )
    readonly_fields = ("product", "free_units", "trail")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StockLevel]:
        return super().get_queryset(request).annotate(free_now=_FREE)

    def wellbeing(self, request: HttpRequest) -> Said:
        levels = super().get_queryset(request)
        counted = levels.filter(counted_at__isnull=False)
        short = counted.alias(free_now=_FREE).filter(free_now__lt=0).count()
        if short:
            items = count_of(short, "item")
            return [(BAD, f"Sold more often than there: {items}. Sort by Free, lowest first.")]
        return [(GOOD, "Nothing is promised that is not there.")] if levels.exists() else []

    @display(description="Item", header=True, ordering="variant__sku")
    def item(self, level: StockLevel) -> list[str]:
        return [level.variant.sku or level.variant.title or "–", level.variant.product.title]

    @display(description="Product")
    def product(self, level: StockLevel) -> str:
        return level.variant.product.title

    @display(description="Free", ordering="free_now")
    def free_units(self, level: StockLevel) -> int:
        return level.free

    @display(description="Trail")
    def trail(self, level: StockLevel) -> str:
        rows = StockMovement.objects.filter(variant=level.variant, location=level.location)
        return format_html_join(
            "",
            "{} UTC · {} · {} {} → {} · {} {}<br>",
            (
                (
                    m.at.strftime("%Y-%m-%d %H:%M"),
                    m.get_kind_display(),
                    m.get_bucket_display().lower(),
                    m.before,
                    m.after,
                    person(m.actor),
                    m.reason,
                )
                for m in rows[:_TRAIL_SHOWN]
            ),
        ) or format_html("{}", "Nothing has moved yet.")

    # -- counting by hand ----------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.count_view)
        own = path("<path:object_id>/count/", view, name="inventory_stocklevel_count")
        return [own, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        if not may(request, obj.merchant_id, Role.OPERATOR):
            return []
        return [{"label": "Count or correct", "url": self.row_url(obj, "count"), "asks": True}]

    def count_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        level = self.row_or_404(request, object_id)
        if not may(request, level.merchant_id, Role.OPERATOR):
            raise PermissionDenied
        form = CountForm(request.POST or None, initial={"set_to": level.on_hand})
        if request.method == "POST" and form.is_valid():
            counted = form.cleaned_data["set_to"]
            try:
                ledger.adjust(
                    variant=level.variant,
                    location=level.location,
                    set_to=counted,
                    reason=form.cleaned_data["reason"],
                    actor=actor(request),
                )
            except REFUSALS as err:
                form.add_error(None, str(err))
            else:
                messages.success(request, f"{level.variant} is counted: {counted} on hand.")
                return HttpResponseRedirect(self.row_url(level))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Count {level.variant}",
            "button": "Count",
            "says": f"On hand at {level.location}, reserved units included. Stores are told.",
            "opts": self.opts,
            "form": form,
            "original": level,
            "back": self.row_url(level),
        }
        return TemplateResponse(request, "logix/admin/form.html", context)


@admin.register(StockMovement)
class StockMovementAdmin(HubAdmin):
    empty_words = "Nothing has moved yet."
    list_display = (
        "at",
        "variant",
        "location",
        "kind",
        "bucket",
        "before",
        "delta",
        "after",
        "by",
        "reason",
    )
    list_filter = ("kind", "bucket", "location")
    search_fields = ("variant__sku", "reason")
    list_select_related = ("variant", "location")
    fields = (
        ("at", "kind"),
        ("variant", "location", "bucket"),
        ("before", "delta", "after"),
        ("by", "reason"),
        ("cause", "request_id"),
    )
    readonly_fields = ("by",)

    @display(description="By", ordering="actor")
    def by(self, movement: StockMovement) -> str:
        return person(movement.actor)


class StockRuleForm(forms.ModelForm):
    class Meta:
        model = StockRule
        fields = ("merchant", "store", "buffer", "percent", "max_listed", "end_when")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        store, merchant = data.get("store"), data.get("merchant")
        if store is not None and merchant is not None and store.merchant_id != merchant.pk:
            self.add_error("store", f"{store} is a store of another merchant.")
        return data


@admin.register(StockRule)
class StockRuleAdmin(HubAdmin):
    """How much of the stock a store may sell. Without a rule a store sells all that is free."""

    form = StockRuleForm
    add_role = Role.OWNER
    change_role = Role.OWNER
    deletable = True
    empty_words = "No rule: every store sells all that is free."
    list_display = ("scope", "buffer", "percent", "max_listed", "end_when")
    list_select_related = ("merchant", "store")
    fields = ("merchant", "store", ("buffer", "percent"), ("max_listed", "end_when"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("merchant", "store") if obj else ()

    @display(description="For", ordering="store__name")
    def scope(self, rule: StockRule) -> str:
        return str(rule.store or f"All stores of {rule.merchant} without their own rule")

    def saved(self, request: HttpRequest, obj: StockRule) -> None:
        """The stores it concerns may have to show another figure."""
        _tell_stores(obj)

    def delete_model(self, request: HttpRequest, obj: StockRule) -> None:
        super().delete_model(request, obj)
        _tell_stores(obj)


def _tell_stores(rule: StockRule) -> None:
    stores = Store.objects.filter(merchant=rule.merchant_id)
    if rule.store_id:
        stores = stores.filter(pk=rule.store_id)
    for store_id in stores.values_list("pk", flat=True):
        outbox.mark_store(store_id)

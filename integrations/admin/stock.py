"""What is there: levels with their trail, counts and returns by hand, places, rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from integrations import outbox
from integrations.admin.asking import ask, row_for
from integrations.admin.base import BAD, GOOD, HubAdmin, Said, Sentence, count_of
from integrations.admin.catalogue import listings_of
from integrations.admin.looking import Look, known_as
from integrations.admin.movements import item_link, item_words, trail_of
from integrations.admin.roles import actor, may
from integrations.models import Store
from inventory import ledger
from inventory.models import Location, StockLevel, StockRule
from logix.accounts import audit
from logix.accounts.models import Merchant, Role
from logix.common.ids import uuid7
from orders.models import Order

_FREE = F("on_hand") - F("reserved") - F("held") - F("damaged")
_PAGE = "inventory_stocklevel"
_WHOLE = 100


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


class RestockForm(forms.Form):
    units = forms.IntegerField(
        label="Units to put back", min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    order = forms.CharField(
        label="Order number",
        max_length=64,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="The order they were returned from, if it is known.",
    )
    reason = forms.CharField(max_length=200, required=False, widget=UnfoldAdminTextInputWidget)
    # Names this return: a form that is sent twice puts the units back once.
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, merchant_id: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.merchant_id = merchant_id

    def clean_order(self) -> Any:
        """The order's id. One number in two stores cannot be told apart here."""
        number = self.cleaned_data["order"].strip().removeprefix("#")
        if not number:
            return None
        found = list(
            Order.objects.filter(merchant=self.merchant_id, number=number).values_list(
                "pk", flat=True
            )[:2]
        )
        if not found:
            raise forms.ValidationError(f"There is no order {number}.")
        if len(found) > 1:
            raise forms.ValidationError(
                f"Several stores have an order {number}. Leave this empty; name it as reason."
            )
        return found[0]


@admin.register(StockLevel)
class StockLevelAdmin(HubAdmin):
    empty_words = "No stock yet. It is counted when a store's catalogue comes in."
    list_display = ("item", "location", "on_hand", "reserved", "held", "free_units", "counted_at")
    list_filter = ("location", "merchant")
    search_fields = ("variant__sku", "variant__product__title")
    list_select_related = ("variant__product", "location")
    fields = (
        ("item_link", "location"),
        ("on_hand", "reserved", "free_units"),
        ("held", "damaged"),
        ("counted_at", "listings"),
        "trail",
    )
    readonly_fields = ("item_link", "free_units", "listings", "trail")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StockLevel]:
        return super().get_queryset(request).annotate(free_now=_FREE)

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """What is promised and not there first; what nobody has counted says nothing yet."""
        uncounted = Case(When(counted_at=None, then=Value(1)), default=Value(0))
        return (uncounted.asc(), _FREE.asc(), "variant__sku", "pk")

    def looks(self) -> dict[str, Look]:
        return {
            "short": Look("Sold more often than there", Q(counted_at__isnull=False, free_now__lt=0))
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        short = self.rows_in(request, "short").count()
        if short:
            words = f"Sold more often than there: {count_of(short, 'item')}."
            return [Sentence(BAD, words, "look=short")]
        if not self.get_queryset(request).exists():
            return []
        return [Sentence(GOOD, "Nothing is promised that is not there.")]

    @display(description="Item", header=True, ordering="variant__sku")
    def item(self, level: StockLevel) -> list[str]:
        return item_words(level.variant)

    @display(description="Item")
    def item_link(self, level: StockLevel) -> str:
        return item_link(level.variant)

    @display(description="Sold as")
    def listings(self, level: StockLevel) -> str:
        return listings_of(level.variant_id)

    @display(description="Free", ordering="free_now")
    def free_units(self, level: StockLevel) -> int:
        return level.free

    @display(description="Trail")
    def trail(self, level: StockLevel) -> str:
        return trail_of(level)

    # -- by hand -------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/count/", wrap(self.count_view), name=f"{_PAGE}_count"),
            path("<path:object_id>/restock/", wrap(self.restock_view), name=f"{_PAGE}_restock"),
        ]
        return [*own, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        if not may(request, obj.merchant_id, Role.OPERATOR):
            return []
        return [
            {"label": "Count or correct", "url": self.row_url(obj, "count"), "asks": True},
            {"label": "Put a return back", "url": self.row_url(obj, "restock"), "asks": True},
        ]

    def count_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        level: StockLevel = row_for(self, request, object_id)

        def count(told: dict[str, Any]) -> str:
            ledger.adjust(
                variant=level.variant, location=level.location, **told, actor=actor(request)
            )
            _record(request, level, "stock.adjusted", set_to=told["set_to"])
            return f"{level.variant} is counted: {told['set_to']} on hand."

        return ask(
            self,
            request,
            level,
            CountForm(request.POST or None, initial={"set_to": level.on_hand}),
            count,
            title=f"Count {level.variant}",
            button="Count",
            says=f"On hand at {level.location}, reserved units included. Stores are told.",
        )

    def restock_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        level: StockLevel = row_for(self, request, object_id)

        def restock(told: dict[str, Any]) -> str:
            moved = ledger.restock(
                variant=level.variant,
                location=level.location,
                units=told["units"],
                cause=f"restock:{told['once']}",
                reason=told["reason"],
                order_ref=told["order"],
                actor=actor(request),
            )
            _record(request, level, "stock.restocked", units=told["units"])
            return f"{moved.delta} × {level.variant} put back: {moved.after} on hand."

        return ask(
            self,
            request,
            level,
            RestockForm(level.merchant_id, request.POST or None, initial={"once": uuid7()}),
            restock,
            title=f"Put {level.variant} back",
            button="Put back",
            says=f"Returned units that can be sold again, at {level.location}. Orders that wait "
            "for them are served first; then stores are told.",
        )


def _record(request: HttpRequest, level: StockLevel, action: str, **details: Any) -> None:
    audit.record(
        action,
        actor=actor(request),
        merchant=level.merchant,
        obj=level.variant,
        details={"location": level.location.code, **details},
    )


class StockRuleForm(forms.ModelForm):
    class Meta:
        model = StockRule
        fields = ("merchant", "store", "buffer", "percent", "max_listed", "end_when")

    def clean_percent(self) -> int:
        percent: int = self.cleaned_data["percent"]
        if percent > _WHOLE:
            raise forms.ValidationError("A share is from 0 to 100 percent.")
        return percent

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        store, merchant = data.get("store"), data.get("merchant")
        if store is None and merchant is not None and self._has_one_for_all(merchant):
            self.add_error("store", f"{merchant} has a rule for all its stores. Change that one.")
        if store is not None and merchant is not None and store.merchant_id != merchant.pk:
            self.add_error("store", f"{store} is a store of another merchant.")
        return data

    def _has_one_for_all(self, merchant: Merchant) -> bool:
        rules = StockRule.objects.filter(merchant=merchant, store=None)
        return rules.exclude(pk=self.instance.pk).exists()


@admin.register(StockRule)
class StockRuleAdmin(HubAdmin):
    """How much of the stock a store may sell. Without a rule a store sells all that is free."""

    form = StockRuleForm
    add_role = Role.OWNER
    change_role = Role.OWNER
    deletable = True
    empty_words = "No rule: every store sells all that is free."
    list_display = ("scope", "buffer", "percent", "max_listed", "end_when")
    list_select_related = ("merchant", "store__merchant")
    fields = ("merchant", "store", ("buffer", "percent"), ("max_listed", "end_when"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("merchant", "store") if obj else ()

    @display(description="For", ordering="store__name")
    def scope(self, rule: StockRule) -> str:
        if rule.store is None:
            return f"All stores of {rule.merchant} without their own rule"
        return known_as(rule.store)

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

"""What is there: levels with their trail, counts and returns by hand, places."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from integrations import outbox, upkeep
from integrations.admin.asking import ask, row_for
from integrations.admin.base import BAD, GOOD, HubAdmin, Said, Sentence, count_of
from integrations.admin.catalogue import listings_of
from integrations.admin.explaining import explain_button
from integrations.admin.kept import keeper_of, kept_at, kept_words
from integrations.admin.looking import Look
from integrations.admin.movements import item_link, item_words, trail_of
from integrations.admin.roles import actor, may, merchants_of
from integrations.admin.unsold import UnsoldPages, record
from integrations.models import Store
from inventory import ledger
from inventory.data import MOST_UNITS
from inventory.models import Location, StockLevel
from logix.accounts.models import Role
from logix.common.ids import uuid7
from orders.models import Order

_FREE = F("on_hand") - F("reserved") - F("allocated") - F("held") - F("damaged")
_PAGE = "inventory_stocklevel"
# An address has room for so many.
_UNTRUE_SHOWN = 50


@admin.register(Location)
class LocationAdmin(HubAdmin):
    add_role = Role.OWNER
    change_role = Role.OWNER
    list_display = ("name", "code", "merchant", "rank", "is_active", "counted_by")
    list_filter = ("merchant", "is_active")
    list_select_related = ("merchant", "kept_by")
    fields = ("merchant", "name", "code", ("rank", "is_active"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        return ("merchant", "counted_by") if obj.kept_by_id else ("merchant",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        kept = ("counted_by",) if obj and obj.kept_by_id else ()
        return (*self.fields, *kept)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a platform keeps is only shown."""
        return not (obj and obj.kept_by_id) and super().has_change_permission(request, obj)

    @display(description="Counted by")
    def counted_by(self, place: Location) -> str:
        return keeper_of(place) or "Logix"

    def saved(self, request: HttpRequest, obj: Location) -> None:
        """One that was opened or closed changes what stores may sell."""
        _tell_stores(obj.merchant_id)


class CountForm(forms.Form):
    set_to = forms.IntegerField(
        label="Counted quantity",
        min_value=0,
        max_value=MOST_UNITS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)


class RestockForm(forms.Form):
    units = forms.IntegerField(
        label="Units to put back",
        min_value=1,
        max_value=MOST_UNITS,
        widget=UnfoldAdminIntegerFieldWidget,
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
class StockLevelAdmin(UnsoldPages):
    empty_words = "No stock yet. It is counted when a store's catalogue comes in."
    list_display = (
        "item",
        "location",
        "on_hand",
        "reserved",
        "set_aside",
        "held",
        "free_units",
        "counted",
    )
    list_filter = ("location", "merchant")
    search_fields = ("variant__sku", "variant__product__title")
    list_select_related = ("variant__product", "location__kept_by")
    fields = (
        ("item_link", "location"),
        ("on_hand", "reserved", "set_aside", "free_units"),
        ("held", "damaged"),
        ("counted_at", "listings"),
        "trail",
    )
    readonly_fields = ("item_link", "set_aside", "free_units", "listings", "trail")
    _of_kept = (
        ("item_link", "location"),
        ("on_hand", "free_units"),
        "whose",
        "told",
        "listings",
        "trail",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._of_kept if obj and obj.location.kept_by_id else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        kept = ("whose", "told") if obj and obj.location.kept_by_id else ()
        return (*self.readonly_fields, *kept)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StockLevel]:
        return super().get_queryset(request).annotate(free_now=_FREE)

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """What is promised and not there first; what nobody has counted says nothing yet."""
        uncounted = Case(When(counted_at=None, then=Value(1)), default=Value(0))
        return (uncounted.asc(), _FREE.asc(), "variant__sku", "pk")

    def looks(self) -> dict[str, Look]:
        return {
            "short": Look(
                "Sold more often than there", Q(counted_at__isnull=False, free_now__lt=0)
            ),
            "kept": Look("In platforms' warehouses", Q(location__kept_by__isnull=False)),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        untrue = _untrue(request)
        short = self.rows_in(request, "short").count()
        if short:
            words = f"Sold more often than there: {count_of(short, 'item')}."
            return [*untrue, Sentence(BAD, words, "look=short")]
        if untrue:
            return untrue
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

    @display(description="Counted", ordering="counted_at")
    def counted(self, level: StockLevel) -> Any:
        keeper = keeper_of(level.location)
        return f"by {keeper}" if keeper else level.counted_at

    @display(description="Whose they are")
    def whose(self, level: StockLevel) -> str:
        words = kept_words(level.location)
        return f"{words[:1].upper()}{words[1:]}. Nothing here moves them."

    @display(description="What the platform tells")
    def told(self, level: StockLevel) -> str:
        return kept_at(level)

    @display(description="Set aside", ordering="allocated")
    def set_aside(self, level: StockLevel) -> int:
        return level.allocated

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
        explain = explain_button(obj.variant_id)
        if obj.location.kept_by_id or not may(request, obj.merchant_id, Role.OPERATOR):
            return [explain]
        return [
            explain,
            {"label": "Count or correct", "url": self.row_url(obj, "count"), "asks": True},
            {"label": "Put a return back", "url": self.row_url(obj, "restock"), "asks": True},
            *self.unsold_buttons(obj),
        ]

    def count_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        level: StockLevel = row_for(self, request, object_id)

        def count(told: dict[str, Any]) -> str:
            ledger.adjust(
                variant=level.variant, location=level.location, **told, actor=actor(request)
            )
            record(request, level, "stock.adjusted", set_to=told["set_to"])
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
            record(request, level, "stock.restocked", units=told["units"])
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


def _untrue(request: HttpRequest) -> Said:
    """What the nightly proof found, while it is so."""
    found = upkeep.untrue_stock(None if request.user.is_superuser else merchants_of(request))
    items = list(dict.fromkeys(one.variant_id for one in found))
    if not items:
        return []
    if len(items) == 1:
        words = f"Stock that does not add up: {found[0]} Something other than Logix wrote it."
        page = reverse("admin:inventory_variant_explain", args=items)
        return [Sentence(BAD, words, url=page)]
    words = (
        f"Stock that does not add up: {count_of(len(items), 'item')}. Something other than Logix "
        "wrote to them; “Explain” says of each what differs."
    )
    shown = ",".join(str(pk) for pk in items[:_UNTRUE_SHOWN])
    return [Sentence(BAD, words, f"variant__id__in={shown}")]


def _tell_stores(merchant_id: UUID) -> None:
    for pk in Store.objects.filter(merchant=merchant_id).values_list("pk", flat=True):
        outbox.mark_store(pk)

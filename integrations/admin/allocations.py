"""Units set aside for one store: made, changed and ended."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from integrations.admin.acts import Act, again
from integrations.admin.base import WARN, HubAdmin, Said, Sentence, count_of, link
from integrations.admin.looking import Look, known_as
from integrations.admin.movements import item_link, item_words
from integrations.admin.roles import actor
from integrations.models import StoreStatus
from inventory import allocating
from inventory.catalogue import sku_key
from inventory.data import MOST_UNITS
from inventory.errors import AllocationRefused
from inventory.models import Allocation, Variant
from logix.accounts.models import Role

_WHAT = (
    "What is set aside is kept from all other stores: they are shown less, and their orders never "
    "take it. This store's orders take it first. No more than is free can be set aside."
)
_VALUES = ("units", "until", "note")
# What keeps units from all others and is of no use to its own store.
_IDLE = models.Q(left__gt=0) & (
    models.Q(store__status=StoreStatus.DISCONNECTED) | models.Q(location__is_active=False)
)


class AllocationForm(forms.ModelForm):
    sku = forms.CharField(
        label="SKU",
        max_length=128,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="As it stands under Products. Of a kit set its parts aside.",
    )
    units = forms.IntegerField(
        label="Units",
        min_value=1,
        max_value=MOST_UNITS,
        widget=UnfoldAdminTextInputWidget,
        help_text="Those that its orders have used already included.",
    )

    class Meta:
        model = Allocation
        fields = ("store", "location", *_VALUES)
        labels = {"location": "Place", "until": "Until"}
        help_texts = {
            "store": "Whose orders alone may take them.",
            "until": "Empty: until somebody ends it.",
            "note": "What it is for.",
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        try:
            if self.instance.pk and not self.instance._state.adding:
                allocating.check_change(self.instance, units=data["units"], until=data["until"])
            else:
                self._check_new(data)
        except AllocationRefused as err:
            raise forms.ValidationError(str(err)) from err
        return data

    def _check_new(self, data: dict[str, Any]) -> None:
        key = sku_key(data.get("sku") or "")
        found = Variant.objects.filter(merchant=data["store"].merchant, sku_key=key or None)
        data["variant"] = found.select_related("counted_as").first()
        if data["variant"] is None:
            sku = data.get("sku")
            words = f"There is no product with the SKU {sku}." if sku else "Say of what."
            self.add_error("sku", words)
            return
        allocating.check(
            data["store"],
            data["variant"],
            data["location"],
            units=data["units"],
            until=data["until"],
        )


def _end(request: HttpRequest, allocation: Allocation) -> str:
    left = allocation.left
    allocating.end(allocation, actor=actor(request))
    return f"{left} × {allocation.variant} are free to all stores again."


@admin.register(Allocation)
class AllocationAdmin(HubAdmin):
    form = AllocationForm
    add_role = Role.OWNER
    change_role = Role.OWNER
    empty_words = "Nothing is set aside: every store is shown all that its rules allow."
    list_display = (
        "item",
        "shop",
        "location",
        "units",
        "used_units",
        "left_units",
        "until",
        "state",
    )
    list_filter = ("store", "location", ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("variant__sku", "variant__product__title", "note")
    list_select_related = ("variant__product", "store__merchant", "location")
    readonly_fields = (
        "item_link",
        "shop",
        "place",
        "used_units",
        "left_units",
        "state",
        "ended_at",
    )
    acts = (
        Act(
            verb="end",
            label="Give it back",
            run=_end,
            role=Role.OWNER,
            confirm="What is left of it is free to all stores at once, and they are told. What "
            "orders took of it stays theirs.",
            shown=lambda row: row.ended_at is None,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Allocation]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def looks(self) -> dict[str, Look]:
        standing = models.Q(ended_at=None)
        return {
            "standing": Look("Still set aside", standing),
            "idle": Look("Set aside for nobody", standing & _IDLE),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        idle = self.rows_in(request, "idle").count()
        if not idle:
            return []
        words = (
            f"Set aside for nobody: {count_of(idle, 'item')}, as the store is disconnected or the "
            "place is closed. Give them back, and others can sell them."
        )
        return [Sentence(WARN, words, "look=idle")]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and obj.ended_at is None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            fields = (("store", "location"), "sku", "units", "until", "note")
            return ((None, {"description": _WHAT, "fields": fields}),)
        what = ("item_link", ("shop", "place"), ("used_units", "left_units", "state"))
        if obj.ended_at:
            return ((None, {"fields": (*what, "until", "ended_at", "note")}),)
        return ((None, {"description": _WHAT, "fields": (*what, "units", "until", "note")}),)

    @display(description="Item", header=True, ordering="variant__sku")
    def item(self, row: Allocation) -> list[str]:
        return item_words(row.variant)

    @display(description="Item")
    def item_link(self, row: Allocation) -> str:
        return item_link(row.variant)

    @display(description="For", ordering="store__name")
    def shop(self, row: Allocation) -> str:
        page = reverse("admin:integrations_store_change", args=[row.store_id])
        return link(page, known_as(row.store))

    @display(description="Place")
    def place(self, row: Allocation) -> str:
        return str(row.location)

    @display(description="Used")
    def used_units(self, row: Allocation) -> int:
        return row.used

    @display(description="Left", ordering="left")
    def left_units(self, row: Allocation) -> int:
        return row.left

    @display(description="State", label={"stands": "success", "ends soon": "warning"})
    def state(self, row: Allocation) -> str:
        if row.ended_at:
            return "ended"
        return "ends soon" if row.until and row.until <= timezone.now() else "stands"

    # -- through the service -------------------------------------------------------------------

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **options)
        except AllocationRefused as err:  # somebody was faster than the form's own look
            messages.error(request, str(err))
            return HttpResponseRedirect(reverse("admin:inventory_allocation_changelist"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data, by = form.cleaned_data, actor(request)
        values = {name: data[name] for name in _VALUES}
        if change:
            stored = Allocation.objects.get(pk=obj.pk)
            again(lambda: allocating.change(stored, actor=by, **values))
            return
        made = again(
            lambda: allocating.make(
                data["store"], data["variant"], data["location"], actor=by, **values
            )
        )
        for name in ("pk", "merchant", "variant", "left"):
            setattr(obj, name, getattr(made, name))

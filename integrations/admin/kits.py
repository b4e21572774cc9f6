"""What a kit is made of, on the page of its variant and on a page of its own where it is set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from integrations.admin.acts import REFUSALS, again
from integrations.admin.asking import row_for
from integrations.admin.base import HubAdmin, link
from integrations.admin.bundles import told_words
from integrations.admin.roles import actor, may
from inventory import kits
from inventory.catalogue import sku_key
from inventory.models import KitPart, Variant
from logix.accounts.models import Role

# Empty rows below the parts there are; whoever needs more keeps these first.
_BLANK = 4


class PartsForm(forms.Form):
    """A row for each part: its SKU, and the units of it in one kit."""

    def __init__(self, kit: Variant, data: Any = None) -> None:
        super().__init__(data)
        self.kit = kit
        parts = list(KitPart.objects.filter(kit=kit).select_related("part"))
        # The rows that were sent, also where somebody else changed the kit meanwhile.
        sent = sum(name.startswith("sku_") for name in data or ())
        self.count = min(sent or len(parts) + _BLANK, kits.MOST_PARTS)
        for number in range(self.count):
            part = parts[number] if number < len(parts) else None
            self.fields[f"sku_{number}"] = forms.CharField(
                label="SKU",
                max_length=128,
                required=False,
                initial=(part.part.sku or part.part_id) if part else "",
                widget=UnfoldAdminTextInputWidget,
            )
            self.fields[f"units_{number}"] = forms.IntegerField(
                label="Units in one",
                min_value=1,
                max_value=10_000,
                required=False,
                initial=part.units if part else None,
                widget=UnfoldAdminIntegerFieldWidget,
            )

    def rows(self) -> Iterable[tuple[BoundField, BoundField]]:
        for number in range(self.count):
            yield self[f"sku_{number}"], self[f"units_{number}"]

    def clean(self) -> dict[str, Any]:
        """``parts``: units by variant."""
        data: dict[str, Any] = super().clean() or {}
        keys = [sku_key(data.get(f"sku_{number}") or "") for number in range(self.count)]
        known = _known(self.kit, keys)
        parts: dict[UUID, int] = {}
        for number, key in enumerate(keys):
            units = data.get(f"units_{number}")
            sku, of_units = f"sku_{number}", f"units_{number}"
            if not key and units:
                self.add_error(sku, "Say of what.")
            elif key and key not in known:
                self.add_error(sku, f"There is no product with the SKU {data[sku]}.")
            elif key and known[key].pk in parts:
                self.add_error(sku, "It is named above already. Add its units up there.")
            elif key and not units and of_units not in self.errors:
                self.add_error(of_units, "Say how many are in one.")
            elif key and units:
                parts[known[key].pk] = units
        return {**data, "parts": parts}


def _known(kit: Variant, keys: Iterable[str]) -> dict[str, Variant]:
    """The merchant's items by SKU; those that have none, and are a part already, by their id."""
    rows = Variant.objects.filter(merchant=kit.merchant_id)
    found = {str(x.pk): x for x in rows.filter(part_of__kit=kit, sku_key=None)}
    return found | {str(x.sku_key): x for x in rows.filter(sku_key__in=set(keys) - {""})}


class KitPages(HubAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.parts_view)
        own = path("<path:object_id>/parts/", view, name="inventory_variant_parts")
        return [own, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        shown = super().buttons(request, obj)
        if not may(request, obj.merchant_id, Role.OPERATOR):
            return shown
        return [*shown, {"label": "Kit parts", "url": self.row_url(obj, "parts"), "asks": True}]

    @display(description="Made of")
    def made_of(self, variant: Variant) -> str:
        parts = KitPart.objects.filter(kit=variant).select_related("part")
        rows = ((part.units, _page_of(part.part)) for part in parts)
        lines = format_html_join("", "{} × {}<br>", rows)
        return (lines or format_html("{}<br>", "no kit; counted itself")) + told_words(variant)

    def parts_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        kit: Variant = row_for(self, request, object_id)
        form = PartsForm(kit, request.POST or None)
        if request.method == "POST" and form.is_valid():
            parts = form.cleaned_data["parts"]
            try:
                again(lambda: kits.set_parts(kit, parts, actor=actor(request)))
            except REFUSALS as err:
                form.add_error(None, str(err))
            else:
                now = "is a kit of these parts" if parts else "is no kit; count it to sell it"
                messages.success(request, f"{kit} {now} from now on. Its stores are told.")
                return HttpResponseRedirect(self.row_url(kit))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Kit parts of {kit}",
            "opts": self.opts,
            "original": kit,
            "back": self.row_url(kit),
            "form": form,
        }
        return TemplateResponse(request, "logix/admin/parts.html", context)


def _page_of(variant: Variant) -> str:
    return link(reverse("admin:inventory_variant_change", args=[variant.pk]), str(variant))

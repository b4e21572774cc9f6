"""The page “Explain” of an item: why each store shows what it shows, with a way to everything it
came from, and what it would show under another rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from integrations import outbox
from integrations.admin.acts import zone_named
from integrations.admin.base import BAD, GOOD, QUIET, WARN, HubAdmin, count_of, link
from integrations.admin.kept import keeper_of, kept_words
from integrations.admin.movements import BUCKETS, cause_of, item_words
from integrations.admin.roles import may
from integrations.admin.stock_rules import add_address
from integrations.outbox.facts import Counted, Facts, Shown, set_aside_words
from integrations.outbox.verdicts import Verdict
from inventory.availability import Target
from inventory.data import MOST_UNITS
from inventory.models import Bucket, StockRule, Variant
from logix.accounts.models import Role
from orders.models import numbered

_TONES = {
    Verdict.IN_STEP: GOOD,
    Verdict.TOLD: QUIET,
    Verdict.LEFT_ALONE: QUIET,
    Verdict.WAITING: QUIET,
    Verdict.BLOCKED: BAD,
    Verdict.DIFFERS: WARN,
}
_WHOLE = 100
_TAKEN = {"set_aside": "set aside for other stores", "held": "held", "damaged": "damaged"}
# An address has room for so many.
_MOST_NAMED = 50


def _units(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=0,
        max_value=MOST_UNITS,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class WhatIfForm(forms.Form):
    buffer = _units("Kept back")
    percent = forms.IntegerField(
        label="Share of the rest, in percent",
        min_value=0,
        max_value=_WHOLE,
        initial=_WHOLE,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    max_listed = _units("At most")
    end_when = _units("Show 0 when no more than this is free")
    always = _units("Always")

    def clean_buffer(self) -> int:
        return self.cleaned_data["buffer"] or 0

    def clean_end_when(self) -> int:
        return self.cleaned_data["end_when"] or 0


class ExplainPages(HubAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.explain_view)
        own = path("<path:object_id>/explain/", view, name="inventory_variant_explain")
        return [own, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        return [explain_button(obj.pk), *super().buttons(request, obj)]

    def explain_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Only looks, so the what-if is asked by GET too."""
        variant: Variant = self.row_or_404(request, object_id)
        asked = request.GET if "percent" in request.GET else None
        form = WhatIfForm(asked)
        then: dict[Any, Target] = {}
        if asked is not None and form.is_valid():
            rows = outbox.supposed(variant, StockRule(**form.cleaned_data))
            then = {listing.pk: target for listing, _, target in rows}
        facts = outbox.facts_of(variant)
        may_rule = may(request, variant.merchant_id, Role.OWNER)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Explain {variant}",
            "opts": self.opts,
            "original": variant,
            "words": item_words(variant),
            "back": self.row_url(variant),
            "facts": facts,
            "untrue": [str(one) for one in facts.untrue],
            "shown": [_shown(one, then.get(one.listing.pk), may_rule) for one in facts.shown],
            "levels": [row for one in facts.counted for row in _levels(one)],
            "movements": [_movement(row) for row in facts.movements],
            "all_movements": _all_movements(facts),
            "set_aside": [_set_aside(row) for row in facts.set_aside],
            "holding": [_holding(row) for row in facts.reservations],
            "in_kits": [explain_link(kit, str(kit)) for kit in facts.in_kits],
            "totals": _totals(facts),
            "form": form,
            "supposes": bool(then),
        }
        with timezone.override(zone_named(_zone_of(facts))):
            page = TemplateResponse(request, "logix/admin/explain.html", context)
            return page.render()


def explain_button(variant_id: Any) -> dict[str, Any]:
    """For the toolbar of every page that is about an item."""
    page = reverse("admin:inventory_variant_explain", args=[variant_id])
    return {"label": "Explain", "url": page, "asks": True}


def explain_link(variant: Variant, words: str) -> SafeString:
    return link(reverse("admin:inventory_variant_explain", args=[variant.pk]), words)


def sum_of(target: Target) -> str:
    """How the figure is computed, in a sentence."""
    return f"{_sum_of(target)} {takes_off_words(target)}".strip()


def takes_off_words(target: Target) -> str:
    """Why the store is told more than it is to sell; '' where it is not."""
    if not any(target.added.values()):
        return ""
    kept, waiting = target.takes_off["kept_back"], target.takes_off["open_there"]
    return (
        f"The store itself takes off {kept} it keeps back and {waiting} of its own open orders, so "
        f"it is told {sum(target.told.values())}."
    )


def _sum_of(target: Target) -> str:
    terms = target.terms
    if not terms:
        return target.reason
    words = f"{_pool_words(terms)}: {terms['pool']} free."
    if terms["own_set_aside"]:
        words += f" {terms['own_set_aside']} of them are set aside for this store."
    pool, end_when = terms["pool"] or 0, terms["end_when"] or 0
    if end_when and pool <= end_when:
        return f"{words} 0 is shown when no more than {end_when} are free."
    if terms["buffer"]:
        words += f" {terms['buffer']} kept back."
    if terms["percent"] != _WHOLE:
        words += f" {terms['percent']} % of the rest is {terms['share']}."
    if terms["max_listed"] is not None:
        words += f" At most {terms['max_listed']} are shown."
    return words


def _pool_words(terms: Mapping[str, int | None]) -> str:
    words = f"{terms['on_hand']} on hand, {terms['reserved']} reserved"
    for name, said in _TAKEN.items():
        if terms[name]:
            words += f", {terms[name]} {said}"
    if terms["lacking"]:
        words += f"; {terms['lacking']} of these not there, and not taken from other places"
    return words


def _shown(one: Shown, then: Target | None, may_rule: bool) -> dict[str, Any]:
    listing, target, push = one.listing, one.target, one.push
    return {
        "listing": link(reverse("admin:inventory_listing_change", args=[listing.pk]), str(listing)),
        "store": link(
            reverse("admin:integrations_store_change", args=[listing.store_id]), str(listing.store)
        ),
        "should": sum(target.told.values()) if target.added else target.value,
        "told": push.pushed_value if push else None,
        "told_at": push.pushed_at if push else None,
        "push": push and reverse("admin:integrations_push_change", args=[push.pk]),
        "seen": listing.seen_quantity,
        "seen_at": listing.seen_at,
        "sum": sum_of(target),
        "rule": _rule(target),
        "add_rule": add_address(listing=listing.pk) if may_rule and not _is_own(target) else "",
        "tone": _TONES[one.verdict],
        "words": one.words,
        "figures": [x for x in one.figures if x.at],
        "then": then,
        "then_sum": sum_of(then) if then else "",
    }


def _is_own(target: Target) -> bool:
    """Whether the listing has a rule of its own already."""
    return target.rule == "The rule of this listing."


def _rule(target: Target) -> str:
    if target.rule_id is None:
        return target.rule
    return link(reverse("admin:inventory_stockrule_change", args=[target.rule_id]), target.rule)


def _levels(counted: Counted) -> list[dict[str, Any]]:
    return [
        {
            "item": explain_link(counted.variant, str(counted.variant)),
            "units": counted.units,
            "place": link(
                reverse("admin:inventory_stocklevel_change", args=[level.pk]), str(level.location)
            ),
            "whose": kept_words(level.location),
            "keeper": keeper_of(level.location),
            "closed": not level.location.is_active,
            "level": level,
        }
        for level in counted.levels
    ]


def _movement(row: Any) -> dict[str, Any]:
    return {
        "at": row.at,
        "page": reverse("admin:inventory_stockmovement_change", args=[row.pk]),
        "item": str(row.variant),
        "why": cause_of(row),
        "bucket": BUCKETS[Bucket(row.bucket)],
        "row": row,
    }


def _all_movements(facts: Facts) -> str:
    ids = ",".join(str(one.variant.pk) for one in facts.counted[:_MOST_NAMED])
    return f"{reverse('admin:inventory_stockmovement_changelist')}?variant__id__in={ids}"


def _holding(row: Any) -> dict[str, Any]:
    return {
        "order": link(
            reverse("admin:orders_order_change", args=[row.order_ref]),
            numbered(row.order_number or ""),
        ),
        "item": str(row.variant),
        "row": row,
    }


def _set_aside(row: Any) -> SafeString:
    return link(reverse("admin:inventory_allocation_change", args=[row.pk]), set_aside_words(row))


def _zone_of(facts: Facts) -> str:
    """That of the stores, where they share one."""
    zones = {one.listing.store.timezone for one in facts.shown}
    return zones.pop() if len(zones) == 1 else "UTC"


def _totals(facts: Facts) -> dict[str, str]:
    """What stands above each table: how many there are of what it shows the first of."""
    orders = count_of(facts.reservation_count, "open reservation")
    units = count_of(facts.reserved, "unit")
    said = f"{orders}, {units} in all"
    if facts.short:
        said += f"; {count_of(facts.short, 'unit')} wanted and not there"
    return {
        "listings": count_of(facts.shown_count, "listing"),
        "movements": f"{count_of(facts.movement_count, 'movement')} so far",
        "reservations": said,
        "in_kits": count_of(facts.in_kits_count, "kit"),
    }

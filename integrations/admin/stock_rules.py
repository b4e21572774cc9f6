"""How much of what is there each store may sell: rules, each for one scope, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.http import urlencode
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from integrations import outbox
from integrations.admin.acts import again
from integrations.admin.base import HubAdmin, count_of, link, told
from integrations.admin.looking import known_as
from integrations.admin.roles import actor
from inventory import ruling
from inventory.catalogue import sku_key
from inventory.errors import RuleTaken
from inventory.models import Listing, StockRule, Variant
from logix.accounts.models import Role

_WHOLE = 100
_CATEGORIES_NAMED = 20
_NAMED = 3
_WHICH_WINS = (
    "Several rules may fit a listing; the narrowest alone holds, and the wider ones have no say in "
    "it: first the listing's own, then that of its SKU in the store, of its category, of the "
    "store, and last of all stores. Without any, all that is free is shown."
)
_FOR_WHAT = (
    "Leave these empty for a rule of the whole store, and the store empty too for one of all "
    "stores. A rule for one listing is made on the listing's page."
)
_SAYS = (
    "Shown is what is free less the units kept back, of that the share, and at most the limit. "
    "“Always” puts one figure in place of all that, e.g. for what is made to order."
)
_LABELS = {
    "buffer": "Kept back",
    "percent": "Share of the rest, in percent",
    "max_listed": "At most",
    "end_when": "Show 0 when no more than this is free",
    "always": "Always",
}


class StockRuleForm(forms.ModelForm):
    """``listings``: those the person may make a rule for. A rule for one is of its store."""

    listings = Listing.objects.none()
    sku = forms.CharField(
        label="Only this SKU",
        max_length=128,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="As it stands under Products; case does not matter.",
    )
    listing = forms.ModelChoiceField(
        Listing.objects.none(), required=False, widget=forms.HiddenInput
    )

    try_first = forms.BooleanField(
        label="Try first",
        required=False,
        help_text="Say how many listings would be told another figure, and keep nothing.",
        widget=UnfoldBooleanSwitchWidget,
    )

    class Meta:
        model = StockRule
        fields = ("merchant", "store", "category", *ruling.VALUES)
        labels = {"category": "Only this category", **_LABELS}
        help_texts = {
            "store": "Empty: all stores of the merchant.",
            "category": "Exactly as the store names it.",
            "buffer": "In units.",
            "percent": "From 0 to 100; parts of a unit are left out.",
            "max_listed": "In units. Empty: no limit.",
            "end_when": "In units.",
            "always": "In units. Empty: the figure is computed.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["listing"].queryset = self.listings  # type: ignore[attr-defined]

    def clean_percent(self) -> int:
        percent: int = self.cleaned_data["percent"]
        if percent > _WHOLE:
            raise forms.ValidationError("A share is from 0 to 100 percent.")
        return percent

    def clean_category(self) -> str:
        return str(self.cleaned_data["category"]).strip()

    def clean(self) -> dict[str, Any]:
        """Said at the store where it can be: what the model's constraints would say of it is left
        out then.
        """
        data: dict[str, Any] = super().clean() or {}
        if not self.instance.pk:
            self._check_new(data)
        if data.get("try_first") and not self.errors:
            # It comes back as it was typed, with what it would do.
            self.add_error("try_first", _tried(outbox.try_rule(self._rehearsal(data))))
        return data

    def _rehearsal(self, data: dict[str, Any]) -> Callable[[], StockRule]:
        values = {name: data[name] for name in ruling.VALUES}
        if self.instance.pk:
            rule = StockRule.objects.get(pk=self.instance.pk)
            return lambda: ruling.change(rule, actor="rehearsal", **values)
        return lambda: ruling.create(**self.scope(), actor="rehearsal", **values)

    def _check_new(self, data: dict[str, Any]) -> None:
        if listing := data.get("listing"):
            data |= {"merchant": listing.merchant, "store": listing.store}
        elif data.get("merchant"):
            self._check_scope(data)
        if not self.errors and ruling.alike(rule := StockRule(**self.scope())).exists():
            self.add_error("store" if "store" in self.fields else None, ruling.taken(rule))

    def scope(self) -> dict[str, Any]:
        names = ("merchant", "store", "listing", "variant")
        scope = {name: self.cleaned_data.get(name) for name in names}
        return {**scope, "category": self.cleaned_data.get("category", "")}

    def _check_scope(self, data: dict[str, Any]) -> None:
        store, merchant = data.get("store"), data["merchant"]
        if data.get("sku") and data.get("category"):
            self.add_error("category", "A rule is for one thing: a SKU or a category.")
        if (data.get("sku") or data.get("category")) and not (store or "store" in self.errors):
            self.add_error("store", "Say in which store.")
        if store is not None and store.merchant_id != merchant.pk:
            self.add_error("store", f"{store} is a store of another merchant.")
        data["variant"] = self._variant(data)

    def _variant(self, data: dict[str, Any]) -> Variant | None:
        sku = data.get("sku") or ""
        if not sku_key(sku):
            return None
        found = Variant.objects.filter(merchant=data["merchant"], sku_key=sku_key(sku)).first()
        if found is None:
            self.add_error("sku", f"There is no product with the SKU {sku}.")
        return found


@admin.register(StockRule)
class StockRuleAdmin(HubAdmin):
    """Without a rule a store sells all that is free."""

    form = StockRuleForm
    add_role = Role.OWNER
    change_role = Role.OWNER
    deletable = True
    empty_words = "No rule: every store sells all that is free."
    list_display = ("scope", "shows")
    list_filter = ("store",)
    list_select_related = ("merchant", "store__merchant", "listing", "variant")
    readonly_fields = ("scope_link",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[StockRule]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        says = (
            None,
            {
                "description": _SAYS,
                "fields": (
                    ("buffer", "percent"),
                    ("max_listed", "end_when"),
                    "always",
                    "try_first",
                ),
            },
        )
        if obj:
            return ((None, {"description": _WHICH_WINS, "fields": ("scope_link",)}), says)
        if listing := self._chosen_listing(request):
            words = f"For the listing {listing} in {listing.store}. {_WHICH_WINS}"
            return ((None, {"description": escape(words), "fields": ("listing",)}), says)
        whose = (None, {"description": _WHICH_WINS, "fields": ("merchant", "store")})
        what = (None, {"description": _FOR_WHAT, "fields": (("sku", "category"),)})
        return (whose, what, says)

    def get_form(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        form = super().get_form(request, *args, **options)
        form.listings = self.related_rows(request, Listing, Role.OWNER)
        return form

    def _chosen_listing(self, request: HttpRequest) -> Listing | None:
        """That of a link on its page."""
        try:
            asked = UUID(request.GET.get("listing", ""))
        except ValueError:
            return None
        rows = self.related_rows(request, Listing, Role.OWNER)
        found: Listing | None = rows.select_related("store").filter(pk=asked).first()
        return found

    @display(description="For", ordering="store__name")
    def scope(self, rule: StockRule) -> str:
        if rule.store is None:
            return f"All stores of {rule.merchant}"
        return f"{known_as(rule.store)}{_part_of(rule)}"

    @display(description="For")
    def scope_link(self, rule: StockRule) -> str:
        page = None
        if rule.listing_id:
            page = reverse("admin:inventory_listing_change", args=[rule.listing_id])
        elif rule.variant_id:
            page = reverse("admin:inventory_variant_change", args=[rule.variant_id])
        words = self.scope(rule)
        return link(page, words) if page else format_html("{}", told(words))

    @display(description="Shows")
    def shows(self, rule: StockRule) -> str:
        return says(rule)

    # -- through the service -------------------------------------------------------------------

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **options)
        except RuleTaken as err:  # by somebody who was faster than the form's own look
            messages.error(request, str(err))
            return HttpResponseRedirect(reverse("admin:inventory_stockrule_changelist"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data, by = form.cleaned_data, actor(request)
        values = {name: data[name] for name in ruling.VALUES}
        if change:
            again(lambda: ruling.change(obj, actor=by, **values))
            return
        made = again(lambda: ruling.create(**form.scope(), actor=by, **values))
        obj.pk = made.pk
        _warn_of_a_category_nobody_has(request, made)

    def delete_model(self, request: HttpRequest, obj: StockRule) -> None:
        again(lambda: ruling.remove(obj, actor=actor(request)))


def rule_button(listing: Listing) -> dict[str, Any]:
    """For the toolbar of a listing: to its own rule, or to where one is made."""
    rule = StockRule.objects.filter(listing=listing).first()
    page = rule and reverse("admin:inventory_stockrule_change", args=[rule.pk])
    return {"label": "Stock rule", "url": page or add_address(listing=listing.pk), "asks": True}


def add_address(**chosen: Any) -> str:
    """Where a rule is made, with what it is for filled in already: ``listing``, or ``merchant``,
    ``store`` and ``sku``.
    """
    query = urlencode({name: str(value) for name, value in chosen.items()})
    return f"{reverse('admin:inventory_stockrule_add')}?{query}"


def says(rule: StockRule) -> str:
    """What the rule makes of what is free, in words."""
    if rule.always is not None:
        return f"always {rule.always}"
    words = "all that is free"
    if rule.buffer:
        words = f"what is free less {rule.buffer} kept back"
    if rule.percent != _WHOLE:
        words += f", of that {rule.percent} %"
    if rule.max_listed is not None:
        words += f", at most {rule.max_listed}"
    if rule.end_when:
        words += f", 0 when no more than {rule.end_when} are free"
    return words


def _tried(found: outbox.RuleTried) -> str:
    """What a rule would do, in sentences."""
    said = (
        f"Of {count_of(found.listings, 'listing')}, {found.changed} would be told another figure, "
        f"{found.zeros} of them 0."
    )
    if found.named:
        named = "; ".join(
            f"{x.listing}: {_figure(x.before)} → {_figure(x.after)}" for x in found.named[:_NAMED]
        )
        said += f" {named}{'; …' if found.changed > _NAMED else '.'}"
    return f"{said} Nothing is kept: turn “Try first” off to keep the rule."


def _figure(units: int | None) -> str:
    return "left alone" if units is None else str(units)


def _part_of(rule: StockRule) -> str:
    if rule.listing is not None:
        return f": the listing {rule.listing}"
    if rule.variant is not None:
        return f": the SKU {rule.variant}"
    return f": the category “{rule.category}”" if rule.category else ""


def _warn_of_a_category_nobody_has(request: HttpRequest, rule: StockRule) -> None:
    if not rule.category or rule.store is None:
        return
    rows = Listing.objects.filter(store=rule.store, gone_at=None).order_by()
    names = {
        name for found in rows.values_list("categories", flat=True).distinct() for name in found
    }
    if rule.category not in names:
        some = ", ".join(sorted(names)[:_CATEGORIES_NAMED]) or "none yet"
        words = (
            f"{rule.store} has nothing in the category “{rule.category}”, so the rule changes "
            f"nothing now. Its categories: {some}."
        )
        messages.warning(request, words)

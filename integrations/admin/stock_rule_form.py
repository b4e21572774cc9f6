"""The form of a stock rule: what it is for, what it says, and what it would do if it were kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from integrations import outbox
from integrations.admin.base import count_of
from inventory import ruling
from inventory.catalogue import sku_key
from inventory.models import Listing, StockRule, Variant

WHOLE = 100
_NAMED = 3
_NOT_KEPT = "Nothing is kept: turn “Try first” off to keep the rule."
_MEANT = "Nothing was kept. If that is meant, turn this on and save again."
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

    confirm = forms.BooleanField(
        label="Keep it although much is sold out", required=False, widget=forms.HiddenInput
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
        if percent > WHOLE:
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
        if not self.errors:
            self._look_first(data)
        return data

    def _look_first(self, data: dict[str, Any]) -> None:
        """It comes back as it was typed, with what it would do: where that was wanted, or where it
        sells much out and nobody said that it is meant.
        """
        rule, work = self._rehearsal(data)
        if data.get("try_first"):
            said = tried_words(outbox.try_rule(work))
            self.add_error("try_first", f"{said} {_NOT_KEPT}")
        elif not data.get("confirm") and (tried := outbox.sells_out(rule, work)):
            self.fields["confirm"].widget = UnfoldBooleanSwitchWidget()
            self.add_error("confirm", f"{outbox.sold_out_words(tried)} {_MEANT}")

    def _rehearsal(self, data: dict[str, Any]) -> tuple[StockRule, Callable[[], StockRule]]:
        values = {name: data[name] for name in ruling.VALUES}
        if self.instance.pk:
            rule = StockRule.objects.get(pk=self.instance.pk)
            return rule, lambda: ruling.change(rule, actor="rehearsal", **values)
        scope = self.scope()
        return StockRule(**scope), lambda: ruling.create(**scope, actor="rehearsal", **values)

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


def tried_words(found: outbox.RuleTried) -> str:
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
    return said


def _figure(units: int | None) -> str:
    return "left alone" if units is None else str(units)

"""What is said about a listing on its page: how its figure is made, and what it is counted as."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from inventory import modes
from inventory.candidates import Candidate
from inventory.catalogue import sku_key
from inventory.models import Listing, ListingMode, Variant


class ListingForm(forms.ModelForm):
    class Meta:
        model = Listing
        fields = modes.VALUES

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("mode") == ListingMode.FIXED and data.get("fixed_quantity") is None:
            self.add_error("fixed_quantity", modes.NO_FIGURE)
        return data


class LinkForm(forms.Form):
    """One of the products that the listing might be, or any other by its SKU."""

    sku = forms.CharField(
        label="SKU of the product",
        max_length=128,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="As it stands under Products; case does not matter.",
    )

    def __init__(
        self, listing: Listing, found: Sequence[Candidate], *args: Any, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.merchant_id = listing.merchant_id
        self.found = {str(one.variant.pk): one for one in found}
        self.fields["sku"].required = not found
        if found:
            shown = [(pk, _in_words(one)) for pk, one in self.found.items()]
            self.fields["likely"] = forms.ChoiceField(
                label="What it might be",
                choices=[*shown, ("", "Another product, by its SKU:")],
                required=False,
                widget=UnfoldAdminRadioSelectWidget,
            )
            self.order_fields(["likely", "sku"])

    def clean(self) -> dict[str, Any]:
        """With the ``variant`` that was chosen."""
        data: dict[str, Any] = super().clean() or {}
        likely, sku = data.get("likely", ""), data.get("sku", "")
        if self.errors:
            return data
        if bool(likely) == bool(sku):
            raise forms.ValidationError("Choose one of the products, or give the SKU of another.")
        return {**data, "variant": self.found[likely].variant if likely else self._by(sku)}

    def _by(self, sku: str) -> Variant | None:
        rows = Variant.objects.filter(merchant=self.merchant_id, sku_key=sku_key(sku))
        found = rows.select_related("product").first()
        if found is None:
            self.add_error("sku", f"There is no product with the SKU {sku}.")
        return found


def name_of(variant: Variant) -> str:
    """Its SKU, else what it is called: its own words are an id where it has neither."""
    return variant.sku or " – ".join(filter(None, (variant.product.title, variant.title)))


def _in_words(one: Candidate) -> str:
    title = " – ".join(filter(None, (one.variant.product.title, one.variant.title)))
    name = f"{one.variant.sku} · {title}" if one.variant.sku else f"{title} (no SKU)"
    return f"{name}: {one.reason}"

"""What is said about a listing on its page: how its figure is made, and what it is counted as."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from inventory import modes
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
    sku = forms.CharField(
        label="SKU of the product",
        max_length=128,
        widget=UnfoldAdminTextInputWidget,
        help_text="As it stands under Products; case does not matter.",
    )

    def __init__(self, merchant_id: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.merchant_id = merchant_id

    def clean_sku(self) -> Variant:
        """The variant."""
        sku = self.cleaned_data["sku"]
        found = Variant.objects.filter(merchant=self.merchant_id, sku_key=sku_key(sku)).first()
        if found is None:
            raise forms.ValidationError(f"There is no product with the SKU {sku}.")
        return found

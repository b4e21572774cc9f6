"""The small forms of an order's page: what is in a parcel, its tracking, a note, a cancellation.
What is typed goes to ``orders.services`` as it is; the services say what cannot be.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations import registry
from integrations.platform import Ability
from inventory.models import Location
from orders.changing import lines_of, units_left_here
from orders.models import Order, OrderLine, Shipment

_UNITS = "units-"


def _text(label: str, longest: int, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=longest,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=help_text,
    )


def silence(help_text: str) -> forms.BooleanField:
    """Whether the store is to keep a thing from its customer."""
    return forms.BooleanField(
        label="Say nothing to the buyer",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=help_text,
    )


class TrackingForm(forms.Form):
    """Tracking of a parcel that was made. What is left empty stays as it is."""

    def __init__(self, parcel: Shipment | None, data: Any = None) -> None:
        names = ("carrier", "tracking_number", "tracking_url")
        super().__init__(data, initial={n: getattr(parcel, n) for n in names} if parcel else {})
        self.initial["quiet"] = parcel is not None and not parcel.notify_customer
        self.fields["carrier"] = _text("Carrier", 80, "For example DHL or GLS.")
        self.fields["tracking_number"] = _text("Tracking number", 120)
        self.fields["tracking_url"] = forms.URLField(
            label="Tracking link",
            max_length=500,
            required=False,
            assume_scheme="https",
            widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "inputmode": "url"}),
            help_text="The page where the buyer can follow the parcel, if there is one.",
        )
        self.fields["quiet"] = silence(
            "The store is asked not to tell its customer of this parcel. What it sends when the "
            "whole order is completed follows its own settings."
        )


class ParcelForm(TrackingForm):
    """One parcel: units of each line that has some left, all of them unless less is said.

    ``parcels`` is how many the order had when the page was opened: a form that is sent twice ships
    once.
    """

    parcels = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(None, data)
        self.initial["parcels"] = order.shipments.count()
        tracking = {name: self.fields.pop(name) for name in list(self.fields) if name != "parcels"}
        self.lines = {f"{_UNITS}{pk.hex}": pk for pk in self._add_lines(order)}
        places = Location.objects.filter(merchant=order.merchant_id, is_active=True)
        if places.count() > 1:
            self.fields["location"] = forms.ModelChoiceField(
                places,
                label="Leaves from",
                required=False,
                empty_label="As the stock was reserved",
                widget=UnfoldAdminSelectWidget,
            )
        self.fields.update(tracking)

    def _add_lines(self, order: Order) -> list[UUID]:
        left = {pk: line for pk, line in lines_of(order).items() if _left_to_ship(line)}
        for pk, line in left.items():
            most = _left_to_ship(line)
            self.fields[f"{_UNITS}{pk.hex}"] = forms.IntegerField(
                label=f"{line.sku or 'no SKU'} – {line.name}",
                required=False,
                min_value=0,
                initial=most,
                widget=UnfoldAdminIntegerFieldWidget(attrs={"max": most, "inputmode": "numeric"}),
                help_text=f"{most} of {line.quantity} left to ship. 0: not in this parcel.",
            )
        return list(left)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and self.lines and not self.units:
            raise forms.ValidationError("Put at least one unit of a line into the parcel.")
        return data

    @property
    def units(self) -> dict[UUID, int]:
        """Units by line. Nothing left to ship is {}, which the service refuses in words."""
        told = {pk: self.cleaned_data.get(name) or 0 for name, pk in self.lines.items()}
        return {pk: units for pk, units in told.items() if units}


class NoteForm(forms.Form):
    text = forms.CharField(
        label="Note", max_length=5000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 5})
    )
    to_customer = forms.BooleanField(
        label="Send it to the buyer",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Off: people who work in the store see it, the buyer does not.",
    )


class CancelForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The store keeps it with the order, and may show it to the buyer.",
    )

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data)
        if registry.card(order.store.platform).can(Ability.QUIET_CANCEL):
            self.fields["quiet"] = silence("The store cancels without telling its customer.")


class TakeBackForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="It stands on the order's timeline. The store does not get it.",
    )


def _left_to_ship(line: OrderLine) -> int:
    return units_left_here(line) if line.requires_shipping else 0

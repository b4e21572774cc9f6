"""Refunds on an order's page: those that were asked for here, and the form that asks for one. What
it comes to is shown before anything is asked of the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.db import models
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from integrations.admin.base import ReadOnlyInline, person
from integrations.admin.order_acts import may_ask
from integrations.platform import Ability
from inventory.models import Location
from logix.common.amounts import places_of
from orders import refunding
from orders.changing import lines_of
from orders.errors import OrderError
from orders.models import Order, OrderLine, RefundRequest
from orders.refund_sums import Room, Sum, counted, room_of, said
from orders.status import OrderStatus

_UNITS, _BACK = "units-", "back-"


def may_refund(order: Order) -> bool:
    """Whether there is anything to give back, and the platform can be asked to; a store that allows
    none says so when it is asked.
    """
    is_placed = order.gone_at is None and order.order_status != OrderStatus.DRAFT
    is_owed = is_placed and order.refunded_total < order.paid_total
    return is_owed and may_ask(order, Ability.REFUNDS_WRITE)


def what_happens(order: Order) -> str:
    """To the money, in a sentence."""
    if order.store.refunds == refunding.GATEWAY:
        return "The store pays the money back through the gateway it came by, and tells the buyer."
    return "The store notes the refund; no money moves, so pay it back by other means."


def refuse_if_refunded_meanwhile(order: Order, asked: int) -> None:
    """Waits for whoever asks for a refund of the order now, then compares with what the person saw.
    Raises OrderError.
    """
    Order.objects.select_for_update(of=("self",)).only("pk").get(pk=order.pk)
    if order.refund_requests.count() != asked:
        raise OrderError(
            "refunded_meanwhile",
            "Another refund of this order was asked for since you opened this page. Look at it "
            "before you refund more.",
        )


class RefundRequestInline(ReadOnlyInline):
    model = RefundRequest
    verbose_name_plural = "Refunds asked for here"
    fields = ("reference", "state", "sum", "units", "asked_by", "created_at", "problem")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[RefundRequest]:
        return super().get_queryset(request).select_related("order")

    @display(description="Amount")
    def sum(self, found: RefundRequest) -> str:
        return said(found.amount, found.order)

    @display(description="Units")
    def units(self, found: RefundRequest) -> int:
        return sum(row["quantity"] for row in found.lines)

    @display(description="Asked for by")
    def asked_by(self, found: RefundRequest) -> str:
        return person(found.requested_by)


class RefundForm(forms.Form):
    """Units of each line that has some left, none unless some are said; shipping; another sum.

    ``seen`` is the amount the person was shown, '' at first. ``asked`` is how many refunds the
    order had been asked for when the page was opened: a form that is sent twice refunds once.
    """

    asked = forms.IntegerField(widget=forms.HiddenInput)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data)
        self.order = order
        lines = lines_of(order)
        self.initial["asked"] = order.refund_requests.count()
        self.room = room_of(order, lines, counted(order))
        self.units: dict[str, UUID] = {}
        self.backs: dict[str, UUID] = {}
        for pk, line in lines.items():
            if self.room.units[pk]:
                self._add_line(line, self.room)
        self._add_money(self.room)
        self.fields["reason"] = forms.CharField(
            label="Reason",
            max_length=refunding.LONGEST_REASON,
            required=False,
            widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
            help_text="The store keeps it with the refund, and may show it to the buyer.",
        )
        places = Location.objects.filter(merchant=order.merchant_id, is_active=True)
        if self.backs and places.count() > 1:
            self.fields["location"] = forms.ModelChoiceField(
                places,
                label="Goods go to",
                required=False,
                empty_label="The first place",
                widget=UnfoldAdminSelectWidget,
            )

    def _add_line(self, line: OrderLine, room: Room) -> None:
        most, name = room.units[line.pk], f"{line.sku or 'no SKU'} – {line.name}"
        self.units[f"{_UNITS}{line.pk.hex}"] = line.pk
        self.fields[f"{_UNITS}{line.pk.hex}"] = _count(
            name, most, f"{most} of {line.quantity} left to refund. 0: none of it."
        )
        if line.quantity_shipped and line.variant_id:
            self.backs[f"{_BACK}{line.pk.hex}"] = line.pk
            self.fields[f"{_BACK}{line.pk.hex}"] = _count(
                "Of these, back to stock", most, "That came back and can be sold again."
            )

    def _add_money(self, room: Room) -> None:
        if room.shipping:
            self.fields["shipping"] = self._amount(
                "Shipping", f"With tax, at most {said(room.shipping, self.order)}."
            )
        self.fields["amount"] = self._amount(
            "Another sum",
            "Instead of what the above is worth; alone, money without goods. At most "
            f"{said(room.amount, self.order)}.",
        )

    def _amount(self, label: str, help_text: str) -> forms.DecimalField:
        places = places_of(self.order.currency)
        return forms.DecimalField(
            label=f"{label}, {self.order.currency}",
            required=False,
            min_value=0,
            max_digits=20,
            decimal_places=places,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"inputmode": "decimal"}),
            help_text=help_text,
        )

    @property
    def told(self) -> dict[str, Any]:
        """What ``refunding.preview`` takes."""
        data = self.cleaned_data
        return {
            "lines": self._counts(self.units),
            "shipping": data.get("shipping"),
            "amount": data.get("amount"),
            "restock": self._counts(self.backs) or "none",
            "location": data.get("location"),
        }

    def total(self) -> Sum | None:
        """What it would come to; None where nothing right was filled in, which the form says."""
        if not self.is_bound or not self.is_valid():
            return None
        try:
            return refunding.preview(self.order, **self.told)
        except OrderError as err:
            self.add_error(None, str(err))
            return None

    def was_shown(self, amount: Decimal) -> bool:
        return bool(self.cleaned_data["seen"] == str(amount))

    def showing(self, amount: Decimal) -> RefundForm:
        """The same form, once more, now that the amount is shown."""
        return RefundForm(self.order, {**dict(self.data.items()), "seen": str(amount)})

    def _counts(self, names: Mapping[str, UUID]) -> dict[UUID, int]:
        told = {pk: self.cleaned_data.get(name) or 0 for name, pk in names.items()}
        return {pk: units for pk, units in told.items() if units}


def _count(label: str, most: int, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        initial=0,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"max": most, "inputmode": "numeric"}),
        help_text=help_text,
    )

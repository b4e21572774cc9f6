"""Returns on an order's page: what is to come back or has, and the small form that puts it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from integrations.admin.base import ReadOnlyInline, link, told
from inventory.models import Location
from logix.common.crypto import SealBroken
from orders import privacy
from orders.models import Return, ReturnLine
from orders.status import CALLED_OFF, UNSETTLED, Handling

# Orders with a return that is not settled yet.
COMING_BACK = models.Q(
    models.Exists(
        Return.objects.filter(order=models.OuterRef("pk"), status__in=UNSETTLED).exclude(
            handling=Handling.OFF
        )
    )
)
_UNITS = "units-"


def may_restock(found: Return) -> bool:
    """Whether anything is left that could be put back, and is to be decided here."""
    if found.handling == Handling.OFF:
        return False
    return found.status not in CALLED_OFF and any(line.left for line in found.lines.all())


class PlainReturnInline(ReadOnlyInline):
    """Without the words people wrote."""

    model = Return
    verbose_name_plural = "Returns"
    fields: tuple[str, ...] = ("called", "state", "created_at", "contents")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Return]:
        rows = super().get_queryset(request).select_related("order__store")
        return rows.prefetch_related("lines__line")

    @display(description="Return")
    def called(self, found: Return) -> str:
        return told(found.name)

    @display(description="Status")
    def state(self, found: Return) -> str:
        """In our words; in the store's, where they are in no table of ours."""
        words = found.get_status_display()
        return format_html("{}<br>{}", words, told(found.problem)) if found.problem else words

    @display(description="What comes back")
    def contents(self, found: Return) -> str:
        return _rows(_said(line) for line in found.lines.all())


class ReturnInline(PlainReturnInline):
    fields = (*PlainReturnInline.fields, "notes")
    readonly_fields = fields

    @display(description="What people wrote")
    def notes(self, found: Return) -> str:
        try:
            notes = privacy.notes_of(found.order, found)
        except SealBroken as err:
            return str(err)
        return _rows(told(notes.get(line.external_id, "")) for line in found.lines.all())


class _Restockable:
    """For those who may put goods back to stock."""

    @display(description="")
    def restock(self, found: Return) -> str:
        if not may_restock(found):
            return ""
        page = reverse("admin:orders_order_restock", args=[found.order_id, found.pk])
        return link(page, "Put back to stock")


class PlainRestockInline(_Restockable, PlainReturnInline):
    fields = (*PlainReturnInline.fields, "restock")
    readonly_fields = fields


class RestockInline(_Restockable, ReturnInline):
    fields = (*ReturnInline.fields, "restock")
    readonly_fields = fields


def inline_of(*, with_buyer: bool, may_act: bool) -> type[PlainReturnInline]:
    if may_act:
        return RestockInline if with_buyer else PlainRestockInline
    return ReturnInline if with_buyer else PlainReturnInline


class RestockForm(forms.Form):
    """Units of each line that has some left, all of them unless less is said.

    ``seen`` is how many units were put back when the page was opened: a form that is sent twice
    puts back once.
    """

    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, found: Return, data: Any = None) -> None:
        super().__init__(data)
        lines = list(found.lines.select_related("line"))
        self.initial["seen"] = sum(line.restocked for line in lines)
        self.lines = {f"{_UNITS}{line.pk.hex}": line.pk for line in lines if line.left}
        for line in lines:
            if line.left:
                self.fields[f"{_UNITS}{line.pk.hex}"] = forms.IntegerField(
                    label=_name(line),
                    required=False,
                    min_value=0,
                    initial=line.left,
                    widget=UnfoldAdminIntegerFieldWidget(
                        attrs={"max": line.left, "inputmode": "numeric"}
                    ),
                    help_text=f"{line.left} of {line.quantity} left to put back. 0: none of it.",
                )
        places = Location.objects.filter(merchant=found.order.merchant_id, is_active=True)
        if places.count() > 1:
            self.fields["location"] = forms.ModelChoiceField(
                places,
                label="Goes to",
                required=False,
                empty_label="The first place",
                widget=UnfoldAdminSelectWidget,
            )

    @property
    def units(self) -> dict[UUID, int]:
        """Units by the return's line. None at all is {}, which the service refuses in words."""
        told = {pk: self.cleaned_data.get(name) or 0 for name, pk in self.lines.items()}
        return {pk: units for pk, units in told.items() if units}


def _said(line: ReturnLine) -> str:
    facts = [line.reason]
    facts.append(f"{line.received} at the store" if line.received else "")
    facts.append(f"{line.restocked} put back" if line.restocked else "")
    rest = ", ".join(fact for fact in facts if fact)
    return format_html("{} × {}{}", line.quantity, told(_name(line)), f": {rest}" if rest else "")


def _name(line: ReturnLine) -> str:
    return (line.line.sku or line.line.name) if line.line else "a line the store does not name"


def _rows(words: Any) -> str:
    return format_html_join("", "{}<br>", ((word,) for word in words))

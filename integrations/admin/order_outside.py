"""Having another store send an order, on the order's page: what it would cost is shown before
anything is asked for; then how far it is, and calling it off.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from integrations import outbox
from integrations.admin import order_acts
from integrations.admin.acts import REFUSALS
from integrations.admin.asking import ask, row_for
from integrations.admin.base import HubAdmin, ReadOnlyInline, link, person
from integrations.admin.order_forms import TakeBackForm
from integrations.admin.roles import actor
from integrations.models import Store
from logix.common.amounts import money, places_of
from orders import services
from orders.changing import lines_of, units_left_here
from orders.data_outside import Offer, Speed
from orders.errors import OrderError
from orders.models import Order, OutsideFulfillment

SEND_FROM = "Send from"
_UNITS = "units-"
_PAGE, _OFF = "orders_order_outside", "orders_order_outside_off"


def outside_label(order: Order) -> str:
    """Of the button, with the store where only one can be asked; '' where none can."""
    stores = outbox.senders(order) if order_acts.is_left_here(order) else []
    if not stores:
        return ""
    return f"{SEND_FROM} {stores[0] if len(stores) == 1 else 'another store'}"


class OutsideInline(ReadOnlyInline):
    model = OutsideFulfillment
    verbose_name_plural = "Sent by other stores"
    fields: tuple[str, ...] = ("reference", "by", "speed", "state", "units", "problem", "asked_by")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[OutsideFulfillment]:
        rows = super().get_queryset(request)
        return rows.select_related("store").prefetch_related("lines")

    @display(description="By")
    def by(self, found: OutsideFulfillment) -> str:
        return str(found.store)

    @display(description="Sent")
    def units(self, found: OutsideFulfillment) -> str:
        rows = found.lines.all()
        return f"{sum(x.sent for x in rows)} of {sum(x.quantity for x in rows)}"

    @display(description="Asked for by")
    def asked_by(self, found: OutsideFulfillment) -> str:
        return person(found.requested_by)


class StoppableInline(OutsideInline):
    """For those who may call it off."""

    fields = (*OutsideInline.fields, "change")
    readonly_fields = fields

    @display(description="")
    def change(self, found: OutsideFulfillment) -> str:
        if not found.is_open or found.state == OutsideFulfillment.State.CANCELLING:
            return ""
        return link(reverse(f"admin:{_OFF}", args=[found.order_id, found.pk]), "Call it off")


def inline_of(*, may_act: bool) -> type[ReadOnlyInline]:
    return StoppableInline if may_act else OutsideInline


class OutsideForm(forms.Form):
    """Which store, and units of each line that has some left here. ``seen`` is what the person was
    shown the price of, '' at first; then a speed is chosen. ``asked`` is how many requests the
    order had when the page was opened: a form that is sent twice asks once.
    """

    asked = forms.IntegerField(widget=forms.HiddenInput)
    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        order: Order,
        stores: Sequence[Store],
        data: Any = None,
        offers: Sequence[Offer] = (),
    ) -> None:
        super().__init__(data)
        self.order, self.stores = order, {str(store.pk): store for store in stores}
        self.initial["asked"] = order.outside.count()
        choices = [(pk, str(store)) for pk, store in self.stores.items()]
        self.fields["store"] = forms.ChoiceField(
            label="Sent by",
            choices=choices,
            initial=choices[0][0],
            widget=UnfoldAdminSelectWidget if len(choices) > 1 else forms.HiddenInput,
        )
        self.lines = {f"{_UNITS}{pk.hex}": pk for pk in self._add_lines()}
        words = {Speed(one.speed): _priced(one) for one in offers if one.can_send}
        if offers or (data and data.get("seen")):
            self.fields["speed"] = forms.ChoiceField(
                label="How fast",
                choices=[(s.value, words.get(s, s.capitalize())) for s in words or Speed],
                widget=UnfoldAdminSelectWidget,
                required=bool(data and data.get("speed")),
            )

    def _add_lines(self) -> list[UUID]:
        lines = lines_of(self.order)
        left = {pk: units_left_here(line) for pk, line in lines.items() if line.requires_shipping}
        for pk, most in left.items():
            if most:
                line = lines[pk]
                self.fields[f"{_UNITS}{pk.hex}"] = forms.IntegerField(
                    label=f"{line.sku or 'no SKU'} – {line.name}",
                    required=False,
                    min_value=0,
                    initial=most,
                    widget=UnfoldAdminIntegerFieldWidget(
                        attrs={"max": most, "inputmode": "numeric"}
                    ),
                    help_text=f"{most} of {line.quantity} left to ship. 0: sent from here.",
                )
        return [pk for pk, most in left.items() if most]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.units:
            raise forms.ValidationError("Say at least one unit of a line.")
        return data

    @property
    def store(self) -> Store:
        return self.stores[self.cleaned_data["store"]]

    @property
    def units(self) -> dict[UUID, int]:
        told = {pk: self.cleaned_data.get(name) or 0 for name, pk in self.lines.items()}
        return {pk: units for pk, units in told.items() if units}

    @property
    def mark(self) -> str:
        """By which it is known that the price shown was of just this."""
        units = ",".join(f"{pk.hex}:{count}" for pk, count in sorted(self.units.items()))
        return f"{self.cleaned_data['store']};{units}"

    def was_shown(self) -> bool:
        said = self.cleaned_data
        return bool(said.get("speed")) and said["seen"] == self.mark

    def was_shown_another(self) -> bool:
        """The price of other units, or another store's."""
        return self.cleaned_data["seen"] not in ("", self.mark)

    def offers(self) -> Sequence[Offer]:
        """What the store says it would cost; none where that is not to be had, which the form
        says.
        """
        try:
            found = outbox.preview_outside(self.order, self.store, self.units)
        except REFUSALS as err:
            self.add_error(None, str(err))
            return ()
        if not any(one.can_send for one in found):
            self.add_error(None, _why_not(self.store, found))
            return ()
        return found

    def showing(self, offers: Sequence[Offer]) -> OutsideForm:
        """The same form, once more, now that the price is shown."""
        data = {**dict(self.data.items()), "seen": self.mark}
        return OutsideForm(self.order, list(self.stores.values()), data, offers)


class OutsidePages(HubAdmin):
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/outside/", wrap(self.outside_view), name=_PAGE),
            path(
                "<path:object_id>/outside/<uuid:outside_id>/call-off/",
                wrap(self.outside_off_view),
                name=_OFF,
            ),
        ]
        return [*own, *super().get_urls()]

    def outside_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Twice: what it would cost is shown first."""
        order: Order = row_for(self, request, object_id)
        stores = outbox.senders(order)
        if not stores:
            messages.error(
                request,
                "No other store can be asked: connect one whose platform sends orders of other "
                "stores, and turn on writing to it.",
            )
            return HttpResponseRedirect(self.row_url(order))
        form = OutsideForm(order, stores, request.POST or None)
        if not form.is_bound and not form.lines:
            messages.error(request, f"Nothing of {order} is left to be sent.")
            return HttpResponseRedirect(self.row_url(order))
        is_right = form.is_bound and form.is_valid()
        ready = is_right and form.was_shown()
        offers = form.offers() if is_right and not ready else ()

        def send(told: dict[str, Any]) -> str:
            _refuse_if_asked_meanwhile(order, told["asked"])
            made = services.request_outside(
                order,
                form.store,
                units=form.units,
                speed=Speed(told["speed"]),
                actor=actor(request),
            )
            order_acts.record(request, order, "order.outside_requested", reference=made.reference)
            return f"{made.store} is asked to send {made}; it shows here how far it is."

        return ask(
            self,
            request,
            order,
            form.showing(offers) if offers else form,
            send,
            title=f"Have {order} sent by another store",
            button="Have it sent" if offers or ready else "Show what it costs",
            ready=ready,
            says=_sentences(form, offers)
            if offers
            else "It is sent from the warehouses of that store's platform. Until it is over, these "
            "units cannot be shipped here, and nothing is reserved for them. The parcel and its "
            f"tracking are told to {order.store}. You see what it costs first.",
        )

    def outside_off_view(
        self, request: HttpRequest, object_id: str, outside_id: UUID
    ) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        found = order.outside.filter(pk=outside_id).select_related("store").first()
        if found is None:
            raise Http404
        found.order = order

        def call_off(told: dict[str, str]) -> str:
            now = services.cancel_outside(found, reason=told["reason"], actor=actor(request))
            order_acts.record(
                request, order, "order.outside_cancel_requested", reference=found.reference
            )
            if not now.is_open:
                return f"{found} is called off; {found.store} was never told of it."
            return f"{found.store} is asked not to send {found}. Whether it is in time shows here."

        return ask(
            self,
            request,
            order,
            TakeBackForm(request.POST or None),
            call_off,
            title=f"Call {found} off",
            button="Call it off",
            danger=True,
            says=f"{found.store} is asked not to send it. What is being picked there already may "
            "leave all the same. What does not leave is to be sent from here again.",
        )


def _refuse_if_asked_meanwhile(order: Order, asked: int) -> None:
    """Waits for whoever asks for some of the order now, then compares with what the person saw."""
    Order.objects.select_for_update(of=("self",)).only("pk").get(pk=order.pk)
    if order.outside.count() != asked:
        raise OrderError(
            "asked_meanwhile",
            "Another store was asked to send some of this order since you opened this page. Look "
            "at it before you ask for more.",
        )


def _priced(offer: Offer) -> str:
    """``Standard: 7.90 EUR``: short enough for a choice on a phone."""
    return f"{offer.speed.capitalize()}: {_total(offer)}".rstrip(": ")


def _said(offer: Offer) -> str:
    """``Standard: 7.90 EUR, arrives 2026-12-02 to 2026-12-03``, as far as it is told."""
    parts = [_total(offer), _arrival(offer)]
    return f"{offer.speed.capitalize()}: {', '.join(filter(None, parts))}".rstrip(": ")


def _total(offer: Offer) -> str:
    sums: dict[str, Decimal] = {}
    for fee in offer.fees:
        sums[fee.currency] = sums.get(fee.currency, Decimal(0)) + fee.amount
    return " + ".join(f"{money(sums[c], places_of(c))} {c}" for c in sums)


def _arrival(offer: Offer) -> str:
    days = [
        date_format(timezone.localtime(at), "DATE_FORMAT")
        for at in (offer.arrives_from, offer.arrives_until)
        if at is not None
    ]
    return f"arrives {' to '.join(dict.fromkeys(days))}" if days else ""


def _sentences(form: OutsideForm, offers: Sequence[Offer]) -> SafeString:
    """A line for each speed: what it costs in parts, or that it cannot be had."""
    changed = " You changed what it is to send, so the prices are new."
    found = [f"{form.store} can send it.{changed if form.was_shown_another() else ''}"]
    for one in offers:
        if one.can_send:
            fees = ", ".join(
                f"{fee.name} {money(fee.amount, places_of(fee.currency))} {fee.currency}"
                for fee in one.fees
            )
            found.append(f"{_said(one)}{f' ({fees})' if fees else ''}.")
        else:
            found.append(f"{one.speed.capitalize()} cannot be had: {_reasons(one)}.")
    found.append("Choose how fast; it is asked for then.")
    return format_html_join("", "{}<br>", ((line,) for line in found))


def _why_not(store: Store, offers: Sequence[Offer]) -> str:
    said = list(dict.fromkeys(_reasons(one) for one in offers))
    fewer = " Say fewer units, or send it from here." if any(x.lacking for x in offers) else ""
    return f"{store} cannot send it: {'; '.join(said) or 'it gives no reason'}.{fewer}"


def _reasons(offer: Offer) -> str:
    lacking = (f"{one.quantity} × {one.sku}: {one.reason}" for one in offer.lacking)
    return "; ".join((*offer.reasons, *lacking)) or "no reason is given"

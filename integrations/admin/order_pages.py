"""What a person does with an order that takes more than a click: ship a parcel, add its tracking,
put returned goods back, refund, write a note, cancel. Each is a page with a small form, and calls
one service.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from integrations.admin import order_acts
from integrations.admin.asking import ask, row_for
from integrations.admin.base import count_of
from integrations.admin.order_forms import CancelForm, NoteForm, ParcelForm, TrackingForm
from integrations.admin.order_goods import GoodsPages, may_decide
from integrations.admin.order_outside import SEND_FROM, OutsidePages, outside_label
from integrations.admin.order_refunds import (
    RefundForm,
    may_refund,
    refuse_if_refunded_meanwhile,
    what_happens,
)
from integrations.admin.order_returns import RestockForm
from integrations.admin.order_taking_back import TakeBackPage
from integrations.admin.roles import actor, may
from integrations.platform import Ability
from logix.accounts.models import Role
from orders import refunding, services
from orders.errors import OrderError
from orders.models import Order, Return, Shipment
from orders.refund_sums import said

_PAGE = "orders_order"
# The clerk's order of the day; what is not named comes last.
_BUTTONS = (
    "Ship a parcel",
    "Ship all that is left",
    SEND_FROM,
    "Picking began",
    "Not being picked after all",
    "Restock refunded goods",
    "Write a note",
    "Put on hold",
    "Release",
    "Mark as reviewed",
    "Complete at the store",
    "Refund",
    "Read again from the store",
    "Cancel at the store",
    "Erase the buyer",
)


class OrderPages(GoodsPages, OutsidePages, TakeBackPage):
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/parcel/", wrap(self.parcel_view), name=f"{_PAGE}_parcel"),
            path(
                "<path:object_id>/tracking/<uuid:parcel_id>/",
                wrap(self.tracking_view),
                name=f"{_PAGE}_tracking",
            ),
            path(
                "<path:object_id>/returns/<uuid:return_id>/",
                wrap(self.restock_view),
                name=f"{_PAGE}_restock",
            ),
            path("<path:object_id>/refund/", wrap(self.refund_view), name=f"{_PAGE}_refund"),
            path("<path:object_id>/note/", wrap(self.note_view), name=f"{_PAGE}_note"),
            path("<path:object_id>/cancel/", wrap(self.cancel_view), name=f"{_PAGE}_cancel"),
        ]
        return [*own, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        found = super().buttons(request, obj)
        if may(request, obj.merchant_id, Role.OPERATOR):
            found += self._pages_for(obj)
        return sorted(found, key=lambda button: _place(button["label"]))

    def _pages_for(self, order: Order) -> list[dict[str, Any]]:
        pages = [("Ship a parcel", "parcel", order_acts.is_left_here(order))]
        if outside := outside_label(order):
            pages.append((outside, "outside", True))
        notes = order.gone_at is None and order_acts.may_ask(order, Ability.NOTES)
        pages.append(("Write a note", "note", notes))
        pages.append(("Refund", "refund", may_refund(order)))
        pages.append(("Restock refunded goods", "goods", may_decide(order)))
        pages.append(("Cancel at the store", "cancel", order_acts.may_cancel(order)))
        return [
            {
                "label": label,
                "url": self.row_url(order, page),
                "asks": True,
                "danger": page in ("refund", "cancel"),
            }
            for label, page, is_shown in pages
            if is_shown
        ]

    def parcel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        form = ParcelForm(order, request.POST or None)

        def ship(told: dict[str, Any]) -> str:
            tracking = {n: told[n] for n in ("carrier", "tracking_number", "tracking_url")}
            _refuse_if_shipped_meanwhile(order, told["parcels"])
            parcel = services.add_shipment(
                order,
                lines=form.units,
                location=told.get("location"),
                **tracking,
                notify_customer=not told["quiet"],
                actor=actor(request),
            )
            order_acts.record(request, order, "order.shipped", reference=parcel.reference)
            return f"Parcel {parcel.reference} was made; {order_acts.told(order)}"

        return ask(
            self,
            request,
            order,
            form,
            ship,
            title=f"Ship a parcel of {order}",
            button="Ship",
            says="Say what is in this parcel; the rest stays open for the next one. The tracking "
            "can be added later. The store is told, and tells the buyer unless you say otherwise.",
        )

    def tracking_view(self, request: HttpRequest, object_id: str, parcel_id: UUID) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        parcel = Shipment.objects.filter(order=order, pk=parcel_id).first()
        if parcel is None:
            raise Http404
        parcel.order = order

        def track(told: dict[str, Any]) -> str:
            notify = not told["quiet"]
            tracking = {n: told[n] for n in ("carrier", "tracking_number", "tracking_url")}
            changed = services.update_tracking(
                parcel, **tracking, notify_customer=notify, actor=actor(request)
            )
            if changed.version == parcel.version and notify == parcel.notify_customer:
                return f"Parcel {parcel.reference} is as it was."
            order_acts.record(request, order, "order.tracking_changed", reference=parcel.reference)
            return f"Tracking of parcel {parcel.reference} is kept; {order_acts.told(order)}"

        return ask(
            self,
            request,
            order,
            TrackingForm(parcel, request.POST or None),
            track,
            title=f"Tracking of {parcel.reference}",
            button="Keep and tell the store",
            says=f"Parcel {parcel.reference} of order {order}. What you leave empty stays as it "
            "is.",
        )

    def restock_view(self, request: HttpRequest, object_id: str, return_id: UUID) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        found = Return.objects.filter(order=order, pk=return_id).first()
        if found is None:
            raise Http404
        found.order = order
        form = RestockForm(found, request.POST or None)

        def put_back(told: dict[str, Any]) -> str:
            services.restock_return(
                found,
                units=form.units,
                location=told.get("location"),
                seen=told["seen"],
                actor=actor(request),
            )
            count = sum(form.units.values())
            order_acts.record(
                request, order, "order.return_restocked", return_id=str(found.pk), units=count
            )
            return f"{count_of(count, 'unit')} of return {found} put back to stock."

        return ask(
            self,
            request,
            order,
            form,
            put_back,
            title=f"Put goods of {found} back to stock",
            button="Put back to stock",
            says="Say what is back and can be sold again; what is broken stays out. Stores are "
            "told the new figures. Money is not touched: that is a refund.",
        )

    def refund_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Twice: what it comes to is shown first."""
        order: Order = row_for(self, request, object_id)
        if order.store.refunds == refunding.OFF:
            messages.error(request, refunding.off_words(order))
            return HttpResponseRedirect(self.row_url(order))
        form = RefundForm(order, request.POST or None)
        total = form.total()
        ready = total is not None and form.was_shown(total.amount)

        def refund(told: dict[str, Any]) -> str:
            refuse_if_refunded_meanwhile(order, told["asked"])
            made = services.request_refund(
                order,
                **form.told,
                reason=form.cleaned_data["reason"],
                actor=actor(request),
            )
            reference = made.reference
            order_acts.record(request, order, "order.refund_requested", reference=reference)
            return f"Refund {reference} was asked for; {order_acts.told(order)}"

        worth = said(total.amount, order) if total else ""
        return ask(
            self,
            request,
            order,
            form.showing(total.amount) if total and not ready else form,
            refund,
            title=f"Refund {worth} of {order}" if worth else f"Refund {order}",
            button=f"Refund {worth}" if worth else "Show what it comes to",
            danger=bool(worth),
            ready=ready,
            says=f"{worth} goes back. {what_happens(order)} It cannot be taken back from here."
            if worth
            else f"Say what goes back; you see what it comes to first. {what_happens(order)}",
        )

    def note_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order: Order = row_for(self, request, object_id)

        def write(told: dict[str, Any]) -> str:
            services.add_note(order, **told, actor=actor(request))
            to_customer = told["to_customer"]
            order_acts.record(request, order, "order.note_requested", to_customer=to_customer)
            whom = "The note to the buyer" if to_customer else "The note"
            return f"{whom} is on its way; {order_acts.told(order)}"

        return ask(
            self,
            request,
            order,
            NoteForm(request.POST or None),
            write,
            title=f"Write a note on {order}",
            button="Put it on the order",
            says=f"The note is put on the order at {order.store}.",
        )

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order: Order = row_for(self, request, object_id)

        def cancel(told: dict[str, Any]) -> str:
            notify = not told.get("quiet", False)
            services.cancel_order(
                order, reason=told["reason"], notify_customer=notify, actor=actor(request)
            )
            order_acts.record(request, order, "order.cancel_requested")
            return f"Cancelling order {order} was asked for; {order_acts.told(order)}"

        return ask(
            self,
            request,
            order,
            CancelForm(order, request.POST or None),
            cancel,
            title=f"Cancel {order}",
            button="Cancel at the store",
            danger=True,
            says="The store is asked to cancel this order and may tell the buyer. What is "
            "reserved for it is free again when the store has confirmed.",
        )


def _place(label: str) -> int:
    """One of the labels names a store."""
    return _BUTTONS.index(SEND_FROM if label.startswith(SEND_FROM) else label)


def _refuse_if_shipped_meanwhile(order: Order, parcels: int) -> None:
    """Waits for whoever ships a parcel of the order now, then compares with what the person saw."""
    Order.objects.select_for_update(of=("self",)).only("pk").get(pk=order.pk)
    if order.shipments.count() != parcels:
        raise OrderError(
            "shipped_meanwhile",
            "The order has another parcel than when you opened this page. Look at it before you "
            "ship more.",
        )

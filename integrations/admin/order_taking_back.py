"""Taking a parcel back: the page that asks first, and where an order's parcels lead to it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from integrations.admin import order_acts
from integrations.admin.asking import ask, row_for
from integrations.admin.base import HubAdmin, link
from integrations.admin.order_forms import TakeBackForm
from integrations.admin.roles import actor
from orders import services
from orders.models import Order, Shipment

_NAME = "orders_order_take_back"


class TakeBackPage(HubAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.take_back_view)
        own = path("<path:object_id>/take-back/<uuid:parcel_id>/", view, name=_NAME)
        return [own, *super().get_urls()]

    def take_back_view(self, request: HttpRequest, object_id: str, parcel_id: UUID) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        parcel = Shipment.objects.filter(order=order, pk=parcel_id).first()
        if parcel is None:
            raise Http404
        parcel.order = order

        def take_back(told: dict[str, str]) -> str:
            if parcel.cancelled_at:
                return f"Parcel {parcel.reference} was taken back already."
            services.cancel_shipment(parcel, reason=told["reason"], actor=actor(request))
            order_acts.record(
                request, order, "order.shipment_cancelled", reference=parcel.reference
            )
            return f"Parcel {parcel.reference} is taken back; {order_acts.told(order)}"

        return ask(
            self,
            request,
            order,
            TakeBackForm(request.POST or None),
            take_back,
            title=f"Take parcel {parcel.reference} back",
            button="Take it back",
            danger=True,
            says=f"For a parcel of {order} that did not leave, or came back unopened. Its units "
            "lie on the shelf again and are still to be sent. If the store knows of the parcel "
            "it is told that it is off, and a completed order is opened again there. Goods that a "
            "buyer sends back are a return.",
        )


def link_for(parcel: Shipment) -> str:
    """For a parcel that can be taken back here; '' for others."""
    if parcel.cancelled_at or parcel.origin != Shipment.Origin.HUB:
        return ""
    return link(reverse(f"admin:{_NAME}", args=[parcel.order_id, parcel.pk]), "Take back")

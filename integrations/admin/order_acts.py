"""What a person does with an order. The store decides; the order changes here when it says so."""

from __future__ import annotations

from django.http import HttpRequest

from integrations import sync
from integrations.admin.acts import ASKS_STORES, Act
from integrations.admin.roles import actor
from orders import services
from orders.models import Order
from orders.status import FulfillmentStatus, OrderStatus

_OPEN = (OrderStatus.OPEN, OrderStatus.PENDING, OrderStatus.ON_HOLD)
_SHIPPED = (
    FulfillmentStatus.FULFILLED,
    FulfillmentStatus.DELIVERED,
    FulfillmentStatus.NOT_REQUIRED,
)


def _refetch(request: HttpRequest, order: Order) -> str:
    done = sync.refetch_order(order.store, external_id=order.external_id, actor=actor(request))
    if done.parked:
        return f"Order {order} was read again and parked: see Parked records."
    news = "it changed." if done.changed else "nothing new."
    return f"Order {order} was read again from {order.store}: {news}"


def _ship_all(request: HttpRequest, order: Order) -> str:
    parcel = services.add_shipment(order, actor=actor(request))
    return f"Parcel {parcel.reference} was made; {_told(order)}"


def _complete(request: HttpRequest, order: Order) -> str:
    services.request_status(order, status=OrderStatus.COMPLETED, actor=actor(request))
    return f"Completing order {order} was asked for; {_told(order)}"


def _cancel(request: HttpRequest, order: Order) -> str:
    services.cancel_order(order, actor=actor(request))
    return f"Cancelling order {order} was asked for; {_told(order)}"


def _told(order: Order) -> str:
    """What becomes of a write to the order's store."""
    if not order.store.writes_enabled:
        return f"writing to {order.store} is off, so it waits. Turn it on at the store."
    if not order.store.is_active:
        return f"{order.store} is not active, so it waits until it is."
    return f"{order.store} is being told."


def _is_open(order: Order) -> bool:
    return order.order_status in _OPEN and order.gone_at is None


def _is_shippable(order: Order) -> bool:
    return _is_open(order) and order.fulfillment_status not in _SHIPPED


ACTS = (
    Act(
        verb="refetch",
        label="Read again from the store",
        run=_refetch,
        bulk=True,
        most=ASKS_STORES,
    ),
    Act(
        verb="ship",
        label="Ship all that is left",
        run=_ship_all,
        shown=_is_shippable,
        confirm="One parcel with everything left is recorded and told to the store.",
    ),
    Act(
        verb="complete",
        label="Complete at the store",
        run=_complete,
        shown=_is_open,
        confirm="The store is asked to set this order to completed. It may tell the buyer.",
    ),
    Act(
        verb="cancel",
        label="Cancel at the store",
        run=_cancel,
        shown=_is_open,
        danger=True,
        confirm="The store is asked to cancel this order. The buyer may be told by the store.",
    ),
)

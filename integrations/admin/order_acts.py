"""What a person does with an order. The store decides; the order changes here when it says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from django.http import HttpRequest

from integrations import sync
from integrations.admin.acts import ASKS_STORES, Act, again
from integrations.admin.roles import actor
from logix.accounts import audit
from logix.accounts.models import Role
from orders import services
from orders.models import Order
from orders.status import FulfillmentStatus, OrderStatus

T = TypeVar("T")

_OPEN = (OrderStatus.OPEN, OrderStatus.PENDING, OrderStatus.ON_HOLD)
_SHIPPED = (
    FulfillmentStatus.FULFILLED,
    FulfillmentStatus.DELIVERED,
    FulfillmentStatus.NOT_REQUIRED,
)


def _refetch(request: HttpRequest, order: Order) -> str:
    done = sync.refetch_order(order.store, external_id=order.external_id, actor=actor(request))
    _record(request, order, "order.refetched")
    if done.parked:
        return f"Order {order} was read again and parked: see Parked records."
    news = "it changed." if done.changed else "nothing new."
    return f"Order {order} was read again from {order.store}: {news}"


def _ship_all(request: HttpRequest, order: Order) -> str:
    parcel = _audited(request, order, "order.shipped", services.add_shipment)
    return f"Parcel {parcel.reference} was made; {_told(order)}"


def _complete(request: HttpRequest, order: Order) -> str:
    asked = partial(services.request_status, status=OrderStatus.COMPLETED)
    _audited(request, order, "order.status_requested", asked)
    return f"Completing order {order} was asked for; {_told(order)}"


def _cancel(request: HttpRequest, order: Order) -> str:
    _audited(request, order, "order.cancel_requested", services.cancel_order)
    return f"Cancelling order {order} was asked for; {_told(order)}"


def _review(request: HttpRequest, order: Order) -> str:
    _audited(request, order, "order.reviewed", services.mark_reviewed)
    return f"Order {order} is reviewed; it goes on."


def _erase(request: HttpRequest, order: Order) -> str:
    services.erase_buyer(order, actor=actor(request))
    return f"The buyer of order {order} is erased. Amounts, country and city stay."


def _audited(request: HttpRequest, order: Order, action: str, work: Callable[..., T]) -> T:
    """Do the work and leave its audit row, in one transaction."""

    def both() -> T:
        result = work(order, actor=actor(request))
        _record(request, order, action)
        return result

    return again(both)


def _record(request: HttpRequest, order: Order, action: str) -> None:
    audit.record(action, actor=actor(request), merchant=order.store.merchant, obj=order)


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


def _waits_for_review(order: Order) -> bool:
    return bool(order.flag_set & services.REVIEWED.keys())


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
    Act(
        verb="review",
        label="Mark as reviewed",
        run=_review,
        shown=_waits_for_review,
        bulk=True,
    ),
    Act(
        verb="erase",
        label="Erase the buyer",
        run=_erase,
        role=Role.OWNER,
        shown=lambda order: order.erased_at is None,
        danger=True,
        confirm="Name, addresses, e-mail, phone and notes of this buyer are erased from Logix for "
        "good, along with what the store sent about them; what the store still sends is not kept. "
        "Amounts, country and city stay. The store itself is not told. This cannot be taken back.",
    ),
)

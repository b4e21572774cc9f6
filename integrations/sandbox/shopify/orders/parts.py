"""The parts of an order that have a number of their own, by their types in the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.orders.models import Order

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

_OF: dict[str, Callable[[Order], Iterable[Any]]] = {
    "LineItem": lambda order: order.lines,
    "Duty": lambda order: (duty for line in order.lines for duty in line.duties),
    "OrderTransaction": lambda order: order.transactions,
    "Refund": lambda order: order.refunds,
    "Return": lambda order: order.returns,
    "ReturnLineItem": lambda order: (row for one in order.returns for row in one.lines),
    "FulfillmentOrder": lambda order: order.fulfillment_orders,
    "FulfillmentOrderLineItem": lambda order: (
        row for work in order.fulfillment_orders for row in work.lines
    ),
    "FulfillmentHold": lambda order: (
        hold for work in order.fulfillment_orders for hold in work.holds
    ),
    "Fulfillment": lambda order: order.fulfillments,
    "FulfillmentLineItem": lambda order: (
        row for parcel in order.fulfillments for row in parcel.lines
    ),
    "MailingAddress": lambda order: (
        one for one in (order.billing, order.shipping) if one is not None
    ),
}
KINDS = tuple(_OF)


def numbered(order: Order) -> Iterator[tuple[str, int]]:
    for kind, of in _OF.items():
        for part in of(order):
            yield kind, part.id


def find(store: ShopStore, kind: str, number: int) -> Any:
    """The part of this type and number, of whichever order; None where there is none."""
    order = store.orders.owner(kind, number)
    if order is None:
        return None
    return next((part for part in _OF[kind](order) if part.id == number), None)

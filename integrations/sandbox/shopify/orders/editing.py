"""What a merchant changes in a placed order: units more or fewer, another line.

Source: the sample of orders/edited, and the descriptions of LineItem.quantity and currentQuantity
(units that an edit removes stay in ``quantity``).
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify.orders import building, states, totals
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import LineItem, Order
from integrations.sandbox.shopify.orders.offers import Offer
from integrations.sandbox.shopify.orders.refund_models import Removal
from integrations.sandbox.shopify.orders.refunding import take_from_work
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch


def check(order: Order) -> None:
    """Raises Impossible."""
    if order.cancelled_at is not None:
        raise Impossible("The order is cancelled and cannot be edited.")


def add_units(hand: Hand, order: Order, line: LineItem, quantity: int) -> None:
    """More of a line, at its price. Raises Impossible."""
    check(order)
    line.quantity += quantity
    _work_for(hand, order, line, quantity)
    building.tax(order)
    _told(hand, order, added=[(line.id, quantity)])


def add_offer(hand: Hand, order: Order, offer: Offer, quantity: int) -> list[LineItem]:
    """Something else comes along. Raises Impossible."""
    check(order)
    lines = building.add_line(hand, order, offer, quantity)
    for line in lines:
        _work_for(hand, order, line, line.quantity)
    building.tax(order)
    _told(hand, order, added=[(line.id, line.quantity) for line in lines])
    return lines


def remove_units(
    hand: Hand, order: Order, line: LineItem, quantity: int, *, restocks: bool = True
) -> None:
    """Fewer of a line, as long as they are not shipped. Raises Impossible."""
    check(order)
    if not 0 < quantity <= states.unfulfilled_units(order, line):
        raise Impossible("Only units that are not shipped can be removed.")
    subtotal, tax = totals.units(order, line, quantity)
    for location_id, taken in take_from_work(order, line, quantity):
        if restocks:
            hand.uncommit(line, location_id, taken)
        else:
            hand.ship(line, location_id, taken)
    order.removals.append(Removal(line.id, quantity, subtotal, tax))
    _told(hand, order, removed=[(line.id, quantity)])


def _work_for(hand: Hand, order: Order, line: LineItem, quantity: int) -> None:
    known = order.fulfillment_orders[0] if order.fulfillment_orders else None
    if known is None:
        raise Impossible("The order has nothing to ship.")
    delivery = known.delivery if line.requires_shipping else "NONE"
    building.add_work(hand, order, line, quantity, known.location_id, delivery)


def _told(
    hand: Hand,
    order: Order,
    *,
    added: list[tuple[int, int]] | None = None,
    removed: list[tuple[int, int]] | None = None,
) -> None:
    order.is_edited = True
    hand.tell("orders/edited", order.id, _body(hand, order, added or [], removed or []))
    touch(hand, order)


def _body(
    hand: Hand, order: Order, added: list[tuple[int, int]], removed: list[tuple[int, int]]
) -> dict[str, Any]:
    nothing: dict[str, list[Any]] = {"additions": [], "removals": []}
    return {
        "order_edit": {
            "id": hand.number("OrderEdit"),
            "app_id": None,
            "created_at": hand.local(hand.now),
            "committed_at": hand.local(hand.now),
            "notify_customer": False,
            "order_id": order.id,
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [{"id": number, "delta": many} for number, many in added],
                "removals": [{"id": number, "delta": many} for number, many in removed],
            },
            "discounts": {"line_item": nothing},
            "shipping_lines": nothing,
        }
    }

"""A whole order called off.

Source: orderCancel in the official schema of 2026-07. That its work is CLOSED and not CANCELLED is
what merchants report, community.shopify.com thread 176394.
"""

from __future__ import annotations

from integrations.sandbox.shopify.orders import paying, refunding, states, totals
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch


def check(order: Order) -> None:
    """Raises Impossible for what cannot be cancelled."""
    if order.cancelled_at is not None:
        raise Impossible("Order has already been cancelled.", "orderId", code="INVALID")
    if any(one.status in ("OPEN", "REQUESTED") for one in order.returns):
        raise Impossible("Order has open returns.", "orderId", code="INVALID")
    if any(one.status == "SUCCESS" for one in order.fulfillments):
        raise Impossible(
            "Order has fulfillments that cannot be cancelled.", "orderId", code="INVALID"
        )


def cancel(
    hand: Hand,
    order: Order,
    reason: str,
    *,
    restocks: bool = True,
    gives_back: bool = True,
    note: str | None = None,
) -> None:
    """``gives_back``: what was paid returns to where it came from; what was held is let go of in
    any case. Raises Impossible.
    """
    check(order)
    order.cancelled_at, order.cancel_reason, order.cancel_note = hand.now, reason, note
    paying.void(hand, order)
    plan = refunding.Plan(
        units=[
            refunding.Units(line, left, "CANCEL" if restocks and not line.is_tip else "NO_RESTOCK")
            for line in order.lines
            if (left := totals.current_units(order, line))
        ],
        shipping=refunding.shipping_left(order) if order.shipping_lines else None,
        money=refunding.spread(order, totals.net_payment(order)) if gives_back else (),
    )
    if plan.units:
        refunding.refund(hand, order, plan)
    for work in states.open_work(order):
        work.status, work.holds, work.updated_at = "CLOSED", [], hand.now
    order.closed_at = hand.now
    touch(hand, order)
    hand.tell("orders/cancelled", order.id)

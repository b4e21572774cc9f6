"""The one place where an order gets a new date and says so."""

from __future__ import annotations

from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import Order


def touch(hand: Hand, order: Order) -> None:
    order.updated_at = hand.now
    hand.tell("orders/updated", order.id)

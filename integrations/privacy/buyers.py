"""Erasing the buyer of one order, with what its platform says names nobody left in place."""

from __future__ import annotations

from integrations import registry
from orders import services
from orders.models import Order


def erase_buyer(order: Order, *, actor: str, request_id: str = "") -> None:
    """As ``orders.services.erase_buyer``."""
    card = registry.known_card(order.store.platform)
    lasting = card.lasting_fields if card else ()
    services.erase_buyer(order, actor=actor, request_id=request_id, lasting=lasting)

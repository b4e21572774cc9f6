"""Unpaid orders hold units for a while, as their store does, and let go of them then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from inventory import ledger
from inventory.ledger import Demand
from inventory.models import Reservation
from orders.changing import change, lines_of, note
from orders.data import OrderData
from orders.lines import item_of
from orders.models import Order
from orders.status import PaymentStatus

# The store cancels by a clock of its own, and tells us a little later.
GRACE = timedelta(minutes=15)
_BATCH = 200


def until(store: Any, data: OrderData, payment: PaymentStatus) -> datetime | None:
    """When an order lets go of its units unless it is paid; None: it keeps them."""
    if not data.status.lapses or payment is not PaymentStatus.UNPAID or not store.unpaid_hold:
        return None
    held: datetime = data.placed_at + store.unpaid_hold + GRACE
    return held


def release_lapsed() -> int:
    """Let go of what orders hold that were not paid in time; return how many. One that is paid
    after all takes what is there then. The rest of a large number follows at the next call.
    """
    now = timezone.now()
    lapsed = Reservation.objects.filter(Q(quantity__gt=0) | Q(short__gt=0), expires_at__lte=now)
    order_ids = list(lapsed.order_by("expires_at").values_list("order_ref", flat=True)[:_BATCH])
    orders = Order.objects.filter(pk__in=set(order_ids))
    return sum(change(order, lambda fresh: _let_go(fresh, now)) for order in orders)


def _let_go(order: Order, now: datetime) -> bool:
    """False where it was paid or cancelled a moment ago."""
    held = Reservation.objects.filter(order_ref=order.pk, expires_at__lte=now)
    due: dict[UUID, datetime | None] = dict(held.values_list("line_ref", "expires_at"))
    demands = [
        Demand(
            line_ref=line.pk,
            order_ref=order.pk,
            store_id=order.store_id,
            variant_id=item,
            outstanding=0,
            shipped=line.quantity_shipped,
            placed_at=order.placed_at,
            expires_at=due[line.pk],
        )
        for line in lines_of(order).values()
        if line.pk in due and (item := item_of(line)) is not None
    ]
    if not demands:
        return False
    ledger.settle(order.merchant_id, demands)
    note(order, "hold_lapsed", "Not paid in time: its units can be sold again", "system")
    return True

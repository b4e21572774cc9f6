"""Unpaid orders hold units for a while, as their store does, and let go of them then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from inventory.models import Reservation
from orders.changing import change, lines_of, note, settle_stock
from orders.data import OrderData
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
    order_ids = _lapsed(now).order_by("expires_at").values_list("order_ref", flat=True)[:_BATCH]
    orders = Order.objects.filter(pk__in=set(order_ids))
    return sum(change(order, lambda fresh: _let_go(fresh, now)) for order in orders)


def _let_go(order: Order, now: datetime) -> bool:
    """False where it was paid or cancelled a moment ago."""
    if order.holds_units(now) or not _lapsed(now).filter(order_ref=order.pk).exists():
        return False
    settle_stock(order, lines_of(order), actor="system")
    note(order, "hold_lapsed", "Not paid in time: its units can be sold again", "system")
    return True


def _lapsed(now: datetime) -> QuerySet[Reservation]:
    return Reservation.objects.filter(Q(quantity__gt=0) | Q(short__gt=0), expires_at__lte=now)

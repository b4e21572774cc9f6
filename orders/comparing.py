"""What an order as its store tells it now has other than the order that is stored, part by part: a
check of what was written, not of what was judged.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders.data import OrderData
from orders.judge import details_of, digest_of, no_details
from orders.models import Order

_PLACES = Decimal("0.000001")


def differing(data: OrderData, order: Order) -> tuple[str, ...]:
    """The parts that differ, in words; () where the stored order is exact. ``data`` is the store's
    answer by id, with the store's field rules applied. One statement, for the lines.

    Details that nobody told before (parcels, refund lines, returns) differ where there are some;
    an order imported as past is kept as its list told it, which has none of them.
    """
    told, stored = _told(data), _stored(order)
    parts = [part for part, value in told.items() if stored[part] != value]
    details = details_of(data)
    untold = no_details() if order.moves_stock else details
    known = {**untold, **order.details}
    parts += [part for part, digest in details.items() if known.get(part) != digest]
    if not parts and digest_of(data) != order.digest:
        parts = ["buyer, prices or notes"]
    return tuple(parts)


def _told(data: OrderData) -> dict[str, Any]:
    return {
        "number": data.number[:64],
        "currency": data.currency,
        "time placed": data.placed_at,
        "status": data.raw_status[:60],
        "payment": data.raw_payment[:60],
        "fulfillment": data.raw_fulfillment[:60],
        "total": _amount(data.total),
        "lines": {x.external_id: (x.quantity, _amount(x.total)) for x in data.lines},
    }


def _stored(order: Order) -> dict[str, Any]:
    lines = order.lines.filter(removed_at=None)
    return {
        "number": order.number,
        "currency": order.currency,
        "time placed": order.placed_at,
        "status": order.raw_status,
        "payment": order.raw_payment,
        "fulfillment": order.raw_fulfillment,
        "total": _amount(order.total),
        "lines": {x.external_id: (x.quantity, _amount(x.total)) for x in lines},
    }


def _amount(value: Decimal) -> Decimal:
    return value.quantize(_PLACES)

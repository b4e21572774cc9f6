"""From when on nothing of an order is left to send: the data of its buyer are kept for a while
after that, and not for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q

from logix.common import bulk
from orders.models import Order
from orders.status import FINISHED, Flag, FulfillmentStatus, OrderStatus

_ALL_LEFT = (FulfillmentStatus.FULFILLED, FulfillmentStatus.DELIVERED)

# Sent in full, or over without that. What the platform was to send and holds, nobody sends from
# here. (An order that is finished and binds stock has a parcel back that is to leave again.)
OVER = (
    Q(fulfillment_status__in=_ALL_LEFT)
    | Q(order_status__in=FINISHED, binds_stock=False)
    | Q(gone_at__isnull=False)
    | Q(order_status=OrderStatus.ON_HOLD, flags__contains=Flag.PLATFORM_FULFILLED)
)


def is_over(row: dict[str, Any]) -> bool:
    """``OVER`` of an order's columns that are about to be written."""
    return bool(
        row["fulfillment_status"] in _ALL_LEFT
        or (row["order_status"] in FINISHED and not row["binds_stock"])
        or row["gone_at"]
        or (
            row["order_status"] == OrderStatus.ON_HOLD
            and Flag.PLATFORM_FULFILLED in row["flags"].split(",")
        )
    )


def ended_at(
    row: dict[str, Any], parcels: Iterable[datetime | None], known: Order | None, now: datetime
) -> datetime | None:
    """When the order with these columns ended; None while something is to be sent. ``parcels``:
    when those left that were not taken back.

    Of all that is told the earliest counts, and never a later one than was known before: some
    platforms tell no time but that of the last change, which moves. Where nothing is told of an
    order that comes in as over, it may have ended as soon as it was placed.
    """
    if not is_over(row):
        return None
    told = [row["completed_at"], row["cancelled_at"], row["gone_at"], *parcels]
    said = [at for at in told if at is not None]
    if not said and known is None:
        said = [row["placed_at"]]
    before = known.ended_at if known is not None else None
    return min([*said, row["changed_at"], now, *([before] if before else [])])


def settle(rows: Iterable[Order]) -> int:
    """Say when these orders ended, which are over and say nothing of it: their last parcel left
    from here, or nobody counted yet when they were imported. Return how many.

    One that is opened again meanwhile bears a wrong moment; nothing is done by it while it is open.
    """
    ended = []
    for order in rows:
        told = [order.completed_at, order.cancelled_at, order.gone_at]
        told += [x.shipped_at for x in order.shipments.all() if x.cancelled_at is None]
        at = min((x for x in told if x is not None), default=order.placed_at)
        ended.append({"id": order.pk, "ended_at": at})
    return len(bulk.update(Order, sorted(ended, key=lambda row: row["id"])))

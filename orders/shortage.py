"""Orders that sold what is not there: flagged, with a record of what is missing and how it came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from logix.common import bulk
from orders import timeline
from orders.errors import OrderChangedMeanwhile
from orders.models import Order, OrderEvent, OrderLine
from orders.status import Flag


def record(short: Mapping[UUID, int], now: datetime, *, request_id: str = "") -> None:
    """``short``: units missing by line. An order is flagged and told of once, in four statements
    for all. Raises OrderChangedMeanwhile.
    """
    if not short:
        return
    lines: dict[UUID, list[OrderLine]] = defaultdict(list)
    for line in OrderLine.objects.filter(pk__in=short).only("pk", "order_id", "sku", "name"):
        lines[line.order_id].append(line)
    orders = Order.objects.filter(pk__in=lines).only("pk", "flags", "revision", "placed_at")
    fresh = [order for order in orders if Flag.OVERSOLD not in order.flag_set]
    flagged = [
        {
            "id": order.pk,
            "flags": ",".join(sorted({*order.flag_set, Flag.OVERSOLD})),
            "revision": order.revision + 1,
        }
        for order in fresh
    ]
    if len(bulk.update(Order, flagged, versioned="revision")) != len(flagged):
        raise OrderChangedMeanwhile("The same order was written by another process.")
    events = [_event(order, lines[order.pk], short, now) for order in fresh]
    for event in events:
        event["request_id"] = request_id
    bulk.insert(OrderEvent, events)


def _event(
    order: Order, lines: list[OrderLine], short: Mapping[UUID, int], now: datetime
) -> dict[str, Any]:
    missing = [{"sku": x.sku, "line": str(x.pk), "units": short[x.pk]} for x in lines]
    named = ", ".join(f"{short[x.pk]} × {x.sku or x.name}" for x in lines)
    return timeline.row(
        order.pk,
        "oversold",
        f"Oversold, not on hand: {named}",
        now,
        origin=OrderEvent.Origin.HUB,
        data={
            "missing": missing,
            # How late we were: a store that sells what was sold elsewhere meanwhile is told sooner.
            "seconds_since_sale": max(0, int((now - order.placed_at).total_seconds())),
        },
    )

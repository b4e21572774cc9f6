"""Orders that sold what is not there: flagged, with a record of what is missing and how it came;
and no longer flagged when nothing is missing any more. What a store sells on back-order is missing
as well, but nobody's mistake: its flag and its words are others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from inventory.choosing import WHERE_ONLY
from inventory.models import Listing, Reservation
from inventory.shelves import OPTION
from logix.common import bulk
from logix.common.ids import uuid7
from orders import signals, timeline
from orders.changing import is_under_way
from orders.errors import OrderChangedMeanwhile
from orders.lines import item_of
from orders.models import Order, OrderEvent, OrderLine, Oversell
from orders.status import Flag

_SHORT = frozenset({Flag.OVERSOLD, Flag.BACKORDERED})


def record(short: Mapping[UUID, int], now: datetime, *, request_id: str = "") -> None:
    """``short``: units missing by line. Each has its record, an order is flagged and told of once,
    in six statements for all. Raises OrderChangedMeanwhile.
    """
    if not short:
        return
    known = {x.line_id: x for x in Oversell.objects.unresolved().filter(line__in=short)}
    lines: dict[UUID, list[Any]] = defaultdict(list)
    for line in _lines(short):
        if before := known.get(line.pk):
            # What it was when it came to light, it stays.
            line.is_backorder = before.is_backorder
        lines[line.order_id].append(line)
    columns = ("pk", "merchant_id", "flags", "revision", "placed_at", "store__options")
    orders = Order.objects.filter(pk__in=lines).select_related("store").only(*columns)
    fresh = [order for order in orders if not _flags(lines[order.pk]) <= order.flag_set]
    flagged = []
    for order in fresh:
        flags = ",".join(sorted(order.flag_set | _flags(lines[order.pk])))
        if is_under_way(order.pk):
            Order.objects.filter(pk=order.pk).update(flags=flags)
        else:
            flagged.append({"id": order.pk, "flags": flags, "revision": order.revision + 1})
    if len(bulk.update(Order, flagged, versioned="revision")) != len(flagged):
        raise OrderChangedMeanwhile("The same order was written by another process.")
    new = {x.pk for order in orders for x in lines[order.pk] if x.pk not in known}
    told = {order.pk for order in fresh}
    why = _explained(
        x for found in lines.values() for x in found if x.pk in new or x.order_id in told
    )
    rows = [
        _row(order, x, short[x.pk], why, now)
        for order in orders
        for x in lines[order.pk]
        if x.pk in new
    ]
    if len(bulk.insert(Oversell, rows, ignore_conflicts=True)) != len(rows):
        raise OrderChangedMeanwhile("The same order was written by another process.")
    bulk.update(Oversell, [{"id": x.pk, "units": short[line]} for line, x in known.items()])
    events = [_event(order, lines[order.pk], short, why, now) for order in fresh]
    for event in events:
        event["request_id"] = request_id
    bulk.insert(OrderEvent, events)


def resolve(line_refs: Collection[UUID]) -> None:
    """These lines got units they were short of, or want them no longer: orders of which no line is
    short any more lose their flag. Raises OrderChangedMeanwhile.
    """
    now = timezone.now()
    _follow(line_refs, now)
    is_short = Q(flags__contains=Flag.OVERSOLD) | Q(flags__contains=Flag.BACKORDERED)
    orders = Order.objects.filter(is_short, lines__in=line_refs).distinct()
    flagged = list(orders.only("pk", "flags", "revision"))
    if not flagged:
        return
    short = Reservation.objects.filter(order_ref__in=[x.pk for x in flagged], short__gt=0)
    waiting = set(short.values_list("order_ref", flat=True))
    served = [order for order in flagged if order.pk not in waiting]
    rows = []
    for order in served:
        flags = ",".join(sorted(order.flag_set - _SHORT))
        if is_under_way(order.pk):
            Order.objects.filter(pk=order.pk).update(flags=flags)
        else:
            rows.append({"id": order.pk, "flags": flags, "revision": order.revision + 1})
    if len(bulk.update(Order, rows, versioned="revision")) != len(rows):
        raise OrderChangedMeanwhile("The same order was written by another process.")
    hub = OrderEvent.Origin.HUB
    bulk.insert(
        OrderEvent,
        [timeline.row(x.pk, "oversold_over", _over(x), now, origin=hub) for x in served],
    )


def _over(order: Order) -> str:
    was = "oversold" if Flag.OVERSOLD in order.flag_set else "on back-order"
    return f"Not {was} any more: nothing it still wants is missing"


def _follow(line_refs: Collection[UUID], now: datetime) -> None:
    """The records of these lines, which lack fewer units than they did."""
    known = list(Oversell.objects.unresolved().filter(line__in=line_refs))
    if not known:
        return
    lacking: dict[UUID, int] = defaultdict(int)
    rows = Reservation.objects.filter(line_ref__in=[x.line_id for x in known], short__gt=0)
    for line, units in rows.values_list("line_ref", "short"):
        lacking[line] += units
    bulk.update(
        Oversell,
        [
            {
                "id": x.pk,
                "units": min(lacking[x.line_id], x.units) or x.units,
                "resolved_at": None if lacking[x.line_id] else now,
            }
            for x in known
        ],
    )


def _lines(short: Mapping[UUID, int]) -> QuerySet[Any]:
    """With ``is_backorder``: the order's store sells the item below zero, as it last told."""
    columns = ("pk", "order_id", "sku", "name", "variant_id")
    allowed = Listing.objects.filter(
        store=OuterRef("order__store"),
        external_product_id=OuterRef("external_product_id"),
        external_variant_id=OuterRef("external_variant_id"),
        backorders=True,
        gone_at=None,
    )
    rows = OrderLine.objects.filter(pk__in=short).with_items()
    return rows.annotate(is_backorder=Exists(allowed)).only(*columns)


def _flags(lines: Iterable[Any]) -> frozenset[Flag]:
    """``lines``: of ``_lines``, those of one order."""
    return frozenset(Flag.BACKORDERED if x.is_backorder else Flag.OVERSOLD for x in lines)


def _explained(lines: Iterable[OrderLine]) -> dict[UUID, dict[str, Any]]:
    """What others know of how an item came to be oversold, by item."""
    items = frozenset(item for line in lines if (item := item_of(line)) is not None)
    why: dict[UUID, dict[str, Any]] = defaultdict(dict)
    if items:
        answers: Any = signals.oversold.send(sender=Order, variant_ids=items)
        for _, told in answers:
            for item, facts in told.items():
                why[item] |= facts
    return why


def _row(
    order: Order,
    line: Any,
    units: int,
    why: Mapping[UUID, dict[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "merchant_id": order.merchant_id,
        "order_id": order.pk,
        "line_id": line.pk,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "units": units,
        "is_backorder": line.is_backorder,
        "cause": {**_facts(line, why), **_bound(order)},
        "found_after_s": _late(order, now),
        "opened_at": now,
        "resolved_at": None,
    }


def _late(order: Order, now: datetime) -> int:
    """How late we were: a store that sells what was sold elsewhere meanwhile is told sooner."""
    return max(0, int((now - order.placed_at).total_seconds()))


def _event(
    order: Order,
    lines: list[Any],
    short: Mapping[UUID, int],
    why: Mapping[UUID, dict[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    missing = [
        {"sku": x.sku, "line": str(x.pk), "units": short[x.pk], **_facts(x, why)} for x in lines
    ]
    return timeline.row(
        order.pk,
        "oversold",
        "; ".join(_sentences(order, lines, short)),
        now,
        origin=OrderEvent.Origin.HUB,
        data={
            "missing": missing,
            "seconds_since_sale": _late(order, now),
        },
    )


def _sentences(order: Order, lines: Iterable[Any], short: Mapping[UUID, int]) -> Iterable[str]:
    for is_backorder, words in (
        (False, f"Oversold, not on hand{_where_only(order)}"),
        (True, "Sold on back-order, which the store allows"),
    ):
        found = [x for x in lines if x.is_backorder is is_backorder]
        if found:
            yield f"{words}: {', '.join(f'{short[x.pk]} × {x.sku or x.name}' for x in found)}"


def _bound(order: Order) -> dict[str, Any]:
    """That units may be missing though they lie at another place."""
    return {OPTION: order.store.options[OPTION]} if _where_only(order) else {}


def _where_only(order: Order) -> str:
    words = WHERE_ONLY.get(order.store.options.get(OPTION, ""))
    return f" where {words}" if words else ""


def _facts(line: OrderLine, why: Mapping[UUID, dict[str, Any]]) -> dict[str, Any]:
    item = item_of(line)
    return why.get(item, {}) if item is not None else {}

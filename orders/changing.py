"""One change of one order by a person or the API: on the freshly read row, again when somebody else
was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from inventory import ledger
from inventory.ledger import Demand, LedgerConflict
from inventory.models import Location
from logix.common.transactions import again_on
from orders import timeline
from orders.errors import OrderChangedMeanwhile
from orders.lines import item_of
from orders.models import Order, OrderEvent, OrderLine
from orders.status import Flag

T = TypeVar("T")

_under_way: ContextVar[frozenset[UUID]] = ContextVar("orders_under_way", default=frozenset())


def change(order: Order, work: Callable[[Order], T]) -> T:
    """Run ``work`` on the freshly read, locked order, in a transaction. The revision guards against
    a faster writer on any database.
    """

    def once() -> T:
        fresh = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
        before = fresh.revision
        held = _under_way.set(_under_way.get() | {fresh.pk})
        try:
            result = work(fresh)
        finally:
            _under_way.reset(held)
        changed = Order.objects.filter(pk=fresh.pk, revision=before).update(
            revision=F("revision") + 1
        )
        if not changed:
            raise OrderChangedMeanwhile("The order was changed by another process.")
        return result

    return again_on(OrderChangedMeanwhile, LedgerConflict)(once)


def is_under_way(order_id: UUID) -> bool:
    """Whether this order is being changed here, further up: its next revision is the change's."""
    return order_id in _under_way.get()


def lines_of(order: Order) -> dict[UUID, OrderLine]:
    """The order's lines by id, without those removed at the store."""
    return {x.pk: x for x in order.lines.filter(removed_at=None).with_items()}


def held_lines(order: Order) -> dict[UUID, OrderLine]:
    """Lines an edit took away whose units are kept until somebody decides."""
    held = order.lines.filter(removed_at__isnull=False, held_quantity__gt=0)
    return {x.pk: x for x in held.with_items()}


def settle_stock(
    order: Order,
    lines: Mapping[UUID, OrderLine],
    *,
    location: Location | None = None,
    actor: str,
    request_id: str = "",
) -> dict[UUID, int]:
    """Bring stock to what ``lines`` (of ``lines_of``) say; return the units that are short, by
    line.
    """
    if not order.moves_stock:
        return {}
    if Flag.EDITED_AFTER_IMPORT in order.flag_set:
        lines = {**held_lines(order), **lines}
    now = timezone.now()
    place = location.pk if location else None
    demands = [
        demand_of(order, line, item, now, location_id=place)
        for line in lines.values()
        if (item := item_of(line)) is not None
    ]
    return ledger.settle(order.merchant_id, demands, actor=actor, request_id=request_id)


def demand_of(
    order: Order, line: OrderLine, item_id: UUID, now: datetime, *, location_id: UUID | None = None
) -> Demand:
    """What a stored line asks of the item it is counted as. ``location_id``: where the units that
    leave now are taken from, if known.
    """
    return Demand(
        line_ref=line.pk,
        order_ref=order.pk,
        store_id=order.store_id,
        variant_id=item_id,
        outstanding=max(0, units_bound(line) - line.outside_quantity)
        if order.holds_units(now)
        else 0,
        shipped=max(0, line.quantity_shipped - line.outside_shipped),
        placed_at=order.placed_at,
        expires_at=order.holds_until,
        location_id=location_id,
        assigned=line.assigned,
    )


def units_left(line: OrderLine) -> int:
    """Units that are still to leave."""
    if line.removed_at:
        return 0
    return max(0, line.quantity - line.quantity_refunded - line.quantity_shipped)


def units_left_here(line: OrderLine) -> int:
    """Those of them that no other store's warehouse is to send."""
    return max(0, units_left(line) - line.outside_quantity)


def units_bound(line: OrderLine) -> int:
    """Units kept for a line: those that are still to leave, and those that an edit has taken away
    on which nobody decided yet.
    """
    wanted = 0 if line.removed_at else line.quantity
    wanted = max(wanted, line.held_quantity)
    return max(0, wanted - line.quantity_refunded - line.quantity_shipped)


def note(
    order: Order,
    kind: str,
    title: str,
    actor: str,
    *,
    data: dict[str, Any] | None = None,
    request_id: str = "",
) -> OrderEvent:
    """A row on the timeline that says who did it."""
    person = actor.startswith("user:")
    return timeline.write(
        order.pk,
        kind,
        title,
        origin=OrderEvent.Origin.PERSON if person else OrderEvent.Origin.HUB,
        data=data,
        actor=actor,
        request_id=request_id,
    )

"""Work that waits or goes elsewhere: holds, their release, moves between locations.

Source: fulfillmentOrderHold, fulfillmentOrderReleaseHold and fulfillmentOrderMove in the official
schema of 2026-07; bodies of the webhooks: the samples of fulfillment_orders/* and
fulfillment_holds/*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.orders.fulfillment_models import (
    FulfillmentOrder,
    FulfillmentOrderLine,
    Hold,
)
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch

MOST_HOLDS = 10
_HOLDABLE = frozenset({"OPEN", "SCHEDULED", "ON_HOLD", "IN_PROGRESS"})
Rows = Sequence[tuple[FulfillmentOrderLine, int]]


def hold(
    hand: Hand,
    order: Order,
    work: FulfillmentOrder,
    reason: str,
    *,
    notes: str | None = None,
    handle: str | None = None,
    by_app: bool = False,
    rows: Rows = (),
) -> tuple[Hold, FulfillmentOrder | None]:
    """``rows``: only these units wait, the rest becomes other work, which is given back. Raises
    Impossible.
    """
    if work.status not in _HOLDABLE:
        raise Impossible("The fulfillment order is not in a state to be held.", "id", code="TAKEN")
    if len(work.holds) >= MOST_HOLDS:
        raise Impossible(
            "The maximum number of fulfillment holds for this fulfillment order has been reached.",
            "id",
            code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED",
        )
    if handle and any(one.handle == handle and one.by_app == by_app for one in work.holds):
        raise Impossible(
            "The handle provided for the fulfillment hold is already in use.",
            "fulfillmentHold",
            "handle",
            code="DUPLICATE_FULFILLMENT_HOLD_HANDLE",
        )
    if rows and work.holds:
        raise Impossible(
            "The fulfillment order is on hold and cannot be split.",
            "fulfillmentHold",
            "fulfillmentOrderLineItems",
            code="FULFILLMENT_ORDER_NOT_SPLITTABLE",
        )
    rest = split(hand, order, work, rows) if rows else None
    made = Hold(hand.number("FulfillmentHold"), reason, notes, handle, by_app)
    work.holds.append(made)
    work.status, work.updated_at = "ON_HOLD", hand.now
    _tell_held(hand, work, made, rest)
    touch(hand, order)
    return made, rest


def release(
    hand: Hand, order: Order, work: FulfillmentOrder, hold_ids: Sequence[int] | None = None
) -> None:
    """``hold_ids`` None: all of them. Raises Impossible."""
    gone = [one for one in work.holds if hold_ids is None or one.id in hold_ids]
    if not gone:
        raise Impossible("The fulfillment order is not on hold.", "id")
    work.holds = [one for one in work.holds if one not in gone]
    work.updated_at = hand.now
    if not work.holds:
        work.status = resting_state(work, hand.now)
        hand.tell("fulfillment_orders/hold_released", work.id)
    for one in gone:
        hand.tell("fulfillment_holds/released", one.id, _hold_body(work, one))
    touch(hand, order)


def move(
    hand: Hand, order: Order, work: FulfillmentOrder, location_id: int, rows: Rows = ()
) -> tuple[FulfillmentOrder, FulfillmentOrder | None]:
    """(what is at the new place, what stays and has units left). All of untouched work goes as it
    is; a part of it, or what is left of work begun, becomes work of its own. Raises Impossible.
    """
    if work.status not in ("OPEN", "SCHEDULED", "ON_HOLD", "IN_PROGRESS"):
        raise Impossible("The fulfillment order is closed and cannot be moved.", "id")
    if work.location_id == location_id:
        raise Impossible("The fulfillment order is at this location already.", "newLocationId")
    source = work.location_id
    is_untouched = all(row.total == row.remaining for row in work.lines)
    taken = rows or [(row, row.remaining) for row in work.lines if row.remaining]
    is_whole = sum(quantity for _, quantity in taken) == work.remaining
    for row, quantity in taken:
        line = order.line(row.line_item_id)
        hand.uncommit(line, source, quantity)
        hand.commit(line, location_id, quantity)
    if is_whole and is_untouched:
        work.location_id, work.updated_at = location_id, hand.now
        moved, stays = work, None
    else:
        moved = split_off(hand, order, work, taken)
        moved.location_id = location_id
        stays = work if work.remaining else None
    hand.tell(
        "fulfillment_orders/moved",
        moved.id,
        {
            "original_fulfillment_order": _work_body(work)
            | {"assigned_location_id": gid("Location", source)},
            "moved_fulfillment_order": _work_body(moved)
            | {"assigned_location_id": gid("Location", location_id)},
            "destination_location_id": gid("Location", location_id),
            "fulfillment_order_line_items_requested": [
                {"id": gid("FulfillmentOrderLineItem", row.id), "quantity": quantity}
                for row, quantity in rows
            ],
            "source_location": {"id": gid("Location", source)},
        },
    )
    touch(hand, order)
    return moved, stays


def split(hand: Hand, order: Order, work: FulfillmentOrder, rows: Rows) -> FulfillmentOrder | None:
    """Only ``rows`` stay; the rest is given back as work of its own."""
    kept = {row.id: quantity for row, quantity in rows}
    rest = [
        (row, row.remaining - kept.get(row.id, 0))
        for row in work.lines
        if row.remaining > kept.get(row.id, 0)
    ]
    return split_off(hand, order, work, rest) if rest else None


def split_off(hand: Hand, order: Order, work: FulfillmentOrder, rows: Rows) -> FulfillmentOrder:
    """These units become work of their own at the same place, which the stock does not notice."""
    made = FulfillmentOrder(
        id=hand.number("FulfillmentOrder"),
        order_id=order.id,
        location_id=work.location_id,
        status="SCHEDULED" if work.status == "SCHEDULED" else "OPEN",
        created_at=hand.now,
        updated_at=hand.now,
        delivery=work.delivery,
        fulfill_at=work.fulfill_at,
    )
    for row, quantity in rows:
        row.total, row.remaining = row.total - quantity, row.remaining - quantity
        number = hand.number("FulfillmentOrderLineItem")
        made.lines.append(
            FulfillmentOrderLine(number, order.id, row.line_item_id, quantity, quantity)
        )
    work.lines = [row for row in work.lines if row.total]
    work.updated_at = hand.now
    if not work.remaining:
        work.status = "CLOSED"
    order.fulfillment_orders.append(made)
    return made


def open_due(work: FulfillmentOrder, now: int) -> bool:
    """Whether work for a later day was opened, as the day has come."""
    if work.status != "SCHEDULED" or work.fulfill_at is None or work.fulfill_at > now:
        return False
    work.status = "OPEN"
    return True


def resting_state(work: FulfillmentOrder, now: int) -> str:
    """Of work that nothing holds up."""
    if not work.remaining:
        return "CLOSED"
    if any(row.remaining < row.total for row in work.lines):
        return "IN_PROGRESS"
    return "SCHEDULED" if work.fulfill_at is not None and work.fulfill_at > now else "OPEN"


# --- webhooks -------------------------------------------------------------------------------------


def _tell_held(
    hand: Hand, work: FulfillmentOrder, made: Hold, rest: FulfillmentOrder | None
) -> None:
    hand.tell(
        "fulfillment_orders/placed_on_hold",
        work.id,
        {
            "fulfillment_order": _work_body(work)
            | {"fulfillment_holds": [hold_row(one) for one in work.holds]},
            "remaining_fulfillment_order": _work_body(rest) if rest else None,
            "held_fulfillment_order_line_items": [
                {"id": gid("FulfillmentOrderLineItem", row.id), "quantity": row.remaining}
                for row in work.lines
                if row.remaining
            ],
            "created_fulfillment_hold": hold_row(made),
        },
    )
    hand.tell("fulfillment_holds/added", made.id, _hold_body(work, made))


def _hold_body(work: FulfillmentOrder, one: Hold) -> dict[str, Any]:
    return {
        "fulfillment_order": {"id": gid("FulfillmentOrder", work.id)},
        "fulfillment_hold": hold_row(one),
    }


def hold_row(one: Hold) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentHold", one.id),
        "reason": one.reason.lower(),
        "reason_notes": one.reason_notes,
        "held_by_requesting_app": one.by_app,
        "handle": one.handle,
        "held_by_app": {"id": gid("App", 1)} if one.by_app else None,
    }


def _work_body(work: FulfillmentOrder) -> dict[str, Any]:
    return {"id": gid("FulfillmentOrder", work.id), "status": work.status.lower()}

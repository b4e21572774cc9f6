"""Mutations of fulfilment: ship, number, cancel, hold, release, move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations.sandbox.shopify.api.errors import refuse
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.ids import number_of
from integrations.sandbox.shopify.orders import holding, parcels, parts
from integrations.sandbox.shopify.orders.fulfillment_fields import may, stocks
from integrations.sandbox.shopify.orders.fulfillment_models import (
    Fulfillment,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Tracking,
)
from integrations.sandbox.shopify.orders.order_writes import changing
from integrations.sandbox.shopify.orders.refusals import Impossible

Input = dict[str, Any]
_UNITS = ("fulfillmentOrderLineItems",)


# --- parcels --------------------------------------------------------------------------------------


def fulfillment_create(
    _: Any, info: Any, *, fulfillment: Input, message: str | None = None
) -> dict[str, Any]:
    call: Call = info.context
    rows = fulfillment["lineItemsByFulfillmentOrder"]
    if not rows:
        raise refuse("There must be something to fulfill.", "fulfillment")
    works = [_work(call, row["fulfillmentOrderId"], "fulfillment") for row in rows]
    if len({work.order_id for work in works}) > 1:
        raise refuse("All fulfillment orders must belong to the same order.", "fulfillment")
    with changing(call, works[0].order_id, "fulfillment") as (hand, order):
        picks = []
        for row, work in zip(rows, works, strict=True):
            units = _units(work, row.get("fulfillmentOrderLineItems"), "fulfillment")
            picks.append((work, units) if units else parcels.everything(work))
        tracking = _tracking(fulfillment.get("trackingInfo"))
        made = parcels.ship(hand, order, picks, tracking)
        if fulfillment.get("notifyCustomer"):
            made.mails.append("shipped")
    return {"fulfillment": made}


def tracking_info_update(
    _: Any,
    info: Any,
    *,
    fulfillment_id: str,
    tracking_info_input: Input,
    notify_customer: bool | None = None,
) -> dict[str, Any]:
    parcel = _parcel(info.context, fulfillment_id, "fulfillmentId")
    with changing(info.context, parcel.order_id, "fulfillmentId") as (hand, order):
        parcels.track(hand, order, parcel, _tracking(tracking_info_input))
        if notify_customer:
            parcel.mails.append("updated")
    return {"fulfillment": parcel}


def fulfillment_cancel(_: Any, info: Any, *, id: str) -> dict[str, Any]:
    parcel = _parcel(info.context, id, "id")
    with changing(info.context, parcel.order_id, "id") as (hand, order):
        parcels.cancel(hand, order, parcel)
    return {"fulfillment": parcel}


def _parcel(call: Call, gid: str, field: str) -> Fulfillment:
    found: Fulfillment | None = parts.find(call.store, "Fulfillment", number_of(gid, "Fulfillment"))
    if found is None:
        raise refuse("Fulfillment does not exist.", field)
    return found


def _tracking(given: Input | None) -> list[Tracking]:
    """``number`` and ``numbers`` are one or many of the same; so are the links."""
    if not given:
        return []
    numbers = given.get("numbers") or [one for one in (given.get("number"),) if one]
    urls = given.get("urls") or [one for one in (given.get("url"),) if one]
    return parcels.numbered(given.get("company"), numbers, urls)


# --- work -----------------------------------------------------------------------------------------


def hold(_: Any, info: Any, *, id: str, fulfillment_hold: Input) -> dict[str, Any]:
    call: Call = info.context
    work = _work(call, id, "id", code="FULFILLMENT_ORDER_NOT_FOUND")
    rows = _units(
        work,
        fulfillment_hold.get("fulfillmentOrderLineItems"),
        "fulfillmentHold",
        code="INVALID_LINE_ITEM_QUANTITY",
    )
    with changing(call, work.order_id, "id") as (hand, order):
        made, rest = holding.hold(
            hand,
            order,
            work,
            fulfillment_hold["reason"],
            notes=fulfillment_hold.get("reasonNotes"),
            handle=fulfillment_hold.get("handle"),
            by_app=True,
            rows=rows,
        )
    return {"fulfillmentHold": made, "fulfillmentOrder": work, "remainingFulfillmentOrder": rest}


def release(_: Any, info: Any, *, id: str, hold_ids: Sequence[str] | None = None) -> dict[str, Any]:
    call: Call = info.context
    work = _work(call, id, "id", code="FULFILLMENT_ORDER_NOT_FOUND")
    numbers = None if hold_ids is None else [number_of(one, "FulfillmentHold") for one in hold_ids]
    with changing(call, work.order_id, "id") as (hand, order):
        holding.release(hand, order, work, numbers)
    return {"fulfillmentOrder": work}


def move(
    _: Any,
    info: Any,
    *,
    id: str,
    new_location_id: str,
    fulfillment_order_line_items: Sequence[Input] | None = None,
) -> dict[str, Any]:
    call: Call = info.context
    work = _work(call, id, "id")
    rows = _units(work, fulfillment_order_line_items)
    place = call.store.catalogue.locations.get(number_of(new_location_id, "Location"))
    if place is None or not place.is_active:
        raise refuse("Location not found.", "newLocationId")
    with changing(call, work.order_id, "id") as (hand, order):
        if not stocks(call, order.lines, work, place.id):
            raise Impossible(
                "The destination location does not stock the requested inventory item.",
                "newLocationId",
            )
        moved, stays = holding.move(hand, order, work, place.id, rows)
    return {
        "movedFulfillmentOrder": moved,
        "originalFulfillmentOrder": work,
        "remainingFulfillmentOrder": stays,
    }


def _work(call: Call, gid: str, field: str, code: str | None = None) -> FulfillmentOrder:
    """What an app may not write does not exist for it."""
    found: FulfillmentOrder | None = parts.find(
        call.store, "FulfillmentOrder", number_of(gid, "FulfillmentOrder")
    )
    if found is None or not may(call, found, "write"):
        raise refuse("Fulfillment order does not exist.", field, code=code)
    return found


def _units(
    work: FulfillmentOrder, given: Sequence[Input] | None, *field: str, code: str | None = None
) -> list[tuple[FulfillmentOrderLine, int]]:
    """Lines and how many of each; none where none are named."""
    found: list[tuple[FulfillmentOrderLine, int]] = []
    where = (*field, *_UNITS)
    for place, row in enumerate(given or ()):
        number = number_of(row["id"], "FulfillmentOrderLineItem")
        line = next((one for one in work.lines if one.id == number), None)
        if line is None:
            raise refuse("Fulfillment order line item does not exist.", *where, place, "id")
        if any(line is known for known, _ in found):
            raise refuse(
                "Fulfillment order line items must be unique.",
                *where,
                code="DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS",
            )
        if not 0 < row["quantity"] <= line.remaining:
            raise refuse(
                "Invalid fulfillment order line item quantity requested.",
                *where,
                place,
                "quantity",
                code=code,
            )
        found.append((line, row["quantity"]))
    return found


def fulfillment_order(_: Any, info: Any, *, id: str) -> FulfillmentOrder | None:
    found: FulfillmentOrder | None = parts.find(
        info.context.store, "FulfillmentOrder", number_of(id, "FulfillmentOrder")
    )
    return found if found is not None and may(info.context, found, "read") else None


def fulfillment(_: Any, info: Any, *, id: str) -> Any:
    return parts.find(info.context.store, "Fulfillment", number_of(id, "Fulfillment"))


FIELDS: Fields = {
    "QueryRoot": {"fulfillmentOrder": fulfillment_order, "fulfillment": fulfillment},
    "Mutation": {
        "fulfillmentCreate": fulfillment_create,
        "fulfillmentTrackingInfoUpdate": tracking_info_update,
        "fulfillmentCancel": fulfillment_cancel,
        "fulfillmentOrderHold": hold,
        "fulfillmentOrderReleaseHold": release,
        "fulfillmentOrderMove": move,
    },
}

"""Goods on their way: fulfilments made, numbered (also later), reported on by the carrier, undone.

Source: fulfillmentCreate, fulfillmentTrackingInfoUpdate and fulfillmentCancel in the official
schema; what a cancelled fulfilment does to its work: shopify.dev, fulfillmentCancel, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from integrations.sandbox.shopify.orders import building, states
from integrations.sandbox.shopify.orders.fulfillment_models import (
    Fulfillment,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Tracking,
)
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch

FULFILLABLE = frozenset({"OPEN", "IN_PROGRESS"})
Pick = tuple[FulfillmentOrder, Sequence[tuple[FulfillmentOrderLine, int]]]

# The first is as Shopify's own sample of fulfillments/create has it; the others are the carriers'.
_LINKS = {
    "UPS": "https://www.ups.com/WebTracking?loc=en_US&requester=ST&trackNums={}",
    "FedEx": "https://www.fedex.com/fedextrack/?trknbr={}",
    "USPS": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "DHL Express": "https://www.dhl.com/en/express/tracking.html?AWB={}",
}


def everything(work: FulfillmentOrder) -> Pick:
    return work, [(row, row.remaining) for row in work.lines if row.remaining]


def ship(
    hand: Hand, order: Order, picks: Sequence[Pick], tracking: Sequence[Tracking] = ()
) -> Fulfillment:
    """One parcel from one place. Raises Impossible."""
    _check(order, picks)
    parcel = Fulfillment(
        id=hand.number("Fulfillment"),
        order_id=order.id,
        place=len(order.fulfillments) + 1,
        location_id=picks[0][0].location_id,
        status="SUCCESS",
        created_at=hand.now,
        updated_at=hand.now,
        tracking=list(tracking),
    )
    for work, rows in picks:
        for row, quantity in rows:
            row.remaining -= quantity
            number = hand.number("FulfillmentLineItem")
            parcel.lines.append(
                FulfillmentLine(number, order.id, row.line_item_id, work.id, quantity)
            )
            hand.ship(order.line(row.line_item_id), work.location_id, quantity)
        work.status = "IN_PROGRESS" if work.remaining else "CLOSED"
        work.updated_at = hand.now
    order.fulfillments.append(parcel)
    hand.tell("fulfillments/create", parcel.id)
    touch(hand, order)
    is_whole = states.fulfillment(order) == "FULFILLED"
    hand.tell("orders/fulfilled" if is_whole else "orders/partially_fulfilled", order.id)
    return parcel


def _check(order: Order, picks: Sequence[Pick]) -> None:
    if order.cancelled_at is not None:
        raise Impossible("The order is cancelled and cannot be fulfilled.")
    if len({work.location_id for work, _ in picks}) > 1:
        raise Impossible("All fulfillment orders must be assigned to the same location.")
    for work, rows in picks:
        if work.status not in FULFILLABLE:
            raise Impossible(
                f"Fulfillment order {work.id} has an unfulfillable status= {work.status.lower()}."
            )
        if not rows or any(not 0 < quantity <= row.remaining for row, quantity in rows):
            raise Impossible("Invalid fulfillment order line item quantity requested.")


def track(hand: Hand, order: Order, parcel: Fulfillment, tracking: Sequence[Tracking]) -> None:
    """Raises Impossible."""
    if parcel.status == "CANCELLED":
        raise Impossible("The fulfillment is cancelled.", "fulfillmentId")
    parcel.tracking = list(tracking)
    _told(hand, order, parcel)


def report(hand: Hand, order: Order, parcel: Fulfillment, shipment: str) -> None:
    """The carrier's word, a FulfillmentDisplayStatus."""
    parcel.shipment = shipment
    if shipment == "IN_TRANSIT":
        parcel.in_transit_at = hand.now
    if shipment == "DELIVERED":
        parcel.delivered_at = hand.now
    _told(hand, order, parcel)


def cancel(hand: Hand, order: Order, parcel: Fulfillment) -> None:
    """Work that was done stays closed and is replaced; work half done gets its units back. Raises
    Impossible.
    """
    if parcel.status == "CANCELLED":
        raise Impossible("The fulfillment is already cancelled.", "id")
    if order.returns and any(one.status in ("OPEN", "REQUESTED") for one in order.returns):
        raise Impossible("The fulfillment has open returns.", "id")
    parcel.status = "CANCELLED"
    for row in parcel.lines:
        work = order.fulfillment_order(row.fulfillment_order_id)
        line = order.line(row.line_item_id)
        hand.restock(line, work.location_id, row.quantity)
        if work.status == "CLOSED":
            building.add_work(hand, order, line, row.quantity, work.location_id, work.delivery)
            continue
        place = next(one for one in work.lines if one.line_item_id == line.id)
        place.remaining += row.quantity
        hand.commit(line, work.location_id, row.quantity)
        if all(one.remaining == one.total for one in work.lines) and work.status != "ON_HOLD":
            work.status = "OPEN"
        work.updated_at = hand.now
    _told(hand, order, parcel)


def _told(hand: Hand, order: Order, parcel: Fulfillment) -> None:
    parcel.updated_at = hand.now
    hand.tell("fulfillments/update", parcel.id)
    touch(hand, order)


def numbered(
    company: str | None, numbers: Sequence[str], urls: Sequence[str] = ()
) -> list[Tracking]:
    """Numbers and links side by side; a known carrier's link is made where none is given."""
    rows = []
    for place in range(max(len(numbers), len(urls))):
        number = numbers[place] if place < len(numbers) else None
        url = urls[place] if place < len(urls) else _link(company, number)
        rows.append(Tracking(company, number, url))
    if not rows and company:
        rows.append(Tracking(company))
    return rows


def _link(company: str | None, number: str | None) -> str | None:
    template = _LINKS.get(company or "")
    return template.format(quote(number)) if template and number else None

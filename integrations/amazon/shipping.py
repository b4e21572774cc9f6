"""Telling Amazon about a parcel, once: look first, confirm, and look whether it was kept.

A parcel is known by a number that comes of our own reference: told again it is the same parcel's
correction. Amazon may answer 204 and drop a parcel, so nothing is believed that is not shown
(https://github.com/amzn/selling-partner-api-models/issues/5232). Source: the model ``ordersV0``,
confirmShipment; that the number is sent as text: …-models/issues/5094.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from integrations.amazon import mapper, shapes
from integrations.amazon.carriers import code_of, from_carrier
from integrations.amazon.client import PARCEL_DATA, AmazonClient
from integrations.amazon.orders import raw_order
from integrations.amazon.refusals import ALREADY_FULFILLED
from integrations.amazon.values import as_iso, moment
from integrations.errors import OutcomeUnknown, Rejected
from orders.data import ShipmentData

_NO_TRACKING = (
    "Amazon takes no parcel without a tracking number. Enter the number, or confirm the parcel in "
    "Seller Central."
)
_NO_CARRIER = "Amazon wants to know who carries a parcel. Enter its carrier."
_BY_AMAZON = "Amazon sends this order from its own warehouse and tells of its parcels itself."
_NOT_PAID = "The buyer's payment is not through yet. Amazon takes parcels of this order after that."
_CANCELLED = "The order was cancelled at Amazon. Nothing is to be sent."
_CANNOT = "Amazon says that this order cannot be sent."
_NOT_SHOWN = (
    "Amazon took the parcel and does not show it yet. Logix looks again; if it stays so, Amazon "
    "does not know the carrier's name."
)
# Parcels that were made in Seller Central, and those of a file, are counted from 1.
_FIRST_OF_OURS = 100_000_000
_REFUSED = {
    "PENDING": ("not_paid", _NOT_PAID),
    "PENDING_AVAILABILITY": ("not_paid", _NOT_PAID),
    "CANCELLED": ("cancelled_at_store", _CANCELLED),
    "UNFULFILLABLE": ("unfulfillable", _CANNOT),
}


def tell(client: AmazonClient, order_id: str, shipment: ShipmentData) -> bool:
    """True when Amazon was told, False when it knew the parcel so already, or all has left. Raises
    Rejected in words, OutcomeUnknown while Amazon does not show what it took.
    """
    if not shipment.tracking_number.strip():
        raise Rejected(_NO_TRACKING, code="no_tracking_number")
    if not shipment.carrier.strip():
        raise Rejected(_NO_CARRIER, code="no_carrier")
    order = _look(client, order_id)
    if _is_told(order, shipment):
        return False
    known = _ours(order, shipment)
    _check(order)
    items = _items(order, shipment)
    if not items or (known is None and not any(_open(item) for item in order.order_items)):
        # All of it has left by parcels that somebody told Amazon of.
        return False
    reference = known.package_reference_id if known else number_of(shipment.reference)
    try:
        client.confirm_shipment(order_id, _body(order, shipment, reference, items))
    except Rejected as err:
        if err.code != ALREADY_FULFILLED:
            raise
        return _was_done(_look(client, order_id), shipment, err)
    if not _is_told(_look(client, order_id), shipment):
        raise OutcomeUnknown(_NOT_SHOWN, code="not_shown")
    return True


def number_of(reference: str) -> str:
    """The number by which Amazon knows the parcel of a reference of ours: the same one always, of
    at most nine digits, and never that of a parcel made in Seller Central, which counts from 1.
    """
    digest = int.from_bytes(hashlib.sha256(reference.encode()).digest()[:8])
    return str(_FIRST_OF_OURS + digest % 900_000_000)


def _look(client: AmazonClient, order_id: str) -> shapes.Order:
    return shapes.decode(raw_order(client, order_id, PARCEL_DATA), shapes.Order)


def _is_told(order: shapes.Order, shipment: ShipmentData) -> bool:
    """Whether Amazon shows the parcel as it is: ours, or one that somebody else told. Of two
    parcels with the same tracking and content one is not the other.
    """
    known = _ours(order, shipment)
    if known is not None:
        return _says_same(known, shipment)
    others = (x for x in order.packages if not _is_ours(x.package_reference_id))
    return any(_says_same(package, shipment) for package in others)


def _ours(order: shapes.Order, shipment: ShipmentData) -> shapes.Package | None:
    """By its number, or by the one Amazon gave it when a file told of it."""
    by_number = {package.package_reference_id: package for package in order.packages}
    numbers = (number_of(shipment.reference), shipment.external_id)
    return next((by_number[number] for number in numbers if number in by_number), None)


def _is_ours(number: str) -> bool:
    return number.isdecimal() and int(number) >= _FIRST_OF_OURS


def _says_same(package: shapes.Package, shipment: ShipmentData) -> bool:
    """A carrier that Amazon shows by a name of its own is no difference."""
    shown = package.carrier or ""
    other = code_of(shown) not in (code_of(shipment.carrier), "Other")
    if _bare(package.tracking_number or "") != _bare(shipment.tracking_number) or other:
        return False
    wanted = {line.line_external_id: line.quantity for line in shipment.lines}
    return not wanted or wanted == {x.order_item_id: x.quantity for x in package.package_items}


def _bare(tracking: str) -> str:
    return "".join(tracking.split()).upper()


def _check(order: shapes.Order) -> None:
    told = order.fulfillment or shapes.Fulfillment()
    if mapper.is_amazons(told.fulfilled_by):
        raise Rejected(_BY_AMAZON, code="kept_by_amazon")
    if refused := _REFUSED.get(mapper.status_word(told.fulfillment_status)):
        code, sentence = refused
        raise Rejected(sentence, code=code)


def _items(order: shapes.Order, shipment: ShipmentData) -> dict[str, int]:
    """Units by item: those of the parcel, or all that is left where it names none."""
    if shipment.lines:
        return {line.line_external_id: line.quantity for line in shipment.lines}
    return {x.order_item_id: _open(x) for x in order.order_items if _open(x)}


def _open(item: shapes.OrderItem) -> int:
    told = item.fulfillment
    left = told.quantity_unfulfilled if told else None
    return item.quantity_ordered if left is None else left


def _body(
    order: shapes.Order, shipment: ShipmentData, reference: str, items: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "marketplaceId": order.sales_channel.marketplace_id or "",
        "packageDetail": {
            "packageReferenceId": reference,
            **from_carrier(shipment.carrier),
            "trackingNumber": shipment.tracking_number.strip(),
            "shipDate": as_iso(ship_date(moment(order.created_time, "$.createdTime"), shipment)),
            "orderItems": [
                {"orderItemId": item, "quantity": quantity} for item, quantity in items.items()
            ],
        },
    }


def ship_date(placed_at: datetime | None, shipment: ShipmentData) -> datetime:
    """Amazon refuses a date before the order or to come: clocks differ, and people type dates."""
    now = datetime.now(UTC)
    return max(placed_at or now, min(shipment.shipped_at or now, now))


def _was_done(order: shapes.Order, shipment: ShipmentData, err: Rejected) -> bool:
    """Amazon says that nothing is left to send: so it is, when it shows that."""
    if _is_told(order, shipment):
        return True
    if any(_open(item) for item in order.order_items):
        raise err
    return False

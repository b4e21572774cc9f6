"""Parcels: Shopify's fulfillments to ``ShipmentData``, and Logix's parcel to Shopify's input. Pure.

A fulfillment has no place for a reference of ours, so the order keeps a note of them: which
fulfillments belong to which of our parcels (metafield ``logix.parcels``, JSON).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from integrations.shopify import shapes
from integrations.shopify.values import moment, number_of, text, units
from orders.data import ShipmentData, ShipmentLineData

NAMESPACE, KEY = "logix", "parcels"
# The others never left, or came back: CANCELLED, ERROR, FAILURE.
_SENT = frozenset({"SUCCESS", "OPEN", "PENDING"})
DELIVERED = "DELIVERED"
# Fulfillment orders of which nothing is left to be sent.
_OVER = frozenset({"CLOSED", "CANCELLED"})
# Reference of ours → numbers of fulfillments.
Notes = Mapping[str, Sequence[str]]


def sent(found: Sequence[shapes.Fulfillment]) -> list[shapes.Fulfillment]:
    return [told for told in found if is_sent(told)]


def is_sent(told: shapes.Fulfillment) -> bool:
    return told.status in _SENT


def to_shipments(
    found: Sequence[shapes.Fulfillment], noted: shapes.Value | None, path: str = "$.fulfillments"
) -> tuple[ShipmentData, ...]:
    """Oldest first; what was taken back, or never left, is cancelled. Raises ContractBroken."""
    references = {number: ref for ref, numbers in read_notes(noted).items() for number in numbers}
    parcels = (
        _shipment(told, references.get(told.legacy_resource_id, ""), f"{path}[{place}]")
        for place, told in enumerate(found)
    )
    return tuple(sorted(parcels, key=lambda parcel: int(parcel.external_id)))


def is_delivered(found: Sequence[shapes.Fulfillment]) -> bool:
    there = sent(found)
    return bool(there) and all(told.display_status == DELIVERED for told in there)


def read_notes(noted: shapes.Value | None) -> dict[str, list[str]]:
    """What the order's note says; one that somebody spoilt says nothing."""
    if noted is None or not noted.value:
        return {}
    try:
        return msgspec.json.decode(noted.value, type=dict[str, list[str]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def write_notes(notes: Notes) -> str:
    return msgspec.json.encode(notes, order="sorted").decode()


def units_in(found: Sequence[shapes.Fulfillment]) -> Counter[str]:
    """Units by the number of their line."""
    units: Counter[str] = Counter()
    for told in found:
        for line in told.fulfillment_line_items.nodes:
            units[number_of(line.line_item.id)] += line.quantity or 0
    return units


def is_over(told: shapes.FulfillmentOrder) -> bool:
    return told.status in _OVER


def assigned(order: shapes.Order) -> dict[str, dict[str, int]]:
    """Units still to be sent by the number of the location they are to leave from, by the global id
    of their line. {} where that was not asked for. Raises ContractBroken.
    """
    found: dict[str, dict[str, int]] = {}
    for told in order.fulfillment_orders.nodes if order.fulfillment_orders else ():
        where = told.assigned_location.location
        if is_over(told) or where is None:
            continue
        for line in told.line_items.nodes:
            if left := units(line.remaining_quantity, "$.fulfillmentOrders"):
                at = found.setdefault(line.line_item.id, {})
                at[where.legacy_resource_id] = at.get(where.legacy_resource_id, 0) + left
    return found


def to_tracking(shipment: ShipmentData) -> dict[str, Any] | None:
    """FulfillmentTrackingInput; None for a parcel without a number. A carrier whose name Shopify
    knows gets its link by itself.
    """
    if not (shipment.tracking_number or shipment.tracking_url):
        return None
    told = {
        "company": shipment.carrier,
        "number": shipment.tracking_number,
        "url": shipment.tracking_url,
    }
    return {name: value for name, value in told.items() if value}


def shows(told: shapes.Fulfillment, shipment: ShipmentData) -> bool:
    """Whether a fulfillment shows the parcel's tracking already. A link is Shopify's to make where
    we gave none.
    """
    there = _tracking(told)
    return (
        there.tracking_number == shipment.tracking_number
        and (not shipment.tracking_number or there.carrier == shipment.carrier)
        and (not shipment.tracking_url or there.tracking_url == shipment.tracking_url)
    )


def _shipment(told: shapes.Fulfillment, reference: str, path: str) -> ShipmentData:
    tracking = _tracking(told)
    lines = told.fulfillment_line_items.nodes
    return ShipmentData(
        external_id=told.legacy_resource_id,
        reference=reference,
        external_location_id=told.location.legacy_resource_id if told.location else "",
        carrier=tracking.carrier,
        tracking_number=tracking.tracking_number,
        tracking_url=tracking.tracking_url,
        shipped_at=moment(told.created_at, f"{path}.createdAt"),
        lines=tuple(
            ShipmentLineData(
                line_external_id=number_of(line.line_item.id, f"{path}.lineItem.id"),
                quantity=line.quantity or 0,
            )
            for line in lines
        ),
        cancelled=not is_sent(told),
    )


def _tracking(told: shapes.Fulfillment) -> ShipmentData:
    """A fulfillment may have several numbers; a parcel shows them in one place."""
    found = told.tracking_info
    numbers = [text(x.number, 100) for x in found if x.number]
    return ShipmentData(
        carrier=next((text(x.company, 80) for x in found if x.company), ""),
        tracking_number=", ".join(numbers),
        tracking_url=next((text(x.url, 500) for x in found if x.url), ""),
    )

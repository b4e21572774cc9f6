"""Parcels in WooCommerce, at whichever of four places a store keeps them. Pure.

``fulfillments``        core since 10.1, behind a feature flag: /orders/{id}/fulfillments
``shipment_tracking``   the official plugin: /wc-shipment-tracking/v3/orders/{id}/shipment-trackings
``ast``                 Advanced Shipment Tracking: /wc-ast/v3/orders/{id}/shipment-trackings
``notes``               none of them: a note to the customer

Besides, what Logix told is remembered in meta data of the order's own, except where fulfilments
hold it. Sources: woocommerce/woocommerce docs/features/fulfillments/rest-api.md (the code reads
``_shipment_provider``); https://woocommerce.com/document/shipment-tracking/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from integrations.errors import Rejected
from integrations.woocommerce.shapes import Meta
from integrations.woocommerce.values import meta_value, number_of, text
from orders.data import ShipmentData, ShipmentLineData

PLUGIN_META = "_wc_shipment_tracking_items"
OWN_META = "_logix_shipments"
REFERENCE = "_logix_reference"
# Keys of a fulfilment that Logix writes; the rest belongs to others and is handed back unchanged.
_OURS = ("_items", "_tracking_number", "_shipment_provider", "_tracking_url", REFERENCE)


class Level(StrEnum):
    FULFILLMENTS = "fulfillments"
    SHIPMENT_TRACKING = "shipment_tracking"
    AST = "ast"
    NOTES = "notes"


def to_shipments(
    meta: Iterable[Meta], fulfillments: Sequence[ShipmentData] | None = None
) -> tuple[ShipmentData, ...] | None:
    """Parcels of an order: its fulfilments where they were asked for, and what its meta data shows.

    None where the answer cannot tell: nothing is recorded in it, and there may be other places.
    """
    meta = tuple(meta)
    found = list(fulfillments or ())
    known = {p.tracking_number for p in found if p.tracking_number}
    named = {p.reference for p in found if p.reference}
    for parcel in map(to_shipment, own_rows(meta)):
        if parcel.tracking_number not in known and parcel.reference not in named:
            found.append(parcel)
    known |= {p.tracking_number for p in found if p.tracking_number}
    plugin = meta_value(meta, PLUGIN_META)
    for row in plugin if isinstance(plugin, list) else ():
        other = _plugin(row) if isinstance(row, dict) else None
        if other is not None and other.tracking_number not in known:
            found.append(other)
    return tuple(found) if found or fulfillments is not None else None


def own_rows(meta: Iterable[Meta]) -> list[dict[str, Any]]:
    """What Logix noted about the parcels it told the store of."""
    noted = meta_value(meta, OWN_META)
    return [row for row in noted if isinstance(row, dict)] if isinstance(noted, list) else []


def from_shipment(shipment: ShipmentData) -> dict[str, Any]:
    """Our own note of a parcel."""
    return {
        "reference": shipment.reference,
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "shipped_at": shipment.shipped_at.isoformat() if shipment.shipped_at else "",
        "items": [{"line": x.line_external_id, "qty": x.quantity} for x in shipment.lines],
    }


def to_fulfillment_body(
    shipment: ShipmentData, others: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Body of POST and PUT. A PUT replaces all meta data, so ``others``, rows of the present entry,
    are sent again where they are not ours; the items too where the parcel does not name any. Raises
    Rejected for lines that are not WooCommerce's.
    """
    meta: dict[str, Any] = {
        "_items": [
            {"item_id": _line_id(x.line_external_id), "qty": x.quantity} for x in shipment.lines
        ],
        "_tracking_number": shipment.tracking_number,
        "_shipment_provider": shipment.carrier,
        "_tracking_url": shipment.tracking_url,
        REFERENCE: shipment.reference,
    }
    ours = _OURS if shipment.lines else _OURS[1:]
    kept = [
        {"key": row["key"], "value": row.get("value")}
        for row in others
        if row.get("key") not in (None, *ours)
    ]
    return {
        "status": "fulfilled",
        "is_fulfilled": True,
        "meta_data": [{"key": k, "value": v} for k, v in meta.items() if v] + kept,
    }


def to_fulfillment(row: Mapping[str, Any]) -> ShipmentData:
    """One entry of ``/orders/{id}/fulfillments``."""
    meta = {m.get("key"): m.get("value") for m in meta_rows(row)}
    return ShipmentData(
        external_id=str(row.get("id", "")),
        reference=text(meta.get(REFERENCE), 64),
        carrier=text(meta.get("_shipment_provider") or meta.get("_shipping_provider"), 80),
        tracking_number=text(meta.get("_tracking_number"), 120),
        tracking_url=text(meta.get("_tracking_url"), 500),
        shipped_at=_time(row.get("date_fulfilled")),
        lines=_lines(meta.get("_items"), "item_id"),
    )


def meta_rows(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Meta data of a fulfilment."""
    found = row.get("meta_data")
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def to_plugin_body(shipment: ShipmentData, level: Level) -> dict[str, Any]:
    when = shipment.shipped_at or datetime.now(UTC)
    body: dict[str, Any] = {
        "tracking_number": shipment.tracking_number,
        "date_shipped": when.strftime("%Y-%m-%d"),
    }
    if level is Level.AST:
        # 0: the order's status stays as it is; it follows by a call of its own.
        return {**body, "tracking_provider": shipment.carrier, "status_shipped": 0}
    return {
        **body,
        "custom_tracking_provider": shipment.carrier,
        "custom_tracking_link": shipment.tracking_url,
    }


def note_text(shipment: ShipmentData) -> str:
    """What the customer reads where the store has nothing better."""
    if not shipment.tracking_number:
        return "Your order is on its way."
    by = f" with {shipment.carrier}" if shipment.carrier else ""
    link = f" {shipment.tracking_url}" if shipment.tracking_url else ""
    return f"Your order is on its way{by}. Tracking number: {shipment.tracking_number}.{link}"


def taken_back_text(shipment: ShipmentData) -> str:
    """What is said where a note said before that it is on its way."""
    if not shipment.tracking_number:
        return f"Parcel {shipment.reference} is not on its way: it was taken back."
    number = shipment.tracking_number
    return f"The parcel with tracking number {number} is not on its way: it was taken back."


def to_shipment(row: Mapping[str, Any]) -> ShipmentData:
    """A parcel as our own note has it."""
    return ShipmentData(
        reference=text(row.get("reference"), 64),
        carrier=text(row.get("carrier"), 80),
        tracking_number=text(row.get("tracking_number"), 120),
        tracking_url=text(row.get("tracking_url"), 500),
        shipped_at=_time(row.get("shipped_at")),
        lines=_lines(row.get("items"), "line"),
    )


def _plugin(row: Mapping[str, Any]) -> ShipmentData:
    carrier = row.get("tracking_provider") or row.get("custom_tracking_provider")
    return ShipmentData(
        external_id=text(row.get("tracking_id"), 128),
        carrier=text(carrier, 80),
        tracking_number=text(row.get("tracking_number"), 120),
        tracking_url=text(row.get("custom_tracking_link"), 500),
        shipped_at=_time(row.get("date_shipped")),
    )


def _lines(items: Any, id_key: str) -> tuple[ShipmentLineData, ...]:
    """Rows that name a line and a whole number of units; other rows say nothing we could count."""
    found = []
    for item in items if isinstance(items, list) else ():
        count = number_of(item.get("qty")) if isinstance(item, dict) else None
        if count is not None and count > 0 and count == int(count) and item.get(id_key):
            found.append(
                ShipmentLineData(line_external_id=text(item[id_key], 128), quantity=int(count))
            )
    return tuple(found)


def _line_id(external_id: str) -> int:
    if not (external_id.isascii() and external_id.isdigit()):
        raise Rejected(f"“{external_id[:40]}” is not a line of a WooCommerce order.")
    return int(external_id)


def _time(value: Any) -> datetime | None:
    """Unix seconds (the plugin), a date, or ISO; None for what cannot be read: it is only shown."""
    try:
        if str(value).isdigit():
            return datetime.fromtimestamp(int(value), tz=UTC)
        when = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)

"""Telling a store about a parcel, once: look first, then write at the level the store has; when its
tracking comes late or changes, correct what is there; when it is taken back, remove it wherever it
is shown.
"""

from __future__ import annotations

import html
import re
from typing import Any

from integrations.errors import Rejected, Unavailable
from integrations.woocommerce import shapes
from integrations.woocommerce import tracking as words
from integrations.woocommerce.access import NO_ROUTE
from integrations.woocommerce.client import WooClient
from integrations.woocommerce.features import NAMESPACES
from integrations.woocommerce.mapper import GONE
from integrations.woocommerce.tracking import Level
from orders.data import ShipmentData

_TAG = re.compile(r"<[^>]*>")


def tell(client: WooClient, level: Level, order_id: str, shipment: ShipmentData) -> bool:
    """True when the store was changed, False when it knew the parcel already with this tracking.

    Where the level's feature or plugin was switched off since it was found, the customer gets a
    note. Raises Rejected for an order in the trash.
    """
    try:
        return _tell(client, level, order_id, shipment)
    except Unavailable as err:
        if err.code != NO_ROUTE or level is Level.NOTES:
            raise
    return _tell(client, Level.NOTES, order_id, shipment)


def take_back(client: WooClient, level: Level, order_id: str, shipment: ShipmentData) -> bool:
    """True when the store showed the parcel, False when it does not any more. Where a note says
    that it is on its way another says that it is not, to the customer if they read the first.
    Raises Rejected for an order in the trash.
    """
    order = live(client, order_id)
    changed = level is Level.FULFILLMENTS and _unfulfill(client, order_id, shipment)
    noted = words.own_rows(shapes.rows(order.meta_data, "$.meta_data"))
    known = next((row for row in noted if _is(row, shipment)), None)
    number = (known or {}).get("tracking_number") or shipment.tracking_number
    if level in NAMESPACES and number and not _in_another(noted, known, number):
        changed = _untrack(client, NAMESPACES[level], order_id, number) or changed
    shown = words.to_shipment(known) if known else shipment
    # A note whose answer was lost is there without our row.
    if known or shipment.lines:
        changed = _note_back(client, order_id, shown, shipment.notify_customer) or changed
    if known is None:
        return changed
    # Last: if an answer is lost before this, the next try finds the parcel by its row.
    rest = [other for other in noted if other is not known]
    client.update_order(order_id, {"meta_data": [{"key": words.OWN_META, "value": rest}]})
    return True


def _tell(client: WooClient, level: Level, order_id: str, shipment: ShipmentData) -> bool:
    order = live(client, order_id)
    if level is Level.FULFILLMENTS:
        return _fulfillment(client, order_id, shipment)
    noted = words.own_rows(shapes.rows(order.meta_data, "$.meta_data"))
    known = next((row for row in noted if _is(row, shipment)), None)
    row = words.from_shipment(shipment)
    if known is not None and _shown(known) == _shown(row):
        return False
    if level is not Level.NOTES and shipment.tracking_number:
        _plugin(client, level, order_id, shipment, known)
    elif known is None or known.get("tracking_number", "") != shipment.tracking_number:
        # The customer hears of a parcel once, and again when its number comes or changes.
        text = words.note_text(shipment)
        _note_once(client, order_id, text, to_customer=shipment.notify_customer)
    # Last: if an answer is lost before this, the next try finds the parcel by its tracking.
    rest = [other for other in noted if other is not known]
    client.update_order(order_id, {"meta_data": [{"key": words.OWN_META, "value": [*rest, row]}]})
    return True


def _fulfillment(client: WooClient, order_id: str, shipment: ShipmentData) -> bool:
    for entry in client.fulfillments(order_id):
        there = words.to_fulfillment(entry)
        if not _same_parcel(there, shipment):
            continue
        if _tracking(there) == _tracking(shipment):
            return False
        body = words.to_fulfillment_body(shipment, words.meta_rows(entry))
        notify = shipment.notify_customer
        client.update_fulfillment(order_id, there.external_id, body, notify=notify)
        return True
    body = words.to_fulfillment_body(shipment)
    client.add_fulfillment(order_id, body, notify=shipment.notify_customer)
    return True


def _unfulfill(client: WooClient, order_id: str, shipment: ShipmentData) -> bool:
    """Whether the store had it. Nothing is removed where the feature was switched off since."""
    try:
        listed = [words.to_fulfillment(entry) for entry in client.fulfillments(order_id)]
    except Unavailable as err:
        if err.code != NO_ROUTE:
            raise
        return False
    found = [there for there in listed if _same_parcel(there, shipment)]
    for there in found:
        notify = shipment.notify_customer
        client.delete_fulfillment(order_id, there.external_id, notify=notify)
    return bool(found)


def _untrack(client: WooClient, namespace: str, order_id: str, number: str) -> bool:
    try:
        listed = client.trackings(namespace, order_id)
    except Unavailable as err:
        if err.code != NO_ROUTE:
            raise
        return False
    found = [row for row in listed if row.get("tracking_number") == number]
    for row in found:
        client.delete_tracking(namespace, order_id, str(row.get("tracking_id", "")))
    return bool(found)


def _note_back(client: WooClient, order_id: str, shown: ShipmentData, notify: bool) -> bool:
    said, text = words.note_text(shown), words.taken_back_text(shown)
    if not is_noted(client, order_id, said, to_customer=False):
        return False
    to_customer = notify and is_noted(client, order_id, said, to_customer=True)
    if is_noted(client, order_id, text, to_customer=to_customer):
        return False
    client.add_note(order_id, text, to_customer=to_customer)
    return True


def _in_another(noted: list[dict[str, Any]], known: dict[str, Any] | None, number: str) -> bool:
    """Whether another parcel goes under the same number: its entry stays."""
    return any(row is not known and row.get("tracking_number") == number for row in noted)


def _plugin(
    client: WooClient,
    level: Level,
    order_id: str,
    shipment: ShipmentData,
    known: dict[str, Any] | None,
) -> None:
    """The plugins cannot change an entry: the new one is added, then the outdated one removed."""
    namespace = NAMESPACES[level]
    listed = client.trackings(namespace, order_id)
    if not any(row.get("tracking_number") == shipment.tracking_number for row in listed):
        client.add_tracking(namespace, order_id, words.to_plugin_body(shipment, level))
    outdated = (known or {}).get("tracking_number", "")
    if not outdated or outdated == shipment.tracking_number:
        return
    for row in listed:
        if row.get("tracking_number") == outdated:
            client.delete_tracking(namespace, order_id, str(row.get("tracking_id", "")))


def _note_once(client: WooClient, order_id: str, note: str, *, to_customer: bool) -> None:
    if not is_noted(client, order_id, note, to_customer=to_customer):
        client.add_note(order_id, note, to_customer=to_customer)


def live(client: WooClient, order_id: str) -> shapes.Order:
    """The order as it is now, to be written to. Raises Rejected for one in the trash: a write would
    take it out, or tell a customer of an order that somebody threw away.
    """
    order = shapes.decode(client.order(order_id).body, shapes.Order)
    if order.status == GONE:
        raise Rejected(
            "The order lies in the store's trash. Restore it there, or settle it here.",
            code="in_trash",
        )
    return order


def is_noted(client: WooClient, order_id: str, note: str, *, to_customer: bool) -> bool:
    """Whether the order has this note; one for the staff does not tell the customer."""
    wanted = _bare(note)
    return any(
        _bare(str(row.get("note", ""))) == wanted
        for row in client.notes(order_id)
        if row.get("customer_note") or not to_customer
    )


def _bare(note: str) -> str:
    """A note as it survives WordPress: wp_insert_comment takes backslashes away, plugins change
    entities, tags and blanks.
    """
    return " ".join(_TAG.sub(" ", html.unescape(note.replace("\\", ""))).split())


def _same_parcel(there: ShipmentData, shipment: ShipmentData) -> bool:
    """Ours by its reference, or one that somebody else entered with the same number."""
    if there.reference:
        return there.reference == shipment.reference
    return bool(shipment.tracking_number) and there.tracking_number == shipment.tracking_number


def _is(row: dict[str, Any], shipment: ShipmentData) -> bool:
    return bool(shipment.reference) and row.get("reference") == shipment.reference


def _tracking(parcel: ShipmentData) -> tuple[str, str, str]:
    return parcel.carrier, parcel.tracking_number, parcel.tracking_url


def _shown(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(k, "")) for k in ("carrier", "tracking_number", "tracking_url"))

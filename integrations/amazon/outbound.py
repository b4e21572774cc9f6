"""Multi-channel fulfilment: Amazon sends an order of another store from its own warehouses, once.

An order there bears our reference as its id, so it is looked for before it is made, and again where
Amazon refuses to make it. References have neither blanks nor a plus, which Amazon mistakes in
addresses (https://github.com/amzn/selling-partner-api-models/issues/1845 and …/5374). Source: the
model ``fulfillmentOutbound_2020-07-01``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from integrations.amazon import outbound_shapes as shapes
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.marketplaces import MARKETPLACES
from integrations.amazon.shapes import decode
from integrations.amazon.values import as_iso, moment, text
from integrations.errors import ContractBroken, NotFound, OutcomeUnknown, Rejected
from orders.data import Address
from orders.data_outside import OutsideNews, OutsideOrder, OutsideParcel, Progress, Speed

SPEEDS = {
    Speed.STANDARD: "Standard",
    Speed.EXPEDITED: "Expedited",
    Speed.PRIORITY: "Priority",
}
# By the word without its underlines, in capitals: an older model wrote COMPLETE_PARTIALLED.
_PROGRESS = {
    "NEW": Progress.ACCEPTED,
    "RECEIVED": Progress.ACCEPTED,
    "PLANNING": Progress.ACCEPTED,
    "PROCESSING": Progress.SENDING,
    "COMPLETE": Progress.SENT,
    "COMPLETEPARTIALLED": Progress.PARTLY_SENT,
    "UNFULFILLABLE": Progress.REFUSED,
    "INVALID": Progress.REFUSED,
    "CANCELLED": Progress.CANCELLED,
}
_SHIPPED = "SHIPPED"
_REASONS = {
    "UNFULFILLABLE": "Amazon found no units of it that can be sold.",
    "INVALID": "Amazon cannot send it: the address is not valid, or too few units are there.",
    "COMPLETEPARTIALLED": "Amazon could not find the rest, or it was called off.",
}
_TOO_LATE = "Amazon is picking it already, so it cannot be called off any more."
_HAS_LEFT = "It has left Amazon's warehouse."
_NOT_SHOWN = "Amazon was asked to call it off and does not show it yet. Logix looks again."
# All or nothing, as far as Amazon knows beforehand: the buyer gets one delivery, from one side.
_POLICY = "FillOrKill"
_SHORTEST_HIDDEN = 4


def request(client: AmazonClient, account: Account, order: OutsideOrder) -> bool:
    """True when Amazon was asked to send it, False when it had been before."""
    if _look(client, order.reference) is not None:
        return False
    try:
        with unrepeated(client, order.address):
            client.create_outbound(_body(account, order))
    except Rejected:
        # It is refused, too, when another call made it a moment ago.
        if _look(client, order.reference) is None:
            raise
    return True


def read(client: AmazonClient, reference: str) -> OutsideNews:
    told = decode(client.outbound_order(reference).body, shapes.OrderAnswer).payload
    return to_news(told)


def cancel(client: AmazonClient, reference: str) -> bool:
    """True when it is called off now, False when it had been, or never will leave. As long as
    nothing is picked it is tried again: Amazon refuses it in the first minute as well.
    """
    if _never_leaves(read(client, reference)):
        return False
    trouble: Rejected | None = None
    try:
        client.cancel_outbound(reference)
    except Rejected as err:
        trouble = err
    news = read(client, reference)
    if _never_leaves(news):
        return True
    if news.progress is Progress.ACCEPTED:
        raise OutcomeUnknown(trouble.message if trouble else _NOT_SHOWN, code="not_called_off")
    raise Rejected(_HAS_LEFT if news.parcels else _TOO_LATE, code="too_late") from trouble


def _never_leaves(news: OutsideNews) -> bool:
    return news.progress in (Progress.CANCELLED, Progress.REFUSED) and not news.parcels


def to_news(told: shapes.Order) -> OutsideNews:
    """Raises ContractBroken for a status that nobody announced."""
    raw = text(told.fulfillment_order.fulfillment_order_status, 40)
    word = _bare(raw)
    if word not in _PROGRESS:
        raise ContractBroken(
            f"Amazon says “{raw}” of an order that it sends, which is not known here.",
            path="$.payload.fulfillmentOrder.fulfillmentOrderStatus",
            code="unknown_status",
        )
    lost = (
        (item.seller_fulfillment_order_item_id, _count(item))
        for item in told.fulfillment_order_items
    )
    return OutsideNews(
        reference=told.fulfillment_order.seller_fulfillment_order_id,
        progress=_PROGRESS[word],
        raw_status=raw,
        parcels=tuple(parcel for one in told.fulfillment_shipments for parcel in _parcels(one)),
        lost=tuple((key, count) for key, count in lost if count),
        reason=_REASONS.get(word, ""),
    )


def from_address(address: Address) -> dict[str, str]:
    """A company stands where a line is free. In Japan the city is part of the first line; Amazon
    wants no city there.
    """
    lines = [address.line1, address.line2]
    if address.company and address.name:
        lines.append(address.company)
    first, *others = [line for line in lines if line]
    is_japan = address.country == "JP"
    told = {
        "name": address.name or address.company,
        "addressLine1": f"{address.city} {first}".strip() if is_japan else first,
        **{f"addressLine{place}": line for place, line in enumerate(others, 2)},
        "city": "" if is_japan else address.city,
        "stateOrRegion": address.region,
        "postalCode": address.postcode,
        "countryCode": address.country,
        "phone": address.phone,
    }
    needed = ("name", "addressLine1", "postalCode", "countryCode")
    return {name: value for name, value in told.items() if value or name in needed}


def _body(account: Account, order: OutsideOrder) -> dict[str, Any]:
    """The buyer hears of the parcel from his own store, so Amazon is given no e-mail address."""
    number = shown_number(order.number)
    return {
        "marketplaceId": marketplace(account, order.address),
        "sellerFulfillmentOrderId": order.reference,
        "displayableOrderId": number or order.reference,
        "displayableOrderDate": as_iso(order.placed_at),
        "displayableOrderComment": number or order.reference,
        "shippingSpeedCategory": SPEEDS[order.speed or Speed.STANDARD],
        "fulfillmentAction": "Ship",
        "fulfillmentPolicy": _POLICY,
        "destinationAddress": from_address(order.address),
        "items": items(order),
    }


def shown_number(number: str) -> str:
    """As a packing slip may show it: ISO 8859-1, no two blanks in a row, at most 40 letters."""
    plain = number.encode("latin-1", "ignore").decode("latin-1")
    return " ".join(plain.split())[:40].strip()


def items(order: OutsideOrder) -> list[dict[str, Any]]:
    return [
        {
            "sellerSku": line.sku,
            "sellerFulfillmentOrderItemId": line.key,
            "quantity": line.quantity,
        }
        for line in order.lines
    ]


def marketplace(account: Account, address: Address) -> str:
    """That of the country it goes to, where it is connected, else the first."""
    for place in account.places:
        known = MARKETPLACES.get(place)
        if known and known.country == address.country:
            return place
    return account.places[0]


@contextmanager
def unrepeated(client: AmazonClient, address: Address) -> Iterator[None]:
    """What Amazon says when it refuses does not bring the buyer's address into our records."""
    told = {**asdict(address), "country": "", "region": ""}.values()
    hidden = client.http.hidden
    client.http.hidden = (*hidden, *(x for x in told if len(x) >= _SHORTEST_HIDDEN))
    try:
        yield
    finally:
        client.http.hidden = hidden


def _look(client: AmazonClient, reference: str) -> OutsideNews | None:
    try:
        return read(client, reference)
    except NotFound:
        return None


def _count(item: shapes.Item) -> int:
    return item.cancelled_quantity + item.unfulfillable_quantity


def _parcels(told: shapes.Shipment) -> Iterator[OutsideParcel]:
    """One of each package. The first bears the shipment's own number: a shipment may be shown
    before its packages are. What names no package lies in the first.
    """
    if _bare(told.fulfillment_shipment_status) != _SHIPPED:
        return
    packages = sorted(told.fulfillment_shipment_package, key=lambda one: one.package_number)
    held: dict[int | None, dict[str, int]] = {one.package_number: {} for one in packages}
    held = held or {None: {}}
    for item in told.fulfillment_shipment_item:
        number = item.package_number if item.package_number in held else next(iter(held))
        key = item.seller_fulfillment_order_item_id
        held[number][key] = held[number].get(key, 0) + item.quantity
    by_number: Mapping[int | None, shapes.Package] = {x.package_number: x for x in packages}
    for place, (number, found) in enumerate(held.items()):
        package = by_number.get(number)
        tracking = package and (
            package.tracking_number or package.amazon_fulfillment_tracking_number
        )
        yield OutsideParcel(
            external_id=told.amazon_shipment_id + (f"-{number}" if place else ""),
            units=tuple(found.items()),
            carrier=text(package.carrier_code, 80) if package else "",
            tracking_number=text(tracking, 120),
            shipped_at=moment(told.shipping_date, "$.fulfillmentShipments[].shippingDate"),
        )


def _bare(word: str) -> str:
    return word.replace("_", "").upper()

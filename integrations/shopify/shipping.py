"""Telling a store about a parcel, once: look first, then make a fulfillment of what is left to
send; when its tracking comes late or changes, correct what is there; when it is taken back, cancel
every fulfillment it became.

One fulfillment covers fulfillment orders of one location, so a parcel whose lines lie at several
becomes several, which the order's note holds together. Source: the official schema 2026-07,
fulfillmentCreate, fulfillmentTrackingInfoUpdate and fulfillmentCancel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from integrations.errors import Rejected
from integrations.shopify import parcels, shapes
from integrations.shopify.client import ShopifyClient
from integrations.shopify.orders import complete_fulfillment, complete_fulfillment_order
from integrations.shopify.parcels import Notes
from integrations.shopify.shapes import Camel, Owner
from integrations.shopify.values import gid, number_of, text
from orders.data import ShipmentData

_MAY_SHIP = "CREATE_FULFILLMENT"
_ON_HOLD = "ON_HOLD"
_MOST_TOLD = 200


class Desk(Camel):
    """An order as it lies there to be written to."""

    id: str
    cancelled_at: str | None = None
    closed_at: str | None = None
    note: str | None = None
    parcels: shapes.Value | None = None
    fulfillments: list[shapes.Fulfillment] = []


class _Action(Camel):
    action: str


class _Hold(Camel):
    display_reason: str = ""
    reason_notes: str | None = None


class _FulfillmentOrder(shapes.FulfillmentOrder):
    supported_actions: list[_Action] = []
    fulfillment_holds: list[_Hold] = []

    @property
    def may_ship(self) -> bool:
        return any(allowed.action == _MAY_SHIP for allowed in self.supported_actions)

    @property
    def place(self) -> str:
        """Fulfillment orders of one place go into one fulfillment."""
        where = self.assigned_location
        return where.location.legacy_resource_id if where.location else where.name


class _Orders(Camel):
    fulfillment_orders: shapes.Connection[_FulfillmentOrder]


@dataclass(frozen=True, slots=True)
class _Taken:
    """Units of one fulfillment order's line."""

    order: _FulfillmentOrder
    line: shapes.Remaining
    quantity: int


def look(client: ShopifyClient, order_id: str) -> Desk:
    """Raises NotFound."""
    desk = client.ask("order_desk", {"id": gid("Order", order_id)}).at("order", Desk)
    for told in desk.fulfillments:
        complete_fulfillment(client, told)
    return desk


def tell(client: ShopifyClient, order_id: str, shipment: ShipmentData) -> bool:
    """True when the store was changed, False when it knew the parcel already with this tracking.
    Raises Rejected, in words, where the store lets nobody ship.
    """
    desk = look(client, order_id)
    if desk.cancelled_at:
        raise Rejected("The order is cancelled at the store.", code="cancelled_at_store")
    notes = parcels.read_notes(desk.parcels)
    known = _known(desk, notes, shipment)
    changed = _correct(client, known, shipment)
    wanted = Counter({line.line_external_id: line.quantity for line in shipment.lines})
    missing = wanted - parcels.units_in(known)
    if (wanted and missing) or not (wanted or known):
        numbers = [told.legacy_resource_id for told in known]
        for group in _plan(client, desk, missing, first=shipment.external_location_id):
            numbers.append(_ship(client, group, shipment))
            # After each: if the next fails, the next try finds what is there.
            _note(client, desk, notes, shipment, numbers)
        return True
    numbers = [told.legacy_resource_id for told in known]
    if shipment.reference and notes.get(shipment.reference) != numbers:
        _note(client, desk, notes, shipment, numbers)
    return changed


def take_back(client: ShopifyClient, order_id: str, shipment: ShipmentData) -> bool:
    """True when a fulfillment of the parcel was cancelled, False when none of it is on its way any
    more. The note stays: it says whose the cancelled ones were. Shopify has no switch for whether
    its customer hears of it. Raises Rejected where Shopify does not let go of it.
    """
    desk = look(client, order_id)
    notes = parcels.read_notes(desk.parcels)
    may_be_nameless = bool(shipment.lines) and shipment.reference not in notes
    known = _known(desk, notes, shipment, by_likeness=may_be_nameless)
    for told in known:
        client.change("unship", {"id": told.id}, "fulfillmentCancel")
    return bool(known)


def ship_rest(client: ShopifyClient, desk: Desk) -> bool:
    """Mark what is left as sent, without a word to the customer. True when something was."""
    groups = _plan(client, desk, Counter(), or_nothing=True)
    for group in groups:
        _fulfill(client, group, {"notifyCustomer": False})
    return bool(groups)


def _known(
    desk: Desk, notes: Notes, shipment: ShipmentData, *, by_likeness: bool = True
) -> list[shapes.Fulfillment]:
    """The fulfillments of this parcel that are on their way: those noted, else one nobody has
    claimed that looks like it (ours, whose note was lost, or made by hand).
    """
    there = {told.legacy_resource_id: told for told in parcels.sent(desk.fulfillments)}
    numbers = notes.get(shipment.reference, ()) if shipment.reference else ()
    if found := [there[number] for number in numbers if number in there]:
        return found
    if shipment.external_id in there:
        return [there[shipment.external_id]]
    if not by_likeness:
        return []
    claimed = {number for numbers in notes.values() for number in numbers}
    wanted = Counter({line.line_external_id: line.quantity for line in shipment.lines})
    for number, told in there.items():
        if number not in claimed and parcels.units_in([told]) == wanted and _alike(told, shipment):
            return [told]
    return []


def _alike(told: shapes.Fulfillment, shipment: ShipmentData) -> bool:
    return {x.number for x in told.tracking_info if x.number} == ({shipment.tracking_number} - {""})


def _correct(
    client: ShopifyClient, known: Sequence[shapes.Fulfillment], shipment: ShipmentData
) -> bool:
    tracking = parcels.to_tracking(shipment)
    outdated = [told for told in known if tracking and not parcels.shows(told, shipment)]
    for told in outdated:
        variables = {"id": told.id, "tracking": tracking, "notify": shipment.notify_customer}
        client.change("track", variables, "fulfillmentTrackingInfoUpdate", repeatable=True)
    return bool(outdated)


def _plan(
    client: ShopifyClient,
    desk: Desk,
    wanted: Counter[str],
    *,
    first: str = "",
    or_nothing: bool = False,
) -> list[list[_Taken]]:
    """What to take from which fulfillment order, by place; all that is left where nothing is asked
    for. The ``first`` place comes first, then the one that has most of it. Raises Rejected.
    """
    found = _fulfillment_orders(client, desk)
    open_ones = [told for told in found if told.may_ship]
    by_place: dict[str, list[_Taken]] = {}
    left = Counter(wanted)
    places = {told.place: _serves(open_ones, told.place, wanted) for told in open_ones}
    for told in sorted(open_ones, key=lambda told: (told.place != first, -places[told.place])):
        for line in told.line_items.nodes:
            number = number_of(line.line_item.id)
            most = line.remaining_quantity
            quantity = min(most, left[number]) if wanted else most
            if quantity > 0:
                left[number] -= quantity
                by_place.setdefault(told.place, []).append(_Taken(told, line, quantity))
    if (+left if wanted else not by_place) and not (or_nothing and not _is_left(found)):
        raise _not_possible(found)
    return list(by_place.values())


def _serves(found: Iterable[_FulfillmentOrder], place: str, wanted: Counter[str]) -> int:
    """Units of ``wanted`` that lie at a place."""
    there: Counter[str] = Counter()
    for told in found:
        if told.place == place:
            for line in told.line_items.nodes:
                there[number_of(line.line_item.id)] += line.remaining_quantity
    return (there & wanted).total()


def _is_left(found: Iterable[_FulfillmentOrder]) -> bool:
    return any(line.remaining_quantity > 0 for told in found for line in told.line_items.nodes)


def _not_possible(found: Sequence[_FulfillmentOrder]) -> Rejected:
    """Why not, for who must act."""
    held = [told for told in found if told.status == _ON_HOLD and _is_left([told])]
    if held:
        reasons = [
            f"{h.display_reason} {h.reason_notes or ''}" for t in held for h in t.fulfillment_holds
        ]
        said = text("; ".join(dict.fromkeys(" ".join(r.split()) for r in reasons)), _MOST_TOLD)
        return Rejected(
            f"The store holds the order back: {said or 'no reason given'}. Release the hold in "
            "Shopify, then try again.",
            code="on_hold",
        )
    if not found:
        return Rejected(
            "The store shows no fulfillment orders for this order. Goods of a fulfillment service "
            "are sent by that service; else the app lacks the scope to see them.",
            code="no_fulfillment_orders",
        )
    if not _is_left(found):
        return Rejected("The store knows all of the order as sent already.", code="nothing_left")
    places = ", ".join(dict.fromkeys(told.assigned_location.name for told in found))
    return Rejected(
        f"Not as many units are left to be sent from where Logix may send ({text(places, 100)}). "
        "Look at the order in Shopify.",
        code="not_enough_left",
    )


def _fulfillment_orders(client: ShopifyClient, desk: Desk) -> list[_FulfillmentOrder]:
    found: list[_FulfillmentOrder] = []
    after: str | None = None
    while True:
        reply = client.ask("fulfillment_orders", {"id": desk.id, "after": after})
        page = reply.at("order", _Orders).fulfillment_orders
        found += page.nodes
        if page.rest is None or page.rest == after:
            break
        after = page.rest
    for told in found:
        complete_fulfillment_order(client, told)
    return found


def _ship(client: ShopifyClient, group: Sequence[_Taken], shipment: ShipmentData) -> str:
    """The number of the fulfillment made."""
    about: dict[str, Any] = {"notifyCustomer": shipment.notify_customer}
    if tracking := parcels.to_tracking(shipment):
        about["trackingInfo"] = tracking
    return _fulfill(client, group, about)


def _fulfill(client: ShopifyClient, group: Sequence[_Taken], about: dict[str, Any]) -> str:
    lines: dict[str, list[dict[str, Any]]] = {}
    for taken in group:
        lines.setdefault(taken.order.id, []).append(
            {"id": taken.line.id, "quantity": taken.quantity}
        )
    told = {
        **about,
        "lineItemsByFulfillmentOrder": [
            {"fulfillmentOrderId": order_id, "fulfillmentOrderLineItems": rows}
            for order_id, rows in lines.items()
        ],
    }
    made = client.change("ship", {"fulfillment": told}, "fulfillmentCreate")
    return shapes.decode(bytes(made.get("fulfillment", b"null")), Owner).legacy_resource_id


def _note(
    client: ShopifyClient,
    desk: Desk,
    notes: dict[str, list[str]],
    shipment: ShipmentData,
    numbers: Sequence[str],
) -> None:
    if not shipment.reference:
        return
    notes[shipment.reference] = list(numbers)
    metafield = {
        "ownerId": desk.id,
        "namespace": parcels.NAMESPACE,
        "key": parcels.KEY,
        "type": "json",
        "value": parcels.write_notes(notes),
    }
    client.change("set_fields", {"metafields": [metafield]}, "metafieldsSet", repeatable=True)

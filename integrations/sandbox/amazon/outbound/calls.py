"""The calls of fulfillment outbound v2020-07-01 that are answered.

Sources: the model; amzn/selling-partner-api-models#2979 (the words about a SKU), #1845 and #5374
(ids with blanks or a plus cannot be asked for); clients that wait for "Requested order '…' not
found", which is a 400; MWS's schema (the reason of an item). That an id that exists is refused, and
with which words, is assumed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct

from integrations.sandbox.amazon import tokens
from integrations.sandbox.amazon.api import params
from integrations.sandbox.amazon.api.call import Call
from integrations.sandbox.amazon.clock import DAY, iso, parsed
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.outbound import life
from integrations.sandbox.amazon.outbound.models import (
    CANCELLABLE,
    SPEEDS,
    Item,
    Outbound,
    Shipment,
)
from integrations.sandbox.amazon.wire import Answer, invalid

_MOST_ITEMS, _MOST_UNITS = 100, 250
_LONGEST_ID, _LONGEST_KEY, _LONGEST_COMMENT = 40, 50, 750
_BY_UNIT, _BY_ORDER = Decimal("1.20"), Decimal("1.00")
_PAGE, _TOKEN_S, _FOR = 50, 3_600.0, "outbound"
_POLICIES = ("FillOrKill", "FillAll", "FillAllAvailable")


class Address(Struct, rename="camel", forbid_unknown_fields=True):
    name: str
    address_line1: str
    postal_code: str
    country_code: str
    address_line2: str = ""
    address_line3: str = ""
    city: str = ""
    district_or_county: str = ""
    state_or_region: str = ""
    phone: str = ""


class AskedItem(Struct, rename="camel"):
    seller_sku: str
    seller_fulfillment_order_item_id: str
    quantity: int


class Previewing(Struct, rename="camel"):
    address: Address
    items: list[AskedItem]
    marketplace_id: str = ""
    shipping_speed_categories: tuple[str, ...] = tuple(SPEEDS)
    include_cod_fulfillment_preview: bool = False
    include_delivery_windows: bool = False


class Creating(Struct, rename="camel"):
    seller_fulfillment_order_id: str
    displayable_order_id: str
    displayable_order_date: str
    displayable_order_comment: str
    shipping_speed_category: str
    destination_address: Address
    items: list[AskedItem]
    marketplace_id: str = ""
    fulfillment_action: str = "Ship"
    fulfillment_policy: str = "FillOrKill"
    notification_emails: list[str] = []


def preview(call: Call) -> Answer:
    sent = params.body(call.request, Previewing)
    place = _place(call, sent.marketplace_id)
    _check_address(sent.address)
    _check_items(call, sent.items)
    if not sent.shipping_speed_categories or not set(sent.shipping_speed_categories) <= set(SPEEDS):
        raise invalid("ShippingSpeedCategories is invalid.")
    told = [_previewed(call, place, sent, speed) for speed in sent.shipping_speed_categories]
    return Answer(200, {"payload": {"fulfillmentPreviews": told}})


def create(call: Call) -> Answer:
    sent = params.body(call.request, Creating)
    place = _place(call, sent.marketplace_id)
    name = sent.seller_fulfillment_order_id
    if not 1 <= len(name) <= _LONGEST_ID:
        raise invalid("SellerFulfillmentOrderId is invalid.")
    if not 1 <= len(sent.displayable_order_id) <= _LONGEST_ID or "  " in sent.displayable_order_id:
        raise invalid("DisplayableOrderId is invalid.")
    if not 1 <= len(sent.displayable_order_comment) <= _LONGEST_COMMENT:
        raise invalid("DisplayableOrderComment is invalid.")
    if sent.shipping_speed_category not in SPEEDS:
        raise invalid("ShippingSpeedCategory is invalid.")
    if sent.fulfillment_action != "Ship" or sent.fulfillment_policy not in _POLICIES:
        raise invalid("Held orders are not played here; the policy has to be one of the model's.")
    try:
        shown = parsed(sent.displayable_order_date)
    except ValueError as err:
        raise invalid("DisplayableOrderDate is invalid.") from err
    _check_address(sent.destination_address)
    _check_items(call, sent.items)
    if name in call.store.state.outbound:
        raise invalid(f"An order with the SellerFulfillmentOrderId '{name}' exists already.")
    now = call.store.clock.exact()
    life.place(
        call.store,
        Outbound(
            id=name,
            marketplace=place,
            shown_id=sent.displayable_order_id,
            shown_date=shown,
            comment=sent.displayable_order_comment,
            speed=sent.shipping_speed_category,
            action=sent.fulfillment_action,
            policy=sent.fulfillment_policy,
            address=_address(sent.destination_address),
            items=[
                Item(x.seller_fulfillment_order_item_id, x.seller_sku, x.quantity)
                for x in sent.items
            ],
            received=now,
            updated=now,
        ),
    )
    return Answer(200, {})


def get(call: Call) -> Answer:
    order = _found(call)
    return Answer(
        200,
        {
            "payload": {
                "fulfillmentOrder": _head(order),
                "fulfillmentOrderItems": [_item(x) for x in order.items],
                "fulfillmentShipments": [_shipment(order, x) for x in order.shipments],
                "returnItems": [],
                "returnAuthorizations": [],
            }
        },
    )


def cancel(call: Call) -> Answer:
    order = _found(call)
    if order.status not in CANCELLABLE:
        raise invalid(f"The order cannot be cancelled, its status is {order.status}.")
    life.cancel(call.store, order)
    return Answer(200, {})


def search(call: Call) -> Answer:
    """Those that changed last first; with ``queryStartDate``, since then."""
    query = call.query()
    since, token = query.moment("queryStartDate"), query.text("nextToken")
    start = 0
    if token:
        place = tokens.opened(token, _FOR, call.store.clock.exact())
        if place is None:
            raise invalid("The nextToken is not valid or has expired.")
        start, since = int(place["start"]), float(place["since"])
    rows = [x for x in call.store.state.outbound.values() if x.updated >= (since or 0.0)]
    rows.sort(key=lambda row: (-row.updated, row.id))
    payload: dict[str, Any] = {"fulfillmentOrders": [_head(x) for x in rows[start : start + _PAGE]]}
    if start + _PAGE < len(rows):
        until = call.store.clock.exact() + _TOKEN_S
        payload["nextToken"] = tokens.sealed(_FOR, until, start=start + _PAGE, since=since or 0.0)
    return Answer(200, {"payload": payload})


# --- what is sent in ------------------------------------------------------------------------------


def _place(call: Call, asked: str) -> str:
    return call.sells_in([asked or call.store.options.sells_in[0]])[0]


def _found(call: Call) -> Outbound:
    name = call.words["sellerFulfillmentOrderId"].replace("+", " ")
    order = call.store.state.outbound.get(name)
    if order is None:
        raise invalid(f"Requested order '{name}' not found")
    return order


def _check_address(told: Address) -> None:
    """Whether it exists is looked at later."""
    if not (told.name and told.address_line1 and told.postal_code):
        raise invalid("The destination address is incomplete.")
    if len(told.country_code) != 2 or not told.country_code.isupper():
        raise invalid("CountryCode is invalid.")
    if bool(told.city) == (told.country_code == "JP"):
        raise invalid("City is needed everywhere but in Japan, where there must be none.")


def _check_items(call: Call, items: list[AskedItem]) -> None:
    if not 1 <= len(items) <= _MOST_ITEMS or sum(x.quantity for x in items) > _MOST_UNITS:
        raise invalid("There are too many items, or none.")
    keys = [x.seller_fulfillment_order_item_id for x in items]
    if len(set(keys)) != len(keys) or not all(1 <= len(key) <= _LONGEST_KEY for key in keys):
        raise invalid("SellerFulfillmentOrderItemId is invalid.")
    for one in items:
        row = call.store.state.listings.get(one.seller_sku)
        if row is None or row.stock is None:
            raise invalid(
                f"the SellerSKU for Item Id: {one.seller_fulfillment_order_item_id} is invalid."
            )
        if one.quantity < 1:
            raise invalid("Quantity is invalid.")


# --- what is told ---------------------------------------------------------------------------------


def _previewed(call: Call, place: str, sent: Previewing, speed: str) -> dict[str, Any]:
    days, transport = SPEEDS[speed]
    currency = MARKETPLACES[place].currency
    rows = call.store.state.listings
    wanted: dict[str, int] = {}
    for one in sent.items:
        wanted[one.seller_sku] = wanted.get(one.seller_sku, 0) + one.quantity
    short = {sku for sku, count in wanted.items() if rows[sku].for_sale < count}
    reasons = ["InvalidDestinationAddress"] if sent.address.postal_code == life.NOWHERE else []
    told: dict[str, Any] = {
        "shippingSpeedCategory": speed,
        "isFulfillable": not short and not reasons,
        "isCODCapable": False,
        "marketplaceId": place,
        "orderUnfulfillableReasons": reasons,
        "unfulfillablePreviewItems": [
            {
                "sellerSku": x.seller_sku,
                "sellerFulfillmentOrderItemId": x.seller_fulfillment_order_item_id,
                "quantity": x.quantity,
                "itemUnfulfillableReasons": ["InventoryUnavailable"],
            }
            for x in sent.items
            if x.seller_sku in short
        ],
    }
    if short or reasons:
        return told
    count, now = sum(wanted.values()), call.store.clock.exact()
    fees = (
        ("FBAPerUnitFulfillmentFee", _BY_UNIT * count),
        ("FBAPerOrderFulfillmentFee", _BY_ORDER),
        ("FBATransportationFee", Decimal(transport)),
    )
    return told | {
        "estimatedShippingWeight": {"unit": "KG", "value": f"{0.4 * count:.1f}"},
        "estimatedFees": [
            {"name": name, "amount": {"currencyCode": currency, "value": str(amount)}}
            for name, amount in fees
        ],
        "fulfillmentPreviewShipments": [
            {
                "earliestShipDate": iso(now + DAY / 2),
                "latestShipDate": iso(now + DAY),
                "earliestArrivalDate": iso(now + days * DAY),
                "latestArrivalDate": iso(now + (days + 1) * DAY),
                "fulfillmentPreviewItems": [
                    {
                        "sellerSku": x.seller_sku,
                        "quantity": x.quantity,
                        "sellerFulfillmentOrderItemId": x.seller_fulfillment_order_item_id,
                    }
                    for x in sent.items
                ],
            }
        ],
    }


def _head(order: Outbound) -> dict[str, Any]:
    return {
        "sellerFulfillmentOrderId": order.id,
        "marketplaceId": order.marketplace,
        "displayableOrderId": order.shown_id,
        "displayableOrderDate": iso(order.shown_date),
        "displayableOrderComment": order.comment,
        "shippingSpeedCategory": order.speed,
        "destinationAddress": order.address,
        "fulfillmentAction": order.action,
        "fulfillmentPolicy": order.policy,
        "receivedDate": iso(order.received),
        "fulfillmentOrderStatus": order.status,
        "statusUpdatedDate": iso(order.updated),
    }


def _address(told: Address) -> dict[str, str]:
    found = {
        "name": told.name,
        "addressLine1": told.address_line1,
        "addressLine2": told.address_line2,
        "addressLine3": told.address_line3,
        "city": told.city,
        "districtOrCounty": told.district_or_county,
        "stateOrRegion": told.state_or_region,
        "postalCode": told.postal_code,
        "countryCode": told.country_code,
        "phone": told.phone,
    }
    return {name: value for name, value in found.items() if value}


def _item(item: Item) -> dict[str, Any]:
    return {
        "sellerSku": item.sku,
        "sellerFulfillmentOrderItemId": item.key,
        "quantity": item.quantity,
        "cancelledQuantity": item.cancelled,
        "unfulfillableQuantity": item.unfulfillable,
    }


def _shipment(order: Outbound, shipment: Shipment) -> dict[str, Any]:
    skus = {item.key: item.sku for item in order.items}
    package = shipment.packages[0].number if shipment.packages else None
    return {
        "amazonShipmentId": shipment.id,
        "fulfillmentCenterId": shipment.center,
        "fulfillmentShipmentStatus": shipment.status,
        "shippingDate": iso(shipment.date),
        "fulfillmentShipmentItem": [
            {"sellerSku": skus[key], "sellerFulfillmentOrderItemId": key, "quantity": count}
            | ({} if package is None else {"packageNumber": package})
            for key, count in shipment.items.items()
        ],
        "fulfillmentShipmentPackage": [
            {"packageNumber": x.number, "carrierCode": x.carrier, "trackingNumber": x.tracking}
            for x in shipment.packages
        ],
    }

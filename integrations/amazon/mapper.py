"""An order as Amazon tells it, made into ``OrderData``. Pure.

Sources: the model ``orders_2026-01-01``; the other spelling of statuses is that of v0 and of
notifications. Rules: docs/ORDER_STATES.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from integrations.amazon import addresses, shapes
from integrations.amazon import money as amounts
from integrations.amazon.marketplaces import MARKETPLACES, name_of
from integrations.amazon.values import ZERO, known_moment, moment, money, text, units
from orders.data import (
    Buyer,
    LineData,
    OrderData,
    ShipmentData,
    ShipmentLineData,
)
from orders.status import Flag, FulfillmentStatus, OrderStatus, PaymentStatus, StatusReading

_O, _P, _F = OrderStatus, PaymentStatus, FulfillmentStatus

STATUS_IN: dict[str, StatusReading] = {
    "PENDING_AVAILABILITY": StatusReading(
        order=_O.PENDING, payment=_P.UNPAID, fulfillment=_F.NOT_READY
    ),
    "PENDING": StatusReading(order=_O.PENDING, payment=_P.UNPAID, fulfillment=_F.UNFULFILLED),
    "UNSHIPPED": StatusReading(order=_O.OPEN, payment=_P.PAID, fulfillment=_F.UNFULFILLED),
    "PARTIALLY_SHIPPED": StatusReading(
        order=_O.OPEN, payment=_P.PAID, fulfillment=_F.PARTIALLY_FULFILLED
    ),
    "SHIPPED": StatusReading(
        order=_O.COMPLETED,
        payment=_P.PAID,
        fulfillment=_F.FULFILLED,
        reserve=False,
        fulfilled_assumed=True,
    ),
    "INVOICE_UNCONFIRMED": StatusReading(
        order=_O.COMPLETED,
        payment=_P.PAID,
        fulfillment=_F.FULFILLED,
        reserve=False,
        fulfilled_assumed=True,
    ),
    "CANCELLED": StatusReading(
        order=_O.CANCELLED, payment=_P.VOIDED, fulfillment=_F.CANCELLED, reserve=False
    ),
    "UNFULFILLABLE": StatusReading(order=_O.ON_HOLD, payment=_P.PAID, fulfillment=_F.UNFULFILLED),
}
UNKNOWN_STATUS = StatusReading(
    order=_O.PENDING, payment=_P.UNKNOWN, fulfillment=_F.UNFULFILLED, known=False
)
_SPELLINGS = {"CANCELED": "CANCELLED"}
_AMAZONS, _MERCHANTS = frozenset({"AMAZON", "AFN"}), frozenset({"MERCHANT", "MFN"})
_TO_SHIP = frozenset({"UNSHIPPED", "PARTIALLY_SHIPPED"})
_INNER_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# ISO 4217: no currency is involved.
_NO_CURRENCY = "XXX"
_ELSEWHERE = "It was sold in another shop, for which Amazon sends it: that shop has the order."


def to_order(
    raw: bytes,
    *,
    currencies: Mapping[str, str] | None = None,
    words: Mapping[str, str] | None = None,
) -> OrderData:
    """One order. ``currencies`` of marketplaces by their ids, those of the table besides; ``words``
    says which of Amazon's statuses a newer one counts as. Raises ContractBroken.
    """
    order = shapes.decode(raw, shapes.Order)
    told = order.fulfillment or shapes.Fulfillment()
    word = status_word(told.fulfillment_status)
    word = (words or {}).get(word, word)
    found = amounts.read(order, _home_currency(order.sales_channel, currencies or {}))
    lines = tuple(
        _line(item, found, number, is_cancelled=word == "CANCELLED")
        for number, item in enumerate(order.order_items)
    )
    charges = [*found.charges, *amounts.rounding(found.total, lines, found.charges)]
    by_amazon = is_amazons(told.fulfilled_by)
    shipments = None if by_amazon else tuple(_shipments(order.packages))
    reading = _reading(word, told.fulfilled_by or "", shipments)
    if word == "SHIPPED" and _is_delivered(order.packages):
        reading = replace(reading, fulfillment=_F.DELIVERED)
    is_paid = reading.payment is _P.PAID
    return OrderData(
        external_id=order.order_id,
        number=order.order_id,
        currency=found.currency,
        placed_at=known_moment(order.created_time, "$.createdTime"),
        changed_at=known_moment(order.last_updated_time, "$.lastUpdatedTime"),
        status=reading,
        raw_status=text(told.fulfillment_status, 60),
        raw_fulfillment=text(told.fulfilled_by, 60),
        total=found.total,
        tax_total=found.tax_total,
        completed_at=_left_at(shipments) if reading.order is _O.COMPLETED else None,
        buyer=_buyer(order),
        lines=lines,
        charges=tuple(charges),
        payments=amounts.payments(order, found.total) if is_paid else (),
        refunds=None,
        shipments=shipments,
        flags=frozenset(_flags(order, word, by_amazon=by_amazon)),
        custom=_custom(order, told),
        left_out=_ELSEWHERE if order.sales_channel.is_elsewhere else "",
        raw=raw,
    )


def status_word(told: str) -> str:
    """In the spelling of 2026: v0 has “PartiallyShipped” and “Canceled”."""
    word = _INNER_CAPITAL.sub("_", told).upper()
    return _SPELLINGS.get(word, word)


def is_amazons(fulfilled_by: str | None) -> bool:
    """Whether Amazon sends it from its own warehouses, in either spelling."""
    return fulfilled_by in _AMAZONS


def _reading(
    word: str, fulfilled_by: str, shipments: Sequence[ShipmentData] | None
) -> StatusReading:
    reading = STATUS_IN.get(word, UNKNOWN_STATUS)
    if fulfilled_by not in _AMAZONS | _MERCHANTS:
        # Whose stock it takes is not known: a person looks before anything is sent.
        return replace(reading, known=False)
    if shipments is None:
        return replace(reading, reserve=False)
    live = [parcel for parcel in shipments if not parcel.cancelled]
    if reading.fulfilled_assumed and live and all(parcel.lines for parcel in live):
        reading = replace(reading, fulfilled_assumed=False)
    return reading


def _line(
    item: shapes.OrderItem, found: amounts.OrderMoney, number: int, *, is_cancelled: bool
) -> LineData:
    path = f"$.orderItems[{number}]"
    ordered = units(item.quantity_ordered, f"{path}.quantityOrdered")
    own = found.items[number]
    subtotal = own.amounts.get("ITEM", ZERO)
    price = item.product.price.unit_price if item.product.price else None
    unit_price = money(price, found.currency, f"{path}.product.price")
    if price is None and ordered:
        unit_price = round(subtotal / ordered, 6)
    sku = text(item.product.seller_sku, 128).strip()
    return LineData(
        external_id=item.order_item_id,
        quantity=ordered if is_cancelled else _wanted(item, ordered, path),
        sku=sku,
        name=text(item.product.title),
        external_product_id=sku,
        external_variant_id=sku,
        unit_price=unit_price,
        subtotal=subtotal,
        total=subtotal + own.discounts.get("ITEM", ZERO),
        tax=own.tax.get("ITEM", ZERO),
        attributes=_attributes(item),
    )


def _wanted(item: shapes.OrderItem, ordered: int, path: str) -> int:
    """What was cancelled stays among the units ordered, and is neither shipped nor to be."""
    done = item.cancellation.cancellation_execution if item.cancellation else None
    if done is None:
        return ordered
    told = item.fulfillment or shapes.ItemFulfillment()
    left = (told.quantity_fulfilled or 0) + (told.quantity_unfulfilled or 0)
    return min(ordered, units(left, f"{path}.fulfillment"))


def _attributes(item: shapes.OrderItem) -> dict[str, Any]:
    found = {"asin": text(item.product.asin, 20)}
    if gift := _gift(item):
        found["gift_wrap"] = text(gift.gift_wrap_level, 80)
    return {name: value for name, value in found.items() if value}


def _gift(item: shapes.OrderItem) -> shapes.Gift | None:
    packing = item.fulfillment.packing if item.fulfillment else None
    return packing.gift_option if packing else None


def _shipments(packages: Sequence[shapes.Package]) -> Iterator[ShipmentData]:
    for number, package in enumerate(packages):
        path = f"$.packages[{number}]"
        status = package.package_status.status if package.package_status else ""
        yield ShipmentData(
            external_id=text(package.package_reference_id, 128),
            carrier=text(package.carrier, 80),
            tracking_number=text(package.tracking_number, 120),
            shipped_at=moment(package.ship_time, f"{path}.shipTime"),
            lines=tuple(
                ShipmentLineData(
                    line_external_id=one.order_item_id,
                    quantity=units(one.quantity, f"{path}.packageItems"),
                )
                for one in package.package_items
            ),
            cancelled=status_word(status) == "CANCELLED",
        )


def _is_delivered(packages: Sequence[shapes.Package]) -> bool:
    words = {status_word(x.package_status.status) for x in packages if x.package_status}
    return words == {"DELIVERED"} and all(x.package_status for x in packages)


def _left_at(shipments: Sequence[ShipmentData] | None) -> datetime | None:
    """When the last parcel left."""
    times = [x.shipped_at for x in shipments or () if x.shipped_at and not x.cancelled]
    return max(times, default=None)


def _flags(order: shapes.Order, word: str, *, by_amazon: bool) -> Iterator[Flag]:
    if by_amazon:
        yield Flag.PLATFORM_FULFILLED
    if word == "INVOICE_UNCONFIRMED":
        yield Flag.INVOICE_NEEDED
    is_ours = not by_amazon and word != "CANCELLED"
    if is_ours and any(_is_to_be_cancelled(item) for item in order.order_items):
        yield Flag.CANCEL_REQUESTED
    address = order.recipient.delivery_address if order.recipient else None
    if not by_amazon and word in _TO_SHIP and not (address and addresses.street(address)):
        # Without its role an app is told a part of the address, and of no error:
        # https://github.com/amzn/selling-partner-api-models/issues/5300
        yield Flag.ADDRESS_PROBLEM


def _is_to_be_cancelled(item: shapes.OrderItem) -> bool:
    """Whether its buyer asks for that, and something of it has not left."""
    told = item.cancellation
    if told is None or told.cancellation_request is None or told.cancellation_execution:
        return False
    return item.fulfillment is None or item.fulfillment.quantity_unfulfilled != 0


def _buyer(order: shapes.Order) -> Buyer | None:
    if order.buyer is None and order.recipient is None:
        return None
    told = order.buyer or shapes.Buyer()
    recipient = order.recipient or shapes.Recipient()
    shipping = addresses.to_address(recipient.delivery_address or shapes.Address())
    return Buyer(
        name=text(told.buyer_name, 200) or shipping.name,
        email=text(told.buyer_email, 254),
        phone=shipping.phone,
        company=text(told.buyer_company_name, 200),
        note="\n".join(_notes(order, recipient.delivery_preference))[:4000],
        shipping=shipping,
    )


def _notes(order: shapes.Order, wish: shapes.Preference | None) -> Iterator[str]:
    """What the buyer wrote, which names people: it is kept with the rest of what is theirs."""
    if wish:
        yield from (text(x) for x in (wish.address_instruction, wish.drop_off_location) if x)
    for item in order.order_items:
        gift = _gift(item)
        if gift and gift.gift_message:
            name = text(item.product.seller_sku, 60) or item.order_item_id
            yield f"Gift message for {name}: {text(gift.gift_message, 1000)}"


def _custom(order: shapes.Order, told: shapes.Fulfillment) -> dict[str, Any]:
    place = order.sales_channel.marketplace_id or ""
    found = {
        "marketplace": text(order.sales_channel.marketplace_name, 80) or name_of(place),
        "sales_channel": text(order.sales_channel.channel_name, 40),
        "service_level": text(told.fulfillment_service_level, 40),
        "ship_by": text(told.ship_by_window and told.ship_by_window.latest_date_time, 40),
        "deliver_by": text(told.deliver_by_window and told.deliver_by_window.latest_date_time, 40),
        "programs": ", ".join(text(word, 40) for word in order.programs)[:300],
        "seller_order_id": text(next((x.alias_id for x in order.order_aliases), ""), 80),
        "belongs_to_order": text(next((x.order_id for x in order.associated_orders), ""), 80),
        "purchase_order": text(order.buyer and order.buyer.buyer_purchase_order_number, 80),
    }
    return {name: value for name, value in found.items() if value}


def _home_currency(channel: shapes.Channel, currencies: Mapping[str, str]) -> str:
    place = channel.marketplace_id or ""
    known = MARKETPLACES.get(place)
    found = currencies.get(place) or (known.currency if known else "")
    return found or (_NO_CURRENCY if channel.is_elsewhere else "")

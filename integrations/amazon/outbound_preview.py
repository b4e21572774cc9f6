"""What it would cost to have Amazon send an order of another store, and what of it Amazon cannot
send. Source: the model ``fulfillmentOutbound_2020-07-01``, getFulfillmentPreview.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from integrations.amazon import outbound_shapes as shapes
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.outbound import SPEEDS, from_address, items, marketplace, unrepeated
from integrations.amazon.shapes import decode
from integrations.amazon.values import moment, text, units
from integrations.errors import ContractBroken
from integrations.kit.text import parse_money
from orders.data_outside import Fee, Offer, OutsideOrder, Unsendable

_SPEED_OF = {word: speed for speed, word in SPEEDS.items()}
_FEES = {
    "FBAPerUnitFulfillmentFee": "for the units",
    "FBAPerOrderFulfillmentFee": "for the order",
    "FBATransportationFee": "transport",
    "FBAFulfillmentCODFee": "cash on delivery",
}
# The model names the first two, the schema of the service before it (MWS) the others; what is not
# known is shown as it is.
_WHY_NOT = {
    "DeliverySLAUnavailable": "Amazon does not deliver there at this speed",
    "InvalidDestinationAddress": "Amazon does not know the address",
    "InventoryUnavailable": "too few units are in Amazon's warehouses",
    "NoDeliveryOption": "Amazon has no way to deliver it there",
}


def preview(client: AmazonClient, account: Account, order: OutsideOrder) -> tuple[Offer, ...]:
    """What each speed would cost. Raises Rejected where Amazon cannot work with what it was told,
    as with a SKU it does not keep.
    """
    with unrepeated(client, order.address):
        answer = client.preview_outbound(
            {
                "marketplaceId": marketplace(account, order.address),
                "address": from_address(order.address),
                "items": items(order),
                "shippingSpeedCategories": list(SPEEDS.values()),
            }
        )
    told = decode(answer.body, shapes.PreviewAnswer).payload.fulfillment_previews
    found = [_offer(one) for one in told if one.shipping_speed_category in _SPEED_OF]
    return tuple(sorted(found, key=lambda one: list(SPEEDS).index(one.speed)))


def _offer(told: shapes.Preview) -> Offer:
    shipments = told.fulfillment_preview_shipments
    return Offer(
        speed=_SPEED_OF[told.shipping_speed_category],
        can_send=told.is_fulfillable,
        fees=tuple(_fee(one) for one in told.estimated_fees),
        ships_by=_last(one.latest_ship_date for one in shipments),
        arrives_from=_first(one.earliest_arrival_date for one in shipments),
        arrives_until=_last(one.latest_arrival_date for one in shipments),
        reasons=_whys(told.order_unfulfillable_reasons),
        lacking=tuple(
            Unsendable(
                sku=text(one.seller_sku, 128),
                quantity=units(one.quantity, "$.unfulfillablePreviewItems"),
                reason=", ".join(_whys(one.item_unfulfillable_reasons)),
            )
            for one in told.unfulfillable_preview_items
        ),
    )


def _fee(told: shapes.Fee) -> Fee:
    path = "$.estimatedFees[].amount"
    try:
        amount = parse_money(told.amount.value)
    except ValueError as err:
        raise ContractBroken(f"{err} Path: {path}.", path=path, code="bad_amount") from err
    name = text(told.name, 60)
    return Fee(name=_FEES.get(name, name), amount=amount, currency=told.amount.currency_code)


def _whys(codes: list[str]) -> tuple[str, ...]:
    return tuple(_WHY_NOT.get(code, text(code, 80)) for code in codes)


def _first(times: Iterable[str | None]) -> datetime | None:
    return min(_moments(times), default=None)


def _last(times: Iterable[str | None]) -> datetime | None:
    return max(_moments(times), default=None)


def _moments(times: Iterable[str | None]) -> list[datetime]:
    found = (moment(told, "$.fulfillmentPreviewShipments") for told in times)
    return [when for when in found if when is not None]

"""The answers of multi-channel fulfilment that Logix reads, typed as those in ``shapes``.

Source: the official model ``fulfillmentOutbound_2020-07-01``.
"""

from __future__ import annotations

from msgspec import field

from integrations.amazon.shapes import Camel


class Money(Camel):
    """Another spelling than that of orders."""

    currency_code: str
    value: str | int | float


class Fee(Camel):
    name: str
    amount: Money


class PreviewShipment(Camel):
    latest_ship_date: str | None = None
    earliest_arrival_date: str | None = None
    latest_arrival_date: str | None = None


class Unfulfillable(Camel):
    seller_sku: str
    quantity: int
    item_unfulfillable_reasons: list[str] = field(default_factory=list)


class Preview(Camel):
    shipping_speed_category: str
    is_fulfillable: bool
    estimated_fees: list[Fee] = field(default_factory=list)
    fulfillment_preview_shipments: list[PreviewShipment] = field(default_factory=list)
    unfulfillable_preview_items: list[Unfulfillable] = field(default_factory=list)
    order_unfulfillable_reasons: list[str] = field(default_factory=list)


class Previews(Camel):
    fulfillment_previews: list[Preview] = field(default_factory=list)


class PreviewAnswer(Camel):
    payload: Previews


class Head(Camel):
    seller_fulfillment_order_id: str
    fulfillment_order_status: str


class Item(Camel):
    seller_fulfillment_order_item_id: str
    quantity: int
    cancelled_quantity: int = 0
    unfulfillable_quantity: int = 0


class ShippedItem(Camel):
    seller_fulfillment_order_item_id: str
    quantity: int
    package_number: int | None = None


class Package(Camel):
    package_number: int
    carrier_code: str
    tracking_number: str | None = None
    amazon_fulfillment_tracking_number: str | None = None


class Shipment(Camel):
    amazon_shipment_id: str
    fulfillment_shipment_status: str
    shipping_date: str | None = None
    fulfillment_shipment_item: list[ShippedItem] = field(default_factory=list)
    fulfillment_shipment_package: list[Package] = field(default_factory=list)


class Order(Camel):
    fulfillment_order: Head
    fulfillment_order_items: list[Item] = field(default_factory=list)
    fulfillment_shipments: list[Shipment] = field(default_factory=list)


class OrderAnswer(Camel):
    payload: Order

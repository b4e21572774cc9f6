"""An order's work for the locations, and the parcels that came of it."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field


class Hold(Struct):
    TYPE: ClassVar[str] = "FulfillmentHold"

    id: int
    reason: str
    reason_notes: str | None = None
    handle: str | None = None
    by_app: bool = False


class FulfillmentOrderLine(Struct):
    TYPE: ClassVar[str] = "FulfillmentOrderLineItem"

    id: int
    order_id: int
    line_item_id: int
    total: int
    remaining: int


class FulfillmentOrder(Struct):
    """Work for one location. ``delivery`` is a DeliveryMethodType."""

    id: int
    order_id: int
    location_id: int
    status: str
    created_at: int
    updated_at: int
    delivery: str = "SHIPPING"
    request_status: str = "UNSUBMITTED"
    fulfill_at: int | None = None
    lines: list[FulfillmentOrderLine] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        return sum(line.remaining for line in self.lines)


class Tracking(Struct):
    TYPE: ClassVar[str] = "FulfillmentTrackingInfo"

    company: str | None = None
    number: str | None = None
    url: str | None = None


class FulfillmentLine(Struct):
    TYPE: ClassVar[str] = "FulfillmentLineItem"

    id: int
    order_id: int
    line_item_id: int
    fulfillment_order_id: int
    quantity: int


class Fulfillment(Struct):
    """``place`` counts an order's fulfilments from 1. ``shipment`` is a FulfillmentDisplayStatus
    the carrier reported, empty without one. ``mails`` is what the customer was mailed of it.
    """

    id: int
    order_id: int
    place: int
    location_id: int
    status: str
    created_at: int
    updated_at: int
    lines: list[FulfillmentLine] = field(default_factory=list)
    tracking: list[Tracking] = field(default_factory=list)
    shipment: str = ""
    in_transit_at: int | None = None
    delivered_at: int | None = None
    mails: list[str] = field(default_factory=list)

"""What is given back of an order: refunds, returns, units an edit took out."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from integrations.sandbox.shopify.money import Bag


class RefundLine(Struct):
    """``subtotal`` is after discounts, with tax where prices include it."""

    TYPE: ClassVar[str] = "RefundLineItem"

    id: int
    order_id: int
    line_item_id: int
    quantity: int
    restock_type: str
    subtotal: Bag
    tax: Bag
    location_id: int | None = None
    is_restocked: bool = False


class RefundShipping(Struct):
    TYPE: ClassVar[str] = "RefundShippingLine"

    id: int
    order_id: int
    shipping_line_id: int
    subtotal: Bag
    tax: Bag


class RefundDuty(Struct):
    order_id: int
    duty_id: int
    amount: Bag


class Adjustment(Struct):
    """A refund of other than what its lines add up to. Negative: the customer got more."""

    TYPE: ClassVar[str] = "OrderAdjustment"

    id: int
    order_id: int
    amount: Bag
    tax: Bag
    reason: str


class Refund(Struct):
    id: int
    order_id: int
    created_at: int
    note: str | None = None
    lines: list[RefundLine] = field(default_factory=list)
    shipping: list[RefundShipping] = field(default_factory=list)
    duties: list[RefundDuty] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    transaction_ids: list[int] = field(default_factory=list)
    return_id: int | None = None


class ReturnLine(Struct):
    TYPE: ClassVar[str] = "ReturnLineItem"

    id: int
    order_id: int
    fulfillment_line_id: int
    quantity: int
    reason: str = "UNKNOWN"
    note: str = ""
    customer_note: str | None = None
    processed: int = 0
    refunded: int = 0
    shelves: list[tuple[int | None, int]] = field(default_factory=list)


class Return(Struct):
    """``status`` is a ReturnStatus."""

    id: int
    order_id: int
    name: str
    status: str
    created_at: int
    lines: list[ReturnLine] = field(default_factory=list)
    closed_at: int | None = None
    request_approved_at: int | None = None


class Removal(Struct):
    """Units an edit took out of a line."""

    line_item_id: int
    quantity: int
    subtotal: Bag
    tax: Bag

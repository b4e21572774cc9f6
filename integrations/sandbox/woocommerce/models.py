"""What the store keeps. Moments are epoch seconds, money is micro-units, ids are WordPress ids."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Meta(Struct):
    id: int
    key: str
    value: Any = None
    label: str = ""


class Tax(Struct):
    """``subtotal`` is None for shipping and fees, which print it as an empty string."""

    rate_id: int
    total: int
    subtotal: int | None = None


class Line(Struct):
    """``product_id`` is 0 once the product is gone for good; ``sku`` is set only by plugins that
    write their own.
    """

    id: int
    name: str
    product_id: int
    variation_id: int
    quantity: int
    subtotal: int
    total: int
    tax_class: str = ""
    taxes: list[Tax] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)
    sku: str | None = None


class ShippingLine(Struct):
    id: int
    title: str
    method_id: str
    instance_id: str
    total: int
    taxes: list[Tax] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)


class FeeLine(Struct):
    id: int
    name: str
    total: int
    tax_class: str = ""
    tax_status: str = "taxable"
    taxes: list[Tax] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)


class CouponLine(Struct):
    id: int
    code: str
    discount: int
    discount_tax: int = 0
    kind: str = "percent"
    nominal: float = 10
    free_shipping: bool = False
    meta: list[Meta] = field(default_factory=list)


class TaxLine(Struct):
    id: int
    rate_id: int
    total: int
    shipping: int = 0


class Refund(Struct):
    """``amount`` is positive and includes tax; its lines carry negative figures."""

    id: int
    created: int
    amount: int
    reason: str = ""
    by: int = 1
    is_paid_back: bool = False
    meta: list[Meta] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


class Note(Struct):
    id: int
    created: int
    author: str
    text: str
    to_customer: bool = False


class Order(Struct):
    id: int
    status: str
    currency: str
    created: int
    modified: int
    parent_id: int = 0
    number: str = ""
    prices_include_tax: bool = False
    paid: int | None = None
    completed: int | None = None
    customer_id: int = 0
    order_key: str = ""
    billing: dict[str, str] = field(default_factory=dict)
    shipping: dict[str, str] = field(default_factory=dict)
    payment_method: str = ""
    payment_title: str = ""
    transaction_id: str = ""
    ip: str = ""
    user_agent: str = ""
    created_via: str = "checkout"
    customer_note: str = ""
    cart_hash: str = ""
    version: str = ""
    meta: list[Meta] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)
    shipping_lines: list[ShippingLine] = field(default_factory=list)
    fee_lines: list[FeeLine] = field(default_factory=list)
    coupon_lines: list[CouponLine] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    is_stock_reduced: bool = False
    trashed_from: str = ""


class Product(Struct):
    """Also a variation (``kind`` "variation"). ``manages_stock`` is "parent" where the parent keeps
    the count.

    ``extra`` holds what clients wrote and nothing here computes with, in the platform's own field
    names.
    """

    id: int
    name: str
    created: int
    modified: int
    slug: str = ""
    kind: str = "simple"
    status: str = "publish"
    sku: str = ""
    regular: int | None = None
    sale: int | None = None
    manages_stock: bool | str = False
    stock: int | None = None
    stock_status: str = "instock"
    backorders: str = "no"
    tax_class: str = ""
    is_virtual: bool = False
    weight: str = ""
    gtin: str = ""
    description: str = ""
    summary: str = ""
    parent_id: int = 0
    total_sales: int = 0
    menu_order: int = 0
    categories: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[dict[str, Any]] = field(default_factory=list)
    variations: list[int] = field(default_factory=list)
    grouped: list[int] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    trashed_from: str = ""

    @property
    def price(self) -> int | None:
        return self.sale if self.sale is not None else self.regular


class Webhook(Struct):
    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str
    created: int
    status: str = "active"
    modified: int | None = None
    failures: int = 0
    is_pending: bool = True
    user_id: int = 1


class ApiKey(Struct):
    id: int
    consumer_key: str
    consumer_secret: str
    permissions: str = "read_write"
    description: str = ""
    user_id: int = 1


class Fulfillment(Struct):
    id: int
    order_id: int
    status: str
    is_fulfilled: bool
    updated: int
    deleted: int | None = None
    fulfilled: int | None = None
    meta: list[Meta] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)


class Tracking(Struct):
    """A parcel as the Shipment Tracking plugins keep it; ``shipped`` is a date, ``2026-07-10``."""

    id: str
    provider: str
    custom_provider: str
    custom_link: str
    number: str
    shipped: str

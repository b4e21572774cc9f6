"""What an order is. Statuses and words are those of Orders 2026-01-01; moments are epoch seconds,
amounts in the marketplace's currency.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from integrations.sandbox.amazon.money import NOTHING

STATUSES = (
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
)
UNPAID = frozenset({"PENDING_AVAILABILITY", "PENDING"})
TO_SHIP = frozenset({"UNSHIPPED", "PARTIALLY_SHIPPED"})


class Item(Struct):
    """``unit`` is the price of one; taxes and discounts are of the whole quantity, discounts
    positive here. ``open`` units are neither shipped nor cancelled, ``taken`` ones left what can
    be bought. ``wish`` is the reason for which the buyer asks to cancel.
    """

    id: str
    sku: str
    asin: str
    title: str
    quantity: int
    unit: Decimal
    tax: Decimal = NOTHING
    shipping: Decimal = NOTHING
    shipping_tax: Decimal = NOTHING
    gift_wrap: Decimal = NOTHING
    discount: Decimal = NOTHING
    shipping_discount: Decimal = NOTHING
    promotion: str = ""
    shipped: int = 0
    taken: int = 0
    is_business_price: bool = False
    gift_message: str = ""
    gift_level: str = ""
    points: int = 0
    wish: str = ""
    cancelled_by: str = ""
    cancel_reason: str = ""

    @property
    def open(self) -> int:
        return 0 if self.cancelled_by else self.quantity - self.shipped


class Return(Struct):
    """Units of an item on their way back. ``number`` is Amazon's own; ``arrived`` is when they were
    there, ``refunded`` what the buyer got back, ``disposition`` what Amazon finds of its units.
    """

    number: str
    order: str
    item: str
    quantity: int
    reason: str
    asked: int
    tracking: str = ""
    arrived: int | None = None
    refunded: Decimal = NOTHING
    disposition: str = ""


class Address(Struct):
    """``kind``: RESIDENTIAL, COMMERCIAL or PICKUP_POINT."""

    name: str
    line: str
    city: str
    zip: str
    country: str
    state: str = ""
    extra: str = ""
    company: str = ""
    phone: str = ""
    kind: str = "RESIDENTIAL"


class Package(Struct):
    """``items`` are units by order item. ``carrier`` is what buyers are told."""

    reference: str
    carrier: str
    tracking: str
    ship_time: float
    created: int
    service: str = ""
    items: dict[str, int] = {}
    status: str = "SHIPPED"


class Order(Struct):
    """``updated`` moves with every change that anybody makes."""

    id: str
    marketplace: str
    created: int
    updated: int
    fulfilled_by: str
    status: str
    address: Address
    items: list[Item]
    ship_by: tuple[int, int]
    deliver_by: tuple[int, int]
    service_level: str = "STANDARD"
    buyer_name: str = ""
    buyer_email: str = ""
    company: str = ""
    purchase_order: str = ""
    seller_order_id: str = ""
    channel: str = "AMAZON"
    programs: list[str] = []
    replaces: str = ""
    payment_method: str = "CreditCard"
    packages: list[Package] = []

    @property
    def is_amazons(self) -> bool:
        return self.fulfilled_by == "AMAZON"

    def item(self, name: str) -> Item | None:
        return next((one for one in self.items if one.id == name), None)

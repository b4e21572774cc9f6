"""What an order is made of; ``fulfillment_models`` and ``refund_models`` have what becomes of it.
Amounts are in both currencies, moments are epoch seconds, and every part of an order knows its
order. What follows from these (sums, states) is worked out elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct, field

from integrations.sandbox.shopify.models import Attribute, Metafield
from integrations.sandbox.shopify.money import Bag, Money
from integrations.sandbox.shopify.orders.fulfillment_models import Fulfillment, FulfillmentOrder
from integrations.sandbox.shopify.orders.refund_models import Refund, Removal, Return


class Address(Struct):
    """Empty text stands for null. ``country`` and ``province`` are names."""

    TYPE: ClassVar[str] = "MailingAddress"

    id: int
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    city: str = ""
    province: str = ""
    province_code: str = ""
    zip: str = ""
    country: str = ""
    country_code: str = ""
    phone: str = ""
    latitude: float | None = None
    longitude: float | None = None


class TaxLine(Struct):
    """``rate`` 0.19 is 19 %."""

    title: str
    rate: Decimal
    price: Bag


_DISCOUNT_TYPES = {
    "code": "DiscountCodeApplication",
    "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication",
}


class Discount(Struct):
    """Served as one of the DiscountApplications. ``kind`` is "code", "automatic" or "manual";
    ``title`` the code where it is one; either a percentage or an amount is set. One over ``ALL``
    lines is the whole order's.
    """

    index: int
    kind: str
    title: str
    percentage: Decimal | None = None
    amount: Money | None = None
    target_type: str = "LINE_ITEM"
    target_selection: str = "ALL"
    allocation_method: str = "ACROSS"

    @property
    def TYPE(self) -> str:
        return _DISCOUNT_TYPES[self.kind]

    @property
    def is_of_order(self) -> bool:
        return self.target_type == "LINE_ITEM" and self.target_selection == "ALL"


class Allocation(Struct):
    """What a line got of the discount with this index."""

    index: int
    amount: Bag


class Duty(Struct):
    id: int
    price: Bag
    harmonized_system_code: str | None = None
    country_code_of_origin: str | None = None
    tax_lines: list[TaxLine] = field(default_factory=list)


class LineItemGroup(Struct):
    """The bundle that lines were bought as."""

    id: int
    title: str
    quantity: int
    product_id: int | None = None
    variant_id: int | None = None
    variant_sku: str | None = None
    custom_attributes: list[Attribute] = field(default_factory=list)


class LineItem(Struct):
    """``quantity`` counts also what was refunded or removed since. ``product_id`` and
    ``variant_id`` stay when the product is deleted; whether it still exists is looked up.
    """

    id: int
    order_id: int
    title: str
    quantity: int
    price: Bag
    variant_title: str = ""
    sku: str = ""
    vendor: str = ""
    product_id: int | None = None
    variant_id: int | None = None
    item_id: int | None = None
    grams: int = 0
    taxable: bool = True
    requires_shipping: bool = True
    is_gift_card: bool = False
    is_tip: bool = False
    properties: list[Attribute] = field(default_factory=list)
    tax_lines: list[TaxLine] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    group: LineItemGroup | None = None

    @property
    def name(self) -> str:
        return f"{self.title} - {self.variant_title}" if self.variant_title else self.title


class ShippingLine(Struct):
    id: int
    order_id: int
    title: str
    price: Bag
    code: str | None = None
    source: str = "shopify"
    carrier_identifier: str | None = None
    tax_lines: list[TaxLine] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)


class Card(Struct):
    company: str
    last4: str


class Transaction(Struct):
    """``kind`` and ``status`` in GraphQL's words; a refund's amount is positive."""

    TYPE: ClassVar[str] = "OrderTransaction"

    id: int
    order_id: int
    kind: str
    status: str
    gateway: str
    amount: Bag
    created_at: int
    parent_id: int | None = None
    is_test: bool = False
    is_manual: bool = False
    error_code: str | None = None
    authorization: str | None = None
    expires_at: int | None = None
    location_id: int | None = None
    card: Card | None = None


class Fact(Struct):
    TYPE: ClassVar[str] = "RiskFact"

    description: str
    sentiment: str


class Order(Struct):
    """``rate`` is how much of the presentment currency one unit of the shop's currency buys.
    ``app`` is the (id, name) of the app or channel that placed it.
    """

    id: int
    number: int
    name: str
    created_at: int
    processed_at: int
    updated_at: int
    currency: str
    presentment_currency: str
    rate: Decimal
    taxes_included: bool
    app: tuple[int, str]
    source_name: str = "web"
    source_identifier: str | None = None
    customer_id: int | None = None
    company: tuple[int, int, int] | None = None
    po_number: str | None = None
    payment_terms: str | None = None
    email: str = ""
    phone: str = ""
    note: str | None = None
    locale: str = "de"
    tags: list[str] = field(default_factory=list)
    custom_attributes: list[Attribute] = field(default_factory=list)
    billing: Address | None = None
    shipping: Address | None = None
    retail_location_id: int | None = None
    lines: list[LineItem] = field(default_factory=list)
    shipping_lines: list[ShippingLine] = field(default_factory=list)
    discounts: list[Discount] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    returns: list[Return] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    metafields: list[Metafield] = field(default_factory=list)
    original_total: Bag | None = None
    cancelled_at: int | None = None
    cancel_reason: str | None = None
    cancel_note: str | None = None
    cancel_mails: bool = False
    closed_at: int | None = None
    is_edited: bool = False
    is_test: bool = False
    duties_included: bool = False
    risk: str = "LOW"
    risk_facts: list[Fact] = field(default_factory=list)

    @property
    def token(self) -> str:
        """What stands for the order in addresses the buyer gets."""
        return f"{self.id * 2_654_435_761 % 16**32:032x}"

    @property
    def confirmation_number(self) -> str:
        return self.token[-9:].upper()

    def line(self, number: int) -> LineItem:
        """Raises KeyError where the order has none such, as do the three below."""
        return _found(self.lines, number)

    def fulfillment_order(self, number: int) -> FulfillmentOrder:
        return _found(self.fulfillment_orders, number)

    def fulfillment(self, number: int) -> Fulfillment:
        return _found(self.fulfillments, number)

    def transaction(self, number: int) -> Transaction:
        return _found(self.transactions, number)


class _Numbered(Protocol):
    id: int


Part = TypeVar("Part", bound=_Numbered)


def _found(parts: Sequence[Part], number: int) -> Part:
    for part in parts:
        if part.id == number:
            return part
    raise KeyError(number)

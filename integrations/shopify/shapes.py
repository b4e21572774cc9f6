"""The nodes Logix reads, typed: only what is used. What personal data there is may be null: apps
that were not approved for it are given none.

Source: the official schema of the Admin API 2026-07. A node that does not fit raises ContractBroken
with the path.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Struct, field

from integrations.errors import ContractBroken
from integrations.kit import strictjson

T = TypeVar("T")
Item = TypeVar("Item")
# UnsignedInt64, which Shopify writes as text.
Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]
Amount = str | int | float | None


class Camel(Struct, rename="camel"):
    """Fields are spelled the platform's way on the wire."""


class PageInfo(Camel):
    has_next_page: bool
    end_cursor: str | None = None


class Connection(Camel, Generic[Item]):
    nodes: list[Item] = field(default_factory=list)
    page_info: PageInfo | None = None

    @property
    def rest(self) -> str | None:
        """The cursor after which there is more, None where all is here."""
        info = self.page_info
        return info.end_cursor if info and info.has_next_page else None


class Money(Camel):
    amount: Amount


class Bag(Camel):
    shop_money: Money
    presentment_money: Money | None = None


class Attribute(Camel):
    key: str
    value: str | None = None


class Named(Camel):
    name: str | None = None
    title: str | None = None


class Owner(Camel):
    """Something else that is named by its number."""

    legacy_resource_id: Number


class Ref(Camel):
    id: str


class Taxed(Camel):
    """A tax line."""

    price_set: Bag
    title: str | None = None


class Allocation(Camel):
    allocated_amount_set: Bag


class Line(Camel):
    id: str
    quantity: int
    current_quantity: int
    original_unit_price_set: Bag
    name: str | None = None
    sku: str | None = None
    requires_shipping: bool = True
    is_gift_card: bool = False
    custom_attributes: list[Attribute] = field(default_factory=list)
    variant: Owner | None = None
    product: Owner | None = None
    line_item_group: Named | None = None
    discount_allocations: list[Allocation] = field(default_factory=list)
    tax_lines: list[Taxed] = field(default_factory=list)


class ShippingLine(Camel):
    discounted_price_set: Bag
    id: str | None = None
    code: str | None = None
    title: str | None = None
    tax_lines: list[Taxed] = field(default_factory=list)


class Fee(Camel):
    id: str
    price: Bag
    name: str | None = None
    tax_lines: list[Taxed] = field(default_factory=list)


class Address(Camel):
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code: str | None = field(default=None, name="countryCodeV2")
    phone: str | None = None


class Customer(Camel):
    legacy_resource_id: Number
    display_name: str | None = None


class Purchasing(Camel):
    """Who buys; only a company says more than its customer does."""

    company: Named | None = None
    location: Named | None = None


class Transaction(Camel):
    id: str
    kind: str
    status: str
    amount_set: Bag
    amount_rounding_set: Bag | None = None
    formatted_gateway: str | None = None
    processed_at: str | None = None
    payment_id: str | None = None
    parent_transaction: Ref | None = None


class Tracking(Camel):
    company: str | None = None
    number: str | None = None
    url: str | None = None


class FulfillmentLine(Camel):
    line_item: Ref
    quantity: int | None = None


class Fulfillment(Camel):
    id: str
    legacy_resource_id: Number
    status: str
    created_at: str
    location: Owner | None = None
    display_status: str | None = None
    tracking_info: list[Tracking] = field(default_factory=list)
    fulfillment_line_items: Connection[FulfillmentLine] = field(default_factory=Connection)


class Remaining(Camel):
    """Units of a line that are still to be sent."""

    id: str
    line_item: Ref
    remaining_quantity: int


class Assigned(Camel):
    """Where units are to leave from."""

    name: str = ""
    location: Owner | None = None


class FulfillmentOrder(Camel):
    id: str
    status: str
    assigned_location: Assigned
    line_items: Connection[Remaining] = field(default_factory=Connection)


class RefundLine(Camel):
    line_item: Ref
    quantity: int
    subtotal_set: Bag
    total_tax_set: Bag
    restock_type: str | None = None


class Refund(Camel):
    id: str
    legacy_resource_id: Number
    total_refunded_set: Bag
    created_at: str | None = None
    note: str | None = None
    refund_line_items: Connection[RefundLine] = field(default_factory=Connection)


class ReturnedFrom(Camel):
    """The line of the parcel that units come back of."""

    line_item: Ref


class ReturnLine(Camel):
    """Of a line that Shopify did not verify there is no ``fulfillment_line_item``."""

    id: str
    quantity: int
    processed_quantity: int = 0
    refunded_quantity: int = 0
    return_reason_definition: Named | None = None
    return_reason_note: str | None = None
    customer_note: str | None = None
    fulfillment_line_item: ReturnedFrom | None = None


class Return(Camel):
    id: str
    name: str
    status: str
    created_at: str | None = None
    return_line_items: Connection[ReturnLine] = field(default_factory=Connection)


class Risk(Camel):
    recommendation: str | None = None


class Dispute(Camel):
    status: str


class Value(Camel):
    """A metafield whose place is known."""

    value: str | None = None


class Metafield(Camel):
    namespace: str
    key: str
    value: str
    type: str = ""


class Dated(Camel):
    """What tells nodes apart in a list."""

    legacy_resource_id: Number
    created_at: str | None = None
    issued_at: str | None = None
    updated_at: str | None = None


class Order(Camel):
    id: str
    legacy_resource_id: Number
    name: str
    created_at: str
    updated_at: str
    currency_code: str
    presentment_currency_code: str
    total_price_set: Bag
    current_total_price_set: Bag
    current_shipping_price_set: Bag
    total_tip_received_set: Bag
    display_fulfillment_status: str
    display_financial_status: str | None = None
    processed_at: str | None = None
    cancelled_at: str | None = None
    cancel_reason: str | None = None
    closed_at: str | None = None
    taxes_included: bool = False
    duties_included: bool = False
    edited: bool = False
    test: bool = False
    source_name: str | None = None
    return_status: str | None = None
    email: str | None = None
    phone: str | None = None
    note: str | None = None
    tags: list[str] = field(default_factory=list)
    po_number: str | None = None
    discount_codes: list[str] = field(default_factory=list)
    custom_attributes: list[Attribute] = field(default_factory=list)
    total_tax_set: Bag | None = None
    total_discounts_set: Bag | None = None
    original_total_duties_set: Bag | None = None
    current_total_duties_set: Bag | None = None
    additional_fees: list[Fee] = field(default_factory=list)
    tax_lines: list[Taxed] = field(default_factory=list)
    billing_address: Address | None = None
    shipping_address: Address | None = None
    customer: Customer | None = None
    purchasing_entity: Purchasing | None = None
    risk: Risk | None = None
    disputes: list[Dispute] = field(default_factory=list)
    parcels: Value | None = None
    metafields: Connection[Metafield] = field(default_factory=Connection)
    line_items: Connection[Line] = field(default_factory=Connection)
    shipping_lines: Connection[ShippingLine] = field(default_factory=Connection)
    transactions: list[Transaction] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    fulfillment_orders: Connection[FulfillmentOrder] | None = None
    refunds: list[Refund] = field(default_factory=list)
    returns: Connection[Return] | None = None


class UserError(Camel):
    """Why a mutation did not do what was asked: ``field`` is the path of the input."""

    message: str = ""
    field: list[str] | None = None
    code: str | None = None


def place_of(found: Metafield) -> str:
    """``namespace.key``: where metafields were asked for by such places, keys are answered so."""
    return f"{found.namespace}.{found.key.removeprefix(f'{found.namespace}.')}"


def decode(raw: bytes, type_: type[T]) -> T:
    """One node. Broken text is mended. Raises ContractBroken."""
    decoder: msgspec.json.Decoder[T] = _decoder(type_)  # type: ignore[arg-type]  # types hash
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as err:
        raise _misfit(err) from err
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return strictjson.decode(raw, type_)


@lru_cache(maxsize=64)
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def _misfit(err: msgspec.ValidationError) -> ContractBroken:
    """Keeps what and where, never the value."""
    what, _, where = str(err).partition(" - at `")
    path = where.rstrip("`") or "$"
    return ContractBroken(
        f"The store's record is not as documented: {what.rstrip('.')} at {path}.", path=path
    )

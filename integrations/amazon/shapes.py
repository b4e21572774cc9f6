"""The answers Logix reads, typed: only what is used, and only as strict as it must be.

Sources: the official models ``orders_2026-01-01``, ``listingsItems_2021-08-01`` and ``sellers``
(github.com/amzn/selling-partner-api-models). A record that does not fit raises ContractBroken with
the path.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from integrations.errors import ContractBroken
from integrations.kit import strictjson

T = TypeVar("T")


class Camel(Struct, rename="camel"):
    """Fields are spelled the platform's way on the wire."""


class Money(Camel):
    amount: str | int | float
    currency_code: str


class Pages(Camel):
    next_token: str | None = None


def following(told: str | None, asked: str) -> str:
    """The token of the next page, "" where there is none. Raises ContractBroken for the one that
    was ``asked`` with: such a list never ends (amzn/selling-partner-api-models#2947).
    """
    if told and told == asked:
        raise endless()
    return told or ""


def endless() -> ContractBroken:
    words = "Amazon leads from a page to the same page again."
    return ContractBroken(words, path="$.nextToken", code="endless")


# --- orders ---------------------------------------------------------------------------------------


class OrdersPage(Camel):
    orders: list[msgspec.Raw]
    pagination: Pages | None = None
    last_updated_before: str | None = None
    created_before: str | None = None


class OneOrder(Camel):
    order: msgspec.Raw


class Channel(Camel):
    channel_name: str = ""
    marketplace_id: str | None = None
    marketplace_name: str | None = None

    @property
    def is_elsewhere(self) -> bool:
        """It was sold in another shop; Amazon sends it."""
        return self.channel_name == "NON_AMAZON"


class Dated(Camel):
    """What tells orders apart in a list."""

    order_id: str
    created_time: str | None = None
    last_updated_time: str | None = None
    sales_channel: Channel = field(default_factory=Channel)


class Alias(Camel):
    alias_id: str = ""
    alias_type: str = ""


class Associated(Camel):
    order_id: str | None = None


class Buyer(Camel):
    buyer_name: str | None = None
    buyer_email: str | None = None
    buyer_company_name: str | None = None
    buyer_purchase_order_number: str | None = None


class ExtendedAddress(Camel):
    """Of Brazil."""

    street_name: str | None = None
    street_number: str | None = None
    complement: str | None = None
    neighborhood: str | None = None


class Address(Camel):
    name: str | None = None
    company_name: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    address_line3: str | None = None
    extended_fields: ExtendedAddress | None = None
    city: str | None = None
    district_or_county: str | None = None
    municipality: str | None = None
    state_or_region: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


class Preference(Camel):
    drop_off_location: str | None = None
    address_instruction: str | None = None


class Recipient(Camel):
    delivery_address: Address | None = None
    delivery_preference: Preference | None = None


class Detail(Camel):
    subtype: str | None = None
    value: Money | None = None


class Part(Camel):
    type: str
    subtotal: Money
    detailed_breakdowns: list[Detail] = field(default_factory=list)


class Proceeds(Camel):
    """``grand_total`` of an order, ``proceeds_total`` of an item."""

    grand_total: Money | None = None
    proceeds_total: Money | None = None
    breakdowns: list[Part] = field(default_factory=list)


class Execution(Camel):
    payment_method: str | None = None


class Payment(Camel):
    payment_executions: list[Execution] = field(default_factory=list)


class Window(Camel):
    latest_date_time: str | None = None


class Fulfillment(Camel):
    fulfillment_status: str = ""
    fulfilled_by: str | None = None
    fulfillment_service_level: str | None = None
    ship_by_window: Window | None = None
    deliver_by_window: Window | None = None


class Price(Camel):
    unit_price: Money | None = None


class Product(Camel):
    asin: str | None = None
    title: str | None = None
    seller_sku: str | None = None
    price: Price | None = None


class Promotion(Camel):
    promotion_id: str | None = None


class Promotions(Camel):
    breakdowns: list[Promotion] = field(default_factory=list)


class Cancellation(Camel):
    """``request``: somebody asked for it; ``execution``: it was done."""

    cancellation_request: dict[str, Any] | None = None
    cancellation_execution: dict[str, Any] | None = None


class Gift(Camel):
    gift_message: str | None = None
    gift_wrap_level: str | None = None


class Packing(Camel):
    gift_option: Gift | None = None


class ItemFulfillment(Camel):
    quantity_fulfilled: int | None = None
    quantity_unfulfilled: int | None = None
    packing: Packing | None = None


class OrderItem(Camel):
    order_item_id: str
    quantity_ordered: int
    product: Product
    proceeds: Proceeds | None = None
    promotion: Promotions | None = None
    cancellation: Cancellation | None = None
    fulfillment: ItemFulfillment | None = None


class PackageStatus(Camel):
    status: str = ""


class PackageItem(Camel):
    order_item_id: str
    quantity: int


class Package(Camel):
    package_reference_id: str
    package_status: PackageStatus | None = None
    carrier: str | None = None
    ship_time: str | None = None
    tracking_number: str | None = None
    package_items: list[PackageItem] = field(default_factory=list)


class Order(Dated, kw_only=True):
    order_items: list[OrderItem]
    sales_channel: Channel
    order_aliases: list[Alias] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    associated_orders: list[Associated] = field(default_factory=list)
    buyer: Buyer | None = None
    recipient: Recipient | None = None
    proceeds: Proceeds | None = None
    payment: Payment | None = None
    fulfillment: Fulfillment | None = None
    packages: list[Package] = field(default_factory=list)


# --- listings -------------------------------------------------------------------------------------


class ListingsPage(Camel):
    items: list[msgspec.Raw]
    number_of_results: int | None = None
    pagination: Pages | None = None


class Summary(Camel):
    """A listing in one marketplace."""

    marketplace_id: str
    product_type: str = ""
    asin: str | None = None
    condition_type: str | None = None
    status: list[str] = field(default_factory=list)
    item_name: str | None = None
    last_updated_date: str | None = None


class Offer(Camel):
    marketplace_id: str
    offer_type: str
    price: Money


class Availability(Camel):
    fulfillment_channel_code: str
    quantity: int | None = None


class Related(Camel):
    child_skus: list[str] = field(default_factory=list)


class Relationships(Camel):
    relationships: list[Related] = field(default_factory=list)


class Named(Camel):
    sku: str


class Listing(Named):
    summaries: list[Summary] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    fulfillment_availability: list[Availability] = field(default_factory=list)
    relationships: list[Relationships] = field(default_factory=list)


class Issue(Camel):
    code: str = ""
    message: str = ""
    severity: str = ""


class Submission(Camel):
    status: str
    issues: list[Issue] = field(default_factory=list)


# --- feeds ----------------------------------------------------------------------------------------


class NewDocument(Camel):
    feed_document_id: str
    url: str


class NewFeed(Camel):
    feed_id: str


class Document(Camel):
    url: str
    compression_algorithm: str | None = None


class Feed(Camel):
    feed_id: str
    feed_type: str
    processing_status: str
    created_time: str
    processing_end_time: str | None = None
    result_feed_document_id: str | None = None


class FeedsPage(Camel):
    feeds: list[Feed]


class FeedIssue(Issue):
    message_id: int | None = None


class FeedSummary(Camel):
    messages_processed: int = 0
    messages_invalid: int = 0


# --- sellers --------------------------------------------------------------------------------------


class Marketplace(Camel):
    id: str
    country_code: str = ""
    name: str = ""
    default_currency_code: str = ""
    domain_name: str = ""


class Participation(Camel):
    is_participating: bool = False
    has_suspended_listings: bool = False


class Participating(Camel):
    marketplace: Marketplace
    participation: Participation
    store_name: str = ""


class Participations(Camel):
    payload: list[Participating] = field(default_factory=list)


def decode(raw: bytes, type_: type[T]) -> T:
    """One record. Broken text is mended. Raises ContractBroken."""
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
        f"Amazon's record is not as documented: {what.rstrip('.')} at {path}.", path=path
    )

"""Plain records by which orders are told about. No Django here, so that adapters may use them.

Money is ``Decimal`` in the order's ISO 4217 currency, quantities are whole base units, times are
aware UTC, ids from outside are ``str``. Signs: discounts are positive amounts that lower the total;
refunds are positive amounts. Payouts and their lines are told from the merchant's side: what comes
in is above zero, what goes out below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any

from orders.status import Flag, ReturnStatus, StatusReading

ZERO = Decimal(0)


class Authority(IntEnum):
    """How far an observation can be trusted when two carry the same time: the higher wins."""

    WEBHOOK = 1
    LIST_PAGE = 2
    BY_ID = 3


class ChargeKind(StrEnum):
    SHIPPING = "shipping"
    FEE = "fee"
    DISCOUNT = "discount"
    TAX = "tax"
    ROUNDING = "rounding"


class PartKind(StrEnum):
    """What a store may tell of an order apart from it."""

    REFUND = "refund"
    RETURN = "return"
    FEES = "fees"


class PaymentKind(StrEnum):
    AUTHORIZATION = "authorization"
    CAPTURE = "capture"


class PayoutStatus(StrEnum):
    SCHEDULED = "scheduled"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PayoutLineKind(StrEnum):
    CHARGE = "charge"
    REFUND = "refund"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    DISPUTE = "dispute"
    RESERVE = "reserve"
    TRANSFER = "transfer"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    name: str = ""
    company: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Personal data of the buyer. Stored as one sealed block, never logged."""

    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    note: str = ""
    billing: Address = Address()
    shipping: Address = Address()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineData:
    """One line. ``subtotal`` is before discounts, ``total`` after, both without ``tax``;
    ``unit_price`` = subtotal / quantity. ``assigned`` are the units still to be sent by the store's
    location they are to leave from, empty where it does not say.
    """

    external_id: str
    quantity: int
    sku: str = ""
    name: str = ""
    external_product_id: str = ""
    external_variant_id: str = ""
    unit_price: Decimal = ZERO
    subtotal: Decimal = ZERO
    total: Decimal = ZERO
    tax: Decimal = ZERO
    requires_shipping: bool = True
    assigned: Mapping[str, int] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeData:
    """Everything in the total that is not a line: shipping, fees, discounts, taxes, rounding.

    ``amount`` excludes ``tax``. TAX and DISCOUNT rows explain amounts already inside lines and
    charges (``informative`` is True) and are not added again when the parts are summed.
    """

    kind: ChargeKind
    external_id: str = ""
    code: str = ""
    title: str = ""
    amount: Decimal = ZERO
    tax: Decimal = ZERO
    informative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundLineData:
    """``quantity`` 0: money of a line whose units the store does not tell."""

    line_external_id: str
    quantity: int = 0
    amount: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundData:
    """``amount`` is positive and includes tax. ``lines`` is None where the platform's order does
    not carry them.
    """

    external_id: str
    amount: Decimal
    reason: str = ""
    created_at: datetime | None = None
    lines: tuple[RefundLineData, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrder:
    """A refund that the store is asked to make, in the order's ``currency``: ``amount`` in all, tax
    and ``shipping`` (with ``shipping_tax``) included. ``lines`` may be worth something else: a
    person decides what goes back. ``moves_money``: through the gateway the buyer paid with; else
    the store only notes it. Nothing is put back on sale there: stock is counted here.
    """

    amount: Decimal
    currency: str
    lines: tuple[RefundLineData, ...] = ()
    shipping: Decimal = ZERO
    shipping_tax: Decimal = ZERO
    moves_money: bool = False
    reason: str = field(default="", repr=False)


def marked(reason: str, reference: str) -> str:
    """A refund's reason with our reference at its end, by which it is known again."""
    return f"{reason} [{reference}]".strip()


def is_marked(reason: str, reference: str) -> bool:
    return f"[{reference}]" in reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnLineData:
    """Units of one line that are to come back. ``line_external_id`` is '' where the store does not
    say of which. ``received``: how many of them the store has taken in. ``reason`` is one of the
    store's own words; ``note`` is what people wrote, which may name them.
    """

    external_id: str
    quantity: int
    line_external_id: str = ""
    received: int = 0
    reason: str = ""
    note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnData:
    """Goods that are to come back, or have. ``name`` is what people call it. A status that none of
    ours stands for is UNKNOWN; ``raw_status`` is the store's word in any case. It moves neither
    money (that is a refund) nor stock.
    """

    external_id: str
    name: str
    status: ReturnStatus
    raw_status: str
    created_at: datetime | None = None
    lines: tuple[ReturnLineData, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeLine:
    """``word`` is the platform's own. ``amount`` is what it takes, with the tax on it: below zero
    where it gives back.
    """

    word: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesData:
    """What the platform booked of an order for itself at one time: for what was sold, or given back
    with a refund. A payout tells of the same money later, and has the final word.
    """

    external_id: str
    posted_at: datetime
    amounts: tuple[FeeLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartData:
    """A refund, a return or fees of an order whose own record does not tell of them. It is told
    whole: what was told before under the same ids is replaced. ``currency`` is that of its amounts,
    '' where it has none. A ``reason`` is one of the store's own words, for it outlives the buyer's
    data. ``by_sku``: its lines have the SKU where the id of the order's line would stand.
    ``raw`` is the payload it was made of.
    """

    external_order_id: str
    told: RefundData | ReturnData | FeesData
    currency: str = ""
    by_sku: bool = False
    raw: bytes = field(default=b"", repr=False, compare=False)

    @property
    def kind(self) -> PartKind:
        return _PART_KINDS[type(self.told)]

    @property
    def external_id(self) -> str:
        """Unique in the store among those of its kind; begins with the order's."""
        return f"{self.external_order_id}/{self.told.external_id}"


_PART_KINDS: Mapping[type, PartKind] = {
    RefundData: PartKind.REFUND,
    ReturnData: PartKind.RETURN,
    FeesData: PartKind.FEES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestockData:
    """Units that the store says it put back on sale at its location: of a line, or of a return's
    line. ``reference`` is the refund's id, where they are told by refund. Rows that name the same
    are added up, oldest first; what was told once stays. ``had_left``: the store says that they
    had; else they may be units that never did.
    """

    line_external_id: str
    quantity: int
    reference: str = ""
    return_line_external_id: str = ""
    external_location_id: str = ""
    had_left: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentData:
    external_id: str
    kind: PaymentKind
    amount: Decimal
    method: str = ""
    reference: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLineData:
    line_external_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentData:
    """One parcel. ``reference`` is ours (unique per order) where we made it; ``external_id`` the
    platform's. ``external_location_id`` is the store's location it leaves from, where known.
    ``cancelled``: the store took it back, or it never left. ``notify_customer`` says of a parcel
    that the store is told of whether its customer is to hear of it.
    """

    external_id: str = ""
    reference: str = ""
    external_location_id: str = ""
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    shipped_at: datetime | None = None
    lines: tuple[ShipmentLineData, ...] = ()
    cancelled: bool = False
    notify_customer: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderData:
    """One order as the platform tells it, at ``changed_at``. Full state: what is missing here is
    gone there (payments too), except ``refunds`` and their lines, ``shipments`` and ``returns``,
    which are None where the platform's answer cannot tell. Refunds of which no answer can are told
    apart (``PartData``). ``completed_at``: when the store said that everything had left; a
    cancelled order that keeps it is believed to have left before. ``left_out``: why it is none of
    the store's own, in words; one that is not here yet then stays out.

    ``raw`` is the untouched payload (UTF-8 JSON bytes); it is sealed and expires with the personal
    data.
    """

    external_id: str
    number: str
    currency: str
    placed_at: datetime
    changed_at: datetime
    status: StatusReading
    raw_status: str
    raw_payment: str = ""
    raw_fulfillment: str = ""
    version: int | None = None
    total: Decimal = ZERO
    tax_total: Decimal = ZERO
    prices_include_tax: bool = False
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    buyer: Buyer | None = None
    external_customer_id: str = ""
    lines: tuple[LineData, ...] = ()
    charges: tuple[ChargeData, ...] = ()
    payments: tuple[PaymentData, ...] = ()
    refunds: tuple[RefundData, ...] | None = ()
    shipments: tuple[ShipmentData, ...] | None = None
    returns: tuple[ReturnData, ...] | None = None
    restocks: tuple[RestockData, ...] = ()
    flags: frozenset[Flag] = frozenset()
    custom: Mapping[str, Any] = field(default_factory=dict)
    gone: bool = False
    left_out: str = ""
    raw: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutLineData:
    """One movement that a payout is made of; the payment to the bank itself is none.

    ``amount`` is gross: a sale above zero, a refund below. ``fee`` is what is taken off it, above
    zero where the merchant pays it, so that ``net`` = ``amount`` − ``fee``; ``net`` is what is
    added up. A fee that is a movement of its own has it in ``amount``, below zero, and no ``fee``.
    ``external_id`` is unique in the payout. ``external_order_id`` is that of the order's own
    record (``OrderData.external_id``), ``external_transaction_id`` the platform's id of the
    payment or refund; '' where there is none. A kind that is not known is OTHER, with the
    platform's word in ``raw_kind``.
    """

    external_id: str
    kind: PayoutLineKind
    currency: str
    amount: Decimal
    net: Decimal
    fee: Decimal = ZERO
    at: datetime | None = None
    external_order_id: str = ""
    external_transaction_id: str = ""
    raw_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutData:
    """One payment to the merchant's bank as the platform tells it now: ``amount`` is what arrives
    there, below zero where it is taken from it. ``issued_at`` is when it was made, which does not
    change; ``paid_at`` when the money arrived, None where that is not known.

    ``lines`` are all there are, unless ``lines_complete`` is False. A status that none of ours
    stands for makes the record unreadable. ``raw`` is the payout's own record as it came (UTF-8
    JSON bytes), without its lines: it changes whenever the payout does.
    """

    external_id: str
    status: PayoutStatus
    raw_status: str
    currency: str
    amount: Decimal
    issued_at: datetime
    paid_at: datetime | None = None
    lines: tuple[PayoutLineData, ...] = ()
    lines_complete: bool = True
    raw: bytes = field(default=b"", repr=False, compare=False)

"""What moves money: units that left, and what buyers got back. Each event's parts are those of the
order, divided by units so that all of them together are the whole.

Amazon's share is assumed: 15 % of what the buyer paid, and a fee for each unit it sends itself. Of
a refund it gives its share back but for a fifth.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import NOTHING, rounded
from integrations.sandbox.amazon.orders.models import Item, Order, Return

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

_COMMISSION, _KEPT, _PICK = Decimal("0.15"), Decimal("0.2"), Decimal("3.25")
PRINCIPAL, TAX, SHIPPING, SHIPPING_TAX, GIFT_WRAP, PROMOTION = (
    "Principal", "Tax", "Shipping", "ShippingTax", "GiftWrap", "Promotion",
)  # fmt: skip
COMMISSION, REFUND_COMMISSION, PICK_FEE = (
    "Commission", "RefundCommission", "FBAPerUnitFulfillmentFee",
)  # fmt: skip
FEES: Final = frozenset({COMMISSION, REFUND_COMMISSION, PICK_FEE})


@dataclass(frozen=True, slots=True)
class Part:
    """What is booked for one item, from the seller's side, by what it is."""

    item: Item
    units: int
    amounts: Mapping[str, Decimal]
    adjustment: str = ""

    @property
    def total(self) -> Decimal:
        return sum(self.amounts.values(), NOTHING)


@dataclass(frozen=True, slots=True)
class Event:
    """``kind`` Shipment or Refund. ``name`` is Amazon's id of it, ``reference`` that of the
    shipment or the refund.
    """

    kind: str
    name: str
    order: Order
    at: int
    parts: tuple[Part, ...]
    reference: str

    @property
    def currency(self) -> str:
        return MARKETPLACES[self.order.marketplace].currency

    @property
    def total(self) -> Decimal:
        return sum((part.total for part in self.parts), NOTHING)


def events(store: SellerStore) -> list[Event]:
    """All there are, oldest first."""
    found = [*_shipments(store), *_refunds(store)]
    return sorted(found, key=lambda event: (event.at, event.name))


def name_of(*words: str) -> str:
    digest = sha256("/".join(words).encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _shipments(store: SellerStore) -> Iterator[Event]:
    for order in store.state.orders.values():
        gone: dict[str, int] = {}
        if order.is_amazons:
            sent = {item.id: item.shipped for item in order.items if item.shipped}
            leaves = [(order.updated, "1", sent)] if sent else []
        else:
            leaves = [(one.created, one.reference, one.items) for one in order.packages]
        for at, reference, items in leaves:
            parts = []
            for item_id, units in items.items():
                if (item := order.item(item_id)) is not None and units:
                    parts.append(_sold(order, item, gone.get(item_id, 0), units))
                    gone[item_id] = gone.get(item_id, 0) + units
            if parts:
                name = name_of("Shipment", order.id, reference)
                yield Event("Shipment", name, order, int(at), tuple(parts), f"S{name[:9]}")


def _sold(order: Order, item: Item, before: int, units: int) -> Part:
    currency = MARKETPLACES[order.marketplace].currency
    amounts = _bought(item, currency, before, units)
    amounts[COMMISSION] = -rounded(_COMMISSION * sum(amounts.values(), NOTHING), currency)
    if order.is_amazons:
        amounts[PICK_FEE] = -rounded(_PICK * units, currency)
    return Part(item, units, {name: amount for name, amount in amounts.items() if amount})


def _refunds(store: SellerStore) -> Iterator[Event]:
    gone: dict[tuple[str, str], int] = {}
    for back in store.state.returns:
        order = store.state.orders.get(back.order)
        item = order.item(back.item) if order else None
        if order is None or item is None or back.arrived is None:
            continue
        before = gone.get((back.order, back.item), 0)
        gone[back.order, back.item] = before + back.quantity
        name = name_of("Refund", order.id, back.number)
        part = _given_back(order, item, back, before)
        yield Event("Refund", name, order, back.arrived, (part,), f"amzn1:crow:{name[:22]}")


def _given_back(order: Order, item: Item, back: Return, before: int) -> Part:
    """The buyer has just what the return says; what rounding leaves is of the price."""
    currency = MARKETPLACES[order.marketplace].currency
    bought = _bought(item, currency, before, back.quantity)
    bought[PRINCIPAL] += back.refunded - sum(bought.values(), NOTHING)
    share = rounded(_COMMISSION * back.refunded, currency)
    amounts = {name: -amount for name, amount in bought.items()}
    amounts |= {COMMISSION: share, REFUND_COMMISSION: -rounded(share * _KEPT, currency)}
    told = {name: amount for name, amount in amounts.items() if amount}
    return Part(item, back.quantity, told, adjustment=f"7{int(back.number[1:7]):012d}")


def _bought(item: Item, currency: str, before: int, units: int) -> dict[str, Decimal]:
    whole = {
        PRINCIPAL: item.unit * item.quantity,
        TAX: item.tax,
        SHIPPING: item.shipping,
        SHIPPING_TAX: item.shipping_tax,
        GIFT_WRAP: item.gift_wrap,
        PROMOTION: -item.discount - item.shipping_discount,
    }

    def until(amount: Decimal, many: int) -> Decimal:
        return rounded(amount * many / item.quantity, currency)

    return {
        name: until(amount, before + units) - until(amount, before)
        for name, amount in whole.items()
    }

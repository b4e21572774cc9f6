"""The kinds of orders there are: what a buyer, Amazon or a program makes of a plain one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import NOTHING, rounded
from integrations.sandbox.amazon.orders import building
from integrations.sandbox.amazon.orders.models import Order
from integrations.sandbox.amazon.orders.people import COMPANIES, GIFTS, REASONS

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Write = Callable[["SellerStore", Random, Order], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """``share`` among the orders of the past and of the traffic. ``lines``: how many different
    things are bought. ``is_abroad``: in another marketplace than the first.
    """

    about: str
    write: Write
    share: int = 0
    lines: int = 1
    is_amazons: bool = False
    is_abroad: bool = False


def _unshipped(_: SellerStore, __: Random, order: Order) -> None:
    order.status = "UNSHIPPED"


def _pending(_: SellerStore, __: Random, order: Order) -> None:
    order.status = "PENDING"


def _preorder(_: SellerStore, __: Random, order: Order) -> None:
    """Paid when there is something to send; nobody hurries it here."""
    order.status = "PENDING_AVAILABILITY"
    order.programs.append("PREORDER")


def _gift(_: SellerStore, chance: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    item = order.items[0]
    item.gift_message, item.gift_level = chance.choice(GIFTS), "Standard"
    item.gift_wrap = rounded(item.unit * Decimal("0.05") + 1, _currency(order))


def _business(store: SellerStore, chance: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    order.programs.append("AMAZON_BUSINESS")
    order.company = order.address.company = chance.choice(COMPANIES)
    order.address.kind = "COMMERCIAL"
    order.purchase_order = f"PO-{chance.randrange(10**6):06d}"
    order.payment_method = "Invoice"
    for item in order.items:
        row = store.state.listings.get(item.sku)
        offer = row.offers.get(order.marketplace) if row else None
        if offer and offer.business_price is not None:
            item.unit, item.is_business_price = offer.business_price, True


def _discounted(_: SellerStore, __: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    for item in order.items:
        whole = item.unit * item.quantity
        item.discount = rounded(whole * Decimal("0.15"), _currency(order))
        item.shipping_discount = item.shipping
        item.promotion = "PLM-SUMMER-15 Percentage Off"


def _taxed(_: SellerStore, __: Random, order: Order) -> None:
    """Amazon computes the seller's value added tax and tells it apart."""
    order.status = "UNSHIPPED"
    building.taxed(order, Decimal("0.19"))


def _prime(_: SellerStore, __: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    order.programs += ["PRIME", "PREMIUM"]
    order.service_level = "NEXT_DAY"
    order.ship_by = (order.created // DAY * DAY, order.created // DAY * DAY + DAY - 1)


def _unknown_sku(_: SellerStore, __: Random, order: Order) -> None:
    """The listing is gone since."""
    order.status = "UNSHIPPED"
    order.items[0].sku = f"GONE-{order.items[0].id[-6:]}"


def _many_units(_: SellerStore, chance: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    for item in order.items:
        item.quantity = chance.randrange(3, 9)


def _wanted_back(_: SellerStore, chance: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    for item in order.items:
        item.wish = chance.choice(REASONS)


def _unfulfillable(_: SellerStore, __: Random, order: Order) -> None:
    order.status = "UNFULFILLABLE"


def _elsewhere(_: SellerStore, __: Random, order: Order) -> None:
    """The seller had Amazon send what he sold in another shop of his."""
    order.status = "UNSHIPPED"
    order.channel = "NON_AMAZON"
    order.seller_order_id = f"SHOP-{order.id[-7:]}"
    for item in order.items:
        item.unit = item.tax = item.shipping = item.shipping_tax = NOTHING


def _replacement(_: SellerStore, chance: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    order.replaces = f"{order.id[:3]}-{chance.randrange(10**7):07d}-{chance.randrange(10**7):07d}"
    for item in order.items:
        item.unit = item.tax = item.shipping = item.shipping_tax = NOTHING


def _numbered(_: SellerStore, __: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    order.seller_order_id = f"MEIN/{order.id[-5:]} #1"


def _ancient(_: SellerStore, __: Random, order: Order) -> None:
    order.status = "UNSHIPPED"
    order.created = order.updated = order.created - 800 * DAY


def _currency(order: Order) -> str:
    return MARKETPLACES[order.marketplace].currency


KINDS: dict[str, Kind] = {
    "plain": Kind("paid, the seller ships", _unshipped, 40),
    "several": Kind("three different things", _unshipped, 12, lines=3),
    "many_units": Kind("several of each", _many_units, 4, lines=2),
    "many_lines": Kind("as many different things as there are", _unshipped, lines=1_000),
    "pending": Kind("the payment is not through yet", _pending, 6),
    "preorder": Kind("PENDING_AVAILABILITY", _preorder),
    "fba": Kind("Amazon ships", _unshipped, 20, is_amazons=True),
    "fba_pending": Kind("Amazon ships, not paid yet", _pending, 2, is_amazons=True),
    "foreign": Kind("in another marketplace and its money", _unshipped, 12, is_abroad=True),
    "gift": Kind("wrapped, with a message", _gift, 3),
    "business": Kind("a company's, at its own price", _business, 3),
    "discounted": Kind("a promotion", _discounted, 3),
    "taxed": Kind("the tax is told apart", _taxed, 2),
    "prime": Kind("to be sent today", _prime, 2),
    "cancel_requested": Kind("the buyer asks to cancel", _wanted_back, 2, lines=2),
    "unfulfillable": Kind("Amazon cannot send it", _unfulfillable, 0, is_amazons=True),
    "unknown_sku": Kind("a listing that is gone", _unknown_sku),
    "elsewhere": Kind("sold in another shop, sent by Amazon", _elsewhere, is_amazons=True),
    "replacement": Kind("free, for an order that went wrong", _replacement, 1),
    "numbered": Kind("with a number of the seller's own", _numbered, 1),
    "ancient": Kind("more than two years old", _ancient),
}

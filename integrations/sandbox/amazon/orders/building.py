"""A new order, as the buyer leaves it at the checkout."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.marketplaces import MARKETPLACES, Marketplace
from integrations.sandbox.amazon.money import rounded
from integrations.sandbox.amazon.orders.models import Address, Item, Order
from integrations.sandbox.amazon.orders.people import names_in, places_in

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

_ID, _SPAN = 36_028_797_018_963, 10**14
"""Counting in steps of the first, modulo the second, meets no number twice."""

_TAXES = {"US": Decimal("0.0825"), "CA": Decimal("0.13")}
"""Collected on top by the marketplace. Elsewhere prices hold it and no part of it is told, unless
Amazon computes the seller's tax: see the kind "taxed".
"""


def order(
    store: SellerStore,
    chance: Random,
    lines: Sequence[tuple[Listing, int]],
    *,
    place: str,
    created: int,
    fulfilled_by: str,
) -> Order:
    """PENDING, with prices of today and without tax; nothing is taken from stock yet."""
    market = MARKETPLACES[place]
    number = store.next("order")
    name = chance.choice(names_in(market.country))
    made = Order(
        id=_order_id(market, number),
        marketplace=place,
        created=created,
        updated=created,
        fulfilled_by=fulfilled_by,
        status="PENDING",
        address=address(market, chance, name),
        items=[_item(store, market, row, quantity) for row, quantity in lines],
        ship_by=_days(created, 1, 3),
        deliver_by=_days(created, 3, 7),
        service_level=chance.choices(("STANDARD", "EXPEDITED", "SECOND_DAY"), (8, 1, 1))[0],
        buyer_name=name,
        buyer_email=f"buyer{number:07d}@marketplace.{market.name.lower()}",
    )
    _ship_for(made, market, chance)
    return made


def address(market: Marketplace, chance: Random, name: str) -> Address:
    at = chance.choice(places_in(market.country))
    kind = "PICKUP_POINT" if at.line.startswith("Packstation") else "RESIDENTIAL"
    return Address(
        name, at.line, at.city, at.zip, market.country, at.state, at.extra, "", at.phone, kind
    )


def tax_on_top(made: Order) -> None:
    """What the marketplace collects, once it is known what is bought and at which price."""
    rate = _TAXES.get(MARKETPLACES[made.marketplace].country)
    if rate is not None:
        taxed(made, rate)


def taxed(made: Order, rate: Decimal) -> None:
    """Tax on top of what is asked, so that the parts add up as in the official examples."""
    currency = MARKETPLACES[made.marketplace].currency
    for item in made.items:
        item.tax = rounded((item.unit * item.quantity - item.discount) * rate, currency)
        item.shipping_tax = rounded((item.shipping - item.shipping_discount) * rate, currency)


def _order_id(market: Marketplace, number: int) -> str:
    """3-7-7 digits."""
    digits = f"{number * _ID % _SPAN:014d}"
    return f"{market.prefix}-{digits[:7]}-{digits[7:]}"


def item_id(store: SellerStore) -> str:
    return f"{(store.next('item') * _ID + 7) % _SPAN:014d}"


def _item(store: SellerStore, market: Marketplace, row: Listing, quantity: int) -> Item:
    offer = row.offers[market.id]
    item = Item(item_id(store), row.sku, row.asin, row.title, quantity, offer.price)
    if market.country == "JP":
        item.points = int(offer.price * quantity / 100)
    return item


def _ship_for(made: Order, market: Marketplace, chance: Random) -> None:
    """What the buyer pays for shipping stands with the first item."""
    if chance.random() < 0.4:
        made.items[0].shipping = rounded(made.items[0].unit * Decimal("0.1") + 1, market.currency)


def _days(created: int, first: int, last: int) -> tuple[int, int]:
    midnight = created // DAY * DAY
    return midnight + first * DAY, midnight + (last + 1) * DAY - 1

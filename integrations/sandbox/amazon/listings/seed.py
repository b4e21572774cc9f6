"""The listings an account starts with: kept by the seller, kept by Amazon, both for one product,
variations, SKUs that are hard to write in an address, and one that is suppressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.listings.models import (
    MERCHANT_CHANNEL,
    Issue,
    Listing,
    Offer,
    Stock,
)
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import rounded
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.dice import dice

_THINGS = (
    ("Emaillebecher", "DRINKING_CUP"),
    ("Wollschal", "SCARF"),
    ("Notizbuch", "BLANK_BOOK"),
    ("Rucksack", "BACKPACK"),
    ("Regenjacke", "COAT"),
    ("Thermosflasche", "BOTTLE"),
    ("Öllampe", "LAMP"),
    ("Teekanne", "TEAPOT"),
    ("Gürtel", "APPAREL_BELT"),
    ("Kerze", "CANDLE"),
)
_NAMES = ("Nordlicht", "Ærø", "São Paulo", "富士", "Garçon", "Žluťoučký", "O’Hara", "🌲 Wald")
_SIZES = ("S", "M", "L")
_RATES = {
    "EUR": "1", "GBP": "0.86", "USD": "1.1", "CAD": "1.5", "MXN": "20", "BRL": "6", "SEK": "11",
    "PLN": "4.3", "TRY": "40", "SAR": "4.1", "AED": "4", "EGP": "55", "ZAR": "20", "INR": "95",
    "JPY": "165", "AUD": "1.7", "SGD": "1.5",
}  # fmt: skip
"""What a euro is worth in play money."""

_SUPPRESSED = Issue(
    "18027",
    "The main image does not meet the requirements of this product type.",
    "ERROR",
    (),
    ("INVALID_IMAGE",),
    suppresses=True,
)


def listings(options: AccountOptions, now: int) -> dict[str, Listing]:
    """Equal seeds give equal listings; ``options.products`` is how many products they are of."""
    made = [
        row
        for number in range(options.products)
        for row in _Product(options, number, now).listings()
    ]
    _rename(made, options.skus)
    return {row.sku: row for row in made}


def _rename(made: list[Listing], skus: tuple[str, ...]) -> None:
    """Raises ValueError where there are not enough of the seller's own to bear these SKUs."""
    own = [row for row in made if row.quantity is not None and not row.parent and row.offers]
    if len(own) < len(skus):
        raise ValueError(f"There are only {len(own)} listings that can bear {len(skus)} SKUs.")
    for row, sku in zip(own, skus, strict=False):
        row.sku = sku


class _Product:
    def __init__(self, options: AccountOptions, number: int, now: int) -> None:
        self._options, self._number, self._now = options, number, now
        self._dice = dice(options.seed, "listing", number)
        self._places = self._chosen(self._dice)
        self._base = Decimal(self._dice.randrange(500, 12_000)) / 100

    def _chosen(self, chance: Random) -> list[str]:
        first, *others = self._options.sells_in
        return [first, *(name for name in others if chance.random() < 0.6)]

    def listings(self) -> Iterator[Listing]:
        shape = self._number % 10
        sku = f"AMZ-{self._number + 1:04d}"
        if shape in (4, 8):
            yield self._by_amazon(sku)
        elif shape == 5:
            own = self._own(sku)
            yield own
            yield self._by_amazon(f"{sku}-FBA", asin=own.asin)
        elif shape == 6:
            yield from self._family(sku)
        elif shape == 7:
            yield self._own(f"AMZ {self._number + 1}/ö+{self._number % 7}")
        elif shape == 9:
            row = self._own(sku, quantity=0)
            row.issues.append(_SUPPRESSED)
            yield row
        else:
            yield self._own(sku)

    def _bare(self, sku: str, suffix: str = "", asin: str = "") -> Listing:
        thing, product_type = _THINGS[self._number % len(_THINGS)]
        name = _NAMES[self._number % len(_NAMES)]
        created = self._now - self._dice.randrange(20, 900) * DAY
        digits = f"40{self._dice.randrange(10**10):010d}"
        return Listing(
            sku=sku,
            asin=asin or f"B0{self._dice.randrange(16**8):08X}",
            listing_id=f"{self._dice.randrange(16**11):011X}",
            product_type=product_type,
            title=f"{thing} {name}{suffix}",
            ean=digits + _check_digit(digits),
            created=created,
            updated=created + self._dice.randrange(0, 15 * DAY),
        )

    def _offered(self, row: Listing) -> Listing:
        for name in self._places:
            currency = MARKETPLACES[name].currency
            price = rounded(self._base * Decimal(_RATES[currency]), currency)
            row.offers[name] = Offer(price, row.created, row.updated)
            if self._number % 6 == 1:
                row.offers[name].business_price = rounded(price * Decimal("0.93"), currency)
        row.attributes = attributes_of(row)
        return row

    def _own(self, sku: str, *, quantity: int | None = None, suffix: str = "") -> Listing:
        row = self._bare(sku, suffix)
        row.quantity = self._dice.randrange(3, 80) if quantity is None else quantity
        return self._offered(row)

    def _by_amazon(self, sku: str, asin: str = "") -> Listing:
        row, chance = self._bare(sku, asin=asin), self._dice
        row.channel = MARKETPLACES[self._places[0]].afn
        row.fnsku = f"X00{chance.randrange(16**7):07X}"
        row.stock = Stock(
            fulfillable=chance.randrange(0, 200),
            updated=self._now - chance.randrange(0, 60 * DAY),
            inbound_working=chance.choice((0, 0, 24)),
            inbound_shipped=chance.choice((0, 0, 48)),
            inbound_receiving=chance.choice((0, 0, 6)),
            transshipment=chance.choice((0, 3)),
            processing=chance.choice((0, 1)),
            customer_damaged=chance.choice((0, 0, 2)),
            warehouse_damaged=chance.choice((0, 0, 1)),
        )
        return self._offered(row)

    def _family(self, sku: str) -> Iterator[Listing]:
        """The parent cannot be bought: no offer, no quantity."""
        parent = self._bare(sku)
        for size in _SIZES:
            child = self._own(f"{sku}-{size}", suffix=f", {size}")
            child.parent = sku
            parent.children.append(child.sku)
            yield child
        yield self._offered_nowhere(parent)

    def _offered_nowhere(self, row: Listing) -> Listing:
        row.attributes = attributes_of(row)
        return row


def attributes_of(row: Listing) -> dict[str, list[dict[str, Any]]]:
    """What the seller has once submitted, in the names of product type definitions."""
    found: dict[str, list[dict[str, Any]]] = {
        "item_name": [{"value": row.title, "language_tag": "en_US"}],
        "condition_type": [{"value": row.condition}],
    }
    for name, offer in row.offers.items():
        entry: dict[str, Any] = {"fulfillment_channel_code": row.channel, "marketplace_id": name}
        if row.channel == MERCHANT_CHANNEL:
            entry |= {"quantity": row.quantity, "lead_time_to_ship_max_days": 2}
        found.setdefault("fulfillment_availability", []).append(entry)
        found.setdefault("purchasable_offer", []).append(
            {
                "marketplace_id": name,
                "currency": MARKETPLACES[name].currency,
                "our_price": [{"schedule": [{"value_with_tax": float(offer.price)}]}],
            }
        )
    return found


def _check_digit(digits: str) -> str:
    """Of an EAN-13: weights 1 and 3 in turn."""
    total = sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(digits))
    return str(-total % 10)

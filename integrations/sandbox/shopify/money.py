"""Amounts: how many decimals a currency has, rounding, and a price in both of a shop's
currencies.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from msgspec import Struct

_NO_DECIMALS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def decimals(currency: str) -> int:
    """ISO 4217 minor units."""
    return 0 if currency in _NO_DECIMALS else 3 if currency in _THREE else 2


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals(currency)), ROUND_HALF_UP)


class Money(Struct, frozen=True):
    TYPE: ClassVar[str] = "MoneyV2"

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - other.amount, self.currency)

    def part(self, pieces: int | Decimal, whole: int | Decimal = 1) -> Money:
        """So many pieces of a whole, rounded to the currency."""
        return Money(rounded(self.amount * pieces / whole, self.currency), self.currency)


class Bag(Struct, frozen=True):
    """One amount in the shop's currency and in what the buyer saw. Served as MoneyBag."""

    shop: Money
    presentment: Money

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Bag) -> Bag:
        return Bag(self.shop - other.shop, self.presentment - other.presentment)

    def part(self, pieces: int | Decimal, whole: int | Decimal = 1) -> Bag:
        return Bag(self.shop.part(pieces, whole), self.presentment.part(pieces, whole))

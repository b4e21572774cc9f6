"""What a case of the corpus is, and where cases are found: every folder here that has a module
``cases`` is a platform, and its ``CASES`` join the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from orders.data import OrderData
from tests.corpus.exact import places_of

ZERO = Decimal(0)
# The promise: five hundredths, or one smallest unit where a currency's is more.
_MOST = Decimal("0.05")


@dataclass(frozen=True)
class Truth:
    """What the platform's own arithmetic came to. ``word`` is the payment status by its words, for
    where no amount says more. ``is_exact``: the parts add up without a rounding line. ``shown`` is
    what the buyer saw, in another currency than the store counts in. ``worth``: what all its units
    and the shipping give back, where they make up the whole order.
    """

    currency: str
    total: Decimal
    word: str
    captured: Decimal = ZERO
    authorized: Decimal = ZERO
    refunded: Decimal = ZERO
    prices_include_tax: bool = False
    is_exact: bool = True
    shown: tuple[str, Decimal] | None = None
    worth: Decimal | None = None

    @property
    def places(self) -> int:
        return places_of(self.currency)

    @property
    def unit(self) -> Decimal:
        return Decimal(1).scaleb(-self.places)

    @property
    def most_missing(self) -> Decimal:
        return ZERO if self.is_exact else max(_MOST, self.unit)

    @property
    def left(self) -> Decimal:
        """What may still be given back, in whole smallest units."""
        left = max(ZERO, self.captured - self.refunded)
        return left.quantize(self.unit, ROUND_DOWN)

    @property
    def payment(self) -> str:
        """By amounts, else by the word: docs/ORDER_STATES.md."""
        if self.captured > 0 and self.refunded:
            return "refunded" if self.refunded >= self.captured else "partially_refunded"
        if self.captured > 0:
            return "paid" if self.captured >= self.total else "partially_paid"
        is_over = self.word in ("voided", "failed")
        return "authorized" if self.authorized > 0 and not is_over else self.word


@dataclass(frozen=True)
class Case:
    """``answer`` is what the platform says of the order, in its own shape; ``read`` makes a record
    of it with the platform's real mapper.
    """

    platform: str
    situation: str
    answer: Any = field(repr=False)
    truth: Truth
    read: Callable[[Any], OrderData] = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.platform}-{self.truth.currency}-{self.situation}"

    @property
    def record(self) -> OrderData:
        return self.read(self.answer)


def platforms() -> list[str]:
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/cases.py"))


def all_cases() -> list[Case]:
    found = [import_module(f"tests.corpus.{name}.cases").CASES for name in platforms()]
    return [case for cases in found for case in cases]

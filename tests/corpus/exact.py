"""Exact arithmetic for tills that count in a currency's smallest unit. Written for the corpus: it
shares nothing with what it proves.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

# ISO 4217: the currencies of the corpus whose smallest unit is no hundredth.
PLACES = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "TND": 3}
HALF = Fraction(1, 2)


def places_of(currency: str) -> int:
    return PLACES.get(currency, 2)


def half_up(value: Fraction, places: int = 0) -> Fraction:
    """Halves go away from zero, as PHP's ``round`` and Ruby's do."""
    scaled = abs(value) * 10**places
    found = Fraction(floor(scaled + HALF), 10**places)
    return -found if value < 0 else found


def half_down(value: Fraction, places: int = 0) -> Fraction:
    """Halves go towards zero: PHP_ROUND_HALF_DOWN."""
    scaled = abs(value) * 10**places
    found = Fraction(ceil(scaled - HALF), 10**places)
    return -found if value < 0 else found


def decimal(units: Fraction | int, places: int) -> Decimal:
    """So many smallest units as an amount."""
    whole = Fraction(units)
    return (Decimal(whole.numerator) / Decimal(whole.denominator)).scaleb(-places)


def text(units: Fraction | int, places: int, shown: int | None = None) -> str:
    """The amount with ``shown`` decimals, as many as the currency has where none are named."""
    shown = places if shown is None else shown
    amount = decimal(half_up(Fraction(units), shown - places), places)
    return f"{amount:.{shown}f}"


def plain(units: Fraction, places: int, most: int = 8) -> str:
    """The amount with as many decimals as there are."""
    found = text(units, places, max(most, places))
    return found.rstrip("0").rstrip(".") if "." in found else found


def shared(whole: int, weights: Sequence[int]) -> list[int]:
    """``whole`` in proportion to ``weights``, to the unit: the largest remainders get one more."""
    among = sum(weights)
    if not among:
        return [0 for _ in weights]
    exact = [Fraction(whole * weight, among) for weight in weights]
    found = [floor(part) for part in exact]
    by_rest = sorted(range(len(weights)), key=lambda n: (found[n] - exact[n], n))
    for place in by_rest[: whole - sum(found)]:
        found[place] += 1
    return found

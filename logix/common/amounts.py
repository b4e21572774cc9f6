"""Amounts of money as text, with as many decimals as their currency has."""

from __future__ import annotations

from decimal import Decimal

# ISO 4217 currencies whose smallest unit is not a hundredth.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_PLACES = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}


def places_of(currency: str) -> int:
    return _PLACES.get(currency, 2)


def money(value: Decimal | None, places: int = 2) -> str | None:
    """An amount as text with the currency's decimals, more only where there are more: 12.500000 →
    "12.50".
    """
    if value is None:
        return None
    whole, _, rest = f"{value:f}".partition(".")
    rest = rest.rstrip("0").ljust(places, "0")
    return f"{whole}.{rest}" if rest else whole

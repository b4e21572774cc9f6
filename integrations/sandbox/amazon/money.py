"""Amounts: how many decimals a currency has, rounding, and how Amazon writes one."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

NOTHING = Decimal(0)
_NO_DECIMALS = frozenset({"JPY"})


def rounded(amount: Decimal, currency: str) -> Decimal:
    unit = Decimal(1) if currency in _NO_DECIMALS else Decimal("0.01")
    return amount.quantize(unit, ROUND_HALF_UP)


def money(amount: Decimal, currency: str) -> dict[str, str]:
    """The models' Money: a decimal string and an ISO 4217 code; yen have no decimals."""
    return {"amount": str(rounded(amount, currency)), "currencyCode": currency}

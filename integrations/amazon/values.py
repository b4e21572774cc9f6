"""Amazon's single values: amounts with their currency, times, units, texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.amazon.shapes import Money
from integrations.errors import ContractBroken
from integrations.kit.text import clean_text, parse_money

ZERO = Decimal(0)
MOST_UNITS = 10**9
_DAYS = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%Y/%m/%d")
_CURRENCY = re.compile(r"[A-Z]{3}")


def text(value: Any, cap: int = 300) -> str:
    """Text that every database stores, at most ``cap`` characters; "" for nothing."""
    if type(value) is str and len(value) <= cap and value.isascii() and value.isprintable():
        return value
    return "" if value is None else clean_text(value, cap)


def money(value: Money | None, currency: str, path: str) -> Decimal:
    """An amount in the order's currency, 0 for nothing. Raises ContractBroken for one in another
    currency, or that is no number.
    """
    if value is None:
        return ZERO
    if value.currency_code != currency:
        raise ContractBroken(
            f"An order has amounts in two currencies. Path: {path}.", path=path, code="currencies"
        )
    try:
        return parse_money(value.amount, rounded=True)
    except ValueError as err:
        raise ContractBroken(f"{err} Path: {path}.", path=path, code="bad_amount") from err


def currency(code: str, path: str) -> str:
    """ISO 4217. Raises ContractBroken."""
    if not _CURRENCY.fullmatch(code):
        raise ContractBroken(f"A currency is not known. Path: {path}.", path=path)
    return code


def units(value: int, path: str) -> int:
    """Raises ContractBroken."""
    if not 0 <= value <= MOST_UNITS:
        raise ContractBroken(f"A quantity cannot be. Path: {path}.", path=path, code="bad_units")
    return value


def moment(value: str | None, path: str) -> datetime | None:
    """An ISO 8601 time as aware UTC. Raises ContractBroken."""
    if not value:
        return None
    try:
        when = datetime.fromisoformat(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as err:
        raise ContractBroken(
            f"A time cannot be read. Path: {path}.", path=path, code="bad_time"
        ) from err


def known_moment(value: str | None, path: str) -> datetime:
    """A time that must be there. Raises ContractBroken."""
    when = moment(value, path)
    if when is None:
        raise ContractBroken(f"A time is missing. Path: {path}.", path=path, code="bad_time")
    return when


def day(told: str, path: str) -> datetime | None:
    """A day or a moment as it is written in any country, as aware UTC; None for nothing. Raises
    ContractBroken.
    """
    if not told:
        return None
    plain = told.removesuffix("UTC").removesuffix("GMT").strip()
    date, _, clock = plain.partition(" ")
    for form in _DAYS:
        try:
            return datetime.strptime(f"{date} {clock or '00:00:00'}Z", f"{form} %H:%M:%S%z")
        except ValueError:
            continue
    return known_moment(plain, path)


def as_iso(when: datetime) -> str:
    """How parameters want it; a part of a second is left out."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Shopify's single values: global ids, times, amounts, names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.errors import ContractBroken, NotFound
from integrations.kit.text import clean_text, parse_money

ZERO = Decimal(0)
# ISO 4217: currencies whose smallest unit is no hundredth.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_SMALLEST = {
    **dict.fromkeys(_WHOLE.split(), Decimal(1)),
    **dict.fromkeys(_THOUSANDTHS.split(), Decimal("0.001")),
}
_CENT = Decimal("0.01")
MOST_UNITS = 10**9
_USUAL_AMOUNT = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
_GID = re.compile(r"gid://shopify/(\w+)/([0-9]{1,20})(?:\?.*)?")


def text(value: Any, cap: int = 300) -> str:
    """Text that every database stores, at most ``cap`` characters; "" for nothing."""
    if type(value) is str and len(value) <= cap and value.isascii() and value.isprintable():
        return value
    return "" if value is None else clean_text(value, cap)


def gid(kind: str, number: str) -> str:
    """The global id of a number as webhooks and people know it. Raises NotFound for what cannot be
    one: nothing of that id is in the store.
    """
    if not (number.isascii() and number.isdigit() and len(number) <= 20):
        raise NotFound(f"“{text(number, 40)}” is not an id of Shopify's.")
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: Any, path: str = "$.id") -> str:
    """The number in a global id. Raises ContractBroken."""
    found = _GID.fullmatch(global_id) if isinstance(global_id, str) else None
    if found is None:
        raise ContractBroken(f"An id is not one of Shopify's. Path: {path}.", path=path)
    return found[2]


def money(value: Any, path: str) -> Decimal:
    """An amount, 0 for nothing. Raises ContractBroken with the path."""
    if type(value) is str and _USUAL_AMOUNT.fullmatch(value):
        return Decimal(value)
    if value is None:
        return ZERO
    try:
        return parse_money(value, rounded=True)
    except ValueError as err:
        raise ContractBroken(f"{err} Path: {path}.", path=path, code="bad_amount") from err


def smallest(currency: str) -> Decimal:
    """The smallest unit of a currency."""
    return _SMALLEST.get(currency, _CENT)


def units(value: int, path: str) -> int:
    """Whole units of something ordered. Raises ContractBroken."""
    if not 0 <= value <= MOST_UNITS:
        raise ContractBroken(f"A quantity cannot be. Path: {path}.", path=path, code="bad_units")
    return value


def moment(value: str | None, path: str) -> datetime | None:
    """An ISO 8601 time with its zone, as aware UTC. Raises ContractBroken."""
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


def as_term(when: datetime) -> str:
    """How a search term wants a time."""
    return f"'{when.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def quoted(word: str) -> str:
    """A word of a search term, taken as it is. Source: https://shopify.dev/docs/api/usage/search-syntax"""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""WooCommerce's single values: times without a zone, amounts as text, meta data rows."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.errors import ContractBroken
from integrations.kit.text import clean_text, parse_money
from integrations.woocommerce.shapes import Dated, Meta, Scalar

ZERO = Decimal(0)
MOST_UNITS = 10**9
_USUAL_AMOUNT = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
# How PHP prints the moment that never was.
_NEVER = ("0000-", "-0001-")


def text(value: Any, cap: int = 300) -> str:
    """Text that every database stores, at most ``cap`` characters. "Nothing" in any of PHP's
    spellings is "".
    """
    if type(value) is str and len(value) <= cap and value.isascii() and value.isprintable():
        return value
    return "" if value is None or value is False else clean_text(value, cap)


def title(value: Any, cap: int = 300) -> str:
    """A name as people read it: WordPress may keep “Tea & Biscuits” as “Tea &amp; Biscuits”.
    Source: WordPress core wp-includes/kses.php, kses_init_filters (title_save_pre).
    """
    found = text(value, cap)
    return text(html.unescape(found), cap) if "&" in found else found


def ident(value: Scalar) -> str:
    """The id of something else, "" for 0, "" and the like."""
    return "" if not value or value == "0" else text(value, 128).strip()


def money(value: Scalar, path: str) -> Decimal:
    """An amount in the order's currency, 0 for nothing. Raises ContractBroken with the path."""
    if type(value) is str and _USUAL_AMOUNT.fullmatch(value):
        return Decimal(value)
    if value is None or value == "" or value is False:
        return ZERO
    try:
        return parse_money(value, rounded=True)
    except ValueError as err:
        raise ContractBroken(f"{err} Path: {path}.", path=path, code="bad_amount") from err


def units(value: Scalar, path: str) -> int:
    """Whole units. Raises ContractBroken: plugins may sell 1.5 metres, which cannot be counted."""
    if type(value) is int and abs(value) <= MOST_UNITS:
        return value
    number = number_of(value)
    if number is None or number != number.to_integral_value() or abs(number) > MOST_UNITS:
        raise ContractBroken(
            f"A quantity is not a whole number of units. Path: {path}.", path=path, code="bad_units"
        )
    return int(number)


def number_of(value: Any) -> Decimal | None:
    """A number wherever one can be seen, None elsewhere; never a huge one that costs minutes."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
    except (ArithmeticError, ValueError):
        # ValueError: a whole number of thousands of digits, which Python does not print.
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= 15 else None


def gmt(value: Scalar, path: str) -> datetime | None:
    """A ``*_gmt`` time: written without zone, always UTC. Raises ContractBroken."""
    return _in_utc(_moment(value, path), UTC, path)


def local(value: Scalar, timezone: str, path: str) -> datetime | None:
    """A time in the site's zone, for answers that lack the GMT twin. Raises ContractBroken."""
    return _in_utc(_moment(value, path), _zone(timezone), path)


def changed_at(record: Dated, timezone: str) -> datetime | None:
    """When a record changed last; a record that never did was made then. Raises ContractBroken."""
    return (
        gmt(record.date_modified_gmt, "$.date_modified_gmt")
        or local(record.date_modified, timezone, "$.date_modified")
        or created_at(record, timezone)
    )


def created_at(record: Dated, timezone: str) -> datetime | None:
    return gmt(record.date_created_gmt, "$.date_created_gmt") or local(
        record.date_created, timezone, "$.date_created"
    )


def as_gmt(when: datetime) -> str:
    """How filters want it, together with ``dates_are_gmt``."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def meta_value(rows: Iterable[Meta], key: str) -> Any:
    """The last row wins, as in WooCommerce itself."""
    found = None
    for row in rows:
        if row.key == key:
            found = row.value
    return found


def plain_meta(rows: Iterable[Meta], most: int) -> dict[str, str]:
    """The merchant's own meta data as text. Keys with a leading ``_`` are bookkeeping of plugins
    and of WooCommerce; those and nested values stay in the raw payload, where field rules reach.
    """
    found: dict[str, str] = {}
    for row in rows:
        value = row.value
        if isinstance(value, str | int | float | bool) and value not in ("", None):
            key = text(row.key, 80)
            if key and not key.startswith("_"):
                found[key] = text(value, 500)
    return dict(sorted(found.items())[:most])


def _moment(value: Scalar, path: str) -> datetime | None:
    if not value:
        return None
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            if value.startswith(_NEVER):
                return None
    raise _bad_time(path)


def _in_utc(when: datetime | None, zone: tzinfo, path: str) -> datetime | None:
    if when is None:
        return None
    try:
        return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as err:
        raise _bad_time(path) from err


def _bad_time(path: str) -> ContractBroken:
    return ContractBroken(f"A time cannot be read. Path: {path}.", path=path, code="bad_time")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return ZoneInfo("UTC")

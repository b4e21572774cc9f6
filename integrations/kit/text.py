"""What may pass from a platform into our tables: text that every database stores, money that is a
number, ids.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Decimal

MONEY = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,6})?")
_LONG_MONEY = re.compile(r"(-?[0-9]{1,14})\.([0-9]{7,40})")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MILLIONTH = Decimal("0.000001")
LONGEST_ID = 128


def clean_text(value: object, cap: int) -> str:
    """``value`` as text of at most ``cap`` characters that PostgreSQL and SQLite both store:
    without NUL, lone surrogates replaced by U+FFFD, in Unicode NFC. None becomes "".
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)
    # Cut before composing: NFC only ever makes these texts shorter by far, and a hostile text costs
    # no more than this.
    text = text[: cap * 4].replace("\0", "")
    return unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))[:cap]


def parse_money(value: object, *, rounded: bool = False) -> Decimal:
    """An amount with at most 14 digits before the point and 6 after it, exactly as it was written.

    A float is taken as it prints and rounded to 6 decimals, for it cannot mean more. Text with more
    decimals raises, unless ``rounded`` (half even). Raises ValueError with a sentence for anything
    else.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"An amount is missing or not a number: {_shown(value)}.")
    text = _plain(value)
    long = _LONG_MONEY.fullmatch(text)
    if long and (rounded or isinstance(value, float) or not long.group(2)[6:].strip("0")):
        return Decimal(text).quantize(_MILLIONTH, ROUND_HALF_EVEN)
    if not MONEY.fullmatch(text):
        raise ValueError(f"An amount is not a plain number: {_shown(value)}.")
    return Decimal(text)


def external_id(value: object) -> str:
    """A platform's id as text of 1 to 128 printable characters. Raises ValueError with a
    sentence.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"An id is missing or neither text nor a whole number: {_shown(value)}.")
    if isinstance(value, int) and abs(value) >= 10**LONGEST_ID:
        raise ValueError("An id is longer than 128 characters.")
    text = str(value).strip()
    if not text or len(text) > LONGEST_ID:
        raise ValueError(f"An id must have 1 to {LONGEST_ID} characters: {_shown(value)}.")
    if not text.isprintable():
        raise ValueError(f"An id contains characters that cannot be printed: {_shown(value)}.")
    return text


def _plain(value: str | int | float | Decimal) -> str:
    """``value`` in digits. Exponents are spelled out only where that stays short: 1e1000000 must
    not become a text.
    """
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else "too large"
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not number.is_finite() or abs(number.adjusted()) > 40:
        return str(number)
    return format(number, "f")


def _shown(value: object) -> str:
    """``value`` for a message: short, and harmless to print."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return "a very large number"
    return ascii(value if isinstance(value, str | int | float | Decimal) else type(value).__name__)[
        :40
    ]

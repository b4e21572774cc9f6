"""Keeping secrets and personal data out of logs: wrapper types that print nothing, and a last
filter over every line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final

MASK: Final = "***"
_DEEPEST = 6

# Names whose values are never shown, in headers, queries, JSON and keyword arguments alike.
_NAMES: Final = (
    r"(?:proxy-)?authorization|[\w-]*(?:token|secret|password|passwd|signature|api[_-]?key)"
    r"|consumer[_-]?key|oauth_(?:nonce|consumer_key)|code|hmac|sig|(?:set-)?cookie"
)
SECRET_NAME: Final = re.compile(rf"(?:{_NAMES})", re.IGNORECASE)


def _without_query(address: re.Match[str]) -> str:
    return f"{address[1]}?{MASK}" if address[2] else address[1]


_Instead = str | Callable[[re.Match[str]], str]
_SECRET_TEXT: Final[tuple[tuple[re.Pattern[str], _Instead], ...]] = (
    # Authorization: Basic abc, "Authorization": "Bearer abc", a token abc. In the middle of a
    # sentence a plain word may follow ("CSRF token missing."), and is no credential.
    (
        re.compile(
            r"([=:]\s*\\?[\"']?(?:basic|bearer|token)\s+"
            r"|\b(?:basic|bearer|token)\s+(?!(?-i:[A-Za-z][a-z]{1,20})[.,;:!?]?(?:[\s)\"']|$)))"
            r"[A-Za-z0-9+/=._~-]{8,}",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # name=value, "name": "value", name: value
    (
        re.compile(
            rf"(?<![\w-])(\\?[\"']?(?:{_NAMES})\\?[\"']?\s*[=:]\s*)"
            rf"(\\?[\"'](?:[^\"'\\]|\\[^\"'])*\\?[\"']|[^\s,;&\"'}})\]]+)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # user:password@ in an address
    (re.compile(r"(://)[^/\s:@]+:[^/\s@]+@"), rf"\1{MASK}@"),
    # Tokens known by their beginning: WooCommerce, Shopify, Square, Amazon, our own.
    (
        re.compile(
            # An escaped colon (%3A) ends in a letter and begins a word all the same.
            r"(?:\b|(?<=%[0-9A-Fa-f]{2}))"
            # "Y2tf" is "ck_" in base64: a WooCommerce pair as HTTP Basic sends it.
            r"(?:c[ks]_[0-9a-fA-F]{8,}|Y2tf[\w+/=-]{8,}|EAAA[\w-]{8,}"
            r"|shp(?:at|ca|pa|ss|rt|ua)_[0-9a-zA-Z]{8,}|Atz[ar]\|[\w+/=|-]{8,}|sq0\w{3}-[\w-]{8,}|lgx_[\w-]{8,})"
        ),
        MASK,
    ),
    # The token of a webhook's address is its password.
    (re.compile(r"(/webhooks/receive/)[^\s\"'<>/?]+"), rf"\1{MASK}"),
    # The query of any address: keys hide in names nobody listed. An address without one is matched
    # as well, else a text of nothing but beginnings of addresses costs its length squared.
    (re.compile(r"(\bhttps?://[^\s\"'<>?]*)(\?[^\s\"'<>]*)?"), _without_query),
)
# In every text that one of the patterns matches there is one of these, in letters of either case.
# Most texts hold none, and looking for them costs a small part of what the patterns cost.
_HINT: Final = re.compile(
    r"auth|basic|bearer|token|secret|passw|sig|key|nonce|code|hmac|cookie"
    r"|://|ck_|cs_|y2tf|eaaa|shp|atz|sq0|lgx_|/webhooks/receive/"
)
# Begins where a word begins: tried from every letter, a long word would cost its length squared.
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")


class Secret:
    """A value that is only given away by ``reveal()``: text, repr, format, logs and JSON show
    ``***``.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("A secret is not pickled: it would end in a file or a queue.")


class Pii(Secret):
    """A buyer's data: the same mask, another name, so that code says what it holds."""


def redact(text: str) -> str:
    """``text`` without anything that looks like a credential or the query of an address."""
    # Beyond ASCII a letter may stand for another where case does not matter (ſ for s).
    if text.isascii() and not _HINT.search(text.lower()):
        return text
    for pattern, instead in _SECRET_TEXT:
        text = pattern.sub(instead, text)
    return text


def redact_told(text: str) -> str:
    """``text`` from where buyers may be named (a store's words, a log line): e-mail addresses are
    masked as well.
    """
    return redact(_EMAIL.sub(MASK, text) if "@" in text or "%40" in text else text)


def redact_value(value: Any, depth: int = 0, text: Callable[[str], str] = redact) -> Any:
    """``value`` with texts redacted, through mappings and sequences; values under a secret's name
    are masked whole.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            name: MASK if _is_secret_name(name) else redact_value(item, depth + 1, text)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item, depth + 1, text) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return text(str(value))


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor; put it last before the renderer, after exceptions have been turned
    into text.
    """
    for name, value in event.items():
        event[name] = MASK if _is_secret_name(name) else redact_value(value, text=redact_told)
    return event


# Event fields of our own that share a word with a secret and hold none.
_HARMLESS: Final = frozenset({"code"})


@lru_cache(maxsize=256)
def _is_secret_name(name: Hashable) -> bool:
    text = str(name)
    return text not in _HARMLESS and SECRET_NAME.fullmatch(text) is not None

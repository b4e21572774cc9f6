"""Keeping secrets and personal data out of logs: wrapper types that print nothing, and a last
filter over every line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

MASK: Final = "***"
_DEEPEST = 6

# Names whose values are never shown, in headers, queries, JSON and keyword arguments alike.
_NAMES: Final = (
    r"(?:proxy-)?authorization|[\w-]*(?:token|secret|password|passwd|signature|api[_-]?key)"
    r"|consumer[_-]?key|oauth_(?:nonce|consumer_key)|code|hmac|sig|(?:set-)?cookie"
)
SECRET_NAME: Final = re.compile(rf"(?:{_NAMES})", re.IGNORECASE)

_SECRET_TEXT: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # Authorization: Basic abc, "Authorization": "Bearer abc"
    (
        re.compile(r"\b(basic|bearer|token)\s+[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE),
        rf"\1 {MASK}",
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
            r"\b(?:c[ks]_[0-9a-fA-F]{8,}|shp(?:at|ca|pa|ss|rt|ua)_[0-9a-zA-Z]{8,}|EAAA[\w-]{8,}"
            r"|Atz[ar]\|[\w+/=|-]{8,}|sq0\w{3}-[\w-]{8,}|lgx_[\w-]{8,})"
        ),
        MASK,
    ),
    # The query of any address: keys hide in names nobody listed.
    (re.compile(r"(\bhttps?://[^\s\"'<>?]+)\?[^\s\"'<>]*"), rf"\1?{MASK}"),
)


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
    """``text`` without what looks like a credential, and without the query of any address."""
    for pattern, instead in _SECRET_TEXT:
        text = pattern.sub(instead, text)
    return text


def redact_value(value: Any, depth: int = 0) -> Any:
    """``value`` with texts redacted, through mappings and sequences; values under a secret's name
    are masked whole.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            name: MASK if _is_secret_name(name) else redact_value(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def redact_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor; put it last before the renderer, after exceptions have been turned
    into text.
    """
    for name, value in event.items():
        event[name] = MASK if _is_secret_name(name) else redact_value(value)
    return event


# Event fields of our own that share a word with a secret and hold none.
_HARMLESS: Final = frozenset({"code"})


def _is_secret_name(name: object) -> bool:
    text = str(name)
    return text not in _HARMLESS and SECRET_NAME.fullmatch(text) is not None

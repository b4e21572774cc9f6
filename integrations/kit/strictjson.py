"""JSON from hostile places: no NaN, no number that costs minutes, no bottomless nesting; broken
text is mended.

Lone surrogates, bytes that are not UTF-8 and a leading byte order mark are mended with U+FFFD
rather than refused, for one bad name must not cost a page of orders. ``kit.text`` cleans what is
left.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from integrations.errors import ContractBroken

T = TypeVar("T")

MAX_DEPTH = 64
MAX_NUMBER = 64
MAX_EXPONENT = 30

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SUSPECT = re.compile(rb"\d[eE]|[\d.]{%d}" % MAX_NUMBER)
_NUMBER = re.compile(rb"-?\d[\d.]*(?:[eE]([+-]?\d+))?")

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_AT = re.compile(r" - at `([^`]*)`$")


def parse(body: bytes) -> Any:
    """The value of ``body``; numbers with a fraction become ``float``. Raises ContractBroken."""
    return decode(body, object)


def decode(body: bytes, type_: type[T], *, strict: bool = True) -> T:
    """``body`` as ``type_`` (anything msgspec knows). ``strict=False`` takes "3" for an int, as PHP
    stores need.

    Raises ContractBroken whose ``path`` points at what does not fit.
    """
    bare = _outside_strings(body)
    _check_depth(bare)
    _check_numbers(bare)
    decoder: msgspec.json.Decoder[T] = _decoder(type_, strict)  # type: ignore[arg-type]
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as err:
        raise _misfit(err) from err
    except RecursionError as err:
        raise _too_deep() from err
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return decoder.decode(_mended(body))
    except msgspec.ValidationError as err:
        raise _misfit(err) from err
    except (msgspec.DecodeError, RecursionError) as err:
        raise ContractBroken(_not_json(body), code="not_json") from err


@lru_cache(maxsize=256)
def _decoder(type_: Any, strict: bool) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_, strict=strict)


def _misfit(err: msgspec.ValidationError) -> ContractBroken:
    text = str(err)
    at = _AT.search(text)
    sentence = text[: at.start()] if at else text
    return ContractBroken(
        f"The store's answer does not fit its contract: {sentence}.",
        path=at.group(1) if at else "$",
    )


def _not_json(body: bytes) -> str:
    start = body[:200].lstrip().lower()
    if not start:
        return "The store answered with nothing where JSON was expected."
    if start.startswith(b"<"):
        return (
            "The store answered with a web page instead of JSON. A plugin, a firewall or a "
            "maintenance page may stand in front of its API."
        )
    return "The store's answer is not valid JSON."


def _outside_strings(body: bytes) -> bytes:
    """``body`` without its strings, at the speed of C: with the escaped quotes gone, every other
    piece is a string.
    """
    return b" ".join(body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])


def _check_depth(bare: bytes) -> None:
    """Each pass takes the innermost brackets away, so the number of passes is the depth."""
    left = bare.translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        left = left.replace(b"[]", b"")
    if b"[]" in left:
        raise _too_deep()


def _check_numbers(bare: bytes) -> None:
    if not _SUSPECT.search(bare):
        return
    for number in _NUMBER.finditer(bare):
        # The length is looked at first: int() of a long text is the very cost this guards against.
        if len(number.group()) > MAX_NUMBER or abs(int(number.group(1) or 0)) > MAX_EXPONENT:
            raise ContractBroken(
                f"The store's answer contains a number nobody means: "
                f"{number.group()[:24].decode()}…",
                code="absurd_number",
            )


def _too_deep() -> ContractBroken:
    return ContractBroken(
        f"The store's answer is nested deeper than {MAX_DEPTH} levels.", code="too_deep"
    )


def _mended(body: bytes) -> bytes:
    text = body.decode("utf-8", "replace").removeprefix("\ufeff").strip()
    return _pair_up(text).encode()


def _pair_up(text: str) -> str:
    """``text`` with each ``\\uD800``-``\\uDFFF`` escape that lacks its partner replaced by
    ``\\uFFFD``.
    """
    parts: list[str] = []
    high: int | None = None
    end = 0
    for escape in _ESCAPE.finditer(text):
        between = text[end : escape.start()]
        unit = int(escape.group(1), 16) if escape.group(1) else 0
        end = escape.end()
        if high is not None and (between or not 0xDC00 <= unit <= 0xDFFF):
            parts[high] = "\\ufffd"
            high = None
        parts.append(between)
        if high is not None:
            high = None
        elif 0xDC00 <= unit <= 0xDFFF:
            parts.append("\\ufffd")
            continue
        elif 0xD800 <= unit <= 0xDBFF:
            high = len(parts)
        parts.append(escape.group())
    if high is not None:
        parts[high] = "\\ufffd"
    parts.append(text[end:])
    return "".join(parts)

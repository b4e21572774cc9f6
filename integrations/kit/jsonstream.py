"""A large JSON object read piece by piece: its members, and of arrays their elements, each as bytes
of its own. Only so much is held as one piece and the element at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from integrations.errors import ContractBroken

LONGEST: Final = 1024 * 1024
# A string, a sign, or whatever stands between signs: a number, true, false, null.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*")
_OPENS, _CLOSES = (b"{", b"["), (b"}", b"]")


def members(pieces: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """``(name, value)`` of a JSON object in the order it has them, of an array once for each
    element. Values are JSON without the space around their parts. Raises ContractBroken where it is
    cut short, no object, or an element is longer than ``LONGEST``.
    """
    tokens = _tokens(pieces)
    _expect(next(tokens, b""), b"{")
    token = next(tokens, b"")
    while token != b"}":
        name = _name(token)
        _expect(next(tokens, b""), b":")
        first = next(tokens, b"")
        if first == b"[":
            yield from ((name, value) for value in _elements(tokens))
        else:
            yield name, _value(first, tokens)
        token = next(tokens, b"")
        if token == b",":
            token = next(tokens, b"")
            if token == b"}":
                raise _broken()


def _elements(tokens: Iterator[bytes]) -> Iterator[bytes]:
    token = next(tokens, b"")
    while token != b"]":
        yield _value(token, tokens)
        token = next(tokens, b"")
        if token == b",":
            token = next(tokens, b"")
        elif token != b"]":
            raise _broken()


def _value(first: bytes, tokens: Iterator[bytes]) -> bytes:
    """``first`` and what belongs to it."""
    parts, depth, size = [first], int(first in _OPENS), len(first)
    if first in (b"", b",", b":", *_CLOSES):
        raise _broken()
    while depth:
        token = next(tokens, b"")
        size += len(token)
        if not token or size > LONGEST:
            raise _broken()
        depth += (token in _OPENS) - (token in _CLOSES)
        parts.append(token)
    return b"".join(parts)


def _tokens(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A token that ends where a piece does may go on in the next."""
    held = b""
    for piece in pieces:
        held += piece
        if len(held) > LONGEST + len(piece):
            raise _broken()
        place = _space(held, 0)
        while (token := _TOKEN.match(held, place)) and token.end() < len(held):
            yield token[0]
            place = _space(held, token.end())
        held = held[place:]
    while held:
        last = _TOKEN.match(held)
        if last is None:
            raise _broken()
        yield last[0]
        held = held[_space(held, last.end()) :]


def _space(held: bytes, place: int) -> int:
    found = _SPACE.match(held, place)
    return found.end() if found else place


def _name(token: bytes) -> str:
    try:
        return msgspec.json.decode(token, type=str)
    except msgspec.MsgspecError as err:
        raise _broken() from err


def _expect(token: bytes, wanted: bytes) -> None:
    if token != wanted:
        raise _broken()


def _broken() -> ContractBroken:
    return ContractBroken("A file of JSON is cut short or broken.", code="bad_json")

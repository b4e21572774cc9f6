"""Ids: the counters a store takes new ones from, and the global ids GraphQL shows."""

from __future__ import annotations

import re

from msgspec import Struct

_GID = re.compile(r"gid://shopify/(\w+)/(\d+)(?:\?.*)?")
FIRST = 1_000_000


class Ids(Struct):
    """The last number given out of each kind."""

    last: dict[str, int] = {}

    def next(self, kind: str) -> int:
        number = self.last.get(kind, FIRST) + 1
        self.last[kind] = number
        return number

    def reserve(self, kind: str, last: int) -> None:
        """No number up to ``last`` is given out again."""
        self.last[kind] = max(last, self.last.get(kind, FIRST))


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def parted(value: str) -> tuple[str, int]:
    """(type name, number) of a global id; ("", 0) for what is none."""
    found = _GID.fullmatch(value)
    return (found[1], int(found[2])) if found else ("", 0)


def number_of(value: str, *kinds: str) -> int:
    """The number of a global id of one of these types, else 0, which no thing has."""
    kind, number = parted(value)
    return number if kind in kinds else 0

"""The counters a store takes new ids from, as its database's auto-increment columns."""

from __future__ import annotations

from msgspec import Struct


class Ids(Struct):
    """The last id given out of each kind. Orders, refunds and products share ``post``."""

    post: int
    item: int
    meta: int
    note: int
    webhook: int = 0
    key: int = 0
    fulfillment: int = 0

    def next(self, kind: str) -> int:
        number: int = getattr(self, kind) + 1
        setattr(self, kind, number)
        return number

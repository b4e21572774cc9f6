"""A feed that was handed in."""

from __future__ import annotations

from msgspec import Struct


class Feed(Struct):
    """Moments are epoch seconds. ``input`` and ``result`` are ids of files."""

    id: str
    kind: str
    marketplaces: list[str]
    created: int
    input: str
    options: dict[str, str] = {}
    status: str = "IN_QUEUE"
    began: int | None = None
    ended: int | None = None
    result: str = ""

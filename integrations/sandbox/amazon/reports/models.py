"""A report that was asked for."""

from __future__ import annotations

from msgspec import Struct


class Report(Struct):
    """Moments are epoch seconds. ``document`` is a file's id, once there is one."""

    id: str
    kind: str
    marketplaces: list[str]
    created: int
    since: float | None = None
    until: float | None = None
    options: dict[str, str] = {}
    status: str = "IN_QUEUE"
    began: int | None = None
    ended: int | None = None
    document: str = ""

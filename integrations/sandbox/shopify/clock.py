"""The store's time: a settable now that can be moved on, and how Shopify writes a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

Now = Callable[[], float]


class Clock:
    """Moments are whole epoch seconds. ``ahead_s`` is how far the control has moved it on."""

    def __init__(self, timezone: str, now: Now | None = None) -> None:
        self.zone = ZoneInfo(timezone)
        self.source: Now = now or time.time
        self.ahead_s = 0

    def now(self) -> int:
        return int(self.exact())

    def exact(self) -> float:
        return self.source() + self.ahead_s

    def offset_minutes(self) -> int:
        """Minutes ahead of UTC now."""
        offset = datetime.fromtimestamp(self.now(), self.zone).utcoffset()
        return int(offset.total_seconds()) // 60 if offset else 0

    def local(self, moment: int | None) -> str | None:
        """As webhooks write it, in the store's zone: ``2026-11-20T10:48:54+01:00``."""
        return None if moment is None else datetime.fromtimestamp(moment, self.zone).isoformat()


def utc(moment: int | None) -> str | None:
    """As GraphQL writes it: ``2026-11-20T09:48:54Z``."""
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

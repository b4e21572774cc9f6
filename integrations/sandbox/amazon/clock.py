"""The account's time: it can run faster than ours and be moved on, and is told in ISO 8601."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

DAY = 24 * 3600
Now = Callable[[], float]
_END = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    """Moments are epoch seconds. ``ahead_s`` is how far the control has moved it on."""

    def __init__(self, source: Now | None = None, *, scale: float = 1.0) -> None:
        self.source: Now = source or time.time
        self.scale = scale
        self.ahead_s = 0.0
        self._began = self.source()

    def exact(self) -> float:
        return self._began + (self.source() - self._began) * self.scale + self.ahead_s

    def now(self) -> int:
        return int(self.exact())

    def go_on_from(self, moment: float) -> None:
        """Never back: an account that was kept in a file goes on at or after that moment."""
        self.ahead_s += max(0.0, moment - self.exact())


def iso(moment: float) -> str:
    """``2026-11-20T09:48:54Z``"""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(text: str) -> float:
    """A date or a date and time since 1970, UTC where no offset is given. Raises ValueError.

    A bare date is taken, too (amzn/selling-partner-api-models#5144 shows one that was).
    """
    found = datetime.fromisoformat(text)
    moment = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    if not 0 <= moment < _END:
        raise ValueError(f"{text} is out of all time.")
    return moment

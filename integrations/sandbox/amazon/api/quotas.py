"""Token buckets of (application and seller, operation), and what was counted at the door.

Source: the page "Usage Plans and Rate Limits": a bucket starts full with ``burst`` calls, fills up
with ``rate`` calls a second, and a call that finds it empty is answered 429.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.amazon.clock import Clock


@dataclass(slots=True)
class Bucket:
    rate: float
    burst: float
    left: float
    at: float

    def take(self, now: float) -> bool:
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        # Many small refills do not add up to a whole call exactly.
        if self.left < 1 - 1e-9:
            return False
        self.left = max(0.0, self.left - 1)
        return True


@dataclass(slots=True)
class Count:
    """``answers`` are counted by status, the throttled ones among them."""

    calls: int = 0
    throttled: int = 0
    answers: dict[int, int] = field(default_factory=dict)


class Quotas:
    """Not thread-safe: the account is held."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}
        self.counts: dict[str, Count] = {}

    def take(self, operation: str, rate: float, burst: float) -> bool:
        now = self._clock.exact()
        bucket = self._buckets.get(operation)
        if bucket is None:
            bucket = self._buckets[operation] = Bucket(rate, burst, burst, now)
        return bucket.take(now)

    def drain(self, operation: str, rate: float, burst: float) -> None:
        """Another part of the application has used it up."""
        self._buckets[operation] = Bucket(rate, burst, 0.0, self._clock.exact())

    def fill(self) -> None:
        self._buckets.clear()

    def count(self, operation: str, status: int) -> None:
        row = self.counts.setdefault(operation, Count())
        row.calls += 1
        row.throttled += status == 429
        row.answers[status] = row.answers.get(status, 0) + 1

    def document(self) -> dict[str, Any]:
        """By operation: calls, throttled, answers by status, and what is left in the bucket."""
        found: dict[str, Any] = {}
        for name, row in sorted(self.counts.items()):
            bucket = self._buckets.get(name)
            found[name] = {
                "calls": row.calls,
                "throttled": row.throttled,
                "answers": {str(status): many for status, many in sorted(row.answers.items())},
                "left": None if bucket is None else round(bucket.left, 3),
            }
        return found

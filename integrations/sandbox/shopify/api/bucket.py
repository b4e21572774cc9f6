"""The leaky bucket of points that each app has in each store.

Source: shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits, read 2026-11: points a second by
plan. That the bucket holds twenty seconds' worth is seen in Shopify's own examples (2000 at 100).
"""

from __future__ import annotations

from collections.abc import Callable

RATES = {"standard": 100, "advanced": 200, "plus": 1_000, "enterprise": 2_000}
_SECONDS = 20


class Bucket:
    """Not thread-safe by itself: it is asked while the store is held."""

    def __init__(self, rate: int, now: Callable[[], float]) -> None:
        self.rate, self.most = float(rate), float(rate * _SECONDS)
        self._left, self._now, self._at = self.most, now, now()

    @property
    def left(self) -> float:
        now = self._now()
        self._left = min(self.most, self._left + max(0.0, now - self._at) * self.rate)
        self._at = now
        return self._left

    def take(self, points: float) -> bool:
        """Whether there were that many, which are gone then."""
        if self.left < points:
            return False
        self._left -= points
        return True

    def give_back(self, points: float) -> None:
        self._left = min(self.most, self._left + points)

    def drain(self) -> None:
        """Empty it, as other calls of the app would."""
        self._left, self._at = 0.0, self._now()

    def status(self) -> dict[str, float | int]:
        return {
            "maximumAvailable": self.most,
            "currentlyAvailable": int(self.left),
            "restoreRate": self.rate,
        }

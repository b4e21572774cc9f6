"""How fast a store may be called: one GCRA bucket per key, shared by whoever shares the limiter.

A bucket is one number, ``tat`` (theoretical arrival time, epoch seconds): the moment it would be
full again. A call of cost ``c`` is granted when ``max(now, tat) + c/rate`` is no further ahead than
``burst/rate``. A limiter never sleeps: it answers 0.0 or the seconds to wait. Keys are
``<store>:<bucket>``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from integrations.platform import RateLimit

BULK_SHARE = 0.8
LIVE_WAIT_S = 2.0
LONGEST_BLOCK_S = 24 * 3600.0

Limits = Callable[[str], RateLimit]


class Priority(StrEnum):
    """LIVE: someone or something waits for it. BULK: back-fill, which takes at most 80 % and gives
    way to LIVE.
    """

    LIVE = "live"
    BULK = "bulk"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitNews:
    """What a platform's answer said about our quota. ``remaining`` calls now, ``reset_s`` until it
    is full again, ``rate`` calls per second if the platform told a new one, ``cost``: what the call
    itself came to in the end.
    """

    remaining: float | None = None
    reset_s: float | None = None
    rate: float | None = None
    cost: float | None = None


class Limiter(Protocol):
    def take(self, key: str, *, cost: float = 1, priority: Priority = Priority.LIVE) -> float:
        """0.0 when granted, else the seconds to wait before asking again. Never sleeps."""

    def penalize(self, key: str, seconds: float) -> None:
        """The platform said stop: nobody is granted anything for ``seconds``."""

    def learn(
        self,
        key: str,
        *,
        remaining: float | None = None,
        reset_s: float | None = None,
        rate: float | None = None,
        unspent: float = 0.0,
        priority: Priority = Priority.LIVE,
    ) -> None:
        """Correct the bucket by what the platform's answer says. It never grants more than that.
        ``unspent`` is given back: what a call of this ``priority`` took and did not cost; below
        zero it cost more.
        """


def limit_for(limits: Limits | Mapping[str, RateLimit], key: str) -> RateLimit:
    """The declared limit of ``key``. A mapping is asked for the whole key, its bucket, then
    "default".
    """
    if callable(limits):
        return limits(key)
    for name in (key, key.rpartition(":")[2], "default"):
        if name in limits:
            return limits[name]
    raise KeyError(f"No limit is declared for {key}.")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a call asks of its bucket, in seconds: ``need`` is its cost, ``room`` how far ahead
    ``tat`` may end.
    """

    need: float
    room: float


def claim(limit: RateLimit, cost: float, priority: Priority) -> Claim:
    """The GCRA terms of a call. BULK pays a quarter more and may fill 80 % of the burst, so of rate
    and burst alike a fifth is left for LIVE. It begins where the largest call would find room, or
    small ones would take what a large one waits for, for ever. A cost larger than the burst is let
    through when the bucket is full, else it never could be.
    """
    need = seconds_of(limit, cost, priority)
    if priority is Priority.LIVE:
        return Claim(need, max(limit.burst / limit.rate, need))
    left = seconds_of(limit, max(0.0, limit.largest - cost), priority)
    return Claim(need, max(limit.burst * BULK_SHARE / limit.rate - left, need))


def seconds_of(limit: RateLimit, cost: float, priority: Priority) -> float:
    """By how much ``cost`` moves ``tat``."""
    return cost / (limit.rate * (BULK_SHARE if priority is Priority.BULK else 1.0))


def debt(
    limit: RateLimit, *, remaining: float | None, reset_s: float | None
) -> tuple[float, float]:
    """What headers say, as (seconds ``tat`` must at least lie ahead, seconds to block everyone)."""
    if remaining is None:
        return 0.0, 0.0
    if remaining <= 0 and reset_s:
        return limit.burst / limit.rate, min(reset_s, LONGEST_BLOCK_S)
    return max(0.0, limit.burst - remaining) / limit.rate, 0.0


@dataclass(slots=True)
class _Bucket:
    tat: float = 0.0
    blocked_until: float = 0.0
    live_waits_until: float = 0.0
    rate: float | None = None


class MemoryLimiter:
    """A limiter for one process, safe between threads. ``share`` scales every rate (0.5: half
    speed).
    """

    def __init__(
        self,
        limits: Limits | Mapping[str, RateLimit],
        *,
        clock: Callable[[], float] = time.time,
        share: float = 1.0,
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._share = share
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, key: str, *, cost: float = 1, priority: Priority = Priority.LIVE) -> float:
        with self._lock:
            bucket = self._buckets.setdefault(key, _Bucket())
            terms = claim(self._limit(key, bucket), cost, priority)
            now = self._clock()
            wait = bucket.blocked_until - now
            if priority is Priority.BULK:
                wait = max(wait, bucket.live_waits_until - now)
            if wait <= 0:
                tat = max(bucket.tat, now) + terms.need
                # A microsecond of tolerance: sums of floats would otherwise refuse the call that
                # just fits.
                wait = tat - now - terms.room
                if wait <= 1e-6:
                    bucket.tat = tat
                    return 0.0
            if priority is Priority.LIVE:
                bucket.live_waits_until = now + min(wait, LIVE_WAIT_S)
            return wait

    def penalize(self, key: str, seconds: float) -> None:
        with self._lock:
            bucket = self._buckets.setdefault(key, _Bucket())
            until = self._clock() + min(seconds, LONGEST_BLOCK_S)
            bucket.blocked_until = max(bucket.blocked_until, until)

    def learn(
        self,
        key: str,
        *,
        remaining: float | None = None,
        reset_s: float | None = None,
        rate: float | None = None,
        unspent: float = 0.0,
        priority: Priority = Priority.LIVE,
    ) -> None:
        with self._lock:
            bucket = self._buckets.setdefault(key, _Bucket())
            if rate is not None and rate > 0:
                bucket.rate = rate
            now = self._clock()
            limit = self._limit(key, bucket)
            ahead, block = debt(limit, remaining=remaining, reset_s=reset_s)
            back = seconds_of(limit, unspent, priority)
            bucket.tat = max(max(bucket.tat, now) - back, now + ahead)
            bucket.blocked_until = max(bucket.blocked_until, now + block)

    def _limit(self, key: str, bucket: _Bucket) -> RateLimit:
        declared = limit_for(self._limits, key)
        return replace(declared, rate=(bucket.rate or declared.rate) * self._share)

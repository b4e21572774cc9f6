"""How fast a store may be called, and where the hub may connect to at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from django.conf import settings

from integrations.kit.ratelimit import Limiter, MemoryLimiter
from integrations.kit.ratelimit_db import DatabaseLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import PlatformCard, RateLimit


def limiter(
    card: PlatformCard, calls_per_s: float | None = None, told: float | None = None
) -> Limiter:
    """The limiter shared with all workers: Redis when ``LOGIX_LIMITER_URL`` names one, else the
    database. ``calls_per_s``: what staff allow for this store in place of the declared rate;
    ``told``: the rate that the store said it has.
    """
    declared = tuple(card.limits)
    if calls_per_s:
        declared = tuple(_allowed(limit, calls_per_s) for limit in declared)
    elif told:
        declared = tuple(replace(x, rate=told) if _is_usual(x) else x for x in declared)
    return _limiter(declared, settings.LOGIX_LIMITER_URL)


def _allowed(limit: RateLimit, calls_per_s: float) -> RateLimit:
    """Calls with a limit of their own may become fewer by what staff allow, never more."""
    if not _is_usual(limit):
        return replace(limit, rate=min(limit.rate, calls_per_s))
    # Room for the largest call at least, where calls are counted by what they cost.
    burst = max(1, round(2 * calls_per_s), math.ceil(limit.largest))
    return replace(limit, rate=calls_per_s, burst=burst)


def _is_usual(limit: RateLimit) -> bool:
    return limit.bucket == "default"


def private_limiter(card: PlatformCard) -> Limiter:
    """A limiter for calls to an address that is no store of ours yet."""
    return MemoryLimiter(by_bucket(card.limits))


def by_bucket(limits: Sequence[RateLimit]) -> dict[str, RateLimit]:
    """Declared limits by bucket; calls of a bucket that is not named fall under "default"."""
    found = {limit.bucket: limit for limit in limits}
    found.setdefault("default", limits[0])
    return found


def guard() -> AddressGuard:
    """The guard of the running settings."""
    return _guard(tuple(settings.LOGIX_ALLOW_CIDRS), bool(settings.LOGIX_ALLOW_LOOPBACK_STORES))


@lru_cache(maxsize=64)
def _limiter(declared: tuple[RateLimit, ...], url: str) -> Limiter:
    limits = by_bucket(declared)
    in_database = DatabaseLimiter(limits)
    if not url:
        return in_database
    # The Redis client takes 20 MB of every process that imports it.
    from integrations.kit.ratelimit_redis import RedisLimiter

    return RedisLimiter(url, limits, fallback=in_database)


@lru_cache(maxsize=4)
def _guard(allowed: tuple[str, ...], loopback: bool) -> AddressGuard:
    return AddressGuard(allow_cidrs=allowed, allow_loopback_http=loopback)

"""The limiter that workers on many machines share through Redis, and what happens when Redis is
lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import redis
import structlog

from integrations.kit.ratelimit import (
    BULK_SHARE,
    LIVE_WAIT_S,
    LONGEST_BLOCK_S,
    Limiter,
    Limits,
    Priority,
    debt,
    limit_for,
    seconds_of,
)
from integrations.platform import RateLimit

log = structlog.get_logger(__name__)

# How long a lost Redis is left alone: each look at a dead one costs its time-out, one second.
LOOK_AGAIN_S = 5.0

# The clock is Redis's own, so that workers with wrong clocks agree. Fields: tat, blocked, live (a
# live call waits until then), rate (learned). %.6f because Lua prints only 14 digits of a number,
# which is tenths of milliseconds of an epoch.
_CLOCK = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local seen = redis.call('HMGET', KEYS[1], 'tat', 'blocked', 'live', 'rate')
local tat = math.max(tonumber(seen[1]) or 0, now)
local blocked = tonumber(seen[2]) or 0
local live = tonumber(seen[3]) or 0
local function keep(field, value)
  redis.call('HSET', KEYS[1], field, string.format('%.6f', value))
  redis.call('EXPIRE', KEYS[1], math.ceil(math.max(tat, blocked, live) - now) + 3600)
end
"""

_TAKE = (
    _CLOCK
    + """
local cost = tonumber(ARGV[1])
local rate = (tonumber(seen[4]) or tonumber(ARGV[2])) * tonumber(ARGV[5])
local burst = tonumber(ARGV[3])
local share = tonumber(ARGV[4])
local bulk = share < 1
local need = cost / (rate * share)
local room = burst * share / rate
if bulk then room = room - math.max(0, tonumber(ARGV[7]) - cost) / (rate * share) end
room = math.max(room, need)
local wait = blocked - now
if bulk then wait = math.max(wait, live - now) end
if wait <= 0 then
  wait = tat + need - now - room
  if wait <= 0.000001 then
    tat = tat + need
    keep('tat', tat)
    return '0'
  end
end
if not bulk then
  live = now + math.min(wait, tonumber(ARGV[6]))
  keep('live', live)
end
return string.format('%.6f', wait)
"""
)

_BLOCK = (
    _CLOCK
    + """
blocked = math.max(blocked, now + tonumber(ARGV[1]))
keep('blocked', blocked)
return '0'
"""
)

_LEARN = (
    _CLOCK
    + """
tat = math.max(tat - tonumber(ARGV[4]), now + tonumber(ARGV[1]))
blocked = math.max(blocked, now + tonumber(ARGV[2]))
if ARGV[3] ~= '' then keep('rate', tonumber(ARGV[3])) end
keep('tat', tat)
keep('blocked', blocked)
return '0'
"""
)


class RedisLimiter:
    """A limiter shared through Redis 5 or newer, on Redis's clock.

    While Redis is lost, ``fallback`` decides at half speed (each call counts twice); without one
    the error of the client is raised. The loss and the return are logged once each.
    """

    def __init__(
        self,
        url: str,
        limits: Limits | Mapping[str, RateLimit],
        *,
        fallback: Limiter | None = None,
        prefix: str = "logix:rate:",
        share: float = 1.0,
        timeout_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis: redis.Redis = redis.Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
        )
        self._limits = limits
        self._fallback = fallback
        self._prefix = prefix
        self._share = share
        self._clock = clock
        self._lost_until = 0.0
        self._is_lost = False
        self._lock = threading.Lock()
        self._scripts = {
            text: self._redis.register_script(text) for text in (_TAKE, _BLOCK, _LEARN)
        }

    def take(self, key: str, *, cost: float = 1, priority: Priority = Priority.LIVE) -> float:
        limit = limit_for(self._limits, key)
        share = BULK_SHARE if priority is Priority.BULK else 1.0
        told = (limit.rate, limit.burst, share, self._share, LIVE_WAIT_S, limit.largest)
        answer = self._run(_TAKE, key, cost, *told)
        if answer is None and self._fallback is not None:
            return self._fallback.take(key, cost=cost * 2, priority=priority)
        return float(answer or 0.0)

    def penalize(self, key: str, seconds: float) -> None:
        self._run(_BLOCK, key, min(seconds, LONGEST_BLOCK_S))
        if self._fallback is not None:
            # Told either way: Redis may be lost before the time is over.
            self._fallback.penalize(key, seconds)

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
        declared = limit_for(self._limits, key)
        now_rate = rate if rate is not None and rate > 0 else None
        known = replace(declared, rate=(now_rate or declared.rate) * self._share)
        ahead, block = debt(known, remaining=remaining, reset_s=reset_s)
        back = seconds_of(known, unspent, priority)
        answer = self._run(_LEARN, key, ahead, block, "" if now_rate is None else now_rate, back)
        if answer is None and self._fallback is not None:
            self._fallback.learn(
                key,
                remaining=remaining,
                reset_s=reset_s,
                rate=rate,
                unspent=unspent,
                priority=priority,
            )

    def _run(self, script: str, key: str, *args: Any) -> bytes | None:
        """The script's answer, or None while Redis is lost and a fallback is there to ask
        instead.
        """
        if self._fallback is not None and self._clock() < self._lost_until:
            return None
        try:
            answer: bytes = self._scripts[script](keys=[self._prefix + key], args=list(args))
        except redis.RedisError as err:
            if self._fallback is None:
                raise
            self._lose(err)
            return None
        if self._is_lost:
            self._find()
        return answer

    def _lose(self, err: redis.RedisError) -> None:
        with self._lock:
            was_lost, self._is_lost = self._is_lost, True
            self._lost_until = self._clock() + LOOK_AGAIN_S
        if not was_lost:
            log.warning("limiter_lost_redis", error=type(err).__name__, speed="half")

    def _find(self) -> None:
        with self._lock:
            was_lost, self._is_lost = self._is_lost, False
        if was_lost:
            log.info("limiter_found_redis")

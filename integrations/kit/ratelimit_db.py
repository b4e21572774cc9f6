"""The limiter that workers share through the database when there is no Redis. The one file of
``kit`` that knows Django.

One conditional UPDATE takes a call, on the database's clock; whoever changes no row has to wait.
Call it outside transactions: PostgreSQL would keep the bucket's row locked until the commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db import connections

from integrations.kit.ratelimit import (
    LONGEST_BLOCK_S,
    Claim,
    Limits,
    Priority,
    claim,
    debt,
    limit_for,
    seconds_of,
)
from integrations.platform import RateLimit

# A race lost three times in a row: the bucket is busy, come back shortly.
_TRIES = 3
_SOON_S = 0.01


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database says "now" as epoch seconds, as a timestamp, and "the larger of two"."""

    now: str
    stamp: str
    larger: str


DIALECTS: Mapping[str, Dialect] = {
    "postgresql": Dialect(
        now="EXTRACT(EPOCH FROM clock_timestamp())::double precision",
        stamp="clock_timestamp()",
        larger="GREATEST",
    ),
    "sqlite": Dialect(
        now="((julianday('now') - 2440587.5) * 86400.0)",
        stamp="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
        larger="max",
    ),
}

_TABLE = "integrations_ratebucket"


class DatabaseLimiter:
    """A limiter over the table of ``integrations.models.RateBucket``. ``share`` scales every rate
    (0.5: half speed).

    A rate that a platform's headers tell is kept by the process that read them; blocks and debts
    are shared.
    """

    def __init__(
        self,
        limits: Limits | Mapping[str, RateLimit],
        *,
        using: str = "default",
        share: float = 1.0,
    ) -> None:
        self._limits = limits
        self._using = using
        self._share = share
        self._rates: dict[str, float] = {}

    def take(self, key: str, *, cost: float = 1, priority: Priority = Priority.LIVE) -> float:
        terms = claim(self._limit(key), cost, priority)
        wait = _SOON_S
        for _ in range(_TRIES):
            if self._claimed(key, terms):
                return 0.0
            standing = self._standing(key)
            if standing is None:
                self._create(key)
                continue
            now, tat, blocked_until = standing
            wait = max(blocked_until - now, max(tat, now) + terms.need - now - terms.room)
            if wait > 0:
                return wait
        return max(wait, _SOON_S)

    def penalize(self, key: str, seconds: float) -> None:
        self._push(key, block=min(seconds, LONGEST_BLOCK_S))

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
        if rate is not None and rate > 0:
            self._rates[key] = rate
        limit = self._limit(key)
        ahead, block = debt(limit, remaining=remaining, reset_s=reset_s)
        back = seconds_of(limit, unspent, priority)
        if ahead or block or back:
            self._push(key, ahead=ahead, block=block, back=back)

    def _limit(self, key: str) -> RateLimit:
        declared = limit_for(self._limits, key)
        return replace(declared, rate=self._rates.get(key, declared.rate) * self._share)

    def _claimed(self, key: str, terms: Claim) -> bool:
        """Settles the race of all workers for the bucket: the row changes for one of them at a
        time.
        """
        sql = self._sql(
            "UPDATE {table} SET tat = {larger}(tat, {now}) + %s, updated_at = {stamp} "
            'WHERE "key" = %s AND blocked_until <= {now} '
            "AND {larger}(tat, {now}) - {now} + %s <= %s"
        )
        # A microsecond of tolerance: sums of floats would otherwise refuse the call that just fits.
        return self._execute(sql, [terms.need, key, terms.need, terms.room + 1e-6]) == 1

    def _push(self, key: str, *, ahead: float = 0.0, block: float = 0.0, back: float = 0.0) -> None:
        """Move ``tat`` back by what was given back, but to no less than ``ahead`` of now;
        ``blocked_until`` forward, never back. 0 leaves them as they are.
        """
        sql = self._sql(
            "UPDATE {table} SET "
            "tat = {larger}({larger}(tat, {now}) - %s, {now} + %s), "
            "blocked_until = CASE WHEN %s > 0 THEN {larger}(blocked_until, {now} + %s) "
            'ELSE blocked_until END, updated_at = {stamp} WHERE "key" = %s'
        )
        values: list[str | float] = [back, ahead, block, block, key]
        if not self._execute(sql, values):
            self._create(key)
            self._execute(sql, values)

    def _standing(self, key: str) -> tuple[float, float, float] | None:
        """Database time, tat and blocked_until of the bucket, None when there is no row yet."""
        sql = self._sql('SELECT {now}, tat, blocked_until FROM {table} WHERE "key" = %s')
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql, [key])
            row = cursor.fetchone()
        return (float(row[0]), float(row[1]), float(row[2])) if row else None

    def _create(self, key: str) -> None:
        sql = self._sql(
            'INSERT INTO {table} ("key", tat, blocked_until, updated_at) '
            'VALUES (%s, 0, 0, {stamp}) ON CONFLICT ("key") DO NOTHING'
        )
        self._execute(sql, [key])

    def _execute(self, sql: str, values: list[str | float]) -> int:
        with connections[self._using].cursor() as cursor:
            cursor.execute(sql, values)
            return int(cursor.rowcount)

    def _sql(self, text: str) -> str:
        dialect = DIALECTS[connections[self._using].vendor]
        return text.format(
            table=_TABLE, now=dialect.now, stamp=dialect.stamp, larger=dialect.larger
        )

"""The circuit breaker of a store as all workers see it: one row, changed by compare-and-set
(``kit.breaker`` has the rules).
"""

from __future__ import annotations

import random
from datetime import UTC, datetime
from uuid import UUID

import structlog
from django.db.models.functions import Now

from integrations.errors import PlatformError
from integrations.kit import breaker
from integrations.kit.breaker import BreakerState, State, Verdict
from integrations.models import Store, StoreBreaker

log = structlog.get_logger(__name__)

_TRIES = 5


class DatabaseBreaker:
    """The store's breaker as all workers see it, on the database's clock. A healthy call costs one
    SELECT.

    ``insists``: never refuse, only tell the outcome. For a person who tests the connection: if the
    store answers, the breaker closes for everybody.
    """

    def __init__(self, store: Store, *, insists: bool = False) -> None:
        self._store_id: UUID = store.pk
        self._name = store.name
        self._insists = insists
        self._quiet_calls = 0
        self._troubled = False

    def before(self) -> None:
        row, now = self._load()
        state = _state(row)
        self._troubled = row is not None and _is_troubled(state, now)
        if self._insists or state.state is State.CLOSED:
            return
        permit = breaker.before(state, now)
        # Whoever stores the half-open state holds the probe; all others stay away.
        if permit.granted and row is not None and self._store(row, permit.state, ""):
            return
        raise breaker.open_error(permit.wait_s or breaker.PROBE_S, self._name)

    def success(self) -> None:
        if self._troubled:
            self._end(Verdict.WELL, "")
        else:
            # Nothing failed within the window: calls are counted here and told with the first
            # failure.
            self._quiet_calls += 1

    def failure(self, error: PlatformError) -> None:
        outcome = breaker.verdict(error)
        if outcome is Verdict.WELL:
            self.success()
        elif outcome is Verdict.ILL or self._troubled:
            self._end(outcome, str(error) if outcome is Verdict.ILL else "")

    def _end(self, outcome: Verdict, error: str) -> None:
        for _ in range(_TRIES):
            row, now = self._load()
            if row is None:
                StoreBreaker.objects.bulk_create(
                    [StoreBreaker(store_id=self._store_id)], ignore_conflicts=True
                )
                continue
            before = _state(row)
            state = before
            for _ in range(min(self._quiet_calls, breaker.WINDOW_CALLS)):
                if state.state is State.CLOSED and state.failures == 0:
                    state = breaker.after(state, Verdict.WELL, now)
            state = breaker.after(state, outcome, now, random.random())  # noqa: S311 - jitter
            if state == before or self._store(row, state, error):
                self._quiet_calls = 0
                self._tell(before, state, error)
                return

    def _tell(self, before: BreakerState, after: BreakerState, error: str) -> None:
        if before.state is not State.OPEN and after.state is State.OPEN:
            log.warning("breaker_opened", store=str(self._store_id), error=error)
        elif before.state is not State.CLOSED and after.state is State.CLOSED:
            log.info("breaker_closed", store=str(self._store_id))

    def _load(self) -> tuple[StoreBreaker | None, float]:
        row = StoreBreaker.objects.filter(pk=self._store_id).annotate(db_now=Now()).first()
        return (row, row.db_now.timestamp()) if row is not None else (None, 0.0)

    def _store(self, seen: StoreBreaker, state: BreakerState, error: str) -> bool:
        """Write if the row still is what was seen. False: another worker was faster."""
        same = {name: getattr(seen, name) for name in _STATE_FIELDS}
        values = {
            "state": str(state.state),
            "failures": state.failures,
            "opened": min(state.opened, 32_000),
            "window_start": _when(state.window_start),
            "window_calls": state.window_calls,
            "window_failures": state.window_failures,
            "retry_at": _when(state.retry_at),
            "probe_until": _when(state.probe_until),
        }
        if error or state.state is State.CLOSED:
            values["last_error"] = error
        return StoreBreaker.objects.filter(pk=self._store_id, **same).update(**values) == 1


_STATE_FIELDS = (
    "state",
    "failures",
    "opened",
    "window_start",
    "window_calls",
    "window_failures",
    "retry_at",
    "probe_until",
)


def _is_troubled(state: BreakerState, now: float) -> bool:
    recent = state.window_failures > 0 and now < state.window_start + breaker.WINDOW_S
    return state.state is not State.CLOSED or state.failures > 0 or recent


def _state(row: StoreBreaker | None) -> BreakerState:
    if row is None:
        return BreakerState()
    return BreakerState(
        state=State(row.state),
        failures=row.failures,
        opened=row.opened,
        window_start=_epoch(row.window_start),
        window_calls=row.window_calls,
        window_failures=row.window_failures,
        retry_at=_epoch(row.retry_at),
        probe_until=_epoch(row.probe_until),
    )


def _epoch(when: datetime | None) -> float:
    return when.timestamp() if when is not None else 0.0


def _when(epoch: float) -> datetime | None:
    return datetime.fromtimestamp(epoch, tz=UTC) if epoch else None

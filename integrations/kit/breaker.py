"""The circuit breaker of one store: when it is down, workers stop knocking and one of them looks
from time to time.

``BreakerState`` and the functions on it are pure, so that a row in the database and an object in
memory behave alike. Times are epoch seconds of whatever one clock the keeper of the state uses.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    ItemError,
    Misconfigured,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Unavailable,
)

CONSECUTIVE = 5
WINDOW_S = 60.0
WINDOW_CALLS = 20
WINDOW_SHARE = 0.5
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 900.0
JITTER = 0.2
PROBE_S = 60.0


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Verdict(StrEnum):
    """What one call says about the store's health. NEUTRAL: the store was not reached by no fault
    of its own.
    """

    WELL = "well"
    ILL = "ill"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """``opened`` counts openings since it was last closed (the pause doubles with it); ``failures``
    are consecutive.
    """

    state: State = State.CLOSED
    failures: int = 0
    opened: int = 0
    window_start: float = 0.0
    window_calls: int = 0
    window_failures: int = 0
    retry_at: float = 0.0
    probe_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Permit:
    """The answer to "may I call?". When not ``granted``, ``wait_s`` is how long to stay away."""

    granted: bool
    state: BreakerState
    wait_s: float = 0.0


class Breaker(Protocol):
    def before(self) -> None:
        """Raises Unavailable(code="breaker_open", retry_after_s) while the store is left alone."""

    def success(self) -> None: ...

    def failure(self, error: PlatformError) -> None:
        """A call raised ``error``; ``verdict`` decides what that says about the store."""


def verdict(error: PlatformError) -> Verdict:
    """Time-outs, 5xx, TLS and DNS are the store's illness; a refusal or a 429 is an answer, so the
    store is well.
    """
    if isinstance(error, Unavailable):
        return Verdict.NEUTRAL if error.code == "breaker_open" else Verdict.ILL
    if isinstance(error, Misconfigured):
        return Verdict.ILL if error.code.startswith("tls_") else Verdict.NEUTRAL
    if isinstance(error, RateLimited) and error.status is None:
        return Verdict.NEUTRAL
    answered = (RateLimited, AuthenticationFailed, PermissionMissing, ItemError, ContractBroken)
    return Verdict.WELL if isinstance(error, answered) else Verdict.NEUTRAL


def before(state: BreakerState, now: float) -> Permit:
    """Whether a call may be made. An open breaker whose pause is over lets one probe through at a
    time: the state returned then must be stored only if nobody else stored one first
    (compare-and-set), else nothing is granted.
    """
    if state.state is State.CLOSED:
        return Permit(True, state)
    if state.state is State.OPEN and now < state.retry_at:
        return Permit(False, state, state.retry_at - now)
    if state.state is State.HALF_OPEN and now < state.probe_until:
        return Permit(False, state, state.probe_until - now)
    return Permit(True, replace(state, state=State.HALF_OPEN, probe_until=now + PROBE_S))


def after(state: BreakerState, outcome: Verdict, now: float, chance: float = 0.5) -> BreakerState:
    """The state once a call ended. ``chance`` (0 to 1) spreads the pause by ±20 %."""
    if outcome is Verdict.NEUTRAL:
        return replace(state, probe_until=0.0) if state.state is State.HALF_OPEN else state
    if outcome is Verdict.WELL and state.state is not State.CLOSED:
        return BreakerState(window_start=now, window_calls=1)
    counted = _counted(state, outcome, now)
    if outcome is Verdict.WELL:
        return counted
    if state.state is State.OPEN:
        return counted
    if state.state is State.HALF_OPEN or _is_too_ill(counted):
        return _opened(counted, now, chance)
    return counted


def _counted(state: BreakerState, outcome: Verdict, now: float) -> BreakerState:
    ill = outcome is Verdict.ILL
    if not state.window_start <= now < state.window_start + WINDOW_S:
        state = replace(state, window_start=now, window_calls=0, window_failures=0)
    return replace(
        state,
        failures=state.failures + 1 if ill else 0,
        window_calls=state.window_calls + 1,
        window_failures=state.window_failures + ill,
    )


def _is_too_ill(state: BreakerState) -> bool:
    if state.failures >= CONSECUTIVE:
        return True
    return (
        state.window_calls >= WINDOW_CALLS
        and state.window_failures >= WINDOW_SHARE * state.window_calls
    )


def _opened(state: BreakerState, now: float, chance: float) -> BreakerState:
    # The exponent is capped only to keep the power small; the pause is capped by LONGEST_PAUSE_S.
    pause = min(FIRST_PAUSE_S * 2 ** min(state.opened, 10), LONGEST_PAUSE_S)
    pause *= 1 + JITTER * (2 * chance - 1)
    return replace(
        state, state=State.OPEN, opened=state.opened + 1, retry_at=now + pause, probe_until=0.0
    )


def open_error(wait_s: float, name: str = "The store") -> Unavailable:
    """What ``before`` raises. ``wait_s`` until the next look."""
    return Unavailable(
        f"{name} has failed repeatedly; it is left alone for {max(1, round(wait_s))} s.",
        code="breaker_open",
        retry_after_s=max(0.0, wait_s),
    )


class MemoryBreaker:
    """A breaker for one process, safe between threads."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.state = BreakerState()
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()

    def before(self) -> None:
        with self._lock:
            permit = before(self.state, self._clock())
            self.state = permit.state
        if not permit.granted:
            raise open_error(permit.wait_s)

    def success(self) -> None:
        self._end(Verdict.WELL)

    def failure(self, error: PlatformError) -> None:
        self._end(verdict(error))

    def _end(self, outcome: Verdict) -> None:
        with self._lock:
            self.state = after(self.state, outcome, self._clock(), self._chance())

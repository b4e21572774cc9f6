"""The breaker: when it opens, how long, and who may look whether the store is back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Rejected,
    Unavailable,
)
from integrations.kit import breaker as rules
from integrations.kit.breaker import BreakerState, MemoryBreaker, State, Verdict


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def made(clock: Clock | None = None) -> MemoryBreaker:
    return MemoryBreaker(clock=clock or Clock(), chance=lambda: 0.5)


def fail(breaker: MemoryBreaker, times: int = 1, error: PlatformError | None = None) -> None:
    for _ in range(times):
        breaker.failure(error or Unavailable("down"))


def test_five_failures_in_a_row_open_it_for_half_a_minute() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker, 4)
    breaker.before()
    fail(breaker)

    with pytest.raises(Unavailable) as caught:
        breaker.before()

    assert (caught.value.code, caught.value.retry_after_s) == ("breaker_open", 30)
    clock.now += 30
    breaker.before()


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = made()
    for _ in range(10):
        fail(breaker, 4)
        for _ in range(5):
            breaker.success()

    assert breaker.state.state is State.CLOSED


def test_half_of_twenty_calls_in_a_minute_open_it() -> None:
    clock = Clock()
    breaker = made(clock)
    for _ in range(9):
        fail(breaker)
        breaker.success()
    fail(breaker)
    assert breaker.state.state == "closed"
    fail(breaker)

    assert breaker.state.state == "open"


def test_failures_of_an_earlier_minute_are_forgotten() -> None:
    clock = Clock()
    breaker = made(clock)
    for _ in range(40):
        fail(breaker)
        breaker.success()
        clock.now += 6.1

    assert breaker.state.state is State.CLOSED


def test_the_pause_doubles_up_to_a_quarter_of_an_hour() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker, 5)
    pauses = []
    for _ in range(8):
        pauses.append(breaker.state.retry_at - clock.now)
        clock.now = breaker.state.retry_at
        breaker.before()
        fail(breaker)

    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]


def test_the_pause_is_spread_by_a_fifth() -> None:
    state = BreakerState(failures=4)
    pauses = [rules.after(state, Verdict.ILL, 0.0, chance).retry_at for chance in (0.0, 0.5, 1.0)]

    assert pauses == pytest.approx([24, 30, 36])


def test_one_caller_looks_while_the_others_stay_away() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker, 5)
    clock.now += 31
    granted: list[bool] = []

    def ask() -> None:
        try:
            breaker.before()
            granted.append(True)
        except Unavailable:
            granted.append(False)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert granted.count(True) == 1


def test_a_probe_that_never_reports_is_replaced() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker, 5)
    clock.now += 31
    breaker.before()
    clock.now += 59
    with pytest.raises(Unavailable):
        breaker.before()

    clock.now += 1
    breaker.before()


def test_a_good_probe_closes_it_and_the_next_illness_starts_small() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker, 5)
    clock.now += 31
    breaker.before()
    breaker.success()

    assert breaker.state.state is State.CLOSED
    fail(breaker, 5)
    assert breaker.state.retry_at - clock.now == 30


def test_a_probe_that_could_not_be_made_lets_the_next_one_through() -> None:
    clock = Clock()
    breaker = made(clock)
    fail(breaker, 5)
    clock.now += 31
    breaker.before()
    fail(breaker, error=Misconfigured("blocked", code="address_refused"))

    breaker.before()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unavailable("x"), Verdict.ILL),
        (Unavailable("x", code="dns"), Verdict.ILL),
        (OutcomeUnknown("x"), Verdict.ILL),
        (Misconfigured("x", code="tls_expired"), Verdict.ILL),
        (Misconfigured("x", code="redirected"), Verdict.NEUTRAL),
        (Misconfigured("x", code="address_refused"), Verdict.NEUTRAL),
        (Unavailable("x", code="breaker_open"), Verdict.NEUTRAL),
        (RateLimited("x", retry_after_s=1), Verdict.NEUTRAL),
        (RateLimited("x", retry_after_s=1, status=429), Verdict.WELL),
        (AuthenticationFailed("x"), Verdict.WELL),
        (PermissionMissing("x"), Verdict.WELL),
        (Rejected("x"), Verdict.WELL),
        (NotFound("x"), Verdict.WELL),
        (ContractBroken("x"), Verdict.WELL),
    ],
)
def test_what_an_error_says_about_the_store(error: PlatformError, said: Verdict) -> None:
    assert rules.verdict(error) is said


@given(st.lists(st.tuples(st.sampled_from(Verdict), st.floats(0, 100)), max_size=60))
def test_whatever_happens_an_open_breaker_opens_its_door_again(events: list[Any]) -> None:
    now = 0.0
    state = BreakerState()
    for outcome, pause in events:
        now += pause
        permit = rules.before(state, now)
        state = permit.state
        if permit.granted:
            state = rules.after(state, outcome, now)
        else:
            assert 0 < permit.wait_s <= rules.LONGEST_PAUSE_S * (1 + rules.JITTER)

    assert rules.before(state, now + rules.LONGEST_PAUSE_S * 1.2 + 1).granted

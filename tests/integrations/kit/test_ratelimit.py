"""The limiters: never more than the declared rate, bulk behind live, blocks for everyone."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from uuid import uuid4

import pytest
import redis
import structlog
from hypothesis import given
from hypothesis import strategies as st

from integrations.kit.ratelimit import Limiter, MemoryLimiter, Priority, limit_for
from integrations.kit.ratelimit_redis import RedisLimiter
from integrations.platform import RateLimit

RATES = st.floats(0.1, 50)
BURSTS = st.integers(1, 40)
STEPS = st.lists(st.floats(0, 3), min_size=1, max_size=80)
MIXED = st.lists(st.tuples(st.floats(0, 3), st.sampled_from(Priority)), min_size=1, max_size=80)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def limited(rate: float, burst: int, clock: Callable[[], float]) -> MemoryLimiter:
    return MemoryLimiter({"default": RateLimit(rate=rate, burst=burst)}, clock=clock)


@given(RATES, BURSTS, STEPS)
def test_no_window_ever_holds_more_than_burst_plus_rate(
    rate: float, burst: int, steps: list[float]
) -> None:
    clock = Clock()
    limiter = limited(rate, burst, clock)
    granted: list[float] = []

    for step in steps:
        clock.now += step
        while limiter.take("s") == 0:
            granted.append(clock.now)

    for first, start in enumerate(granted):
        for last in range(first, len(granted)):
            assert last - first + 1 <= burst + rate * (granted[last] - start) + 1e-3


@given(RATES, BURSTS, STEPS)
def test_whoever_waits_as_told_is_granted(rate: float, burst: int, steps: list[float]) -> None:
    clock = Clock()
    limiter = limited(rate, burst, clock)

    for step in steps:
        clock.now += step
        if wait := limiter.take("s"):
            assert wait > 0
            clock.now += wait
            # What may remain is the rounding of a float clock.
            assert limiter.take("s") < 1e-6


@given(RATES, BURSTS, STEPS)
def test_bulk_alone_gets_four_fifths(rate: float, burst: int, steps: list[float]) -> None:
    clock = Clock()
    limiter = limited(rate, burst, clock)
    count = 0
    for step in steps:
        clock.now += step
        while limiter.take("s", priority=Priority.BULK) == 0:
            count += 1

    assert count <= max(0.8 * 0.8 * burst, 1) + 0.8 * rate * sum(steps) + 1e-3


@given(RATES, st.integers(5, 40), MIXED)
def test_live_finds_room_however_busy_bulk_is(
    rate: float, burst: int, steps: list[tuple[float, Priority]]
) -> None:
    clock = Clock()
    limiter = limited(rate, burst, clock)
    for step, _ in steps:
        clock.now += step
        while limiter.take("s", priority=Priority.BULK) == 0:
            pass

    assert limiter.take("s") == 0


def test_bulk_gives_way_to_a_live_call_that_waits() -> None:
    clock = Clock()
    limiter = limited(1, 1, clock)
    limiter.take("s")
    assert limiter.take("s") == pytest.approx(1)

    clock.now += 0.999
    assert limiter.take("s", priority=Priority.BULK) > 0
    clock.now += 0.001
    assert limiter.take("s") == 0


def test_stores_and_buckets_have_limits_of_their_own() -> None:
    limiter = MemoryLimiter(
        {"default": RateLimit(rate=1, burst=1), "orders": RateLimit(rate=1, burst=3)},
        clock=Clock(),
    )

    assert [limiter.take("a:orders") == 0 for _ in range(4)] == [True, True, True, False]
    assert limiter.take("b:orders") == 0
    assert limiter.take("a:other") == 0


def test_limits_are_found_by_key_by_bucket_and_by_default() -> None:
    one, two, three = (RateLimit(rate=n, burst=n) for n in (1, 2, 3))
    table = {"s1:orders": one, "orders": two, "default": three}

    assert limit_for(table, "s1:orders") is one
    assert limit_for(table, "s2:orders") is two
    assert limit_for(table, "s2:stock") is three
    assert limit_for(lambda key: two, "x") is two
    with pytest.raises(KeyError):
        limit_for({}, "x")


def test_a_call_dearer_than_the_burst_waits_for_a_full_bucket() -> None:
    clock = Clock()
    limiter = limited(1, 2, clock)

    assert limiter.take("s", cost=5) == 0
    assert limiter.take("s", cost=5) == pytest.approx(5)


def test_a_penalty_blocks_everyone_until_it_is_over() -> None:
    clock = Clock()
    limiter = limited(10, 10, clock)
    limiter.penalize("s", 30)
    limiter.penalize("s", 5)

    assert limiter.take("s") == pytest.approx(30)
    assert limiter.take("s", priority=Priority.BULK) == pytest.approx(30)
    assert limiter.take("t") == 0
    clock.now += 30
    assert limiter.take("s") == 0


def test_what_headers_say_only_ever_takes_away() -> None:
    clock = Clock()
    limiter = limited(1, 10, clock)

    limiter.learn("s", remaining=2, reset_s=8)
    assert [limiter.take("s") == 0 for _ in range(3)] == [True, True, False]
    limiter.learn("s", remaining=10, reset_s=0)
    assert limiter.take("s") > 0


def test_what_a_call_took_and_did_not_cost_is_given_back_as_it_was_taken() -> None:
    clock = Clock()
    limiter = limited(1, 100, clock)
    assert limiter.take("s", cost=40, priority=Priority.BULK) == 0
    assert limiter.take("s", cost=50) == 0

    limiter.learn("s", unspent=30)
    limiter.learn("s", unspent=40, priority=Priority.BULK)

    assert limiter.take("s", cost=80) == 0
    assert limiter.take("s") == pytest.approx(1)


def test_what_cost_more_than_it_took_is_taken_later() -> None:
    limiter = limited(1, 10, Clock())
    limiter.take("s", cost=2)

    limiter.learn("s", unspent=-5)

    assert limiter.take("s", cost=3) == 0
    assert limiter.take("s") == pytest.approx(1)


def test_no_more_is_given_back_than_the_platform_says_there_is() -> None:
    limiter = limited(1, 10, Clock())
    limiter.take("s", cost=9)

    limiter.learn("s", remaining=4, unspent=9)
    limiter.learn("fresh", unspent=9)

    assert limiter.take("s", cost=4) == limiter.take("fresh", cost=10) == 0
    assert limiter.take("s") == limiter.take("fresh") == pytest.approx(1)


def rivals(limiter: Limiter, pause: Callable[[float], None]) -> Counter[int]:
    """Two ask without rest until each had three turns, for at most 30 seconds, now the one first,
    now the other: calls granted by what they cost.

    Who asks first when there is room again gets it. There is room about once a second, so in six
    seconds one of them would come too short in a run of eleven.
    """
    chance, granted = Random(7), Counter[int]()
    for _ in range(3000):
        for cost in chance.sample([1, 90], 2):
            granted[cost] += limiter.take("s", cost=cost, priority=Priority.BULK) == 0
        if min(granted[1], granted[90]) > 2:
            break
        pause(0.01)
    return granted


def test_small_bulk_calls_do_not_keep_a_large_one_waiting_for_ever() -> None:
    clock = Clock()
    limiter = MemoryLimiter({"default": RateLimit(rate=100, burst=200, largest=90)}, clock=clock)

    granted = rivals(limiter, lambda seconds: setattr(clock, "now", clock.now + seconds))

    assert granted[1] > 2
    assert granted[90] > 2


def test_an_empty_quota_blocks_until_its_reset() -> None:
    limiter = limited(1, 10, Clock())

    limiter.learn("s", remaining=0, reset_s=40)

    assert limiter.take("s") == pytest.approx(40)


def test_a_rate_told_by_the_platform_replaces_the_declared_one() -> None:
    clock = Clock()
    limiter = limited(1, 1, clock)
    limiter.learn("s", rate=4)
    limiter.take("s")

    assert limiter.take("s") == pytest.approx(0.25)


def drain(limiter: Limiter, key: str, threads: int, seconds: float) -> tuple[int, float]:
    """Calls granted to ``threads`` that ask without pause, and the seconds it really took."""
    counts = [0] * threads
    gate = threading.Barrier(threads + 1)
    end = threading.Event()

    def ask(number: int) -> None:
        gate.wait()
        while not end.is_set():
            if limiter.take(key) == 0:
                counts[number] += 1
            else:
                time.sleep(0.001)

    workers = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    gate.wait()
    started = time.monotonic()
    time.sleep(seconds)
    end.set()
    for worker in workers:
        worker.join()
    return sum(counts), time.monotonic() - started


def test_threads_together_stay_within_the_bound() -> None:
    count, took = drain(
        MemoryLimiter({"default": RateLimit(rate=200, burst=20)}), "s", threads=6, seconds=0.5
    )

    assert 0.5 * 200 * took < count <= 20 + 200 * took + 1


# -- Redis: only where one is named; then it must be there

REDIS_URL = os.environ.get("LOGIX_TEST_REDIS_URL", "")
needs_redis = pytest.mark.skipif(not REDIS_URL, reason="LOGIX_TEST_REDIS_URL is not set")


@pytest.fixture
def prefix() -> Iterator[str]:
    """A key prefix of this test's own, removed afterwards. Fails when that Redis is not there."""
    client = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2)
    client.ping()
    name = f"test:{uuid4().hex}:"
    yield name
    for key in client.scan_iter(f"{name}*"):
        client.delete(key)
    client.close()


def shared(
    prefix: str, rate: float, burst: int, largest: float = 1, **options: Any
) -> RedisLimiter:
    limits = {"default": RateLimit(rate=rate, burst=burst, largest=largest)}
    return RedisLimiter(REDIS_URL, limits, prefix=prefix, **options)


@needs_redis
def test_redis_keeps_the_bound_between_limiters(prefix: str) -> None:
    one, two = shared(prefix, 100, 10), shared(prefix, 100, 10)

    class Either:
        def take(self, key: str, **options: Any) -> float:
            return (one if threading.get_ident() % 2 else two).take(key, **options)

    count, took = drain(Either(), "s", threads=4, seconds=0.6)  # type: ignore[arg-type]

    assert 0.5 * 100 * took < count <= 10 + 100 * took + 1


@needs_redis
def test_redis_grants_the_burst_then_says_how_long(prefix: str) -> None:
    limiter = shared(prefix, 2, 3)

    waits = [limiter.take("s") for _ in range(4)]

    assert waits[:3] == [0, 0, 0]
    assert waits[3] == pytest.approx(0.5, abs=0.1)


@needs_redis
def test_redis_blocks_learns_and_puts_bulk_last(prefix: str) -> None:
    limiter = shared(prefix, 1, 10)
    bulk = 0
    while limiter.take("bulk", priority=Priority.BULK) == 0:
        bulk += 1
    assert bulk == 6
    assert limiter.take("bulk") == 0

    limiter.penalize("blocked", 30)
    assert shared(prefix, 1, 10).take("blocked") == pytest.approx(30, abs=0.5)

    limiter.learn("told", remaining=1, reset_s=9)
    assert [limiter.take("told") == 0 for _ in range(2)] == [True, False]

    limiter.learn("faster", rate=100)
    for _ in range(10):
        limiter.take("faster")
    assert limiter.take("faster") <= 0.01

    for _ in range(10):
        limiter.take("full")
    assert limiter.take("full") > 0
    assert limiter.take("full", priority=Priority.BULK) >= 0.9


@needs_redis
def test_redis_gives_back_what_a_call_did_not_cost(prefix: str) -> None:
    limiter = shared(prefix, 0.1, 100)
    limiter.take("s", cost=80, priority=Priority.BULK)

    limiter.learn("s", unspent=60, priority=Priority.BULK)

    assert limiter.take("s", cost=75) == 0
    assert limiter.take("s", cost=1) == pytest.approx(10, abs=1)
    limiter.learn("s", remaining=5, unspent=100)
    assert limiter.take("s", cost=5) == 0
    assert limiter.take("s", cost=1) == pytest.approx(10, abs=1)


@needs_redis
def test_redis_lets_a_large_bulk_call_have_its_turn(prefix: str) -> None:
    granted = rivals(shared(prefix, 100, 200, largest=90), time.sleep)

    assert granted[1] > 2
    assert granted[90] > 2


@needs_redis
def test_redis_forgets_buckets_that_are_idle(prefix: str) -> None:
    shared(prefix, 1, 10).take("s")

    assert 3000 < redis.Redis.from_url(REDIS_URL).ttl(f"{prefix}s") < 4000


# -- Redis lost: needs none


def lost(clock: Clock, **options: Any) -> RedisLimiter:
    return RedisLimiter(
        "redis://127.0.0.1:1/0",
        {"default": RateLimit(rate=1, burst=10)},
        clock=clock,
        timeout_s=0.2,
        **options,
    )


def test_a_lost_redis_means_half_speed_and_one_line_in_the_log() -> None:
    clock = Clock()
    limiter = lost(clock, fallback=limited(1, 10, clock))

    with structlog.testing.capture_logs() as lines:
        granted = sum(limiter.take("s") == 0 for _ in range(20))
        clock.now += 100
        limiter.take("s")

    assert granted == 5
    assert [line["event"] for line in lines] == ["limiter_lost_redis"]


def test_a_redis_that_comes_back_is_used_again() -> None:
    clock = Clock()
    limiter = lost(clock, fallback=limited(1, 10, clock))
    limiter.take("s")
    limiter._scripts = dict.fromkeys(limiter._scripts, lambda keys, args: b"7.5")  # type: ignore[arg-type]

    with structlog.testing.capture_logs() as lines:
        assert limiter.take("s") != 7.5
        clock.now += 5
        assert limiter.take("s") == 7.5

    assert [line["event"] for line in lines] == ["limiter_found_redis"]


def test_a_block_outlives_the_loss_of_redis() -> None:
    clock = Clock()
    limiter = lost(clock, fallback=limited(1, 10, clock))

    limiter.penalize("s", 60)

    assert limiter.take("s") == pytest.approx(60)


def test_a_lost_redis_without_a_second_limiter_is_an_error() -> None:
    with pytest.raises(redis.RedisError):
        lost(Clock()).take("s")

"""The limiter over the database: the same promises, on the database's clock."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import OperationalError, connection, connections

from integrations.kit.ratelimit import Priority
from integrations.kit.ratelimit_db import DatabaseLimiter
from integrations.platform import RateLimit

pytestmark = pytest.mark.django_db


def limited(rate: float, burst: int) -> DatabaseLimiter:
    return DatabaseLimiter({"default": RateLimit(rate=rate, burst=burst)})


def test_the_burst_is_granted_then_the_wait_is_told() -> None:
    limiter = limited(0.5, 3)

    waits = [limiter.take("s") for _ in range(4)]

    assert waits[:3] == [0, 0, 0]
    assert waits[3] == pytest.approx(2, abs=0.5)
    assert limiter.take("t") == 0


def test_buckets_are_made_when_they_are_first_asked_for() -> None:
    limiter = limited(1, 1)

    limiter.take("new")
    limiter.penalize("blocked", 10)

    with connection.cursor() as cursor:
        cursor.execute('SELECT "key" FROM integrations_ratebucket ORDER BY 1')
        assert [row[0] for row in cursor.fetchall()] == ["blocked", "new"]


def test_a_block_is_seen_by_every_limiter_and_never_shortened() -> None:
    limited(100, 100).penalize("s", 40)
    limited(100, 100).penalize("s", 5)

    assert limited(100, 100).take("s") == pytest.approx(40, abs=1)


def test_bulk_leaves_room_for_live() -> None:
    limiter = limited(0.01, 10)
    granted = 0
    while limiter.take("s", priority=Priority.BULK) == 0:
        granted += 1

    assert granted == 6
    assert limiter.take("s") == 0


def test_what_headers_say_takes_away() -> None:
    limiter = limited(0.1, 10)

    limiter.learn("s", remaining=1, reset_s=90)
    assert [limiter.take("s") == 0 for _ in range(2)] == [True, False]

    limiter.learn("empty", remaining=0, reset_s=30)
    assert limiter.take("empty") == pytest.approx(30, abs=1)


def test_what_a_call_did_not_cost_is_given_back() -> None:
    limiter = limited(0.1, 100)
    limiter.take("s", cost=80, priority=Priority.BULK)

    limiter.learn("s", unspent=60, priority=Priority.BULK)

    assert limiter.take("s", cost=75) == 0
    assert limiter.take("s", cost=1) == pytest.approx(10, abs=1)
    limiter.learn("s", remaining=5, unspent=100)
    assert limiter.take("s", cost=5) == 0
    assert limiter.take("s", cost=1) == pytest.approx(10, abs=1)


def test_bulk_begins_where_the_largest_call_would_find_room() -> None:
    limiter = DatabaseLimiter({"default": RateLimit(rate=0.1, burst=200, largest=90)})

    granted = [limiter.take("s", cost=10, priority=Priority.BULK) == 0 for _ in range(5)]

    assert granted == [True, True, True, True, False]
    assert limiter.take("s", cost=90, priority=Priority.BULK) > 0
    assert limiter.take("t", cost=38, priority=Priority.BULK) == 0
    assert limiter.take("t", cost=90, priority=Priority.BULK) == 0


def test_a_grant_is_one_statement(django_assert_num_queries: object) -> None:
    limiter = limited(1, 10)
    limiter.take("s")

    with django_assert_num_queries(1):  # type: ignore[operator]  # a pytest-django fixture
        assert limiter.take("s") == 0


@pytest.mark.django_db(transaction=True)
def test_threads_with_connections_of_their_own_stay_within_the_bound() -> None:
    limiter = limited(50, 5)
    limiter.take("s")
    counts = [0] * 4
    is_in_memory = connection.vendor == "sqlite" and connection.is_in_memory_db()  # type: ignore[attr-defined]
    end = time.monotonic() + 0.8

    def ask(number: int) -> None:
        try:
            while time.monotonic() < end:
                try:
                    counts[number] += limiter.take("s") == 0
                except OperationalError:
                    # SQLite in memory refuses a second writer at once; a file makes it wait.
                    assert is_in_memory
                time.sleep(0.004)
        finally:
            connections.close_all()

    started = time.monotonic()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - started

    assert 5 < sum(counts) <= 5 + 50 * took + 1

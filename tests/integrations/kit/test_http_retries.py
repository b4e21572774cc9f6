"""``PlatformSession``: what is tried again, what is waited for, one deadline over it all."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from requests.auth import AuthBase

from integrations.errors import (
    OutcomeUnknown,
    RateLimited,
    Unavailable,
)
from integrations.kit.http import Answer, Priority
from integrations.kit.ratelimit import LimitNews, MemoryLimiter
from integrations.platform import RateLimit
from tests.integrations.kit.conftest import Desk
from tests.integrations.kit.server import Script, ScriptedStore, answer, hang_up

Store = Callable[..., ScriptedStore]
Desks = Callable[..., Desk]


# -- trying again


@pytest.mark.parametrize("bad", [answer(500), answer(502), answer(503), answer(504), hang_up])
def test_a_read_is_tried_again(store: Store, desk: Desks, bad: Script | bytes) -> None:
    shop = store(bad, bad, answer(200, {"ok": 1}))
    made = desk(shop)

    assert made.session.get("a").json() == {"ok": 1}

    assert len(shop.requests) == 3
    assert len(made.naps) == 2
    assert all(0 <= nap <= 2 for nap in made.naps)
    assert [(r.attempts, r.status, r.error) for r in made.records] == [(3, 200, "")]


def test_tries_are_counted(store: Store, desk: Desks) -> None:
    shop = store(answer(503))

    with pytest.raises(Unavailable):
        desk(shop, retries=2).session.get("a")

    assert len(shop.requests) == 3


def test_the_pause_is_full_jitter() -> None:
    from integrations.kit.outcomes import backoff_s

    drawn = [backoff_s(tries) for tries in (1, 2, 3, 9) for _ in range(200)]

    assert min(drawn) < 0.1
    assert 1.5 < max(drawn) <= 2.0
    assert max(drawn[:200]) <= 0.4


@pytest.mark.parametrize("bad", [answer(500), answer(502), answer(504), hang_up])
def test_a_write_that_may_have_happened_is_not_sent_twice(
    store: Store, desk: Desks, bad: Script | bytes
) -> None:
    shop = store(bad, answer(200))

    with pytest.raises(OutcomeUnknown, match="may have happened"):
        desk(shop).session.post("orders", json={})

    assert len(shop.requests) == 1


def test_a_write_that_was_turned_away_is_sent_again(store: Store, desk: Desks) -> None:
    shop = store(answer(503), answer(201))

    assert desk(shop).session.post("orders", json={}).status == 201
    assert len(shop.requests) == 2


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_absolute_write_is_repeated_and_in_the_end_unknown(
    store: Store, desk: Desks, method: str
) -> None:
    shop = store(hang_up)

    with pytest.raises(OutcomeUnknown):
        desk(shop).session.request(method, "orders/1")

    assert len(shop.requests) == 3


def test_a_post_said_to_be_repeatable_is_repeated_and_merely_unavailable(
    store: Store, desk: Desks
) -> None:
    shop = store(hang_up)

    with pytest.raises(Unavailable) as caught:
        desk(shop).session.post("graphql", repeatable=True)

    assert type(caught.value) is Unavailable
    assert len(shop.requests) == 3


def test_each_try_is_signed_anew(store: Store, desk: Desks) -> None:
    class Counting(AuthBase):
        count = 0

        def __call__(self, request: Any) -> Any:
            self.count += 1
            request.headers["X-Nonce"] = str(self.count)
            return request

    shop = store(answer(503), answer(200))
    desk(shop, auth=Counting()).session.get("a")

    assert [request.headers["X-Nonce"] for request in shop.requests] == ["1", "2"]


def test_nobody_listening_is_unavailable_even_for_a_write(desk: Desks, store: Store) -> None:
    shop = store(answer())
    shop.close()
    made = desk(shop)

    with pytest.raises(Unavailable) as caught:
        made.session.post("a", json={})

    assert type(caught.value) is Unavailable
    assert caught.value.code == "refused"
    assert made.records[0].attempts == 3


# -- limits of the store


def test_a_short_retry_after_is_waited_for(store: Store, desk: Desks) -> None:
    shop = store(answer(503, Retry_After="1"), answer(200))
    made = desk(shop)

    made.session.get("a")

    assert made.naps == [1.0]
    assert made.records[0].wait_s == 1.0


def test_a_short_429_is_waited_for_too(store: Store, desk: Desks) -> None:
    shop = store(answer(429, Retry_After="0.2"), answer(200, {"a": 1}))

    assert desk(shop, sleep=time.sleep).session.post("a", json={}).json() == {"a": 1}
    assert len(shop.requests) == 2


def test_limit_headers_that_cannot_be_read_do_not_cost_the_answer(
    store: Store, desk: Desks
) -> None:
    def learn(got: Answer) -> LimitNews:
        return LimitNews(remaining=float(got.headers["X-Left"]))

    assert desk(store(answer()), learn=learn).session.get("a").status == 200


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_handed_up_instead_of_slept(
    store: Store, desk: Desks, status: int
) -> None:
    shop = store(answer(status, Retry_After="90"))
    made = desk(shop)

    with pytest.raises((RateLimited, Unavailable)) as caught:
        made.session.get("a")

    assert vars(caught.value)["retry_after_s"] == 90
    assert made.naps == []
    assert len(shop.requests) == 1


def test_a_retry_after_date_is_read_by_the_stores_own_clock(store: Store, desk: Desks) -> None:
    wrong = datetime(2020, 1, 1, tzinfo=UTC)
    shop = store(
        answer(
            429,
            Date=format_datetime(wrong, usegmt=True),
            Retry_After=format_datetime(wrong + timedelta(seconds=75), usegmt=True),
        )
    )

    with pytest.raises(RateLimited) as caught:
        desk(shop).session.get("a")

    assert caught.value.retry_after_s == 75


@pytest.mark.parametrize("nonsense", ["soon", "nan", "-5", "1e400", "Tue, 99 Foo"])
def test_a_nonsensical_retry_after_does_no_harm(store: Store, desk: Desks, nonsense: str) -> None:
    shop = store(answer(429, Retry_After=nonsense))

    with pytest.raises(RateLimited) as caught:
        desk(shop, retries=0).session.get("a")

    assert 0 <= caught.value.retry_after_s <= 86400


def test_a_429_stops_everyone_who_shares_the_limiter(store: Store, desk: Desks) -> None:
    limiter = MemoryLimiter({"default": RateLimit(rate=100, burst=100)})
    shop = store(answer(429, Retry_After="60"), answer(200))
    with pytest.raises(RateLimited):
        desk(shop, limiter=limiter).session.get("a")

    with pytest.raises(RateLimited) as caught:
        desk(shop, limiter=limiter).session.get("b")

    assert caught.value.code == "limiter"
    assert 55 < caught.value.retry_after_s <= 60
    assert len(shop.requests) == 1


def test_our_own_limit_is_waited_for_briefly_and_handed_up_beyond(
    store: Store, desk: Desks
) -> None:
    now = [0.0]
    made = desk(
        store(answer()),
        limiter=MemoryLimiter(
            {"default": RateLimit(rate=1, burst=1), "slow": RateLimit(rate=0.1, burst=1)},
            clock=lambda: now[0],
        ),
        sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
    )

    made.session.get("a")
    made.session.get("a")
    made.session.get("a", bucket="slow")
    with pytest.raises(RateLimited) as caught:
        made.session.get("a", bucket="slow")

    assert [record.wait_s for record in made.records] == [0, pytest.approx(1), 0, 0]
    assert caught.value.retry_after_s == pytest.approx(10)


def test_headers_teach_the_limiter(store: Store, desk: Desks) -> None:
    def learn(got: Answer) -> LimitNews:
        return LimitNews(remaining=float(got.headers["X-Left"]), reset_s=30)

    limiter = MemoryLimiter({"default": RateLimit(rate=10, burst=10)})
    made = desk(store(answer(X_Left="0")), limiter=limiter, learn=learn)

    made.session.get("a")

    assert limiter.take("s1:default") == pytest.approx(30, abs=1)
    assert limiter.take("s1:other") == 0


def test_bulk_priority_reaches_the_limiter(store: Store, desk: Desks) -> None:
    limiter = MemoryLimiter({"default": RateLimit(rate=0.01, burst=10)})
    made = desk(store(answer()), limiter=limiter, priority=Priority.BULK)

    for _ in range(6):
        made.session.get("a")
    with pytest.raises(RateLimited):
        made.session.get("a")

    assert limiter.take("s1:default") == 0


# -- time


def test_one_deadline_covers_all_tries(store: Store, desk: Desks) -> None:
    def silent(_request: Any, _sock: Any) -> None:
        time.sleep(3)

    started = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        desk(store(silent), read_s=0.5, total_s=1.2, retries=9, sleep=time.sleep).session.get("a")

    assert caught.value.code == "timeout"
    assert time.monotonic() - started < 2


def test_a_trickle_of_bytes_does_not_outlive_the_deadline(store: Store, desk: Desks) -> None:
    def trickle(_request: Any, sock: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            sock.sendall(b" ")
            time.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(Unavailable):
        desk(store(trickle), total_s=0.6, retries=0).session.get("a")

    assert time.monotonic() - started < 1.5


def test_a_trickle_of_headers_does_not_outlive_the_deadline(store: Store, desk: Desks) -> None:
    def trickle(_request: Any, sock: Any) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(100):
            sock.sendall(b"x")
            time.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(Unavailable):
        desk(store(trickle), total_s=0.6, retries=0).session.get("a")

    assert time.monotonic() - started < 1.5


def test_a_write_whose_answer_is_late_is_unknown(store: Store, desk: Desks) -> None:
    def silent(_request: Any, _sock: Any) -> None:
        time.sleep(2)

    shop = store(silent)
    with pytest.raises(OutcomeUnknown):
        desk(shop, read_s=0.3).session.post("orders", json={"a": 1})

    assert len(shop.requests) == 1

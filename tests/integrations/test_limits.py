"""Limiter, guard, breaker and call log as all workers share them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from integrations import limits, registry
from integrations.breakers import DatabaseBreaker
from integrations.calls import CallRecorder
from integrations.errors import (
    Misconfigured,
    NotFound,
    RateLimited,
    Rejected,
    Unavailable,
)
from integrations.kit import breaker as rules
from integrations.kit.http import CallRecord
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ratelimit_db import DatabaseLimiter
from integrations.kit.ratelimit_redis import RedisLimiter
from integrations.models import CallLog, RateBucket, Store, StoreBreaker
from tests.factories import make_store

DOWN = Unavailable("shop.example did not answer in time.", code="timeout")


@pytest.fixture
def store(db: None) -> Store:
    return make_store()


# --- Limiter and guard ---------------------------------------------------------------------------


def test_without_redis_workers_share_the_limit_through_the_database(shop: object, db: None) -> None:
    with override_settings(LOGIX_LIMITER_URL=""):
        limiter = limits.limiter(registry.card("fakeshop"))

    assert isinstance(limiter, DatabaseLimiter)
    assert [limiter.take("store:slow") for _ in range(2)] == [0.0, 0.0]
    assert limiter.take("store:slow") > 0.0
    assert RateBucket.objects.get().key == "store:slow"


def test_a_redis_url_chooses_redis(shop: object) -> None:
    with override_settings(LOGIX_LIMITER_URL="redis://127.0.0.1:1/0"):
        limiter = limits.limiter(registry.card("fakeshop"))

    assert isinstance(limiter, RedisLimiter)


def test_a_store_that_tells_its_own_rate_is_called_so_fast_unless_staff_say_otherwise(
    shop: object, db: None
) -> None:
    card = registry.card("fakeshop")

    with override_settings(LOGIX_LIMITER_URL=""):
        told = limits.limiter(card, None, 0.5)
        staff = limits.limiter(card, 0.25, 0.5)

    for limiter, wait_s in ((told, 2), (staff, 4)):
        key = f"store-{wait_s}:default"
        while not (wait := limiter.take(key)):
            pass
        assert wait == pytest.approx(wait_s, abs=0.5)


def test_the_largest_call_finds_room_however_few_calls_staff_allow(shop: object, db: None) -> None:
    """Shopify counts points: a page costs hundreds of them at once."""
    (declared,) = registry.card("shopify").limits

    with override_settings(LOGIX_LIMITER_URL=""):
        limiter = limits.limiter(registry.card("shopify"), 10)

    assert limiter.take("store", cost=declared.largest) == 0.0
    assert limiter.take("store", cost=1) > 0.0


def test_the_card_says_how_fast_and_unnamed_buckets_fall_under_default(shop: object) -> None:
    declared = limits.by_bucket(registry.card("fakeshop").limits)

    assert (declared["default"].rate, declared["slow"].rate) == (50, 2)
    only_slow = limits.by_bucket(registry.card("fakeshop").limits[1:])
    assert only_slow["default"].rate == 2


def test_an_address_that_is_no_store_yet_leaves_no_bucket_behind(shop: object, db: None) -> None:
    limiter = limits.private_limiter(registry.card("fakeshop"))

    assert isinstance(limiter, MemoryLimiter)
    assert limiter.take("shop.example:default") == 0.0
    assert not RateBucket.objects.exists()


def test_the_guard_obeys_the_settings() -> None:
    with override_settings(LOGIX_ALLOW_LOOPBACK_STORES=True):
        assert limits.guard().check_url("http://127.0.0.1:9").port == 9
    with (
        override_settings(LOGIX_ALLOW_LOOPBACK_STORES=False),
        pytest.raises(Misconfigured, match="https"),
    ):
        limits.guard().check_url("http://127.0.0.1:9")
    with override_settings(LOGIX_ALLOW_CIDRS=["10.1.0.0/16"]):
        limits.guard().check_address("lan.example", "10.1.2.3")
    with override_settings(LOGIX_ALLOW_CIDRS=[]), pytest.raises(Misconfigured, match="public"):
        limits.guard().check_address("lan.example", "10.1.2.3")


# --- Breaker -------------------------------------------------------------------------------------


def fail(store: Store, times: int = 1) -> None:
    for _ in range(times):
        worker = DatabaseBreaker(store)
        worker.before()
        worker.failure(DOWN)


def test_a_healthy_call_costs_one_query(store: Store, django_assert_num_queries: Any) -> None:
    worker = DatabaseBreaker(store)

    with django_assert_num_queries(1):
        worker.before()
        worker.success()

    assert not StoreBreaker.objects.exists()


def test_five_failures_of_any_workers_open_it_for_all(store: Store) -> None:
    fail(store, 5)

    with pytest.raises(Unavailable, match="Example shop has failed repeatedly") as caught:
        DatabaseBreaker(store).before()

    assert caught.value.code == "breaker_open"
    assert caught.value.retry_after_s == pytest.approx(30, abs=7)
    row = StoreBreaker.objects.get()
    assert (row.state, row.opened, row.last_error) == ("open", 1, str(DOWN))


def test_a_success_in_between_starts_the_count_again(store: Store) -> None:
    fail(store, 4)
    worker = DatabaseBreaker(store)
    worker.before()
    worker.success()
    fail(store, 4)

    DatabaseBreaker(store).before()

    assert StoreBreaker.objects.get().state == "closed"


def test_one_worker_looks_again_and_an_answer_closes_it_for_all(store: Store) -> None:
    fail(store, 5)
    StoreBreaker.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    prober, other = DatabaseBreaker(store), DatabaseBreaker(store)

    prober.before()
    with pytest.raises(Unavailable):
        other.before()
    prober.success()
    other.before()

    assert StoreBreaker.objects.get().state == "closed"


def test_a_failed_look_doubles_the_pause(store: Store) -> None:
    fail(store, 5)
    StoreBreaker.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    fail(store)

    row = StoreBreaker.objects.get()
    assert (row.state, row.opened) == ("open", 2)
    assert row.retry_at is not None
    assert (row.retry_at - timezone.now()).total_seconds() == pytest.approx(60, abs=13)


def test_two_workers_that_see_the_pause_end_make_one_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(store, 5)
    StoreBreaker.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
    slow = DatabaseBreaker(store)
    seen = slow._load()
    DatabaseBreaker(store).before()
    monkeypatch.setattr(slow, "_load", lambda: seen)

    with pytest.raises(Unavailable):
        slow.before()


@pytest.mark.parametrize(
    "answer",
    [
        Rejected("no"),
        NotFound("no"),
        RateLimited("slow down", retry_after_s=1, status=429),
    ],
)
def test_a_refusal_is_an_answer(store: Store, answer: Any) -> None:
    fail(store, 4)
    worker = DatabaseBreaker(store)
    worker.before()
    worker.failure(answer)
    fail(store, 4)

    assert StoreBreaker.objects.get().state == "closed"


def test_our_own_limiter_says_nothing_about_the_store(store: Store) -> None:
    fail(store, 4)
    worker = DatabaseBreaker(store)
    worker.before()
    worker.failure(RateLimited("ours", retry_after_s=1))
    fail(store, 1)

    assert StoreBreaker.objects.get().state == "open"


def test_half_of_many_calls_failing_opens_it_too(store: Store) -> None:
    worker = DatabaseBreaker(store)
    for _ in range(rules.WINDOW_CALLS // 2):
        worker.before()
        worker.success()
        worker.before()
        worker.failure(DOWN)

    assert StoreBreaker.objects.get().state == "open"


def test_a_person_who_tests_passes_an_open_breaker_and_closes_it(store: Store) -> None:
    fail(store, 5)
    worker = DatabaseBreaker(store, insists=True)

    worker.before()
    worker.success()

    DatabaseBreaker(store).before()
    assert StoreBreaker.objects.get().state == "closed"


def test_a_race_for_the_row_loses_no_failure(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(store, 1)
    slow = DatabaseBreaker(store)
    slow.before()
    real, raced = slow._store, []

    def late(seen: StoreBreaker, state: rules.BreakerState, error: str) -> bool:
        if not raced:
            raced.append(True)
            fail(store, 1)
        return real(seen, state, error)

    monkeypatch.setattr(slow, "_store", late)
    slow.failure(DOWN)

    assert StoreBreaker.objects.get().failures == 3


# --- Call log ------------------------------------------------------------------------------------


def call(**changes: Any) -> CallRecord:
    fields: dict[str, Any] = {
        "store_id": "",
        "method": "GET",
        "route": "/orders/{id}",
        "status": 200,
        "error": "",
        "attempts": 1,
        "elapsed_s": 0.1234,
        "wait_s": 0.0,
        "bytes_in": 512,
        "request_id": "req-1",
        "bucket": "default",
        "at": datetime(2026, 11, 20, tzinfo=UTC),
        **changes,
    }
    return CallRecord(**fields)


@pytest.mark.django_db(transaction=True)
def test_calls_are_written_together_at_the_end(django_assert_num_queries: Any) -> None:
    store = make_store()
    calls = CallRecorder(store.pk)

    with django_assert_num_queries(0):
        calls(call())
        calls(call(status=None, error="timeout", elapsed_s=1e9, bytes_in=2**40, attempts=10**6))
    assert calls.answered
    with django_assert_num_queries(3):  # BEGIN, INSERT, COMMIT
        calls.close()
        calls.close()

    rows = list(CallLog.objects.order_by("id").values_list("status", "error", "elapsed_ms"))
    assert rows == [(200, "", 123), (None, "timeout", 2**31 - 1)]


@pytest.mark.django_db(transaction=True)
def test_a_long_session_writes_now_and_then() -> None:
    store = make_store()
    calls = CallRecorder(store.pk)

    for _ in range(150):
        calls(call())

    assert CallLog.objects.count() == 100


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_rolled_back_takes_no_log_along() -> None:
    store = make_store()
    calls = CallRecorder(store.pk)

    with transaction.atomic():
        for _ in range(150):
            calls(call())
        calls.close()
        assert not CallLog.objects.exists()

    assert CallLog.objects.count() == 150


@pytest.mark.django_db(transaction=True)
def test_a_log_that_cannot_be_written_hurts_nobody() -> None:
    store = make_store()
    calls = CallRecorder(store.pk)
    calls(call())
    Store.objects.all().delete()

    calls.close()

    assert not CallLog.objects.exists()


def test_only_errors_are_no_answer(store: Store) -> None:
    calls = CallRecorder(store.pk)

    calls(call(status=503, error="maintenance"))

    assert not calls.answered

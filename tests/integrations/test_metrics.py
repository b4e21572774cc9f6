"""``/metrics`` tells an operator what waits, what lags and who fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from integrations import metrics
from integrations.models import (
    Command,
    Heartbeat,
    ParkedRecord,
    PrivacyRequest,
    Push,
    RunKind,
    ScheduleSlot,
    Store,
    StoreBreaker,
    StoreStatus,
    Stream,
    SyncGap,
    SyncRun,
)
from inventory.models import Listing
from logix.common.ids import uuid7
from tests.factories import make_merchant, make_store

pytestmark = pytest.mark.django_db

Labels = tuple[str, ...]


def read() -> dict[str, dict[Labels, float]]:
    """Samples by metric and the values of their labels."""
    return {
        family.name: {tuple(s.labels.values()): s.value for s in family.samples}
        for family in metrics.collect()
    }


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def make_push(store: Store, number: int, **fields: Any) -> Push:
    listing = Listing.objects.create(
        merchant=store.merchant,
        store=store,
        external_product_id=f"p{number}",
        external_variant_id=f"v{number}",
        changed_at=timezone.now(),
    )
    return Push.objects.create(store=store, listing=listing, **fields)


def make_command(store: Store, number: int, **fields: Any) -> Command:
    return Command.objects.create(
        store=store, kind="note", key=str(number), order_ref=uuid7(), **fields
    )


def test_an_empty_hub_has_nothing_to_tell() -> None:
    found = read()

    assert set(found["logix_queue_due"].values()) == {0}
    assert set(found["logix_queue_oldest_age_seconds"].values()) == {0}
    assert found["logix_store_lag_seconds"] == {}
    assert found["logix_sign_of_life_age_seconds"] == {}, "absent() is the alarm"
    assert found["logix_stores"][("active",)] == 0


def test_the_age_of_each_queue_is_that_of_its_oldest_due_work() -> None:
    store = make_store(writes_enabled=True)
    Stream.objects.filter(name="orders").update(next_at=ago(seconds=40))
    Stream.objects.filter(name="products").update(next_at=ago(seconds=-60))
    make_push(store, 1, state=Push.State.READY, next_at=ago(seconds=90))
    make_push(store, 2, state=Push.State.READY, next_at=ago(seconds=10))
    make_push(store, 3, state=Push.State.READY, next_at=ago(seconds=-30))
    make_command(store, 1, next_at=ago(seconds=300))
    stream = store.streams.get(name="orders")
    SyncRun.objects.create(
        store=store, stream=stream, kind=RunKind.BACKFILL, next_at=ago(seconds=20)
    )

    found = read()

    assert found["logix_queue_due"] == {
        ("push",): 2,
        ("command",): 1,
        ("stream",): 1,
        ("backfill",): 1,
    }
    ages = {
        queue: round(age, -1) for (queue,), age in found["logix_queue_oldest_age_seconds"].items()
    }
    assert ages == {"push": 90, "command": 300, "stream": 40, "backfill": 20}


def test_work_that_waits_for_somebody_is_stuck_and_not_late() -> None:
    store = make_store(writes_enabled=True)
    make_push(store, 1, state=Push.State.BLOCKED, problem="No such item.")
    make_command(store, 1, state=Command.State.PARKED)
    resting = make_store(make_merchant("two"), status=StoreStatus.PAUSED, writes_enabled=True)
    make_push(resting, 2, state=Push.State.BLOCKED)
    make_command(resting, 2, next_at=ago(hours=3))

    found = read()

    assert found["logix_outbox_stuck"] == {("push",): 1, ("command",): 1}
    assert found["logix_queue_due"][("command",)] == 0


def test_each_store_tells_how_far_behind_it_is() -> None:
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        store = make_store(name="North")
        Store.objects.update(created_at=now - timedelta(hours=2))
        Stream.objects.filter(name="orders").update(read_through=now - timedelta(seconds=75))
        make_store(make_merchant("two"), status=StoreStatus.PAUSED)
        make_store(make_merchant("three"), auto_sync=False)

        lag = read()["logix_store_lag_seconds"]

    own = (str(store.pk), "North", "woocommerce")
    assert lag == {(*own, "orders"): 75.0, (*own, "products"): 7200.0}


def test_a_failing_store_is_counted_once_and_a_resting_one_never() -> None:
    make_store(make_merchant("well"))
    refused = make_store(make_merchant("refused"), status=StoreStatus.NEEDS_MERCHANT)
    tripped = make_store(make_merchant("tripped"))
    StoreBreaker.objects.create(store=tripped, state="open")
    Stream.objects.filter(store=tripped).update(failures=5)
    unread = make_store(make_merchant("unread"))
    Stream.objects.filter(store=unread).update(failures=metrics.FAILURES)
    hiccup = make_store(make_merchant("hiccup"))
    Stream.objects.filter(store=hiccup).update(failures=metrics.FAILURES - 1)
    paused = make_store(make_merchant("paused"), status=StoreStatus.PAUSED)
    StoreBreaker.objects.create(store=paused, state="open")

    assert set(metrics.failing_stores()) == {refused, tripped, unread}
    found = read()
    assert found["logix_stores_failing"] == {(): 3}
    assert found["logix_stores"][("active",)] == 4
    assert found["logix_stores"][("needs_merchant",)] == 1


def test_parked_records_open_gaps_and_signs_of_life_are_told() -> None:
    store = make_store()
    for number, state in enumerate(("parked", "parked", "resolved")):
        ParkedRecord.objects.create(
            store=store, stream="orders", external_id=str(number), code="x", state=state
        )
    stream = store.streams.get(name="orders")
    window = {"window_from": ago(hours=2), "window_to": ago(hours=1), "next_at": ago(hours=1)}
    SyncGap.objects.create(stream=stream, **window)
    SyncGap.objects.create(stream=stream, closed_at=ago(minutes=1), **window)
    Heartbeat.objects.create(name="worker@a:1", kind="worker", at=ago(seconds=30))
    Heartbeat.objects.create(name="worker@a:2", kind="worker", at=ago(hours=3))
    ScheduleSlot.objects.create(job="tick", slot=ago(seconds=10))

    found = read()

    assert found["logix_parked_records"] == {(): 2}
    assert found["logix_sync_gaps_open"] == {(): 1}
    signs = {of: round(age, -1) for (of,), age in found["logix_sign_of_life_age_seconds"].items()}
    assert signs == {"worker": 30, "clock": 10}


def test_privacy_requests_are_told_and_which_are_near_their_date() -> None:
    store = make_store()
    for days, state in ((3, "open"), (-1, "open"), (20, "open"), (1, "done")):
        PrivacyRequest.objects.create(
            store=store,
            kind="export",
            reference=str(days),
            state=state,
            asked_at=ago(days=1),
            due_at=ago(days=-days),
        )

    found = read()

    assert found["logix_privacy_requests_open"] == {(): 3}
    assert found["logix_privacy_requests_near_due"] == {(): 2}


def test_a_scrape_costs_as_many_statements_with_many_stores_as_with_one(
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(5):
        make_store(make_merchant(f"m{number}"))

    with django_assert_max_num_queries(20):
        read()


def test_the_page_shows_them(client: Client) -> None:
    make_store(name='Quote " and \n line')

    text = client.get("/metrics").content.decode()

    assert 'logix_collector_failed{collector="integrations.metrics.collect"} 0.0' in text
    assert 'name="Quote \\" and \\n line"' in text

"""The work: ``doctor`` names what is late and who must act."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.management.findings import Level, in_words
from integrations.models import (
    Command,
    Endpoint,
    Heartbeat,
    ParkedRecord,
    Push,
    Reconciliation,
    ScheduleSlot,
    Store,
    StoreBreaker,
    StoreStatus,
    Stream,
)
from inventory.models import Listing
from logix.common.ids import uuid7
from tests.factories import make_merchant, make_store
from tests.integrations.api.client import make_comparison
from tests.integrations.management.conftest import ago, wrong
from webhooks.models import Delivery

pytestmark = [pytest.mark.django_db, pytest.mark.broker]


def test_a_silent_worker_and_clock_are_wrong() -> None:
    assert {f.about for f in wrong()} >= {"worker", "clock ticks"}
    Heartbeat.objects.create(name="worker@here:1", kind="worker", at=ago(minutes=5))
    ScheduleSlot.objects.create(job="tick", slot=ago(minutes=5))

    told = {f.about: f.what for f in wrong()}

    assert "5 min ago" in told["worker"]
    assert "5 min ago" in told["clock ticks"]


def test_work_that_waits_too_long_is_named(idle: Store) -> None:
    late = ago(hours=3)
    endpoint = Endpoint.objects.create(
        store=idle, token_digest="d", token_sealed=b"", secret_sealed=b""
    )
    Delivery.objects.create(endpoint=endpoint, store=idle, dedupe_key="k", topic="t", next_at=late)
    Store.objects.update(writes_enabled=True)
    listing = Listing.objects.create(
        merchant=idle.merchant,
        store=idle,
        external_product_id="p",
        external_variant_id="v",
        changed_at=timezone.now(),
    )
    Push.objects.create(store=idle, listing=listing, state=Push.State.READY, next_at=late)
    Command.objects.create(store=idle, kind="note", key="n", order_ref=uuid7(), next_at=late)
    Stream.objects.filter(name="orders").update(next_at=late)

    told = [f.what for f in wrong() if f.about == "waiting"]

    assert told == [
        f"The oldest of the {what} should have been done 3 h ago."
        for what in ("webhook deliveries", "stock pushes", "commands to stores", "store readings")
    ]


def test_work_for_a_store_that_rests_is_not_late(idle: Store) -> None:
    Command.objects.create(
        store=idle, kind="note", key="n", order_ref=uuid7(), next_at=ago(hours=3)
    )
    Store.objects.update(writes_enabled=True, status=StoreStatus.PAUSED)

    assert [f for f in wrong() if f.about == "waiting"] == []


def test_stores_that_need_someone_each_say_why(idle: Store) -> None:
    listing = Listing.objects.create(
        merchant=idle.merchant,
        store=idle,
        external_product_id="p",
        external_variant_id="v",
        changed_at=timezone.now(),
    )
    Store.objects.update(writes_enabled=True)
    StoreBreaker.objects.create(store=idle, state="open", last_error="It did not answer.")
    Stream.objects.filter(name="orders").update(failures=3, last_error="No route.")
    Stream.objects.filter(name="products").update(skew_ms=-90_000)
    Endpoint.objects.create(
        store=idle, token_digest="d", token_sealed=b"", secret_sealed=b"", problem="No hooks."
    )
    Push.objects.create(
        store=idle, listing=listing, state=Push.State.BLOCKED, problem="No such item."
    )
    ParkedRecord.objects.create(store=idle, stream="orders", external_id="1", code="x", reason="y")
    make_store(make_merchant("two"), name="Second", status=StoreStatus.TESTING)

    told = "\n".join(f.what for f in wrong(Level.BAD, Level.WARN) if f.about.startswith("store "))

    for words in (
        "It did not answer.",
        "could not be read 3 times in a row. No route.",
        "differs from ours by 90 s",
        "It sends no webhooks: No hooks.",
        "1 stock figures cannot be sent. No such item.",
        "1 records are parked",
        "tested but never started",
    ):
        assert words in told


def test_a_store_of_a_platform_that_is_gone_does_not_stop_the_doctor(idle: Store) -> None:
    Store.objects.update(platform="gone", status=StoreStatus.NEEDS_MERCHANT)

    assert any("no platform “gone”" in f.do for f in wrong())


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=12), "12 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3), "3 days"),
        (timedelta(seconds=-3), "0 s"),
    ],
)
def test_ages_are_told_in_words(age: timedelta, words: str) -> None:
    assert in_words(age) == words


def test_comparisons_that_ask_failed_or_did_not_happen_are_named(idle: Store) -> None:
    Stream.objects.update(read_through=timezone.now())
    run = make_comparison(idle, state="stopped", problem="60 of 80 are gone.")
    assert "Its comparison stopped to ask. 60 of 80 are gone." in {f.what for f in wrong()}
    Reconciliation.objects.filter(pk=run.pk).update(state="failed", problem="No answer.")
    assert "Its last comparison failed. No answer." in {f.what for f in wrong(Level.WARN)}
    Reconciliation.objects.update(state="complete", created_at=ago(days=3, minutes=1))
    missed = "It was not compared with what is kept here for three days."
    assert missed in {f.what for f in wrong(Level.WARN)}

    make_comparison(idle)

    assert f"store {idle.name}" not in {f.about for f in wrong(Level.WARN, Level.BAD)}

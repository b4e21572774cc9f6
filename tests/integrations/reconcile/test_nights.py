"""When stores are compared by themselves, and what the clock does about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from integrations import reconcile, tasks
from integrations.models import Reconciliation, ScheduleSlot, Store, Stream, SyncRun
from integrations.reconcile import requests
from tests.factories import make_store

pytestmark = pytest.mark.django_db

# 00:40 UTC on a winter's night: 01:40 in Cologne, the day before in New York.
MIDNIGHT = datetime(2026, 12, 1, 0, 40, tzinfo=UTC)
SOME_ID = UUID("01900000-0000-7000-8000-000000000000")


def at_minute(minute: int) -> UUID:
    """An id whose turn is so many minutes after two."""
    base = SOME_ID.int
    return UUID(int=base - base % 180 + minute)


def known_store(minute: int = 0, **changes: Any) -> Store:
    """One that was connected a day before, its orders read."""
    store = make_store(pk=at_minute(minute), **changes)
    Store.objects.filter(pk=store.pk).update(created_at=MIDNIGHT - timedelta(days=1))
    Stream.objects.filter(store=store).update(read_through=MIDNIGHT)
    return store


def started(now: datetime) -> list[str]:
    return [run.store.name for run in reconcile.start_due(now)]


@pytest.mark.parametrize(
    ("zone", "hours", "due"),
    [
        ("UTC", 0, False),
        ("UTC", 1.5, True),
        ("UTC", 4.3, True),
        ("UTC", 4.4, False),
        ("Europe/Berlin", 0.3, False),
        ("Europe/Berlin", 0.4, True),
        ("America/New_York", 0.4, False),
        ("America/New_York", 5.9, False),
        ("Nowhere/Land", 1.5, True),
    ],
)
def test_a_store_is_compared_between_two_and_five_of_its_own_night(
    zone: str, hours: float, due: bool
) -> None:
    known_store(timezone=zone)

    assert bool(started(MIDNIGHT + timedelta(hours=hours))) is due


def test_stores_are_spread_over_the_night() -> None:
    store = known_store(minute=90)

    assert started(MIDNIGHT + timedelta(minutes=80 + 89)) == []
    assert started(MIDNIGHT + timedelta(minutes=80 + 90)) == [store.name]


def test_a_night_is_taken_once_and_none_is_left_out() -> None:
    known_store()
    two = MIDNIGHT + timedelta(minutes=80)
    assert len(started(two)) == 1
    Reconciliation.objects.update(created_at=two, state="complete")

    assert started(two + timedelta(hours=2)) == []
    assert started(two + timedelta(hours=23, minutes=59)) == []
    # The clock stood still in the night that followed.
    assert len(started(two + timedelta(hours=30, minutes=1))) == 1


@pytest.mark.parametrize(
    "changes", [{"auto_sync": False}, {"status": "paused"}, {"status": "needs_merchant"}]
)
def test_stores_that_are_left_alone_are_not_compared(changes: dict[str, Any]) -> None:
    known_store(**changes)

    assert started(MIDNIGHT + timedelta(hours=2)) == []
    assert list(reconcile.overdue(MIDNIGHT + timedelta(days=9))) == []


def test_a_store_whose_past_is_being_read_waits_for_that() -> None:
    store = known_store()
    stream = Stream.objects.get(store=store, name="orders")
    SyncRun.objects.create(store=store, stream=stream, kind="backfill", state="running")

    assert started(MIDNIGHT + timedelta(hours=2)) == []


def test_a_dry_run_is_no_comparison_of_the_night() -> None:
    store = known_store()
    two = MIDNIGHT + timedelta(minutes=80)
    run = reconcile.request(store, dry_run=True, actor="user:anna")
    Reconciliation.objects.filter(pk=run.pk).update(state="complete", created_at=two)

    assert started(two) == [store.name]


def test_a_store_that_was_not_compared_for_three_days_is_missed() -> None:
    store = known_store()
    connected_at = MIDNIGHT - timedelta(days=1)

    assert list(reconcile.overdue(connected_at + timedelta(days=3))) == []
    assert list(reconcile.overdue(connected_at + timedelta(days=3, seconds=1))) == [store]


def test_the_window_is_as_long_as_the_merchant_chose_and_not_older_than_the_import() -> None:
    store = known_store(options={"reconcile_days": 7})
    run = reconcile.request(store, actor="user:anna")

    assert run.window_to - run.window_from == timedelta(days=7)
    assert timezone.now() - run.window_to >= requests.FRESH
    Reconciliation.objects.update(state="complete")
    since = timezone.now().replace(microsecond=0) - timedelta(days=2)
    Store.objects.update(import_since=since)
    store.refresh_from_db()
    assert reconcile.request(store, actor="user:anna").window_from == since


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr("logix.common.bell.ring", lambda name, *args, **options: names.append(name))
    return names


def test_the_clock_begins_comparisons_and_rings_for_them_until_they_end(
    rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = known_store()
    Store.objects.update(created_at=timezone.now() - timedelta(days=1))
    monkeypatch.setattr("integrations.reconcile.clock._is_time", lambda *_: True)
    monkeypatch.setattr("integrations.connect.recheck_refused", lambda: None)

    tasks.reconcile()

    run = Reconciliation.objects.get(store=store)
    assert (run.state, run.requested_by) == ("running", "system")
    assert rung == ["integrations.tasks.compare"]
    ScheduleSlot.objects.all().delete()
    Stream.objects.update(next_at=None)
    tasks.tick()
    assert rung.count("integrations.tasks.compare") == 2
    more = iter([True, False])
    monkeypatch.setattr(tasks, "compare_slice", lambda pk, *, if_due: next(more))
    tasks.compare(str(run.pk))
    tasks.compare(str(run.pk))
    assert rung.count("integrations.tasks.compare") == 3

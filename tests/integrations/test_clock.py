"""The clock's ticks, slots, housekeeping, and the states a store moves through."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from integrations import connect, lifecycle, schedule, sync, tasks, upkeep
from integrations.errors import Unavailable
from integrations.models import (
    CallLog,
    Endpoint,
    Heartbeat,
    ParkedRecord,
    ScheduleSlot,
    StoreStatus,
    Stream,
    SyncGap,
    SyncRun,
)
from logix.accounts.models import AuditEvent
from logix.common import bell
from tests.factories import make_merchant, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(bell, "ring", lambda name, *args, **options: names.append(name))
    return names


def test_ticks_are_made_once_and_an_admins_changes_are_kept() -> None:
    PeriodicTask.objects.all().delete()
    schedule.ensure()
    made = PeriodicTask.objects.filter(name__in=schedule.TICKS)
    assert {t.task for t in made} == {task for task, _, _ in schedule.TICKS.values()}
    PeriodicTask.objects.filter(name="Sign of life").update(enabled=False, queue="admin")
    before = list(PeriodicTask.objects.order_by("pk").values("name", "enabled", "queue"))

    schedule.ensure()

    assert list(PeriodicTask.objects.order_by("pk").values("name", "enabled", "queue")) == before


def test_every_tick_names_a_task_that_exists() -> None:
    from logix.celery import app

    app.loader.import_default_modules()
    assert {task for task, _, _ in schedule.TICKS.values()} <= set(app.tasks)


@pytest.mark.django_db(transaction=True)
def test_of_two_clocks_one_takes_the_slot() -> None:
    if connection.vendor != "postgresql":
        first, second = (
            upkeep.take_slot("job", seconds=86_400),
            upkeep.take_slot("job", seconds=86_400),
        )
        assert (first, second) == (True, False)
        return
    together = Barrier(4)

    def clock(_: int) -> bool:
        try:
            together.wait(timeout=10)
            return upkeep.take_slot("job", seconds=86_400)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as clocks:
        assert sorted(clocks.map(clock, range(4))) == [False, False, False, True]


def test_a_tick_rings_for_what_is_due_and_its_twin_for_nothing(rung: list[str]) -> None:
    store = make_store()
    Stream.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    stream = Stream.objects.get(name="orders")
    SyncRun.objects.create(
        store=store, stream=stream, kind="backfill", next_at=timezone.now() - timedelta(seconds=1)
    )
    ScheduleSlot.objects.all().delete()

    tasks.tick()

    assert sorted(n.rpartition(".")[2] for n in rung) == [
        "process",
        "run_backfill",
        "run_stream",
        "run_stream",
    ]


def test_a_task_rings_again_while_there_is_more(
    rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = iter([True, False, True, False])
    monkeypatch.setattr(sync, "run_stream", lambda pk, *, if_due: next(more))
    monkeypatch.setattr(sync, "run_slice", lambda pk, *, if_due: next(more))
    run_id = "0190f4e4-0000-7000-8000-000000000000"
    for _ in range(2):
        tasks.run_stream(1)
    for _ in range(2):
        tasks.run_backfill(run_id)

    assert rung == ["integrations.tasks.run_stream", "integrations.tasks.run_backfill"]


def test_a_job_that_fails_does_not_keep_the_next_from_being_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []

    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        upkeep.each_of(fail, lambda: done.append("next"))
    assert done == ["next"]


def test_reconcile_asks_stores_that_refused_us_once_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(connect, "recheck_refused", lambda: asked.append("refused"))
    tasks.reconcile()
    ScheduleSlot.objects.filter(job="reconcile").delete()
    tasks.reconcile()

    assert asked == ["refused"]


def test_sweep_maintain_and_heartbeat_do_their_work() -> None:
    tasks.sweep()
    tasks.maintain()
    tasks.heartbeat()
    tasks.heartbeat()

    assert Heartbeat.objects.get().kind == "worker"


def audited(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Any], Any]) -> int:
    monkeypatch.setattr(connect, "reconcile_webhooks", answer)
    return upkeep.audit_subscriptions()


def test_a_store_that_is_not_listened_to_gets_no_webhooks_from_the_audit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make_store(make_merchant(), auto_sync=False)
    Endpoint.objects.create(store=store, token_digest="1", token_sealed=b"", secret_sealed=b"")
    asked: list[Any] = []

    audited(monkeypatch, lambda store: asked.append(store) or [])

    assert asked == []


def test_one_stores_trouble_does_not_end_the_audit_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merchant = make_merchant()
    for number in range(3):
        store = make_store(merchant, base_url=f"https://{number}.example")
        Endpoint.objects.create(
            store=store, token_digest=str(number), token_sealed=b"", secret_sealed=b""
        )
    errors: list[Exception | None] = [Unavailable("Down."), KeyError("x"), None]
    seen: list[Any] = []

    class Mended:
        mended = "created"

    def answer(store: Any) -> list[Mended]:
        seen.append(store.pk)
        error = errors[len(seen) - 1]
        if error:
            raise error
        return [Mended()]

    assert audited(monkeypatch, answer) == 1
    assert len(set(seen)) == 3

    def away(store: Any) -> list[Mended]:
        raise OperationalError("away")

    with pytest.raises(OperationalError):
        audited(monkeypatch, away)
    monkeypatch.setattr(upkeep, "AUDIT_BUDGET_S", -1.0)
    assert audited(monkeypatch, away) == 0


def test_what_has_outlived_its_use_is_deleted_and_counted() -> None:
    store = make_store()
    stream, now = Stream.objects.get(name="orders"), timezone.now()
    old, young = now - timedelta(days=100), now - timedelta(hours=1)
    for at in (old, young):
        CallLog.objects.create(store=store, at=at, method="GET", route="/x", elapsed_ms=1)
        ScheduleSlot.objects.create(job="x", slot=at)
        Heartbeat.objects.create(name=str(at), kind="worker", at=at)
        SyncRun.objects.create(
            store=store, stream=stream, kind="delta", state="completed", created_at=at
        )
        SyncRun.objects.create(
            store=store, stream=stream, kind="backfill", state="completed", created_at=at
        )
        SyncGap.objects.create(
            stream=stream, window_from=at, window_to=at, reason="x", next_at=at, closed_at=at
        )
        ParkedRecord.objects.create(
            store=store,
            stream="orders",
            external_id=str(at),
            code="x",
            reason="x",
            raw_sealed=b"x",
            purge_after=at + timedelta(days=30),
        )
        ParkedRecord.objects.create(
            store=store,
            stream="orders",
            external_id=f"done {at}",
            code="x",
            reason="x",
            state="resolved",
            resolved_at=at,
        )
    SyncGap.objects.create(stream=stream, window_from=old, window_to=old, reason="x", next_at=old)

    counts = upkeep.purge(now)

    ones = {name for name, count in counts.items() if count == 1}
    assert ones == {
        "calls",
        "slots",
        "heartbeats",
        "poll runs",
        "closed gaps",
        "settled records",
        "parked bodies",
    }
    assert sum(counts.values()) == len(ones)
    assert SyncGap.objects.filter(closed_at=None).count() == 1


def test_a_store_moves_only_where_it_may_and_the_audit_log_says_from_where() -> None:
    store = make_store()
    type(store).objects.update(status=StoreStatus.PAUSED)  # by somebody else, meanwhile

    lifecycle.move(store, StoreStatus.ACTIVE, actor="user:anna", action="store.resumed")

    assert AuditEvent.objects.latest("pk").details["from"] == "paused"
    with pytest.raises(lifecycle.MoveRefused, match="is “active” and cannot become “tested"):
        lifecycle.move(store, StoreStatus.TESTING, actor="user:anna", action="x")
    assert store.status == StoreStatus.ACTIVE


@pytest.mark.parametrize("state", list(StoreStatus))
def test_every_state_has_its_moves_and_none_leads_to_itself(state: StoreStatus) -> None:
    assert state not in lifecycle.MOVES[state]
    assert lifecycle.MOVES[state]

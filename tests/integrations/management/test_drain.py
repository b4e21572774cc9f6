"""``manage.py drain``: work gets done with no broker and no worker, and only then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, transaction
from django.utils import timezone
from structlog.testing import capture_logs

from integrations import schedule
from integrations.management.commands import drain
from integrations.models import Heartbeat, ScheduleSlot
from logix.celery import app
from logix.common import bell

# Connections are given back between tasks, as in the product.
pytestmark = pytest.mark.django_db(transaction=True)

Register = Callable[[str, Callable[..., None]], None]


@pytest.fixture
def clock_rings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """A clock of the test's own: what is registered first is rung by it, the rest by tasks."""
    ticks: dict[str, tuple[str, int, str]] = {}
    monkeypatch.setattr(schedule, "TICKS", ticks)
    names: list[str] = []

    def register(name: str, work: Callable[..., None]) -> None:
        app.task(work, name=name)
        ticks.setdefault("the only tick", (name, 1, "live"))
        names.append(name)

    yield register
    for name in names:
        app.tasks.unregister(name)


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("Something was published.")

    monkeypatch.setattr(bell, "_send", refuse)


def test_the_clocks_own_tasks_are_done_but_for_the_workers_sign_of_life() -> None:
    out = StringIO()

    call_command("drain", stdout=out)

    assert "0 failed" in out.getvalue()
    assert set(ScheduleSlot.objects.values_list("job", flat=True)) >= {"tick", "sweep"}
    assert not Heartbeat.objects.filter(kind="worker").exists(), "nobody is to think one lives"


def test_rings_are_answered_here_after_their_commit(clock_rings: Register) -> None:
    seen: list[Any] = []

    def tick() -> None:
        with transaction.atomic():
            bell.ring("test.work", 1, queue="live")
            bell.ring("test.work", 1, queue="live")
            bell.ring("test.work", 2, queue="live")
            bell.ring("test.work", 3, queue="live", delay_s=5)
            seen.append("tick")

    def work(number: int) -> None:
        seen.append(number)

    clock_rings("test.tick", tick)
    clock_rings("test.work", work)

    assert drain.drain(10) == (3, 0)
    assert seen == ["tick", 1, 2], "once each; what is to ripen is left to a later round"


def test_a_task_that_fails_costs_only_itself(clock_rings: Register) -> None:
    def tick() -> None:
        for number in range(3):
            bell.publish("test.work", (number,), queue="live")

    def work(number: int) -> None:
        if number == 1:
            raise RuntimeError("no")

    clock_rings("test.tick", tick)
    clock_rings("test.work", work)

    with capture_logs() as lines:
        assert drain.drain(10) == (3, 1)
    assert [line["event"] for line in lines] == ["task_failed"]


def test_nothing_is_begun_after_the_time_is_over(
    clock_rings: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(drain.time, "monotonic", lambda: now[0])

    def again(number: int = 0) -> None:
        now[0] += 4
        bell.publish("test.again", (number + 1,), queue="live")

    clock_rings("test.again", again)

    assert drain.drain(10) == (3, 0)


def test_rings_outside_of_a_drain_go_to_the_broker() -> None:
    with bell.kept() as rings:
        assert bell.publish("t", (), queue="live")
    assert list(rings) == [("t", ())]

    with capture_logs() as lines:
        assert not bell.publish("t", (), queue="live")
    assert [line["event"] for line in lines] == ["bell_silent"]


@pytest.mark.parametrize(("age_s", "silent"), [(None, True), (60, True), (20, False)])
def test_workers_are_silent_without_a_young_sign_of_life(age_s: int | None, silent: bool) -> None:
    if age_s is not None:
        at = timezone.now() - timedelta(seconds=age_s)
        Heartbeat.objects.create(name="worker@a:1", kind="worker", at=at)

    assert drain.workers_are_silent() is silent


def test_the_standby_works_while_the_workers_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    states = iter([False, True, True, OperationalError("gone"), False])
    rounds: list[float] = []

    def silent() -> bool:
        state = next(states, None)
        if state is None:
            stop.set()
            return False
        if isinstance(state, Exception):
            raise state
        return state

    def note(budget_s: float) -> tuple[int, int]:
        rounds.append(budget_s)
        return 0, 0

    monkeypatch.setattr(drain, "workers_are_silent", silent)
    monkeypatch.setattr(drain, "drain", note)
    monkeypatch.setattr(drain, "_PAUSE_S", 0)

    with capture_logs() as lines:
        drain.stand_by(stop, round_s=7)

    assert rounds == [7, 7]
    events = [line["event"] for line in lines]
    assert events == ["standby_works", "standby_waits", "standby_rests"]


def test_the_standby_ends_by_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, Callable[..., None]] = {}
    monkeypatch.setattr(drain.signal, "signal", handlers.__setitem__)

    def until_stopped(stop: threading.Event, *, round_s: float) -> None:
        assert not stop.is_set()
        handlers[drain.signal.SIGTERM]()
        assert stop.is_set()

    monkeypatch.setattr(drain, "stand_by", until_stopped)

    call_command("drain", "--standby")

    assert set(handlers) == {drain.signal.SIGTERM, drain.signal.SIGINT}

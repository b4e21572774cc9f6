"""The doorbell never hurts who rings, and rings no more often than it must."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from django.db import transaction

from logix.celery import app
from logix.common import bell

Sent = list[tuple[str, list[Any], str, float | None]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    messages: Sent = []

    def send_task(name: str, *, args: Any, queue: str, countdown: Any, **_: Any) -> None:
        messages.append((name, args, queue, countdown))

    monkeypatch.setattr(app, "send_task", send_task)
    return messages


class Waiting:
    """In the place of ``threading.Timer``: rings that wait in this process, until ``fire``."""

    def __init__(self) -> None:
        self.rings: list[tuple[float, Callable[[], Any]]] = []

    def __call__(self, delay_s: float, ring: Callable[[], Any]) -> Waiting:
        self.rings.append((delay_s, ring))
        return self

    def start(self) -> None:
        pass

    def fire(self) -> None:
        while self.rings:
            self.rings.pop(0)[1]()


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    timers = Waiting()
    monkeypatch.setattr(bell, "Timer", timers)
    return timers


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds of this process's clock, to be set."""
    at = [1000.0]
    monkeypatch.setattr("logix.common.bell.time.monotonic", lambda: at[0])
    return at


def ring_and_fail() -> None:
    with transaction.atomic():
        bell.ring("t", "a", queue="push")
        raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_it_rings_after_commit(sent: Sent) -> None:
    with transaction.atomic():
        bell.ring("t", "a", queue="push")
        with transaction.atomic():
            bell.ring("t", "b", queue="push")
        assert sent == []

    assert sent == [("t", ["a"], "push", None), ("t", ["b"], "push", None)]


@pytest.mark.django_db(transaction=True)
def test_nothing_rings_when_the_transaction_is_rolled_back(sent: Sent) -> None:
    with pytest.raises(ZeroDivisionError):
        ring_and_fail()

    assert sent == []


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_is_asked_once_in_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    tries: list[float] = []

    def refuse(*_: Any, **__: Any) -> None:
        tries.append(clock[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(app, "send_task", refuse)

    for second in range(15):
        clock[0] = 1000.0 + second
        bell.ring("t", "a", queue="push")

    assert tries == [1000.0, 1010.0]


def test_a_delayed_ring_that_arrives_in_time_is_enough(
    sent: Sent, waiting: Waiting, clock: list[float]
) -> None:
    bell.publish("t", ("a",), queue="push", delay_s=1.0)
    clock[0] += 0.5
    bell.publish("t", ("a",), queue="push", delay_s=1.0)
    assert len(sent) == 1

    bell.publish("t", ("a",), queue="push", delay_s=0.2)  # the one that is out would be late
    bell.publish("t", ("b",), queue="push", delay_s=1.0)
    bell.publish("t", ("a",), queue="push")
    assert [delay_s for delay_s, _ in waiting.rings] == [0.2]
    assert [(args, countdown) for _, args, _, countdown in sent[1:]] == [
        (["b"], 1.0),
        (["a"], None),
    ]
    clock[0] += 0.2
    waiting.fire()
    assert [(args, countdown) for _, args, _, countdown in sent[3:]] == [(["a"], None)]

    clock[0] += 5
    bell.publish("t", ("a",), queue="push", delay_s=1.0)
    assert len(sent) == 5


def test_a_short_delay_is_waited_out_once_and_then_rung_for_who_asked(
    waiting: Waiting, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[Any] = []

    def send(*_: Any, **__: Any) -> None:
        rung.append(structlog.contextvars.get_contextvars()["request_id"])

    monkeypatch.setattr(app, "send_task", send)
    with structlog.contextvars.bound_contextvars(request_id="request-0001"):
        assert bell.publish("t", ("a",), queue="push", delay_s=0.1)
    for _ in range(3):
        clock[0] += 0.03
        assert not bell.publish("t", ("a",), queue="push", delay_s=0.1)
    assert (len(waiting.rings), rung) == (1, [])

    clock[0] += 0.03
    waiting.fire()
    assert rung == ["request-0001"]


def test_a_thread_waits_and_no_broker_is_asked_to_wait_for_less_than_a_second(sent: Sent) -> None:
    """RabbitMQ cannot, and Celery raises before it sends."""
    bell.publish("t", ("a",), queue="push", delay_s=0.01)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(5)

    assert sent == [("t", ["a"], "push", None)]


@pytest.mark.parametrize(
    ("url", "routed"),
    [
        ("redis://127.0.0.1:1/0", {"exchange": "", "routing_key": "push"}),
        ("amqp://127.0.0.1:1//", {}),
    ],
)
def test_only_rabbitmq_is_left_to_find_the_queue_by_its_exchange(
    monkeypatch: pytest.MonkeyPatch, url: str, routed: dict[str, str]
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(app, "send_task", lambda _name, **options: told.append(options))
    monkeypatch.setenv("CELERY_BROKER_URL", url)  # Celery looks there first

    bell.publish("t", ("a",), queue="push")

    (options,) = told
    assert {n: v for n, v in options.items() if n in {"exchange", "routing_key"}} == routed


@pytest.mark.django_db(transaction=True)
def test_a_ring_that_fails_after_the_commit_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bell, "publish", broken)

    with transaction.atomic():
        bell.ring("t", "a", queue="push")

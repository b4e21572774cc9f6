"""The doorbell never hurts who rings, and rings no more often than it must."""

from __future__ import annotations

from typing import Any

import pytest
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


def test_a_delayed_ring_that_arrives_in_time_is_enough(sent: Sent, clock: list[float]) -> None:
    bell.publish("t", ("a",), queue="push", delay_s=1.0)
    clock[0] += 0.5
    bell.publish("t", ("a",), queue="push", delay_s=1.0)
    assert len(sent) == 1

    bell.publish("t", ("a",), queue="push", delay_s=0.2)  # the one that is out would be late
    bell.publish("t", ("b",), queue="push", delay_s=1.0)
    bell.publish("t", ("a",), queue="push")
    assert [(args, countdown) for _, args, _, countdown in sent[1:]] == [
        (["a"], 0.2),
        (["b"], 1.0),
        (["a"], None),
    ]

    clock[0] += 5
    bell.publish("t", ("a",), queue="push", delay_s=1.0)
    assert len(sent) == 5

"""What a message carries, where it goes, and how long a publisher waits for a broker."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from celery import signals
from kombu import Connection
from structlog.testing import capture_logs

from logix import broker, checks
from logix.celery import app, loosen_for_worker, make_all_lanes, stop_a_broken_start


def published(**context: str) -> dict[str, Any]:
    structlog.contextvars.bind_contextvars(**context)
    headers: dict[str, Any] = {}
    signals.before_task_publish.send(sender="any", headers=headers)
    return headers


def test_the_request_id_travels_from_the_request_to_the_task() -> None:
    headers = published(request_id="caller-0001")
    structlog.contextvars.clear_contextvars()

    task = SimpleNamespace(name="integrations.tasks.tick", request=SimpleNamespace(**headers))
    signals.task_prerun.send(sender="any", task_id="t-1", task=task)

    assert structlog.contextvars.get_contextvars() == {
        "request_id": "caller-0001",
        "task": "integrations.tasks.tick",
    }
    signals.task_postrun.send(sender="any", task_id="t-1", task=task)
    assert structlog.contextvars.get_contextvars() == {}


def test_a_message_without_a_request_gets_an_id_of_its_own() -> None:
    assert len(published()["request_id"]) == 32


@pytest.mark.parametrize(
    ("task", "lane"),
    [
        ("webhooks.tasks.process", "live"),
        ("integrations.tasks.send_pushes", "push"),
        ("integrations.tasks.send_commands", "push"),
        ("integrations.tasks.run_backfill", "bulk"),
        ("integrations.tasks.maintain", "admin"),
    ],
)
def test_a_task_rides_its_lane(task: str, lane: str) -> None:
    assert app.amqp.router.route({}, task)["queue"].name == lane


def test_no_message_is_more_than_json_and_no_task_runs_in_the_caller() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_always_eager is False
    assert app.conf.task_ignore_result is True
    assert app.conf.task_acks_late is True


def test_queues_are_replicated_where_the_broker_can() -> None:
    arguments = {
        kind: {
            queue.queue_arguments and queue.queue_arguments["x-queue-type"]
            for queue in broker.settings(f"{kind}://localhost", folder=None)["task_queues"]  # type: ignore[arg-type]
        }
        for kind in ("amqp", "redis")
    }

    assert arguments == {"amqp": {"quorum"}, "redis": {None}}


def test_a_worker_waits_longer_than_a_web_process() -> None:
    conf = SimpleNamespace(
        broker_url="redis://localhost/0", broker_connection_timeout=1, broker_transport_options={}
    )

    loosen_for_worker(conf=conf)

    assert conf.broker_connection_timeout == 4
    assert conf.broker_transport_options["socket_timeout"] == 5
    assert "max_retries" not in conf.broker_transport_options


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["redis", "amqp"])
def test_a_broker_that_accepts_and_never_answers_costs_about_a_second(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{kind}://127.0.0.1:{silent.getsockname()[1]}"
        connection = Connection(
            url, connect_timeout=1, transport_options=dict(broker.PUBLISHER_OPTIONS[kind])
        )
        start = time.monotonic()
        with pytest.raises(Exception, match=r"(?i)time"):
            connection.Producer().publish({}, routing_key="live", retry=False)

    assert time.monotonic() - start < 3


def test_a_task_keeps_its_database_connection_between_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Celery's own fixup would close it twice a task, a reconnect each time."""
    fixup = app._fixups[0].worker_fixup
    closed: list[int] = []
    monkeypatch.setattr(fixup, "_close_database", lambda: closed.append(1))

    for _ in range(10):
        fixup.close_database()

    assert closed == []


def test_celery_leaves_our_logging_alone() -> None:
    handlers = logging.getLogger().handlers[:]

    app.log.setup(loglevel="INFO")

    assert logging.getLogger().handlers == handlers


@pytest.mark.broker
def test_a_worker_makes_every_lane_also_those_it_does_not_serve(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """RabbitMQ can only delay rings for lanes that are there, and the first worker comes alone."""
    link = Connection("files://localhost", transport_options={"folder": str(tmp_path)})
    monkeypatch.setattr(app, "connection_for_write", lambda: link)

    make_all_lanes()

    assert {folder.name for folder in (tmp_path / "queues").iterdir()} == set(broker.LANES)


def test_a_worker_starts_while_its_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(app, "connection_for_write", refuse)

    with capture_logs() as lines:
        make_all_lanes()

    assert [(line["event"], line["error"]) for line in lines] == [
        ("lanes_not_made", "ConnectionRefusedError")
    ]


@pytest.mark.parametrize("signal", [signals.worker_init, signals.beat_init])
def test_worker_and_clock_ask_first_whether_they_may_start(
    monkeypatch: pytest.MonkeyPatch, signal: Any
) -> None:
    """Looked up, not sent: Celery's own receivers would change this process for good."""

    def broken() -> None:
        raise SystemExit("Logix does not start")

    monkeypatch.setattr(checks, "stop_on_errors", broken)

    assert stop_a_broken_start in signal._live_receivers(None)
    with pytest.raises(SystemExit, match="does not start"):
        stop_a_broken_start()


def test_a_broker_that_stays_away_is_waited_for_without_end() -> None:
    """Celery's own hundred tries end a worker after an hour."""
    assert app.conf.broker_connection_max_retries is None

"""Liveness, readiness and metrics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import OperationalError
from django.test import Client
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from logix import health


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_broker_seen", (0.0, ""))
    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.setattr(health, "_collectors", [])


def test_a_live_process_says_so_without_asking_anyone(client: Client) -> None:
    response = client.get("/livez")

    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.broker
@pytest.mark.django_db
def test_a_ready_hub_names_its_parts(client: Client) -> None:
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
    }


@pytest.mark.django_db
def test_a_broker_that_is_away_degrades_and_takes_nothing_down(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(health.current_app, "connection_for_write", refuse)

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert response.json()["broker"] == "unreachable"


@pytest.mark.broker
def test_without_a_database_there_is_no_traffic(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        vendor = "postgresql"

        def cursor(self) -> None:
            raise OperationalError("connection refused at 10.0.0.5, user logix")

    monkeypatch.setattr(health, "connection", Gone())
    monkeypatch.setattr(health, "_migrated", True)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["database"] == "unreachable"
    assert b"10.0.0.5" not in response.content


@pytest.mark.broker
def test_a_standby_gets_no_traffic(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a fail-over gone wrong: it answers every question and could keep no webhook."""

    class Standby:
        vendor = "postgresql"

        def cursor(self) -> Standby:
            return self

        def __enter__(self) -> Standby:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def execute(self, sql: str) -> None:
            assert sql == "SHOW transaction_read_only"

        def fetchone(self) -> tuple[str]:
            return ("on",)

    monkeypatch.setattr(health, "connection", Standby())
    monkeypatch.setattr(health, "_migrated", True)

    response = client.get("/readyz")

    assert (response.status_code, response.json()["database"]) == (503, "read only")


@pytest.mark.broker
@pytest.mark.django_db
def test_missing_migrations_keep_traffic_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: [("one", False)])

    response = client.get("/readyz")

    assert response.status_code == 503
    assert "manage.py migrate" in response.json()["migrations"]


def waiting() -> Iterator[Metric]:
    yield GaugeMetricFamily("logix_test_waiting", "Waiting.", value=7)


def broken() -> Iterator[Metric]:
    yield GaugeMetricFamily("logix_test_half", "Half.", value=1)
    raise RuntimeError("no table")


@pytest.mark.django_db
def test_metrics_are_collected_at_the_scrape(client: Client) -> None:
    health.register(waiting)
    health.register(waiting)

    text = client.get("/metrics").content.decode()

    assert text.count("\nlogix_test_waiting 7.0") == 1
    assert "logix_info{" in text


@pytest.mark.django_db
def test_a_broken_collector_costs_only_its_own_metrics(client: Client) -> None:
    health.register(broken)
    health.register(waiting)

    text = client.get("/metrics").content.decode()

    assert "logix_test_waiting 7.0" in text
    assert "logix_test_half" not in text
    assert f'logix_collector_failed{{collector="{__name__}.broken"}} 1.0' in text
    assert f'logix_collector_failed{{collector="{__name__}.waiting"}} 0.0' in text


@pytest.mark.django_db
def test_metrics_are_for_this_machine_or_a_token(
    client: Client, settings: pytest.FixtureRequest
) -> None:
    settings.LOGIX_METRICS_TOKEN = "scrape-me-0123456789"  # type: ignore[attr-defined]
    far = {"REMOTE_ADDR": "203.0.113.9"}

    assert client.get("/metrics", **far).status_code == 403  # type: ignore[arg-type]
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
    right = {"Authorization": "Bearer scrape-me-0123456789"}
    assert client.get("/metrics", headers=right, **far).status_code == 200  # type: ignore[arg-type]
    wrong = {"Authorization": "Bearer "}
    assert client.get("/metrics", headers=wrong, **far).status_code == 403  # type: ignore[arg-type]


@pytest.mark.django_db
def test_behind_a_proxy_only_the_token_counts(
    client: Client, settings: pytest.FixtureRequest
) -> None:
    settings.LOGIX_BEHIND_PROXY = True  # type: ignore[attr-defined]

    assert client.get("/metrics").status_code == 403

"""The installation itself: what ``doctor`` finds wrong with it, and that the remedy is named."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import checks
from django.db import OperationalError, connection, transaction
from django.test import override_settings
from django.utils import timezone

from integrations.management import machine
from integrations.management.findings import Finding, Level
from integrations.models import Heartbeat
from tests.factories import make_store

pytestmark = pytest.mark.django_db


def test_a_database_that_may_forget_what_it_committed_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = "_POSTGRES" if connection.vendor == "postgresql" else "_SQLITE"
    name = next(iter(getattr(machine, table)))
    monkeypatch.setattr(machine, table, {name: (frozenset({"never"}), "Turn it on.")})

    found = list(machine.database())

    assert [(f.level, f.do) for f in found] == [(Level.BAD, "Turn it on.")]
    assert name in found[0].what


def test_missing_migrations_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    step = namedtuple("step", "app_label name")("orders", "0007_more")

    class Executor:
        def __init__(self, _connection: Any) -> None:
            self.loader = self
            self.graph = self

        def leaf_nodes(self) -> list[Any]:
            return []

        def migration_plan(self, _targets: Any) -> list[Any]:
            return [(step, False)]

    monkeypatch.setattr(machine, "MigrationExecutor", Executor)

    (found,) = machine.migrations()

    assert (found.level, found.do) == (Level.BAD, "Run manage.py migrate.")
    assert "orders.0007_more" in found.what


def test_what_the_system_checks_say_is_told_by_its_weight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [checks.Error("No keys.", hint="Set them."), checks.Warning("Meh."), checks.Info("So?")]
    monkeypatch.setattr(checks, "run_checks", lambda **_: found)

    assert list(machine.system_checks()) == [
        Finding(Level.BAD, "settings", "No keys.", "Set them."),
        Finding(Level.WARN, "settings", "Meh.", "Run manage.py check."),
    ]


@pytest.mark.parametrize("production", [True, False])
def test_production_is_held_to_the_deployment_checks(
    monkeypatch: pytest.MonkeyPatch, settings: Any, production: bool
) -> None:
    asked: list[bool] = []

    def run(*, include_deployment_checks: bool) -> list[checks.CheckMessage]:
        asked.append(include_deployment_checks)
        return []

    monkeypatch.setattr(checks, "run_checks", run)
    settings.PRODUCTION = production

    assert [f.level for f in machine.system_checks()] == [Level.OK]
    assert asked == [production]


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_app: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(machine, "_connect", refuse)

    (found,) = machine.broker()

    assert found.level is Level.BAD
    assert "ConnectionRefusedError" in found.what


@pytest.mark.parametrize(("free_gib", "level"), [(0.5, Level.BAD), (2, Level.WARN), (50, Level.OK)])
def test_a_full_disk_is_seen_coming(
    monkeypatch: pytest.MonkeyPatch, free_gib: float, level: Level
) -> None:
    usage = namedtuple("usage", "free")(int(free_gib * machine.GIB))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    (found,) = machine.disk()

    assert found.level is level


def test_a_data_folder_that_is_gone_is_told() -> None:
    with override_settings(LOGIX_DATA="/no/such/folder"):
        (found,) = machine.disk()

    assert (found.level, "LOGIX_DATA" in found.do) == (Level.BAD, True)


@pytest.mark.parametrize(
    ("url", "hosts", "store_url", "level"),
    [
        ("https://hub.example", ["hub.example"], "https://shop.example", Level.OK),
        ("https://hub.example", ["other.example"], "https://shop.example", Level.BAD),
        ("http://hub.example", ["hub.example"], "https://shop.example", Level.BAD),
        ("https://192.168.1.5", ["192.168.1.5"], "https://shop.example", Level.BAD),
        ("http://127.0.0.1:8000", ["127.0.0.1"], "https://shop.example", Level.BAD),
        ("http://127.0.0.1:8000", ["127.0.0.1"], "http://127.0.0.1:9001", Level.OK),
    ],
)
def test_an_address_stores_cannot_deliver_to_is_told(
    url: str, hosts: list[str], store_url: str, level: Level
) -> None:
    make_store(base_url=store_url)

    with override_settings(LOGIX_PUBLIC_URL=url, ALLOWED_HOSTS=hosts):
        (found,) = machine.public_url()

    assert found.level is level


def test_a_production_hub_that_believes_no_proxy_is_told(settings: Any) -> None:
    settings.PRODUCTION, settings.LOGIX_BEHIND_PROXY = True, False
    settings.LOGIX_PUBLIC_URL, settings.ALLOWED_HOSTS = "https://hub.example", ["hub.example"]

    (found,) = machine.public_url()

    assert found.level is Level.WARN
    assert "LOGIX_BEHIND_PROXY=true" in found.do


def test_pages_without_their_style_are_told_in_production(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    assert [f.level for f in machine.pages()] == [Level.OK], "an embedded hub finds them itself"

    settings.PRODUCTION = True
    (missing,) = machine.pages()
    (tmp_path / "staticfiles.json").write_text("{}")
    (there,) = machine.pages()

    assert (missing.level, there.level) == (Level.BAD, Level.OK)
    assert "collectstatic" in missing.do


def test_a_database_that_only_reads_is_told_and_left_as_it_was() -> None:
    with read_only():
        told = [f for f in machine.database() if f.level is Level.BAD]

    assert len(told) == 1
    assert "only reads" in told[0].what
    assert [f.level for f in machine.database()] == [Level.OK]
    assert not Heartbeat.objects.exists()


@contextmanager
def read_only() -> Iterator[None]:
    """The connection as it is on a standby, or on a file this user may only read."""
    name = "transaction_read_only" if connection.vendor == "postgresql" else "query_only"
    say = f"SET {name} =" if connection.vendor == "postgresql" else f"PRAGMA {name} ="
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{say} on")
        try:
            yield
        finally:
            if connection.vendor != "postgresql":  # there it ends with the savepoint
                cursor.execute(f"{say} off")
            transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("database or disk is full", "refuses to write (database or disk is full)"),
        ("no such table: integrations_heartbeat", ""),
    ],
)
def test_a_database_that_refuses_to_write_says_why(
    monkeypatch: pytest.MonkeyPatch, error: str, told: str
) -> None:
    def refuse(**_: Any) -> None:
        raise OperationalError(error)

    monkeypatch.setattr(Heartbeat.objects, "create", refuse)

    found = [f for f in machine.database() if f.level is Level.BAD]

    assert (told in found[0].what) if told else found == []


def test_an_error_shows_no_password() -> None:
    err = OperationalError("no route to postgres://logix:hunter2@db:5432/logix\nmore")

    assert machine.first_line(err) == "no route to postgres://***@db:5432/logix"
    assert machine.first_line(OperationalError()) == "OperationalError"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has this machine's clock")
@pytest.mark.parametrize(("skew_s", "level"), [(0, Level.OK), (10, Level.WARN), (-600, Level.BAD)])
def test_a_clock_that_differs_from_the_databases_is_told(skew_s: int, level: Level) -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=skew_s)):
        (found,) = machine.clock()

    assert found.level is level


@pytest.mark.parametrize(
    ("error", "level", "told"),
    [
        (None, Level.OK, "keeps what it is given"),
        (OperationalError("no such table: logix_cache"), Level.BAD, "no such table"),
        (ConnectionRefusedError(), Level.BAD, "ConnectionRefusedError"),
    ],
)
def test_a_cache_the_api_cannot_count_in_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, level: Level, told: str
) -> None:
    real = machine.cache.get

    def get(name: str) -> Any:
        if error:
            raise error
        return real(name)

    monkeypatch.setattr(machine.cache, "get", get)

    (found,) = machine.shared_cache()

    assert (found.level, told in found.what) == (level, True)


def test_a_cache_that_forgets_at_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.cache, "get", lambda _name: None)

    (found,) = machine.shared_cache()

    assert found.level is Level.WARN

"""The questions asked before a process serves."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.db import connection

from logix import checks
from logix.accounts import keys
from logix.accounts.models import Merchant
from logix.environment import new_secrets


@pytest.fixture
def sealed(db: None) -> None:
    keys.create(Merchant.objects.create(name="Cellar Books", slug="cellar"))


@pytest.mark.usefixtures("sealed")
def test_keys_that_open_are_no_news() -> None:
    keys.vault.cache_clear()

    assert checks.the_keys_open_what_was_sealed(databases=["default"]) == []


@pytest.mark.usefixtures("sealed")
def test_a_changed_key_stops_the_start_and_says_which(settings: Any) -> None:
    keys.vault.cache_clear()
    settings.LOGIX_KEYS = new_secrets()["LOGIX_KEYS"].replace("k1:", "k9:")

    [error] = checks.the_keys_open_what_was_sealed(databases=["default"])

    assert error.id == "logix.E001"
    assert "'k1'" in error.msg
    with pytest.raises(SystemExit, match=r"does not start:\n.*'k1'.*LOGIX_KEYS"):
        checks.stop_on_errors()


@pytest.mark.django_db
def test_a_sound_hub_starts() -> None:
    checks.stop_on_errors()


@pytest.mark.django_db
def test_production_does_not_start_with_a_broker_open_to_the_network(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "amqp://guest:guest@broker.internal//"
    checks.stop_on_errors()

    settings.PRODUCTION = True

    with pytest.raises(SystemExit, match=r"broker\.internal is used without a password"):
        checks.stop_on_errors()


def test_stores_on_this_machine_are_for_trying_only(settings: Any) -> None:
    assert settings.LOGIX_ALLOW_LOOPBACK_STORES
    assert checks.stores_are_elsewhere() == []
    settings.PRODUCTION = True
    assert [m.id for m in checks.stores_are_elsewhere()] == ["logix.W003"]
    settings.LOGIX_ALLOW_LOOPBACK_STORES = False
    assert checks.stores_are_elsewhere() == []


def test_an_app_that_is_no_pair_stops_the_start_and_is_not_repeated(settings: Any) -> None:
    settings.LOGIX_OAUTH_APPS = {"shopify": "half-a-secret", "square": "id:secret:with:colons"}

    (error,) = checks.apps_are_written_as_pairs()

    assert error.id == "logix.E004"
    assert "LOGIX_OAUTH_SHOPIFY" in error.msg
    assert "half-a-secret" not in str(error)


def test_secrets_that_everybody_may_read_are_told(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, own = tmp_path / "hub.env", tmp_path / "secrets.env"
    named.write_text("SECRET_KEY=x")
    own.write_text("SECRET_KEY=x")
    named.chmod(0o644)
    own.chmod(0o600)
    monkeypatch.setenv("LOGIX_ENV_FILE", str(named))
    settings.LOGIX_DATA = tmp_path

    (told,) = checks.the_secrets_are_ours_alone()

    assert (told.id, told.hint) == ("logix.W004", f"chmod 600 {named}")
    named.chmod(0o640)
    assert checks.the_secrets_are_ours_alone() == []


def test_the_database_is_left_alone_unless_asked_for() -> None:
    assert checks.the_keys_open_what_was_sealed(databases=None) == []
    assert checks.a_committed_row_survives(databases=None) == []


@pytest.mark.parametrize(
    ("url", "complains"),
    [
        ("files://", False),
        ("redis://127.0.0.1:6379/0", False),
        ("amqp://guest:guest@localhost//", False),
        ("amqp://logix:pw@broker.internal/v", False),
        ("redis://:pw@cache.internal/0", False),
        ("redis://cache.internal/0", True),
        ("amqp://guest:guest@broker.internal//", True),
        ("amqp://broker.internal//", True),
    ],
)
def test_an_open_broker_on_the_network_is_an_error(
    settings: Any, url: str, complains: bool
) -> None:
    settings.CELERY_BROKER_URL = url

    found = checks.the_broker_knows_who_we_are()

    assert [m.id for m in found] == (["logix.E002"] if complains else [])


def test_an_embedded_hub_is_not_called_production(settings: Any) -> None:
    assert [m.id for m in checks.production_is_called_production()] == ["logix.W001"]
    settings.PRODUCTION = True
    assert checks.production_is_called_production() == []


class Cursor:
    def __init__(self, rows: list[tuple[str, str]]) -> None:
        self.rows = rows

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, *_: object) -> None:
        pass

    def fetchall(self) -> list[tuple[str, str]]:
        return self.rows


def test_a_database_that_may_forget_commits_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "on")]
    monkeypatch.setattr(
        checks, "connection", SimpleNamespace(vendor="postgresql", cursor=lambda: Cursor(rows))
    )

    found = checks.a_committed_row_survives(databases=["default"])

    assert [m.msg.split(":")[0] for m in found] == [
        "PostgreSQL runs with fsync = off",
        "PostgreSQL runs with synchronous_commit = off",
    ]


@pytest.mark.django_db
@pytest.mark.skipif("TEST_DATABASE_URL" not in os.environ, reason="asks a real PostgreSQL")
def test_the_question_to_postgresql_is_understood() -> None:
    assert connection.vendor == "postgresql"
    found = checks.a_committed_row_survives(databases=["default"])

    assert {m.id for m in found} <= {"logix.E003"}


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"maxmemory-policy": "noeviction"}, []),
        ({"maxmemory-policy": "allkeys-lru"}, ["logix.W002"]),
        ({}, []),
    ],
)
def test_a_redis_that_evicts_is_a_warning(
    settings: Any, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], ids: list[str]
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(redis.Redis, "config_get", lambda *_: answer)

    assert [m.id for m in checks.redis_forgets_nothing()] == ids


def test_a_redis_that_does_not_answer_is_only_mentioned(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert [m.id for m in checks.redis_forgets_nothing()] == ["logix.I001"]

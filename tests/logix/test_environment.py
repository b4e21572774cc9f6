"""A production hub refuses a half configured start; an embedded one makes its secrets, once."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from logix import environment
from logix.common.crypto import KeyRing
from tests.conftest import ROOT

KEY = base64.b64encode(bytes(range(32))).decode()
GOOD = {
    "DATABASE_URL": "postgres://logix:pw@db.internal:5432/logix",
    "CELERY_BROKER_URL": "amqp://logix:pw@broker.internal:5672/logix",
    "ALLOWED_HOSTS": "hub.example.com",
    "LOGIX_PUBLIC_URL": "https://hub.example.com",
    **environment.new_secrets(),
}


def refusal(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> str:
    for name, value in (GOOD | changes).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    try:
        environment.refuse_weak_production(environ.Env())
    except ImproperlyConfigured as err:
        return str(err)
    return ""


def test_good_production_settings_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch) == ""


def test_everything_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = refusal(monkeypatch, **dict.fromkeys(GOOD))

    named = [line.strip("- ").partition(":")[0].strip() for line in sentence.splitlines()[1:]]
    assert sorted(named) == sorted(GOOD)
    assert "python -m logix.environment" in sentence


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SECRET_KEY", "django-insecure-" + "x1y2z3a4b5c6d7e8f9" * 4, "django-insecure-"),
        ("SECRET_KEY", "a" * 64, "random characters"),
        ("SECRET_KEY", "short", "50 or more"),
        ("LOGIX_PEPPER", "pepper", "32 or more"),
        ("LOGIX_KEYS", "k1:notbase64!", "not base64"),
        ("LOGIX_KEYS", "k1:c2hvcnQ=", "32 bytes"),
        ("LOGIX_KEYS", "k1:" + base64.b64encode(bytes(32)).decode(), "not random"),
        ("LOGIX_KEYS", "no-colon", "name:<32 bytes"),
        ("LOGIX_KEYS", f"k.1:{KEY}", "no name for a key"),
        ("LOGIX_KEYS", f"{'k' * 33}:{KEY}", "no name for a key"),
        ("LOGIX_KEYS", f"k1:{KEY},k1:{KEY}", "two keys are called 'k1'"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "PostgreSQL"),
        ("DATABASE_URL", "postgres://logix:change-me@db:5432/logix", "deploy/env.sample"),
        ("CELERY_BROKER_URL", "amqp://logix:change-me@rabbitmq:5672/logix", "deploy/env.sample"),
        ("LOGIX_METRICS_TOKEN", "scrape", "16 or more"),
        ("ALLOWED_HOSTS", "hub.example.com,https://hub.example.com", "scheme"),
        ("ALLOWED_HOSTS", "hub.example.com,hub.example.com:8443", "port"),
        ("LOGIX_PUBLIC_URL", "https://hub.example.com/logix", "without a path"),
        ("CELERY_BROKER_URL", "files://", "RabbitMQ"),
        ("ALLOWED_HOSTS", "*,hub.example.com", "without *"),
        ("LOGIX_PUBLIC_URL", "http://hub.example.com", "https://"),
        ("LOGIX_PUBLIC_URL", "https://other.example.com", "not in ALLOWED_HOSTS"),
    ],
)
def test_a_weak_value_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    sentence = refusal(monkeypatch, **{name: value})

    assert len(sentence.splitlines()) == 2, "only the weak one is named"
    assert name in sentence
    assert says in sentence


def test_the_refusal_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = "hunter2-hunter2"
    sentence = refusal(monkeypatch, SECRET_KEY=weak, LOGIX_PEPPER=weak, LOGIX_KEYS=f"k1:{weak}")

    assert "hunter2" not in sentence


def test_a_subdomain_pattern_covers_the_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, ALLOWED_HOSTS=".example.com") == ""


def test_an_unknown_environment_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'staging'.*'embedded'.*'production'"):
        environment.is_production("staging")


def test_own_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = environment.own_secrets(tmp_path / "var")

    assert environment.own_secrets(tmp_path / "var") == first
    assert set(first) == {"SECRET_KEY", "LOGIX_KEYS", "LOGIX_PEPPER"}
    mode = stat.S_IMODE((tmp_path / "var" / "secrets.env").stat().st_mode)
    assert mode == 0o600


def test_processes_that_start_at_once_agree_on_the_secrets(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from logix import environment\n"
        "sys.stdin.readline()\n"
        "print(environment.own_secrets(pathlib.Path(sys.argv[1]))['SECRET_KEY'])\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "var")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    keys = {process.communicate(timeout=30)[0].strip() for process in processes}

    assert len(keys) == 1
    assert keys != {""}
    assert os.listdir(tmp_path / "var") == ["secrets.env"], "no half-written file stays behind"


@pytest.mark.parametrize("kept", ["", "SECRET_KEY=x\nLOGIX_PEPPER=y\n"])
def test_secrets_that_were_lost_are_not_replaced_by_fresh_ones(tmp_path: Path, kept: str) -> None:
    """A file cut short: fresh keys would open nothing of what is stored."""
    file = tmp_path / "secrets.env"
    file.write_text(kept)

    with pytest.raises(ImproperlyConfigured, match=r"lacks .*LOGIX_KEYS.*Restore"):
        environment.own_secrets(tmp_path)

    assert file.read_text() == kept


def test_secrets_of_another_user_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.own_secrets(tmp_path)

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)

    with pytest.raises(ImproperlyConfigured, match="Permission denied"):
        environment.own_secrets(tmp_path)


def test_a_data_folder_that_may_not_be_written_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(ImproperlyConfigured, match=r"Permission denied.*LOGIX_DATA"):
        environment.own_secrets(tmp_path)


def test_fresh_secrets_and_further_ring_keys_are_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.main([])
    lines = capsys.readouterr().out.splitlines()
    environment.main(["k2"])
    second = capsys.readouterr().out.strip()

    names = [line.partition("=")[0] for line in lines]
    assert names == ["SECRET_KEY", "LOGIX_KEYS", "LOGIX_PEPPER"]
    ring = KeyRing(f"{second},{lines[1].partition('=')[2]}")
    assert ring.write_kid == "k2"


def test_a_data_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ImproperlyConfigured, match="Set LOGIX_DATA"):
        environment.own_secrets(tmp_path / "file" / "var")


def test_an_environment_file_fills_in_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hub.env").write_text("LOGIX_TEST_A=file\nLOGIX_TEST_B=file\n")
    monkeypatch.setenv("LOGIX_ENV_FILE", str(tmp_path / "hub.env"))
    monkeypatch.setenv("LOGIX_TEST_B", "environment")
    monkeypatch.delenv("LOGIX_TEST_A", raising=False)

    env = environment.load(tmp_path)

    assert (env.str("LOGIX_TEST_A"), env.str("LOGIX_TEST_B")) == ("file", "environment")
    monkeypatch.delenv("LOGIX_TEST_A")


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own and print those that protect."""
    program = (
        "import json; from logix import settings as s\n"
        "print(json.dumps([s.DEBUG, s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_SECURE,"
        " s.SECURE_HSTS_SECONDS, s.LOGIX_ALLOW_LOOPBACK_STORES, s.CACHES['default']['BACKEND'],"
        " s.DATABASES['default']['ENGINE'], s.LOGIX_LIMITER_URL]))"
    )
    bare = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**bare, "LOGIX_ENV_FILE": "", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_production_settings_are_the_safe_ones(tmp_path: Path) -> None:
    done = start(LOGIX_ENV="production", DEBUG="true", LOGIX_DATA=str(tmp_path), **GOOD)

    assert done.stdout.strip() == (
        '[false, true, true, 31536000, false, "django.core.cache.backends.db.DatabaseCache", '
        '"django.db.backends.postgresql", ""]'
    )
    assert os.listdir(tmp_path) == [], "production writes no secrets of its own"


def test_redis_as_broker_also_carries_cache_and_limits(tmp_path: Path) -> None:
    url = "redis://:pw@cache.internal:6379/0"
    good = GOOD | {"CELERY_BROKER_URL": url}

    done = start(LOGIX_ENV="production", LOGIX_DATA=str(tmp_path), **good)

    assert "RedisCache" in done.stdout
    assert url in done.stdout


def test_a_bad_production_start_ends_with_the_sentences(tmp_path: Path) -> None:
    done = start(LOGIX_ENV="production", LOGIX_DATA=str(tmp_path))

    assert done.returncode != 0
    assert "Logix does not start with LOGIX_ENV=production until this is set" in done.stderr


def test_an_embedded_start_needs_nothing(tmp_path: Path) -> None:
    done = start(LOGIX_DATA=str(tmp_path / "var"))

    assert done.stdout.strip() == (
        '[false, false, false, 0, true, "django.core.cache.backends.locmem.LocMemCache", '
        '"django.db.backends.sqlite3", ""]'
    )


def test_apps_with_platforms_are_read_one_variable_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGIX_OAUTH_SHOPIFY", " id:s3cret ")
    monkeypatch.setenv("LOGIX_OAUTH_BIG_SHOP", "id:s3cret:x")
    monkeypatch.setenv("LOGIX_OAUTH_SQUARE", "")

    apps = environment.oauth_apps(environ.Env())

    assert apps == {"shopify": "id:s3cret", "big-shop": "id:s3cret:x"}
    assert environment.oauth_variable("big-shop") == "LOGIX_OAUTH_BIG_SHOP"


@pytest.mark.parametrize(
    ("spec", "pair"),
    [
        ("id:secret", ("id", "secret")),
        ("id:sec:ret", ("id", "sec:ret")),
        ("id", None),
        ("id:", None),
        (":secret", None),
        ("id:sec ret", None),
        ("id:sec\nret", None),
        ("íd:secret", None),
    ],
)
def test_an_app_is_a_pair_without_blanks(spec: str, pair: tuple[str, str] | None) -> None:
    assert environment.oauth_app(spec) == pair

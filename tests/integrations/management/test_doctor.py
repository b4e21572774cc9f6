"""``manage.py doctor``: what it says is what is so, and what to do mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import override_settings

from integrations.management import machine
from integrations.management.commands import doctor
from integrations.management.commands.doctor import examine
from integrations.management.findings import Finding, Level
from integrations.models import Store, StoreStatus
from tests.integrations.management.conftest import wrong

pytestmark = [pytest.mark.django_db, pytest.mark.broker]


@override_settings(LOGIX_PUBLIC_URL="https://hub.example", ALLOWED_HOSTS=["hub.example"])
def test_a_well_hub_is_called_well(idle: Store) -> None:
    out = StringIO()

    call_command("doctor", stdout=out)

    told = out.getvalue()
    assert "0 wrong" in told
    assert "All are applied" in told
    assert "1 connected, none needs anybody" in told
    assert wrong(Level.BAD, Level.WARN) == []


def test_something_wrong_ends_with_code_1_and_a_remedy(idle: Store) -> None:
    Store.objects.update(
        status=StoreStatus.NEEDS_MERCHANT, status_reason="shop.example did not accept the key."
    )
    out = StringIO()

    with pytest.raises(SystemExit) as caught:
        call_command("doctor", stdout=out)

    assert caught.value.code == 1
    assert "shop.example did not accept the key." in out.getvalue()
    assert "→ Make a new key there" in out.getvalue()


def test_every_finding_says_what_and_do() -> None:
    for finding in examine():
        assert finding.what.strip()
        assert finding.do.strip()
        assert finding.about.strip()


def test_machines_can_read_it_too(idle: Store) -> None:
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("doctor", "--json", stdout=out)

    told = json.loads(out.getvalue())
    assert {"level", "about", "what", "do"} == set(told[0])


def test_a_database_that_is_away_is_the_only_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise OperationalError("connection refused\nIs the server running?")
        yield

    monkeypatch.setattr(machine, "database", away)

    found = list(examine())

    assert [f.level for f in found] == [Level.BAD]
    assert "cannot be reached (connection refused)" in found[0].what
    assert "DATABASE_URL" in found[0].do


def test_a_check_whose_tables_are_missing_is_a_finding_and_the_rest_is_still_said(
    idle: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key_ring() -> Iterator[Finding]:
        raise OperationalError("no such table: accounts_datakey")
        yield

    monkeypatch.setattr(doctor, "SEALED", (key_ring,))

    found = {f.about: f for f in examine()}

    assert found["key ring"].level is Level.BAD
    assert "no such table" in found["key ring"].what
    assert "migrate" in found["key ring"].do
    assert found["worker"].level is Level.OK


@pytest.mark.parametrize("what", ["worker", "clock ticks", "broker", "keys", "database"])
def test_every_remedy_is_something_one_can_do(what: str) -> None:
    """Each trouble an operator meets first names a command or a setting."""
    broken = {f.about: f.do for f in troubles()}

    assert re.search(r"manage\.py|celery|[A-Z]+_[A-Z]+|postgresql\.conf", broken[what]), broken[
        what
    ]


def troubles() -> Iterator[Finding]:
    """One of each kind: nothing runs, the broker is away, the ring is lost, the database too."""
    with pytest.MonkeyPatch.context() as patch, override_settings(LOGIX_KEYS="k1:nonsense!"):
        patch.setattr(machine, "_connect", refuse)
        yield from (f for f in examine() if f.level is Level.BAD)
        patch.setattr(machine, "database", refuse)
        yield from machine.reachable()


def refuse(*_: Any) -> Any:
    raise OperationalError("connection refused")

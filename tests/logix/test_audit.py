"""The audit log: what it keeps, what it hides, and what it notices."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import structlog
from django.db import IntegrityError, connection, connections, transaction
from django.test import override_settings

from logix.accounts import audit
from logix.accounts.models import AuditEvent, Merchant
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Merchant:
    return make_merchant("acme")


@contextmanager
def tampering() -> Iterator[None]:
    """Without the trigger that keeps the log as it is: somebody owns the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield
            cursor.execute("SET LOCAL session_replication_role = origin")
        else:
            name = "accounts_auditevent_append_only"
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [name])
            (guard,) = cursor.fetchone()
            cursor.execute(f"DROP TRIGGER {name}")
            yield
            cursor.execute(guard)


def write(merchant: Merchant | None, count: int = 3) -> list[AuditEvent]:
    return [
        audit.record(f"test.step{n}", actor="user:anna", merchant=merchant, obj=merchant)
        for n in range(1, count + 1)
    ]


def test_an_event_says_who_did_what_to_which_object(acme: Merchant) -> None:
    structlog.contextvars.bind_contextvars(request_id="req-1")

    event = audit.record(
        "store.paused", actor="user:anna", merchant=acme, obj=acme, details={"reason": "stocktake"}
    )

    event.refresh_from_db()
    assert (event.actor_kind, event.actor, event.action) == ("user", "anna", "store.paused")
    assert (event.object_type, event.object_id) == ("accounts.merchant", str(acme.pk))
    assert (event.object_name, event.request_id) == ("Acme", "req-1")
    assert event.details == {"reason": "stocktake"}
    assert (event.sequence, event.previous_hash) == (1, "")


@pytest.mark.parametrize(
    ("actor", "kind", "name"),
    [
        ("token:warehouse", "token", "warehouse"),
        ("system", "system", "system"),
        ("platform", "platform", "platform"),
        ("somebody else", "system", "somebody else"),
    ],
)
def test_actors_are_told_apart(acme: Merchant, actor: str, kind: str, name: str) -> None:
    event = audit.record("x", actor=actor, merchant=acme)

    assert (event.actor_kind, event.actor) == (kind, name)


def test_each_merchant_has_a_chain_of_its_own(acme: Merchant) -> None:
    other = make_merchant("other")

    first = write(acme)
    second = write(other, 1)

    assert [event.sequence for event in first] == [1, 2, 3]
    assert [event.previous_hash for event in first] == ["", first[0].hash, first[1].hash]
    assert second[0].sequence == 1
    assert audit.verify(acme)
    assert audit.verify(other)


def test_secrets_are_masked_wherever_they_hide(acme: Merchant) -> None:
    event = audit.record(
        "store.changed",
        actor="system",
        merchant=acme,
        details={
            "consumer_secret": "hush",
            "deep": [{"token": "hush"}],
            "sentence": "The key cs_0123456789abcdef was refused by https://a.example/?k=hush",
        },
    )

    event.refresh_from_db()
    assert "hush" not in str(event.details)
    assert "cs_0123456789abcdef" not in str(event.details)
    assert event.details["deep"] == [{"token": "***"}]


def test_odd_values_read_back_as_they_were_hashed(acme: Merchant) -> None:
    audit.record(
        "x",
        actor="system",
        merchant=acme,
        details={
            "money": Decimal("1.10"),
            "share": 0.1,
            "huge": 1e300,
            "when": datetime(2026, 1, 2, tzinfo=UTC),
            "name": "Zoë\x00\ud800",
            "flags": [True, None, 7],
        },
    )

    assert audit.verify(acme)
    assert AuditEvent.objects.get().details == {
        "money": "1.10",
        "share": "0.1",
        "huge": "1e+300",
        "when": "2026-01-02T00:00:00+00:00",
        "name": "Zoë\ufffd",
        "flags": [True, None, 7],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "bob"},
        {"details": {"other": 1}},
        {"action": "test.other"},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_changed_event_is_noticed(acme: Merchant, change: dict[str, object]) -> None:
    events = write(acme)

    with tampering():
        AuditEvent.objects.filter(pk=events[1].pk).update(**change)

    assert not audit.verify(acme)
    assert "was changed after it was written" in audit.first_break(acme)


def test_a_removed_event_is_noticed(acme: Merchant) -> None:
    events = write(acme)

    with tampering():
        AuditEvent.objects.filter(pk=events[1].pk).delete()

    assert not audit.verify(acme)
    assert "What stood before event 3" in audit.first_break(acme)


def test_an_event_moved_to_another_merchant_is_noticed(acme: Merchant) -> None:
    other = make_merchant("other")
    event = write(acme, 1)[0]

    with tampering():
        AuditEvent.objects.filter(pk=event.pk).update(merchant=other)

    assert not audit.verify(other)


def test_whoever_lacks_the_pepper_cannot_write_a_chain_that_holds(acme: Merchant) -> None:
    with override_settings(LOGIX_PEPPER="another pepper than the hub's"):
        write(acme, 1)

    assert not audit.verify(acme)


def test_the_number_taken_by_another_writer_is_left_to_it(
    acme: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, stale = audit._next, []

    def slow(fields: dict[str, object]) -> AuditEvent:
        if stale:
            return real(fields)
        stale.append(True)
        return AuditEvent(**fields, sequence=1, hash="read too early")

    audit.record("faster", actor="system", merchant=acme)
    monkeypatch.setattr(audit, "_next", slow)

    event = audit.record("slower", actor="system", merchant=acme)

    assert event.sequence == 2
    assert list(AuditEvent.objects.order_by("sequence").values_list("action", flat=True)) == [
        "faster",
        "slower",
    ]
    assert audit.verify(acme)


def test_a_number_that_is_never_free_is_raised(
    acme: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(acme, 1)[0]

    def taken(fields: dict[str, object]) -> AuditEvent:
        return AuditEvent(**fields, sequence=first.sequence, hash="x")

    monkeypatch.setattr(audit, "_next", taken)

    with pytest.raises(IntegrityError):
        audit.record("x", actor="system", merchant=acme)


def test_what_was_rolled_back_leaves_no_event(acme: Merchant) -> None:
    def undone() -> None:
        with transaction.atomic():
            write(acme, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()

    assert not AuditEvent.objects.exists()


def test_the_hubs_own_events_have_a_chain_too(acme: Merchant) -> None:
    events = write(None)

    assert audit.verify(None)
    with tampering():
        AuditEvent.objects.filter(pk=events[0].pk).delete()
    assert [(m, "What stood before" in where) for m, where in audit.breaks()] == [(None, True)]


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_make_one_chain() -> None:
    merchant, failed = make_merchant("busy"), []

    def work() -> None:
        try:
            for _ in range(5):
                with transaction.atomic():
                    audit.record("x", actor="system", merchant=merchant)
        except Exception as err:
            failed.append(err)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert AuditEvent.objects.count() == 40
    assert audit.verify(merchant)

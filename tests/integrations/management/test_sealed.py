"""What is sealed and does not open is found before it is needed."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import override_settings

from integrations import authentication
from integrations.management import sealed
from integrations.management.commands.doctor import examine
from integrations.management.findings import Level
from integrations.models import Credential, Store
from logix.accounts import audit, keys
from logix.accounts.models import AuditEvent
from tests.factories import make_merchant, make_store
from tests.logix.test_audit import tampering

pytestmark = pytest.mark.django_db

NEW = "k2:" + base64.b64encode(bytes(range(32))).decode()


def test_a_lost_ring_key_is_found_before_it_is_needed() -> None:
    keys.create(make_merchant())

    with override_settings(LOGIX_KEYS=NEW):
        (found, old) = sealed.key_ring()

    assert (found.level, old.level) == (Level.BAD, Level.WARN)
    assert "does not open" in found.what
    assert "LOGIX_KEYS" in found.do
    assert "rotate_keys" in old.do


def test_an_unreadable_key_ring_is_told() -> None:
    with override_settings(LOGIX_KEYS="k1:nonsense!"):
        (found,) = sealed.key_ring()

    assert (found.level, found.do) == (Level.BAD, "Restore LOGIX_KEYS from its backup.")


@pytest.mark.broker
def test_the_audit_log_is_verified_when_asked(idle: Store) -> None:
    audit.record("x", actor="system", merchant=idle.merchant)
    assert [f.level for f in examine(with_audit=True) if f.about == "audit log"] == [Level.OK]

    with tampering():
        AuditEvent.objects.update(action="y")

    (found,) = [f for f in examine(with_audit=True) if f.about == "audit log"]
    assert found.level is Level.BAD
    assert "Acme" in found.what


def connected(name: str, slug: str) -> Store:
    store = make_store(make_merchant(slug), name=name)
    authentication.save_credentials(store, {"consumer_key": "ck_1"}, kind="api_key", actor="system")
    return store


def test_credentials_that_do_not_open_are_told_by_store() -> None:
    names = ["Ash", "Birch", "Cedar", "Dogwood"]
    for name in names:
        store = connected(name, name.lower())
    connected("Elm", "elm")
    make_store(make_merchant("fir"), name="Fir, never connected")
    assert [f.level for f in sealed.credentials()] == [Level.OK]

    Credential.objects.exclude(store__name="Elm").update(
        sealed=bytes(store.credentials.get().sealed)
    )
    Credential.objects.filter(store=store).update(sealed=b"\x01" + bytes(40))

    (found,) = sealed.credentials()
    assert found.level is Level.BAD
    assert found.what == "Those of 4 of 6 stores do not open (Ash, Birch, Cedar and others)."
    assert "enter the credentials of these stores again" in found.do


def test_another_pepper_is_noticed(settings: Any) -> None:
    assert [f.level for f in sealed.pepper()] == [Level.OK]
    audit.record("x", actor="system", merchant=make_merchant())
    assert [f.level for f in sealed.pepper()] == [Level.OK]

    settings.LOGIX_PEPPER = "another-pepper-than-before-0123456789"

    (found,) = sealed.pepper()
    assert found.level is Level.BAD
    assert "Put the former LOGIX_PEPPER back" in found.do


def test_a_key_that_moved_while_it_was_looked_at_is_no_news() -> None:
    assert sealed._opens("k0", 1) is None

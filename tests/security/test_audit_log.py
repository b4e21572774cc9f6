"""Nobody changes what the audit log says, the program itself included."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from logix.accounts import audit
from logix.accounts.models import AuditEvent, Merchant
from tests.factories import make_merchant
from tests.logix.test_audit import tampering

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(db: None) -> Merchant:
    merchant = make_merchant()
    for step in ("one", "two", "three"):
        audit.record(step, actor="user:anna", merchant=merchant)
    return merchant


def test_the_database_refuses_to_change_an_event(merchant: Merchant) -> None:
    event = AuditEvent.objects.get(action="two")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(actor="nobody")
    event.actor = "nobody"
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        event.save()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEvent.objects.bulk_update([event], ["actor"])

    assert set(AuditEvent.objects.values_list("actor", flat=True)) == {"anna"}
    assert audit.verify(merchant)


def test_postgresql_refuses_to_delete_one_too(merchant: Merchant) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is emptied row by row by Django's own flush.")

    for rows in (AuditEvent.objects.all(), AuditEvent.objects.filter(action="three")):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            rows.delete()

    assert AuditEvent.objects.count() == 3


def test_a_merchant_with_a_log_is_not_deleted_with_it(merchant: Merchant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        merchant.delete()

    assert AuditEvent.objects.count() == 3


def test_whoever_takes_the_guard_away_is_noticed_by_the_chain(merchant: Merchant) -> None:
    with tampering():
        AuditEvent.objects.filter(action="two").update(actor="nobody")

    assert "event 2 (two" in audit.first_break(merchant)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEvent.objects.update(actor="nobody")

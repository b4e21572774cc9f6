"""The page of privacy requests: what waits for whom, what is handed out and to whom."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import privacy
from integrations.events import PrivacyAsk, PrivacyKind
from integrations.models import PrivacyRequest, Store
from logix.accounts.models import AuditEvent, Role
from orders.models import Order
from tests.integrations.admin.conftest import As

pytestmark = pytest.mark.django_db

LIST = reverse("admin:integrations_privacyrequest_changelist")
State = PrivacyRequest.State


@pytest.fixture
def asked(store: Store) -> PrivacyRequest:
    """A buyer of one of the store's orders asks what is kept of them; nobody else does."""
    PrivacyRequest.objects.all().delete()
    return take(store, PrivacyKind.EXPORT, order_ids=("1001",), customer_id="buyer-77")


def take(store: Store, kind: PrivacyKind, **told: Any) -> PrivacyRequest:
    ask = PrivacyAsk(kind=kind, **told)
    return privacy.take(store, ask, reference=str(kind), asked_at=timezone.now())[0]


def at(row: PrivacyRequest, page: str, *more: str) -> str:
    return reverse(f"admin:integrations_privacyrequest_{page}", args=[row.pk, *more])


def test_an_owner_downloads_what_is_kept_and_it_is_noted(
    asked: PrivacyRequest, signed_in: As
) -> None:
    owner = signed_in(Role.OWNER)
    assert "Download what is kept" in owner.get(at(asked, "change")).content.decode()

    answer = owner.post(at(asked, "bundle"))

    assert answer["Content-Disposition"] == f'attachment; filename="buyer-{asked.pk}.json"'
    assert "no-store" in answer["Cache-Control"]
    (order,) = json.loads(answer.content)["orders"]
    assert order["buyer"]["email"] == "zoe@buyers.example"
    event = AuditEvent.objects.get(action="privacy.bundle_taken")
    assert (event.actor, event.object_id, event.details) == ("owner", str(asked.pk), {"orders": 1})


def test_looking_downloads_nothing(asked: PrivacyRequest, signed_in: As) -> None:
    assert signed_in(Role.OWNER).get(at(asked, "bundle")).status_code == 405
    assert not AuditEvent.objects.filter(action="privacy.bundle_taken").exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_may_not_see_buyers_is_handed_nothing(
    asked: PrivacyRequest, signed_in: As, role: Role
) -> None:
    client = signed_in(role)

    assert "Download what is kept" not in client.get(at(asked, "change")).content.decode()
    assert client.post(at(asked, "bundle")).status_code == 403


def test_a_member_with_the_permission_to_see_buyers_may(
    asked: PrivacyRequest, signed_in: As
) -> None:
    client = signed_in(Role.OPERATOR)
    permission = Permission.objects.get(codename="view_pii")
    User.objects.get(username="operator").user_permissions.add(permission)

    assert client.post(at(asked, "bundle")).status_code == 200


def test_a_stranger_gets_nothing(asked: PrivacyRequest, signed_in: As) -> None:
    assert signed_in(None).post(at(asked, "bundle")).status_code == 404


def test_no_page_names_the_buyer(asked: PrivacyRequest, boss: Client) -> None:
    html = boss.get(LIST).content.decode() + boss.get(at(asked, "change")).content.decode()

    assert "buyer-77" not in html
    assert "zoe" not in html.casefold()


def test_marked_as_done_it_tells_nothing_more(asked: PrivacyRequest, boss: Client) -> None:
    boss.post(at(asked, "act", "done"))

    asked.refresh_from_db()
    assert (asked.state, asked.done_by) == (State.DONE, "user:boss")
    page = boss.get(at(asked, "change")).content.decode()
    assert "Download what is kept" not in page
    assert boss.post(at(asked, "bundle")).status_code == 302


def test_requests_say_what_they_wait_for(asked: PrivacyRequest, store: Store, boss: Client) -> None:
    assert "1 buyer asks what is kept of them" in boss.get(LIST).content.decode()
    assert "1 buyer asks what is kept of them" in boss.get("/admin/").content.decode()

    soon = timezone.now() + timedelta(days=6)
    PrivacyRequest.objects.update(due_at=soon)
    assert "1 request due within seven days" in boss.get(LIST).content.decode()

    PrivacyRequest.objects.update(due_at=timezone.now() - timedelta(hours=1))
    assert "1 request past the due date" in boss.get("/admin/").content.decode()


def test_a_store_that_still_lets_us_in_waits_for_its_owners_word(
    asked: PrivacyRequest, store: Store, boss: Client, signed_in: As
) -> None:
    row = take(store, PrivacyKind.ERASE_STORE)
    PrivacyRequest.objects.filter(pk=row.pk).update(problem="It still lets Logix in.")
    assert "1 store asks to erase all buyers" in boss.get(LIST).content.decode()
    assert signed_in(Role.OPERATOR).post(at(row, "act", "carry-out")).status_code == 403

    signed_in(Role.OWNER).post(at(row, "act", "carry-out"))
    privacy.work_due()

    assert not Order.objects.filter(erased_at=None).exists()
    assert AuditEvent.objects.filter(action="privacy.confirmed", actor="owner").exists()


def test_when_all_is_done_the_page_says_so(asked: PrivacyRequest, boss: Client) -> None:
    privacy.mark_done(asked, actor="user:anna")

    assert "No privacy request waits for anybody" in boss.get(LIST).content.decode()

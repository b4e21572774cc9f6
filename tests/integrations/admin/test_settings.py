"""Settings saved in the admin: checked, audited, and no column written that was not changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from integrations.models import FieldRule, ParkedRecord, Push, Store, StoreStatus, Stream
from inventory.models import Listing, StockRule
from logix.accounts.models import ApiToken, AuditEvent, Membership, Role
from tests.factories import NOW, make_merchant, make_store
from tests.integrations.admin.conftest import As
from tests.logix.test_audit import tampering

pytestmark = pytest.mark.django_db

RULE = {
    "stream": "orders",
    "direction": "in",
    "path": "meta_data[?key=='gift'].value | [0]",
    "target": "custom.gift",
    "cast": "text",
    "mode": "set",
    "value_map": "{}",
    "default": "null",
    "position": "0",
    "enabled": "on",
}


def add_rule(client: Client, store: Store, **changes: str) -> str:
    url = reverse("admin:integrations_fieldrule_add")
    return client.post(url, {**RULE, "store": store.pk, **changes}, follow=True).content.decode()


def test_a_rule_the_mapper_refuses_is_not_kept(boss: Client, store: Store) -> None:
    before = FieldRule.objects.count()

    assert "cannot be set" in add_rule(boss, store, target="total")
    assert "holds text" in add_rule(boss, store, target="number", cast="decimal")
    assert "Write an object" in add_rule(boss, store, value_map='["a"]')
    add_rule(boss, store, path="meta_data[")

    assert FieldRule.objects.count() == before


def test_a_new_rule_is_audited_and_parked_records_are_tried_again(
    boss: Client, store: Store
) -> None:
    ParkedRecord.objects.update(next_at=None)

    add_rule(boss, store)

    rule = FieldRule.objects.get(target="custom.gift")
    event = AuditEvent.objects.get(action="fieldrule.added")
    assert (event.actor, event.object_id) == ("boss", str(rule.pk))
    assert not ParkedRecord.objects.filter(next_at=None).exists()


def test_a_rule_to_the_store_takes_no_key_of_the_platforms(boss: Client, store: Store) -> None:
    out = {"direction": "out", "path": "number"}

    assert "used by WooCommerce or by Logix itself" in add_rule(
        boss, store, **out, target="_order_total"
    )
    assert "Only fields of orders" in add_rule(boss, store, **out, target="erp", stream="products")
    add_rule(boss, store, **out, target="erp_number")

    assert FieldRule.objects.get(direction="out").target == "erp_number"


def test_what_a_deleted_rule_parked_is_tried_again(boss: Client, store: Store) -> None:
    ParkedRecord.objects.update(next_at=None)
    rule = FieldRule.objects.first()
    assert rule is not None

    boss.post(reverse("admin:integrations_fieldrule_delete", args=[rule.pk]), {"post": "yes"})

    assert ParkedRecord.objects.filter(store=store, stream=rule.stream).exists()
    assert not ParkedRecord.objects.filter(next_at=None, state="parked").exists()


def test_deleting_a_rule_is_audited(boss: Client, store: Store) -> None:
    rule = FieldRule.objects.first()
    assert rule is not None

    boss.post(reverse("admin:integrations_fieldrule_delete", args=[rule.pk]), {"post": "yes"})

    assert not FieldRule.objects.filter(pk=rule.pk).exists()
    assert AuditEvent.objects.filter(action="fieldrule.deleted", object_id=str(rule.pk)).exists()


def streams(store: Store, **changes: Any) -> dict[str, Any]:
    """The store page's form as a browser sends it."""
    rows = list(store.streams.order_by("pk"))
    form: dict[str, Any] = {
        "name": store.name,
        "auto_sync": "on",
        "streams-TOTAL_FORMS": len(rows),
        "streams-INITIAL_FORMS": len(rows),
        "runs-TOTAL_FORMS": 0,
        "runs-INITIAL_FORMS": 0,
    }
    for place, row in enumerate(rows):
        form |= {
            f"streams-{place}-id": row.pk,
            f"streams-{place}-store": store.pk,
            f"streams-{place}-enabled": "on",
            f"streams-{place}-every_s": row.every_s,
            f"streams-{place}-overlap_s": row.overlap_s,
        }
    return {**form, **changes}


def test_changing_an_interval_does_not_undo_what_a_worker_wrote_meanwhile(
    boss: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = reverse("admin:integrations_store_change", args=[store.pk])
    stream = store.streams.order_by("pk")[0]
    form = streams(store, **{"streams-0-every_s": "600"})
    moved = {"read_through": NOW, "fence": 7, "lease_until": NOW + timedelta(minutes=1)}
    clean = Stream.full_clean

    def a_worker_is_faster(row: Stream, *args: Any, **options: Any) -> None:
        Stream.objects.filter(pk=row.pk).update(**moved)
        clean(row, *args, **options)

    monkeypatch.setattr(Stream, "full_clean", a_worker_is_faster)
    assert boss.post(url, form).status_code == 302

    stream.refresh_from_db()
    assert stream.every_s == 600
    assert {name: getattr(stream, name) for name in moved} == moved
    event = AuditEvent.objects.get(action="stream.changed")
    assert event.details == {"stream": stream.name, "every_s": 600}


def test_an_interval_that_would_hammer_the_store_is_refused(boss: Client, store: Store) -> None:
    url = reverse("admin:integrations_store_change", args=[store.pk])

    page = boss.post(url, streams(store, **{"streams-0-every_s": "0"}))

    assert page.status_code == 200
    assert "greater than or equal to 30" in page.content.decode()


def test_a_listings_mode_is_written_alone_and_its_figure_pushed(boss: Client, store: Store) -> None:
    listing = Listing.objects.get(sku="SKU-1")
    url = reverse("admin:inventory_listing_change", args=[listing.pk])
    before = Push.objects.get(listing=listing).want_version

    assert "Say which figure" in boss.post(url, {"mode": "fixed"}).content.decode()
    boss.post(url, {"mode": "fixed", "fixed_quantity": "3"})

    listing.refresh_from_db()
    assert (listing.mode, listing.fixed_quantity) == ("fixed", 3)
    assert Push.objects.get(listing=listing).want_version > before
    event = AuditEvent.objects.get(action="listing.changed")
    assert event.details["mode"] == {"from": "normal", "to": "fixed"}


def test_a_stock_rule_tells_the_stores_it_concerns(boss: Client, store: Store) -> None:
    rule = StockRule.objects.get(store=store)
    before = dict(Push.objects.values_list("pk", "want_version"))
    url = reverse("admin:inventory_stockrule_change", args=[rule.pk])

    boss.post(url, {"buffer": "5", "percent": "100", "end_when": "0"})

    rule.refresh_from_db()
    assert rule.buffer == 5
    after = dict(Push.objects.values_list("pk", "want_version"))
    assert before
    assert all(after[pk] > version for pk, version in before.items())
    assert AuditEvent.objects.filter(action="stockrule.changed").exists()


def test_a_rule_never_joins_two_merchants(boss: Client, store: Store) -> None:
    other = make_merchant("other")
    fields = {"merchant": other.pk, "store": store.pk, "buffer": 1, "percent": 100, "end_when": 0}
    StockRule.objects.all().delete()

    page = boss.post(reverse("admin:inventory_stockrule_add"), fields)

    assert "is a store of another merchant" in page.content.decode()
    assert not StockRule.objects.exists()


def test_a_new_token_is_shown_once_and_only_its_digest_is_kept(boss: Client, store: Store) -> None:
    url = reverse("admin:accounts_apitoken_add")
    fields = {"merchant": store.merchant.pk, "name": "Scanner", "scopes": ["read"]}

    made = boss.post(url, fields)
    assert made.status_code == 302, "reloading must not make a second one"
    answer = boss.get(made["Location"])
    page = answer.content.decode()
    text = page.split('id="token">')[1].split("<")[0]

    assert text.startswith("lgx_")
    assert "no-store" in answer["Cache-Control"]
    token = ApiToken.objects.get(name="Scanner")
    assert text not in str(ApiToken.objects.filter(pk=token.pk).values().get())
    assert text not in str(boss.cookies), "a message would leave it in a cookie"
    assert text not in str(list(Session.objects.values_list("session_data", flat=True)))
    assert text not in str(dict(boss.session))
    for again in (
        made["Location"],
        reverse("admin:accounts_apitoken_changelist"),
        reverse("admin:index"),
    ):
        assert text not in boss.get(again, follow=True).content.decode()
    assert ApiToken.objects.filter(name="Scanner").count() == 1


def test_a_new_token_is_shown_to_nobody_else(boss: Client, store: Store, signed_in: As) -> None:
    url = reverse("admin:accounts_apitoken_add")
    fields = {"merchant": store.merchant.pk, "name": "Scanner", "scopes": ["read"]}
    shown = boss.post(url, fields)["Location"]

    page = signed_in(Role.OWNER).get(shown, follow=True).content.decode()

    assert "was shown already" in page
    assert 'id="token"' in boss.get(shown).content.decode()


def test_a_token_that_ends_in_the_past_is_not_made(boss: Client, store: Store) -> None:
    fields = {
        "merchant": store.merchant.pk,
        "name": "Late",
        "scopes": ["read"],
        "expires_at_0": "2020-01-01",
        "expires_at_1": "00:00",
    }

    page = boss.post(reverse("admin:accounts_apitoken_add"), fields)

    assert "past already" in page.content.decode()
    assert not ApiToken.objects.filter(name="Late").exists()


def test_who_gets_which_role_stands_in_the_merchants_log(boss: Client, store: Store) -> None:
    anna = User.objects.create_user("anna", is_staff=True)
    url = reverse("admin:accounts_merchant_change", args=[store.merchant.pk])
    form = {
        "name": "Acme",
        "slug": "acme",
        "memberships-TOTAL_FORMS": 1,
        "memberships-INITIAL_FORMS": 0,
        "memberships-0-user": anna.pk,
        "memberships-0-role": "owner",
    }

    assert boss.post(url, form).status_code == 302

    assert Membership.objects.get(user=anna).role == Role.OWNER
    event = AuditEvent.objects.get(action="member.added")
    assert (event.merchant, event.details) == (store.merchant, {"user": "anna", "role": "owner"})


def test_history_leads_to_the_audit_log_of_the_row(boss: Client, store: Store) -> None:
    page = boss.get(reverse("admin:integrations_store_history", args=[store.pk]), follow=True)

    assert "test.filled" in page.content.decode()
    assert "token 1" not in page.content.decode()


def test_the_chain_is_verified_when_asked_and_a_break_is_named(boss: Client, store: Store) -> None:
    url = reverse("admin:accounts_auditevent_verify")
    assert boss.get(url).status_code == 403
    assert "no event was altered" in boss.post(url, follow=True).content.decode()

    with tampering():
        AuditEvent.objects.filter(action="test.filled", sequence__gt=0).update(actor="nobody")

    assert "was changed after it was written" in boss.post(url, follow=True).content.decode()


def test_a_disconnected_store_is_history(boss: Client, store: Store) -> None:
    gone = make_store(
        store.merchant,
        base_url="https://gone.example",
        name="Gone",
        status=StoreStatus.DISCONNECTED,
    )
    url = reverse("admin:integrations_store_change", args=[gone.pk])

    assert boss.post(url, streams(gone, name="Back")).status_code == 403
    gone.refresh_from_db()
    assert gone.name == "Gone"


@pytest.mark.usefixtures("store")
def test_making_somebody_a_superuser_stands_in_the_hubs_log(boss: Client) -> None:
    anna = User.objects.create_user("anna", password="x", is_staff=True)
    form = {"username": "anna", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    joined = {"date_joined_0": "2026-11-20", "date_joined_1": "12:00"}

    answer = boss.post(reverse("admin:auth_user_change", args=[anna.pk]), {**form, **joined})

    assert answer.status_code == 302
    event = AuditEvent.objects.get(action="user.changed")
    assert (event.merchant, event.actor, event.object_name) == (None, "boss", "anna")
    assert "Superuser status" in str(event.details)


@pytest.mark.usefixtures("store")
def test_stopping_the_clock_stands_in_the_hubs_log(boss: Client) -> None:
    tick = PeriodicTask.objects.get(task="integrations.tasks.tick")
    form = {"name": tick.name, "task": tick.task, "interval": tick.interval_id, "priority": ""}

    answer = boss.post(
        reverse("admin:django_celery_beat_periodictask_change", args=[tick.pk]),
        {**form, "args": "[]", "kwargs": "{}", "headers": "{}", "queue": "live"},
    )

    assert answer.status_code == 302
    tick.refresh_from_db()
    assert not tick.enabled
    assert AuditEvent.objects.get(action="periodictask.changed").actor == "boss"

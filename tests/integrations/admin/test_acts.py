"""What acts say and do: refusals in words, nothing claimed that was not done, harm asks first."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations import connect
from integrations.errors import Unavailable
from integrations.models import Command, ParkedRecord, Push, Store, StoreStatus, Stream, SyncRun
from logix.accounts.models import ApiToken, AuditEvent
from orders.models import Order
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def press(client: Client, model: str, row: object, verb: str, why: str = "") -> str:
    """The page after an act: what it says is in it."""
    url = reverse(f"admin:{model}_act", args=[row.pk, verb])  # type: ignore[attr-defined]
    return client.post(url, {"why": why}, follow=True).content.decode()


def test_a_push_that_is_being_sent_is_not_claimed_to_be_sent_again(
    boss: Client, store: Store
) -> None:
    push = Push.objects.order_by("pk")[0]
    Push.objects.update(state=Push.State.BUSY)

    page = press(boss, "integrations_push", push, "retry")

    assert "does not apply any more" in page
    assert "again." not in page


@pytest.mark.parametrize("state", [Command.State.REFUSED, Command.State.DONE])
def test_a_command_that_is_settled_is_not_claimed_to_be_dropped(
    boss: Client, store: Store, state: str
) -> None:
    Command.objects.update(state=state)
    command = Command.objects.order_by("pk")[0]

    page = press(boss, "integrations_command", command, "drop", why="Told by phone")

    assert "is dropped" not in page
    command.refresh_from_db()
    assert command.state == state


def test_a_command_a_worker_took_meanwhile_is_left_to_it(
    boss: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = Command.objects.order_by("pk")[0]
    monkeypatch.setattr("integrations.outbox.retry_command", lambda *_, **__: False)

    page = press(boss, "integrations_command", command, "retry")

    assert "settled or taken up by a worker meanwhile" in page


def test_sync_now_says_so_when_the_store_is_not_read_by_itself(boss: Client, store: Store) -> None:
    Store.objects.update(auto_sync=False)
    Stream.objects.update(next_at=None)

    page = press(boss, "integrations_store", store, "sync")

    assert "automatic sync is off" in page
    assert not Stream.objects.exclude(next_at=None).exists()


def test_sync_now_makes_every_stream_due(boss: Client, store: Store) -> None:
    Stream.objects.update(next_at=None)

    assert "is read now" in press(boss, "integrations_store", store, "sync")

    assert not Stream.objects.filter(next_at=None).exists()


def test_pausing_names_the_store_and_what_comes_next(boss: Client, store: Store) -> None:
    page = press(boss, "integrations_store", store, "pause")

    assert "Example shop is paused." in page
    store.refresh_from_db()
    assert store.status == StoreStatus.PAUSED


def test_a_refusal_names_the_row_and_the_reason(
    boss: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("The store answered 503. Try again later.")

    monkeypatch.setattr(connect, "resume", refuse)
    Store.objects.update(status=StoreStatus.PAUSED)

    page = press(boss, "integrations_store", store, "resume")

    assert "Example shop: The store answered 503. Try again later." in page


def test_an_act_that_fits_no_longer_is_not_run(boss: Client, store: Store) -> None:
    Store.objects.update(status=StoreStatus.DISCONNECTED)

    page = press(boss, "integrations_store", store, "pause")

    assert "“Pause” does not apply any more" in page
    store.refresh_from_db()
    assert store.status == StoreStatus.DISCONNECTED


def test_harm_to_many_rows_asks_first_too(boss: Client, store: Store) -> None:
    url = reverse("admin:accounts_apitoken_changelist")
    tokens = [str(pk) for pk in ApiToken.objects.values_list("pk", flat=True)]
    chosen = {"action": "revoke", "_selected_action": tokens}

    asked = boss.post(url, chosen).content.decode()
    assert "stops working at once" in asked
    assert all(pk in asked for pk in tokens)
    assert not ApiToken.objects.exclude(revoked_at=None).exists()

    boss.post(url, {**chosen, "confirmed": "yes"})
    assert not ApiToken.objects.filter(revoked_at=None).exists()


def test_more_stores_than_a_page_can_ask_are_refused_at_once(boss: Client, store: Store) -> None:
    orders = Order.objects.all()
    for number in range(9):
        order = orders[0]
        order.pk, order.external_id = None, f"copy-{number}"
        order.save(force_insert=True)
    chosen = [str(pk) for pk in orders.values_list("pk", flat=True)]

    page = boss.post(
        reverse("admin:orders_order_changelist"),
        {"action": "refetch", "_selected_action": chosen},
        follow=True,
    ).content.decode()

    assert len(chosen) > 10
    assert "Choose at most 10 at a time" in page


def test_runs_are_paused_let_on_and_cancelled(boss: Client, store: Store) -> None:
    run = SyncRun.objects.order_by("pk")[0]
    SyncRun.objects.filter(pk=run.pk).update(state="running", lease_until=None)

    assert "is paused" in press(boss, "integrations_syncrun", run, "pause")
    assert "goes on where it was" in press(boss, "integrations_syncrun", run, "resume")
    assert "stops at its next page" in press(boss, "integrations_syncrun", run, "cancel")

    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_record_that_was_dismissed_is_not_offered_again(boss: Client, store: Store) -> None:
    parked = ParkedRecord.objects.order_by("pk")[0]

    asked = press(boss, "integrations_parkedrecord", parked, "dismiss", why=" ")
    assert "Say why in a few words." in asked
    parked.refresh_from_db()
    assert parked.state == ParkedRecord.State.PARKED

    page = press(boss, "integrations_parkedrecord", parked, "dismiss", why="A test order")
    assert "stays listed" in page
    event = AuditEvent.objects.get(action="parked.dismissed")
    assert (event.actor, event.details) == ("boss", {"reason": "A test order"})

    url = reverse("admin:integrations_parkedrecord_change", args=[parked.pk])
    assert "Try again" not in boss.get(url).content.decode()


def test_shipping_with_writes_off_says_that_it_waits(boss: Client, store: Store) -> None:
    order = Order.objects.get(number="1001")

    page = press(boss, "orders_order", order, "ship")

    assert "writing to Example shop is off, so it waits" in page
    assert order.shipments.count() == 1


def test_counting_says_why_it_cannot_be(
    boss: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inventory import ledger

    def refuse(**_: object) -> None:
        raise ledger.LedgerRefused("This item is counted elsewhere.")

    monkeypatch.setattr(ledger, "adjust", refuse)
    level = store.merchant.stocklevel_set.order_by("pk")[0]
    url = reverse("admin:inventory_stocklevel_count", args=[level.pk])

    page = boss.post(url, {"set_to": "3", "reason": "Count"}).content.decode()

    assert "This item is counted elsewhere." in page
    assert 'value="3"' in page


def test_the_first_page_names_what_needs_somebody(boss: Client, store: Store) -> None:
    Store.objects.update(status=StoreStatus.NEEDS_MERCHANT, status_reason="The keys were refused.")

    page = boss.get("/admin/").content.decode()

    assert "Example shop: The keys were refused. Give it new keys." in page
    assert "3 records could not be applied" in page


def test_a_silent_store_is_noticed(boss: Client, store: Store) -> None:
    Stream.objects.update(next_at=NOW.replace(year=2020), every_s=120)

    page = boss.get(reverse("admin:integrations_store_changelist")).content.decode()

    assert "Example shop: orders unread for 30 minutes. Is a worker running?" in page

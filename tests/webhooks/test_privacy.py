"""Privacy requests from the delivery to the last empty column: over the view, whatever state the
store is in, also when workers die, and whatever the store sends afterwards.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from integrations import authentication, privacy, registry, tasks
from integrations.errors import AuthenticationFailed, Unavailable
from integrations.lifecycle import ConnectError
from integrations.models import (
    Credential,
    Endpoint,
    ErasureMark,
    ParkedRecord,
    PrivacyRequest,
    Store,
    StoreStatus,
)
from logix.accounts.models import AuditEvent, DataKey
from orders import services
from orders.data import OrderData
from orders.models import Order, OrderPayload
from tests.factories import make_merchant, make_order, make_store
from tests.inventory.test_races import together
from tests.orders.shop import bring, stock
from tests.webhooks import apptoy, toy
from tests.webhooks.conftest import make_endpoint
from tests.webhooks.test_erasing import canary_order, deliver, told_anywhere
from webhooks import inbox
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

SHOP = "acme.apptoy.example"
SUBJECT = {"customer": "kanarie-7", "email": "Kanarie@vogels.example "}
State, Kind = PrivacyRequest.State, PrivacyRequest.Kind


@pytest.fixture
def shop(toy_store: toy.ToyStore, monkeypatch: pytest.MonkeyPatch) -> toy.ToyStore:
    """Refuses the hub, as a store does that removed the app."""
    monkeypatch.setitem(registry.BUILT_IN, "apptoy", "tests.webhooks.apptoy.CARD")
    toy_store.failing = AuthenticationFailed("The key was refused.", status=401)
    return toy_store


@pytest.fixture
def store(db: None, shop: toy.ToyStore) -> Store:
    return connected("acme")


def connected(slug: str) -> Store:
    store = make_store(make_merchant(slug), platform="apptoy", base_url=f"https://{SHOP}")
    endpoint = make_endpoint(store, token=slug * 9)
    Endpoint.objects.filter(pk=endpoint.pk).update(account=SHOP)
    values = {"key": "k"}
    authentication.save_credentials(store, values, kind="api_keys", actor="user:anna")
    stock(store)
    return store


def ask(kind: str, **told: Any) -> int:
    """The platform passes a request on, to the address that all its stores share."""
    body = toy.body_of(**{"shop": SHOP, **told})
    answer = Client().post(
        "/api/v1/apptoy/webhooks/receive",
        data=body,
        content_type="application/json",
        headers={
            toy.TOPIC: f"privacy/{kind}",
            toy.SIGNATURE: toy.sign(body),
            apptoy.ACCOUNT: SHOP,
        },
    )
    inbox.process_ready()
    return answer.status_code


def disconnect(store: Store) -> None:
    Store.objects.filter(pk=store.pk).update(status=StoreStatus.DISCONNECTED)
    Endpoint.objects.filter(store=store).update(status=Endpoint.Status.CLOSED)
    Credential.objects.filter(store=store).delete()


def walk_twice() -> None:
    """As the sweep does, now and ten minutes later."""
    privacy.work_due()
    make_due()
    privacy.work_due()


def make_due() -> None:
    past = timezone.now() - timedelta(seconds=1)
    PrivacyRequest.objects.exclude(next_at=None).update(next_at=past, lease_until=None)


def other(number: int, **changes: Any) -> OrderData:
    """An order of somebody else."""
    return make_order(number, external_customer_id="zoe-1", **changes)


def erased() -> set[str]:
    rows = Order.objects.exclude(erased_at=None)
    return set(rows.values_list("external_id", flat=True))


# --- Taken ---------------------------------------------------------------------------------------


def test_a_request_is_kept_with_its_due_date_and_without_whom_it_is_about(store: Store) -> None:
    assert ask("export", reference="9999", orders=[1001, 1001], **SUBJECT) == 200

    request = PrivacyRequest.objects.get()
    assert (request.store, request.kind, request.reference) == (store, Kind.EXPORT, "9999")
    assert request.order_ids == ["1001"]
    assert request.due_at - request.asked_at == timedelta(days=30)
    assert (request.state, request.next_at) == (State.OPEN, None)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome) == ("done", "privacy_request")
    assert delivery.body_sealed is None
    event = AuditEvent.objects.get(action="privacy.asked")
    assert event.details == {"kind": "export", "orders_named": 1}


def test_the_same_request_told_again_stays_one(store: Store) -> None:
    for _ in range(2):
        ask("export", reference="9999", **SUBJECT)
        ask("erase_buyer", orders=[1], **SUBJECT)
    Delivery.objects.update(done_at=timezone.now() - timedelta(hours=1))
    ask("erase_buyer", orders=[1], **SUBJECT)

    assert PrivacyRequest.objects.count() == 2


def test_two_merchants_of_one_store_each_have_their_own(store: Store) -> None:
    second = connected("second")
    for one in (store, second):
        bring(one, canary_order())

    ask("erase_buyer", orders=[1001], **SUBJECT)
    walk_twice()

    assert {r.store for r in PrivacyRequest.objects.filter(state=State.DONE)} == {store, second}
    assert list(told_anywhere()) == []


def test_a_request_whose_signed_body_names_another_store_does_nothing(store: Store) -> None:
    assert ask("erase_store", shop="victim.apptoy.example") == 200

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.problem_code) == ("parked", "other_account")
    assert not PrivacyRequest.objects.exists()


def test_what_cannot_be_read_is_parked_for_somebody(store: Store) -> None:
    ask("export", orders=3)

    delivery = Delivery.objects.get()
    assert delivery.state in ("new", "parked")
    assert "mistake" in delivery.problem
    assert not PrivacyRequest.objects.exists()


@pytest.mark.parametrize(
    "status", [StoreStatus.PAUSED, StoreStatus.NEEDS_MERCHANT, StoreStatus.DISCONNECTED]
)
def test_requests_come_through_whatever_state_the_store_is_in(
    store: Store, status: StoreStatus
) -> None:
    bring(store, canary_order(), other(2))
    if status == StoreStatus.DISCONNECTED:
        disconnect(store)
    Store.objects.update(status=status)
    inbox.sweep()

    ask("erase_buyer", orders=[1001], **SUBJECT)
    inbox.sweep()
    walk_twice()

    assert PrivacyRequest.objects.get().state == State.DONE
    assert erased() == {"1001"}


def test_deliveries_of_a_paused_store_wait_beside_a_request(store: Store) -> None:
    waiting = deliver(store.endpoints.get(), "waits", resource="")
    Store.objects.update(status=StoreStatus.PAUSED)

    ask("export", **SUBJECT)

    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == ("new", 0)
    assert inbox.numbers().held == 1


# --- One buyer -----------------------------------------------------------------------------------


def test_erasing_a_buyer_reaches_named_orders_and_all_of_the_same_customer(store: Store) -> None:
    canary = canary_order()
    guest = dataclasses.replace(
        canary, external_id="1003", number="1003", external_customer_id="", raw=None
    )
    same = dataclasses.replace(canary, external_id="1004", number="1004", raw=None)
    bring(store, canary, other(2), guest, same)

    ask("erase_buyer", orders=[1001], **SUBJECT)
    walk_twice()

    assert erased() == {"1001", "1003", "1004"}
    assert list(told_anywhere()) == []
    request = PrivacyRequest.objects.get()
    assert (request.state, request.orders_done, request.done_by) == (State.DONE, 3, "system")
    event = AuditEvent.objects.get(action="privacy.done")
    assert event.details == {"kind": "erase_buyer", "orders": 3, "parked": 0, "deliveries": 0}


def test_the_request_forgets_whom_it_was_about(store: Store) -> None:
    ask("erase_buyer", orders=[1001], **SUBJECT)
    assert PrivacyRequest.objects.get().customer_sealed is not None

    walk_twice()

    request = PrivacyRequest.objects.get()
    assert (request.customer_sealed, request.email_index) == (None, "")


def test_bodies_of_a_named_order_that_never_came_are_emptied(store: Store) -> None:
    delivery = deliver(store.endpoints.get(), "late", state="done", done_at=timezone.now())
    ParkedRecord.objects.create(
        store=store, stream="orders", external_id="1001", code="x", raw_sealed=b"x"
    )

    ask("erase_buyer", orders=[1001])
    walk_twice()

    delivery.refresh_from_db()
    assert delivery.body_sealed is None
    assert ParkedRecord.objects.get().raw_sealed is None
    assert PrivacyRequest.objects.get().counts == {"parked": 1, "deliveries": 1}


def test_a_named_order_that_comes_in_later_is_erased_as_it_comes(store: Store) -> None:
    ask("erase_buyer", orders=[1001])
    walk_twice()

    bring(store, canary_order(), other(2))

    assert erased() == {"1001"}
    assert list(told_anywhere()) == []


@pytest.mark.parametrize("placed_after", [False, True])
def test_a_buyer_is_erased_up_to_the_day_they_asked_and_may_buy_again(
    store: Store, placed_after: bool
) -> None:
    ask("erase_buyer", **SUBJECT)
    walk_twice()

    day = timedelta(days=1 if placed_after else -1)
    placed_at = timezone.now() + day
    bring(store, dataclasses.replace(canary_order(), placed_at=placed_at))

    assert erased() == (set() if placed_after else {"1001"})


def test_marks_name_nobody(store: Store) -> None:
    ask("erase_buyer", orders=[1001], **SUBJECT)

    marks = list(ErasureMark.objects.values_list("mark", flat=True))
    assert sorted(mark[:2] for mark in marks) == ["c:", "e:", "o:"]
    assert not any("1001" in mark or "kanarie" in mark for mark in marks)


def test_an_import_under_way_while_all_was_erased_is_found_by_the_second_walk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("erase_buyer", orders=[1001])
    privacy.work_due()
    request = PrivacyRequest.objects.get()
    assert (request.state, request.walked_at is not None) == (State.OPEN, True)
    ErasureMark.objects.all().delete()  # its transaction does not see them yet
    bring(store, canary_order())
    assert erased() == set()

    make_due()
    privacy.work_due()

    assert erased() == {"1001"}
    assert PrivacyRequest.objects.get().state == State.DONE


# --- Crashes and races ---------------------------------------------------------------------------


def many(store: Store, count: int) -> None:
    bring(store, *[other(n) for n in range(1, count + 1)])


class Killed(BaseException):
    """What ends a worker and is caught by nobody."""


def dying_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, done = services.erase_buyer, [0]

    def erase(order: Order, **told: Any) -> None:
        if done[0] == count:
            raise Killed
        done[0] += 1
        real(order, **told)

    monkeypatch.setattr(services, "erase_buyer", erase)


def test_a_worker_that_dies_leaves_whole_orders_and_the_next_one_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(store, 5)
    ask("erase_buyer", customer="zoe-1")
    with monkeypatch.context() as patch:
        dying_after(3, patch)
        with pytest.raises(Killed):
            privacy.work_due()
    assert len(erased()) == 3
    request = PrivacyRequest.objects.get()
    assert (request.orders_done, request.state) == (3, State.OPEN)

    assert privacy.work_due() == 0, "until its lease has run out"
    make_due()
    walk_twice()

    request.refresh_from_db()
    assert (request.orders_done, request.state) == (5, State.DONE)
    assert AuditEvent.objects.filter(action="order.buyer_erased").count() == 5


def test_work_stops_at_the_end_of_its_time_and_says_that_more_is_left(store: Store) -> None:
    many(store, 3)
    ask("erase_buyer", customer="zoe-1")
    request_id = PrivacyRequest.objects.get().pk

    assert privacy.work(request_id, budget_s=-1) is True
    assert privacy.work(request_id) is False
    assert len(erased()) == 3


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_slept_past_its_lease_writes_nothing_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(store, 2)
    ask("erase_buyer", customer="zoe-1")
    real = services.erase_buyer

    def slept(order: Order, **told: Any) -> None:
        PrivacyRequest.objects.update(fence=99)
        real(order, **told)

    monkeypatch.setattr(services, "erase_buyer", slept)
    assert privacy.work(PrivacyRequest.objects.get().pk) is False

    assert erased() == set()
    assert PrivacyRequest.objects.get().orders_done == 0


@pytest.mark.django_db(transaction=True)
def test_four_workers_at_once_erase_each_order_once(store: Store) -> None:
    many(store, 6)
    ask("erase_buyer", customer="zoe-1")
    request_id = PrivacyRequest.objects.get().pk

    assert together([lambda: privacy.work(request_id)] * 4) == []

    assert len(erased()) == 6
    assert PrivacyRequest.objects.get().orders_done == 6
    assert AuditEvent.objects.filter(action="order.buyer_erased").count() == 6


@pytest.mark.django_db(transaction=True)
def test_the_task_is_rung_for_again_while_more_is_left(
    store: Store, monkeypatch: pytest.MonkeyPatch, rung: list[str]
) -> None:
    many(store, 2)
    ask("erase_buyer", customer="zoe-1")
    request_id = str(PrivacyRequest.objects.get().pk)
    assert "integrations.tasks.carry_out_privacy" in rung
    rung.clear()

    with monkeypatch.context() as patch:
        patch.setattr(privacy, "work", lambda _: True)
        tasks.carry_out_privacy(request_id)
    assert rung == ["integrations.tasks.carry_out_privacy"]

    tasks.carry_out_privacy(request_id)
    assert len(erased()) == 2


def test_one_order_that_fails_stops_no_other_and_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(store, 3)
    ask("erase_buyer", customer="zoe-1")
    real = services.erase_buyer

    def picky(order: Order, **told: Any) -> None:
        if order.external_id == "1002":
            raise ValueError("a mistake of ours")
        real(order, **told)

    with monkeypatch.context() as patch:
        patch.setattr(services, "erase_buyer", picky)
        privacy.work_due()
    assert erased() == {"1001", "1003"}
    request = PrivacyRequest.objects.get()
    assert request.state == State.OPEN
    assert "mistake" in request.problem

    make_due()
    walk_twice()

    assert len(erased()) == 3
    assert PrivacyRequest.objects.get().state == State.DONE


# --- A whole store -------------------------------------------------------------------------------


def test_erasing_a_store_empties_everything_and_keeps_amounts_and_stock(store: Store) -> None:
    bring(store, canary_order(), other(2))
    total = Order.objects.get(external_id="1001").total
    endpoint = store.endpoints.get()
    for number in range(3):
        deliver(endpoint, f"d{number}", resource="", state="done", done_at=timezone.now())

    ask("erase_store")
    walk_twice()

    assert erased() == {"1001", "1002"}
    assert not OrderPayload.objects.exists()
    assert not Delivery.objects.exclude(body_sealed=None).exists()
    assert list(told_anywhere()) == []
    assert Order.objects.get(external_id="1001").total == total
    request = PrivacyRequest.objects.get()
    assert (request.state, request.orders_done) == (State.DONE, 2)
    assert request.counts["deliveries"] == 3


def test_the_stores_key_is_destroyed_and_a_new_one_serves_what_comes_after(store: Store) -> None:
    bring(store, canary_order())
    Store.objects.update(status=StoreStatus.NEEDS_MERCHANT)
    old = store.data_key_id

    ask("erase_store")
    walk_twice()

    store.refresh_from_db()
    assert DataKey.objects.get(pk=old).destroyed_at is not None
    assert store.data_key_id != old
    assert not Credential.objects.exists()
    assert PrivacyRequest.objects.get().counts["data_key_destroyed"] == 1
    assert ask("erase_buyer", orders=[5]) == 200, "it still verifies"
    assert PrivacyRequest.objects.filter(kind=Kind.ERASE_BUYER).exists()
    values = {"key": "new"}
    authentication.save_credentials(store, values, kind="api_keys", actor="user:anna")
    assert authentication.read_credentials(store) == values


def test_a_connected_stores_key_stays_and_so_does_one_that_is_shared(store: Store) -> None:
    bring(store, canary_order())
    make_store(
        make_merchant("sharing"), data_key=store.data_key, base_url="https://x.apptoy.example"
    )
    disconnect(store)

    ask("erase_store")
    walk_twice()

    assert PrivacyRequest.objects.get().state == State.DONE
    assert DataKey.objects.get(pk=store.data_key_id).destroyed_at is None
    assert list(told_anywhere()) == []


def test_a_request_that_waits_is_read_before_the_key_goes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    disconnect(store)
    ask("erase_store")
    privacy.work_due()
    with monkeypatch.context() as patch:
        patch.setattr(inbox, "process_ready", lambda: 0)
        ask("export", **SUBJECT)

    make_due()
    privacy.work_due()
    assert PrivacyRequest.objects.get().state == State.OPEN

    inbox.process_ready()
    make_due()
    privacy.work_due()
    assert PrivacyRequest.objects.get(kind=Kind.ERASE_STORE).state == State.DONE
    assert PrivacyRequest.objects.filter(kind=Kind.EXPORT).exists()


def test_a_store_that_still_lets_us_in_is_erased_on_a_persons_word_only(
    store: Store, shop: toy.ToyStore
) -> None:
    """The topic is not signed: any signed body might have been sent under it."""
    shop.failing = None
    bring(store, canary_order())

    ask("erase_store")
    privacy.work_due()
    request = PrivacyRequest.objects.get()
    assert erased() == set()
    assert "still lets Logix in" in request.problem
    assert request.next_at is not None
    assert request.next_at > timezone.now() + timedelta(hours=23)

    privacy.carry_out(request, actor="user:olga")
    walk_twice()

    assert erased() == {"1001"}
    assert AuditEvent.objects.filter(action="privacy.confirmed", actor="olga").exists()
    assert DataKey.objects.get(pk=store.data_key_id).destroyed_at is None, "it is connected"
    with pytest.raises(ConnectError):
        privacy.carry_out(request, actor="user:olga")


def test_a_store_that_cannot_be_reached_is_asked_again(store: Store, shop: toy.ToyStore) -> None:
    shop.failing = Unavailable("The store did not answer.")
    bring(store, canary_order())

    ask("erase_store")
    privacy.work_due()

    request = PrivacyRequest.objects.get()
    assert (request.state, request.problem) == (State.OPEN, "The store did not answer.")
    assert request.next_at is not None
    assert erased() == set()


# --- Telling a buyer -----------------------------------------------------------------------------


def test_the_bundle_holds_what_is_kept_of_that_buyer_and_of_nobody_else(store: Store) -> None:
    bring(store, canary_order(), other(2))
    ask("export", reference="9999", **SUBJECT)

    told = json.loads(privacy.bundle(PrivacyRequest.objects.get(), actor="user:olga"))

    (order,) = told["orders"]
    assert order["external_id"] == "1001"
    assert order["buyer"]["email"] == "kanarie@vogels.example"
    assert order["as_the_store_sent_it"] == {"billing": {"first_name": "Kanarie"}}
    assert order["lines"][0]["attributes"] == {"engraving": "For Kanarie"}
    assert order["timeline"]
    assert "zoe@buyers.example" not in json.dumps(told)
    event = AuditEvent.objects.get(action="privacy.bundle_taken")
    assert (event.actor, event.details) == ("olga", {"orders": 1})


def test_a_request_that_is_done_tells_nothing_and_is_done_once(store: Store) -> None:
    bring(store, canary_order())
    ask("export", **SUBJECT)
    request = PrivacyRequest.objects.get()

    privacy.mark_done(request, actor="user:olga")

    request.refresh_from_db()
    assert (request.state, request.done_by) == (State.DONE, "user:olga")
    assert (request.customer_sealed, request.email_index) == (None, "")
    for again in (privacy.mark_done, privacy.bundle):
        with pytest.raises(ConnectError):
            again(request, actor="user:olga")


def test_an_export_is_nothing_the_workers_do(store: Store) -> None:
    ask("export", **SUBJECT)

    assert privacy.work_due() == 0
    assert privacy.work(PrivacyRequest.objects.get().pk) is False


# --- Nothing leaks -------------------------------------------------------------------------------


def test_no_log_and_no_column_tells_of_the_buyer(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bring(store, canary_order())
    caplog.clear()

    for kind in ("export", "erase_buyer"):
        ask(kind, orders=[1001], **SUBJECT)
    Delivery.objects.update(done_at=timezone.now())
    walk_twice()
    privacy.mark_done(PrivacyRequest.objects.get(kind=Kind.EXPORT), actor="user:olga")

    assert caplog.records
    assert "kanarie" not in caplog.text.casefold()
    assert list(told_anywhere()) == []

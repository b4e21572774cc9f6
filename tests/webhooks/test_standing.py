"""Uninstalled, or allowed other things: what a store says of our app there is asked for, and then
believed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations import authentication, connect, lifecycle, registry
from integrations.errors import (
    AuthenticationFailed,
    NotFound,
    PermissionMissing,
    PlatformError,
    Unavailable,
)
from integrations.models import Credential, Endpoint, Store, StoreStatus, Stream
from inventory.models import StockLevel
from logix.accounts.models import AuditEvent
from orders.models import Order
from tests.factories import make_store
from tests.orders.shop import stock
from tests.webhooks import apptoy, toy
from tests.webhooks.conftest import Keep, state, told
from webhooks import inbox
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

State = Delivery.State
OLD_KEYS, NEW_KEYS = {"key": "old"}, {"key": "new"}


@pytest.fixture
def store(db: None, toy_store: toy.ToyStore, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setitem(registry.BUILT_IN, "apptoy", "tests.webhooks.apptoy.CARD")

    def adapter(store: Any, **options: Any) -> Any:
        authentication.held(store)
        return toy_store.adapter(store, **options)

    monkeypatch.setattr(authentication, "adapter_for", adapter)
    monkeypatch.setattr(toy, "ToyIntegration", apptoy.AppToyIntegration)
    store = make_store(platform="apptoy")
    give(store, OLD_KEYS)
    return store


def give(store: Store, values: dict[str, str]) -> None:
    authentication.save_credentials(store, values, kind="api_keys", actor="user:anna")


def work(keep: Keep, topic: str = "gone") -> Delivery:
    delivery = keep(topic, id=1)
    inbox.process_ready()
    return delivery


REFUSALS = [
    AuthenticationFailed("The key was refused.", status=401),
    AuthenticationFailed("No new token.", code="invalid_grant", status=400),
    PermissionMissing("Not for you.", status=403),
    NotFound("No such store.", status=404),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda err: str(err.status))
def test_a_store_that_keeps_us_out_is_uninstalled(
    keep: Keep, store: Store, toy_store: toy.ToyStore, refusal: PlatformError
) -> None:
    toy_store.failing = refusal

    delivery = work(keep)

    assert state(delivery) == (State.DONE, "store_uninstalled")
    store.refresh_from_db()
    assert store.status == StoreStatus.NEEDS_MERCHANT
    assert (
        store.status_reason == f"Logix was uninstalled at AppToy on {datetime.now(UTC):%d %B %Y}."
    )
    assert Credential.objects.get().state == Credential.State.REVOKED
    event = AuditEvent.objects.get(action="store.uninstalled")
    assert (event.actor_kind, event.details["to"]) == ("platform", "needs_merchant")
    assert not Stream.objects.due(datetime.now(UTC)).exists()


OTHERWISE = [
    Unavailable("Not now."),
    PermissionMissing("Not granted: read.", scopes=("read",), status=403),
    PermissionMissing("Not granted: read.", scopes=("read",)),
]


@pytest.mark.parametrize("answer", OTHERWISE, ids=lambda err: f"{err.code}-{err.status}")
def test_any_other_answer_is_no_goodbye(
    keep: Keep, store: Store, toy_store: toy.ToyStore, answer: PlatformError
) -> None:
    toy_store.failing = answer

    work(keep)

    assert Credential.objects.get().state != Credential.State.REVOKED
    assert not AuditEvent.objects.filter(action="store.uninstalled").exists()


def test_a_store_that_still_lets_us_in_goes_on(keep: Keep, store: Store) -> None:
    assert state(work(keep)) == (State.DONE, "store_answers")
    store.refresh_from_db()
    assert store.status == StoreStatus.ACTIVE


def test_a_refusal_that_came_first_gets_its_reason_from_the_goodbye(
    keep: Keep, store: Store, toy_store: toy.ToyStore
) -> None:
    """Polling meets the dead key within minutes, and may be faster than the webhook."""
    refusal = AuthenticationFailed("The key was refused.")
    authentication.note_failure(store, refusal)
    toy_store.failing = refusal

    delivery = work(keep)

    assert state(delivery) == (State.DONE, "store_uninstalled")
    store.refresh_from_db()
    assert store.status == StoreStatus.NEEDS_MERCHANT
    assert "uninstalled" in store.status_reason
    assert Credential.objects.get().state == Credential.State.REVOKED


def test_new_keys_given_while_the_old_ones_were_asked_about_stay(
    keep: Keep, store: Store, toy_store: toy.ToyStore
) -> None:
    toy_store.failing = AuthenticationFailed("The key was refused.")
    toy_store.before_answer = lambda: give(store, NEW_KEYS)

    assert state(work(keep)) == (State.DONE, "store_answers")
    store.refresh_from_db()
    assert store.status == StoreStatus.ACTIVE
    assert authentication.read_credentials(store) == NEW_KEYS


def test_a_paused_store_that_left_is_not_paused_any_more(
    keep: Keep, store: Store, toy_store: toy.ToyStore
) -> None:
    held = authentication.held(store)
    lifecycle.move(store, StoreStatus.PAUSED, actor="user:anna", action="store.paused")

    assert connect.uninstalled(store, held, at=datetime.now(UTC))

    store.refresh_from_db()
    assert store.status == StoreStatus.NEEDS_MERCHANT


def test_orders_and_stock_stay_and_the_hourly_look_asks_nobody(
    keep: Keep, store: Store, toy_store: toy.ToyStore
) -> None:
    stock(store)
    keep(**told(7))
    inbox.process_ready()
    toy_store.failing = AuthenticationFailed("The key was refused.")
    work(keep)
    toy_store.failing = None
    asked = len(toy_store.asked)

    assert connect.recheck_refused() == 0

    assert len(toy_store.asked) == asked
    assert Order.objects.get().external_id == "7"
    assert StockLevel.objects.exists()
    assert Endpoint.objects.get().subscriptions == []


def test_changed_scopes_are_read_from_the_store(
    keep: Keep, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apptoy.AppToyIntegration, "granted", ("read",))
    monkeypatch.setattr(apptoy.AppToyIntegration, "missing", ("write",))

    assert state(work(keep, "scopes")) == (State.DONE, "scopes_read")

    row = Credential.objects.get()
    assert (row.scopes, row.missing) == (["read"], ["write"])
    event = AuditEvent.objects.get(action="store.scopes_changed")
    assert event.details == {"missing": {"from": [], "to": ["write"]}}


def test_a_scope_that_was_granted_after_all_sets_going_what_waited_for_it(
    keep: Keep, store: Store
) -> None:
    Credential.objects.update(missing=["write"])
    opened: list[str] = []

    def hear(actor: str, **_: Any) -> None:
        opened.append(actor)

    connect.signals.store_opened.connect(hear)
    try:
        work(keep, "scopes")
        work(keep, "scopes")
    finally:
        connect.signals.store_opened.disconnect(hear)

    assert Credential.objects.get().missing == []
    assert opened == ["platform"]


def test_scopes_of_a_store_that_refuses_stop_it_like_any_refusal(
    keep: Keep, store: Store, toy_store: toy.ToyStore
) -> None:
    toy_store.failing = AuthenticationFailed("The key was refused.")

    assert state(work(keep, "scopes")) == (State.PARKED, "waits_for_merchant")
    assert Credential.objects.get().state == Credential.State.REAUTH


def test_a_privacy_request_on_a_topic_no_card_names_is_shown_to_somebody(
    keep: Keep, store: Store
) -> None:
    delivery = work(keep, "unnamed")

    assert state(delivery)[0] == State.PARKED
    assert "does not name" in delivery.problem

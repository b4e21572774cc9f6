"""Orders whose status nobody knew finish by themselves once a person has said what it means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import connect, sync
from integrations.errors import ContractBroken, RateLimited, Unavailable
from integrations.models import ParkedRecord, Rereading, Store, StoreStatus
from integrations.sync import rereading
from orders import services
from orders.data import Authority
from orders.models import Order
from orders.status import ImportState, StatusReading
from tests.factories import OPEN, make_order
from tests.integrations.sync import toy
from tests.integrations.sync.conftest import ago, make_moving_store

UNKNOWN = StatusReading(
    order=OPEN.order, payment=OPEN.payment, fulfillment=OPEN.fulfillment, known=False
)


def wait_for(store: Store, shop: toy.MovingShop, *numbers: int, word: str = "packed") -> None:
    """Orders that were imported before their status meant anything. The shop shows them as an
    adapter does that knows the word.
    """
    at = ago(hours=1)
    for number in numbers:
        order = make_order(number, raw_status=word, status=UNKNOWN, changed_at=at)
        sync.apply_orders(store, [order], authority=Authority.LIST_PAGE, observed_at=timezone.now())
        shop.add(make_order(number, raw_status=word, status=OPEN, changed_at=at))


def explain(store: Store, **words: str) -> None:
    store.refresh_from_db()
    connect.change_store(store, actor="user:anna", options={"status_words": words})


def states(store: Store) -> dict[str, str]:
    return dict(Order.objects.filter(store=store).values_list("external_id", "import_state"))


def minutes_pass(minutes: float) -> None:
    for row in Rereading.objects.all():
        row.next_at -= timedelta(minutes=minutes)
        row.save(update_fields=["next_at"])


# Lines of these orders name products that nobody imported: that is what they wait for afterwards.
DONE = ImportState.AWAITING_MAPPING


def test_orders_finish_when_their_status_is_given_a_meaning(
    store: Store, shop: toy.MovingShop
) -> None:
    wait_for(store, shop, 1, 2)
    wait_for(store, shop, 3, word="sent")
    assert set(states(store).values()) == {ImportState.NEEDS_REVIEW}

    explain(store, packed="processing")
    assert shop.asked_ids == []
    assert sync.reread_due_orders() == 2

    assert states(store) == {"1001": DONE, "1002": DONE, "1003": ImportState.NEEDS_REVIEW}
    assert shop.asked_ids == ["1001", "1002"]


def test_a_walk_ends_after_a_last_look_and_asks_nothing_more(
    store: Store, shop: toy.MovingShop
) -> None:
    wait_for(store, shop, 1)
    explain(store, packed="processing")
    for _ in range(3):
        sync.reread_due_orders()

    # A task that began before the word was known brought one more.
    wait_for(store, shop, 2)
    assert sync.reread_due_orders() == 0
    minutes_pass(8)
    for _ in range(3):
        sync.reread_due_orders()

    assert shop.asked_ids == ["1001", "1002"]
    assert states(store) == {"1001": DONE, "1002": DONE}
    assert not Rereading.objects.exists()


def test_an_order_that_still_waits_is_not_asked_for_again_and_again(
    store: Store, shop: toy.MovingShop
) -> None:
    wait_for(store, shop, 1)
    shop.add(make_order(1, raw_status="packed", status=UNKNOWN, changed_at=ago(minutes=5)))
    explain(store, packed="processing")

    for _ in range(4):
        sync.reread_due_orders()
        minutes_pass(8)

    assert states(store) == {"1001": ImportState.NEEDS_REVIEW}
    assert shop.asked_ids == ["1001", "1001"]
    assert not Rereading.objects.exists()


def test_a_deleted_order_waits_for_a_decision_and_is_not_read(
    store: Store, shop: toy.MovingShop
) -> None:
    wait_for(store, shop, 1)
    services.mark_gone(Order.objects.get(), actor="platform")

    explain(store, packed="processing")

    assert sync.reread_due_orders() == 0
    assert shop.asked_ids == []


def test_a_slice_is_bounded_and_the_next_goes_on_behind_it(
    store: Store, shop: toy.MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "A_SLICE", 2)
    wait_for(store, shop, 1, 2, 3)
    explain(store, packed="processing")

    assert [sync.reread_due_orders() for _ in range(3)] == [2, 1, 0]

    assert shop.asked_ids == ["1001", "1002", "1003"]


def test_a_slow_store_does_not_hold_the_tick(
    store: Store, shop: toy.MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "BUDGET_S", -1.0)
    wait_for(store, shop, 1)
    explain(store, packed="processing")

    assert sync.reread_due_orders() == 0
    assert Rereading.objects.exists()


@pytest.mark.parametrize(
    "trouble", [Unavailable("Closed."), RateLimited("Slow down.", retry_after_s=5)]
)
def test_a_store_that_cannot_be_asked_is_put_off_and_loses_no_order(
    store: Store, shop: toy.MovingShop, noted: list[Exception], trouble: Exception
) -> None:
    wait_for(store, shop, 1, 2)
    explain(store, packed="processing")

    def fail_once(external_id: str) -> None:
        if external_id == "1002" and not noted:
            raise trouble

    shop.by_id = fail_once
    assert sync.reread_due_orders() == 0
    assert noted == [trouble]
    assert sync.reread_due_orders() == 0
    minutes_pass(3)
    assert sync.reread_due_orders() == 1

    assert states(store) == {"1001": DONE, "1002": DONE}
    assert shop.asked_ids == ["1001", "1002", "1002"]


@pytest.mark.parametrize("trouble", [ContractBroken("No total."), KeyError("total")])
def test_an_order_that_cannot_be_read_is_parked_and_holds_up_no_other(
    store: Store, shop: toy.MovingShop, trouble: Exception
) -> None:
    wait_for(store, shop, 1, 2)
    explain(store, packed="processing")

    def fail(external_id: str) -> None:
        if external_id == "1001":
            raise trouble

    shop.by_id = fail
    assert sync.reread_due_orders() == 2

    assert ParkedRecord.objects.get().external_id == "1001"
    assert states(store)["1002"] == DONE


def test_a_paused_store_goes_on_where_it_was(store: Store, shop: toy.MovingShop) -> None:
    wait_for(store, shop, 1)
    explain(store, packed="processing")
    Store.objects.update(status=StoreStatus.PAUSED)
    assert sync.reread_due_orders() == 0

    Store.objects.update(status=StoreStatus.ACTIVE)

    assert sync.reread_due_orders() == 1


def test_another_word_joins_the_walk_under_way(
    store: Store, shop: toy.MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "A_SLICE", 1)
    wait_for(store, shop, 1, word="sent")
    wait_for(store, shop, 2, 3)
    explain(store, packed="processing")
    sync.reread_due_orders()

    explain(store, packed="processing", sent="completed")
    for _ in range(4):
        sync.reread_due_orders()

    assert set(states(store).values()) == {DONE}
    assert sorted(shop.asked_ids) == ["1001", "1002", "1003"]


def test_a_word_that_comes_while_a_slice_is_read_is_not_lost(
    store: Store, shop: toy.MovingShop
) -> None:
    wait_for(store, shop, 1, word="sent")
    wait_for(store, shop, 2)
    explain(store, packed="processing")

    def meanwhile(_: str) -> None:
        shop.by_id = lambda _: None
        explain(store, packed="processing", sent="completed")

    shop.by_id = meanwhile
    for _ in range(3):
        sync.reread_due_orders()

    assert set(states(store).values()) == {DONE}


def test_words_that_stay_as_they_were_have_nothing_read(store: Store, shop: toy.MovingShop) -> None:
    explain(store, packed="processing", sent="completed")
    Rereading.objects.all().delete()

    explain(store, packed="completed", sent="completed")
    assert Rereading.objects.get().words == ["packed"]
    Rereading.objects.all().delete()

    explain(store, sent="completed")
    connect.change_store(store, actor="user:anna", options={"status_words": None})
    assert not Rereading.objects.exists()


def test_one_stores_words_are_no_other_stores(store: Store, shop: toy.MovingShop) -> None:
    other = make_moving_store(merchant=store.merchant, base_url="https://other.example")
    wait_for(other, shop, 1)

    explain(store, packed="processing")

    assert sync.reread_due_orders() == 0
    assert states(other) == {"1001": ImportState.NEEDS_REVIEW}


def test_unknown_words_are_counted_and_those_explained_are_left_out(
    store: Store, shop: toy.MovingShop
) -> None:
    wait_for(store, shop, 1)
    wait_for(store, shop, 2, 3, word="sent")
    wait_for(store, shop, 4, word="lost")
    services.mark_gone(Order.objects.get(external_id="1004"), actor="platform")

    assert sync.unknown_words(store) == {"sent": 2, "packed": 1}
    assert list(sync.unknown_words(store)) == ["sent", "packed"]

    explain(store, sent="completed")
    assert sync.unknown_words(store) == {"packed": 1}


def test_the_sweep_goes_on_with_walks(monkeypatch: pytest.MonkeyPatch, db: Any) -> None:
    from integrations import tasks

    called: list[str] = []
    monkeypatch.setattr(sync, "reread_due_orders", lambda: called.append("walk"))

    tasks.sweep()

    assert called == ["walk"]

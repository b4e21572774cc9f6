"""Records that cannot be applied: set aside with the reason in words, never in the way, and tried
again.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.utils import timezone

from integrations import sync
from integrations.base import Unreadable
from integrations.errors import ContractBroken, NotFound, Unavailable
from integrations.models import FieldRule, ParkedRecord, Store, StoreStatus
from integrations.sync import applying, parking, retrying
from orders.data import Authority
from orders.models import Order
from tests.factories import make_product
from tests.integrations.sync.conftest import (
    ago,
    in_hub,
    in_shop,
    make_moving_store,
    orders,
    raising,
    stream_of,
    walk,
)
from tests.integrations.sync.toy import MovingShop

pytestmark = pytest.mark.django_db
State = ParkedRecord.State


def due(**changes: Any) -> None:
    ParkedRecord.objects.update(next_at=timezone.now() - timedelta(seconds=1), **changes)


def break_import(monkeypatch: pytest.MonkeyPatch, error: Exception, *bad: str) -> None:
    """Writing any batch with one of these orders fails; none named: every batch does."""
    real = applying.import_orders

    def write(store: Store, records: Any, **options: Any) -> Any:
        if not bad or {r.external_id for r in records} & set(bad):
            raise error
        return real(store, records, **options)

    monkeypatch.setattr(applying, "import_orders", write)


def test_an_unreadable_record_is_parked_alone_and_comes_in_when_it_is_mended(
    store: Store, shop: MovingShop
) -> None:
    shop.add(*orders(5, ago(minutes=9)))
    shop.unreadable = {"1003"}
    walk(store)

    parked = ParkedRecord.objects.get()
    assert Order.objects.count() == 4
    assert parked.reason == "The total of the order is not a number."
    assert (parked.path, parking.raw_of(parked)) == ("$.total", b'{"total": "many"}')
    assert b"many" not in bytes(parked.raw_sealed or b"")

    shop.by_id = raising(ContractBroken("Still no number.", path="$.total"))
    due()
    assert sync.retry_due_parked() == 0
    parked.refresh_from_db()
    assert (parked.attempts, parked.reason) == (2, "Still no number.")
    assert parking.raw_of(parked) == b'{"total": "many"}'

    shop.by_id = lambda external_id: None
    due()
    assert sync.retry_due_parked() == 1
    parked.refresh_from_db()
    assert (parked.state, parked.raw_sealed) == (State.RESOLVED, None)
    assert in_hub(store) == in_shop(shop)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DataError("value too long\nDETAIL: Zoë Žižek"), "could not be stored: value too long"),
        (ValueError("zoe@buyers.example is no number"), r"cannot be used \(ValueError\)"),
        (TypeError("zoe@buyers.example"), "Logix made a mistake"),
    ],
)
def test_a_record_that_cannot_be_stored_is_parked_without_quoting_it(
    store: Store,
    shop: MovingShop,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    words: str,
) -> None:
    shop.add(*orders(7, ago(minutes=9)))
    break_import(monkeypatch, error, "1004")

    walk(store)

    import re

    parked = ParkedRecord.objects.get()
    assert re.search(words, parked.reason)
    assert "zoe@" not in parked.reason
    assert "Zo" not in parked.reason
    assert Order.objects.count() == 6


def test_a_mistake_of_ours_that_breaks_every_record_parks_none_and_keeps_the_place(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add(*orders(4, ago(minutes=9)))
    break_import(monkeypatch, TypeError("a mistake"))

    with pytest.raises(TypeError):
        walk(store)

    assert not ParkedRecord.objects.exists()
    monkeypatch.undo()
    monkeypatch.setattr("integrations.authentication.adapter_for", shop.adapter)
    walk(store)
    assert in_hub(store) == in_shop(shop)


def test_a_record_that_a_rule_refuses_comes_in_when_the_rule_is_mended(
    store: Store, shop: MovingShop
) -> None:
    rule = FieldRule.objects.create(
        store=store, path="meta.depot", target="custom.depot", mode="required"
    )
    shop.add(*orders(1, ago(minutes=9)))
    walk(store)
    assert ParkedRecord.objects.get().code == "rule_failed"
    assert "“custom.depot” is required" in ParkedRecord.objects.get().reason

    FieldRule.objects.filter(pk=rule.pk).update(path="meta.gift")
    assert sync.rearm_parked(store) == 1
    assert sync.retry_due_parked() == 1

    assert Order.objects.get().custom == {"depot": "yes"}


def test_a_dismissed_record_stays_dismissed_however_often_the_store_tells_it(
    store: Store, shop: MovingShop
) -> None:
    shop.add(*orders(1, ago(minutes=9)))
    shop.unreadable = {"1001"}
    walk(store)
    sync.dismiss_parked(ParkedRecord.objects.get(), actor="user:anna", reason="A test order.")

    walk(store)

    assert ParkedRecord.objects.get().state == State.DISMISSED
    assert ParkedRecord.objects.get().next_at is None


def test_a_record_that_breaks_again_after_it_was_mended_starts_over(store: Store) -> None:
    bad = Unreadable(external_id="1", reason="Broken.")
    parking.park(store, stream="orders", unreadable=bad)
    ParkedRecord.objects.update(state=State.RESOLVED, attempts=30_000, first_at=ago(days=90))

    parking.park(store, stream="orders", unreadable=bad)

    parked = ParkedRecord.objects.get()
    assert (parked.state, parked.attempts) == (State.PARKED, 1)
    assert timezone.now() - parked.first_at < timedelta(minutes=1)
    assert parked.next_at is not None


def test_a_name_that_no_database_stores_is_parked_without_what_is_wrong_with_it(
    store: Store,
) -> None:
    parking.park(store, stream="orders", unreadable=Unreadable(external_id="1\0\ud800", reason=""))

    assert ParkedRecord.objects.get().external_id == "1\ufffd"


def test_tries_end_and_their_count_has_a_ceiling(store: Store) -> None:
    bad = Unreadable(external_id="1", reason="Broken.")
    parking.park(store, stream="orders", unreadable=bad)
    ParkedRecord.objects.update(attempts=30_000)

    parking.park(store, stream="orders", unreadable=bad)

    assert ParkedRecord.objects.get().attempts == 30_000
    assert ParkedRecord.objects.get().next_at is None
    assert sync.rearm_parked(store) == 1


def test_old_news_do_not_pass_for_a_record_that_is_parked(store: Store, shop: MovingShop) -> None:
    """A delivery that was late holds what the order was before the version that could not be
    read.
    """
    old = orders(1, ago(minutes=9))[0]
    shop.add(old)
    walk(store)
    shop.edit("1001", ago(minutes=1), raw_status="new")
    shop.unreadable = {"1001"}
    walk(store)

    sync.apply_orders(store, [old], authority=Authority.WEBHOOK, observed_at=timezone.now())
    sync.apply_orders(store, [old], authority=Authority.LIST_PAGE, observed_at=ago(minutes=5))

    assert ParkedRecord.objects.get().state == State.PARKED
    assert sync.retry_due_parked() == 1
    assert in_hub(store) == in_shop(shop)


def test_a_store_that_is_down_holds_up_no_other_stores_records(
    store: Store, shop: MovingShop
) -> None:
    other = make_moving_store(merchant=store.merchant, base_url="https://other.example")
    for owner in (store, other):
        for number in range(3):
            bad = Unreadable(external_id=f"{1001 + number}", reason="Broken.")
            parking.park(owner, stream="orders", unreadable=bad)
    shop.add(*orders(3, ago(minutes=9)))
    due()
    ParkedRecord.objects.filter(store=store).update(next_at=ago(hours=1))
    real = shop.adapter

    def adapter(asked: Store, **options: Any) -> Any:
        shop.by_id = raising(Unavailable("Down.")) if asked.pk == store.pk else lambda _: None
        return real(asked, **options)

    shop.adapter = adapter  # type: ignore[method-assign]
    retrying.authentication.adapter_for = adapter  # restored by the shop's fixture
    assert sync.retry_due_parked() == 3

    waiting = ParkedRecord.objects.filter(store=store)
    assert {row.attempts for row in waiting} == {1}
    assert all(row.next_at > timezone.now() + timedelta(minutes=4) for row in waiting)
    assert sync.retry_due_parked() == 0


def test_a_mistake_of_ours_in_one_record_does_not_keep_the_next_from_being_tried(
    store: Store, shop: MovingShop
) -> None:
    for number in (1001, 1002):
        bad = Unreadable(external_id=str(number), reason="Broken.")
        parking.park(store, stream="orders", unreadable=bad)
    shop.add(*orders(2, ago(minutes=9)))

    def stumble(external_id: str) -> None:
        if external_id == "1001":
            raise KeyError("total")

    shop.by_id = stumble
    due()

    assert sync.retry_due_parked() == 1
    left = ParkedRecord.objects.get(state=State.PARKED)
    assert (left.external_id, left.code) == ("1001", "internal_error")


def test_a_platform_that_is_gone_puts_its_records_off(store: Store, shop: MovingShop) -> None:
    parking.park(store, stream="orders", unreadable=Unreadable(external_id="1", reason="Broken."))
    shop.open_error = LookupError("movingshop")
    due()

    assert sync.retry_due_parked() == 0
    assert ParkedRecord.objects.get().next_at > timezone.now()

    shop.open_error = OperationalError("away")
    due()
    with pytest.raises(OperationalError):
        sync.retry_due_parked()


def test_records_of_a_store_that_rests_are_left_alone(store: Store, shop: MovingShop) -> None:
    parking.park(store, stream="orders", unreadable=Unreadable(external_id="1", reason="Broken."))
    Store.objects.update(status=StoreStatus.PAUSED)
    due()

    assert sync.retry_due_parked() == 0
    assert shop.opened == 0


@pytest.mark.parametrize("stream", ["orders", "products"])
def test_not_found_is_believed_the_second_time_ten_minutes_later(
    store: Store, shop: MovingShop, stream: str
) -> None:
    shop.add(*orders(1, ago(minutes=9)))
    shop.products = {"p1": make_product(1)}
    walk(store, stream)
    external_id = "1001" if stream == "orders" else "p1"
    told = Unreadable(external_id=external_id, reason="Broken.")
    parking.park(store, stream=stream, unreadable=told)
    parked = ParkedRecord.objects.get()
    shop.by_id = raising(NotFound("There is none."))

    assert sync.retry_parked(parked, actor="user:anna") is False
    parked.refresh_from_db()
    assert parked.code == "not_found"
    assert sync.retry_parked(parked, actor="user:anna") is False

    ParkedRecord.objects.update(first_at=ago(minutes=11))
    parked.refresh_from_db()
    assert sync.retry_parked(parked, actor="user:anna") is True
    if stream == "orders":
        assert Order.objects.get().gone_at is not None


def test_a_product_that_could_not_be_read_is_read_again(store: Store, shop: MovingShop) -> None:
    shop.products = {"p1": make_product(1, changed_at=ago(minutes=9))}
    shop.unreadable = {"p1"}
    walk(store, "products")
    parked = ParkedRecord.objects.get()

    assert sync.retry_parked(parked, actor="user:anna") is True


def test_a_body_whose_seal_is_broken_does_not_stop_the_retry(
    store: Store, shop: MovingShop
) -> None:
    told = Unreadable(external_id="1001", reason="Broken.", raw=b"{}")
    parking.park(store, stream="orders", unreadable=told)
    ParkedRecord.objects.update(raw_sealed=b"not sealed by us")
    shop.by_id = raising(ContractBroken("Still broken."))
    due()

    assert sync.retry_due_parked() == 0
    assert ParkedRecord.objects.get().raw_sealed is None


def test_a_record_that_another_sweep_holds_is_not_tried_twice(
    store: Store, shop: MovingShop
) -> None:
    parking.park(store, stream="orders", unreadable=Unreadable(external_id="1", reason="Broken."))
    due()
    row = ParkedRecord.objects.get()

    assert retrying._claim(row) is True
    assert retrying._claim(row) is False


def test_a_rule_that_cannot_work_is_left_out_and_orders_come_in(
    store: Store, shop: MovingShop
) -> None:
    FieldRule.objects.create(store=store, path="meta.[", target="custom.depot")
    shop.add(*orders(1, ago(minutes=9)))

    walk(store)

    assert Order.objects.get().custom == {}
    assert stream_of(store).failures == 0


def test_marking_an_unknown_order_gone_says_so(store: Store) -> None:
    assert sync.mark_gone(store, "404", actor="platform") is False


def test_what_was_written_is_the_last_word_of_a_batch(store: Store, shop: MovingShop) -> None:
    old, at = orders(1, ago(minutes=9))[0], timezone.now()
    new = dataclasses.replace(old, raw_status="new", changed_at=ago(minutes=1))

    done = sync.apply_orders(store, [new, old], authority=Authority.LIST_PAGE, observed_at=at)

    assert (done.created, done.seen) == (1, 1)
    assert Order.objects.get().raw_status == "new"

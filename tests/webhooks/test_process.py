"""Working deliveries off: effects once, any order, one by one where a batch fails, the store asked
where it must be.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations import policy, sync
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    RateLimited,
    Rejected,
    Unavailable,
)
from integrations.models import Endpoint, ParkedRecord, Store, StoreStatus
from integrations.sync.leases import Fenced
from inventory.ledger import LedgerConflict
from inventory.models import Listing, StockLevel
from logix.common.ids import uuid7
from orders.models import Order
from orders.status import OrderStatus
from tests.factories import make_merchant, make_product, make_store
from tests.webhooks import toy
from tests.webhooks.conftest import START, Keep, make_endpoint, state, told
from webhooks import claims, inbox, process, verdicts
from webhooks.models import Delivery

State = Delivery.State


def test_a_whole_order_is_applied_without_a_call(keep: Keep, toy_store: toy.ToyStore) -> None:
    delivery = keep(**told())

    assert inbox.process_ready() == 1

    assert state(delivery) == (State.DONE, "applied")
    assert (delivery.resource, delivery.resource_id) == ("order", "1")
    assert delivery.attempts == 1
    assert delivery.done_at is not None
    assert Order.objects.get().external_id == "1"
    assert toy_store.asked == []


def test_a_burst_is_applied_in_a_bounded_number_of_statements(
    keep: Keep, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(claims.BATCH):
        keep(**told(number))

    # SQLite writes the outcomes one statement a row inside one executemany.
    with django_assert_max_num_queries(60):
        assert inbox.process_ready() == claims.BATCH

    assert Order.objects.count() == claims.BATCH
    assert not Delivery.objects.exclude(state=State.DONE).exists()


CHANGES = {
    "created": told(status="processing"),
    "updated": told(minute=1, status="processing"),
    "finished": told(minute=2, status="cancelled"),
}


@pytest.mark.parametrize("order", list(permutations(CHANGES)))
@pytest.mark.parametrize("together", [True, False])
def test_any_order_of_arrival_ends_in_the_same_state(
    keep: Keep, order: tuple[str, ...], together: bool
) -> None:
    for name in order:
        keep(f"order.{name}", **CHANGES[name])
        if not together:
            inbox.process_ready()
    inbox.process_ready()

    stored = Order.objects.get()
    assert stored.order_status == OrderStatus.CANCELLED
    assert stored.changed_at == START + timedelta(minutes=2)
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DONE}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("words", [("processing", "cancelled"), ("cancelled", "processing")])
def test_two_contents_of_one_second_are_decided_by_the_store(
    keep: Keep, toy_store: toy.ToyStore, together: bool, words: tuple[str, str]
) -> None:
    toy_store.orders["1"] = toy.order(1, changed_at=START, word="cancelled")
    for word in words:
        keep(**told(status=word))
        if not together:
            inbox.process_ready()
    inbox.process_ready()

    assert Order.objects.get().order_status == OrderStatus.CANCELLED
    assert toy_store.asked == ["1"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DONE}


def test_thin_news_are_read_from_the_store_before_any_transaction(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    toy_store.orders["1"] = toy.order(1)
    depth: list[int] = []
    outside = len(connection.savepoint_ids)
    toy_store.before_answer = lambda: depth.append(len(connection.savepoint_ids) - outside)
    delivery = keep(thin=True, id=1)

    inbox.process_ready()

    assert state(delivery) == (State.DONE, "applied")
    assert depth == [0]
    assert Order.objects.get().authority == 3


def test_many_thin_news_of_one_order_cost_one_call(keep: Keep, toy_store: toy.ToyStore) -> None:
    toy_store.orders["1"] = toy.order(1)
    toy_store.orders["2"] = toy.order(2)
    for number in (1, 2, 1, 1):
        keep(thin=True, id=number, nonce=str(uuid7()))

    inbox.process_ready()

    assert sorted(toy_store.asked) == ["1", "2"]
    outcomes = sorted(Delivery.objects.values_list("state", "outcome"))
    assert outcomes == [
        (State.DONE, "applied"),
        (State.DONE, "applied"),
        (State.DONE, "coalesced"),
        (State.DONE, "coalesced"),
    ]


def test_news_that_come_while_the_store_is_asked_are_asked_for_again(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    toy_store.orders["1"] = toy.order(1)
    keep(thin=True, id=1)

    def meanwhile() -> None:
        toy_store.before_answer = None
        late = keep(thin=True, id=1, nonce=2)
        Delivery.objects.filter(pk=late.pk).update(attempts=1, resource="order", resource_id="1")

    toy_store.before_answer = meanwhile
    inbox.process_ready()

    assert toy_store.asked == ["1", "1"]


def test_a_deletion_is_believed_when_the_store_confirms_it(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    keep(**told())
    inbox.process_ready()

    delivery = keep("order.deleted", id=1)
    inbox.process_ready()

    assert toy_store.asked == ["1"]
    assert state(delivery) == (State.DONE, "gone")
    assert Order.objects.get().gone_at is not None


def test_a_deletion_the_store_does_not_confirm_changes_nothing(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    keep(**told())
    inbox.process_ready()
    toy_store.orders["1"] = toy.order(1, changed_at=START)

    delivery = keep("order.deleted", id=1)
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "applied")
    assert Order.objects.get().gone_at is None


def test_a_deletion_of_an_order_we_never_had_is_done(keep: Keep, toy_store: toy.ToyStore) -> None:
    delivery = keep("order.deleted", id=404)
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "gone_unknown")


def test_thin_news_of_something_unknown_are_asked_twice_before_it_is_gone(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    keep(**told())
    inbox.process_ready()
    delivery = keep(thin=True, id=1)

    inbox.process_ready()
    assert state(delivery)[0] == State.NEW
    assert delivery.problem_code == "not_found"
    assert "once more in ten minutes" in delivery.problem
    assert timedelta(minutes=9) < delivery.next_at - timezone.now() < timedelta(minutes=11)
    assert Order.objects.get().gone_at is None

    Delivery.objects.update(next_at=timezone.now())
    inbox.process_ready()
    assert state(delivery) == (State.DONE, "gone")
    assert Order.objects.get().gone_at is not None


def test_products_come_in_and_go(keep: Keep, toy_store: toy.ToyStore) -> None:
    keep("product.updated", **told("p1"))
    inbox.process_ready()
    assert Listing.objects.get().gone_at is None

    toy_store.products["p2"] = make_product(2)
    keep("product.updated", id="p2", thin=True)
    delivery = keep("product.deleted", id="p1")
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "gone")
    gone = dict(Listing.objects.values_list("external_product_id", "gone_at"))
    assert gone["p1"] is not None
    assert gone["p2"] is None


def test_two_products_of_one_second_are_decided_by_the_store(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    toy_store.products["p1"] = make_product(title="last", changed_at=START)
    keep("product.updated", **told("p1", title="last"))
    keep("product.updated", **told("p1", title="first"))

    inbox.process_ready()

    assert toy_store.asked == ["p1"]
    assert Listing.objects.get().title == "last"
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.DONE}


def test_a_store_that_counts_its_stock_is_asked_before_its_figure_counts(
    keep: Keep, store: Store, toy_store: toy.ToyStore
) -> None:
    """A delivery may be hours old, and a figure is good only with the time it was true at."""
    store.options = {"stock_master": "store", "adopt_stock": False}
    store.save()
    toy_store.products["p1"] = make_product(stock=6)
    keep("product.updated", **told("p1"))

    inbox.process_ready()

    assert toy_store.asked == ["p1"]
    assert StockLevel.objects.get().on_hand == 6


def test_news_nobody_needs_are_ignored_with_the_reason(keep: Keep) -> None:
    delivery = keep("coupon.created", id=5)
    inbox.process_ready()

    assert state(delivery) == (State.IGNORED, "nothing_to_do")
    assert delivery.problem == "coupons are not kept"


def test_an_unreadable_delivery_is_parked_alone_with_the_reason(keep: Keep) -> None:
    bad = keep(nothing=1)
    good = keep(**told())

    inbox.process_ready()

    assert state(bad)[0] == State.PARKED
    assert (bad.problem_code, bad.problem) == ("contract_broken", "The order has no id. ($.id)")
    assert state(good) == (State.DONE, "applied")


def test_a_record_that_cannot_be_stored_is_parked_and_its_delivery_done(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sync.applying.import_orders

    def refuse(store: Any, records: Any, **named: Any) -> Any:
        if any(r.external_id == "2" for r in records):
            raise ValueError("no")
        return real(store, records, **named)

    monkeypatch.setattr(sync.applying, "import_orders", refuse)
    bad, good = keep(**told(2)), keep(**told(1))

    inbox.process_ready()

    assert state(bad) == (State.DONE, "record_parked")
    assert state(good) == (State.DONE, "applied")
    assert ParkedRecord.objects.get().external_id == "2"


def test_a_mistake_of_ours_hits_one_delivery_and_is_tried_again_with_patience(keep: Keep) -> None:
    bad = keep(explode=True, id=9)
    good = keep(**told())

    inbox.process_ready()

    assert state(good) == (State.DONE, "applied")
    assert state(bad)[0] == State.NEW
    assert bad.problem_code == policy.INTERNAL_ERROR
    assert "ZeroDivisionError" in bad.problem
    assert bad.attempts == 2

    for _ in range(policy.MAX_ATTEMPTS):
        Delivery.objects.filter(pk=bad.pk).update(next_at=timezone.now())
        inbox.process_ready()
    assert state(bad)[0] == State.PARKED
    assert bad.problem_code == policy.TOO_MANY_ATTEMPTS


def test_a_store_that_is_away_is_left_alone_until_later(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    toy_store.failing = Unavailable("The shop does not answer.", retry_after_s=90)
    rows = [keep(thin=True, id=number) for number in range(3)]
    whole = keep(**told(7))

    inbox.process_ready()

    assert len(toy_store.asked) == 1
    assert state(whole) == (State.DONE, "applied")
    for row in rows:
        assert state(row)[0] == State.NEW
        assert row.next_at - timezone.now() > timedelta(seconds=80)
    assert sorted(row.attempts for row in rows) == [1, 1, 2]
    assert {row.problem for row in rows} == {"", "The shop does not answer."}


def test_being_asked_to_slow_down_is_not_a_failed_attempt(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    toy_store.failing = RateLimited("Slow down.", retry_after_s=30)
    delivery = keep(thin=True, id=1)

    for _ in range(policy.MAX_ATTEMPTS + 5):
        Delivery.objects.update(next_at=timezone.now())
        inbox.process_ready()

    assert state(delivery)[0] == State.NEW
    assert delivery.attempts == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AuthenticationFailed("The key was refused."), (State.PARKED, verdicts.WAITS_FOR_MERCHANT)),
        (Rejected("No."), (State.PARKED, "")),
        (Misconfigured("The address moved."), (State.NEW, verdicts.ASK_STORE)),
    ],
)
def test_each_kind_of_refusal_waits_for_whoever_can_act(
    keep: Keep, toy_store: toy.ToyStore, error: Exception, expected: tuple[str, str]
) -> None:
    toy_store.failing = error
    delivery = keep(thin=True, id=1)

    inbox.process_ready()

    assert state(delivery) == expected
    assert delivery.problem == str(error)


def test_what_waited_for_the_merchant_is_worked_after_the_store_is_mended(
    keep: Keep, toy_store: toy.ToyStore, store: Store
) -> None:
    toy_store.failing = AuthenticationFailed("The key was refused.")
    delivery = keep(thin=True, id=1)
    inbox.process_ready()
    assert state(delivery)[0] == State.PARKED
    store.refresh_from_db()
    assert store.status == StoreStatus.NEEDS_MERCHANT

    Store.objects.update(status=StoreStatus.ACTIVE)
    toy_store.failing = None
    toy_store.orders["1"] = toy.order(1)
    assert inbox.sweep().ready == 1
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "applied")


def test_a_paused_stores_news_wait_until_it_is_resumed(keep: Keep, store: Store) -> None:
    Store.objects.update(status=StoreStatus.PAUSED)
    delivery = keep(**told())
    assert inbox.process_ready() == 0
    inbox.process_one(delivery.pk)
    assert state(delivery)[0] == State.NEW

    Store.objects.update(status=StoreStatus.ACTIVE)
    assert inbox.process_ready() == 1
    assert state(delivery)[0] == State.DONE


def test_a_store_whose_key_is_dead_is_believed_but_not_asked(
    keep: Keep, toy_store: toy.ToyStore
) -> None:
    toy_store.orders["2"] = toy.order(2)
    Store.objects.update(status=StoreStatus.NEEDS_MERCHANT)
    whole, thin = keep(**told(1)), keep(thin=True, id=2)

    inbox.process_ready()
    assert state(whole) == (State.DONE, "applied")
    assert state(thin) == (State.NEW, verdicts.ASK_STORE)
    assert toy_store.asked == []

    Store.objects.update(status=StoreStatus.ACTIVE)
    inbox.process_ready()
    assert state(thin) == (State.DONE, "applied")


def test_one_delivery_can_be_worked_by_name(keep: Keep) -> None:
    first, second = keep(**told(1)), keep(**told(2))

    inbox.process_one(second.pk)
    inbox.process_one(second.pk)

    assert state(second) == (State.DONE, "applied")
    assert second.attempts == 1
    assert state(first)[0] == State.NEW


def test_stores_take_turns(keep: Keep, toy_store: toy.ToyStore, monkeypatch: Any) -> None:
    monkeypatch.setattr(claims, "BATCH", 2)
    other = make_endpoint(
        make_store(make_merchant("other"), platform="toy", base_url="https://o.example"), token="o"
    )
    for number in range(6):
        keep(**told(number))
    keep(to=other, **told(99))

    worked: list[Any] = []
    real = claims.claim_fresh

    def claim(store_id: Any, limit: int = 2) -> Any:
        rows = real(store_id, limit)
        worked.extend(row.store_id for row in rows)
        return rows

    monkeypatch.setattr(claims, "claim_fresh", claim)
    inbox.process_ready()

    assert len(worked) == 7
    assert worked.index(other.store_id) == 2


def test_slow_stores_are_handed_on_once_and_cost_the_others_nothing(
    keep: Keep, toy_store: toy.ToyStore, store: Store
) -> None:
    keep(thin=True, id=1)
    keep(**told(2))
    handed: list[Any] = []

    inbox.process_ready(ask=handed.append)

    assert handed == [store.pk]
    assert toy_store.asked == []
    assert Order.objects.get().external_id == "2"


def test_one_worker_at_a_time_asks_a_store(
    keep: Keep, toy_store: toy.ToyStore, store: Store
) -> None:
    for number in (1, 2):
        keep(thin=True, id=number)
    inbox.process_ready(ask=lambda _: None)

    held = claims.claim_again(store.pk)
    assert held is not None
    assert claims.claim_again(store.pk) is None

    Delivery.objects.filter(pk=held.pk).update(lease_until=timezone.now() + timedelta(seconds=20))
    assert claims.claim_again(store.pk) is not None


def test_the_claim_is_counted_before_the_work(keep: Keep, store: Store) -> None:
    keep(**told())

    (row,) = claims.claim_fresh(store.pk)

    stored = Delivery.objects.get()
    assert (stored.state, stored.attempts, stored.fence) == (State.BUSY, 1, 1)
    assert row.fence == 1
    assert timedelta(seconds=55) < stored.lease_until - timezone.now() < timedelta(seconds=65)
    assert claims.claim_fresh(store.pk) == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_lease_leaves_no_trace(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = keep(**told())
    applied: list[int] = []
    real_read, real_apply = process.read, sync.apply_orders

    def overtaken(*args: Any) -> Any:
        Delivery.objects.filter(pk=delivery.pk).update(state=State.NEW, fence=77)
        return real_read(*args)

    def apply(*args: Any, **named: Any) -> Any:
        done = real_apply(*args, **named)
        applied.append(Order.objects.count())
        return done

    monkeypatch.setattr(process, "read", overtaken)
    monkeypatch.setattr(sync, "apply_orders", apply)
    inbox.process_ready(limit=1)

    assert applied == [1]
    assert not Order.objects.exists()
    assert state(delivery) == (State.NEW, "")

    monkeypatch.setattr(process, "read", real_read)
    inbox.process_ready()
    assert state(delivery) == (State.DONE, "applied")
    assert Order.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_slow_worker_that_lost_its_lease_leaves_no_trace(
    keep: Keep, toy_store: toy.ToyStore, store: Store
) -> None:
    toy_store.orders["1"] = toy.order(1)
    delivery = keep(thin=True, id=1)
    toy_store.before_answer = lambda: Delivery.objects.update(fence=77, state=State.DONE)

    inbox.process_ready()

    assert not Order.objects.exists()
    delivery.refresh_from_db()
    assert delivery.fence == 77


def test_a_lost_fence_is_seen_before_the_store_is_asked(keep: Keep, store: Store) -> None:
    keep(**told())
    (row,) = claims.claim_fresh(store.pk)
    claims.keep(row)

    Delivery.objects.update(fence=9)

    with pytest.raises(Fenced):
        claims.keep(row)


def test_a_conflict_with_another_writer_is_tried_again(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = keep(**told())
    real = sync.applying.import_orders
    calls: list[int] = []

    def clash(*args: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise LedgerConflict("somebody was faster")
        return real(*args, **named)

    monkeypatch.setattr(sync.applying, "import_orders", clash)
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "applied")


def test_when_the_database_goes_away_the_lease_brings_the_delivery_back(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = keep(**told())

    def away(*_args: Any, **_named: Any) -> Any:
        raise OperationalError("terminating connection")

    monkeypatch.setattr(sync, "apply_orders", away)
    with pytest.raises(OperationalError):
        inbox.process_ready()

    assert state(delivery)[0] == State.BUSY


def test_a_body_that_does_not_open_or_is_gone_is_parked(keep: Keep) -> None:
    altered, expired = keep(**told(1)), keep(**told(2))
    Delivery.objects.filter(pk=altered.pk).update(body_sealed=b"\x01" + b"x" * 40)
    Delivery.objects.filter(pk=expired.pk).update(body_sealed=None)

    inbox.process_ready()

    assert state(altered)[0] == state(expired)[0] == State.PARKED
    assert altered.problem_code == "seal_broken"
    assert "Fetch the order" in expired.problem


def test_the_endpoint_shows_when_it_was_last_heard_at_most_once_a_minute(
    keep: Keep, endpoint: Endpoint
) -> None:
    first = keep(**told())
    inbox.process_ready()
    endpoint.refresh_from_db()
    first.refresh_from_db()
    assert endpoint.last_received_at == first.received_at

    keep(**told(2))
    inbox.process_ready()
    endpoint.refresh_from_db()
    assert endpoint.last_received_at == first.received_at


def test_the_work_carries_the_request_id_of_the_delivery(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    import structlog

    delivery = keep(**told())
    Delivery.objects.filter(pk=delivery.pk).update(request_id="req-42")
    seen: list[Any] = []
    real = sync.apply_orders

    def look(*args: Any, **named: Any) -> Any:
        seen.append(structlog.contextvars.get_contextvars().get("request_id"))
        return real(*args, **named)

    monkeypatch.setattr(sync, "apply_orders", look)
    inbox.process_ready()

    assert seen == ["req-42"]

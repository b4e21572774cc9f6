"""Marking: which listings, when they are due, what it costs, who is rung for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from integrations import outbox
from integrations.models import Push, Store, StoreStatus
from integrations.outbox import dirty
from integrations.outbox.reasons import Reason
from inventory.models import Listing, Variant
from tests.factories import NOW
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import (
    Rung,
    make_listing,
    make_listings,
    make_toy_store,
    push_of,
    set_stock,
)

Shift = Callable[[float], None]
READY, IDLE, BUSY, BLOCKED = (
    Push.State.READY,
    Push.State.IDLE,
    Push.State.BUSY,
    Push.State.BLOCKED,
)


def test_an_isolated_change_is_due_at_once_and_rings_once(
    store: Store, rung: Rung, django_capture_on_commit_callbacks: Any, now: Any
) -> None:
    listing = make_listings(store, 1)[0]

    with django_capture_on_commit_callbacks(execute=True):
        set_stock(listing, 7)
        outbox.mark_dirty([listing.variant_id])

    push = push_of(listing)
    assert push.state == READY
    assert push.next_at <= now()
    assert rung == [("send_pushes", (str(store.pk),), 0.0)]


def test_changes_after_a_push_are_gathered_and_never_wait_longer_than_the_limit(
    store: Store, rung: Rung, pass_time: Shift, django_capture_on_commit_callbacks: Any
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 7)
    outbox.send_pushes(store.pk)

    with django_capture_on_commit_callbacks(execute=True):
        outbox.mark_dirty([listing.variant_id])
    first = push_of(listing)
    assert rung == [("send_pushes", (str(store.pk),), 1.0)]
    waits = first.next_at - first.dirty_since

    pass_time(0.6)
    outbox.mark_dirty([listing.variant_id])
    later = push_of(listing)
    pass_time(9)
    before = push_of(listing).next_at
    outbox.mark_dirty([listing.variant_id])

    assert waits == dirty.DEBOUNCE
    assert later.next_at - later.dirty_since >= timedelta(seconds=1.6)
    assert push_of(listing).next_at == before
    assert push_of(listing).want_version == 4


def test_all_stores_and_variants_counted_as_one_are_marked(store: Store) -> None:
    parent = make_listings(store, 1)[0]
    child = Variant.objects.create(
        merchant=store.merchant, product=parent.variant.product, counted_as=parent.variant
    )
    other = make_toy_store(merchant=store.merchant, base_url="https://two.example")
    gone_store = make_toy_store(
        merchant=store.merchant,
        base_url="https://three.example",
        status=StoreStatus.DISCONNECTED,
    )
    here = make_listing(store, child, external_variant_id="child")
    there = make_listing(other, parent.variant)
    make_listing(gone_store, parent.variant)
    make_listing(other, child, external_variant_id="gone", gone_at=NOW)

    marked = outbox.mark_dirty([parent.variant_id])

    assert marked == 3
    assert set(Push.objects.values_list("listing_id", flat=True)) == {
        parent.pk,
        here.pk,
        there.pk,
    }


def test_one_store_can_be_marked_alone(store: Store) -> None:
    listing = make_listings(store, 1)[0]
    other = make_toy_store(merchant=store.merchant, base_url="https://two.example")
    there = make_listing(other, listing.variant)

    outbox.mark_dirty([listing.variant_id], store_id=other.pk)

    assert [p.listing_id for p in Push.objects.all()] == [there.pk]


def test_marking_costs_four_statements_however_many(
    store: Store, django_assert_max_num_queries: Any
) -> None:
    listings = make_listings(store, 600)
    ids = [x.variant_id for x in listings]

    with django_assert_max_num_queries(6):  # a savepoint and its release are two of them
        outbox.mark_dirty(ids[:500])
    with django_assert_max_num_queries(6):
        outbox.mark_dirty(ids)

    assert Push.objects.filter(want_version=2).count() == 500
    assert Push.objects.filter(want_version=1).count() == 100


def test_without_writes_nothing_is_due_and_nobody_is_rung(
    store: Store, rung: Rung, django_capture_on_commit_callbacks: Any
) -> None:
    Store.objects.update(writes_enabled=False)
    old, new = make_listings(store, 2)
    Push.objects.create(store=store, listing=old)

    with django_capture_on_commit_callbacks(execute=True):
        outbox.mark_dirty([old.variant_id, new.variant_id])

    assert rung == []
    assert {(p.state, p.problem_code, p.next_at) for p in Push.objects.all()} == {
        (BLOCKED, Reason.WRITES_OFF, None)
    }


def test_a_change_does_not_shorten_a_wait_the_store_asked_for(store: Store, now: Any) -> None:
    listing = make_listings(store, 1)[0]
    until = now() + timedelta(seconds=50)
    Push.objects.create(
        store=store,
        listing=listing,
        state=READY,
        want_version=1,
        dirty_since=now(),
        next_at=until,
        problem_code="rate_limited",
    )

    outbox.mark_dirty([listing.variant_id])

    push = push_of(listing)
    assert (push.next_at, push.want_version, push.problem_code) == (until, 2, "rate_limited")


def test_busy_and_blocked_stay_so_and_fall_behind(store: Store, now: Any) -> None:
    busy, blocked = make_listings(store, 2)
    Push.objects.create(store=store, listing=busy, state=BUSY, want_version=3, sent_version=2)
    Push.objects.create(store=store, listing=blocked, state=BLOCKED, problem_code="rejected")

    outbox.mark_dirty([busy.variant_id, blocked.variant_id])

    assert (push_of(busy).state, push_of(busy).want_version) == (BUSY, 4)
    assert (push_of(blocked).state, push_of(blocked).want_version) == (BLOCKED, 1)


def test_a_first_push_inserted_by_another_worker_is_raised_not_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = make_listings(store, 1)[0]
    real = dirty.bulk.insert

    def beaten(model: Any, rows: Any, **options: Any) -> Any:
        Push.objects.create(store=store, listing=listing, want_version=8, sent_version=8)
        return real(model, rows, **options)

    monkeypatch.setattr(dirty.bulk, "insert", beaten)

    outbox.mark_dirty([listing.variant_id])

    push = push_of(listing)
    assert (push.state, push.want_version, push.sent_version) == (READY, 9, 8)


def test_our_own_figure_coming_back_is_an_echo(store: Store, now: Any) -> None:
    push = Push(pushed_value=5, pushed_at=now() - timedelta(minutes=9))

    assert outbox.is_echo(push, {"": 5}, now())
    assert not outbox.is_echo(push, {"": 4}, now())
    assert not outbox.is_echo(push, {}, now())
    assert not outbox.is_echo(push, {"": 5}, now() + timedelta(minutes=2))
    assert not outbox.is_echo(Push(), {"": 5}, now())


def test_an_echo_marks_nothing_and_a_foreign_figure_is_written_over(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    echo, foreign = make_listings(store, 2)
    for listing in (echo, foreign):
        set_stock(listing, 5)
    outbox.send_pushes(store.pk)
    pass_time(5)
    Listing.objects.filter(pk=foreign.pk).update(seen_quantity=40, seen_at=Now())

    outbox.note_store_figures([echo.pk, foreign.pk])
    assert push_of(echo).state == IDLE
    outbox.send_pushes(store.pk)

    assert shop.stock_calls[1:] == [{foreign.stock_ref: 5}]


def test_something_that_keeps_changing_the_figure_back_is_not_fought_forever(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 5)
    outbox.send_pushes(store.pk)

    for _ in range(5):
        pass_time(5)
        Listing.objects.update(seen_quantity=40, seen_at=Now())
        outbox.note_store_figures([listing.pk])
        outbox.send_pushes(store.pk)

    push = push_of(listing)
    assert len(shop.stock_calls) == 3  # the push itself and two corrections
    assert (push.state, push.problem_code) == (BLOCKED, Reason.FROZEN)
    assert "keeps changing" in push.problem


def test_a_refused_line_is_tried_again_when_the_store_changed_the_listing(
    store: Store, shop: toy.ToyShop
) -> None:
    listing = make_listings(store, 1)[0]
    shop.refused[listing.stock_ref] = ("rejected", "Stock is not managed for this product.")
    set_stock(listing, 5)
    outbox.send_pushes(store.pk)
    assert push_of(listing).state == BLOCKED
    shop.refused.clear()

    Listing.objects.update(seen_quantity=3, seen_at=Now())
    outbox.note_store_figures([listing.pk])
    outbox.send_pushes(store.pk)

    assert shop.stock == {listing.stock_ref: 5}
    assert push_of(listing).state == IDLE

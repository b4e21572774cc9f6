"""A comparison that is killed, fails or is too bold: it goes on where it was, waits, or asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import reconcile
from integrations.errors import Unavailable
from integrations.models import Reconciliation, Store, SyncRun
from integrations.reconcile import Cause, engine, orders, stock
from integrations.sync import RunRefused
from logix.accounts.models import AuditEvent
from orders.models import Order
from tests.integrations.reconcile.conftest import (
    ANNA,
    compare,
    counted_listing,
    leases_run_out,
    said,
    set_stock,
    work,
)
from tests.integrations.sync.conftest import Killed, killed_at, make_run
from tests.integrations.woocommerce.world import WooWorld

pytestmark = pytest.mark.django_db(transaction=True)
# Enough to be there when the last statement of a run is killed.
_MOST_STATEMENTS = 400


def test_killed_at_any_statement_it_goes_on_and_counts_nothing_twice(
    woo_store: Store, shop: WooWorld
) -> None:
    newest, second = Order.objects.filter(store=woo_store).order_by("-placed_at")[:2]
    shop.delete_order(newest.external_id)
    shop.cancel_order(second.external_id)
    placed = shop.place_order()
    set_stock(shop, counted_listing(woo_store), 99)
    rehearsed = compare(woo_store, dry_run=True)
    run = reconcile.request(woo_store, days=365, actor=ANNA)
    kills, statement = 0, 1

    # Each life ends some statements later than the one before, wherever the run then is.
    while run.state == "running" and kills < _MOST_STATEMENTS:
        try:
            with killed_at(statement):
                reconcile.compare_slice(run.pk)
        except Killed:
            kills += 1
        leases_run_out()
        statement += 3
        run.refresh_from_db()

    assert kills > 10
    assert run.state == "complete"
    counts = said(run)
    for cause in (Cause.ORDERS_THERE, Cause.ORDERS_HERE, Cause.ORDERS_AGREE, Cause.LISTINGS):
        assert counts[cause] == said(rehearsed)[cause]
    assert [counts[x] for x in (Cause.MISSING_READ, Cause.GONE, Cause.SAMPLE_READ)] == [1, 1, 1]
    assert Order.objects.get(store=woo_store, external_id=placed).gone_at is None
    assert Order.objects.get(pk=newest.pk).gone_at is not None
    assert Order.objects.get(pk=second.pk).order_status == "cancelled"
    assert not reconcile.left_open(run)


def test_only_one_worker_is_at_a_comparison(woo_store: Store) -> None:
    run = reconcile.request(woo_store, actor=ANNA)
    Reconciliation.objects.filter(pk=run.pk).update(
        lease_until=timezone.now() + timedelta(minutes=1)
    )

    assert reconcile.compare_slice(run.pk) is False
    run.refresh_from_db()
    assert (run.phase, run.counts) == ("lists", {})


def test_a_worker_that_slept_past_its_lease_writes_nothing(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    external_id = shop.place_order()
    run = reconcile.request(woo_store, actor=ANNA)
    real = orders.reading.by_id

    def slow(*args: Any) -> Any:
        Reconciliation.objects.filter(pk=run.pk).update(fence=99)
        return real(*args)

    monkeypatch.setattr(orders.reading, "by_id", slow)

    assert reconcile.compare_slice(run.pk) is False

    assert not Order.objects.filter(store=woo_store, external_id=external_id).exists()


def test_a_slice_ends_and_the_next_goes_on(
    woo_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SLICE_S", -1.0)
    run = reconcile.request(woo_store, days=3, actor=ANNA)

    slices = 1
    while reconcile.compare_slice(run.pk):
        slices += 1

    run.refresh_from_db()
    assert (run.state, slices > 8) == ("complete", True)


def test_a_store_that_is_down_is_waited_for_and_then_given_up(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = Unavailable("The store did not answer.")
    monkeypatch.setattr(engine.orders, "_listed", lambda *_: (_ for _ in ()).throw(down))
    steps = {**engine._STEPS, "lists": engine.orders.lists}
    monkeypatch.setattr(engine, "_STEPS", steps)
    run = reconcile.request(woo_store, actor=ANNA)

    assert reconcile.compare_slice(run.pk) is False

    run.refresh_from_db()
    assert (run.state, run.attempts, run.problem) == ("running", 1, "The store did not answer.")
    assert run.next_at is not None
    for _ in range(engine.MOST_TRIES):
        reconcile.compare_slice(run.pk)
    run.refresh_from_db()
    assert (run.state, run.next_at) == ("failed", None)
    assert reconcile.verdict(run) == run.problem
    assert [x.pk for x in reconcile.failed()] == [run.pk]


def test_more_deleted_orders_than_a_merchant_deletes_are_asked_about_first(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MANY", 2)
    lost = list(Order.objects.filter(store=woo_store).values_list("external_id", flat=True)[:4])
    for external_id in lost:
        shop.delete_order(external_id)

    run = compare(woo_store)

    assert (run.state, Order.objects.exclude(gone_at=None).count()) == ("stopped", 0)
    assert run.problem == (
        f"4 of {Order.objects.count()} orders of these days are not at Musterladen any more. "
        "Nothing was marked. If they were deleted on purpose, let the comparison go on; if not, "
        "have the store put back what it lost first."
    )
    assert [x.pk for x in reconcile.asking()] == [run.pk]

    reconcile.go_on(run, actor=ANNA)
    run = work(run)

    assert (run.state, said(run)[Cause.GONE]) == ("complete", 4)
    assert set(Order.objects.exclude(gone_at=None).values_list("external_id", flat=True)) == set(
        lost
    )
    event = AuditEvent.objects.get(action="reconciliation.gone_on")
    assert (event.actor, event.object_id) == ("anna", str(woo_store.pk))
    with pytest.raises(RunRefused, match="Only a comparison that stopped"):
        reconcile.go_on(run, actor=ANNA)


def test_a_share_that_merchants_do_delete_is_not_asked_about(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MANY", 1)
    for order in Order.objects.filter(store=woo_store)[:2]:
        shop.delete_order(order.external_id)

    run = compare(woo_store)

    assert (run.state, said(run)[Cause.GONE]) == ("complete", 2)


def test_a_store_that_shows_nothing_of_anything_is_asked_about_first(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "MANY", 1)
    listings = [counted_listing(woo_store, number) for number in range(3)]
    for listing in listings:
        set_stock(shop, listing, 0)

    run = compare(woo_store)

    assert run.state == "stopped"
    assert "3 of 9 listings of Musterladen show 0, and no sale explains it." in run.problem
    for listing in listings:
        before = listing.seen_quantity
        listing.refresh_from_db()
        assert listing.seen_quantity == before

    reconcile.go_on(run, actor=ANNA)
    run = work(run)

    assert (run.state, said(run)[Cause.STOCK_DRIFT], said(run)[Cause.LISTINGS]) == (
        "complete",
        3,
        9,
    )
    for listing in listings:
        listing.refresh_from_db()
        assert listing.seen_quantity == 0


def test_what_does_not_fit_into_a_run_is_left_for_the_next(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MOST_READS", 2)
    for _ in range(3):
        shop.place_order()

    first, second = compare(woo_store), compare(woo_store)

    assert (said(first)[Cause.MISSING_READ], said(first)[Cause.MISSING_LEFT]) == (2, 1)
    assert reconcile.left_open(first) == 1
    assert said(second)[Cause.MISSING_READ] == 1
    assert reconcile.left_open(second) == 0


def test_a_comparison_is_refused_where_it_makes_no_sense(woo_store: Store) -> None:
    backfill = make_run(woo_store)
    with pytest.raises(RunRefused, match="All orders of Musterladen are being read"):
        reconcile.request(woo_store, actor=ANNA)
    SyncRun.objects.filter(pk=backfill.pk).update(state="completed")
    reconcile.request(woo_store, actor=ANNA)
    with pytest.raises(RunRefused, match="Musterladen is being compared already"):
        reconcile.request(woo_store, actor=ANNA)
    woo_store.streams.update(read_through=None)
    with pytest.raises(RunRefused, match="were not read yet"):
        reconcile.request(woo_store, actor=ANNA)
    Store.objects.update(status="paused")
    woo_store.refresh_from_db()
    with pytest.raises(RunRefused, match="Musterladen is not active: paused"):
        reconcile.request(woo_store, actor=ANNA)


def test_one_that_never_came_to_its_end_gives_way_after_two_days(woo_store: Store) -> None:
    old = reconcile.request(woo_store, actor=ANNA)
    Reconciliation.objects.update(created_at=timezone.now() - timedelta(days=2, minutes=1))

    new = reconcile.request(woo_store, actor=ANNA)

    old.refresh_from_db()
    assert (old.state, new.state) == ("failed", "running")


def test_only_the_newest_comparison_goes_on(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = reconcile.request(woo_store, actor=ANNA)
    Reconciliation.objects.update(state="stopped", problem="Asks.")
    compare(woo_store)

    with pytest.raises(RunRefused, match="compared again since"):
        reconcile.go_on(old, actor=ANNA)
    assert not reconcile.asking().exists()

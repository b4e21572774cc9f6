"""A past that the store prepares as a whole: waited for without a worker, resumable at each page,
read by pages where the store will not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from integrations import sync
from integrations.errors import AuthenticationFailed, Rejected, Unavailable, Unsupported
from integrations.models import RunState, Store, SyncRun
from integrations.sync import backfill
from orders.models import Order, OrderEvent
from tests.factories import make_merchant
from tests.integrations.sync import toy
from tests.integrations.sync.conftest import (
    Killed,
    Rung,
    ago,
    in_hub,
    in_shop,
    killed_at,
    leases_run_out,
    make_moving_store,
    make_run,
    orders,
    raising,
    run_to_end,
    walk,
)
from tests.integrations.sync.toy import MovingShop

pytestmark = pytest.mark.django_db

FROM = 6


@pytest.fixture(autouse=True)
def exporting(monkeypatch: pytest.MonkeyPatch, shop: MovingShop) -> None:
    """The shop prepares six orders and more as a whole."""
    card = dataclasses.replace(toy.CARD, whole_from=FROM)
    monkeypatch.setattr(toy.MovingShopIntegration, "card", card)
    shop.page_size = 3


def fill(shop: MovingShop, count: int = 12) -> None:
    shop.add(*orders(count, ago(days=2), apart_s=3600))


def to_end(run: SyncRun) -> SyncRun:
    """As the clock and its workers do it."""
    for _ in range(40):
        run = run_to_end(run)
        if not run.is_live:
            return run
        SyncRun.objects.filter(pk=run.pk).update(next_at=timezone.now())
    raise AssertionError((run.state, run.problem))


def begun(store: Store) -> SyncRun:
    """A run whose store was asked for the whole, and prepares it."""
    run = make_run(store)
    assert sync.run_slice(run.pk) is False
    run.refresh_from_db()
    assert run.state == RunState.WAITING
    return run


def test_many_orders_are_asked_for_at_once_and_no_worker_waits_for_them(
    store: Store, shop: MovingShop
) -> None:
    fill(shop)
    shop.waits = 2
    run = make_run(store)

    assert sync.run_slice(run.pk) is False
    run.refresh_from_db()
    assert (run.state, run.lease_until, run.problem) == (RunState.WAITING, None, "")
    assert (run.expected, run.seen, run.pages) == (12, 0, 0)
    for _ in range(2):
        assert sync.run_slice(run.pk) is False
    assert sync.run_slice(run.pk) is False

    run.refresh_from_db()
    assert (run.state, run.expected, run.seen, run.created) == (RunState.COMPLETED, 12, 12, 12)
    assert run.progress == 1.0
    assert in_hub(store) == in_shop(shop)
    wanted = [(f.since, f.until) for f in shop.asked if f.whole]
    assert len(shop.exports) == 1
    assert set(wanted) == {(run.window_from.replace(microsecond=0), wanted[0][1])}
    assert wanted[0][1] >= run.window_to
    assert [f for f in shop.asked if not f.whole and f.page_size is None] == []


def test_few_orders_are_read_by_pages(store: Store, shop: MovingShop) -> None:
    fill(shop, FROM - 1)

    run = run_to_end(make_run(store))

    assert (run.state, shop.exports) == (RunState.COMPLETED, [])
    assert in_hub(store) == in_shop(shop)


def test_changes_are_never_asked_for_as_a_whole(store: Store, shop: MovingShop) -> None:
    shop.add(*orders(30, ago(minutes=9), apart_s=1))

    walk(store)

    assert shop.exports == []
    assert in_hub(store) == in_shop(shop)


@pytest.mark.django_db(transaction=True)
def test_a_run_killed_at_any_statement_goes_on_from_its_place(shop: MovingShop) -> None:
    merchant = make_merchant()
    statement, survived = 0, False
    while not survived:
        statement += 1
        store = make_moving_store(merchant=merchant, base_url=f"https://{statement}.example")
        shop.orders.clear()
        shop.exports.clear()
        shop.waits = 1
        fill(shop, FROM)
        run = make_run(store)
        try:
            with killed_at(statement):
                to_end(run)
            survived = True
        except Killed:
            leases_run_out()
            to_end(run)
        run.refresh_from_db()
        assert run.state == RunState.COMPLETED, f"killed at statement {statement}"
        assert run.seen == FROM, f"killed at statement {statement}"
        assert in_hub(store) == in_shop(shop)
        assert Store.objects.get(pk=store.pk).stock_opened_at is not None
        # The place is kept with each page, so only the asking itself is ever done twice.
        assert len(shop.exports) <= 2
        offsets = [f.position["offset"] for f in shop.asked if f.position]
        assert offsets == sorted(offsets)
        shop.asked.clear()

    assert statement > 40
    assert OrderEvent.objects.filter(kind="imported").count() == FROM * statement


def test_each_slice_goes_on_where_the_last_one_ended(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "SLICE_S", -1.0)
    fill(shop, 40)
    run = to_end(make_run(store))

    assert (run.state, run.seen, len(shop.exports)) == (RunState.COMPLETED, 40, 1)
    offsets = [f.position["offset"] for f in shop.asked if f.position]
    assert len(set(offsets)) >= 4
    assert in_hub(store) == in_shop(shop)


def test_an_order_that_changed_while_it_was_prepared_is_not_set_back(
    new_store: Store, shop: MovingShop
) -> None:
    """Changes are followed beside it from the first moment, and newer wins whichever is first."""
    fill(shop)
    walk(new_store, "products")
    walk(new_store)
    run = SyncRun.objects.get()
    sync.run_slice(run.pk)
    shop.edit("1003", ago(seconds=2), raw_status="shipped")
    shop.edit("1004", ago(seconds=2), raw_status="cancelled")
    walk(new_store)
    assert set(in_hub(new_store)) == {"1003", "1004"}
    shop.edit("1004", ago(seconds=1), raw_status="back again")

    run = to_end(run)
    assert in_hub(new_store) | {"1004": ()} == in_shop(shop) | {"1004": ()}
    walk(new_store)

    assert run.state == RunState.COMPLETED
    assert in_hub(new_store) == in_shop(shop)
    assert in_hub(new_store)["1003"][0] == "shipped"


def test_what_the_store_will_not_prepare_is_read_by_pages_and_the_run_says_why(
    store: Store, shop: MovingShop
) -> None:
    fill(shop)
    shop.before_export = raising(Unsupported("The shop prepares nothing today."))

    run = to_end(make_run(store))

    assert (run.state, run.expected, run.seen) == (RunState.COMPLETED, 12, 12)
    assert run.problem == (
        "The shop prepares nothing today. So the store's orders are read page by page."
    )
    assert in_hub(store) == in_shop(shop)
    assert shop.exports == []


def test_one_that_breaks_amid_its_pages_is_read_again_by_pages_and_progress_says_so(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "SLICE_S", -1.0)
    fill(shop, 40)
    run = begun(store)
    shop.waits = 0
    assert sync.run_slice(run.pk) is True
    run.refresh_from_db()
    before = run.seen
    assert 0 < before < 40

    shop.before_export = raising(Unsupported("The export is gone."))
    assert sync.run_slice(run.pk) is True
    run.refresh_from_db()
    assert (run.seen, run.expected) == (before, 40 + before)
    run = to_end(run)

    assert (run.state, run.seen, run.progress) == (RunState.COMPLETED, 40 + before, 1.0)
    assert (run.created, run.unchanged) == (40, before)
    assert run.problem.startswith("The export is gone. So")
    assert in_hub(store) == in_shop(shop)


def test_one_that_begins_anew_counts_what_is_read_again(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "SLICE_S", -1.0)
    fill(shop, 40)
    run = begun(store)
    shop.waits = 0
    sync.run_slice(run.pk)
    run.refresh_from_db()
    before = run.seen
    SyncRun.objects.update(checkpoint={**run.checkpoint, "position": {}})
    sync.run_slice(run.pk)

    run.refresh_from_db()
    assert (run.state, run.seen, run.expected) == (RunState.WAITING, before, 40 + before)
    assert to_end(run).progress == 1.0


@pytest.mark.parametrize("error", [Unavailable("Down."), Rejected("No.")])
def test_what_cannot_be_had_for_minutes_is_not_waited_for_longer(
    store: Store, shop: MovingShop, error: Exception
) -> None:
    fill(shop)
    run = begun(store)
    shop.before_export = raising(error)

    run = to_end(run)

    assert (run.state, run.expected, run.seen) == (RunState.COMPLETED, 12, 12)
    assert str(error) in run.problem
    assert "page by page" in run.problem
    assert in_hub(store) == in_shop(shop)


def test_a_store_that_refuses_us_meanwhile_goes_on_with_the_same_export(
    store: Store, shop: MovingShop
) -> None:
    fill(shop)
    run = begun(store)
    shop.before_export = raising(AuthenticationFailed("The key was refused."))
    sync.run_slice(run.pk)
    Store.objects.update(status="active")
    shop.before_export = lambda made: None

    run = to_end(run)

    assert (run.state, len(shop.exports), run.seen) == (RunState.COMPLETED, 1, 12)


def test_a_bad_record_is_set_aside_alone(store: Store, shop: MovingShop) -> None:
    fill(shop)
    shop.unreadable = {"1005"}

    run = to_end(make_run(store))

    assert (run.created, run.parked) == (11, 1)
    assert set(in_shop(shop)) - set(in_hub(store)) == {"1005"}


def test_a_dry_run_changes_nothing(store: Store, shop: MovingShop) -> None:
    fill(shop)

    run = to_end(make_run(store, dry_run=True))

    assert (run.state, run.created, run.seen) == (RunState.COMPLETED, 12, 12)
    assert Order.objects.count() == 0


def test_who_reads_at_the_command_line_waits_for_the_store(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop)
    naps: list[float] = []
    monkeypatch.setattr("integrations.management.commands.sync.time.sleep", naps.append)
    out = StringIO()

    call_command("sync", str(store.pk), "--since=2020-01-01", stdout=out)

    assert naps == [0.0, 0.0]
    assert "Waiting for the store: 0 of 12 read" in out.getvalue()
    assert out.getvalue().endswith("Done: 12 new, 0 changed, 0 unchanged, 0 parked\n")
    assert in_hub(store) == in_shop(shop)


def test_who_reads_at_the_command_line_is_told_why_it_is_by_pages(
    store: Store, shop: MovingShop
) -> None:
    fill(shop)
    shop.before_export = raising(Unsupported("The shop prepares nothing today."))
    out = StringIO()

    call_command("sync", str(store.pk), "--since=2020-01-01", stdout=out)

    assert "nothing today. So the store's orders are read page by page." in out.getvalue()
    assert "Done: 12 new" in out.getvalue()


def test_a_cancelled_run_has_its_store_told(
    store: Store, shop: MovingShop, rung: Rung, django_capture_on_commit_callbacks: Any
) -> None:
    fill(shop)
    run = begun(store)

    with django_capture_on_commit_callbacks(execute=True):
        sync.cancel_run(run, actor="user:anna")

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert ("drop_prepared", ()) in rung
    assert sync.drop_prepared() == 1
    assert shop.dropped == [0]
    assert sync.drop_prepared() == 0


def test_a_run_cancelled_under_its_worker_has_its_store_told(
    store: Store,
    shop: MovingShop,
    rung: Rung,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    fill(shop, 40)
    run = begun(store)
    shop.waits = 0
    _when_a_page_is_written(monkeypatch, lambda: sync.cancel_run(run, actor="user:anna"))
    with django_capture_on_commit_callbacks(execute=True):
        sync.run_slice(run.pk)

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert ("drop_prepared", ()) in rung
    assert sync.drop_prepared() == 1


def test_a_store_that_cannot_be_told_is_told_later_and_not_for_ever(
    store: Store, shop: MovingShop, noted: list[Exception]
) -> None:
    fill(shop)
    run = begun(store)
    sync.cancel_run(run, actor="user:anna")
    shop.open_error = Unavailable("Down.")
    assert sync.drop_prepared() == 0
    shop.open_error = None
    SyncRun.objects.update(finished_at=timezone.now() - timedelta(days=2))
    assert sync.drop_prepared() == 0
    SyncRun.objects.update(finished_at=timezone.now())

    assert sync.drop_prepared() == 1


def test_a_paused_run_goes_on_with_what_was_prepared(store: Store, shop: MovingShop) -> None:
    fill(shop)
    run = begun(store)
    sync.pause_run(run, actor="user:anna")
    assert sync.run_slice(run.pk) is False
    assert sync.drop_prepared() == 0

    sync.resume_run(run, actor="user:anna")

    run = to_end(run)
    assert (run.state, len(shop.exports)) == (RunState.COMPLETED, 1)


def test_a_run_paused_while_its_store_is_asked_stays_paused(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(shop)
    run = make_run(store)
    real = backfill._Job._leave_to_store

    def leave(*args: Any) -> None:
        sync.pause_run(run, actor="user:anna")
        real(*args)

    monkeypatch.setattr(backfill._Job, "_leave_to_store", leave)

    sync.run_slice(run.pk)

    run.refresh_from_db()
    assert (run.state, run.lease_until) == (RunState.PAUSED, None)
    assert run.checkpoint["position"] == {"export": 0, "offset": 0}


def _when_a_page_is_written(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    real = backfill._Job._write

    def write(*args: Any) -> Any:
        done = real(*args)
        act()
        return done

    monkeypatch.setattr(backfill._Job, "_write", write)

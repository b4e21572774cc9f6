"""The incremental walk: nothing skipped, nothing twice, however the list moves and wherever it is
killed.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import sync
from integrations.base import Page
from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    NotFound,
    RateLimited,
    Unavailable,
)
from integrations.kit import pagination
from integrations.models import ParkedRecord, RunState, Store, StoreStatus, Stream, SyncGap, SyncRun
from integrations.sync import applying, changes, leases, reading
from orders.data import RefundData
from orders.errors import OrderChangedMeanwhile
from orders.models import Order, OrderEvent
from tests.factories import CANCELLED, make_merchant, make_order, make_product
from tests.integrations.sync.conftest import (
    Killed,
    ago,
    failing_at,
    failing_from,
    in_hub,
    in_shop,
    killed_at,
    leases_run_out,
    make_moving_store,
    orders,
    raising,
    stream_of,
    walk,
)
from tests.integrations.sync.toy import MovingShop

pytestmark = pytest.mark.django_db


def test_five_hundred_orders_of_one_second_and_edits_between_pages_all_come_in(
    store: Store, shop: MovingShop
) -> None:
    second = ago(minutes=30)
    shop.add(*orders(500, second), *orders(40, ago(minutes=20), first=600))

    def edit(page: int) -> None:
        for number in (page, 100 + page, 600 + page):
            external_id = str(1000 + number)
            if external_id in shop.orders:
                shop.edit(external_id, ago(seconds=60 - page), status=CANCELLED, raw_status="x")

    shop.before = edit
    walk(store)
    shop.before = lambda page: None
    walk(store)

    assert in_hub(store) == in_shop(shop)
    assert OrderEvent.objects.filter(kind="imported").count() == 540
    assert not SyncGap.objects.exists()


def test_a_walk_that_fails_goes_on_where_it_was(store: Store, shop: MovingShop) -> None:
    shop.page_size = 10
    for minute in range(5):
        shop.add(*orders(10, ago(minutes=30 - minute), first=1 + 10 * minute, apart_s=1))
    shop.before = failing_at(3, Unavailable("The store is down."))

    walk(store)

    stream = stream_of(store)
    assert 10 < Order.objects.count() < 50
    assert (stream.failures, stream.last_error) == (1, "The store is down.")
    assert stream.next_at > timezone.now() - timedelta(seconds=1)
    assert stream.lease_until is None

    shop.before = lambda page: None
    walk(store)

    assert in_hub(store) == in_shop(shop)
    assert (stream_of(store).failures, stream_of(store).last_error) == (0, "")
    assert shop.asked[1].position is not None


def test_what_shows_late_is_not_lost_by_a_walk_that_was_taken_up_hours_later(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change may show in the list seconds after its own time. A walk that stops there and goes on
    later has passed that time; the next one has to look back to where the first began.
    """
    shop.page_size = 10
    shop.add(*orders(10, ago(minutes=1)))
    shop.before = failing_at(2, Unavailable("The store is down."))
    walk(store)
    shop.add(*orders(1, ago(minutes=1, seconds=2), first=50))
    shop.before = lambda page: None

    _pass_time(store, hours=3)
    walk(store)
    walk(store)

    assert in_hub(store) == in_shop(shop)


def test_the_place_never_passes_the_stores_clock_at_the_walks_start_less_its_lag(
    store: Store, shop: MovingShop
) -> None:
    shop.ahead = timedelta(hours=-1)
    stream = stream_of(store)
    before = timezone.now()

    walk(store)

    read_through = stream_of(store).read_through
    expected = before - timedelta(hours=1, seconds=stream.lag_s)
    assert abs(read_through - expected) < timedelta(seconds=2)
    assert stream_of(store).position == {}


def test_without_a_clock_in_the_answer_ours_counts(store: Store, shop: MovingShop) -> None:
    shop.tells_clock = False

    walk(store)

    assert timezone.now() - stream_of(store).read_through < timedelta(seconds=10)
    assert stream_of(store).skew_ms == 0


def test_a_clock_that_is_set_back_loses_nothing(store: Store, shop: MovingShop) -> None:
    shop.ahead = timedelta(hours=2)
    walk(store)
    walk(store)
    shop.ahead = timedelta()
    shop.add(*orders(1, ago(seconds=30)))

    slices = walk(store)

    assert slices == 2
    assert in_hub(store) == in_shop(shop)
    assert stream_of(store).read_through < timezone.now()


@pytest.mark.django_db(transaction=True)
def test_a_walk_killed_at_any_statement_ends_with_what_the_store_holds(shop: MovingShop) -> None:
    shop.page_size = 3
    merchant = make_merchant()
    statement, survived = 0, False
    while not survived:
        statement += 1
        store = make_moving_store(merchant=merchant, base_url=f"https://{statement}.example")
        shop.orders.clear()
        shop.add(*orders(4, ago(minutes=9), apart_s=1))
        try:
            with killed_at(statement):
                sync.run_stream(stream_of(store).pk)
            survived = True
        except Killed:
            shop.edit("1002", ago(minutes=1), raw_status="edited")
            leases_run_out()
            walk(store)
        assert in_hub(store) == in_shop(shop), f"killed at statement {statement}"

    assert statement > 30
    assert OrderEvent.objects.filter(kind="imported").count() == 4 * statement


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", [1, 2, 3, 4])
def test_a_walk_killed_between_pages_goes_on_and_skips_nothing(
    store: Store, shop: MovingShop, page: int
) -> None:
    shop.page_size = 5
    shop.add(*orders(5, ago(minutes=9)), *orders(5, ago(minutes=8), first=20))
    shop.add(*orders(5, ago(minutes=7), first=40))
    shop.before = failing_at(page, Killed())

    with pytest.raises(Killed):
        walk(store)
    shop.before = lambda page: None
    shop.edit("1001", ago(minutes=1), raw_status="edited")
    walk(store)

    assert in_hub(store) == in_shop(shop)


def test_of_two_workers_at_one_stream_the_second_does_nothing(
    store: Store, shop: MovingShop
) -> None:
    answers: list[bool] = []
    shop.add(*orders(1, ago(minutes=5)))
    shop.before = lambda page: None
    stream = stream_of(store)
    fence = leases.take(Stream.objects, stream.pk)
    assert fence

    answers.append(sync.run_stream(stream.pk))

    assert answers == [False]
    assert shop.opened == 0
    assert leases.drop(Stream.objects, stream.pk, fence)


def test_a_worker_that_slept_past_its_lease_leaves_no_trace(store: Store, shop: MovingShop) -> None:
    """It fetched a page, slept, and wakes when another worker has read everything and more."""
    at = ago(minutes=9)
    shop.add(*orders(2, at))
    walk(store)
    sleeper, asleep = _worker(store), ago(seconds=2)
    other = dataclasses.replace(shop.orders["1001"], raw_status="other")
    news = orders(1, ago(minutes=8), first=7)
    whole = reading.Read(Page(records=tuple(news), position={"a": 1}), asleep)
    torn = reading.Read(Page(records=(*news, other), position={"a": 1}), asleep)
    leases_run_out()
    shop.edit("1002", ago(minutes=1), raw_status="newer")
    walk(store)
    before = Stream.objects.values().get(name="orders")

    for page in (whole, torn):
        with shop.adapter(store) as adapter, pytest.raises(leases.Fenced):
            sleeper._page(adapter, page)

    assert in_hub(store) == in_shop(shop)
    assert Stream.objects.values().get(name="orders") == before
    assert shop.asked_ids == []


def test_a_worker_that_sleeps_during_a_read_by_id_writes_nothing_of_it(
    store: Store, shop: MovingShop
) -> None:
    at = ago(minutes=9)
    shop.add(*orders(2, at))
    walk(store)
    sleeper = _worker(store)
    other = dataclasses.replace(shop.orders["1001"], raw_status="other")
    page = reading.Read(Page(records=(other,), position={"a": 1}), ago(seconds=2))
    before = in_hub(store)

    def sleep(_: str) -> None:
        Stream.objects.filter(name="orders").update(fence=99, lease_owner="another")

    shop.by_id = sleep
    shop.orders["1001"] = other
    with shop.adapter(store) as adapter, pytest.raises(leases.Fenced):
        sleeper._page(adapter, page)

    assert in_hub(store) == before
    assert stream_of(store).position == {}


def _worker(store: Store) -> changes._Walk:
    fence = leases.take(Stream.objects, stream_of(store).pk)
    assert fence is not None
    return changes._Walk(stream_of(store), fence)


def test_a_walk_that_lost_its_lease_before_the_end_claims_no_success(
    store: Store, shop: MovingShop
) -> None:
    walk_ = changes._Walk(stream_of(store), fence=12345)
    before = stream_of(store).read_through

    with pytest.raises(leases.Fenced):
        walk_._close(finished=True)

    assert stream_of(store).read_through == before
    assert stream_of(store).last_success_at is None


def test_the_lease_is_renewed_while_the_store_is_slow(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "WAIT_S", 0.01)
    renewed: list[bool] = []
    keep = leases.keep

    def note(*args: Any, **options: Any) -> None:
        renewed.append(True)
        keep(*args, **options)

    monkeypatch.setattr(leases, "keep", note)

    def wait_for_renewals(page: int) -> None:
        while len(renewed) < 3:
            pass

    shop.before = wait_for_renewals
    walk(store)

    assert len(renewed) >= 3


def test_a_page_of_a_hundred_unchanged_orders_costs_few_statements(
    store: Store, shop: MovingShop
) -> None:
    """Cursor and fence included; what a walk costs whatever it finds is counted apart."""
    costs, pages = [], []
    for first in (1, 200):
        shop.add(*orders(199, ago(minutes=9 if first == 1 else 5), first=first, apart_s=1))
        walk(store)
        before = shop.pages
        with CaptureQueriesContext(connection) as queries:
            walk(store)
        pages.append(shop.pages - before)
        told = [q["sql"] for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        costs.append(len(told))

    assert pages[1] > pages[0]
    for cost, read in zip(costs, pages, strict=True):
        assert cost <= 4 + read * 5, (costs, pages)
    assert costs[0] <= 20, costs


def test_other_content_in_the_same_second_is_read_by_id_before_the_cursor_moves(
    store: Store, shop: MovingShop
) -> None:
    at = ago(minutes=9)
    shop.add(*orders(2, at))
    walk(store)
    shop.edit("1001", at, status=CANCELLED, raw_status="cancelled")

    walk(store)

    assert in_hub(store) == in_shop(shop)
    assert shop.asked_ids == ["1001"]
    assert SyncRun.objects.first().seen == 2


def test_a_refund_whose_lines_were_not_told_is_read_by_id_and_counted_once(
    store: Store, shop: MovingShop
) -> None:
    from decimal import Decimal

    refund = RefundData(external_id="r1", amount=Decimal("5"), lines=None)
    shop.products = {"p1": make_product(1)}
    walk(store, "products")
    shop.add(*orders(1, ago(minutes=9), refunds=(refund,)))

    walk(store)

    run = SyncRun.objects.get(stream__name="orders")
    assert (run.seen, run.created) == (1, 1)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ContractBroken("The refund has no amount.", path="$.refunds[0]"), "contract_broken"),
        (NotFound("There is none."), "not_found"),
    ],
)
def test_an_order_that_cannot_be_read_by_id_is_parked_and_holds_up_nobody(
    store: Store, shop: MovingShop, error: Exception, code: str
) -> None:
    at = ago(minutes=9)
    shop.add(*orders(2, at))
    walk(store)
    shop.edit("1001", at, raw_status="other")
    shop.add(*orders(1, ago(minutes=8), first=7))
    shop.by_id = raising(error)

    walk(store)

    assert ParkedRecord.objects.get().code == code
    assert Order.objects.count() == 3
    assert Order.objects.get(external_id="1001").gone_at is None
    assert stream_of(store).failures == 0


def test_a_store_that_says_no_by_id_keeps_the_cursor_back(store: Store, shop: MovingShop) -> None:
    at = ago(minutes=9)
    shop.add(*orders(1, at))
    walk(store)
    shop.edit("1001", at, raw_status="other")
    shop.by_id = raising(Unavailable("Down."))

    walk(store)
    assert stream_of(store).failures == 1

    shop.by_id = lambda external_id: None
    walk(store)
    assert in_hub(store) == in_shop(shop)


@pytest.mark.django_db(transaction=True)
def test_an_order_that_a_webhook_writes_at_the_same_time_is_tried_again(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.add(*orders(1, ago(minutes=9)))
    real, tries = applying.import_orders, []

    def clash_once(*args: Any, **options: Any) -> Any:
        tries.append(True)
        if len(tries) == 1:
            raise OrderChangedMeanwhile("Another process was faster.")
        return real(*args, **options)

    monkeypatch.setattr(applying, "import_orders", clash_once)

    walk(store)

    assert in_hub(store) == in_shop(shop)
    assert stream_of(store).failures == 0


def test_a_rate_limit_is_waited_for_and_counts_as_no_failure(
    store: Store, shop: MovingShop, noted: list[Exception]
) -> None:
    shop.page_size = 10
    shop.add(*orders(10, ago(minutes=9), apart_s=1), *orders(5, ago(minutes=8), first=20))
    shop.before = failing_from(2, RateLimited("Slow down.", retry_after_s=90))

    for _ in range(20):
        walk(store)

    stream = stream_of(store)
    assert stream.failures == 0
    assert timedelta(seconds=80) < stream.next_at - timezone.now() < timedelta(seconds=95)
    # The first page was written and is told; waiting is no news, and nobody has failed.
    assert [run.state for run in SyncRun.objects.all()] == [RunState.COMPLETED]
    shop.before = lambda page: None
    walk(store)
    assert in_hub(store) == in_shop(shop)
    assert len([f for f in shop.asked if f.position]) == 20
    assert all(f.position == shop.asked[1].position for f in shop.asked[1:])


def test_a_store_that_was_away_for_days_is_read_within_a_quarter_of_an_hour(
    store: Store, shop: MovingShop
) -> None:
    Stream.objects.update(failures=11)
    shop.before = raising(Unavailable("Down."))

    walk(store)

    stream = stream_of(store)
    assert stream.failures == 12
    assert stream.next_at <= timezone.now() + timedelta(seconds=changes.LONGEST_WAIT_S)


def test_refused_credentials_stop_the_store_and_keep_the_place(
    store: Store, shop: MovingShop
) -> None:
    shop.page_size = 10
    shop.add(*orders(10, ago(minutes=9), apart_s=1), *orders(5, ago(minutes=8), first=20))
    shop.before = failing_at(2, AuthenticationFailed("The key was refused."))

    walk(store)

    store.refresh_from_db()
    assert store.status == StoreStatus.NEEDS_MERCHANT
    assert sync.run_stream(stream_of(store).pk) is False
    Store.objects.update(status=StoreStatus.ACTIVE)
    walk(store)
    assert in_hub(store) == in_shop(shop)


def test_a_mistake_of_ours_is_told_and_backs_off(store: Store, shop: MovingShop) -> None:
    shop.before = raising(KeyError("total"))

    with pytest.raises(KeyError):
        walk(store)

    stream = stream_of(store)
    assert stream.failures == 1
    assert "Logix made a mistake" in stream.last_error
    assert stream.lease_until is None


def test_a_database_that_went_away_gives_the_lease_back_when_it_can(
    store: Store, shop: MovingShop
) -> None:
    shop.before = raising(OperationalError("server closed the connection"))

    with pytest.raises(OperationalError):
        walk(store)

    assert stream_of(store).failures == 0
    assert stream_of(store).lease_until is None


def test_a_slice_ends_after_so_many_pages_and_the_next_goes_on(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SLICE_PAGES", 2)
    shop.page_size = 5
    for minute in range(5):
        shop.add(*orders(5, ago(minutes=9 - minute), first=1 + 10 * minute, apart_s=1))

    assert walk(store) >= 3
    assert in_hub(store) == in_shop(shop)
    # One page read ahead may be thrown away with each slice.
    assert shop.pages <= 7 + 4


def test_where_the_platform_gives_no_place_the_walk_goes_on_instead_of_starting_over(
    store: Store, shop: MovingShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "SLICE_PAGES", 1)
    shop.page_size, shop.gives_places = 5, False
    shop.add(*orders(5, ago(minutes=9)), *orders(5, ago(minutes=8), first=20))

    assert walk(store) == 1
    assert in_hub(store) == in_shop(shop)


def test_orders_wait_for_the_products_they_name_but_not_for_ever(
    new_store: Store, shop: MovingShop
) -> None:
    shop.before = raising(ContractBroken("The product list is broken."))

    assert sync.run_stream(stream_of(new_store).pk) is False
    assert shop.opened == 0
    assert stream_of(new_store).next_at > timezone.now()
    for _ in range(changes.PRODUCTS_PATIENCE):
        walk(new_store, "products")

    shop.before = lambda page: None
    walk(new_store)
    assert stream_of(new_store).read_through is not None


def test_products_are_read_whole_at_first_and_then_by_change(
    new_store: Store, shop: MovingShop
) -> None:
    shop.products = {f"p{n}": make_product(n, changed_at=ago(days=900)) for n in range(1, 4)}

    walk(new_store, "products")

    assert shop.asked[0].since is None
    assert SyncRun.objects.get().created == 3
    walk(new_store, "products")
    assert shop.asked[1].since is not None


def test_a_stream_that_is_not_due_is_left_alone_by_a_second_ring(
    store: Store, shop: MovingShop
) -> None:
    stream = stream_of(store)
    Stream.objects.filter(pk=stream.pk).update(next_at=timezone.now() - timedelta(seconds=1))

    sync.run_stream(stream.pk, if_due=True)
    sync.run_stream(stream.pk, if_due=True)
    Stream.objects.filter(pk=stream.pk).update(next_at=None)
    sync.run_stream(stream.pk, if_due=True)

    assert shop.opened == 1
    assert not Stream.objects.due(timezone.now()).filter(pk=stream.pk).exists()


@pytest.mark.parametrize("state", [s for s in StoreStatus if s != StoreStatus.ACTIVE])
def test_only_an_active_store_is_read(store: Store, shop: MovingShop, state: StoreStatus) -> None:
    Store.objects.update(status=state)

    assert sync.run_stream(stream_of(store).pk) is False
    assert shop.opened == 0


def test_due_streams_come_longest_waiting_first_and_leased_ones_not(
    store: Store, shop: MovingShop
) -> None:
    now = timezone.now()
    Stream.objects.filter(name="orders").update(next_at=now - timedelta(minutes=1))
    Stream.objects.filter(name="products").update(next_at=now - timedelta(minutes=2))

    assert [s.name for s in Stream.objects.due(now)] == ["products", "orders"]

    leases.take(Stream.objects, stream_of(store, "products").pk)
    assert [s.name for s in Stream.objects.due(timezone.now())] == ["orders"]


def test_a_newer_walk_does_not_move_the_place_back(store: Store, shop: MovingShop) -> None:
    ahead = timezone.now() + timedelta(minutes=3)
    Stream.objects.filter(name="orders").update(read_through=ahead)

    walk(store)

    assert stream_of(store).read_through == ahead


def test_an_order_edited_at_the_end_of_the_walk_is_met_by_the_next(
    store: Store, shop: MovingShop
) -> None:
    shop.add(*orders(3, ago(minutes=9)))
    walk(store)
    edited = dataclasses.replace(shop.orders["1002"], raw_status="late", changed_at=ago(seconds=1))
    shop.add(edited, make_order(9, changed_at=ago(seconds=0), placed_at=ago(seconds=0)))

    walk(store)

    assert in_hub(store) == in_shop(shop)


def _pass_time(store: Store, **parts: float) -> None:
    """Let time pass for the store's stream: everything it remembers lies further back. The shop's
    records are moved by the same.
    """
    by = timedelta(**parts)
    stream = stream_of(store)
    place = stream.position
    moved = {
        **place,
        "began": _back(place["began"], by),
        "at": {**place["at"], "second": _back(place["at"]["second"], by)},
    }
    Stream.objects.filter(pk=stream.pk).update(
        position=moved, read_through=stream.read_through - by
    )


def _back(moment: str, by: timedelta) -> str:
    return (datetime.fromisoformat(moment) - by).isoformat()

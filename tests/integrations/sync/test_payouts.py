"""Payouts as a stream of their own: the past beside the present, read by the code that reads orders
and products; off with a reason where there are none.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from integrations import authentication, registry, sync
from integrations.connect import opening
from integrations.errors import AuthenticationFailed, PermissionMissing, Unavailable, Unsupported
from integrations.mapping.rules import RuleInvalid
from integrations.models import FieldRule, ParkedRecord, RunKind, Store, Stream, SyncRun
from integrations.sync import applying
from orders.data import Authority, PayoutStatus
from orders.models import Payout, PayoutLine
from tests.factories import make_order, make_payout, make_store
from tests.integrations.sync import paying
from tests.integrations.sync.conftest import ago, failing_at, raising, run_to_end, stream_of, walk
from tests.integrations.sync.paying import PayingShop

pytestmark = pytest.mark.django_db

NO_PAYMENTS = "This shop does not use Shop Payments."


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> PayingShop:
    shop = PayingShop()
    monkeypatch.setitem(registry.BUILT_IN, "payingshop", "tests.integrations.sync.paying.CARD")
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    return shop


@pytest.fixture
def new_store(db: None, shop: PayingShop) -> Store:
    """Its payouts were never read."""
    store = make_store(platform="payingshop")
    opening._make_streams(store, paying.CARD)
    return store


@pytest.fixture
def store(new_store: Store) -> Store:
    """Its past was read; changes are followed."""
    rows = Stream.objects.filter(store=new_store, name="payouts")
    rows.update(read_through=timezone.now() - timedelta(hours=6))
    return new_store


def in_hub() -> dict[str, str]:
    return dict(Payout.objects.values_list("external_id", "status"))


def stream(store: Store) -> Stream:
    return stream_of(store, "payouts")


# -- reading


def test_a_store_that_pays_out_gets_a_third_stream_that_is_read_every_few_hours(
    new_store: Store,
) -> None:
    made = stream(new_store)

    assert (made.every_s, made.overlap_s, made.enabled) == (6 * 3600, 30 * 86_400, True)
    assert made.next_at <= timezone.now()


def test_making_streams_again_leaves_those_that_are_there_as_they_are(store: Store) -> None:
    Stream.objects.filter(store=store, name="payouts").update(every_s=900, enabled=False)

    opening._make_streams(store, paying.CARD)

    assert (stream(store).every_s, stream(store).enabled) == (900, False)
    assert Stream.objects.filter(store=store).count() == 3


def test_a_platform_without_payouts_gets_no_stream_for_them(db: None) -> None:
    store = make_store()

    opening._make_streams(store, registry.card("woocommerce"))

    assert set(store.streams.values_list("name", flat=True)) == {"orders", "products"}


def test_the_past_is_read_beside_and_what_comes_is_followed(
    new_store: Store, shop: PayingShop
) -> None:
    shop.page_size = 3
    shop.pay(*(make_payout(n, issued_at=ago(days=100 * n - 90)) for n in range(1, 11)))

    walk(new_store, "payouts")

    assert set(in_hub()) == {"po1"}  # as far as the look back reaches
    assert timezone.now() - stream(new_store).read_through < timedelta(minutes=1)
    run = SyncRun.objects.get(kind=RunKind.BACKFILL)
    assert run.stream.name == "payouts"
    run = run_to_end(run)
    assert (run.state, run.created, run.parked) == ("completed", 9, 0)
    assert set(in_hub()) == set(shop.payouts)
    assert not Payout.objects.unexplained().exists()

    shop.pay(make_payout(11, issued_at=ago(minutes=5)))
    walk(new_store, "payouts")

    assert set(in_hub()) == set(shop.payouts)


def test_it_does_not_wait_for_products(new_store: Store, shop: PayingShop) -> None:
    shop.pay(make_payout(1, issued_at=ago(days=1)))

    walk(new_store, "payouts")

    assert stream_of(new_store, "products").read_through is None
    assert in_hub() == {"po1": "paid"}


def test_a_payout_that_moves_on_days_later_is_seen_though_nothing_tells(
    store: Store, shop: PayingShop
) -> None:
    issued = ago(days=9)
    shop.pay(
        make_payout(1, issued_at=issued, status=PayoutStatus.SCHEDULED, raw=b'{"s": "SCHEDULED"}')
    )
    walk(store, "payouts")

    shop.pay(make_payout(1, issued_at=issued, raw=b'{"s": "PAID"}'))
    walk(store, "payouts")

    assert in_hub() == {"po1": "paid"}


# Pages are read by a thread of their own, which sees what was committed.
@pytest.mark.django_db(transaction=True)
def test_lines_of_a_payout_that_is_explained_are_not_fetched_again(
    store: Store, shop: PayingShop
) -> None:
    shop.pay(make_payout(1, issued_at=ago(days=2)))
    shop.pay(make_payout(2, issued_at=ago(days=1), amount=Decimal("30.00")))
    walk(store, "payouts")

    walk(store, "payouts")

    assert shop.lines_read == ["po1", "po2", "po2"]


def test_a_walk_that_fails_on_the_way_goes_on_and_is_a_failure(
    store: Store, shop: PayingShop
) -> None:
    shop.page_size = 2
    shop.pay(*(make_payout(n, issued_at=ago(hours=n)) for n in range(1, 6)))
    shop.before = failing_at(2, Unavailable("The store is down."))

    walk(store, "payouts")

    assert len(in_hub()) == 2
    assert (stream(store).failures, stream(store).last_error) == (1, "The store is down.")

    walk(store, "payouts")

    assert len(in_hub()) == 5
    assert shop.asked[-1].position == {"offset": 2}


def test_a_dry_run_counts_and_writes_nothing(store: Store, shop: PayingShop) -> None:
    shop.pay(make_payout(1, issued_at=ago(days=3)), make_payout(2, issued_at=ago(days=2)))

    run = sync.request_run(store, stream="payouts", kind="backfill", dry_run=True, actor="test")
    assert run is not None
    run = run_to_end(run)

    assert (run.state, run.created) == ("completed", 2)
    assert not Payout.objects.exists()


# -- none, or not ours to see


def test_without_the_scope_the_stream_is_off_and_says_why(
    new_store: Store, shop: PayingShop, noted: list[Exception]
) -> None:
    shop.missing = (paying.SCOPE,)

    walk(new_store, "payouts")

    off = stream(new_store)
    assert "did not grant read_payouts" in off.last_error
    assert "Connect the store again" in off.last_error
    assert (off.failures, off.enabled, off.lease_until) == (0, True, None)
    assert off.next_at > timezone.now() + timedelta(hours=5)
    assert off not in Stream.objects.due(timezone.now() + timedelta(hours=5))
    assert (shop.asked, noted) == ([], [])
    assert not SyncRun.objects.exists()


def test_a_shop_without_the_platforms_payments_is_asked_once_a_day(
    store: Store, shop: PayingShop, noted: list[Exception]
) -> None:
    shop.no_payouts = Unsupported(NO_PAYMENTS)
    Stream.objects.filter(store=store, name="payouts").update(asked_at=timezone.now())

    for _ in range(3):
        walk(store, "payouts")

    off = stream(store)
    assert off.last_error == f"{NO_PAYMENTS} Logix looks again by itself."
    assert (off.failures, off.asked_at, noted) == (0, None, [])
    assert off.next_at > timezone.now() + timedelta(hours=23)
    assert not SyncRun.objects.exists()


def test_it_goes_on_when_the_scope_was_granted(new_store: Store, shop: PayingShop) -> None:
    shop.pay(make_payout(1, issued_at=ago(days=1)))
    shop.missing = (paying.SCOPE,)
    walk(new_store, "payouts")
    shop.missing = ()

    opening.wake(new_store)

    assert stream(new_store).last_error == ""
    assert stream(new_store).next_at <= timezone.now()
    walk(new_store, "payouts")
    assert in_hub() == {"po1": "paid"}


def test_refused_credentials_stop_the_store_as_everywhere(
    store: Store, shop: PayingShop, noted: list[Exception]
) -> None:
    shop.no_payouts = AuthenticationFailed("The store does not know this key.")

    walk(store, "payouts")

    assert [type(error) for error in noted] == [AuthenticationFailed]
    assert stream(store).failures == 1


def test_orders_that_may_not_be_read_are_a_failure_still(store: Store, shop: PayingShop) -> None:
    now = timezone.now()
    Stream.objects.filter(store=store).update(read_through=now - timedelta(hours=2))
    shop.before = raising(PermissionMissing("The key may not read orders."))

    walk(store, "orders")

    assert stream_of(store).failures == 1


# -- set aside


def test_a_payout_that_cannot_be_read_is_parked_alone_and_read_again_by_its_id(
    store: Store, shop: PayingShop
) -> None:
    shop.pay(*(make_payout(n, issued_at=ago(hours=n)) for n in (1, 2, 3)))
    shop.unreadable = {"po2"}
    walk(store, "payouts")
    parked = ParkedRecord.objects.get()
    assert (parked.stream, parked.external_id) == ("payouts", "po2")
    assert "vanished" in parked.reason
    assert set(in_hub()) == {"po1", "po3"}

    assert not sync.retry_parked(parked, actor="test")
    assert ParkedRecord.objects.get().path == "$.status"

    shop.unreadable = set()
    assert sync.retry_parked(parked, actor="test")
    assert set(in_hub()) == {"po1", "po2", "po3"}


def test_a_parked_payout_that_the_store_no_longer_has_is_settled(
    store: Store, shop: PayingShop
) -> None:
    shop.pay(make_payout(1, issued_at=ago(hours=1)), make_payout(2, issued_at=ago(hours=2)))
    shop.unreadable = {"po2"}
    walk(store, "payouts")
    del shop.payouts["po2"]
    parked = ParkedRecord.objects.get()

    assert not sync.retry_parked(parked, actor="test")
    rows = ParkedRecord.objects.filter(pk=parked.pk)
    rows.update(first_at=timezone.now() - timedelta(hours=1), last_at=ago(minutes=30))
    parked.refresh_from_db()

    assert sync.retry_parked(parked, actor="test")
    assert set(in_hub()) == {"po1"}


def test_field_rules_are_not_for_payouts(store: Store) -> None:
    rule = FieldRule(store=store, stream="payouts", path="net", target="custom.net")

    with pytest.raises(RuleInvalid, match="for orders and products"):
        sync.check_rule(store, rule)


# -- orders that come later


def test_an_order_that_comes_later_is_found_by_its_line(
    store: Store, shop: PayingShop, django_capture_on_commit_callbacks: Any
) -> None:
    shop.pay(make_payout(1, issued_at=ago(days=1)))
    walk(store, "payouts")
    assert PayoutLine.objects.get().order is None

    with django_capture_on_commit_callbacks(execute=True):
        sync.apply_orders(
            store, [make_order(1)], authority=Authority.WEBHOOK, observed_at=timezone.now()
        )

    linked = PayoutLine.objects.get().order
    assert linked is not None
    assert linked.number == "1001"


def test_an_order_that_came_unnoticed_is_found_by_the_next_walk(
    store: Store, shop: PayingShop
) -> None:
    shop.pay(make_payout(1, issued_at=ago(days=1)))
    walk(store, "payouts")
    sync.apply_orders(
        store, [make_order(1)], authority=Authority.WEBHOOK, observed_at=timezone.now()
    )
    assert PayoutLine.objects.get().order is None

    walk(store, "payouts")

    assert PayoutLine.objects.get().order is not None


def test_orders_of_a_platform_without_payouts_look_for_no_lines(
    db: None, django_capture_on_commit_callbacks: Any
) -> None:
    store = make_store()
    order = dataclasses.replace(make_order(1), lines=())

    with django_capture_on_commit_callbacks() as after:
        sync.apply_orders(store, [order], authority=Authority.LIST_PAGE, observed_at=timezone.now())

    assert after == []


@pytest.mark.django_db(transaction=True)
def test_orders_stay_written_where_lines_of_payouts_do_not_find_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(applying, "link_orders", broken)

    done = sync.apply_orders(
        store, [make_order()], authority=Authority.LIST_PAGE, observed_at=timezone.now()
    )

    assert done.created == 1

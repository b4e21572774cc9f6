"""Buyers' data end by themselves: of which stores, when, and what keeps them from it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import connect, keeping, privacy, registry
from integrations.base import Unreadable
from integrations.connect import ConnectError
from integrations.models import ParkedRecord, Store, StoreStatus
from integrations.sync import applying, parking
from logix.accounts.models import AuditEvent
from orders import erasing
from orders.data import Authority
from orders.models import Order
from tests.factories import COMPLETED, OPEN, make_merchant, make_order, make_store
from tests.integrations.test_metrics import read as read_metrics

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def amazon(**changes: Any) -> Store:
    """A store of a platform whose card sets a bound."""
    url = {"base_url": "https://sellingpartnerapi-eu.amazon.com"}
    return make_store(make_merchant("amazon"), **{"platform": "amazon", **url, **changes})


def sold(store: Store, number: int, at: datetime, **changes: Any) -> Order:
    """An order that was completed then; it comes in through the one door."""
    order = make_order(
        number,
        placed_at=at - DAY,
        changed_at=at,
        **{"status": COMPLETED, "completed_at": at, **changes},
    )
    applying.apply_orders(
        store, [order], authority=Authority.BY_ID, observed_at=timezone.now(), origin="poll"
    )
    return Order.objects.get(store=store, external_id=order.external_id)


def kept(store: Store) -> set[str]:
    return set(Order.objects.filter(store=store, erased_at=None).values_list("number", flat=True))


def test_a_stores_buyers_end_by_the_card_or_sooner_and_others_not_at_all(now: datetime) -> None:
    bound, other = amazon(), make_store()
    shorter = make_store(
        bound.merchant, base_url="https://b.example", options={"keep_buyers_days": 10}
    )
    for store in (bound, other, shorter):
        for number, days in ((1, 2), (2, 8.9), (3, 9.1), (4, 28.9)):
            sold(store, number, now - days * DAY)
        sold(store, 5, now - 100 * DAY, status=OPEN, completed_at=None)

    assert kept(shorter) == {"1001", "1002", "1005"}
    assert privacy.purge(now + DAY / 2) is None

    assert kept(bound) == {"1001", "1002", "1003", "1005"}
    assert kept(other) == {"1001", "1002", "1003", "1004", "1005"}
    assert kept(shorter) == {"1001", "1005"}
    told = AuditEvent.objects.filter(action="privacy.purged")
    assert {(x.object_id, x.details["orders"]) for x in told} == {
        (str(bound.pk), 1),
        (str(shorter.pk), 1),
    }
    assert "Zoë" not in repr(list(told.values()))
    assert not AuditEvent.objects.filter(action="order.buyer_erased").exists()

    assert privacy.purge(now + DAY / 2) is None
    assert AuditEvent.objects.filter(action="privacy.purged").count() == 2


def test_a_bound_that_is_changed_holds_at_once(now: datetime) -> None:
    store = make_store()
    sold(store, 1, now - 20 * DAY)
    privacy.purge(now)
    assert kept(store) == {"1001"}

    connect.change_store(store, actor="user:anna", options={"keep_buyers_days": 15})
    privacy.purge(now)

    assert kept(store) == set()


def test_never_above_the_cards_bound(now: datetime) -> None:
    store, free = amazon(), make_store()
    for wrong in (31, 1, 0, True, "9", 2.5):
        with pytest.raises(ConnectError, match="from 2 to 30: Amazon allows no more"):
            connect.check_options(store, {"keep_buyers_days": wrong})
    with pytest.raises(ConnectError, match="from 2 to 3650"):
        connect.check_options(free, {"keep_buyers_days": 3651})
    # One that was kept before the platform lowered its bound.
    store.options = {"keep_buyers_days": 400}
    assert keeping.kept_for(registry.card("amazon"), store) == 30 * DAY
    assert keeping.kept_for(registry.card("woocommerce"), free) is None


def test_an_order_opened_again_is_kept_and_counts_anew(now: datetime) -> None:
    store = amazon()
    order = sold(store, 1, now - 20 * DAY)
    Order.objects.filter(pk=order.pk).update(order_status="open", fulfillment_status="unfulfilled")

    privacy.purge(now + 20 * DAY)

    order.refresh_from_db()
    assert (order.erased_at, order.ended_at) == (None, None)


def test_an_order_that_cannot_be_erased_stops_no_other(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = amazon()
    bad = sold(store, 1, now - 20 * DAY)
    sold(store, 2, now - 19 * DAY)
    real = erasing.erase

    def erase(order: Order, lasting: Any) -> dict[str, int]:
        if order.pk == bad.pk:
            raise LookupError("a mistake of ours")
        return real(order, lasting)

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "erase", erase)
        assert privacy.purge(now + 11 * DAY) is None

    assert kept(store) == {"1001"}
    privacy.purge(now + 11 * DAY)
    assert kept(store) == set()


def test_when_the_time_is_over_it_goes_on_at_that_store(now: datetime) -> None:
    first, second = amazon(), make_store(options={"keep_buyers_days": 10})
    sold(first, 1, now - 20 * DAY)
    sold(second, 1, now - 5 * DAY)
    later = now + 15 * DAY

    assert privacy.purge(later, budget_s=0) == first.pk
    assert kept(first)
    assert privacy.purge(later, after=second.pk) is None
    assert (kept(first), kept(second)) == ({"1001"}, set())
    assert privacy.purge(later) is None
    assert kept(first) == set()


def test_a_paused_store_keeps_open_orders_for_as_long_as_it_was_silent(now: datetime) -> None:
    """Nobody tells any more whether they were sent. What a merchant chose binds no open order."""
    paused = {"status": StoreStatus.PAUSED, "last_ok_at": now}
    bound = amazon(options={"keep_buyers_days": 20}, **paused)
    other = make_store(options={"keep_buyers_days": 10}, **paused)
    for store in (bound, other):
        sold(store, 1, now - 90 * DAY, status=OPEN, completed_at=None)

    privacy.purge(now + 28 * DAY)
    assert kept(bound) == {"1001"}
    assert not privacy.near(privacy.bounded_stores(), now + 28 * DAY)
    assert privacy.near(privacy.bounded_stores(), now + 29.6 * DAY)
    privacy.purge(now + 29.5 * DAY)

    assert (kept(bound), kept(other)) == (set(), {"1001"})


def test_a_record_that_cannot_be_read_is_kept_by_when_it_was_placed(now: datetime) -> None:
    bound, other = amazon(), make_store()
    for store in (bound, other):
        for name, placed_at in (("new", now - 10 * DAY), ("old", now - 31 * DAY), ("none", None)):
            told = Unreadable(external_id=name, reason="Odd.", placed_at=placed_at, raw=b"{}")
            parking.park(store, stream="orders", unreadable=told)
    rows = {x.external_id: x for x in ParkedRecord.objects.filter(store=bound)}

    assert {name: bool(row.raw_sealed) for name, row in rows.items()} == {
        "new": True,
        "old": False,
        "none": False,
    }
    assert rows["new"].purge_after == now + 20 * DAY
    assert not ParkedRecord.objects.filter(store=other, raw_sealed=None).exists()


def test_it_is_seen_where_it_does_not_happen(now: datetime) -> None:
    store = amazon()
    sold(store, 1, now - 10 * DAY)
    sold(store, 2, now - 99 * DAY, status=OPEN, completed_at=None)
    (well,) = privacy.standing(privacy.bounded_stores())
    assert (well.age(now).days, well.is_near(now), well.is_broken(now)) == (10, False, False)
    assert round(read_metrics()["logix_oldest_pii_age_days"][("amazon",)]) == 10

    (near,) = privacy.near(privacy.bounded_stores(), now + 19.6 * DAY)
    assert not near.is_broken(now + 19.6 * DAY)
    (broken,) = privacy.near(privacy.bounded_stores(), now + 21 * DAY)

    assert broken.is_broken(now + 21 * DAY)
    assert broken.words(now + 21 * DAY) == (
        "Buyers' data are kept 31 days after an order had ended, where 30 are allowed."
    )
    privacy.purge(now + 21 * DAY)
    assert not privacy.near(privacy.bounded_stores(), now + 21 * DAY)

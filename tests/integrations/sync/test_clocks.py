"""Stores whose clock is wrong: what mends an order, and what the measured clock does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations import sync
from integrations.models import Store, Stream
from integrations.sync.outcome import Applied
from orders.data import Authority
from orders.models import Order
from tests import factories
from tests.integrations.sync.toy import MovingShop

IN_2030 = datetime(2030, 1, 1, tzinfo=UTC)


def told(store: Store, changed_at: datetime, **changes: Any) -> Applied:
    """A webhook of the order."""
    record = factories.make_order(changed_at=changed_at, **changes)
    return sync.apply_orders(
        store, [record], authority=Authority.WEBHOOK, observed_at=timezone.now()
    )


def status() -> str:
    return Order.objects.values_list("order_status", flat=True).get()


def test_an_order_that_was_told_from_the_future_is_read_again_and_goes_on(
    store: Store, shop: MovingShop
) -> None:
    told(store, IN_2030, word="cancelled")
    assert status() == "cancelled"
    now = timezone.now()
    shop.add(factories.make_order(changed_at=now))

    done = sync.refetch_order(store, external_id="1001", actor="user:anna")

    assert (done.changed, done.stale) == (1, 0)
    assert status() == "open"
    told(store, now + timedelta(seconds=30), word="cancelled")
    assert status() == "cancelled"


def test_news_from_the_future_have_the_store_asked(store: Store, shop: MovingShop) -> None:
    told(store, timezone.now())

    assert told(store, IN_2030, word="cancelled").reread == ("1001",)
    assert status() == "open"


def test_a_clock_that_was_measured_is_believed(store: Store, shop: MovingShop) -> None:
    ahead = timedelta(hours=3)
    Stream.objects.filter(store=store, name="orders").update(skew_ms=3 * 3_600_000)
    told(store, timezone.now() + ahead)

    done = told(store, timezone.now() + ahead, word="cancelled")

    assert (done.changed, done.reread) == (1, ())
    assert status() == "cancelled"

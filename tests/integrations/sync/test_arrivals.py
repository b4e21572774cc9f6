"""How orders were first heard of, counted by day; and webhooks that fell silent."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from integrations import sync
from integrations.models import Endpoint, NewsQueue, Store
from orders.data import Authority
from orders.models import Order, OrderEvent
from tests.factories import NOW, make_order, make_store
from tests.orders.shop import later

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return make_store(timezone="Pacific/Auckland")


def come(store: Store, number: int, origin: str, *, placed_at: datetime = NOW) -> None:
    order = make_order(number, placed_at=placed_at)
    sync.apply_orders(store, [order], authority=Authority.LIST_PAGE, observed_at=NOW, origin=origin)


@pytest.mark.parametrize(
    ("origin", "came_by"),
    [
        ("webhook", "webhook"),
        ("poll", "poll"),
        ("gap", "poll"),
        ("reconcile", "comparison"),
        ("backfill", "backfill"),
        ("user:anna", "asked"),
        ("retry", "asked"),
    ],
)
def test_an_order_keeps_by_which_way_it_was_first_heard_of(
    store: Store, origin: str, came_by: str
) -> None:
    come(store, 1, origin)
    again = later(make_order(1), 5, raw_payment="card")
    sync.apply_orders(
        store, [again], authority=Authority.WEBHOOK, observed_at=NOW, origin="webhook"
    )

    order = Order.objects.get()
    assert (order.came_by, order.raw_payment) == (came_by, "card")
    assert OrderEvent.objects.get(kind="imported").data["came_by"] == came_by


def test_a_day_is_the_stores_and_says_what_was_told_and_what_was_rescued(store: Store) -> None:
    """It is 01:00 of the 21st in Auckland when it is noon of the 20th in UTC."""
    before = NOW - timedelta(hours=2)
    ways = ("webhook", "webhook", "poll", "reconcile", "backfill", "user:anna")
    for number, origin in enumerate(ways, start=1):
        come(store, number, origin)
    come(store, 10, "poll", placed_at=before)
    come(store, 11, "poll", placed_at=NOW - timedelta(days=9))
    Order.objects.filter(number="1006").update(came_by="")
    come(make_store(store.merchant, base_url="https://other.example"), 12, "poll")

    found = sync.arrivals(store, NOW)

    assert [(x.day, x.told, x.polled, x.compared, x.others) for x in found] == [
        (date(2026, 11, 21), 2, 1, 1, 2),
        (date(2026, 11, 20), 0, 1, 0, 0),
    ]
    assert [x.rescued for x in found] == [2, 1]
    assert [x.words(by_webhooks=True) for x in found] == [
        "webhooks told 2, polling rescued 1, the comparison 1, read otherwise 2",
        "webhooks told 0, polling rescued 1",
    ]
    assert [x.words(by_webhooks=False) for x in found] == [
        "polling found 1, the comparison 1, read otherwise 2",
        "polling found 1",
    ]


def listens(store: Store, **changes: Any) -> Endpoint:
    told = {
        "token_digest": str(store.pk),
        "subscriptions": [{"topic": "order.created", "active": True}],
        "last_received_at": NOW - timedelta(hours=5),
        **changes,
    }
    return Endpoint.objects.create(store=store, token_sealed=b"", secret_sealed=b"", **told)


def silences() -> list[tuple[str, int]]:
    return [(str(x.store), x.untold) for x in sync.silences(Store.objects.all(), NOW)]


def rescued(store: Store, *, units: int = 3, hours_ago: float = 2) -> None:
    for number in range(20, 20 + units):
        come(store, number, "poll", placed_at=NOW - timedelta(hours=hours_ago))


def test_webhooks_are_silent_where_polling_alone_finds_orders(store: Store) -> None:
    endpoint = listens(store)
    rescued(store)

    (found,) = sync.silences(Store.objects.all(), NOW)

    assert (found.store, found.since, found.untold) == (store, endpoint.last_received_at, 3)
    assert found.words(NOW) == (
        "No webhook has come for 5 hours; 3 orders that were placed meanwhile were found by "
        "polling."
    )


def test_a_queue_that_fell_silent_is_told_in_its_own_words(store: Store) -> None:
    NewsQueue.objects.create(endpoint=listens(store), address="arn:a-queue")
    rescued(store)

    (found,) = sync.silences(Store.objects.all(), NOW)

    assert found.words(NOW).startswith("No news has come through the queue for 5 hours;")
    assert "takes messages out" in found.remedy


def test_one_that_never_came_is_missed_since_it_could_have(store: Store) -> None:
    listens(store, last_received_at=None, created_at=NOW - timedelta(days=3))
    rescued(store)

    (found,) = sync.silences(Store.objects.all(), NOW)

    assert "for 3 days" in found.words(NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"last_received_at": NOW - timedelta(minutes=50)},
        {"last_received_at": NOW - timedelta(hours=1, minutes=59)},
        {"subscriptions": []},
        {"problem": "Not active at the store."},
        {"status": Endpoint.Status.PAUSED},
    ],
)
def test_it_is_no_silence_where_webhooks_came_or_none_should(
    store: Store, changes: dict[str, Any]
) -> None:
    listens(store, **changes)
    rescued(store)

    assert silences() == []


def test_a_quiet_store_and_one_that_rests_are_not_silent(store: Store) -> None:
    listens(store)
    rescued(store, units=2)
    come(store, 40, "webhook", placed_at=NOW - timedelta(hours=1))
    assert silences() == []

    come(store, 41, "poll", placed_at=NOW - timedelta(hours=1))
    assert silences() == [("Example shop", 3)]

    Store.objects.update(auto_sync=False)
    assert silences() == []


def test_what_waits_in_the_inbox_is_no_silence(store: Store) -> None:
    endpoint = listens(store)
    rescued(store)

    endpoint.deliveries.create(
        store=store, dedupe_key="d1", topic="order.created", received_at=NOW - timedelta(hours=2)
    )

    assert silences() == []


def test_what_is_asked_costs_one_statement(store: Store, django_assert_num_queries: Any) -> None:
    listens(store)
    rescued(store)

    with django_assert_num_queries(1):
        sync.silences(Store.objects.all(), NOW)
    with django_assert_num_queries(1):
        sync.arrivals(store, NOW)

"""Since when nothing of an order is left to send, whoever says so."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from orders import ending, services
from orders.data import Authority, OrderData
from orders.importing import import_orders
from orders.models import Order
from orders.status import Flag, FulfillmentStatus, OrderStatus
from tests.factories import CANCELLED, COMPLETED, NOW, OPEN, make_order, make_store
from tests.orders.shop import bring, later, parcel, stock

pytestmark = pytest.mark.django_db

PLACED, CHANGED = NOW - timedelta(hours=1), NOW
HOUR = timedelta(hours=1)
_DELIVERED = dataclasses.replace(COMPLETED, fulfillment=FulfillmentStatus.DELIVERED)
_ON_HOLD = dataclasses.replace(OPEN, order=OrderStatus.ON_HOLD, reserve=False)


@pytest.fixture
def store() -> Any:
    found = make_store()
    stock(found)
    return found


def only() -> Order:
    return Order.objects.get()


@pytest.mark.parametrize(
    ("told", "ended"),
    [
        ({"status": OPEN}, None),
        ({"status": COMPLETED, "completed_at": NOW - HOUR / 2}, NOW - HOUR / 2),
        # The first parcel counts, and it counts before the store's own word of the end.
        (
            {
                "status": _DELIVERED,
                "completed_at": NOW - HOUR / 4,
                "shipments": (
                    parcel(1, external_id="f1", shipped_at=NOW - HOUR / 2),
                    parcel(1, external_id="f2", shipped_at=NOW - HOUR / 3),
                ),
            },
            NOW - HOUR / 2,
        ),
        # One that was taken back tells nothing.
        (
            {
                "status": COMPLETED,
                "shipments": (
                    parcel(2, external_id="f1", shipped_at=NOW - HOUR / 2, cancelled=True),
                    parcel(2, external_id="f2", shipped_at=NOW - HOUR / 3),
                ),
            },
            NOW - HOUR / 3,
        ),
        ({"shipments": (parcel(1, external_id="f1", shipped_at=NOW - HOUR / 2),)}, None),
        ({"status": CANCELLED, "cancelled_at": NOW - HOUR / 2}, NOW - HOUR / 2),
        # It came in as over, and nothing says since when.
        ({"status": CANCELLED}, PLACED),
        ({"status": COMPLETED, "flags": frozenset({Flag.PLATFORM_FULFILLED})}, PLACED),
        ({"status": _ON_HOLD}, None),
        ({"status": _ON_HOLD, "flags": frozenset({Flag.PLATFORM_FULFILLED})}, PLACED),
        # A clock that goes ahead.
        ({"status": COMPLETED, "completed_at": NOW + timedelta(days=400)}, NOW),
    ],
)
def test_an_order_comes_in_with_the_moment_it_ended(
    store: Any, told: dict[str, Any], ended: Any
) -> None:
    bring(store, make_order(**told))

    assert only().ended_at == ended
    assert Order.objects.filter(ending.OVER).exists() == (ended is not None)


def bring_at(store: Any, order: OrderData, **more: Any) -> None:
    """A minute after it changed."""
    at = order.changed_at + timedelta(minutes=1)
    import_orders(store, [order], authority=Authority.BY_ID, observed_at=at, now=at, **more)


def test_a_change_that_moves_on_moves_no_end(store: Any) -> None:
    """Some platforms tell no time but that of the last change."""
    order = make_order()
    bring_at(store, order)
    assert only().ended_at is None

    for minutes in (10, 500):
        bring_at(store, later(order, minutes, status=CANCELLED, raw_status="cancelled"))

    assert only().ended_at == order.changed_at + timedelta(minutes=10)


def test_an_order_that_is_opened_again_ends_when_it_ends_again(store: Any) -> None:
    order = make_order()
    done = {"status": COMPLETED, "raw_status": "completed"}
    bring_at(store, later(order, 5, completed_at=NOW, **done))
    assert only().ended_at == NOW

    bring_at(store, later(order, 10))
    assert only().ended_at is None
    again = NOW + timedelta(minutes=20)
    bring_at(store, later(order, 20, completed_at=again, **done))

    assert only().ended_at == again


def test_what_left_from_here_has_ended_too_before_the_store_says_so(store: Any) -> None:
    bring(store, make_order())
    sent = services.add_shipment(only(), actor="user:anna")
    over = Order.objects.filter(ending.OVER, ended_at=None)

    assert ending.settle(over.all()) == 1
    assert ending.settle(over.all()) == 0
    assert only().ended_at == sent.shipped_at

    # The store still calls it open; what left stays what it is.
    bring_at(store, later(make_order(), 30, number="N1"))
    assert only().ended_at == min(sent.shipped_at, NOW + timedelta(minutes=30))


def test_of_an_order_that_ended_long_ago_no_buyer_is_taken_in(store: Any) -> None:
    old = make_order(
        status=COMPLETED,
        completed_at=NOW - timedelta(minutes=30),
        custom={"gift_for": "Zoë", "channel": "web"},
        external_customer_id="77",
    )
    bring_at(store, make_order(2), forgets_before=NOW - timedelta(minutes=10))
    bring_at(store, old, forgets_before=NOW - timedelta(minutes=30), lasting=("channel",))
    bring_at(
        store,
        dataclasses.replace(old, external_id="9", number="9"),
        forgets_before=NOW - timedelta(minutes=31),
    )

    assert services.buyer_of(Order.objects.get(number="1002")) is not None
    assert services.buyer_of(Order.objects.get(number="9")) is not None
    found = Order.objects.get(number="1001")
    assert found.erased_at is not None
    assert services.buyer_of(found) is None
    assert services.payload_of(found) is None
    blanks = (found.email_index, found.phone_index, found.external_customer_id, found.custom)
    assert blanks == ("", "", "", {"channel": "web"})
    assert (found.total, found.ship_country, found.ship_city) == (old.total, "DE", "Köln")
    assert found.payments.get().reference == ""

    bring_at(store, later(old, 60))
    again = Order.objects.get(number="1001")
    assert again.erased_at == found.erased_at
    assert services.buyer_of(again) is None

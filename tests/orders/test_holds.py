"""Unpaid orders hold units as long as their store does, and no longer."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Push
from inventory import kits
from inventory.models import Reservation, StockLevel, Variant
from orders import holds
from orders.holds import GRACE
from orders.models import Order
from orders.status import FulfillmentStatus, OrderStatus, PaymentStatus, StatusReading
from tests.factories import NOW, OPEN, make_line, make_order, make_store
from tests.orders.shop import assert_books_balance, bring, later, shelf, stock

pytestmark = pytest.mark.django_db

PENDING = StatusReading(
    order=OrderStatus.PENDING,
    payment=PaymentStatus.UNPAID,
    fulfillment=FulfillmentStatus.UNFULFILLED,
    lapses=True,
)


@pytest.fixture
def store() -> Any:
    made = make_store(features={"unpaid_hold_m": 60})
    stock(made)
    return made


def unpaid(**changes: Any) -> Any:
    fields: dict[str, Any] = {
        "status": PENDING,
        "raw_status": "pending",
        "paid_at": None,
        "payments": (),
        "placed_at": NOW - timedelta(minutes=5),
        **changes,
    }
    return make_order(**fields)


def time_passes() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Reservation.objects.filter(expires_at__isnull=False).update(expires_at=past)
    Order.objects.filter(holds_until__isnull=False).update(holds_until=past)


def titles() -> list[str]:
    return list(Order.objects.get().events.values_list("title", flat=True))


def test_an_unpaid_order_holds_its_units_until_its_stores_time_is_up(store: Any) -> None:
    bring(store, unpaid())
    assert shelf() == (10, 2)
    assert Reservation.objects.get().expires_at == NOW + timedelta(minutes=55) + GRACE

    soon = timezone.now() + timedelta(minutes=1)
    Reservation.objects.update(expires_at=soon)
    Order.objects.update(holds_until=soon)
    assert holds.release_lapsed() == 0

    Push.objects.all().delete()
    time_passes()
    assert holds.release_lapsed() == 1
    assert holds.release_lapsed() == 0

    assert shelf() == (10, 0)
    assert titles()[-1] == "Not paid in time: its units can be sold again"
    assert Push.objects.exists(), "stores are told"
    assert_books_balance()


def test_one_that_is_read_again_after_its_time_holds_nothing(store: Any) -> None:
    order = unpaid(placed_at=NOW - timedelta(hours=2))

    bring(store, order)
    bring(store, later(order, raw_payment="waiting"))

    assert shelf() == (10, 0)


def test_one_that_is_paid_in_time_keeps_its_units(store: Any) -> None:
    order = unpaid()
    bring(store, order)

    paid = dataclasses.replace(order, status=OPEN, raw_status="processing", paid_at=NOW)
    bring(store, later(paid))

    assert Reservation.objects.get().expires_at is None
    assert shelf() == (10, 2)


def test_one_that_is_paid_too_late_takes_what_is_there(store: Any) -> None:
    order = unpaid()
    bring(store, order)
    time_passes()
    holds.release_lapsed()

    paid = dataclasses.replace(order, status=OPEN, raw_status="processing", paid_at=NOW)
    bring(store, later(paid))

    assert shelf() == (10, 2)
    assert_books_balance()


def test_a_line_whose_product_came_late_lets_go_as_well(store: Any) -> None:
    placed_at = timezone.now()
    bring(store, unpaid(placed_at=placed_at, lines=(make_line(2),)))
    assert not Reservation.objects.exists()

    stock(store, 2)
    assert Reservation.objects.get().expires_at == placed_at + timedelta(minutes=60) + GRACE
    time_passes()

    assert holds.release_lapsed() == 1
    assert shelf("SKU-2") == (10, 0)


def test_one_that_lapsed_holds_nothing_again_when_its_product_becomes_a_kit(store: Any) -> None:
    bring(store, unpaid())
    time_passes()
    holds.release_lapsed()
    stock(store, 2)
    part = Variant.objects.get(sku="SKU-2")
    kit = Variant.objects.get(sku="SKU-1")
    StockLevel.objects.filter(variant=kit).update(on_hand=0)

    kits.set_parts(kit, {part.pk: 1}, actor="user:anna")

    assert shelf("SKU-2") == (10, 0)


@pytest.mark.parametrize(
    ("options", "features"), [({"unpaid_hold_m": 0}, {"unpaid_hold_m": 60}), ({}, {})]
)
def test_units_are_held_for_ever_where_nobody_says_how_long(
    options: dict[str, int], features: dict[str, int]
) -> None:
    store = make_store(options=options, features=features)
    stock(store)

    bring(store, unpaid(placed_at=NOW - timedelta(days=90)))

    assert shelf() == (10, 2)
    assert Reservation.objects.get().expires_at is None


def test_what_staff_chose_comes_before_what_the_store_says() -> None:
    store = make_store(options={"unpaid_hold_m": 10}, features={"unpaid_hold_m": 60})

    assert store.unpaid_hold == timedelta(minutes=10)

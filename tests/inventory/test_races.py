"""Many hands on one item and one order: nothing is promised twice, written twice or lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections

from integrations.sync import apply_orders, apply_products
from inventory import allocating, ledger, verifying
from inventory.allocating import AllocationRefused
from inventory.ledger import LedgerConflict
from inventory.models import Allocation, Listing, Product, Reservation, StockMovement, Variant
from logix.common.transactions import again_on
from orders import services
from orders.data import Authority
from orders.errors import OrderError
from orders.models import Order, OrderEvent, Shipment
from orders.status import Flag
from tests.factories import NOW, make_line, make_order, make_product, make_store
from tests.orders.shop import assert_books_balance, bring, level, shelf, stock

pytestmark = pytest.mark.django_db(transaction=True)


def together(jobs: Iterable[Callable[[], object]]) -> list[Exception]:
    """Run the jobs at once, each on its own connection; return what they raised."""
    jobs = list(jobs)
    start, raised = threading.Barrier(len(jobs)), []

    def run(job: Callable[[], object]) -> None:
        try:
            start.wait()
            job()
        except Exception as err:
            raised.append(err)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def arrive(store: Any, *records: Any) -> None:
    apply_orders(store, records, authority=Authority.LIST_PAGE, observed_at=NOW)


def test_the_last_unit_sold_twelve_times_is_promised_once() -> None:
    store = make_store()
    stock(store, units=1)
    orders = [make_order(n, lines=(make_line(external_id=f"l{n}", quantity=1),)) for n in range(12)]

    assert together([lambda o=o: arrive(store, o) for o in orders]) == []  # type: ignore[misc]

    assert Order.objects.count() == 12
    assert shelf() == (1, 1)
    assert sorted(Reservation.objects.values_list("quantity", "short")) == [(0, 1)] * 11 + [(1, 0)]
    oversold = [o for o in Order.objects.all() if Flag.OVERSOLD in o.flag_set]
    records = OrderEvent.objects.filter(kind="oversold")
    assert len(oversold) == records.count() == 11
    assert {(r.title, r.data["missing"][0]["units"]) for r in records} == {
        ("Oversold, not on hand: 1 × SKU-1", 1)
    }
    assert records[0].data["seconds_since_sale"] >= 0
    assert_books_balance()


def test_one_order_that_arrives_eight_times_is_one() -> None:
    store = make_store()
    stock(store)

    assert together([lambda: arrive(store, make_order())] * 8) == []

    assert Order.objects.count() == 1
    assert OrderEvent.objects.filter(kind="imported").count() == 1
    assert shelf() == (10, 2)


def test_edits_of_one_order_that_race_end_with_the_newest() -> None:
    from datetime import timedelta

    store = make_store()
    stock(store, units=50)
    order = make_order()
    news = [
        replace(order, changed_at=NOW + timedelta(minutes=n), lines=(make_line(quantity=n + 1),))
        for n in range(8)
    ]

    assert together([lambda o=o: arrive(store, o) for o in news]) == []  # type: ignore[misc]

    assert Order.objects.get().changed_at == news[-1].changed_at
    assert shelf() == (50, 8)
    assert_books_balance()


def test_two_people_who_ship_everything_at_once_ship_it_once() -> None:
    store = make_store()
    stock(store)
    bring(store, make_order())
    order = Order.objects.get()

    raised = together([lambda: services.add_shipment(order, actor="user:anna")] * 4)

    assert [type(err) for err in raised] == [OrderError] * 3
    assert Shipment.objects.count() == 1
    assert shelf() == (8, 0)


def test_counting_and_selling_at_once_keep_the_trail_whole() -> None:
    store = make_store()
    stock(store, units=20)
    item, place = Variant.objects.get(), level().location

    def deliver() -> None:
        again_on(LedgerConflict)(
            lambda: ledger.adjust(
                variant=item, location=place, delta=5, reason="Delivery", actor="user:anna"
            )
        )

    orders = [make_order(n, lines=(make_line(external_id=f"l{n}", quantity=1),)) for n in range(5)]
    jobs: list[Callable[[], object]] = [deliver] * 4
    jobs += [lambda o=o: arrive(store, o) for o in orders]  # type: ignore[misc]

    assert together(jobs) == []
    assert shelf() == (40, 5)
    assert_books_balance()


def test_one_cause_brought_by_many_moves_stock_once() -> None:
    store = make_store()
    stock(store)
    item, place = Variant.objects.get(), level().location

    def deliver() -> None:
        again_on(LedgerConflict)(
            lambda: ledger.adjust(
                variant=item, location=place, delta=5, reason="", actor="x", cause="delivery:7"
            )
        )

    assert together([deliver] * 6) == []
    assert shelf() == (15, 0)
    assert StockMovement.objects.filter(cause="delivery:7").count() == 1


def test_a_product_that_is_imported_by_many_at_once_is_one() -> None:
    """With a SKU and without one: nothing is parked, nothing is left over."""
    from inventory.data import VariantData

    store = make_store()
    blank = make_product(2, variants=(VariantData(external_id="p2", stock=3),))

    raised = together(
        [lambda: apply_products(store, [make_product(1), blank], observed_at=NOW)] * 6
    )

    assert raised == []
    assert (Product.objects.count(), Variant.objects.count(), Listing.objects.count()) == (2, 2, 2)
    assert not Listing.objects.filter(variant=None).exists()


def test_orders_and_their_products_that_arrive_at_once_meet() -> None:
    store = make_store()
    numbers = range(1, 9)
    orders = [make_order(n, lines=(make_line(n),)) for n in numbers]
    jobs: list[Callable[[], object]] = [lambda o=o: arrive(store, o) for o in orders]  # type: ignore[misc]
    jobs += [
        lambda n=n: apply_products(store, [make_product(n)], observed_at=NOW)  # type: ignore[misc]
        for n in numbers
    ]

    assert together(jobs) == []

    assert {o.import_state for o in Order.objects.all()} == {"accepted"}
    assert sum(r.quantity for r in Reservation.objects.all()) == 16
    assert_books_balance()


def test_units_that_are_set_aside_and_sold_at_once_are_given_to_one_of_them() -> None:
    store = make_store()
    other = make_store(store.merchant, base_url="https://other.example")
    stock(store)
    item, place = Variant.objects.get(), level().location

    def set_aside(owner: Any) -> None:
        again_on(LedgerConflict)(
            lambda: allocating.make(owner, item, place, units=6, actor="user:anna")
        )

    def sell(number: int) -> None:
        arrive(store, make_order(number, lines=(make_line(external_id=f"l{number}", quantity=2),)))

    asides = [lambda o=o: set_aside(o) for o in (store, other)]
    raised = together([*asides, *[lambda n=n: sell(n) for n in range(4)]])

    assert all(isinstance(err, AllocationRefused) for err in raised)
    found = level()
    held = sum(Reservation.objects.values_list("quantity", flat=True))
    assert found.allocated == sum(x.left for x in Allocation.objects.filter(ended_at=None))
    assert (found.reserved, found.free >= 0) == (held, True)
    assert_books_balance()
    assert verifying.differences([item.pk]) == []

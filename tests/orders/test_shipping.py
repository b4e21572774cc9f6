"""Shipping from the hub: parcel by parcel, never more than is left, from the place it left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inventory import ledger, locations
from inventory.models import Reservation, StockLevel, Variant
from orders import services
from orders.errors import OrderError
from orders.models import Order, OrderEvent, Shipment
from tests.factories import make_line, make_merchant, make_order, make_store
from tests.orders.shop import assert_books_balance, axes, bring, later, parcel, shelf, stock
from tests.orders.test_services import told
from tests.orders.test_standing import DONE

pytestmark = pytest.mark.django_db

__all__ = ["told"]


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, 1, 2)
    return store


@pytest.fixture
def order(store: Any) -> Order:
    bring(store, make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1))))
    return Order.objects.get()


def line(order: Order, number: int = 1) -> Any:
    return order.lines.get(external_id=f"l{number}").pk


def test_two_parcels_and_late_tracking(order: Order, told: list[dict[str, Any]]) -> None:
    first = services.add_shipment(
        order, lines={line(order): 2}, carrier="DHL", actor="user:anna", request_id="r1"
    )
    assert axes()[2] == "partially_fulfilled"
    assert shelf() == (8, 1)

    second = services.add_shipment(order, tracking_number="T2", actor="user:anna")
    assert axes()[2] == "fulfilled"
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((7, 0), (9, 0))

    services.update_tracking(first, tracking_number="T1", actor="user:anna")
    services.update_tracking(first, tracking_number="T1", actor="user:anna")

    assert (first.reference, second.reference) == ("LGX-1001-1", "LGX-1001-2")
    assert [
        (n["shipment"].reference, n["version"]) if "shipment" in n else n["status"] for n in told
    ] == [
        ("LGX-1001-1", 1),
        ("LGX-1001-2", 1),
        "completed",
        ("LGX-1001-1", 2),
    ]
    ours = OrderEvent.objects.filter(kind__in=("shipped", "tracking"), actor="user:anna")
    assert list(ours.values_list("title", "request_id")) == [
        ("Shipped 2 units: DHL", "r1"),
        ("Shipped 2 units: T2", ""),
        ("Tracking: DHL T1", ""),
    ]
    assert_books_balance()


def test_the_same_reference_again_is_the_same_parcel(order: Order) -> None:
    one = services.add_shipment(order, lines={line(order): 1}, reference="WMS-7", actor="token:wms")
    same = services.add_shipment(
        order, lines={line(order): 1}, reference="WMS-7", actor="token:wms"
    )

    assert one == same
    assert shelf() == (9, 2)


@pytest.mark.parametrize(
    ("units", "sentence"),
    [
        (4, "SKU-1: 4 asked for, 3 left to ship."),
        (0, "Ship at least one unit of a line."),
        (-1, "Ship at least one unit of a line."),
    ],
)
def test_more_than_is_left_is_refused_with_a_sentence(
    order: Order, units: int, sentence: str
) -> None:
    with pytest.raises(OrderError) as caught:
        services.add_shipment(order, lines={line(order): units}, actor="user:anna")

    assert caught.value.message == sentence
    assert not Shipment.objects.exists()
    assert shelf() == (10, 3)


def test_a_line_of_another_order_is_refused(store: Any, order: Order) -> None:
    bring(store, make_order(2))
    other = Order.objects.get(number="1002")

    with pytest.raises(OrderError, match="is not part of this order"):
        services.add_shipment(order, lines={line(other): 1}, actor="user:anna")


def test_what_is_only_downloaded_is_not_shipped(store: Any) -> None:
    bring(store, make_order(lines=(make_line(requires_shipping=False),)))
    order = Order.objects.get()

    with pytest.raises(OrderError, match="Nothing in this order needs shipping"):
        services.add_shipment(order, actor="user:anna")


def test_a_line_that_needs_no_shipping_has_nothing_left_to_ship(store: Any) -> None:
    bring(store, make_order(lines=(make_line(1), make_line(2, requires_shipping=False))))
    order = Order.objects.get()

    with pytest.raises(OrderError, match="SKU-2: 1 asked for, 0 left"):
        services.add_shipment(order, lines={line(order, 2): 1}, actor="user:anna")


def test_goods_leave_the_place_they_were_taken_from(store: Any, order: Order) -> None:
    """Three are reserved in the main warehouse; the parcel leaves from the shop."""
    shop = locations.create(store.merchant_id, code="shop", name="Shop")
    item = Variant.objects.get(sku="SKU-1")
    ledger.adjust(variant=item, location=shop, set_to=5, reason="Count", actor="user:anna")

    services.add_shipment(order, lines={line(order): 2}, location=shop, actor="user:anna")

    found = StockLevel.objects.filter(variant=item).order_by("location__rank")
    assert [(x.location.code, x.on_hand, x.reserved) for x in found] == [
        ("main", 10, 1),
        ("shop", 3, 0),
    ]
    assert_books_balance()


def test_a_place_of_another_merchant_is_refused(order: Order) -> None:
    theirs = locations.default(make_merchant("other").pk)

    with pytest.raises(OrderError, match="belongs to somebody else"):
        services.add_shipment(order, location=theirs, actor="user:anna")
    assert not Shipment.objects.exists()


def test_references_stay_unique_whatever_the_number_and_what_the_store_calls_its_own(
    store: Any,
) -> None:
    told = (parcel(1, external_id="LGX-" + "9" * 50 + "-2"),)
    bring(store, replace(make_order(shipments=told), number="9" * 64))
    order = Order.objects.get()

    made = services.add_shipment(order, actor="user:anna")

    assert made.reference == "LGX-" + "9" * 50 + "-3"


def test_tracking_of_a_cancelled_parcel_is_refused(order: Order) -> None:
    made = services.add_shipment(order, actor="user:anna")
    Shipment.objects.update(cancelled_at=made.shipped_at)

    with pytest.raises(OrderError, match="This parcel was cancelled"):
        services.update_tracking(made, tracking_number="T1", actor="user:anna")


def test_a_short_line_may_be_shipped_when_somebody_found_the_goods(store: Any) -> None:
    stock(store, 3, units=1)
    bring(store, make_order(lines=(make_line(3, quantity=2),)))

    services.add_shipment(Order.objects.get(), actor="user:anna")

    held = Reservation.objects.get()
    assert (held.quantity, held.short, held.shipped) == (0, 0, 2)
    assert shelf("SKU-3") == (-1, 0)
    assert_books_balance()


def test_the_store_that_confirms_a_shipment_moves_nothing_again(store: Any, order: Order) -> None:
    services.add_shipment(order, actor="user:anna")
    news = make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1)))

    bring(store, later(news, 1, custom={"x": 1}))
    assert axes()[2] == "fulfilled"
    bring(store, later(news, 2, **DONE))

    assert (shelf("SKU-1"), shelf("SKU-2")) == ((7, 0), (9, 0))
    assert Shipment.objects.count() == 1

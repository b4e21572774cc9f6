"""Parcels the store reports: known again, taken over when changed, never counted twice."""

from __future__ import annotations

from typing import Any

import pytest

from orders import services
from orders.data import ShipmentData, ShipmentLineData
from orders.models import Order, OrderEvent, Shipment, ShipmentLine
from tests.factories import NOW, make_line, make_order, make_store
from tests.orders.shop import assert_books_balance, axes, bring, later, parcel, shelf, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, 1, 2)
    return store


def test_two_parcels_of_one_order_leave_one_after_the_other(store: Any) -> None:
    order = make_order()
    first = parcel(1, external_id="f1", carrier="DHL", tracking_number="T1", shipped_at=NOW)
    bring(store, order)

    bring(store, later(order, 1, shipments=(first,)))
    assert (axes()[2], shelf()) == ("partially_fulfilled", (9, 1))

    bring(store, later(order, 2, shipments=(first, parcel(1, external_id="f2"))))
    assert (axes()[2], shelf()) == ("fulfilled", (8, 0))
    assert [s.origin for s in Shipment.objects.all()] == ["store", "store"]
    assert [e.title for e in OrderEvent.objects.filter(kind="shipment")] == [
        "The store reports a parcel: DHL T1",
        "The store reports a parcel: no tracking yet",
    ]


def test_a_new_order_may_come_with_its_parcels(store: Any) -> None:
    told = (parcel(1, external_id="f1"), parcel(1, external_id="f2"), parcel(3, line="strange"))

    bring(store, make_order(shipments=told))

    assert shelf() == (8, 0)
    assert Shipment.objects.count() == 3
    assert ShipmentLine.objects.count() == 2


def test_tracking_that_comes_late_is_taken_over(store: Any) -> None:
    order = make_order()
    bring(store, later(order, 1, shipments=(parcel(1, external_id="f1"),)))

    told = parcel(1, external_id="f1", carrier="DHL", tracking_number="T1")
    bring(store, later(order, 2, shipments=(told,)))

    known = Shipment.objects.get()
    assert (known.carrier, known.tracking_number) == ("DHL", "T1")
    assert shelf() == (9, 1)


def test_a_parcel_that_is_not_told_again_is_kept(store: Any) -> None:
    order = make_order()
    bring(store, later(order, 1, shipments=(parcel(1, external_id="f1"),)))

    bring(store, later(order, 2, shipments=()))
    bring(store, later(order, 3, shipments=None, custom={"x": 1}))

    assert shelf() == (9, 1)


def test_what_the_store_changes_in_its_parcel_is_taken_over(store: Any) -> None:
    order = make_order(lines=(make_line(1), make_line(2)))
    bring(store, later(order, 1, shipments=(parcel(2, external_id="f1"),)))
    moved = ShipmentData(
        external_id="f1",
        lines=(
            ShipmentLineData(line_external_id="l2", quantity=1),
            ShipmentLineData(line_external_id="l2", quantity=1),
        ),
    )

    bring(store, later(order, 2, shipments=(moved,)))
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 2), (8, 0))

    bring(store, later(order, 3, shipments=(parcel(1, line="l2", external_id="f1"),)))
    assert shelf("SKU-2") == (9, 1)
    assert [(x.line.external_id, x.quantity) for x in ShipmentLine.objects.all()] == [("l2", 1)]
    assert_books_balance()


@pytest.mark.parametrize(
    "told",
    [
        {"reference": "LGX-1001-1"},
        {"tracking_number": "T1"},
        {"external_id": "f9", "tracking_number": "T1"},
    ],
)
def test_our_own_parcel_is_known_when_the_store_tells_of_it(
    store: Any, told: dict[str, str]
) -> None:
    order = make_order()
    bring(store, order)
    ours = services.add_shipment(
        Order.objects.get(), tracking_number="T1", actor="user:anna", request_id="r"
    )

    # What the store makes of its lines is not news to us: we packed it.
    bring(store, later(order, shipments=(parcel(1, **told),)))

    known = Shipment.objects.get()
    assert (known.pk, known.external_id) == (ours.pk, told.get("external_id", ""))
    assert shelf() == (8, 0)


def test_one_box_with_two_fulfilments_is_two_parcels(store: Any) -> None:
    box = {"carrier": "DHL", "tracking_number": "T1"}
    told = (parcel(1, external_id="f1", **box), parcel(1, external_id="f2", **box))
    order = make_order()

    bring(store, later(order, 1, shipments=told[:1]))
    bring(store, later(order, 2, shipments=told))

    assert Shipment.objects.count() == 2
    assert shelf() == (8, 0)


def test_one_parcel_told_twice_in_one_answer_is_one(store: Any) -> None:
    told = (parcel(1, tracking_number="T1"), parcel(0, tracking_number="T1", external_id="p7"))

    bring(store, make_order(shipments=told))

    assert Shipment.objects.get().reference == "T1"
    assert shelf() == (9, 1)


def test_parcels_whose_names_collide_are_both_kept(store: Any) -> None:
    """A reference is cut at 64 characters; what follows must not lose the order."""
    long = "x" * 70
    told = (parcel(1, external_id=long + "1"), parcel(1, external_id=long + "2"))

    bring(store, make_order(shipments=told))

    assert Shipment.objects.count() == 2
    assert shelf() == (8, 0)


def test_a_parcel_without_lines_is_shown_and_moves_nothing(store: Any) -> None:
    bring(store, make_order(shipments=(parcel(0, tracking_number="T1"),)))

    assert Shipment.objects.get().tracking_number == "T1"
    assert (axes()[2], shelf()) == ("unfulfilled", (10, 2))


def test_a_cancelled_parcel_of_ours_counts_no_longer(store: Any) -> None:
    order = make_order()
    bring(store, order)
    services.add_shipment(Order.objects.get(), actor="user:anna")
    Shipment.objects.update(cancelled_at=NOW)

    bring(store, later(order, custom={"x": 1}))

    assert (axes()[2], shelf()) == ("unfulfilled", (10, 2))
    assert_books_balance()

"""What a store says of a parcel that was taken back, here or there: it does not come back to life,
and stock is what is on the shelf.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orders import services
from orders.models import Order, OrderEvent, Shipment
from orders.status import Flag
from tests.factories import NOW
from tests.orders.shop import assert_books_balance, axes, bring, by_id, later, parcel, shelf
from tests.orders.test_services import told
from tests.orders.test_standing import DONE
from tests.orders.test_unshipping import ORDER, cancel, line, order, store

pytestmark = pytest.mark.django_db

__all__ = ["order", "store", "told"]


def completed(minutes: int = 1) -> Any:
    """The store says that all of it left, some time before now."""
    return later(ORDER, minutes, **DONE)


@pytest.mark.parametrize(
    "still",
    [
        {"reference": "LGX-1001-1"},
        {"tracking_number": "T1"},
        {"external_id": "f9", "tracking_number": "T1"},
    ],
)
def test_a_store_that_still_shows_it_does_not_bring_it_back(
    store: Any, order: Order, still: dict[str, str]
) -> None:
    made = services.add_shipment(
        order, lines={line(order): 1}, tracking_number="T1", actor="user:anna"
    )
    cancel(made)

    bring(store, later(ORDER, shipments=(parcel(1, **still),)))

    assert Shipment.objects.get().cancelled_at
    assert (axes()[2], shelf()) == ("unfulfilled", (10, 3))
    bring(store, later(ORDER, 2, shipments=(parcel(1, cancelled=True, **still),)))
    assert Shipment.objects.get().cancelled_at
    assert (axes()[2], shelf()) == ("unfulfilled", (10, 3))
    assert not OrderEvent.objects.filter(kind="attention").exists()
    assert_books_balance()


def test_a_store_that_still_calls_the_order_completed_leaves_its_units_reserved(
    store: Any, order: Order, told: list[dict[str, Any]]
) -> None:
    made = services.add_shipment(order, actor="user:anna")
    by_id(store, completed())
    assert axes()[0] == "completed"

    cancel(made)
    assert [n["reopens"] for n in told if "reopens" in n] == [True]
    assert (axes()[2], shelf()) == ("unfulfilled", (10, 3))

    by_id(store, replace(completed(2), custom={"x": 1}))
    assert (axes()[0], axes()[2], shelf()) == ("completed", "unfulfilled", (10, 3))

    by_id(store, later(ORDER, 3))
    assert (axes()[0], axes()[2], shelf()) == ("open", "unfulfilled", (10, 3))
    assert_books_balance()


def test_a_store_that_completes_it_again_later_is_believed(store: Any, order: Order) -> None:
    made = services.add_shipment(order, actor="user:anna")
    by_id(store, completed())
    cancel(made)

    late = timezone.now() + timedelta(minutes=1)
    by_id(store, later(ORDER, 3, **{**DONE, "completed_at": late}))

    assert (axes()[0], axes()[2], shelf()) == ("completed", "fulfilled", (7, 0))
    assert_books_balance()


def test_the_same_number_that_leaves_again_is_another_parcel(store: Any, order: Order) -> None:
    made = services.add_shipment(
        order, lines={line(order): 1}, tracking_number="T1", actor="user:anna"
    )
    cancel(made)
    again = services.add_shipment(
        order, lines={line(order): 2}, tracking_number="T1", actor="user:anna"
    )

    bring(
        store,
        later(ORDER, shipments=(parcel(2, reference="LGX-1001-2", tracking_number="T1"),)),
    )
    assert shelf() == (8, 1)
    assert Shipment.objects.count() == 2

    cancel(again)
    sent_there = parcel(
        1,
        external_id="f3",
        tracking_number="T1",
        shipped_at=timezone.now() + timedelta(seconds=5),
    )
    bring(store, later(ORDER, 2, shipments=(sent_there,)))
    assert Shipment.objects.filter(origin="store").count() == 1
    assert shelf() == (9, 2)
    assert_books_balance()


def test_a_parcel_of_the_store_that_it_takes_back_is_back(store: Any, order: Order) -> None:
    sent = parcel(2, external_id="f1", carrier="DHL", tracking_number="T1", shipped_at=NOW)
    bring(store, later(ORDER, 1, shipments=(sent,)))
    assert shelf() == (8, 1)

    bring(store, later(ORDER, 2, shipments=(replace(sent, cancelled=True),)))

    assert (axes()[2], shelf()) == ("unfulfilled", (10, 3))
    known = Shipment.objects.get()
    assert known.cancelled_at == known.store_cancelled_at == NOW
    assert OrderEvent.objects.get(kind="shipment_cancelled").title == (
        "The store took back parcel f1"
    )
    bring(store, later(ORDER, 3, custom={"x": 1}, shipments=(replace(sent, cancelled=True),)))
    assert OrderEvent.objects.filter(kind="shipment_cancelled").count() == 1

    bring(store, later(ORDER, 4, shipments=(sent,)))
    assert (Shipment.objects.get().cancelled_at, shelf()) == (None, (8, 1))
    assert_books_balance()


def test_a_finished_order_whose_parcel_the_store_takes_back_has_its_units_again(
    store: Any, order: Order
) -> None:
    both = parcel(3, external_id="f1"), parcel(1, line="l2", external_id="f2")
    by_id(store, replace(completed(), shipments=both))
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((7, 0), (9, 0))

    back = (replace(both[0], cancelled=True), both[1])
    by_id(store, replace(completed(2), shipments=back))

    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 3), (9, 0))
    assert_books_balance()


def test_a_parcel_the_store_took_back_before_we_heard_of_it_is_none(
    store: Any, order: Order
) -> None:
    bring(store, later(ORDER, shipments=(parcel(1, external_id="f1", cancelled=True),)))

    assert not Shipment.objects.exists()
    assert shelf() == (10, 3)


def test_a_parcel_of_ours_that_the_store_cancels_is_for_a_person_to_decide(
    store: Any, order: Order
) -> None:
    """Goods are physical: the warehouse knows where they are."""
    made = services.add_shipment(order, lines={line(order): 1}, actor="user:anna")
    there = parcel(1, reference=made.reference, external_id="f1")
    bring(store, later(ORDER, 1, shipments=(there,)))

    for minute in (2, 3):
        gone = replace(there, cancelled=True)
        bring(store, later(ORDER, minute, custom={"x": minute}, shipments=(gone,)))

    made.refresh_from_db()
    order.refresh_from_db()
    assert (made.cancelled_at, made.store_cancelled_at) == (None, NOW)
    assert shelf() == (9, 2)
    assert Flag.CANCEL_REQUESTED in order.flag_set
    assert [e.title for e in OrderEvent.objects.filter(kind="attention")] == [
        "The store cancelled parcel LGX-1001-1, which was sent from Logix. If the goods are back, "
        "cancel it here as well."
    ]

    cancel(made)
    assert shelf() == (10, 3)


def test_a_parcel_of_ours_that_the_store_made_anew_is_on_its_way(store: Any, order: Order) -> None:
    made = services.add_shipment(
        order, lines={line(order): 1}, tracking_number="T1", actor="user:anna"
    )
    first = parcel(1, reference=made.reference, external_id="f1", tracking_number="T1")
    bring(store, later(ORDER, 1, shipments=(first,)))

    second = parcel(1, external_id="f2", tracking_number="T1")
    bring(store, later(ORDER, 2, shipments=(replace(first, cancelled=True), second)))

    made.refresh_from_db()
    assert (made.external_id, made.store_cancelled_at) == ("f2", None)
    assert shelf() == (9, 2)
    assert Shipment.objects.count() == 1

"""A parcel of ours taken back: its units are on the shelf and wanted again, and whatever the store
still shows of it brings it back to life no more.
"""

from __future__ import annotations

from typing import Any

import pytest

from inventory import ledger, locations
from inventory.models import StockLevel, StockMovement, Variant
from orders import services
from orders.errors import OrderError
from orders.models import Order, OrderEvent, RefundRequest, Return, ReturnLine, Shipment
from tests.factories import CANCELLED, make_line, make_order, make_store
from tests.orders.shop import assert_books_balance, axes, bring, by_id, later, parcel, shelf, stock
from tests.orders.test_services import told

pytestmark = pytest.mark.django_db

__all__ = ["told"]

ORDER = make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1)))


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, 1, 2)
    bring(store, ORDER)
    return store


@pytest.fixture
def order(store: Any) -> Order:
    return Order.objects.get()


def line(order: Order, number: int = 1) -> Any:
    return order.lines.get(external_id=f"l{number}").pk


def cancel(parcel: Shipment, **more: Any) -> Shipment:
    return services.cancel_shipment(parcel, actor="user:anna", **more)


def test_the_units_are_on_the_shelf_and_kept_for_the_order_again(
    order: Order, told: list[dict[str, Any]]
) -> None:
    made = services.add_shipment(order, lines={line(order): 2}, actor="user:anna")
    assert shelf() == (8, 1)

    done = cancel(made, reason="Wrong label", request_id="r7")

    assert shelf() == (10, 3)
    assert axes()[2] == "unfulfilled"
    assert done.cancelled_at
    assert done.version == 2
    assert order.lines.get(pk=line(order)).quantity_shipped == 0
    row = OrderEvent.objects.get(kind="shipment_cancelled")
    assert (row.title, row.actor, row.origin, row.request_id) == (
        "Parcel LGX-1001-1 taken back, 2 units: Wrong label",
        "user:anna",
        "person",
        "r7",
    )
    assert [(n["shipment"].reference, n["reopens"]) for n in told if "reopens" in n] == [
        ("LGX-1001-1", False)
    ]
    assert_books_balance()


def test_taking_it_back_again_changes_nothing(order: Order, told: list[dict[str, Any]]) -> None:
    made = services.add_shipment(order, actor="user:anna")
    cancel(made)
    moves, news = StockMovement.objects.count(), len(told)

    again = cancel(made)

    assert again.version == 2
    assert StockMovement.objects.count() == moves
    assert len(told) == news
    assert OrderEvent.objects.filter(kind="shipment_cancelled").count() == 1


def test_one_of_two_parcels_is_taken_back_and_the_other_stays(order: Order) -> None:
    first = services.add_shipment(order, lines={line(order): 1}, actor="user:anna")
    services.add_shipment(order, actor="user:anna")
    assert axes()[2] == "fulfilled"

    cancel(first)

    assert axes()[2] == "partially_fulfilled"
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((8, 1), (9, 0))
    again = services.add_shipment(order, actor="user:anna")
    assert again.reference == "LGX-1001-3"
    assert (shelf("SKU-1"), axes()[2]) == ((7, 0), "fulfilled")
    assert_books_balance()


def test_goods_come_back_to_the_place_they_left(store: Any, order: Order) -> None:
    shop = locations.create(store.merchant_id, code="shop", name="Shop")
    item = Variant.objects.get(sku="SKU-1")
    ledger.adjust(variant=item, location=shop, set_to=5, reason="Count", actor="user:anna")
    made = services.add_shipment(order, lines={line(order): 1}, location=shop, actor="user:anna")
    services.add_shipment(order, lines={line(order): 1}, actor="user:anna")

    cancel(made)

    found = StockLevel.objects.filter(variant=item).order_by("location__rank")
    assert [(x.location.code, x.on_hand) for x in found] == [("main", 9), ("shop", 5)]
    assert_books_balance()


def test_a_parcel_the_store_reported_is_cancelled_there(store: Any, order: Order) -> None:
    bring(store, later(ORDER, shipments=(parcel(1, external_id="f1"),)))

    with pytest.raises(OrderError, match="reported by the store") as caught:
        cancel(Shipment.objects.get())

    assert caught.value.code == "not_our_shipment"
    assert shelf() == (9, 2)


def test_of_an_order_that_the_store_deleted_nothing_is_taken_back(order: Order) -> None:
    made = services.add_shipment(order, actor="user:anna")
    services.mark_gone(order, actor="platform")

    with pytest.raises(OrderError, match="The store deleted this order"):
        cancel(made)

    assert shelf() == (7, 0)


def test_goods_that_were_delivered_come_back_by_a_return(order: Order) -> None:
    made = services.add_shipment(order, actor="user:anna")
    Order.objects.update(fulfillment_status="delivered")

    with pytest.raises(OrderError, match="delivered"):
        cancel(made)


def test_a_parcel_of_a_cancelled_order_is_taken_back_for_nobody(
    store: Any, order: Order, told: list[dict[str, Any]]
) -> None:
    made = services.add_shipment(order, actor="user:anna")
    by_id(store, later(ORDER, status=CANCELLED, raw_status="cancelled"))
    assert shelf() == (7, 0)

    cancel(made)

    assert (axes()[0], shelf()) == ("cancelled", (10, 0))
    assert [n["reopens"] for n in told if "reopens" in n] == [False]
    by_id(store, later(ORDER, 2, status=CANCELLED, raw_status="cancelled", custom={"x": 1}))
    assert shelf() == (10, 0)
    assert_books_balance()


def test_units_that_a_return_put_back_are_not_put_back_twice(order: Order) -> None:
    made = services.add_shipment(order, actor="user:anna")
    found = Return.objects.create(
        order=order, external_id="R1", name="#1001-R1", status="closed", raw_status="CLOSED"
    )
    back = ReturnLine.objects.create(
        parent=found, line_id=line(order), external_id="RL1", quantity=1
    )
    services.restock_return(found, units={back.pk: 1}, actor="user:anna")

    with pytest.raises(OrderError, match="SKU-1: units that left were put back to stock") as caught:
        cancel(made)

    assert caught.value.code == "already_restocked"
    assert Shipment.objects.get().cancelled_at is None
    assert shelf() == (8, 0)


def test_what_else_left_may_have_come_back_by_a_return(order: Order) -> None:
    services.add_shipment(order, lines={line(order): 1}, actor="user:anna")
    made = services.add_shipment(order, lines={line(order): 1}, actor="user:anna")
    found = Return.objects.create(
        order=order, external_id="R1", name="#1001-R1", status="closed", raw_status="CLOSED"
    )
    back = ReturnLine.objects.create(
        parent=found, line_id=line(order), external_id="RL1", quantity=1
    )
    services.restock_return(found, units={back.pk: 1}, actor="user:anna")

    assert cancel(made).cancelled_at
    assert shelf()[0] == 10


def test_units_that_a_refund_puts_back_are_not_put_back_twice(order: Order) -> None:
    made = services.add_shipment(order, actor="user:anna")
    request = RefundRequest.objects.create(
        order=order, reference="R1", amount=1, restock={str(line(order)): 1}
    )

    with pytest.raises(OrderError, match="put back"):
        cancel(made)
    RefundRequest.objects.filter(pk=request.pk).update(state="refused")

    assert cancel(made).cancelled_at


def test_a_reference_of_a_parcel_that_was_taken_back_is_not_used_again(order: Order) -> None:
    made = services.add_shipment(
        order, lines={line(order): 1}, reference="WMS-7", actor="token:wms"
    )
    cancel(made)

    with pytest.raises(OrderError, match="another reference"):
        services.add_shipment(order, lines={line(order): 1}, reference="WMS-7", actor="token:wms")

    assert shelf() == (10, 3)


def test_a_line_removed_at_the_store_comes_back_with_its_parcel(store: Any, order: Order) -> None:
    made = services.add_shipment(order, actor="user:anna")
    by_id(store, later(ORDER, lines=(make_line(1, quantity=3),)))

    cancel(made)

    assert (shelf("SKU-1"), shelf("SKU-2")[0]) == ((10, 3), 10)
    assert_books_balance()


# -- whether the customer hears of it ----------------------------------------------------------


def test_late_tracking_follows_what_was_said_of_the_parcel(
    order: Order, told: list[dict[str, Any]]
) -> None:
    made = services.add_shipment(order, notify_customer=False, actor="user:anna")

    tracked = services.update_tracking(made, tracking_number="T1", actor="user:anna")
    assert tracked.notify_customer is False

    loud = services.update_tracking(
        made, tracking_number="T2", notify_customer=True, actor="user:anna"
    )
    assert loud.notify_customer is True
    parcels = [n["shipment"].notify_customer for n in told if "shipment" in n]
    assert parcels == [False, False, True]


def test_a_choice_alone_tells_the_store_nothing(order: Order, told: list[dict[str, Any]]) -> None:
    made = services.add_shipment(order, tracking_number="T1", actor="user:anna")
    news = len(told)

    kept = services.update_tracking(made, notify_customer=False, actor="user:anna")

    assert (kept.notify_customer, kept.version) == (False, 1)
    made.refresh_from_db()
    assert made.notify_customer is False
    assert len(told) == news


def test_a_cancellation_without_a_word_to_the_customer_says_so(
    order: Order, told: list[dict[str, Any]]
) -> None:
    services.cancel_order(order, reason="Twice", notify_customer=False, actor="user:anna")

    assert told[-1]["notify_customer"] is False
    assert OrderEvent.objects.get(kind="cancel_requested").title == (
        "Asked the store to cancel, without a word to the customer: Twice"
    )

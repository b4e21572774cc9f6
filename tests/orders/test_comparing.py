"""An order as its store tells it against the order that is stored, part by part."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from orders.comparing import differing
from orders.data import OrderData
from orders.models import Order, OrderLine
from orders.status import ReturnStatus
from tests.factories import NOW, make_line, make_order, make_return, make_store
from tests.orders.shop import bring, by_id, parcel, refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(db: None) -> Any:
    return make_store()


def stored(store: Any, data: OrderData) -> Order:
    bring(store, data)
    return Order.objects.get()


def test_an_order_is_exact_as_it_was_told(store: Any) -> None:
    data = make_order()

    assert differing(data, stored(store, data)) == ()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"number": "77"}, "number"),
        ({"raw_status": "on-hold"}, "status"),
        ({"raw_payment": "paid"}, "payment"),
        ({"total": Decimal("28.76")}, "total"),
        ({"lines": (make_line(quantity=3),)}, "lines"),
        ({"lines": (make_line(total=Decimal("20.01")),)}, "lines"),
        ({"external_customer_id": "c9"}, "buyer, prices or notes"),
    ],
)
def test_each_part_that_differs_is_named(store: Any, changes: dict[str, Any], part: str) -> None:
    data = make_order()
    order = stored(store, data)

    assert differing(dataclasses.replace(data, **changes), order) == (part,)


def test_what_was_written_counts_and_not_what_was_judged(store: Any) -> None:
    """The digest says that the order is what it was; its rows say otherwise."""
    data = make_order()
    order = stored(store, data)
    OrderLine.objects.update(quantity=9)
    Order.objects.update(total=1)
    order.refresh_from_db()

    assert differing(data, order) == ("total", "lines")


def test_details_that_only_an_answer_by_id_tells_differ_where_there_are_some(store: Any) -> None:
    listed = make_order()
    order = stored(store, listed)
    none = dataclasses.replace(listed, shipments=(), returns=())
    some = dataclasses.replace(
        listed, shipments=(parcel(shipped_at=NOW),), returns=(make_return(),)
    )

    assert differing(none, order) == ()
    assert differing(some, order) == ("shipments", "returns")
    by_id(store, some)
    order.refresh_from_db()
    assert differing(some, order) == ()
    closed = (make_return(status=ReturnStatus.CLOSED),)
    assert differing(dataclasses.replace(some, returns=closed), order) == ("returns",)


def test_an_order_imported_as_past_is_kept_as_its_list_told_it(store: Any) -> None:
    data = make_order(refunds=(refund(units=None),))
    order = stored(store, data)
    Order.objects.update(moves_stock=False)
    order.refresh_from_db()

    told = dataclasses.replace(data, refunds=(refund(units=1),))

    assert differing(told, order) == ()

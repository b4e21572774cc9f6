"""Orders that the platform ships from its own stock touch no shelf here and leave none.

No adapter tells of one yet, so the records are made up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.models import Store
from inventory.models import Reservation, StockMovement
from orders import services
from orders.errors import OrderError
from orders.models import Conflict, Order, OrderEvent, Shipment
from orders.status import Flag
from tests.factories import CANCELLED, COMPLETED, NOW, make_line, make_order, make_store
from tests.orders.shop import assert_books_balance, bring, later, parcel, shelf, stock

pytestmark = pytest.mark.django_db

THEIRS = frozenset({Flag.PLATFORM_FULFILLED})
UNKNOWN = replace(make_order().status, known=False)


@pytest.fixture
def store() -> Store:
    store = make_store()
    stock(store, 1, 2, units=1)
    return store


def test_it_reserves_nothing_and_is_never_short(store: Any) -> None:
    bring(store, make_order(flags=THEIRS, lines=(make_line(1, quantity=5),)))

    order = Order.objects.get()
    assert order.flag_set == THEIRS
    assert (order.binds_stock, order.moves_stock) == (False, False)
    assert shelf() == (1, 0)
    assert not Reservation.objects.exists()


@pytest.mark.parametrize("end", [COMPLETED, CANCELLED])
def test_its_end_moves_nothing_and_asks_nobody(store: Any, end: Any) -> None:
    order = make_order(flags=THEIRS)
    bring(store, order)
    before = StockMovement.objects.count()

    bring(store, later(order, 1, shipments=(parcel(2, external_id="f1"),)))
    bring(store, later(order, 2, shipments=(parcel(2, external_id="f1"),), status=end))

    stored = Order.objects.get()
    assert stored.order_status == end.order
    assert stored.flag_set == THEIRS
    assert stored.lines.get().quantity_shipped == 2
    assert (StockMovement.objects.count(), shelf()) == (before, (1, 0))


def test_it_cannot_be_shipped_from_here(store: Any) -> None:
    bring(store, make_order(flags=THEIRS))

    with pytest.raises(OrderError, match="The platform ships this order") as refused:
        services.add_shipment(Order.objects.get(), actor="user:anna")

    assert refused.value.code == "platform_fulfilled"
    assert not Shipment.objects.exists()


def test_what_it_held_before_the_store_said_so_is_free_again(store: Any) -> None:
    order = make_order(lines=(make_line(1, quantity=5), make_line(2, quantity=1)))
    bring(store, order)
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((1, 1), (1, 1))

    bring(store, later(order, 1, flags=THEIRS))
    bring(store, later(order, 2, flags=THEIRS, status=COMPLETED, completed_at=NOW))

    assert (shelf("SKU-1"), shelf("SKU-2")) == ((1, 0), (1, 0))
    assert Order.objects.get().flag_set == THEIRS
    assert not Reservation.objects.filter(short__gt=0).exists()
    assert_books_balance()


@pytest.mark.parametrize("news", [{"gone": True}, {"status": UNKNOWN, "raw_status": "odd"}])
def test_an_answer_that_says_little_makes_it_no_order_of_ours(store: Any, news: Any) -> None:
    order = make_order(flags=THEIRS)
    bring(store, order)

    bring(store, later(order, 1, flags=frozenset(), **news))

    stored = Order.objects.get()
    assert Flag.PLATFORM_FULFILLED in stored.flag_set
    assert (stored.binds_stock, stored.moves_stock) == (False, False)


def test_an_edit_of_it_waits_for_nobody(store: Any) -> None:
    order = make_order(flags=THEIRS, lines=(make_line(1, quantity=2),))
    sent = (parcel(1, external_id="f1"),)
    bring(store, later(order, 0, shipments=sent))

    bring(store, later(order, 1, shipments=sent, lines=(make_line(1, quantity=3),)))

    assert not Conflict.objects.exists()
    assert OrderEvent.objects.filter(kind="edited").exists()

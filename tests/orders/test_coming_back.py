"""Goods that a store refunds or takes back, by its option ``returns``: shown, decided on, or put on
the shelf by its word.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from inventory.models import MovementKind, StockMovement
from orders import services
from orders.data import RestockData
from orders.errors import OrderError
from orders.models import Order, OrderEvent, Return, ReturnLine
from tests.factories import (
    COMPLETED,
    NOW,
    make_line,
    make_order,
    make_return,
    make_store,
)
from tests.orders.shop import (
    assert_books_balance,
    bring,
    by_id,
    later,
    parcel,
    refund,
    shelf,
    stock,
)

pytestmark = pytest.mark.django_db

MODES = ("off", "record", "automatic")
ANNA = "user:anna"


def a_store(mode: str | None) -> Any:
    store = make_store(options={"returns": mode} if mode else {})
    stock(store)
    return store


def left(store: Any) -> Any:
    """An order of two units that have left: eight on the shelf."""
    order = make_order(shipments=(parcel(2, external_id="f1"),))
    bring(store, order)
    assert shelf() == (8, 0)
    return order


def back(units: int = 1, **more: Any) -> RestockData:
    return RestockData(line_external_id="l1", quantity=units, **more)


def refunded(order: Any, minutes: int = 5, **changes: Any) -> Any:
    """One unit refunded, and back on sale at the store."""
    told = {"refunds": (refund(created_at=NOW),), "restocks": (back(reference="r1"),)}
    return later(order, minutes, **{**told, **changes})


def kinds() -> list[str]:
    return list(OrderEvent.objects.values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("mode", "on_hand", "said"),
    [("off", 8, []), ("record", 8, ["restock_waits"]), ("automatic", 9, ["restocked"])],
)
def test_each_mode_on_one_refund(mode: str, on_hand: int, said: list[str]) -> None:
    store = a_store(mode)
    order = left(store)

    bring(store, refunded(order))

    assert shelf() == (on_hand, 0)
    assert Order.objects.get().payment_status == "partially_refunded"
    assert [k for k in kinds() if k.startswith("restock")] == said
    assert_books_balance()


@pytest.mark.parametrize("mode", MODES)
def test_a_refund_of_which_nothing_came_back_changes_money_only(mode: str) -> None:
    store = a_store(mode)
    order = left(store)

    bring(store, refunded(order, restocks=()))

    assert shelf() == (8, 0)
    assert str(Order.objects.get().refunded_total) == "11.900000"
    assert not [k for k in kinds() if k.startswith("restock")]


def test_what_the_store_put_on_sale_goes_on_hand_once_however_often_it_is_told() -> None:
    store = a_store("automatic")
    order = left(store)

    for minutes in (5, 5, 6, 7):
        bring(store, refunded(order, minutes))

    assert shelf() == (9, 0)
    movement = StockMovement.objects.get(kind=MovementKind.RESTOCK)
    assert (movement.order_ref, movement.delta) == (Order.objects.get().pk, 1)
    assert movement.cause.startswith("store:")
    assert kinds().count("restocked") == 1


def test_a_second_refund_puts_back_its_own_units() -> None:
    store = a_store("automatic")
    order = left(store)
    bring(store, refunded(order))

    both = (refund(created_at=NOW), refund(2, created_at=NOW))
    rows = (back(reference="r1"), back(reference="r2"))
    bring(store, later(order, 8, refunds=both, restocks=rows))

    assert shelf() == (10, 0)
    assert_books_balance()


@pytest.mark.parametrize("before", ["off", "record"])
def test_another_choice_changes_nothing_of_what_was_told_before(before: str) -> None:
    store = a_store(before)
    order = left(store)
    bring(store, refunded(order))

    store.options = {"returns": "automatic"}
    bring(store, refunded(order, 6))
    assert shelf() == (8, 0)

    both = (refund(created_at=NOW), refund(2, created_at=NOW))
    bring(
        store,
        later(order, 8, refunds=both, restocks=(back(reference="r1"), back(reference="r2"))),
    )
    assert shelf() == (9, 0)


def test_units_that_had_not_left_are_free_and_never_put_back() -> None:
    """WooCommerce counts them among those it put back on sale."""
    store = a_store("automatic")
    order = make_order()
    bring(store, order)

    bring(store, refunded(order, restocks=(back(had_left=False),)))

    assert shelf() == (10, 1)
    assert not StockMovement.objects.filter(kind=MovementKind.RESTOCK).exists()


def test_a_tally_counts_what_came_back_after_the_order_was_complete() -> None:
    store = a_store("automatic")
    done = make_order(status=COMPLETED, raw_status="completed", completed_at=NOW)
    bring(store, make_order())
    bring(store, later(done))
    assert shelf() == (8, 0)
    one = refund(created_at=NOW + timedelta(minutes=4))

    # A list tells the tally before it is known which units the refund gave back.
    untold = replace(one, lines=None)
    found = bring(store, later(done, 5, refunds=(untold,), restocks=(back(had_left=False),)))
    assert (found.reread, shelf()) == ([done.external_id], (8, 0))
    by_id(store, later(done, 5, refunds=(one,), restocks=(back(had_left=False),)))

    assert shelf() == (9, 0)


def test_never_more_goes_back_than_had_left() -> None:
    store = a_store("automatic")
    order = make_order(shipments=(parcel(1, external_id="f1"),))
    bring(store, order)

    bring(store, refunded(order, restocks=(back(2, reference="r1"),)))

    assert shelf()[0] == 10


def test_goods_of_a_return_go_back_by_what_became_of_them_and_not_by_the_refund() -> None:
    store = a_store("automatic")
    order = left(store)
    bring(store, later(order, 1, returns=(make_return(),)))
    assert shelf() == (8, 0)

    rows = (back(reference="r1"), back(return_line_external_id="rl1"))
    news = refunded(order, returns=(make_return(),), restocks=rows)
    bring(store, news)
    bring(store, later(news, 1))

    assert shelf() == (9, 0)
    line = ReturnLine.objects.get()
    assert (line.restocked, line.left) == (1, 1)
    # The rest waits for a person, who may put back no more than is left.
    services.restock_return(Return.objects.get(), units={line.pk: 1}, actor=ANNA)
    assert shelf() == (10, 0)
    with pytest.raises(OrderError, match="0 left"):
        services.restock_return(Return.objects.get(), units={line.pk: 1}, actor=ANNA)
    assert_books_balance()


def test_what_a_person_put_back_is_not_put_back_again_by_the_store() -> None:
    store = a_store("automatic")
    order = left(store)
    bring(store, later(order, 1, returns=(make_return(),)))
    line = ReturnLine.objects.get()
    services.restock_return(Return.objects.get(), units={line.pk: 2}, actor=ANNA)

    rows = (back(2, return_line_external_id="rl1"),)
    bring(store, later(order, 2, returns=(make_return(),), restocks=rows))

    assert shelf() == (10, 0)


def test_a_return_told_while_returns_are_off_is_shown_and_not_decided_on() -> None:
    store = a_store("off")
    order = left(store)
    bring(store, later(order, 1, returns=(make_return(),)))
    found, line = Return.objects.get(), ReturnLine.objects.get()

    with pytest.raises(OrderError) as refused:
        services.restock_return(found, units={line.pk: 1}, actor=ANNA)

    assert refused.value.code == "returns_off"
    store.options = {"returns": "automatic"}
    rows = (back(return_line_external_id="rl1"),)
    bring(store, later(order, 2, returns=(make_return(),), restocks=rows))
    assert shelf() == (8, 0)


def test_a_store_without_a_choice_records() -> None:
    store = a_store(None)
    order = left(store)

    bring(store, later(order, 1, returns=(make_return(),)))

    assert Return.objects.get().handling == "record"


def test_what_came_back_before_the_stock_was_counted_is_in_the_figure() -> None:
    store = make_store(options={"returns": "automatic"}, stock_since=NOW)
    stock(store)
    order = make_order(
        lines=(make_line(), make_line(2)),
        shipments=(parcel(2, external_id="f1"),),
        refunds=(refund(created_at=NOW - timedelta(days=1)),),
        restocks=(back(reference="r1"),),
    )

    bring(store, order)

    assert not StockMovement.objects.filter(kind=MovementKind.RESTOCK).exists()


def test_an_order_of_before_this_was_asked_remembers_and_waits_for_the_next() -> None:
    store = a_store("automatic")
    order = left(store)
    Order.objects.update(told_restocks=None)

    bring(store, refunded(order))
    assert shelf() == (8, 0)

    both = (refund(created_at=NOW), refund(2, created_at=NOW))
    rows = (back(reference="r1"), back(reference="r2"))
    bring(store, later(order, 8, refunds=both, restocks=rows))
    assert shelf() == (9, 0)


def test_a_product_that_is_not_known_waits_for_a_person() -> None:
    store = make_store(options={"returns": "automatic"})
    order = make_order(shipments=(parcel(2, external_id="f1"),))
    bring(store, order)

    bring(store, refunded(order))

    assert "1 × SKU-1" in OrderEvent.objects.get(kind="restock_waits").title

"""A person's word that picking began, and that it did not: what an edit at the store means then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orders import services, shapes
from orders.errors import OrderError
from orders.models import Conflict, Order, OrderEvent
from orders.status import Flag, FulfillmentStatus
from tests.factories import CANCELLED, NOW, OPEN, make_line, make_order, make_store
from tests.orders.shop import assert_books_balance, bring, later, parcel, shelf, stock

pytestmark = pytest.mark.django_db

ANNA = "user:anna"
ORDER = make_order(lines=(make_line(1, quantity=2),))
MORE = (make_line(1, quantity=1),)


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store)
    bring(store, ORDER)
    return store


def begin(**more: Any) -> None:
    services.begin_picking(Order.objects.get(), actor=ANNA, **more)


def undo(**more: Any) -> None:
    services.undo_picking(Order.objects.get(), actor=ANNA, **more)


def code_of(act: Any) -> str:
    with pytest.raises(OrderError) as refused:
        act()
    assert refused.value.message.endswith(".")
    return refused.value.code


def test_an_edit_after_a_person_said_that_picking_began_waits_for_one(store: Any) -> None:
    begin(request_id="r1")

    bring(store, later(ORDER, lines=MORE))

    assert Conflict.objects.get().state == "open"
    assert Order.objects.get().flag_set == {Flag.EDITED_AFTER_IMPORT}
    assert shelf() == (10, 2)
    event = OrderEvent.objects.get(kind="picking")
    assert (event.title, event.actor, event.origin, event.request_id) == (
        "Picking began",
        ANNA,
        OrderEvent.Origin.PERSON,
        "r1",
    )
    assert_books_balance()


def test_an_edit_after_it_was_taken_back_is_applied_at_once(store: Any) -> None:
    begin()
    undo()

    bring(store, later(ORDER, lines=MORE))

    assert not Conflict.objects.exists()
    assert shelf() == (10, 1)
    titles = OrderEvent.objects.filter(actor=ANNA).values_list("title", flat=True)
    assert list(titles) == ["Picking began", "Not being picked after all"]


def test_said_twice_is_said_once(store: Any) -> None:
    begin()
    since = Order.objects.get().picking_since
    begin()
    assert Order.objects.get().picking_since == since

    undo()
    undo()

    assert OrderEvent.objects.filter(actor=ANNA).count() == 2


def test_what_is_read_of_the_store_leaves_the_word_standing(store: Any) -> None:
    begin()

    bring(store, later(ORDER, raw_status="packing"))

    order = Order.objects.get()
    assert order.picking_since is not None
    assert order.fulfillment_status == FulfillmentStatus.UNFULFILLED
    assert shapes.in_full(order, None)["picking_since"] == order.picking_since


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": CANCELLED, "raw_status": "cancelled"}, "nothing_to_pick"),
        ({"shipments": (parcel(2, external_id="f1"),)}, "nothing_to_pick"),
        ({"gone": True}, "order_gone"),
    ],
)
def test_an_order_of_which_nothing_is_to_be_picked_is_refused(
    store: Any, changes: dict[str, Any], code: str
) -> None:
    bring(store, later(ORDER, **changes))

    assert code_of(begin) == code
    assert Order.objects.get().picking_since is None


def test_an_edit_that_waits_is_decided_before_the_word_is_taken_back(store: Any) -> None:
    begin()
    bring(store, later(ORDER, lines=MORE))

    assert code_of(undo) == "edit_waits"
    assert shelf() == (10, 2)

    services.accept_edit(Order.objects.get(), seen=1, actor=ANNA)
    undo()
    assert shelf() == (10, 1)
    assert Order.objects.get().picking_since is None


def test_what_the_store_says_of_picking_holds_whatever_a_person_took_back(store: Any) -> None:
    picking = replace(OPEN, fulfillment=FulfillmentStatus.IN_PROGRESS)
    begin()
    bring(store, later(ORDER, status=picking))
    undo()

    bring(store, later(ORDER, 2, status=picking, lines=MORE))

    assert Conflict.objects.get().state == "open"


def test_an_order_cancelled_while_it_is_picked_is_cancelled(store: Any) -> None:
    begin()

    bring(store, later(ORDER, status=CANCELLED, raw_status="cancelled", cancelled_at=NOW))

    assert not Conflict.objects.exists()
    assert Order.objects.get().is_cancelled
    assert shelf() == (10, 0)

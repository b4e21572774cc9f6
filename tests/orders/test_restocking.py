"""Returned goods go back to stock when a person says so, once, and never more than came back."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from inventory import kits, locations
from inventory.models import MovementKind, StockLevel, StockMovement, Variant
from orders import services
from orders.data import ReturnData
from orders.errors import OrderError
from orders.models import Order, OrderEvent, Return, ReturnLine
from orders.status import ReturnStatus
from tests.factories import (
    make_line,
    make_merchant,
    make_order,
    make_return,
    make_return_line,
    make_store,
)
from tests.orders.shop import assert_books_balance, bring, by_id, shelf, stock
from tests.orders.test_returns import returned

pytestmark = pytest.mark.django_db

TWO = make_return(
    lines=(make_return_line(1, quantity=2), make_return_line(2, line_external_id="l2", quantity=1)),
)


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, 1, 2)
    return store


def sent(store: Any, told: ReturnData) -> Return:
    """A return of an order of two products, of which everything left."""
    lines = (make_line(1, quantity=2), make_line(2, quantity=1))
    bring(store, returned(told, lines=lines, shipments=None))
    return Return.objects.get()


def lines_of(found: Return) -> list[Any]:
    return [line.pk for line in found.lines.all()]


def cause_of(pk: Any, total: int = 1) -> str:
    line = ReturnLine.objects.select_related("line").get(pk=pk)
    assert line.line is not None
    assert line.line.variant_id is not None
    return f"return:{pk.hex}:{total}:{line.line.variant_id.hex}"


def put_back(found: Return, units: dict[Any, int], **more: Any) -> Return:
    return services.restock_return(found, units=units, actor="user:anna", **more)


def code_of(found: Return, units: dict[Any, int], **more: Any) -> str:
    before = list(StockMovement.objects.values_list("pk"))
    with pytest.raises(OrderError) as caught:
        put_back(found, units, **more)
    assert list(StockMovement.objects.values_list("pk")) == before
    assert str(caught.value).endswith(".")
    return caught.value.code


def test_units_go_back_with_their_cause_and_a_row_of_the_timeline(store: Any) -> None:
    found = sent(store, TWO)
    first, second = lines_of(found)
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((8, 0), (9, 0))

    put_back(found, {first: 1, second: 1}, request_id="r1")

    assert (shelf("SKU-1"), shelf("SKU-2")) == ((9, 0), (10, 0))
    moved = StockMovement.objects.filter(kind=MovementKind.RESTOCK).order_by("cause")
    assert sorted((m.cause, m.delta, m.reason, m.order_ref, m.actor) for m in moved) == sorted(
        (cause_of(pk), 1, "Return #1001-R1", found.order_id, "user:anna") for pk in (first, second)
    )
    event = OrderEvent.objects.get(kind="restocked")
    assert (event.title, event.actor, event.request_id) == (
        "Put back to stock at Main warehouse, from return #1001-R1: 1 × SKU-1, 1 × SKU-2",
        "user:anna",
        "r1",
    )
    assert event.data == {"return": "ret1", "location": "main"}
    assert_books_balance()


def test_a_line_goes_back_bit_by_bit_and_never_beyond_what_came(store: Any) -> None:
    found = sent(store, TWO)
    line = lines_of(found)[0]

    put_back(found, {line: 1})
    put_back(found, {line: 1})

    assert shelf() == (10, 0)
    assert code_of(found, {line: 1}) == "too_many"
    assert ReturnLine.objects.get(pk=line).restocked == 2
    assert_books_balance()


def test_whoever_saw_an_older_figure_is_told_and_nothing_is_done_twice(store: Any) -> None:
    found = sent(store, TWO)
    line = lines_of(found)[0]

    put_back(found, {line: 1}, seen=0)

    assert code_of(found, {line: 1}, seen=0) == "restocked_meanwhile"
    put_back(found, {line: 1}, seen=1)
    assert shelf() == (10, 0)


def test_goods_go_to_the_place_that_is_named(store: Any) -> None:
    found = sent(store, TWO)
    place = locations.create(store.merchant_id, code="returns", name="Returns desk", rank=90)

    put_back(found, {lines_of(found)[0]: 2}, location=place)

    assert StockLevel.objects.get(location=place).on_hand == 2
    assert_books_balance()


def test_a_kit_goes_back_as_its_parts(store: Any) -> None:
    stock(store, 9, units=0)
    gift, mug, can = (Variant.objects.get(sku=f"SKU-{n}") for n in (9, 1, 2))
    kits.set_parts(gift, {mug.pk: 2, can.pk: 1}, actor="user:anna")
    lines = (make_line(9, external_id="l1", quantity=3),)
    bring(store, returned(make_return(), lines=lines, shipments=None))
    found = Return.objects.get()
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((4, 0), (7, 0))

    put_back(found, {lines_of(found)[0]: 2})

    assert (shelf("SKU-1"), shelf("SKU-2"), shelf("SKU-9")) == ((8, 0), (9, 0), (0, 0))
    assert ReturnLine.objects.get().restocked == 2
    assert OrderEvent.objects.get(kind="restocked").title.endswith("#1001-R1: 2 × SKU-9")
    assert_books_balance()


def test_what_cannot_be_put_back_says_why(store: Any) -> None:
    found = sent(store, TWO)
    line = lines_of(found)[0]
    other = locations.default(make_merchant("other").pk)
    closed = locations.create(
        store.merchant_id, code="old", name="Old hall", rank=99, is_active=False
    )

    assert code_of(found, {}) == "nothing_to_restock"
    assert code_of(found, {line: 0}) == "bad_quantity"
    assert code_of(found, {line: 3}) == "too_many"
    assert code_of(found, {uuid4(): 1}) == "unknown_line"
    assert code_of(found, {line: 1}, location=other) == "unknown_location"
    assert code_of(found, {line: 1}, location=closed) == "location_closed"


@pytest.mark.parametrize("status", [ReturnStatus.DECLINED, ReturnStatus.CANCELLED])
def test_nothing_comes_back_by_a_return_that_was_called_off(
    store: Any, status: ReturnStatus
) -> None:
    found = sent(store, make_return(status=status))

    assert code_of(found, {lines_of(found)[0]: 1}) == "return_called_off"


def test_goods_of_an_unknown_product_wait_for_it(store: Any) -> None:
    strange = make_line(7, external_id="l1", sku="NEW-7")
    bring(store, returned(make_return(), lines=(strange,), shipments=None))
    found = Return.objects.get()
    line = lines_of(found)[0]
    assert code_of(found, {line: 1}) == "unknown_product"

    by_id(store, returned(make_return(lines=(make_return_line(line_external_id=""),)), minutes=2))

    assert code_of(found, {line: 1}) == "unknown_product"


def test_one_line_that_cannot_go_back_keeps_all_from_going(store: Any) -> None:
    found = sent(store, TWO)
    first, second = lines_of(found)

    assert code_of(found, {first: 1, second: 2}) == "too_many"
    assert shelf("SKU-1") == (8, 0)


def test_what_comes_back_serves_the_orders_that_wait_for_it(store: Any) -> None:
    found = sent(store, TWO)
    bring(store, make_order(2, lines=(make_line(1, external_id="x", quantity=9),)))
    waiting = Order.objects.get(number="1002")
    assert "oversold" in waiting.flags

    put_back(found, {lines_of(found)[0]: 2})

    waiting.refresh_from_db()
    assert waiting.flags == ""
    assert_books_balance()


def test_an_import_meanwhile_keeps_what_was_put_back(store: Any) -> None:
    found = sent(store, TWO)
    line = lines_of(found)[0]
    put_back(found, {line: 1})

    by_id(store, returned(make_return(lines=(make_return_line(1, quantity=1),)), minutes=5))

    kept = ReturnLine.objects.get(pk=line)
    assert (kept.quantity, kept.restocked, kept.left) == (1, 1, 0)

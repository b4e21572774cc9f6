"""Goods that a store refunded, and no return tells of: a person says what became of them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from inventory import kits, ledger, locations
from inventory.models import Location, MovementKind, StockLevel, StockMovement, Variant
from orders import services
from orders.data import RestockData
from orders.errors import OrderError
from orders.models import GoodsDecision, Order, OrderEvent, OrderLine
from orders.refunded_goods import goods_of
from orders.refunding import refund_told
from orders.status import ReturnStatus
from tests.factories import (
    NOW,
    make_line,
    make_merchant,
    make_order,
    make_return,
    make_store,
)
from tests.orders.shop import assert_books_balance, bring, later, parcel, refund, shelf, stock

pytestmark = pytest.mark.django_db

ANNA = "user:anna"
LEFT = make_order(
    lines=(make_line(1, quantity=3), make_line(2, quantity=1)),
    shipments=(parcel(3, external_id="f1"),),
)


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, 1, 2)
    return store


def refunded(store: Any, units: int = 2, **changes: Any) -> Any:
    """An order of three units that left, of which two were refunded."""
    bring(store, LEFT)
    told = later(LEFT, 5, **{"refunds": (refund(units=units, created_at=NOW),), **changes})
    bring(store, told)
    return told


def the_line(external_id: str = "l1") -> Any:
    return OrderLine.objects.get(external_id=external_id).pk


def waits() -> dict[str, tuple[int, int]]:
    return {
        x.line.external_id: (x.refunded, x.waits) for x in goods_of(Order.objects.get()).values()
    }


def decide(back: int = 0, nothing: int = 0, **more: Any) -> list[GoodsDecision]:
    line = more.pop("line", None) or the_line()
    return services.decide_goods(
        Order.objects.get(),
        back={line: back} if back else {},
        nothing={line: nothing} if nothing else {},
        actor=ANNA,
        **more,
    )


def code_of(*told: Any, **more: Any) -> str:
    before = StockMovement.objects.count(), GoodsDecision.objects.count()
    with pytest.raises(OrderError) as refused:
        decide(*told, **more)
    assert (StockMovement.objects.count(), GoodsDecision.objects.count()) == before
    assert refused.value.message.endswith(".")
    return refused.value.code


def test_a_refund_moves_money_alone_until_somebody_says_that_goods_are_back(store: Any) -> None:
    refunded(store)
    assert (shelf(), waits()) == ((7, 0), {"l1": (2, 2)})

    decide(back=1, request_id="r1")

    assert (shelf(), waits()) == ((8, 0), {"l1": (2, 1)})
    moved = StockMovement.objects.get(kind=MovementKind.RESTOCK)
    made = GoodsDecision.objects.get()
    assert (moved.delta, moved.order_ref, moved.actor) == (1, Order.objects.get().pk, ANNA)
    assert moved.cause == f"goods:{made.pk.hex}:{moved.variant_id.hex}"
    assert made.location == locations.default(store.merchant_id)
    event = OrderEvent.objects.get(kind="restocked")
    assert event.title == "Put back to stock at Main warehouse, refunded: 1 × SKU-1"
    assert (event.actor, event.request_id) == (ANNA, "r1")
    assert_books_balance()


def test_nothing_comes_back_is_remembered_and_moves_nothing(store: Any) -> None:
    refunded(store)

    decide(nothing=2)

    assert (shelf(), waits()) == ((7, 0), {"l1": (2, 0)})
    assert OrderEvent.objects.get(kind="nothing_back").title == (
        "Refunded, and nothing comes back: 2 × SKU-1"
    )
    assert not StockMovement.objects.filter(kind=MovementKind.RESTOCK).exists()


def test_some_come_back_and_some_do_not(store: Any) -> None:
    refunded(store, 3)

    decide(back=1, nothing=2)

    assert (shelf(), waits()) == ((8, 0), {"l1": (3, 0)})


def test_that_nothing_comes_back_can_be_taken_back_once(store: Any) -> None:
    refunded(store)
    (made,) = decide(nothing=2)

    services.expect_goods(made, actor="user:ben")
    first = GoodsDecision.objects.get()
    services.expect_goods(made, actor=ANNA)

    again = GoodsDecision.objects.get()
    assert (again.withdrawn_at, again.withdrawn_by) == (first.withdrawn_at, "user:ben")
    assert OrderEvent.objects.filter(kind="goods_expected").count() == 1
    decide(back=2)
    assert (shelf(), waits()) == ((9, 0), {"l1": (2, 0)})


def test_units_that_were_put_back_stay_there(store: Any) -> None:
    refunded(store)
    (made,) = decide(back=1)

    with pytest.raises(OrderError) as refused:
        services.expect_goods(made, actor=ANNA)

    assert refused.value.code == "back_already"
    assert shelf() == (8, 0)


def test_never_more_than_was_refunded_after_it_left(store: Any) -> None:
    refunded(store)

    assert code_of(3) == "too_many"
    assert code_of(2, 1) == "too_many"
    decide(back=2)
    assert code_of(1) == "too_many"
    assert code_of(0, 1) == "too_many"


def test_a_form_that_is_sent_twice_decides_once(store: Any) -> None:
    refunded(store)

    decide(back=1, seen=0)

    assert code_of(1, seen=0) == "decided_meanwhile"
    assert shelf() == (8, 0)


def test_units_that_had_not_left_are_no_matter(store: Any) -> None:
    bring(store, LEFT)
    bring(store, later(LEFT, 5, refunds=(refund(1, units=1, line="l2"),)))

    assert waits() == {}
    assert code_of(1, line=the_line("l2")) == "unknown_line"


def test_a_refund_takes_what_has_not_left_first(store: Any) -> None:
    order = make_order(lines=(make_line(1, quantity=3),), shipments=(parcel(2, external_id="f1"),))
    bring(store, order)
    bring(store, later(order, 5, refunds=(refund(units=2),)))

    assert waits() == {"l1": (1, 1)}


def test_an_amount_without_units_waits_for_nobody(store: Any) -> None:
    refunded(store, refunds=(refund(units=0),))

    assert waits() == {}
    assert code_of() == "nothing_decided"


@pytest.mark.parametrize("called_off", [False, True])
def test_a_line_with_a_return_is_decided_on_there(store: Any, called_off: bool) -> None:
    status = ReturnStatus.CANCELLED if called_off else ReturnStatus.OPEN
    refunded(store, returns=(make_return(status=status),))

    assert waits() == ({"l1": (2, 2)} if called_off else {})


def test_what_a_return_put_back_before_it_was_called_off_is_not_put_back_again(store: Any) -> None:
    told = refunded(store, returns=(make_return(),))
    found = Order.objects.get().returns.get()
    services.restock_return(found, units={found.lines.get().pk: 1}, actor=ANNA)

    bring(store, later(told, 2, returns=(make_return(status=ReturnStatus.CANCELLED),)))

    assert waits() == {"l1": (1, 1)}


def test_what_somebody_put_back_at_the_stock_level_for_this_order_counts(store: Any) -> None:
    refunded(store)
    found = StockLevel.objects.get(variant__sku="SKU-1")
    ledger.restock(
        variant=found.variant,
        location=found.location,
        units=1,
        cause="by-hand",
        order_ref=Order.objects.get().pk,
        actor=ANNA,
    )

    assert waits() == {"l1": (2, 1)}
    assert code_of(2) == "too_many"


def test_what_the_stores_word_put_back_counts() -> None:
    store = make_store(options={"returns": "automatic"})
    stock(store, 1, 2)
    refunded(store, restocks=(RestockData(line_external_id="l1", quantity=1, reference="r1"),))

    assert (shelf(), waits()) == ((8, 0), {"l1": (2, 1)})
    assert_books_balance()


def test_what_a_refund_from_here_put_back_counts() -> None:
    store = make_store(options={"refunds": "record"})
    stock(store, 1, 2)
    bring(store, LEFT)
    line = the_line()
    request = services.request_refund(
        Order.objects.get(), lines={line: 2}, restock={line: 1}, actor=ANNA
    )
    refund_told(request.order_id, request.reference)
    assert (shelf(), waits()) == ((8, 0), {})

    bring(store, later(LEFT, 5, refunds=(refund(units=2, reason=f"[{request.reference}]"),)))

    assert (shelf(), waits()) == ((8, 0), {"l1": (2, 1)})


def test_two_lines_of_one_item_share_what_was_put_back_otherwise(store: Any) -> None:
    lines = (make_line(1), make_line(1, external_id="l2"))
    shipped = tuple(parcel(2, line=x, external_id=f"f{x}") for x in ("l1", "l2"))
    order = make_order(lines=lines, shipments=shipped)
    bring(store, order)
    bring(store, later(order, 5, refunds=(refund(1), refund(2, line="l2"))))
    assert waits() == {"l1": (1, 1), "l2": (1, 1)}
    found = StockLevel.objects.get(variant__sku="SKU-1")
    told = {"units": 1, "cause": "by-hand", "order_ref": Order.objects.get().pk}
    ledger.restock(variant=found.variant, location=found.location, **told, actor=ANNA)

    assert waits() == {"l1": (1, 1), "l2": (1, 0)}


def test_a_kit_comes_back_as_its_parts(store: Any) -> None:
    stock(store, 3)
    kit, part = Variant.objects.get(sku="SKU-3"), Variant.objects.get(sku="SKU-1")
    found = StockLevel.objects.get(variant=kit)
    ledger.adjust(variant=kit, location=found.location, set_to=0, reason="It is a kit", actor=ANNA)
    kits.set_parts(kit, {part.pk: 2}, actor=ANNA)
    order = make_order(
        lines=(make_line(3, external_id="l1"),), shipments=(parcel(2, external_id="f1"),)
    )
    bring(store, order)
    bring(store, later(order, 5, refunds=(refund(),)))
    assert (shelf(), waits()) == ((6, 0), {"l1": (1, 1)})

    decide(back=1)

    assert (shelf(), waits()) == ((8, 0), {"l1": (1, 0)})
    assert_books_balance()


def test_a_product_that_is_not_known_can_only_stay_away(store: Any) -> None:
    refunded(store)
    OrderLine.objects.update(variant=None)

    assert code_of(1) == "unknown_product"
    decide(nothing=1)
    assert waits() == {"l1": (2, 1)}


def test_nothing_is_decided_where_returns_are_off() -> None:
    store = make_store(options={"returns": "off"})
    stock(store, 1, 2)
    refunded(store)

    assert waits() == {}
    assert code_of(1) == "returns_off"


def test_a_place_that_cannot_be_is_refused(store: Any) -> None:
    refunded(store)
    foreign = locations.default(make_merchant("other").pk)
    closed = Location.objects.create(
        merchant=store.merchant, code="annex", name="Annex", is_active=False
    )

    assert code_of(1, location=foreign) == "unknown_location"
    assert code_of(1, location=closed) == "location_closed"
    assert code_of(1, line=uuid4()) == "unknown_line"
    with pytest.raises(OrderError, match="at least one unit"):
        services.decide_goods(Order.objects.get(), back={the_line(): -1}, nothing={}, actor=ANNA)


def test_what_waits_is_asked_in_few_statements(
    store: Any, django_assert_max_num_queries: Any
) -> None:
    refunded(store)
    order = Order.objects.select_related("store").get()

    with django_assert_max_num_queries(6):
        goods_of(order)

"""Refunds asked for here: never more than was paid, to the cent, and goods back once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from integrations.models import Command
from inventory import locations
from orders import refunding, services
from orders.data import ChargeData, ChargeKind, PaymentData, PaymentKind, marked
from orders.errors import OrderError
from orders.models import Order, OrderEvent, OrderLine, RefundRequest
from orders.status import OrderStatus, ReturnStatus
from tests.factories import make_line, make_merchant, make_order, make_return, make_store
from tests.orders.shop import bring, by_id, later, parcel, refund, shelf, stock

pytestmark = pytest.mark.django_db
S = RefundRequest.State
ANNA = "user:anna"


@pytest.fixture
def store() -> Any:
    made = make_store(options={"refunds": "gateway"}, writes_enabled=True)
    stock(made, 1, units=10)
    return made


def take_in(store: Any, **changes: Any) -> Order:
    bring(store, make_order(**changes))
    return Order.objects.get()


def ask(order: Order, **told: Any) -> RefundRequest:
    if "units" in told:
        told["lines"] = {order.lines.get().pk: told.pop("units")}
    return services.request_refund(order, **told, actor=ANNA)


def refused(order: Order, **told: Any) -> str:
    with pytest.raises(OrderError) as caught:
        ask(order, **told)
    return caught.value.code


def shown(order: Order, request: RefundRequest, *, units: int | None = 1, **more: Any) -> Any:
    """The order as the store tells it with that refund in it."""
    data = more.pop("data", None) or make_order()
    told = refund(7, units=units, amount=request.amount, reason=marked("", request.reference))
    return later(data, refunds=(told,), **more)


# -- What it comes to --------------------------------------------------------------------------


def test_a_unit_is_worth_its_share_with_tax(store: Any) -> None:
    request = ask(take_in(store), units=1, reason="Chipped")

    assert (request.amount, request.state) == (Decimal("11.90"), S.ASKED)
    assert request.lines == [{"line": "l1", "quantity": 1, "amount": "10.00", "tax": "1.90"}]
    assert request.reference == "LGX-1001-R1"
    assert request.moves_money


def test_the_last_unit_takes_what_rounding_left(store: Any) -> None:
    line = make_line(quantity=3, total=Decimal("10.00"), tax=Decimal("0.50"))
    order = take_in(store, lines=(line,))

    sums = [ask(order, units=1).amount for _ in range(3)]

    assert sums == [Decimal("3.50"), Decimal("3.50"), Decimal("3.50")]
    rows = [one.lines[0] for one in RefundRequest.objects.order_by("pk")]
    assert [row["amount"] for row in rows] == ["3.33", "3.34", "3.33"]
    assert sum(Decimal(row["tax"]) for row in rows) == Decimal("0.50")


@pytest.mark.parametrize(
    ("currency", "total", "sums"),
    [("JPY", "1000", ["333", "334", "333"]), ("KWD", "1.000", ["0.333", "0.334", "0.333"])],
)
def test_the_smallest_unit_is_the_currencys(
    store: Any, currency: str, total: str, sums: list[str]
) -> None:
    line = make_line(quantity=3, total=Decimal(total), tax=Decimal(0))
    paid = PaymentData(external_id="paid", kind=PaymentKind.CAPTURE, amount=Decimal(total))
    order = take_in(
        store, lines=(line,), currency=currency, charges=(), total=Decimal(total), payments=(paid,)
    )

    assert [ask(order, units=1).lines[0]["amount"] for _ in range(3)] == sums


def test_shipping_goes_back_with_its_tax(store: Any) -> None:
    shipping = ChargeData(
        kind=ChargeKind.SHIPPING, title="Flat", amount=Decimal("4.00"), tax=Decimal("0.95")
    )
    order = take_in(store, charges=(shipping,))

    total = refunding.preview(order, shipping=Decimal("2.00"))

    assert (total.amount, total.shipping_tax) == (Decimal("2.00"), Decimal("0.38"))
    ask(order, shipping=Decimal("4.95"))
    assert refused(order, shipping=Decimal("0.01")) == "too_much_shipping"


def test_another_sum_than_the_lines_are_worth_may_be_given(store: Any) -> None:
    request = ask(take_in(store), units=2, amount=Decimal("20.00"))

    assert request.amount == Decimal("20.00")
    assert request.lines[0]["quantity"] == 2


# -- Never more than there is ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"amount": Decimal("28.76")}, "too_much"),
        ({"amount": Decimal("0.001")}, "bad_amount"),
        ({"amount": Decimal("-1")}, "bad_amount"),
        ({"amount": Decimal("NaN")}, "bad_amount"),
        ({"amount": Decimal(0)}, "nothing_to_refund"),
        ({}, "nothing_to_refund"),
        ({"units": 3}, "too_many"),
        ({"units": 0}, "bad_quantity"),
        ({"shipping": Decimal("4.96")}, "too_much_shipping"),
        ({"lines": {UUID(int=1): 1}}, "unknown_line"),
        ({"units": 1, "reference": "two words"}, "bad_reference"),
        ({"units": 1, "reason": "x" * 201}, "reason_too_long"),
    ],
)
def test_what_is_not_there_is_not_given_back(store: Any, told: dict[str, Any], code: str) -> None:
    order = take_in(store)

    assert refused(order, **told) == code
    assert not RefundRequest.objects.exists()
    assert not Command.objects.exists()


def test_what_is_on_its_way_counts_as_given_back(store: Any) -> None:
    order = take_in(store)
    ask(order, amount=Decimal("20.00"))

    assert refused(order, amount=Decimal("8.76")) == "too_much"
    ask(order, amount=Decimal("8.75"))
    assert refused(order, amount=Decimal("0.01")) == "too_much"


def test_units_on_their_way_and_units_refunded_at_the_store_are_not_refunded_again(
    store: Any,
) -> None:
    order = take_in(store)
    by_id(store, later(make_order(), refunds=(refund(1),)))
    ask(order, units=1)

    assert refused(order, units=1) == "too_many"


def test_units_of_a_refund_that_a_list_shows_without_its_lines_are_gone(store: Any) -> None:
    order = take_in(store)
    request = ask(order, units=2, amount=Decimal("1.00"))

    bring(store, shown(order, request, units=None))

    request.refresh_from_db()
    assert (request.state, order.lines.get().quantity_refunded) == (S.DONE, 0)
    assert refused(order, units=1) == "too_many"


def test_what_the_store_took_back_can_be_refunded_again(store: Any) -> None:
    order = take_in(store)
    request = ask(order, units=2, shipping=Decimal("4.95"))
    by_id(store, shown(order, request, units=2))
    assert refused(order, units=1) == "too_many"

    by_id(store, later(make_order(), 2))

    assert ask(order, units=2, shipping=Decimal("4.95")).amount == Decimal("28.75")


def test_a_refusal_and_a_drop_free_what_was_asked_for(store: Any) -> None:
    order = take_in(store)
    request = ask(order, amount=Decimal("28.75"))

    services.refund_ended(order.pk, request.reference, by_store=True, problem="No such card.")

    request.refresh_from_db()
    assert (request.state, request.problem) == (S.REFUSED, "No such card.")
    assert ask(order, amount=Decimal("28.75")).reference == "LGX-1001-R2"


def test_the_same_reference_again_is_the_same_refund(store: Any) -> None:
    order = take_in(store)

    first = ask(order, amount=Decimal("28.75"), reference="ERP-7")
    again = ask(order, amount=Decimal("28.75"), reference="ERP-7")

    assert again == first
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"order_status": OrderStatus.DRAFT}, "order_draft"),
        ({"gone_at": "2026-11-20T12:00:00Z"}, "order_gone"),
    ],
)
def test_an_order_that_is_none_is_not_refunded(
    store: Any, changes: dict[str, Any], code: str
) -> None:
    order = take_in(store)
    Order.objects.update(**changes)

    assert refused(order, units=1) == code


def test_a_cancelled_order_can_be_refunded(store: Any) -> None:
    order = take_in(store)
    Order.objects.update(order_status=OrderStatus.CANCELLED)

    assert ask(order, units=2).amount == Decimal("23.80")


# -- Per store ---------------------------------------------------------------------------------


def test_refunds_are_off_until_somebody_allows_them(store: Any) -> None:
    order = take_in(store)
    store.options = {}
    store.save()

    with pytest.raises(OrderError, match="Its owner allows them at the store, under Options") as no:
        ask(order, units=1)
    assert no.value.code == "refunds_off"


def test_a_store_may_only_note_refunds(store: Any) -> None:
    order = take_in(store)
    store.options = {"refunds": "record"}
    store.save()

    assert ask(order, units=1).moves_money is False
    assert Command.objects.get().payload["moves_money"] is False
    titles = OrderEvent.objects.filter(kind="refund_requested").values_list("title", flat=True)
    assert list(titles) == ["Asked the store to note a refund of 11.90 EUR"]


# -- The store's answer ------------------------------------------------------------------------


def test_the_refund_the_store_shows_is_ours_and_no_news(store: Any) -> None:
    order = take_in(store)
    request = ask(order, units=1)
    services.refund_told(order.pk, request.reference)

    by_id(store, shown(order, request))

    request.refresh_from_db()
    assert (request.state, request.external_id) == (S.DONE, "r7")
    assert not order.events.filter(kind="refund").exists()
    order.refresh_from_db()
    assert order.refunded_total == Decimal("11.90")
    assert ask(order, amount=Decimal("16.85")).amount == Decimal("16.85")


def test_somebody_elses_refund_is_news_though_one_of_ours_is_on_its_way(store: Any) -> None:
    order = take_in(store)
    request = ask(order, units=1)

    by_id(store, later(make_order(), refunds=(refund(1, reason="By hand [LGX-1001-R11]"),)))

    request.refresh_from_db()
    assert request.state == S.ASKED
    assert order.events.filter(kind="refund").count() == 1


def test_a_refund_that_was_given_up_and_made_all_the_same_is_known_again(store: Any) -> None:
    order = take_in(store)
    request = ask(order, units=1)
    services.refund_ended(order.pk, request.reference, by_store=False, problem="Too slow")

    by_id(store, shown(order, request))

    request.refresh_from_db()
    assert (request.state, request.problem) == (S.DONE, "")


def test_an_erased_buyers_refund_is_known_again(store: Any) -> None:
    order = take_in(store)
    request = ask(order, units=1, reason="Zoë Žižek called")
    services.erase_buyer(order, actor=ANNA)

    by_id(store, shown(order, request))

    request.refresh_from_db()
    assert request.state == S.DONE
    assert order.refunds.get().reason == ""


# -- Goods -------------------------------------------------------------------------------------


def shipped(store: Any, units: int = 2) -> Order:
    return take_in(store, shipments=(parcel(units, external_id="f1"),))


def test_money_alone_moves_no_stock(store: Any) -> None:
    order = shipped(store)
    assert shelf() == (8, 0)

    request = ask(order, units=2)
    services.refund_told(order.pk, request.reference)
    by_id(store, shown(order, request, units=2))

    assert shelf() == (8, 0)


@pytest.mark.parametrize("first", ["told", "shown"])
def test_goods_go_back_once_and_only_when_the_store_has_the_refund(store: Any, first: str) -> None:
    order = shipped(store)
    line = order.lines.get()
    request = ask(order, units=2, restock={line.pk: 1})
    assert shelf() == (8, 0)

    def tell() -> None:
        services.refund_told(order.pk, request.reference)

    def show() -> None:
        by_id(store, shown(order, request, units=2))

    for step in (tell, show) if first == "told" else (show, tell):
        step()
        assert shelf() == (9, 0)
    tell()
    titles = list(order.events.filter(kind="restocked").values_list("title", flat=True))
    assert titles == ["Put back to stock at Main warehouse, refunded: 1 × SKU-1"]


def test_a_refusal_puts_nothing_back(store: Any) -> None:
    order = shipped(store)
    request = ask(order, units=2, restock={order.lines.get().pk: 2})

    services.refund_ended(order.pk, request.reference, by_store=True, problem="No.")

    assert shelf() == (8, 0)


def test_only_units_that_had_left_can_come_back(store: Any) -> None:
    order = shipped(store, units=1)
    pk = order.lines.get().pk

    assert refused(order, units=1, restock={pk: 1}) == "too_many_restocked"
    assert refused(order, units=2, restock={pk: 2}) == "too_many_restocked"
    assert refused(order, units=2, restock={pk: 0}) == "bad_quantity"
    assert refused(order, amount=Decimal(1), restock={pk: 1}) == "unknown_line"
    ask(order, units=2, restock={pk: 1})


def test_units_that_had_not_left_are_free_when_the_store_shows_the_refund(store: Any) -> None:
    order = take_in(store)
    assert shelf() == (10, 2)
    request = ask(order, units=1)
    assert shelf() == (10, 2)

    by_id(store, shown(order, request))

    assert shelf() == (10, 1)


def test_what_comes_back_by_a_return_is_put_back_there(store: Any) -> None:
    order = take_in(store, shipments=(parcel(2, external_id="f1"),), returns=(make_return(),))
    pk = order.lines.get().pk

    assert refused(order, units=1, restock={pk: 1}) == "comes_back_by_return"
    called_off = make_return(status=ReturnStatus.CANCELLED)
    data = make_order(shipments=(parcel(2, external_id="f1"),))
    by_id(store, later(data, returns=(called_off,)))
    ask(order, units=1, restock={pk: 1})


def test_a_product_nobody_knows_cannot_be_put_back(store: Any) -> None:
    order = shipped(store)
    OrderLine.objects.update(variant=None)

    assert refused(order, units=1, restock={order.lines.get().pk: 1}) == "unknown_product"


def test_a_closed_place_and_somebody_elses_take_nothing(store: Any) -> None:
    order = shipped(store)
    pk = order.lines.get().pk
    closed = locations.create(store.merchant_id, code="old", name="Old", is_active=False)
    strange = locations.create(make_merchant("b").pk, code="x", name="X")

    assert refused(order, units=1, restock={pk: 1}, location=closed) == "location_closed"
    assert refused(order, units=1, restock={pk: 1}, location=strange) == "unknown_location"

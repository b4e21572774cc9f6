"""Refunds of orders that were rounded as a whole: all of it can go back, and never more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from orders import refunding
from orders.data import ChargeData, ChargeKind, OrderData, PaymentData, PaymentKind
from orders.errors import OrderError
from orders.models import Order
from tests.factories import make_line, make_order, make_store
from tests.orders.shop import bring

pytestmark = pytest.mark.django_db


def order_of(total: str, *lines: Any, charges: tuple[ChargeData, ...] = ()) -> OrderData:
    amount = Decimal(total)
    paid = PaymentData(external_id="paid", kind=PaymentKind.CAPTURE, amount=amount)
    return make_order(lines=lines, charges=charges, payments=(paid,), total=amount)


def part(number: int, net: str, tax: str, **changes: Any) -> Any:
    told = {"quantity": 1, "total": Decimal(net), "tax": Decimal(tax), **changes}
    return make_line(number, **told)


def kept(data: OrderData) -> Order:
    bring(make_store(options={"refunds": "gateway"}), data)
    return Order.objects.get()


def worth(order: Order, *numbers: int) -> Decimal:
    lines = order.lines.filter(external_id__in=[f"l{n}" for n in numbers])
    return refunding.preview(order, lines={x.pk: x.quantity for x in lines}).amount


def test_halves_of_a_cent_in_price_and_tax_are_not_two_cents() -> None:
    order = kept(order_of("9.99", part(1, "8.325", "1.665")))

    (line,) = refunding.preview(order, lines={order.lines.get().pk: 1}).lines

    assert (line.amount, line.tax) == (Decimal("8.32"), Decimal("1.67"))
    assert worth(order, 1) == Decimal("9.99")


def test_all_lines_give_back_what_was_paid_though_each_is_worth_a_little_more() -> None:
    """Twelve times 2.98 is 35.76, and 35.70 was paid."""
    order = kept(order_of("35.70", *(part(n, "2.50", "0.475") for n in range(1, 13))))

    assert worth(order, 1) == Decimal("2.98")
    assert worth(order, *range(1, 13)) == Decimal("35.70")


def test_the_last_refund_takes_a_cent_that_the_lines_lack() -> None:
    order = kept(order_of("20.01", part(1, "10.00", "0"), part(2, "10.00", "0")))
    assert order.rounding == Decimal("0.01")

    assert worth(order, 1) == Decimal("10.00")
    assert worth(order, 1, 2) == Decimal("20.01")


def test_what_a_plugin_added_to_the_total_is_no_rounding() -> None:
    order = kept(order_of("30.00", part(1, "10.00", "0"), part(2, "10.00", "0")))

    assert worth(order, 1, 2) == Decimal("20.00")


def test_what_a_plugin_took_off_the_total_is_not_given_back() -> None:
    order = kept(order_of("15.00", part(1, "10.00", "0"), part(2, "10.00", "0")))

    with pytest.raises(OrderError) as caught:
        worth(order, 1, 2)

    assert caught.value.code == "too_much"


def test_asking_for_nothing_never_gives_back_what_rounding_left() -> None:
    rounding = ChargeData(kind=ChargeKind.ROUNDING, title="Rounding", amount=Decimal("0.01"))
    order = kept(order_of("0.01", charges=(rounding,)))

    with pytest.raises(OrderError) as caught:
        refunding.preview(order)

    assert caught.value.code == "nothing_to_refund"

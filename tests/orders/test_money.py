"""The parts of an order add up, and payments and refunds are those the store tells of now."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from integrations.sync import apply_orders
from orders import money
from orders.data import Authority, ChargeData, ChargeKind, PaymentData, PaymentKind
from orders.models import Order, OrderEvent, Payment, Refund
from tests.factories import NOW, make_line, make_order, make_store
from tests.orders.shop import axes, bring, by_id, later, refund, stock


def test_an_order_that_adds_up_has_no_rounding() -> None:
    assert money.unexplained(make_order()) == 0
    assert money.amounts(make_order()).columns["rounding"] == 0


def test_what_nobody_explains_is_a_visible_line() -> None:
    found = money.amounts(make_order(total=Decimal("28.74"))).columns

    assert found["rounding"] == Decimal("-0.01")
    assert found["charges"][-1] == {
        "kind": "rounding",
        "code": "",
        "title": "Rounding",
        "amount": "-0.01",
        "tax": "0",
        "informative": False,
    }


def test_informative_charges_explain_and_are_not_added_again() -> None:
    coupon = ChargeData(
        kind=ChargeKind.DISCOUNT, code="MAY", amount=Decimal("2.00"), informative=True
    )
    order = make_order(charges=(*make_order().charges, coupon))

    found = money.amounts(order).columns

    assert found["discount_total"] == Decimal("2.00")
    assert found["rounding"] == 0


def test_every_column_is_the_sum_of_its_kind() -> None:
    order = make_order(
        lines=(make_line(1), make_line(2, total=Decimal("7.00"), tax=Decimal(0))),
        charges=(
            ChargeData(kind=ChargeKind.SHIPPING, amount=Decimal("4.95"), tax=Decimal("0.94")),
            ChargeData(kind=ChargeKind.SHIPPING, amount=Decimal("1.00")),
            ChargeData(kind=ChargeKind.FEE, amount=Decimal("-3.00")),
        ),
        total=Decimal("34.69"),
    )

    found = money.amounts(order).columns

    assert found["line_total"] == Decimal("27.00")
    assert found["shipping_total"] == Decimal("5.95")
    assert found["fee_total"] == Decimal("-3.00")
    assert found["rounding"] == 0


@pytest.mark.parametrize("nonsense", ["NaN", "sNaN", "Infinity", "-Infinity", "1e1000000"])
@pytest.mark.parametrize("where", ["total", "tax_total", "line", "price", "charge", "payment"])
def test_an_amount_that_is_no_number_is_refused(nonsense: str, where: str) -> None:
    bad = Decimal(nonsense)
    changes: dict[str, Any] = {
        "total": {"total": bad},
        "tax_total": {"tax_total": bad},
        "line": {"lines": (make_line(tax=bad),)},
        "price": {"lines": (make_line(unit_price=bad),)},
        "charge": {"charges": (ChargeData(kind=ChargeKind.FEE, amount=bad),)},
        "payment": {
            "payments": (PaymentData(external_id="p", kind=PaymentKind.CAPTURE, amount=bad),)
        },
    }[where]

    with pytest.raises((ValueError, ArithmeticError)):
        money.amounts(make_order(**changes))


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["NaN", "1e1000000", "1e20", "100000000000000"])
def test_nothing_is_written_of_an_order_whose_amounts_cannot_be_stored(amount: str) -> None:
    store = make_store()
    page = [make_order(1), make_order(2, tax_total=Decimal(amount)), make_order(3)]

    done = apply_orders(store, page, authority=Authority.LIST_PAGE, observed_at=NOW)

    assert (done.created, done.parked) == (2, ("1002",))
    assert sorted(Order.objects.values_list("number", flat=True)) == ["1001", "1003"]


@pytest.mark.django_db
def test_a_refund_the_store_took_back_counts_no_longer() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, order)
    by_id(store, later(order, 1, refunds=(refund(),)))
    assert axes()[1] == "partially_refunded"

    bring(store, later(order, 2))

    stored = Order.objects.get()
    assert (stored.payment_status, stored.refunded_total) == ("paid", 0)
    assert not Refund.objects.exists()
    assert "The store took back a refund of 11.90 EUR" in [
        e.title for e in OrderEvent.objects.all()
    ]


@pytest.mark.django_db
def test_a_payment_follows_the_store() -> None:
    store = make_store()
    order = make_order()
    bring(store, order)
    more = dataclasses.replace(order.payments[0], amount=Decimal("40.00"))

    bring(store, later(order, 1, total=Decimal("40.00"), payments=(more,)))
    assert Payment.objects.get().amount == Order.objects.get().paid_total == Decimal("40.00")

    bring(store, later(order, 2, payments=()))
    assert not Payment.objects.exists()
    assert Order.objects.get().paid_total == 0


@pytest.mark.django_db
def test_details_of_a_refund_stay_when_a_later_answer_does_not_tell_them() -> None:
    store = make_store()
    stock(store)
    order = make_order(refunds=(refund(units=1, created_at=make_order().changed_at),))
    by_id(store, order)

    bring(store, later(order, refunds=(refund(units=None, reason="Broken"),)))

    kept = Refund.objects.get()
    assert kept.lines == [{"line": "l1", "quantity": 1, "amount": "0", "tax": "0"}]
    assert kept.created_at == order.changed_at
    assert kept.reason == "Broken"

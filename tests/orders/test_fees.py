"""What a platform takes of orders: kept as it was told last, whether or not the order is here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Store
from orders import apart, fees, services
from orders.data import FeeLine, FeesData, PartData, PayoutLineKind
from orders.models import Order, OrderFee
from orders.payouts import import_payouts
from tests.factories import NOW, make_order, make_payout, make_payout_line, make_store
from tests.integrations.api.client import import_orders

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(db: None) -> Store:
    return make_store()


def booked(number: int = 1, order: str = "1001", currency: str = "EUR", **words: str) -> PartData:
    """A transaction by which the platform takes 3.60, or what ``words`` say."""
    lines = (words or {"Commission": "3.00", "ClosingFee": "0.60"}).items()
    return PartData(
        external_order_id=order,
        currency=currency,
        told=FeesData(
            external_id=f"T{number}",
            posted_at=NOW + timedelta(hours=number),
            amounts=tuple(FeeLine(word=word, amount=Decimal(amount)) for word, amount in lines),
        ),
    )


def tell(store: Store, *parts: PartData, at: datetime = NOW) -> apart.Told:
    return fees.tell(store, parts, observed_at=at)


def told(order: Order) -> list[tuple[str, Decimal]]:
    return list(fees.of(order).values_list("external_id", "total"))


def test_fees_may_come_before_their_order_and_are_its_own(store: Store) -> None:
    tell(store, booked(2, Commission="-1.20"), booked(1), booked(order="of nobody"))

    (order,) = import_orders(store, [make_order(1)])

    assert told(order) == [("T1", Decimal("3.60")), ("T2", Decimal("-1.20"))]
    first = fees.of(order)[0]
    assert first.amounts == [
        {"word": "Commission", "amount": "3.00"},
        {"word": "ClosingFee", "amount": "0.60"},
    ]
    assert (first.currency, first.posted_at) == ("EUR", NOW + timedelta(hours=1))


def test_told_again_replaces_and_an_older_answer_does_not(store: Store) -> None:
    (order,) = import_orders(store, [make_order(1)])
    later = NOW + timedelta(minutes=1)

    assert tell(store, booked(), booked()).created == 1
    again = tell(store, booked(), at=later)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1)
    assert tell(store, booked(Commission="4.00"), at=later).changed == 1
    assert tell(store, booked(Commission="2.00"), at=NOW).stale == 1

    assert told(order) == [("T1", Decimal("4.00"))]


def test_another_store_has_fees_of_its_own(store: Store) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    tell(other, booked())

    (order,) = import_orders(store, [make_order(1)])

    assert told(order) == []
    assert fees.sums(order, [], []) == fees.Sums(None, None)


def test_statements_do_not_grow_and_orders_cost_none_for_them(store: Store) -> None:
    def cost(count: int, first: int) -> int:
        parts = [booked(n, order=f"{first + n}") for n in range(count)]
        with CaptureQueriesContext(connection) as queries:
            tell(store, *parts)
        return len(queries)

    assert cost(20, 100) == cost(2, 200)
    with CaptureQueriesContext(connection) as queries:
        import_orders(store, [make_order(1)])
    assert not [x for x in queries.captured_queries if OrderFee._meta.db_table in x["sql"]]


def test_what_is_booked_and_what_is_settled_are_compared_and_not_added(store: Store) -> None:
    (order,) = import_orders(store, [make_order(1)])
    tell(store, booked(), booked(2, currency="USD"), booked(3, Commission="-1.00"))

    def sums() -> fees.Sums:
        return fees.sums(order, fees.of(order), order.payout_lines.all())

    assert sums() == fees.Sums(booked=Decimal("2.60"), settled=None)
    assert sums().difference == 0
    fee: dict[str, Any] = {"fee": Decimal(0), "kind": PayoutLineKind.FEE}
    lines = (
        make_payout_line(1, fee=Decimal("1.15")),
        make_payout_line(2, external_order_id="1001", amount=Decimal("-2.00"), **fee),
        make_payout_line(3, external_order_id="1001", amount=Decimal("0.65"), **fee),
        make_payout_line(4, external_order_id="1001", currency="USD", amount=Decimal(-9), **fee),
    )
    import_payouts(store, [make_payout(1, lines=lines)], observed_at=NOW, now=NOW)

    assert sums() == fees.Sums(booked=Decimal("2.60"), settled=Decimal("2.50"))
    assert sums().difference == Decimal("0.10")


def test_erasing_a_buyer_leaves_the_fees(store: Store) -> None:
    (order,) = import_orders(store, [make_order(1)])
    tell(store, booked())

    services.erase_buyer(order, actor="user:dpo", request_id="r")

    assert told(order) == [("T1", Decimal("3.60"))]


def test_an_amount_that_is_no_number_is_refused(store: Store) -> None:
    part = booked()
    assert isinstance(part.told, FeesData)
    lines = (FeeLine(word="Commission", amount=Decimal("NaN")),)

    with pytest.raises(ValueError, match="no number"):
        tell(store, replace(part, told=replace(part.told, amounts=lines)))
    assert not OrderFee.objects.exists()

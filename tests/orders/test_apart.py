"""Refunds and returns that a store tells apart from their orders: whichever comes first, told
however often, the order has them once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Store
from orders import apart
from orders.data import Authority, OrderData, PartData, RefundData, RefundLineData
from orders.importing import OrderImport, import_orders
from orders.models import Order, OrderEvent, Refund, ToldPart
from orders.status import PaymentStatus
from tests.factories import make_line, make_order, make_return, make_return_line, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(db: None) -> Store:
    return make_store()


def told(amount: str = "6.00", number: int = 1, order: str = "1", **changes: Any) -> PartData:
    refund = RefundData(
        external_id=f"R{number}",
        amount=Decimal(amount),
        reason="Refund Order",
        created_at=timezone.now().replace(microsecond=0) - timedelta(hours=number),
        lines=(RefundLineData(line_external_id="SKU-1", amount=Decimal(5), tax=Decimal(1)),),
    )
    named = {"external_order_id": order, "currency": "EUR", "by_sku": True, **changes}
    return PartData(told=refund, **named)


def tell(store: Store, *parts: PartData, at: datetime | None = None) -> apart.Told:
    return apart.tell(store, parts, observed_at=at or timezone.now())


def an_order(number: int = 1, **changes: Any) -> OrderData:
    """Its answer cannot tell of refunds."""
    lines = (make_line(1, sku="SKU-1"), make_line(2, sku="SKU-2"))
    return make_order(number, **{"refunds": None, "lines": lines, **changes})


def read(store: Store, *records: OrderData, authority: Authority = Authority.BY_ID) -> OrderImport:
    now = timezone.now()
    return import_orders(store, records, authority=authority, observed_at=now, now=now)


def owed(store: Store) -> list[str]:
    return list(apart.owed(store.pk).values_list("external_id", flat=True))


def refunds(store: Store) -> list[tuple[str, str, Decimal]]:
    rows = Refund.objects.filter(order__store=store).order_by("order__external_id", "external_id")
    return list(rows.values_list("order__external_id", "external_id", "amount"))


def test_a_refund_waits_for_its_order_and_is_in_it_at_once(store: Store) -> None:
    order = an_order()
    one = told(order=order.external_id)

    tell(store, one, told("2.00", 2, order=order.external_id), told(order="of nobody"))
    assert owed(store) == []
    read(store, order)

    kept = Order.objects.get(store=store)
    assert (kept.refunded_total, kept.payment_status) == (8, PaymentStatus.PARTIALLY_REFUNDED)
    first = Refund.objects.get(order=kept, external_id="R1")
    assert first.lines == [
        {"line": order.lines[0].external_id, "quantity": 0, "amount": "5", "tax": "1"}
    ]
    assert first.reason == "Refund Order"
    assert owed(store) == []
    assert list(
        ToldPart.objects.filter(waits=True).values_list("external_order_id", flat=True)
    ) == ["of nobody"]


def test_a_refund_of_an_order_that_is_here_is_owed_until_it_was_read(store: Store) -> None:
    order = an_order()
    read(store, order)
    assert refunds(store) == []

    assert tell(store, told(order=order.external_id)).created == 1
    assert owed(store) == [order.external_id]
    read(store, order)

    assert refunds(store) == [(order.external_id, "R1", Decimal(6))]
    assert owed(store) == []
    kinds = OrderEvent.objects.filter(order__store=store).values_list("kind", flat=True)
    assert list(kinds).count("refund") == 1


def test_it_may_be_told_and_read_any_number_of_times(store: Store) -> None:
    order = an_order()
    part = told(order=order.external_id)
    read(store, order)
    tell(store, part)
    read(store, order)
    events = OrderEvent.objects.count()

    for _ in range(3):
        done = tell(store, part, part)
        assert (done.created, done.changed, done.unchanged) == (0, 0, 1)
        for authority in Authority:
            again = read(store, order, authority=authority)
            assert (again.changed, again.reread) == ([], [])

    assert refunds(store) == [(order.external_id, "R1", Decimal(6))]
    assert OrderEvent.objects.count() == events
    assert owed(store) == []


def test_a_page_that_meets_what_was_told_meanwhile_asks_for_the_order(store: Store) -> None:
    """Equal time and other content: the order by its id decides."""
    order = an_order()
    read(store, order)
    tell(store, told(order=order.external_id))

    page = read(store, order, authority=Authority.LIST_PAGE)

    assert page.reread == [order.external_id]
    assert owed(store) == [order.external_id]


def test_another_amount_replaces_the_first_and_an_older_answer_does_not(store: Store) -> None:
    order = an_order()
    read(store, order)
    now = timezone.now()
    tell(store, told("6.00", order=order.external_id), at=now)
    read(store, order)

    assert tell(store, told("7.00", order=order.external_id), at=now + timedelta(1)).changed == 1
    assert tell(store, told("5.00", order=order.external_id), at=now).stale == 1
    assert owed(store) == [order.external_id]
    read(store, order)

    assert refunds(store) == [(order.external_id, "R1", Decimal(7))]


def test_what_was_told_while_the_order_was_written_waits_on(store: Store) -> None:
    order = an_order()
    tell(store, told(order=order.external_id))
    _, waiting = apart.completed(store, [order])
    tell(store, told("9.00", order=order.external_id), at=timezone.now() + timedelta(1))

    apart.taken_in(waiting, but=())

    assert ToldPart.objects.get().waits


def test_money_in_another_currency_is_kept_and_no_part_of_the_order(store: Store) -> None:
    order = an_order()
    tell(store, told(order=order.external_id, currency="USD"))

    read(store, order)

    assert refunds(store) == []
    assert ToldPart.objects.get().waits


def test_returns_come_the_same_way_and_keep_nothing_that_people_wrote(store: Store) -> None:
    order = an_order()
    lines = (make_return_line(1, line_external_id="SKU-2", note="Anna"),)
    part = PartData(
        external_order_id=order.external_id, told=make_return(1, lines=lines), by_sku=True
    )
    tell(store, part)

    read(store, order)

    kept = Order.objects.get(store=store).returns.get()
    assert kept.lines.get().line.external_id == order.lines[1].external_id
    assert "Anna" not in str(ToldPart.objects.get().told)
    assert kept.notes_sealed is None


def test_an_order_that_tells_of_its_refunds_is_believed_and_costs_no_statement(
    store: Store,
) -> None:
    order = an_order(refunds=())
    tell(store, told(order=order.external_id))

    with CaptureQueriesContext(
        connection,
    ) as told_by:
        apart.completed(store, [order])

    assert len(told_by) == 0
    read(store, order)
    assert refunds(store) == []


def test_statements_do_not_grow_with_what_is_told(store: Store) -> None:
    def cost(count: int, first: int) -> int:
        orders = [an_order(first + n) for n in range(count)]
        parts = [told(order=x.external_id) for x in orders]
        with CaptureQueriesContext(connection) as queries:
            tell(store, *parts)
        read(store, *orders)
        return len(queries)

    assert cost(20, 100) == cost(2, 200)
    with CaptureQueriesContext(connection) as queries:
        apart.completed(store, [an_order(100 + n) for n in range(20)])
    assert len(queries) == 1


def test_an_amount_that_is_no_number_is_refused(store: Store) -> None:
    part = told()
    assert isinstance(part.told, RefundData)
    broken = replace(part, told=replace(part.told, amount=Decimal("NaN")))

    with pytest.raises(ValueError, match="no number"):
        tell(store, broken)

"""Input that no store should send: stored, or refused whole; never half written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from integrations.models import ParkedRecord
from integrations.sync import apply_orders
from orders.data import Authority
from orders.models import Order, OrderEvent, OrderLine
from tests.factories import NOW, make_line, make_order, make_store
from tests.orders.shop import bring, parcel, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store)
    return store


@pytest.mark.parametrize(
    "bad",
    [
        {"lines": (make_line(name="half \ud83d"),)},
        {"lines": (make_line(quantity=-1),)},
        {"custom": {"half": "\udc00"}},
        {"number": "\ud800"},
        {"total": Decimal("99999999999999.999999")},
        {"lines": (make_line(tax=Decimal("99999999999999.999999")),)},
    ],
    ids=[
        "surrogate in a name",
        "negative units",
        "surrogate in meta",
        "surrogate as number",
        "a total that SQLite cannot give back",
        "a tax that SQLite cannot give back",
    ],
)
def test_one_bad_order_of_a_page_is_parked_and_the_others_are_written(
    store: Any, bad: dict[str, Any]
) -> None:
    from dataclasses import replace

    page = [make_order(1), replace(make_order(2), **bad), make_order(3)]

    done = apply_orders(store, page, authority=Authority.LIST_PAGE, observed_at=NOW)

    assert (done.created, done.parked) == (2, ("1002",))
    assert sorted(Order.objects.values_list("number", flat=True)) == ["1001", "1003"]
    assert ParkedRecord.objects.get().external_id == "1002"
    assert OrderLine.objects.count() == 2


@pytest.mark.skipif(
    "connection.vendor == 'sqlite'", reason="SQLite stores NUL; PostgreSQL refuses it"
)
def test_a_nul_is_refused_whole_where_the_database_cannot_store_it(store: Any) -> None:
    page = [make_order(1), make_order(2, lines=(make_line(name="Mug\x00"),))]

    done = apply_orders(store, page, authority=Authority.LIST_PAGE, observed_at=NOW)

    assert (done.created, done.parked) == (1, ("1002",))
    assert connection.vendor == "postgresql"


def test_what_is_too_long_for_a_title_is_cut_and_kept(store: Any) -> None:
    order = make_order(
        raw_status="s" * 200,
        raw_payment="p" * 200,
        lines=(make_line(name="n" * 1000),),
        shipments=(parcel(1, carrier="c" * 200, tracking_number="t" * 500),),
    )

    bring(store, order)

    stored = Order.objects.get()
    assert (len(stored.raw_status), len(stored.raw_payment)) == (60, 60)
    assert len(OrderLine.objects.get().name) == 300
    assert len(stored.shipments.get().tracking_number) == 120
    assert all(len(e.title) <= 300 for e in OrderEvent.objects.all())


def test_an_order_from_the_future_and_one_from_long_ago_are_kept(store: Any) -> None:
    far = timedelta(days=365 * 50)

    bring(store, make_order(1, placed_at=NOW + far), make_order(2, placed_at=NOW - far))

    assert Order.objects.count() == 2


def test_one_line_named_twice_is_refused_whole(store: Any) -> None:
    page = [make_order(1), make_order(2, lines=(make_line(1), make_line(1)))]

    done = apply_orders(store, page, authority=Authority.LIST_PAGE, observed_at=NOW)

    assert (done.created, done.parked) == (1, ("1002",))

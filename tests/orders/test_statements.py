"""How many statements a page costs, however many lines it has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.data import OrderData
from orders.models import Order, OrderLine
from tests.factories import CANCELLED, make_line, make_order, make_store
from tests.orders.shop import bring, later, parcel, refund, stock

pytestmark = pytest.mark.django_db

PAGE = 100


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, *range(1, PAGE + 1), units=1000)
    return store


def page(*, lines: int = 1, start: int = 0) -> list[OrderData]:
    return [
        make_order(
            start + n,
            lines=tuple(
                make_line((n + k) % PAGE + 1, external_id=f"{n}-{k}") for k in range(lines)
            ),
        )
        for n in range(PAGE)
    ]


def cost(store: Any, records: list[OrderData]) -> int:
    with CaptureQueriesContext(connection) as queries:
        bring(store, *records)
    return len(queries)


def test_100_new_orders_cost_at_most_40_whatever_their_lines(store: Any) -> None:
    few, many = cost(store, page()), cost(store, page(lines=7, start=500))

    assert Order.objects.count() == 2 * PAGE
    assert OrderLine.objects.count() == 8 * PAGE
    # SQLite takes its rows in portions of 16,000 values.
    assert few <= 40
    assert many - few <= (4 if connection.vendor == "sqlite" else 0)


def test_100_unchanged_orders_cost_at_most_6(store: Any) -> None:
    records = page(lines=3)
    bring(store, *records)

    assert cost(store, records) <= 6
    assert cost(store, [later(r) for r in records]) <= 6


def test_100_changed_orders_cost_at_most_60(store: Any) -> None:
    """Everything at once: edited, refunded in part, shipped in part, cancelled."""
    records = page(lines=2)
    bring(store, *records)
    changed = []
    for n, record in enumerate(records):
        line = record.lines[0]
        kind = n % 4
        changed.append(
            later(record, 1, lines=(replace(line, quantity=3), *record.lines[1:]))
            if kind == 0
            else later(record, 1, refunds=(refund(n, line=line.external_id),))
            if kind == 1
            else later(
                record, 1, shipments=(parcel(1, line=line.external_id, external_id=f"f{n}"),)
            )
            if kind == 2
            else later(record, 1, status=CANCELLED, raw_status="cancelled")
        )

    assert cost(store, changed) <= 60


def test_100_short_orders_cost_no_more_than_40(store: Any) -> None:
    wanted = [replace(order, lines=(replace(order.lines[0], quantity=5000),)) for order in page()]

    assert cost(store, wanted) <= 40
    assert Order.objects.filter(flags="oversold").count() == PAGE

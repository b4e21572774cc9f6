"""Keyset pages: complete, without repeats, stable while rows come in, cheap deep down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Store
from tests import factories
from tests.integrations.api.client import Api, import_orders


@pytest.fixture
def seven(store: Store) -> list[str]:
    """Orders placed in pairs in the same second; latest first, as the list must give them."""
    records = [
        factories.make_order(n, placed_at=factories.NOW - timedelta(minutes=n // 2))
        for n in range(7)
    ]
    made = import_orders(store, records)
    made.sort(key=lambda order: (order.placed_at, order.pk), reverse=True)
    return [order.number for order in made]


def _numbers(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["results"]]


def test_pages_hold_every_row_once_and_in_order(api: Api, seven: list[str]) -> None:
    seen, answer = [], api.get("/orders", {"page_size": 2})
    while True:
        seen += _numbers(answer)
        if answer.json()["next"] is None:
            break
        answer = api.follow(answer.json()["next"])

    assert seen == seven


def test_one_can_walk_back(api: Api, seven: list[str]) -> None:
    first = api.get("/orders", {"page_size": 3})
    second = api.follow(first.json()["next"])
    third = api.follow(second.json()["next"])

    back = api.follow(third.json()["previous"])
    again = api.follow(back.json()["previous"])

    assert _numbers(third) == seven[6:]
    assert _numbers(back) == seven[3:6] == _numbers(second)
    assert _numbers(again) == seven[:3]
    assert first.json()["previous"] is None
    assert again.json()["previous"] is None
    assert _numbers(api.follow(again.json()["next"])) == seven[3:6]


def test_an_order_that_comes_in_between_shifts_nothing(
    api: Api, store: Store, seven: list[str]
) -> None:
    first = api.get("/orders", {"page_size": 3})
    import_orders(store, [factories.make_order(99, placed_at=factories.NOW)])

    second = api.follow(first.json()["next"])

    assert _numbers(second) == seven[3:6]


def test_the_filters_stay_in_the_link(api: Api, store: Store, seven: list[str]) -> None:
    first = api.get("/orders", {"page_size": 2, "store": str(store.pk)})

    assert f"store={store.pk}" in first.json()["next"]
    assert "page_size=2" in first.json()["next"]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "W10", "x" * 2000, "WyJhIixmYWxzZSxbXV0"])
def test_a_made_up_cursor_is_refused(api: Api, seven: list[str], cursor: str) -> None:
    answer = api.get("/orders", {"cursor": cursor})

    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_cursor"


def test_a_cursor_of_another_list_is_refused(api: Api, seven: list[str]) -> None:
    link = api.get("/orders", {"page_size": 2}).json()["next"]
    cursor = link.partition("cursor=")[2].partition("&")[0]

    assert api.get("/locations", {"cursor": cursor}).json()["code"] == "bad_cursor"


@pytest.mark.parametrize("size", ["0", "201", "-1", "ten", "", "²", "9" * 40])
def test_a_page_size_out_of_bounds_is_refused(api: Api, size: str) -> None:
    assert api.get("/orders", {"page_size": size}).json()["code"] == "bad_page_size"


def test_a_deep_page_is_one_bounded_read_of_the_index(api: Api, seven: list[str]) -> None:
    link = api.get("/orders", {"page_size": 2}).json()["next"]

    with CaptureQueriesContext(
        connection,
    ) as captured:
        api.follow(link)

    sql = next(q["sql"] for q in captured if "orders_order" in q["sql"])
    assert "OFFSET" not in sql
    assert '"placed_at" <= ' in sql
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{sql}")
        plan = str(cursor.fetchall())
    if connection.vendor == "sqlite":
        assert "order_recent (merchant_id=? AND placed_at<?)" in plan
        assert "TEMP B-TREE" not in plan

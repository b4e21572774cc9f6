"""Reading orders: complete, quick, and nobody's but the merchant's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.api import order_shapes
from integrations.api.order_schema import OrderSerializer, OrderSummarySerializer
from integrations.models import Store
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import Order
from orders.status import Flag
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders, import_products


def _numbers(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return sorted(row["number"] for row in answer.json()["results"])


@pytest.fixture
def variety(store: Store) -> list[Order]:
    import_products(store, 1, 2)
    made = import_orders(
        store,
        [
            factories.make_order(1),
            factories.make_order(2, word="cancelled", payments=()),
            factories.make_order(3, placed_at=factories.NOW - timedelta(days=3)),
            factories.make_order(4, lines=(factories.make_line(2),)),
            factories.make_order(5, lines=(factories.make_line(9),)),
        ],
    )
    Order.objects.filter(pk=made[3].pk).update(flags="oversold,echo")
    return made


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({}, ["1001", "1002", "1003", "1004", "1005"]),
        ({"order_status": "cancelled"}, ["1002"]),
        ({"order_status": "cancelled,open"}, ["1001", "1002", "1003", "1004", "1005"]),
        ({"fulfillment_status": "cancelled"}, ["1002"]),
        ({"number": "1003"}, ["1003"]),
        ({"external_id": "1004"}, ["1004"]),
        ({"flag": "oversold"}, ["1004"]),
        ({"flag": "disputed,echo"}, ["1004"]),
        ({"import_state": "awaiting_mapping"}, ["1005"]),
        ({"email": " Zoe@Buyers.example "}, ["1001", "1002", "1003", "1004", "1005"]),
        ({"email": "else@buyers.example"}, []),
        ({"placed_before": "2026-11-18T00:00:00Z"}, ["1003"]),
        ({"placed_after": "2026-11-20T10:59:00+00:00", "sku": "sku-2"}, ["1004"]),
        ({"sku": "SKU-9"}, ["1005"]),
        ({"sku": "SKU-1"}, ["1001", "1002", "1003"]),
        ({"changed_after": "2026-11-21T00:00:00Z"}, []),
        ({"store": str(uuid4())}, []),
        ({"order_status": ["cancelled", "open"], "sku": "SKU-1"}, ["1001", "1002", "1003"]),
    ],
)
def test_filters(api: Api, variety: list[Order], query: dict[str, Any], numbers: list[str]) -> None:
    assert _numbers(api.get("/orders", query)) == numbers


@pytest.mark.parametrize("name", ["number", "placed_after", "page_size", "colour"])
def test_a_value_that_is_given_twice_does_not_win_over_itself(api: Api, name: str) -> None:
    answer = api.get("/orders", {name: ["1", "2"]})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["errors"] == [
        {"pointer": f"/{name}", "code": "repeated", "detail": f"“{name}” is given 2 times."}
    ]


def test_a_plus_that_became_a_blank_is_understood(api: Api, variety: list[Order]) -> None:
    answer = api.follow("/api/v1/orders?placed_before=2026-11-18T00:00:00+00:00")

    assert _numbers(answer) == ["1003"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"order_status": "shipped"}, "/order_status"),
        ({"stat": "open"}, "/stat"),
        ({"placed_after": "yesterday"}, "/placed_after"),
        ({"store": "7"}, "/store"),
        ({"flag": "over"}, "/flag"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(
    api: Api, query: dict[str, str], pointer: str
) -> None:
    answer = api.get("/orders", query)

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_no_flag_is_part_of_another() -> None:
    assert not [(a, b) for a in Flag for b in Flag if a != b and a in b]


def test_searching_by_e_mail_needs_the_right_to_see_buyers(merchant: Merchant) -> None:
    answer = api_for(merchant, Scope.READ).get("/orders", {"email": "a@b.example"})

    assert answer.json()["code"] == "scope_missing"


def test_a_list_of_fifty_orders_takes_few_statements(api: Api, store: Store) -> None:
    import_orders(store, [factories.make_order(n) for n in range(60)])
    api.get("/orders")

    with CaptureQueriesContext(connection) as captured:
        answer = api.get("/orders")

    assert len(answer.json()["results"]) == 50
    assert len(captured) <= 2, [q["sql"] for q in captured]


def test_one_order_takes_the_same_statements_whatever_it_holds(api: Api, store: Store) -> None:
    lines = tuple(factories.make_line(n) for n in range(1, 30))
    small, large = import_orders(
        store, [factories.make_order(1), factories.make_order(2, lines=lines)]
    )
    counts = []
    reader = api_for(store.merchant, Scope.READ)
    reader.get("/platforms")

    for order in (small, large):
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(f"/orders/{order.pk}").status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 9


def test_the_list_and_the_order_look_as_the_description_says(
    api: Api, order: Order, store: Store
) -> None:
    row = api.get("/orders").json()["results"][0]
    full = api.get(f"/orders/{order.pk}").json()

    assert set(row) == set(OrderSummarySerializer().fields)
    assert set(full) == set(OrderSerializer().fields)
    assert {name: full[name] for name in row} == row
    for name in ("lines", "payments", "shipments", "refunds"):
        inner = OrderSerializer().fields[name].child.fields  # type: ignore[attr-defined]
        for item in full[name]:
            assert set(item) == set(inner)


def test_an_order_in_full(api: Api, order: Order, store: Store) -> None:
    full = api.get(f"/orders/{order.pk}").json()

    assert full["store"] == {"id": str(store.pk), "name": "Example shop", "platform": "woocommerce"}
    assert full["total"] == "28.75"
    assert full["ship_to"] == {"country": "DE", "region": "", "city": "Köln"}
    assert full["placed_at"] == "2026-11-20T11:00:00Z"
    assert full["buyer"]["name"] == "Zoë Žižek"
    assert full["buyer"]["shipping"]["line1"] == "Weg 1"
    line = full["lines"][0]
    assert (line["sku"], line["quantity"], line["total"], line["tax"]) == (
        "SKU-1",
        2,
        "20.00",
        "3.80",
    )
    assert full["payments"][0]["amount"] == "28.75"
    assert full["charges"][0]["amount"] == "4.95"


def test_the_buyer_is_masked_without_the_right_and_seeing_is_noted(
    api: Api, merchant: Merchant, order: Order
) -> None:
    blind = api_for(merchant, Scope.READ, Scope.ORDERS_WRITE)

    text = blind.get(f"/orders/{order.pk}").content.decode()

    assert all(word not in text for word in ("Zoë", "zoe@", "221 1234", "Weg 1"))
    assert '"masked":true' in text
    assert not AuditEvent.objects.filter(action="order.buyer_seen").exists()
    api.get(f"/orders/{order.pk}")
    seen = AuditEvent.objects.get(action="order.buyer_seen")
    assert (seen.actor_kind, seen.object_id) == ("token", str(order.pk))


def test_no_list_shows_a_buyer(api: Api, order: Order) -> None:
    text = api.get("/orders").content.decode()

    assert all(word not in text for word in ("Zoë", "zoe@", "Weg 1"))


def test_an_erased_buyer_is_gone_for_everyone(api: Api, order: Order) -> None:
    Order.objects.update(buyer_sealed=None, erased_at=datetime(2026, 11, 21, tzinfo=UTC))

    full = api.get(f"/orders/{order.pk}").json()

    assert full["buyer"] is None
    assert full["erased_at"] == "2026-11-21T00:00:00Z"


def test_the_timeline_tells_what_happened_in_order(api: Api, store: Store, order: Order) -> None:
    import_orders(
        store, [factories.make_order(1, word="cancelled", changed_at=factories.NOW + timedelta(1))]
    )

    events = api.get(f"/orders/{order.pk}/timeline").json()["results"]

    assert events[0]["kind"] == "imported"
    assert any(e["kind"] == "order_status" and e["data"]["after"] == "cancelled" for e in events)
    assert [e["at"] for e in events] == sorted(e["at"] for e in events)


def test_to_a_stranger_nothing_of_it_exists(stranger: Api, order: Order, store: Store) -> None:
    assert stranger.get("/orders").json()["results"] == []
    assert stranger.get("/orders", {"store": str(store.pk)}).json()["results"] == []
    for path in (f"/orders/{order.pk}", f"/orders/{order.pk}/timeline"):
        answer = stranger.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
    assert stranger.get(f"/orders/{uuid4()}").json()["detail"] == answer.json()["detail"]


def test_the_columns_of_the_list_leave_sealed_data_alone() -> None:
    assert not {"buyer_sealed", "email_index", "phone_index"} & set(order_shapes.SUMMARY_COLUMNS)

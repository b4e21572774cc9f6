"""Refunded goods over the API: what waits is shown, and decided on once, by those who may."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from integrations.models import Store
from inventory.models import StockLevel, StockMovement
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import GoodsDecision, Order
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders, import_products
from tests.orders.shop import parcel, refund


@pytest.fixture
def order(store: Store) -> Order:
    import_products(store, 1)
    told = factories.make_order(
        1, shipments=(parcel(2, external_id="f1"),), refunds=(refund(units=2),)
    )
    return import_orders(store, [told])[0]


def address(order: Order) -> str:
    return f"/orders/{order.pk}/refunded-goods"


def body(order: Order, **told: int) -> dict[str, Any]:
    return {"lines": [{"line": str(order.lines.get().pk), **told}]}


def test_what_waits_is_shown_and_what_was_decided(api: Api, order: Order) -> None:
    line = str(order.lines.get().pk)
    waiting = api.get(address(order))
    assert (waiting.status_code, waiting.json()) == (
        200,
        {
            "lines": [{"line_id": line, "sku": "SKU-1", "refunded": 2, "waits": 2}],
            "decisions": [],
        },
    )
    before = StockLevel.objects.get().on_hand

    answer = api.post(address(order), body(order, restock=1, nothing=1))

    told = answer.json()
    assert answer.status_code == 200, answer.content
    assert told["lines"][0]["waits"] == 0
    back, nothing = told["decisions"]
    assert StockLevel.objects.get().on_hand == before + 1
    place = str(StockLevel.objects.get().location_id)
    assert (back["outcome"], back["units"], back["location_id"]) == ("back", 1, place)
    assert (nothing["outcome"], nothing["units"], nothing["location_id"]) == ("nothing", 1, None)
    assert back["decided_by"].startswith("token:lgx_")
    audited = AuditEvent.objects.get(action="order.goods_decided")
    assert (audited.object_id, audited.details) == (str(order.pk), {"back": 1, "nothing": 1})
    assert api.get(address(order)).json() == told


def test_that_nothing_comes_back_can_be_taken_back(api: Api, order: Order) -> None:
    told = api.post(address(order), body(order, nothing=2)).json()
    undo = f"{address(order)}/{told['decisions'][0]['id']}/undo"

    answers = [api.post(undo), api.post(undo)]

    assert [x.status_code for x in answers] == [200, 200]
    assert answers[1].json()["lines"][0]["waits"] == 2
    assert answers[1].json()["decisions"][0]["withdrawn_at"]
    assert not StockMovement.objects.filter(kind="restock").exists()


def test_the_same_request_sent_again_decides_once(api: Api, order: Order) -> None:
    told = body(order, restock=1)

    answers = [api.post(address(order), told, Idempotency_Key="goods-1") for _ in range(2)]

    assert [x.status_code for x in answers] == [200, 200]
    assert GoodsDecision.objects.count() == 1


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ({"lines": [{"sku": "SKU-1", "restock": 3}]}, 409, "too_many"),
        ({"lines": [{"line": str(uuid4()), "restock": 1}]}, 409, "unknown_line"),
        ({"lines": [{"sku": "SKU-1"}]}, 409, "nothing_decided"),
        ({"lines": []}, 400, "empty"),
        ({"lines": [{"restock": 1}]}, 400, "line_or_sku"),
        ({"lines": [{"sku": "SKU-1", "restock": 1}], "location": "moon"}, 400, "unknown"),
    ],
)
def test_what_cannot_be_is_refused_and_moves_nothing(
    api: Api, order: Order, told: dict[str, Any], status: int, code: str
) -> None:
    answer = api.post(address(order), told)

    problem = answer.json()
    codes = {problem["code"], *(e["code"] for e in problem.get("errors", ()))}
    assert (answer.status_code, code in codes) == (status, True), problem
    assert not GoodsDecision.objects.exists()


def test_units_put_back_are_not_taken_back_here(api: Api, order: Order) -> None:
    told = api.post(address(order), body(order, restock=1)).json()

    answer = api.post(f"{address(order)}/{told['decisions'][0]['id']}/undo")

    assert (answer.status_code, answer.json()["code"]) == (409, "back_already")


def test_a_stranger_finds_neither_order_nor_decision(api: Api, stranger: Api, order: Order) -> None:
    told = api.post(address(order), body(order, nothing=1)).json()
    undo = f"{address(order)}/{told['decisions'][0]['id']}/undo"

    answers = [
        stranger.get(address(order)),
        stranger.post(address(order), body(order, restock=1)),
        stranger.post(undo),
        api.post(f"{address(order)}/{uuid4()}/undo"),
    ]

    assert [x.status_code for x in answers] == [404, 404, 404, 404]
    assert GoodsDecision.objects.get().withdrawn_at is None


def test_it_takes_the_scope_of_stock(merchant: Merchant, order: Order) -> None:
    answer = api_for(merchant, Scope.ORDERS_WRITE).post(address(order), body(order, restock=1))

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")

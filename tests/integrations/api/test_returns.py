"""Returns over the API: what came back is shown, and put back to stock when somebody says so."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from integrations.api.order_schema import OrderSerializer, ReturnSerializer
from integrations.models import Store
from inventory.models import Location, StockLevel, StockMovement
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import Order, Return
from orders.status import ReturnStatus
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders, import_products

NOTE = "pinches at the toes"


@pytest.fixture
def order(store: Store) -> Order:
    import_products(store, 1)
    return import_orders(store, [factories.make_order(1, returns=(factories.make_return(),))])[0]


@pytest.fixture
def found(order: Order) -> Return:
    return order.returns.get()


def address(found: Return) -> str:
    return f"/orders/{found.order_id}/returns/{found.pk}/restock"


def body(found: Return, units: int = 1, **more: Any) -> dict[str, Any]:
    return {"lines": [{"line": str(found.lines.get().pk), "units": units}], **more}


def test_an_order_shows_its_returns_as_described(api: Api, found: Return) -> None:
    full = api.get(f"/orders/{found.order_id}").json()
    line = found.lines.get()

    assert full["return_status"] == "open"
    assert full["returns"] == [
        {
            "id": str(found.pk),
            "external_id": "ret1",
            "name": "#1001-R1",
            "status": "open",
            "raw_status": "OPEN",
            "problem": "",
            "handling": "record",
            "created_at": "2026-11-20T12:00:00Z",
            "lines": [
                {
                    "id": str(line.pk),
                    "external_id": "rl1",
                    "line_id": str(line.line_id),
                    "quantity": 2,
                    "received": 0,
                    "restocked": 0,
                    "reason": "Too small",
                    "note": f"Zoë says: {NOTE}",
                }
            ],
        }
    ]
    assert set(full["returns"][0]) == set(ReturnSerializer().fields)
    assert {"returns", "return_status"} <= set(OrderSerializer().fields)
    (listed,) = api.get(f"/orders/{found.order_id}/returns").json()["results"]
    full["returns"][0]["lines"][0]["note"] = None
    assert listed == full["returns"][0]


def test_what_people_wrote_takes_the_scope_that_buyers_take(
    api: Api, merchant: Merchant, found: Return
) -> None:
    blind = api_for(merchant, Scope.READ)

    assert NOTE not in blind.get(f"/orders/{found.order_id}").content.decode()
    assert NOTE not in api.get(f"/orders/{found.order_id}/returns").content.decode()
    assert not AuditEvent.objects.filter(action="order.buyer_seen").exists()


def test_units_go_back_to_the_place_that_is_named(
    api: Api, merchant: Merchant, found: Return
) -> None:
    place = Location.objects.create(merchant=merchant, code="desk", name="Returns desk", rank=50)

    answer = api.post(address(found), body(found, 2, location="desk"))

    assert answer.status_code == 200, answer.content
    assert [x["restocked"] for x in answer.json()["lines"]] == [2]
    assert NOTE not in answer.content.decode()
    assert StockLevel.objects.get(location=place).on_hand == 2
    audited = AuditEvent.objects.get(action="order.return_restocked")
    assert audited.object_id == str(found.order_id)
    assert audited.request_id == answer["X-Request-ID"]
    events = api.get(f"/orders/{found.order_id}/timeline").json()["results"]
    assert events[-1]["title"] == (
        "Put back to stock at Returns desk, from return #1001-R1: 2 × SKU-1"
    )


def test_the_same_call_under_one_key_puts_back_once(api: Api, found: Return) -> None:
    first = api.post(address(found), body(found), Idempotency_Key="rma-1")
    again = api.post(address(found), body(found), Idempotency_Key="rma-1")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert StockMovement.objects.filter(kind="restock").count() == 1


def test_a_line_that_is_named_twice_is_added_up(api: Api, found: Return) -> None:
    line = str(found.lines.get().pk)

    told = {"lines": [{"line": line, "units": 1}, {"line": line, "units": 2}]}
    answer = api.post(address(found), told)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many")
    assert not StockMovement.objects.filter(kind="restock").exists()


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"lines": []}, 400, "invalid"),
        ({"lines": [{"line": str(uuid4()), "units": 1}]}, 409, "unknown_line"),
        ({"location": "nowhere"}, 400, "invalid"),
        ({"place": "main"}, 400, "invalid"),
    ],
)
def test_a_body_that_cannot_be_meant_moves_nothing(
    api: Api, found: Return, more: dict[str, Any], status: int, code: str
) -> None:
    answer = api.post(address(found), {**body(found), **more})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not StockMovement.objects.filter(kind="restock").exists()


def test_by_a_declined_return_nothing_goes_back(api: Api, found: Return) -> None:
    Return.objects.update(status=ReturnStatus.DECLINED)

    answer = api.post(address(found), body(found))

    assert (answer.status_code, answer.json()["code"]) == (409, "return_called_off")


def test_who_may_write_orders_alone_moves_no_stock(merchant: Merchant, found: Return) -> None:
    answer = api_for(merchant, Scope.READ, Scope.ORDERS_WRITE).post(address(found), body(found))

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_to_a_stranger_no_return_exists(api: Api, stranger: Api, found: Return) -> None:
    assert stranger.get(f"/orders/{found.order_id}/returns").status_code == 404
    assert stranger.post(address(found), body(found)).status_code == 404
    elsewhere = f"/orders/{uuid4()}/returns/{found.pk}/restock"
    assert api.post(elsewhere, body(found)).status_code == 404
    assert not StockMovement.objects.filter(kind="restock").exists()

"""Refunds over the API: asked for once, never more than was paid, and shown while on their way."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.api.refunds import RefundRequestSerializer
from integrations.models import Command, Store
from inventory.models import Location
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import Order, RefundRequest
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders, import_products
from tests.orders.shop import parcel


@pytest.fixture
def order(store: Store) -> Order:
    store.options = {"refunds": "gateway"}
    store.save(update_fields=["options"])
    import_products(store, 1)
    sent = (parcel(2, external_id="f1"),)
    return import_orders(store, [factories.make_order(1, shipments=sent)])[0]


def ask(api: Api, order: Order, body: dict[str, Any], **headers: str) -> Any:
    return api.post(f"/orders/{order.pk}/refunds", body, **headers)


def test_a_refund_is_asked_for_and_shown_while_it_is_on_its_way(api: Api, order: Order) -> None:
    line = order.lines.get()
    body = {
        "lines": [{"sku": "SKU-1", "quantity": 2, "restock": 1}],
        "shipping": "4.95",
        "reason": "Chipped",
        "location": "main",
    }

    answer = ask(api, order, body)

    assert answer.status_code == 202
    found = RefundRequest.objects.get()
    made = answer.json()
    assert made == {
        "id": str(found.pk),
        "reference": "LGX-1001-R1",
        "state": "asked",
        "amount": "28.75",
        "shipping": "4.95",
        "lines": [
            {
                "line_id": str(line.pk),
                "quantity": 2,
                "amount": "20.00",
                "tax": "3.80",
                "restock": 1,
            }
        ],
        "moves_money": True,
        "external_id": "",
        "problem": "",
        "requested_by": found.requested_by,
        "created_at": made["created_at"],
        "ended_at": None,
    }
    assert set(made) == set(RefundRequestSerializer().fields)
    assert api.get(f"/orders/{order.pk}/refunds").json()["results"] == [made]
    assert found.location == Location.objects.get(code="main")
    (command,) = api.get(f"/orders/{order.pk}").json()["commands"]
    assert (command["kind"], command["state"]) == ("refund", "new")
    assert AuditEvent.objects.get(action="order.refund_requested").object_id == str(order.pk)


def test_the_same_key_asks_once(api: Api, order: Order) -> None:
    first = ask(api, order, {"amount": "5.00"}, Idempotency_Key="r1")
    again = ask(api, order, {"amount": "5.00"}, Idempotency_Key="r1")

    assert first.json() == again.json()
    assert Command.objects.filter(kind="refund").count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": "28.76"}, 409, "too_much"),
        ({"amount": "0.001"}, 409, "bad_amount"),
        ({"amount": "NaN"}, 400, "invalid"),
        ({"amount": "much"}, 400, "invalid"),
        ({"amount": "1" + "0" * 30}, 400, "invalid"),
        ({}, 409, "nothing_to_refund"),
        ({"lines": [{"sku": "SKU-1", "quantity": 3}]}, 409, "too_many"),
        ({"lines": [{"sku": "SKU-1", "quantity": 1, "restock": 2}]}, 409, "too_many_restocked"),
        ({"lines": [{"sku": "SKU-9", "quantity": 1}]}, 400, "invalid"),
        ({"lines": [{"quantity": 1}]}, 400, "invalid"),
        ({"amount": "1.00", "reference": "two words"}, 409, "bad_reference"),
        ({"amount": "1.00", "location": "nowhere"}, 400, "invalid"),
        ({"amout": "1.00"}, 400, "invalid"),
        ({"amount": "1.00", "reason": "x" * 201}, 400, "invalid"),
    ],
)
def test_what_cannot_be_is_refused_in_the_houses_shape(
    api: Api, order: Order, body: dict[str, Any], status: int, code: str
) -> None:
    answer = ask(api, order, body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not RefundRequest.objects.exists()


def test_a_store_that_allows_none_says_who_can(api: Api, store: Store, order: Order) -> None:
    store.options = {}
    store.save(update_fields=["options"])

    answer = ask(api, order, {"amount": "1.00"})

    assert (answer.status_code, answer.json()["code"]) == (409, "refunds_off")
    assert "the option “refunds”" in answer.json()["detail"]


def test_reading_and_others_merchants_tokens_refund_nothing(
    api: Api, merchant: Merchant, order: Order
) -> None:
    assert ask(api_for(merchant, Scope.READ), order, {"amount": "1.00"}).status_code == 403
    strange = api_for(factories.make_merchant("b"))
    assert ask(strange, order, {"amount": "1.00"}).status_code == 404
    assert strange.get(f"/orders/{order.pk}/refunds").status_code == 404


@pytest.mark.parametrize("value", ["automatic", "", 1, True, ["gateway"]])
def test_the_option_is_one_of_three(api: Api, store: Store, value: Any) -> None:
    answer = api.patch(f"/woocommerce/integrations/{store.pk}", {"options": {"refunds": value}})

    assert (answer.status_code, answer.json()["code"]) == (422, "option_malformed")
    assert "one of off, record, gateway" in answer.json()["detail"]

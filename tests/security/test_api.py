"""The API as somebody would try it who holds a token, held one, or holds none."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from integrations.api import throttling
from integrations.models import Store
from logix.accounts import tokens
from logix.accounts.models import ApiToken, Merchant, Scope
from orders.models import Order
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders, import_products
from tests.integrations.api.routes import Operation, description, operations

pytestmark = pytest.mark.django_db

LISTS = (
    "/integrations",
    "/orders",
    "/products",
    "/variants",
    "/listings",
    "/locations",
    "/stock/levels",
    "/stock/movements",
    "/parked",
)


@pytest.fixture
def order(store: Store) -> Order:
    import_products(store, 1, 2, 3)
    return import_orders(store, [factories.make_order(n) for n in (1, 2, 3)])[0]


def call(api: Api, method: str, address: str) -> Any:
    return api.client.generic(
        method.upper(), f"/api/v1{address}", "{}", "application/json", headers=api.headers
    )


def test_an_ended_token_opens_no_address_at_all(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling.TokenThrottle, "allow_request", lambda *_: True)
    api, expired = api_for(merchant), api_for(merchant)
    revoked_row, expired_row = ApiToken.objects.order_by("created_at")
    tokens.revoke(revoked_row, actor="user:anna")
    ApiToken.objects.filter(pk=expired_row.pk).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )

    for operation in operations():
        if "oauth/callback" in operation.path or operation.path.endswith("/platforms"):
            continue
        for caller in (api, expired):
            answer = call(caller, operation.method, operation.address({}))
            assert answer.status_code == 401, operation


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "authorization", "bearer"])
def test_a_token_in_the_address_is_no_token(api: Api, name: str) -> None:
    text = api.headers["Authorization"].split()[1]

    assert Client().get("/api/v1/orders", {name: text}).status_code == 401
    assert Client().get("/api/v1/orders", {name: f"Bearer {text}"}).status_code == 401


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_header_does_not_make_a_write_of_a_read(
    merchant: Merchant, store: Store, header: str
) -> None:
    reader = api_for(merchant, Scope.READ)

    reader.get(f"/woocommerce/integrations/{store.pk}", **{header: "DELETE"})
    reader.post("/orders?_method=DELETE", **{header: "GET"})

    store.refresh_from_db()
    assert store.status == "active"


def cursor(order: str, *values: str, back: bool = False) -> str:
    raw = json.dumps([order, back, list(values)]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


HOSTILE = (
    "",
    "0",
    "-1",
    "9" * 200,
    "\x00",
    "a\x00b",
    "'; DROP TABLE orders_order; --",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-11-20T12:00:00",
    "1e400",
    "NaN",
    "null",
    "00000000-0000-0000-0000-000000000000",
    "\ud83d\ude00",
)


def orders_of_lists(api: Api) -> dict[str, str]:
    """The ordering of each list, read from a cursor of its own."""
    found = {}
    for path in LISTS:
        answer = api.get(path, {"page_size": 1}).json()
        if answer["next"]:
            text = answer["next"].partition("cursor=")[2].partition("&")[0]
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            found[path] = json.loads(raw)[0]
    return found


@pytest.mark.parametrize("value", HOSTILE)
def test_no_forged_cursor_breaks_a_list(api: Api, store: Store, order: Order, value: str) -> None:
    known = orders_of_lists(api)
    assert {"/orders", "/products", "/listings", "/stock/movements"} <= set(known)

    for path, ordering in known.items():
        names = ordering.split(",")
        for back in (False, True):
            forged = cursor(ordering, *[value for _ in names], back=back)
            answer = api.get(path, {"cursor": forged})
            assert answer.status_code in {200, 400}, (path, answer.content)


def test_a_cursor_of_another_merchant_shows_nothing_of_him(
    api: Api, stranger: Api, order: Order
) -> None:
    for path in orders_of_lists(api):
        page = api.get(path, {"page_size": 1}).json()["next"]
        answer = stranger.follow(page)
        assert answer.status_code == 200
        assert answer.json()["results"] == [], path


BOMBS = {
    "depth": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "exponent": b'{"quantity": 1e400}',
    "digits": b'{"quantity": ' + b"9" * 100_000 + b"}",
    "double names": b'{"reason": "a", "reason": "b"}',
    "NaN": b'{"quantity": NaN}',
    "surrogate": b'{"reason": "\\ud800"}',
    "many names": json.dumps({f"n{n}": n for n in range(20_000)}).encode(),
    "two documents": b"{}{}",
    "UTF-16": '{"reason": "x"}'.encode("utf-16"),
    "a list": b"[{}]",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_body_made_to_hurt_is_refused_in_a_sentence(api: Api, order: Order, name: str) -> None:
    answer = api.client.generic(
        "POST",
        f"/api/v1/orders/{order.pk}/cancel",
        BOMBS[name],
        "application/json",
        headers=api.headers,
    )

    assert (
        answer.status_code in {202, 200, 400}
        if name in {"double names", "surrogate"}
        else (answer.status_code == 400)
    ), answer.content
    assert len(answer.content) < 100_000
    assert "Traceback" not in answer.content.decode()


OURS = {
    "id": "00000000-0000-7000-8000-000000000000",
    "merchant": "00000000-0000-7000-8000-000000000000",
    "merchant_id": "00000000-0000-7000-8000-000000000000",
    "status_reason": "x",
    "data_key": "00000000-0000-7000-8000-000000000000",
    "writes_enabled_at": "2026-01-01T00:00:00Z",
    "stock_since": "2020-01-01T00:00:00Z",
    "on_hand": 5,
    "revoked_at": None,
    "scopes": ["pii"],
}


@pytest.mark.parametrize("field", OURS)
def test_no_body_sets_a_field_that_is_ours(
    api: Api, store: Store, order: Order, field: str
) -> None:
    ids = {"integrations": store.pk, "orders": order.pk}
    before = Store.objects.values().get(pk=store.pk), Order.objects.values().get(pk=order.pk)

    for operation in operations():
        if operation.method in {"patch", "post"} and "callback" not in operation.path:
            answer = api._send(operation.method, operation.address(ids), {field: OURS[field]}, {})
            accepted = answer.status_code < 400
            assert not accepted or takes_no_body(operation), (operation, answer.content)

    after = Store.objects.values().get(pk=store.pk), Order.objects.values().get(pk=order.pk)
    for column in ("merchant_id", "data_key_id", "stock_since", "id"):
        assert before[0][column] == after[0].get(column, before[0][column])
    assert before[1]["merchant_id"] == after[1]["merchant_id"]


def takes_no_body(operation: Operation) -> bool:
    return "requestBody" not in description()["paths"][operation.path][operation.method]


@pytest.mark.parametrize("length", ["", "x", "-1", "²", "9" * 30])
def test_an_announced_length_that_is_none_is_no_mistake_of_ours(api: Api, length: str) -> None:
    for path in ("/api/v1/stock/adjust", "/api/v1/woocommerce/oauth/callback"):
        answer = api.client.generic(
            "POST", path, b"{}", "application/json", headers=api.headers, CONTENT_LENGTH=length
        )
        assert 400 <= answer.status_code < 500, (path, answer.content)


def test_guessers_behind_one_proxy_are_told_apart_and_cannot_choose_who_they_are(
    settings: Any,
) -> None:
    def caller(forwarded: str) -> str:
        raw = APIRequestFactory().get(
            "/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": forwarded}
        )
        return throttling.TokenThrottle()._caller(Request(raw))[1]

    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert caller("1.1.1.1, 203.0.113.9") == caller("2.2.2.2, 203.0.113.9") == "203.0.113.9"

    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 0}
    assert caller("1.1.1.1") == caller("2.2.2.2") == "10.0.0.1"


@pytest.mark.parametrize("header", ["Bearer lgx_guess", "Bearer x", ""])
def test_who_guesses_tokens_is_slowed_down_and_who_has_one_is_not(
    api: Api, db: None, header: str, time_machine: Any
) -> None:
    time_machine.move_to("2026-11-20T12:00:01Z", tick=False)
    headers = {"Authorization": header} if header else {}
    guesses = [Client().get("/api/v1/orders", headers=headers) for _ in range(61)]

    assert [answer.status_code for answer in guesses] == [401] * 60 + [429]
    assert guesses[-1].json()["code"] == "throttled"
    assert int(guesses[-1]["Retry-After"]) <= 60
    assert api.get("/orders").status_code == 200

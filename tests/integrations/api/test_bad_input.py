"""Whatever is sent, the answer is a refusal in a sentence, never a 500, and nothing is half done.

The last tests make up requests from the OpenAPI description: every operation is called with values
of the wrong kind in every place where it takes one. Dice choose among them, always the same way.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from inventory.models import StockMovement
from orders.models import Order
from tests.integrations.api.client import Api
from tests.integrations.api.routes import NAMED, Operation, description, operations
from tests.integrations.api.shop import Shop

NUL, LONE = "a\x00b", "\ud800"
DEEP = "[" * 5000 + "]" * 5000
HUGE = 10**30

# What is no request: (body as it goes over the wire, status, code).
BODIES = {
    "broken": (b'{"reason": ', 400, "malformed"),
    "a list": (b"[1, 2]", 400, "malformed"),
    "a text": (b'"hello"', 400, "malformed"),
    "a number": (b"7", 400, "malformed"),
    "null": (b"null", 400, "malformed"),
    "NaN": (b'{"sku": "X", "delta": NaN, "reason": "x"}', 400, "malformed"),
    "Infinity": (b'{"sku": "X", "delta": Infinity, "reason": "x"}', 400, "malformed"),
    "not UTF-8": (b'{"reason": "\xff\xfe"}', 400, "malformed"),
    "two values": (b"{} {}", 400, "malformed"),
    "a lone surrogate": (b'{"reason": "\\ud800"}', 400, "malformed"),
    "too deep": (f'{{"reason": {DEEP}}}'.encode(), 400, "malformed"),
    "a form": (b"sku=X&delta=1&reason=x", 400, "malformed"),
    "a huge exponent": (b'{"sku": "X", "delta": 1e1000000, "reason": "x"}', 400, None),
    "a huge integer": (b'{"sku": "X", "delta": 1' + b"0" * 5000 + b', "reason": "x"}', 400, None),
    "a fraction": (b'{"sku": "X", "delta": 1.5, "reason": "x"}', 400, "invalid"),
    "unknown names": (b'{"skew": "X"}', 400, "invalid"),
}

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    HUGE,
    1.5,
    "",
    " ",
    NUL,
    "é" * 20_000,
    "-",
    "2026-13-45T99:99:99Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    [],
    [None],
    [[]],
    {},
    {"a": {"b": []}},
)
TEXTS = ("", " ", NUL, LONE.encode("utf-8", "surrogatepass"), "x" * 3000, str(HUGE), "-1", "NaN")
TIMES = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday", "2026-02-30")


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """More requests in a minute than a token may send."""
    monkeypatch.setattr("integrations.api.throttling._rate", lambda kind: (1_000_000, 60))


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_request_is_refused_in_a_sentence(api: Api, name: str) -> None:
    body, status, code = BODIES[name]

    answer = raw(api, "/stock/adjust", body)

    assert answer.status_code == status, answer.content
    assert code in (None, answer.json()["code"])
    assert answer.json()["detail"].endswith((".", "?")), answer.json()["detail"]
    assert answer["Content-Type"] == "application/problem+json"


def test_a_form_that_says_it_is_one_is_told_to_be_json(api: Api) -> None:
    answer = raw(api, "/stock/adjust", b"sku=X", "application/x-www-form-urlencoded")

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.json()["detail"] == "The body is a form. Send it as JSON."


def test_a_body_of_ten_megabytes_is_refused_with_413(api: Api) -> None:
    body = json.dumps({"sku": "X", "delta": 1, "reason": "x" * 10_000_000}).encode()

    answer = raw(api, "/stock/adjust", body)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "MB" in answer.json()["detail"]


def test_with_an_idempotency_key_a_large_body_is_refused_alike(api: Api) -> None:
    body = json.dumps({"sku": "X", "delta": 1, "reason": "x" * 10_000_000}).encode()
    headers = {**api.headers, "Idempotency-Key": "large"}

    answer = api.client.generic("POST", "/api/v1/stock/adjust", body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_nul_is_left_out_of_what_is_kept(api: Api, order: Order) -> None:
    answer = api.post("/stock/adjust", {"sku": "SKU-1", "set_to": 5, "reason": f"Count {NUL}"})

    assert answer.status_code == 201, answer.content
    assert StockMovement.objects.get(pk=answer.json()["id"]).reason == "Count ab"


def test_no_value_in_a_body_is_too_strange(
    api: Api, shop: Shop, order: Order, unhurried: None
) -> None:
    for operation, body in strange_bodies():
        payload = json.dumps(body).encode()
        address = operation.address({"orders": order.pk, "integrations": order.store_id})

        answer = raw(api, address, payload, method=operation.method)

        where = f"{operation}: {str(body)[:300]} → {answer.content[:300]!r}"
        assert answer.status_code not in (429, 500), where
        if answer.status_code >= 400:
            assert told_well(answer), where


def test_no_value_in_a_query_is_too_strange(api: Api, order: Order, unhurried: None) -> None:
    for operation, query in strange_queries():
        answer = api.get(operation.address({"orders": order.pk}), query)

        where = f"{operation}: {str(query)[:200]} → {answer.content[:300]!r}"
        assert answer.status_code in (200, 400, 404), where
        if answer.status_code >= 400:
            assert told_well(answer), where


@pytest.mark.parametrize("path", ["/orders/", "/orders/7", "/nothing", "/orders/%00", "/orders/é"])
def test_an_address_that_is_none_is_a_problem_too(api: Api, path: str) -> None:
    for method in ("get", "post", "patch", "delete"):
        answer = getattr(api, method)(path)

        assert answer.status_code == 404
        assert told_well(answer)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "BREW"])
def test_no_method_is_too_strange_for_any_address(api: Api, order: Order, method: str) -> None:
    offered = {(operation.path, operation.method.upper()) for operation in operations()}
    for operation in operations():
        if (operation.path, method) in offered:
            continue
        address = operation.address({"orders": order.pk, "integrations": order.store_id})

        answer = raw(api, address, b"", method=method)

        if method != "HEAD":
            assert answer.status_code == 405, operation
            assert operation.method.upper() in answer["Allow"]
            assert told_well(answer), operation
        elif operation.method == "get":
            wanted = (400,) if operation.path in NAMED else (200, 404, 422)
            assert answer.status_code in wanted, operation
            assert answer.content == b""


def test_the_root_of_the_api_leads_to_its_documents(api: Api) -> None:
    answer = api.get("/")

    assert answer.status_code == 404
    assert "/api/docs" in answer.json()["detail"]


def test_a_method_that_is_not_offered_names_those_that_are(api: Api) -> None:
    answer = api.delete("/orders")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer lgx_\u00e9", "lgx_1", " "]
)
def test_a_header_that_is_no_token_is_401(db: None, header: str) -> None:
    answer = Client().get("/api/v1/orders", headers={"Authorization": header})

    assert answer.status_code == 401
    assert told_well(answer)


def raw(
    api: Api,
    path: str,
    body: bytes,
    content_type: str = "application/json",
    *,
    method: str = "post",
) -> Any:
    return api.client.generic(
        method.upper(), f"/api/v1{path}", body, content_type=content_type, headers=api.headers
    )


def told_well(answer: Any) -> bool:
    """One shape for all refusals, with a sentence and a code."""
    told = answer.json()
    detail = told["detail"]
    return (
        answer["Content-Type"] == "application/problem+json"
        and set(told) >= {"type", "title", "status", "code", "detail", "errors", "request_id"}
        and told["status"] == answer.status_code
        and len(detail.split()) > 1
        and detail[-1] in ".?!”"
    )


def strange_bodies() -> Iterator[tuple[Operation, dict[str, Any]]]:
    """For each operation: every field in turn with some strange values, the others plausible."""
    dice = random.Random(7)
    for operation in operations():
        fields = _body_of(operation)
        plausible = {name: _plausible(schema) for name, schema in fields.items()}
        for name in fields:
            for value in dice.sample(VALUES, 4):
                yield operation, {**plausible, name: value}
        yield operation, {name: dice.choice(VALUES) for name in fields}


def strange_queries() -> Iterator[tuple[Operation, dict[str, Any]]]:
    dice = random.Random(7)
    for operation in operations():
        item = description()["paths"][operation.path][operation.method]
        names = [p["name"] for p in item.get("parameters", []) if p["in"] == "query"]
        if operation.method != "get" or not names:
            continue
        for name in names:
            for value in dice.sample((*TEXTS, *TIMES), 3):
                yield operation, {name: value}
        for _ in range(3):
            some = dice.sample(names, dice.randint(1, len(names)))
            yield operation, {name: dice.choice((*TEXTS, *TIMES)) for name in some}


def _body_of(operation: Operation) -> dict[str, Any]:
    item = description()["paths"][operation.path][operation.method]
    content = item.get("requestBody", {}).get("content", {}).get("application/json")
    schema = _resolved(content["schema"]) if content else {}
    return dict(schema.get("properties", {}))


def _plausible(schema: dict[str, Any]) -> Any:
    schema = _resolved(schema)
    for kind in schema.get("oneOf", schema.get("allOf", ())):
        schema = _resolved(kind)
        break
    if "enum" in schema:
        return schema["enum"][0]
    kinds = {"string": "SKU-1", "integer": 1, "boolean": True, "object": {}, "array": []}
    return kinds.get(str(schema.get("type")), "x")


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema

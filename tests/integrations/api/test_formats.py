"""Bodies in, problem documents out: whatever is sent, the answer is JSON that says what to do."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.api import views
from integrations.api.throttling import TokenThrottle
from logix.common.amounts import money
from orders.models import Order
from tests.integrations.api.client import Api

FORM = "application/x-www-form-urlencoded"


def _send(api: Api, body: bytes, content_type: str) -> Any:
    return Client().post(
        "/api/v1/locations", data=body, content_type=content_type, headers=api.headers
    )


@pytest.mark.parametrize(
    "content_type", [FORM, "application/json", "text/plain", "x/y; charset=utf-8"]
)
def test_json_is_understood_whatever_its_content_type(api: Api, content_type: str) -> None:
    answer = _send(api, b'{"code": "north", "name": "North"}', content_type)

    assert answer.status_code == 201, answer.content
    assert answer.json()["code"] == "north"


def test_a_form_is_told_to_be_json(api: Api) -> None:
    answer = _send(api, b"code=north&name=North", FORM)

    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"code": "a",}',
        b"[]",
        b'"text"',
        b'{"rank": NaN}',
        b'{"rank": 1e1000000}',
        b'{"name": "\\ud800"}',
        b"\xff\xfe{}",
        b'{"a":' * 100 + b"1" + b"}" * 100,
    ],
)
def test_a_body_that_is_no_json_object_is_400(api: Api, body: bytes) -> None:
    answer = _send(api, body, "application/json")

    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "malformed"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{", "truncated"),
        (b'{"code": "a=b",}', "byte 15"),
        (b'{"rank": NaN}', "byte 9"),
        (b'{"rank": 1e400}', "absurd number"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "too deep"),
        (b" [1, 2", "truncated"),
        (b"NaN", "byte 0"),
        (b"1e400", "absurd number"),
    ],
)
def test_json_that_curl_calls_a_form_is_told_where_it_breaks(
    api: Api, body: bytes, where: str
) -> None:
    answer = _send(api, body, FORM)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert where in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"code=north", FORM),
        (b'code={"a": 1}', FORM),
        (
            b'--x\r\nContent-Disposition: form-data; name="code"\r\n\r\nnorth\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_a_real_form_is_415(api: Api, body: bytes, content_type: str) -> None:
    assert _send(api, body, content_type).status_code == 415


def test_nul_in_a_name_is_left_out(api: Api) -> None:
    answer = _send(api, b'{"code": "north", "name": "No\\u0000rth"}', "application/json")

    assert answer.json()["name"] == "North"


def test_a_refusal_points_at_each_wrong_value(api: Api) -> None:
    answer = api.post("/locations", {"code": "no slug!", "rank": "first", "colour": "red"})

    told = answer.json()
    assert answer.status_code == 400
    assert told["code"] == "invalid"
    assert {error["pointer"]: error["code"] for error in told["errors"]} == {"/colour": "unknown"}
    assert told["detail"].startswith("Unknown. “colour” is none of: code, name")
    told = api.post("/locations", {"code": "no slug!", "rank": "first"}).json()
    assert {error["pointer"] for error in told["errors"]} == {"/code", "/name", "/rank"}
    assert "code, name, rank" in told["detail"]


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("/locations", {"/code", "/name"}),
        ("/stock/adjust", {"/reason", "sku_or_variant", "delta_or_set_to"}),
        ("/stock/restock", {"/units", "/reference", "sku_or_variant"}),
    ],
)
def test_an_empty_body_is_told_all_that_is_missing(api: Api, path: str, missing: set[str]) -> None:
    told = api.post(path, {}).json()

    assert {error["pointer"] or error["code"] for error in told["errors"]} == missing


def test_a_refusal_carries_the_request_id_of_the_answer(api: Api) -> None:
    answer = api.get("/orders", {"cursor": "nonsense"})

    assert answer.json()["request_id"]
    assert answer.json()["request_id"] == answer["X-Request-ID"]


@pytest.mark.parametrize("path", ["/orders/", "/nothing", "/stock/adjust/", "/woocommerce/nothing"])
@pytest.mark.parametrize("verb", ["get", "post"])
def test_an_address_that_is_not_there_is_a_plain_404(api: Api, path: str, verb: str) -> None:
    answer = getattr(api, verb)(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "no_such_address"
    if path.endswith("/"):
        assert "slash" in answer.json()["detail"]


def test_a_method_that_is_not_there_is_405(api: Api) -> None:
    answer = api.delete("/orders")

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_the_methods_that_are_named_are_those_that_are_answered(api: Api) -> None:
    answer = api.client.options("/api/v1/locations", headers=api.headers)

    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, POST"


def test_any_accept_header_gets_json(api: Api) -> None:
    answer = api.get("/platforms", Accept="text/html")

    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"


def test_a_surprise_is_logged_and_told_without_details(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(self: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("integrations.api.catalogue.LocationViews.get_queryset", burst)
    api.client.raise_request_exception = False

    answer = api.get("/locations")

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "hunter2" not in answer.content.decode()


def test_too_many_calls_of_one_token_are_told_to_wait(
    api: Api, stranger: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "integrations.api.throttling.api_settings.DEFAULT_THROTTLE_RATES", {"user": "3/min"}
    )
    assert views.ApiViewSet.throttle_classes == (TokenThrottle,)

    codes = [api.get("/platforms").status_code for _ in range(7)]
    told = api.get("/platforms")

    assert 429 in codes
    assert told.json()["code"] == "throttled"
    assert 1 <= int(told["Retry-After"]) <= 60
    assert stranger.get("/platforms").status_code == 200


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("12.500000", 2, "12.50"),
        ("1200.000000", 0, "1200"),
        ("0.000000", 2, "0.00"),
        ("1.234560", 2, "1.23456"),
        ("-3.100000", 3, "-3.100"),
    ],
)
def test_amounts_are_text_with_the_decimals_of_their_currency(
    value: str, places: int, text: str
) -> None:
    assert money(Decimal(value), places) == text


def test_the_docs_and_the_description_need_no_token(db: None) -> None:
    assert Client().get(reverse("docs")).status_code == 200
    assert Client().get(reverse("schema")).status_code == 200


def test_amounts_never_leave_as_numbers(api: Api, order: Order) -> None:
    body = api.get("/orders").content

    assert b'"total":"28.75"' in body

"""JSON from hostile places: refused quickly, or mended, or decoded exactly."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import ContractBroken
from integrations.kit.strictjson import decode, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_json_is_read(value: Any) -> None:
    for body in (json.dumps(value, ensure_ascii=True), json.dumps(value, indent=1)):
        # Text from hypothesis holds no lone surrogates, so nothing has to be mended.
        assert parse(body.encode()) == value


@given(st.lists(st.text(st.characters()), max_size=5))
def test_any_text_comes_through_storable(texts: list[str]) -> None:
    read = parse(json.dumps(texts, ensure_ascii=True).encode())

    assert [text.encode("utf-8") for text in read] == [
        _scalar(text).encode("utf-8") for text in texts
    ]


def _scalar(text: str) -> str:
    """``text`` as UTF-16 reads it: pairs joined, lone surrogates replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":"\\ud800x"}', {"a": "\ufffdx"}),
        (b'{"a":"x\\udc00\\ud83d\\ude00"}', {"a": "x\ufffd\U0001f600"}),
        (b'{"a":"\\ud83d\\ud83d\\ude00"}', {"a": "\ufffd\U0001f600"}),
        (b'{"a":"\\\\ud800"}', {"a": "\\ud800"}),
        (b'{"a":"caf\xe9"}', {"a": "caf\ufffd"}),
        (b'{"a":"\\u0000"}', {"a": "\0"}),
        (b'{"note":"1e99 [[[[ \\" }"}', {"note": '1e99 [[[[ " }'}),
        (b"[1e30, -1.5E-30]", [1e30, -1.5e-30]),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
    ],
)
def test_odd_but_honest_bodies_are_read(body: bytes, value: Any) -> None:
    assert parse(body) == value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"   ", "not_json"),
        (b"<html><body>{{maintenance}}</body>", "not_json"),
        (b'<br />\n<b>Notice</b>: x{"a":1}', "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b"[Infinity]", "not_json"),
        (b"[-Infinity]", "not_json"),
        (b'{"a":1', "not_json"),
        (b"{'a':1}", "not_json"),
        (b"[1,]", "not_json"),
        (b"[1e31]", "absurd_number"),
        (b"[1e1000000]", "absurd_number"),
        (b"[1E-99]", "absurd_number"),
        (b"[0.0e0000000000000031]", "absurd_number"),
        (b"[" + b"1" * 65 + b"]", "absurd_number"),
        (b'{"a":"\\\\","b":1e99}', "absurd_number"),
        (b"[1." + b"0" * 1_000_000 + b"]", "absurd_number"),
        (b"[1e" + b"9" * 100_000 + b"]", "absurd_number"),
        (b"[" * 65 + b"]" * 65, "too_deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "too_deep"),
        (b"[" * 1_000_000, "too_deep"),
        (b'["]",' * 70 + b"1" + b',"["]' * 70, "too_deep"),
    ],
)
def test_what_would_hurt_is_refused_at_once(body: bytes, code: str) -> None:
    started = time.process_time()

    with pytest.raises(ContractBroken) as caught:
        parse(body)

    assert caught.value.code == code
    assert time.process_time() - started < 0.5
    assert len(caught.value.message) < 200


def test_a_web_page_is_called_one() -> None:
    with pytest.raises(ContractBroken, match="web page instead of JSON"):
        parse(b"<!DOCTYPE html>")


class Line(msgspec.Struct):
    quantity: int
    total: Decimal


class Order(msgspec.Struct):
    id: int
    lines: list[Line]


def test_a_typed_body_is_decoded_exactly() -> None:
    body = b'{"id":1,"lines":[{"quantity":2,"total":25.126}],"more":true}'

    assert decode(body, Order) == Order(1, [Line(2, Decimal("25.126"))])


def test_what_does_not_fit_is_pointed_at() -> None:
    with pytest.raises(ContractBroken, match="Expected `int`, got `str`") as caught:
        decode(b'{"id":1,"lines":[{"quantity":"2","total":"1"}]}', Order)

    assert caught.value.path == "$.lines[0].quantity"
    assert caught.value.code == "contract_broken"


def test_a_lax_reading_takes_numbers_in_quotes() -> None:
    assert decode(b'{"id":"1","lines":[]}', Order, strict=False) == Order(1, [])


def test_a_broken_name_does_not_cost_the_typed_page() -> None:
    assert decode(b'["\\ud800"]', list[str]) == ["\ufffd"]
    with pytest.raises(ContractBroken) as caught:
        decode(b'["\\ud800", 1]', list[str])
    assert caught.value.path == "$[1]"

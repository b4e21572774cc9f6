"""Field rules: found, cast, mapped, put: in both directions, and refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.mapping import rules
from integrations.mapping.rules import Rule, RuleFailed, RuleInvalid
from orders.data import Buyer, OrderData
from tests.factories import make_order, make_product

RAW = (
    b'{"id": 7, "size": "XL", "weight": 1.5, "gift": true, "empty": "", "day": "2026-11-20T10:00",'
    b' "meta": [{"key": "depot", "value": "Nord"}]}'
)


def rule(path: str, target: str = "custom.x", **more: Any) -> Rule:
    return Rule.compile(path=path, target=target, **more)


def record(**changes: Any) -> OrderData:
    return make_order(raw=RAW, **changes)


@pytest.mark.parametrize(
    ("path", "more", "value"),
    [
        ("size", {}, "XL"),
        ("meta[?key=='depot'].value | [0]", {}, "Nord"),
        ("id", {"cast": "integer"}, 7),
        ("weight", {"cast": "decimal"}, "1.5"),
        ("gift", {"cast": "boolean"}, True),
        ("missing", {"cast": "boolean", "default": "no"}, False),
        ("day", {"cast": "date"}, "2026-11-20"),
        ("day", {"cast": "datetime"}, "2026-11-20T10:00:00"),
        ("meta", {"cast": "json"}, [{"key": "depot", "value": "Nord"}]),
        ("size", {"value_map": {"XL": "extra large"}}, "extra large"),
        ("size", {"value_map": {"S": "small"}}, "XL"),
        ("empty", {"default": "none given"}, "none given"),
    ],
)
def test_a_value_is_found_mapped_and_cast(path: str, more: dict[str, Any], value: Any) -> None:
    assert rules.apply_in([rule(path, **more)], record()).custom == {"x": value}


@pytest.mark.parametrize(
    ("path", "more", "words"),
    [
        ("size", {"cast": "integer"}, "is not a valid integer"),
        ("size", {"cast": "decimal"}, "is not a valid decimal"),
        ("missing", {"cast": "decimal", "default": "NaN"}, "is not a valid decimal"),
        ("missing", {"cast": "decimal", "default": "Infinity"}, "is not a valid decimal"),
        ("size", {"cast": "boolean"}, "is not a valid boolean"),
        ("size", {"cast": "date"}, "is not a valid date"),
        ("meta", {}, "is not a valid text"),
        ("missing", {"mode": "required"}, "is required, and nothing was found at missing"),
        ("size", {"mode": "required", "value_map": {"S": "s"}}, "“XL” is not in the value map"),
        ("length(id)", {}, "cannot be followed in this record"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_in_words(
    path: str, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(RuleFailed, match=words) as failed:
        rules.apply_in([rule(path, **more)], record())
    assert failed.value.path == path


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"path": ""}, "1 to 300 characters"),
        ({"path": "x" * 301}, "1 to 300 characters"),
        ({"path": "meta.["}, "cannot be read"),
        ({"cast": "colour"}, "Unknown type “colour”"),
        ({"mode": "perhaps"}, "Unknown mode “perhaps”"),
        ({"value_map": ["a"]}, "A value map is an object"),
        ({"target": "total"}, "“total” cannot be set"),
        ({"target": "custom."}, "“custom.” cannot be set"),
        ({"target": "number", "stream": "products"}, "“number” cannot be set"),
        ({"target": "number", "cast": "integer"}, "“number” holds text"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_when_it_is_made(
    more: dict[str, Any], words: str
) -> None:
    with pytest.raises(RuleInvalid, match=words):
        Rule.compile(**{"path": "size", "target": "custom.x", **more})


def test_set_replaces_and_fill_only_fills() -> None:
    full = record(custom={"x": 0, "y": ""}, external_customer_id="c1")
    mapped = rules.apply_in(
        [
            rule("size", "custom.x", mode="fill"),
            rule("size", "custom.y", mode="fill"),
            rule("size", "custom.z"),
            rule("size", "external_customer_id", mode="fill"),
            rule("size", "number"),
            rule("missing", "custom.no"),
        ],
        full,
    )

    assert mapped.custom == {"x": 0, "y": "XL", "z": "XL"}
    assert (mapped.external_customer_id, mapped.number) == ("c1", "XL")


def test_a_note_of_the_buyer_is_set_where_there_is_no_buyer_and_kept_where_it_is_filled() -> None:
    note = rule("size", "buyer.note", mode="fill")

    assert rules.apply_in([note], record(buyer=None)).buyer == Buyer(note="XL")
    kept = rules.apply_in([note], record(buyer=Buyer(name="Zoë", note="Ring twice.")))
    assert kept.buyer == Buyer(name="Zoë", note="Ring twice.")
    twice = rules.apply_in([rule("size", "buyer.note"), rule("id", "buyer.note")], record())
    assert twice.buyer is not None
    assert twice.buyer.note == "7"


def test_a_product_takes_custom_fields_only() -> None:
    product = make_product(1, raw=RAW)
    mapped = rules.apply_in([rule("size"), rule("size", "number")], product)

    assert mapped.custom == {"x": "XL"}
    assert mapped.external_id == product.external_id


def test_a_record_that_is_not_json_is_refused_and_one_without_a_body_is_empty() -> None:
    with pytest.raises(RuleFailed, match="is not JSON"):
        rules.apply_in([rule("size")], make_order(raw=b"<xml/>"))
    assert rules.apply_in([rule("size", default="?")], make_order(raw=b"")).custom == {"x": "?"}


def test_outbound_rules_tell_the_store_what_they_find() -> None:
    out = [
        rule("number", "_hub_number", outbound=True),
        rule("status.order", "_state", outbound=True, value_map={"open": "in work"}),
        rule("missing", "_nothing", outbound=True),
        rule("lines", "number", cast="json", outbound=True),
    ]

    told = rules.apply_out(out, {"number": "A1", "status": {"order": "open"}, "lines": [1]})

    assert told == {"_hub_number": "A1", "_state": "in work", "number": [1]}


def test_what_outbound_rules_wrote_is_hidden_from_them() -> None:
    out = [
        rule("custom.a", "a", outbound=True, default="?"),
        rule("custom.b", "x", outbound=True),
    ]

    assert rules.apply_out(out, {"custom": {"a": 1, "b": 2}}) == {"a": "?", "x": "2"}


def test_an_outbound_key_is_free_but_for_its_shape() -> None:
    key = "Größe (cm) / _x"

    assert rule("x", key, cast="integer", outbound=True).target == key
    for bad in ("", " x", "x\n", "y" * 121):
        with pytest.raises(RuleInvalid, match="cannot be a key in the store"):
            rule("x", bad, outbound=True)
    with pytest.raises(RuleInvalid, match="Only fields of orders"):
        rule("x", "y", outbound=True, stream="products")


def test_a_required_outbound_value_that_is_missing_is_refused() -> None:
    with pytest.raises(RuleFailed, match="is required"):
        rules.apply_out([rule("x", "_x", outbound=True, mode="required")], {})

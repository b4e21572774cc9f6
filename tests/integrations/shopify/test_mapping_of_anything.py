"""Whatever a node holds, mapping it gives a record or says what is wrong, and raises nothing."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.errors import ContractBroken
from integrations.shopify import catalogue, mapper
from tests.integrations.shopify.make import CASES, raw

ORDERS = sorted(p.stem for p in CASES.glob("order_*.json") if not p.name.endswith(".expected.json"))
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.sampled_from(
        [
            "",
            "0",
            "-0.01",
            "1e9",
            "99999999999999.999999",
            "\ud83d\ude00",
            "\x00",
            "\ud800",
            "9999-12-31T23:59:59-14:00",
            "x" * 700,
        ]
    ),
    st.just([]),
    st.just({}),
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    return [path, *(found for key, value in inner for found in places(value, (*path, key)))]


def spoilt(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    key, *rest = path
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[key] = spoilt(copy[key], tuple(rest), value)
    return copy


@pytest.mark.parametrize("name", ORDERS)
@settings(max_examples=60, deadline=None)
@given(chance=st.data())
def test_an_order_is_mapped_or_said_to_be_broken(name: str, chance: st.DataObject) -> None:
    node = json.loads(raw(name))
    path = chance.draw(st.sampled_from(places(node)[1:]))
    body = json.dumps(spoilt(node, path, chance.draw(VALUES))).encode()

    try:
        found = mapper.to_order(body)
    except ContractBroken:
        return

    parts = sum((x.total + x.tax for x in found.lines), Decimal(0))
    parts += sum((c.amount + c.tax for c in found.charges if not c.informative), Decimal(0))
    assert parts == found.total


@pytest.mark.parametrize("name", ["product_shirt", "product_at_several_locations"])
@settings(max_examples=150, deadline=None)
@given(chance=st.data())
def test_a_product_is_mapped_or_said_to_be_broken(name: str, chance: st.DataObject) -> None:
    node = json.loads(raw(name))
    path = chance.draw(st.sampled_from(places(node)[1:]))
    body = json.dumps(spoilt(node, path, chance.draw(VALUES))).encode()

    try:
        found = catalogue.to_product(body, locations=("61", "62", "63"))
    except ContractBroken:
        return

    assert all(v.external_id and v.stock_ref for v in found.variants)

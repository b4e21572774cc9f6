"""Every field served of an order and of what hangs on it, read from all kinds and fates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    execute_sync,
    get_named_type,
    is_leaf_type,
    parse,
)

from integrations.sandbox.shopify.api.resolving import Call
from integrations.sandbox.shopify.api.schema import schema
from integrations.sandbox.shopify.options import ALL_SCOPES
from integrations.sandbox.shopify.orders import acts, kinds, placing
from integrations.sandbox.shopify.orders.fates import FATES
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make
from tests.integrations.sandbox.shopify.official import faults, official

# Other rooms' things are asked for by their id alone; App asks for a scope of its own.
ELSEWHERE = {"Product", "ProductVariant", "Location", "InventoryItem", "Metafield"}
LEFT_OUT = {"App"}
DEPTH = 4
DEEP = (
    "taxLines", "duties", "fulfillmentHolds", "refundLineItems", "returnLineItems",
    "supportedActions", "trackingInfo", "paymentDetails", "lineItemGroup",
)  # fmt: skip


def fields_of(kind: GraphQLObjectType, above: frozenset[str], depth: int) -> Iterator[str]:
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        is_asked = any(isinstance(one.type, GraphQLNonNull) for one in field.args.values())
        if is_asked or named.name in above | LEFT_OUT or name in ("edges", "cursor", "query"):
            continue
        if is_leaf_type(named):
            yield name
        elif named.name in ELSEWHERE:
            yield f"{name} {{ id }}"
        elif depth and (below := selection(named, above, depth)):
            page = "(first: 5)" if named.name.endswith("Connection") else ""
            yield f"{name}{page} {below}"


def selection(kind: Any, above: frozenset[str], depth: int) -> str:
    """All there is below a type, no type within itself."""
    if not isinstance(kind, GraphQLObjectType):
        members = (
            kind.types if isinstance(kind, GraphQLUnionType) else schema().get_possible_types(kind)
        )
        parts = [f"... on {one.name} {selection(one, above, depth)}" for one in members]
        return f"{{ __typename {' '.join(part for part in parts if '{' in part)} }}"
    is_wrapper = kind.name.endswith("Connection")
    rows = list(fields_of(kind, above | {kind.name}, depth if is_wrapper else depth - 1))
    return f"{{ {' '.join(rows)} }}" if rows else ""


@pytest.fixture(scope="module")
def query() -> str:
    order = schema().type_map["Order"]
    return f"query ($id: ID!) {{ order(id: $id) {selection(order, frozenset(), DEPTH)} }}"


def answers(shop: Client, query: str, numbers: list[int]) -> Iterator[dict[str, Any]]:
    """Asked past the limit of what one query may cost."""
    grant = shop.store.access.grant_of(shop.token)
    assert grant is not None
    document = parse(query)
    for number in numbers:
        call = Call(shop.store, grant, "2026-07")
        result = execute_sync(
            schema(),
            document,
            context_value=call,
            variable_values={"id": f"gid://shopify/Order/{number}"},
        )
        assert result.errors is None, result.errors
        assert result.data is not None
        yield result.data


def test_every_field_can_be_read_of_every_kind_of_order(
    make_store: Make, query: str, shared: Path
) -> None:
    shop = make_store(orders=0, scopes=(*ALL_SCOPES, "read_apps"))
    numbers = [
        placing.place(shop.store, Random(5), kind=kind)[0]
        for kind in kinds.KINDS
        if kind != "many_lines"
    ]
    for verb in ("hold", "release", "ship_one", "number", "ship", "refund", "return", "arrive"):
        acts.act(shop.store, verb, numbers[0])

    wrong = {
        one
        for data in answers(shop, query, numbers)
        for one in faults(official(shared), query, data)
    }

    assert wrong == set()


def test_every_field_can_be_read_after_every_fate(
    make_store: Make, query: str, shared: Path
) -> None:
    shop = make_store(orders=900)
    seed = shop.store.orders.seed
    numbers = [seed.id_of(seed.fates.index(fate)) for fate in FATES]

    wrong = {
        one
        for data in answers(shop, query, numbers)
        for one in faults(official(shared), query, data)
    }

    assert wrong == set()


@pytest.mark.parametrize("name", DEEP)
def test_the_query_reaches_what_hangs_deep(query: str, name: str) -> None:
    assert f"{name} {{" in query or f"{name}(first: 5) {{" in query

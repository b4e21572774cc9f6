"""Every operation Logix sends, held against the official schema, and its cost against the rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graphql import GraphQLSchema, NoDeprecatedCustomRule, parse, validate

from integrations.shopify.operations import QUERIES, operation
from integrations.shopify.platform import CARD
from tests.integrations.sandbox.shopify.official import faults, official
from tests.integrations.shopify import make
from tests.integrations.shopify.costs import Pricer

FRAGMENTS = {p.stem for p in QUERIES.glob("*.graphql") if p.read_text().startswith("fragment")}
OPERATIONS = sorted({p.stem for p in QUERIES.glob("*.graphql")} - FRAGMENTS)
IDEMPOTENT = {"refund_order", "set_stock", "stock_item_at_location"}
VERSIONS = ("2026-07", "2026-10")


@pytest.fixture(params=VERSIONS)
def schema(request: pytest.FixtureRequest, shared: Path) -> GraphQLSchema:
    return official(shared, request.param)


def test_the_version_that_is_asked_for_is_one_that_is_checked() -> None:
    assert CARD.api_version in VERSIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_one_of_the_official_schema(name: str, schema: GraphQLSchema) -> None:
    document = parse(operation(name).text)

    assert [error.message for error in validate(schema, document)] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_asks_for_nothing_deprecated(name: str, shared: Path) -> None:
    document = parse(operation(name).text)

    found = validate(official(shared), document, [NoDeprecatedCustomRule])
    assert [error.message for error in found] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_tells_what_it_costs_by_the_rule(name: str, shared: Path) -> None:
    known, schema = operation(name), official(shared)
    document = parse(known.text)

    for count in (1, 2, 7):
        assert known.cost(count) == Pricer(schema, document, count, known.more).price()
        dearest = known.asked({known.more: True})
        assert dearest.cost(count) == Pricer(schema, document, count).price()


@pytest.mark.parametrize("name", OPERATIONS)
def test_one_node_of_every_list_may_be_asked_for(name: str) -> None:
    assert operation(name).cost(1) <= 1000


def test_every_fragment_is_spread_somewhere() -> None:
    together = "".join(operation(name).text for name in OPERATIONS)

    named = {f"fragment {''.join(w.title() for w in stem.split('_'))} on" for stem in FRAGMENTS}
    assert {name for name in named if name not in together} == set()


def test_writes_of_stock_and_money_carry_the_key_that_makes_them_repeatable() -> None:
    found = {name for name in OPERATIONS if "@idempotent(key: $key)" in operation(name).text}

    assert found == IDEMPOTENT


CASES = sorted(p for p in make.CASES.glob("*.json") if ".expected" not in p.name)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_an_answer_of_the_official_schema(path: Path, shared: Path) -> None:
    root = f"{path.stem.partition('_')[0]}s"
    page = {"hasNextPage": False, "endCursor": None}
    data = {root: {"pageInfo": page, "nodes": [json.loads(path.read_text())]}}

    assert faults(official(shared), operation(root).text, data) == []

"""Our schema against the official ones of 2026-07 and 2026-10, and the tables drawn from them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, is_object_type

from integrations.sandbox.shopify.access import scopes
from integrations.sandbox.shopify.api import idempotency
from integrations.sandbox.shopify.api.schema import schema, sdl
from integrations.sandbox.shopify.hooks.topics import scopes_of, topic_of
from integrations.sandbox.shopify.rooms import PAYLOADS
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.official import faults, missing, official

_GONE_IN_2026_10 = re.compile(r"Inventory\w+UserErrorCode\.ITEM_NOT_STOCKED_AT_LOCATION")

_ASSUMED = frozenset({"Mutation.fulfillmentCancel"})
"""Scopes the notes have nothing on."""


@pytest.fixture(scope="session")
def access(shared: Path) -> Any:
    return json.loads((shared / "contracts/shopify/admin_2026-07_access.json").read_text())


@pytest.fixture(scope="session")
def topics(shared: Path) -> dict[str, Any]:
    path = shared / "contracts/shopify/samples/webhook_topics_2026-07.json"
    found: dict[str, Any] = json.loads(path.read_text())["topics"]
    return found


def test_all_we_have_is_in_the_official_schema_with_the_same_types(shared: Path) -> None:
    assert list(missing(build_schema(sdl()), official(shared))) == []


def test_of_what_we_have_the_next_version_lost_one_error_code_alone(shared: Path) -> None:
    found = list(missing(build_schema(sdl()), official(shared, "2026-10")))

    assert [wrong for wrong in found if not _GONE_IN_2026_10.fullmatch(wrong)] == []


def test_our_files_hold_no_description(shared: Path) -> None:
    assert '"' not in re.sub(r'= "[^"]*"', "", sdl())


def test_every_type_field_and_directive_is_spelled_and_wired() -> None:
    """Building it raises for a resolver of no field, and for two of one."""
    kinds = [kind for kind in schema().type_map.values() if is_object_type(kind)]

    assert all(
        field.resolve for kind in kinds if kind.name[:2] != "__" for field in kind.fields.values()
    )


def test_an_answer_that_breaks_the_schema_is_found(shared: Path) -> None:
    """The walker itself: what it lets pass would let every test pass."""
    real = official(shared)
    query = "{ shop { id name plan { shopifyPlus } } }"

    assert (
        faults(real, query, {"shop": {"id": "a", "name": "b", "plan": {"shopifyPlus": True}}}) == []
    )
    for data, told in (
        ({"shop": {"id": "a", "name": None, "plan": {"shopifyPlus": True}}}, "promises"),
        ({"shop": {"id": "a", "name": 1, "plan": {"shopifyPlus": True}}}, "no String"),
        ({"shop": {"id": "a", "plan": {"shopifyPlus": True}}}, "without"),
        ({"shop": {"id": "a", "name": "b", "plan": {"shopifyPlus": True, "x": 1}}}, "nobody"),
        ({"shop": {"id": "a", "name": "b", "plan": []}}, "no object"),
    ):
        assert any(told in wrong for wrong in faults(real, query, data)), told
    assert faults(real, "{ shop { nope } }", None) != []


def test_scopes_are_those_of_the_official_notes(access: Any) -> None:
    notes = access["required_access"]
    restricted = access["access_restricted"]

    for where, needed in (scopes.TYPES | scopes.FIELDS).items():
        note = notes.get(where, "") + restricted.get(where, "")
        if where == "Mutation.refundCreate":  # the note leaves the verb out
            note = note.replace("`orders`", "`write_orders`")
        if where not in _ASSUMED:
            assert all(f"`{scope}`" in note for scope in needed), where
        assert bool(note) != (where in _ASSUMED), where


def test_each_type_of_ours_that_officially_needs_a_scope_needs_it_here(access: Any) -> None:
    own = {name for name, kind in schema().type_map.items() if is_object_type(kind)}
    noted = {
        name
        for name, note in access["required_access"].items()
        if name in own and re.search(r"`(?:read|write)_\w+` access scope", note)
    }

    assert noted - scopes.TYPES.keys() == set()


def test_protected_fields_are_those_of_the_official_list(access: Any) -> None:
    own = {
        f"{name}.{field}"
        for name, kind in schema().type_map.items()
        if is_object_type(kind)
        for field in kind.fields
    }

    assert own & access["protected_customer_data"].keys() == scopes.PROTECTED


def test_topics_and_their_scopes_are_those_of_the_official_reference(
    topics: dict[str, Any],
) -> None:
    values = schema().type_map["WebhookSubscriptionTopic"].values
    by_enum = {topic.replace("/", "_").upper(): topic for topic in topics}
    known = {name: by_enum[name] for name in values.keys() & by_enum.keys()}

    assert {name: topic_of(name) for name in known} == known
    for topic in PAYLOADS.keys() & topics.keys():
        needed = {f"read_{scope}" for scope in topics[topic]["access_scopes"]}
        assert set(scopes_of(topic)) <= needed, topic
        assert bool(scopes_of(topic)) == bool(needed), topic


def test_every_topic_we_send_is_an_official_one(topics: dict[str, Any]) -> None:
    assert PAYLOADS.keys() - topics.keys() == set()


def test_the_mutations_that_need_a_key_say_so_officially(shared: Path) -> None:
    mutation = official(shared).mutation_type
    assert mutation is not None
    own = schema().mutation_type
    assert own is not None

    for name in own.fields:
        told = "the idempotency key is required" in (mutation.fields[name].description or "")
        assert (name in idempotency.REQUIRED) == told, name


def test_what_is_not_there_answers_as_an_unknown_field(shop: Client) -> None:
    assert shop.error("{ giftCards(first: 1) { nodes { id } } }") == {
        "message": "Field 'giftCards' doesn't exist on type 'QueryRoot'",
        "locations": [{"line": 1, "column": 3}],
        "extensions": {
            "code": "undefinedField",
            "typeName": "QueryRoot",
            "fieldName": "giftCards",
        },
    }

"""Each fault as a client meets it, over real HTTP."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import pytest

from integrations.sandbox.faults import Faults
from integrations.sandbox.shopify.play.faults import KINDS
from tests.integrations.sandbox.shopify.fixtures import Make, Running

SHOP = "{ shop { id name } }"
PRODUCTS = """{ products(first: 5, sortKey: UPDATED_AT) { nodes { id title status } } }"""
TAG = """mutation($id: ID!) { tagsAdd(id: $id, tags: ["marked"]) { node { id } userErrors {
    message } } }"""
SET = """mutation($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input)
    @idempotent(key: "k") { userErrors { code } } }"""


@pytest.fixture
def shop(make_shop: Make) -> Running:
    return make_shop()


def product(shop: Running) -> str:
    return f"gid://shopify/Product/{next(iter(shop.store.catalogue.products))}"


def is_marked(shop: Running) -> bool:
    return "marked" in next(iter(shop.store.catalogue.products.values())).tags


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("rate_limited", 429, "Exceeded the allowed calls"),
        ("rate_limited_silently", 429, "Exceeded the allowed calls"),
        ("internal_error", 200, "INTERNAL_SERVER_ERROR"),
        ("server_error", 500, "<html>"),
        ("html_page", 200, "<html>"),
        ("shop_frozen", 402, "Unavailable Shop"),
        ("forbidden", 403, "[API]"),
        ("shop_gone", 404, "Not Found"),
        ("shop_locked", 423, "Unavailable Shop"),
        ("rejected", 430, "Security"),
        ("redirect", 301, ""),
        ("token_revoked", 401, "Invalid API key"),
        ("throttled", 200, "THROTTLED"),
    ],
)
def test_a_fault_is_heard_once_and_the_work_is_not_done(
    shop: Running, kind: str, status: int, body: str
) -> None:
    shop.fault(kind, count=1)

    heard = shop.graphql(TAG, id=product(shop))

    assert heard.status == status
    assert body in heard.body.decode()
    assert not is_marked(shop)
    shop.shop.store.buckets.clear()
    assert shop.graphql(TAG, id=product(shop)).status == 200
    assert is_marked(shop)


def test_how_long_to_wait_is_told_or_not(shop: Running) -> None:
    shop.fault("rate_limited", seconds=3)
    assert shop.graphql(SHOP).headers["Retry-After"] == "3.0"
    shop.shop.faults.clear()
    shop.fault("rate_limited_silently")
    assert "Retry-After" not in shop.graphql(SHOP).headers


def test_throttled_means_that_the_bucket_is_empty(shop: Running) -> None:
    shop.fault("throttled", count=1)

    told = shop.graphql(SHOP).json()

    assert told["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert told["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 0
    after = shop.graphql(
        "{ products(first: 250) { nodes { id variants(first: 250) { nodes { id } } } } }"
    )
    assert after.json()["errors"][0]["extensions"]["code"] == "THROTTLED"


def test_throttled_may_be_a_429(shop: Running) -> None:
    shop.fault("throttled", status=429)

    heard = shop.graphql(SHOP)

    assert (heard.status, heard.json()["errors"][0]["extensions"]["code"]) == (429, "THROTTLED")


def test_a_connection_may_break_before_anything_is_done(shop: Running) -> None:
    shop.fault("dropped", count=1)

    with pytest.raises(http.client.RemoteDisconnected):
        shop.graphql(TAG, id=product(shop))

    assert not is_marked(shop)


def test_a_write_may_be_done_and_never_answered(shop: Running) -> None:
    shop.fault("timeout_after_write", seconds=0)

    assert shop.graphql(SHOP).status == 200
    with pytest.raises(http.client.RemoteDisconnected):
        shop.graphql(TAG, id=product(shop))

    assert is_marked(shop)


def test_an_answer_may_break_off(shop: Running) -> None:
    shop.fault("truncated", count=1)

    with pytest.raises(http.client.IncompleteRead):
        shop.graphql(TAG, id=product(shop))

    assert is_marked(shop)


def test_a_slow_answer_waits_until_the_switch_is_off(shop: Running) -> None:
    shop.fault("slow", seconds=0.2)
    began = time.monotonic()

    assert shop.graphql(SHOP).status == 200

    assert time.monotonic() - began >= 0.2


def test_narrowed_scopes_let_read_and_not_write(shop: Running) -> None:
    shop.fault("scopes_narrowed")

    assert shop.graphql(PRODUCTS).json()["data"]["products"]["nodes"]
    error = shop.graphql(TAG, id=product(shop)).json()["errors"][0]
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    shop.shop.faults.clear()
    assert "errors" not in shop.graphql(TAG, id=product(shop)).json()


def test_a_key_may_be_busy(shop: Running) -> None:
    shop.fault("idempotency_busy", count=1)
    asked = {"name": "available", "reason": "correction", "quantities": []}

    def codes() -> list[str]:
        rows = shop.data(SET, input=asked)["inventorySetQuantities"]["userErrors"]
        return [row["code"] for row in rows]

    assert codes() == ["IDEMPOTENCY_CONCURRENT_REQUEST"]
    assert codes() == []


# --- drift ----------------------------------------------------------------------------------------


def nodes(shop: Running) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.graphql(PRODUCTS).json()["data"]["products"]["nodes"]
    return found


def test_fields_nobody_asked_for(shop: Running) -> None:
    shop.fault("unknown_fields")

    assert all("xChannel" in row for row in nodes(shop))


def test_values_nobody_has_announced(shop: Running) -> None:
    shop.fault("unknown_values")

    assert {row["status"] for row in nodes(shop)} == {"SANDBOX_NOVELTY"}


def test_null_where_something_was_promised(shop: Running) -> None:
    shop.fault("unexpected_nulls")

    assert {row["title"] for row in nodes(shop)} == {None}


def test_drift_touches_answers_with_data_alone(shop: Running) -> None:
    shop.fault("unknown_fields")

    assert "errors" in shop.graphql("{ nope }").json()
    assert shop.ask("GET", "/nowhere").status == 404


def test_a_record_of_a_page_changes_once_it_was_read(shop: Running) -> None:
    shop.fault("edited_during_paging", count=1)

    first = nodes(shop)
    after = shop.data("{ products(first: 1, sortKey: UPDATED_AT, reverse: true) { nodes { id } } }")

    assert after["products"]["nodes"] == [{"id": first[0]["id"]}]
    assert first[0]["id"] not in [row["id"] for row in nodes(shop)]


# --- the switches ---------------------------------------------------------------------------------


def test_a_switch_can_be_held_to_what_is_asked_for(shop: Running) -> None:
    shop.fault("server_error", route="products$")

    assert shop.graphql(PRODUCTS).status == 500
    assert shop.graphql(SHOP).status == 200


def test_every_kind_says_what_it_is_and_can_be_turned_on() -> None:
    faults = Faults(KINDS)

    for kind, known in KINDS.items():
        assert known.about
        faults.turn_on(kind)
    assert {row["kind"] for row in faults.document()} == KINDS.keys()
    json.dumps(faults.document())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kind": "nope"}, "There is no fault"),
        ({"kind": "slow", "rate": 2}, "rate is a share"),
        ({"kind": "slow", "count": 0}, "count is at least 1"),
        ({"kind": "slow", "seconds": -1}, "seconds lie between"),
        ({"kind": "slow", "status": 99}, "status lies between"),
        ({"kind": "slow", "route": "("}, "no regular expression"),
    ],
)
def test_a_switch_that_cannot_be_is_refused_in_words(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Faults(KINDS).turn_on(**settings)


def test_equal_seeds_strike_alike() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(KINDS, seed=seed)
        faults.turn_on("server_error", rate=0.5)
        return [faults.strikes("server_error", "/") is not None for _ in range(50)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 10 < sum(strikes(1)) < 40

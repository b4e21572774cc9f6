"""Orders as an app reads and changes them."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from integrations.sandbox.shopify.orders import acts, placing
from tests.integrations.sandbox.shopify.client import NOW, Client
from tests.integrations.sandbox.shopify.conftest import Make

PAGE = """
query ($first: Int!, $after: String, $query: String, $sortKey: OrderSortKeys, $reverse: Boolean) {
  orders(first: $first, after: $after, query: $query, sortKey: $sortKey, reverse: $reverse) {
    nodes { id name createdAt updatedAt processedAt displayFinancialStatus
            displayFulfillmentStatus closed cancelledAt tags }
    pageInfo { hasNextPage endCursor }
  }
}
"""
UPDATE = """
mutation ($input: OrderInput!) {
  orderUpdate(input: $input) {
    order { id note tags email poNumber updatedAt customAttributes { key value }
            shippingAddress { address1 city countryCodeV2 }
            metafields(first: 5) { nodes { namespace key value } } }
    userErrors { field message }
  }
}
"""
TAGS = """
mutation ($id: ID!, $tags: [String!]!) {{
  {}(id: $id, tags: $tags) {{ node {{ ... on Order {{ tags }} }} userErrors {{ message }} }}
}}
"""


def gid(number: int) -> str:
    return f"gid://shopify/Order/{number}"


def place(shop: Client, kind: str = "plain", count: int = 1) -> list[int]:
    return placing.place(shop.store, Random(7), kind=kind, count=count)


def all_of(shop: Client, **asked: Any) -> list[dict[str, Any]]:
    """Every page of a list."""
    rows, after = [], None
    while True:
        page = shop.ask(PAGE, first=asked.pop("first", 25), after=after, **asked)["orders"]
        rows += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return rows


def iso(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- reading --------------------------------------------------------------------------------------


def test_an_order_is_found_by_its_id_and_by_its_node(shop: Client) -> None:
    (number,) = place(shop)

    data = shop.ask(
        "query ($id: ID!) { order(id: $id) { legacyResourceId name }"
        " node(id: $id) { ... on Order { name } } }",
        id=gid(number),
    )

    assert data["order"]["legacyResourceId"] == str(number)
    assert data["order"]["name"] == data["node"]["name"]


def test_an_order_that_is_not_there_is_null(shop: Client) -> None:
    assert shop.ask("query ($id: ID!) { order(id: $id) { id } }", id=gid(1)) == {"order": None}


@pytest.mark.parametrize("sort_key", ["PROCESSED_AT", "CREATED_AT", "UPDATED_AT"])
def test_pages_show_every_order_once_in_the_order_asked_for(shop: Client, sort_key: str) -> None:
    field = {"PROCESSED_AT": "processedAt", "CREATED_AT": "createdAt"}.get(sort_key, "updatedAt")

    rows = all_of(shop, sortKey=sort_key)

    assert len({row["id"] for row in rows}) == len(rows) == 60
    assert [row[field] for row in rows] == sorted(row[field] for row in rows)


def test_several_hundred_orders_of_one_second_are_paged_through(make_store: Make) -> None:
    shop = make_store(orders=400, same_second=300)

    rows = all_of(shop, sortKey="UPDATED_AT", first=100)

    moments = [row["updatedAt"] for row in rows]
    assert max(moments.count(moment) for moment in set(moments)) >= 300
    assert len({row["id"] for row in rows}) == 400


def test_without_a_sort_key_the_oldest_processed_comes_first(shop: Client) -> None:
    moments = [row["processedAt"] for row in all_of(shop)]

    assert moments == sorted(moments)


def test_changes_since_a_moment_are_asked_for_by_updated_at(shop: Client) -> None:
    shop.wait(60)
    (number,) = place(shop)

    found = all_of(shop, query=f"updated_at:>='{iso(NOW + 1)}'", sortKey="UPDATED_AT")

    assert [row["id"] for row in found] == [gid(number)]


@pytest.mark.parametrize("sign", [">", ">=", "<", "<="])
def test_a_span_of_updated_at_holds_what_its_sign_says(shop: Client, sign: str) -> None:
    everything = all_of(shop, sortKey="UPDATED_AT")
    middle = everything[30]["updatedAt"]
    wanted = {
        ">": lambda at: at > middle,
        ">=": lambda at: at >= middle,
        "<": lambda at: at < middle,
        "<=": lambda at: at <= middle,
    }[sign]

    found = all_of(shop, query=f"updated_at:{sign}'{middle}'", sortKey="UPDATED_AT")

    assert found == [row for row in everything if wanted(row["updatedAt"])]


def test_a_span_within_a_choice_narrows_nothing_else(shop: Client) -> None:
    everything = all_of(shop, sortKey="UPDATED_AT")

    found = all_of(shop, query=f"updated_at:>'{iso(NOW + 9)}' OR id:>0", sortKey="UPDATED_AT")

    assert found == everything


def test_a_misspelt_filter_is_ignored_and_told_of(shop: Client) -> None:
    document = shop.document(PAGE, first=250, query="updatedat:>'2030-01-01'")

    assert len(document["data"]["orders"]["nodes"]) == 60
    assert document["extensions"]["search"][0]["path"] == ["orders"]


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("financial_status:paid", lambda row: row["displayFinancialStatus"] == "PAID"),
        (
            "fulfillment_status:fulfilled",
            lambda row: row["displayFulfillmentStatus"] == "FULFILLED",
        ),
        ("status:cancelled", lambda row: row["cancelledAt"] is not None),
        ("status:open", lambda row: row["cancelledAt"] is None and not row["closed"]),
        ("-status:open", lambda row: row["cancelledAt"] is not None or row["closed"]),
        ("tag:vip", lambda row: "vip" in row["tags"]),
        ("tag_not:vip", lambda row: "vip" not in row["tags"]),
        ("name:1005", lambda row: row["name"].endswith("1005")),
        ("name:#1005", lambda row: row["name"].endswith("1005")),
    ],
)
def test_filters_choose_what_they_say(make_store: Make, query: str, holds: Any) -> None:
    shop = make_store(orders=240)
    everything = all_of(shop)

    found = all_of(shop, query=query)

    assert found == [row for row in everything if holds(row)]
    assert 0 < len(found) < len(everything)


def test_counts_say_how_exact_they_are(shop: Client) -> None:
    data = shop.ask(
        "{ exact: ordersCount { count precision }"
        " atLeast: ordersCount(limit: 10) { count precision } }"
    )

    assert data["exact"] == {"count": 60, "precision": "EXACT"}
    assert data["atLeast"] == {"count": 10, "precision": "AT_LEAST"}


def test_an_order_that_moves_on_while_it_is_paged_is_met_again_and_none_is_lost(
    shop: Client,
) -> None:
    first = shop.ask(PAGE, first=20, sortKey="UPDATED_AT")["orders"]
    moved = first["nodes"][0]["id"]
    shop.wait(5)
    acts.act(shop.store, "touch", int(moved.rsplit("/", 1)[1]))

    rows, after = list(first["nodes"]), first["pageInfo"]["endCursor"]
    while after:
        page = shop.ask(PAGE, first=20, after=after, sortKey="UPDATED_AT")["orders"]
        rows += page["nodes"]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None

    ids = [row["id"] for row in rows]
    assert ids.count(moved) == 2
    assert len(set(ids)) == 60


def test_without_the_scope_for_all_orders_sixty_days_are_seen(make_store: Make) -> None:
    scopes = ("write_orders",)
    shop = make_store(scopes=scopes)
    oldest = iso(NOW - 60 * 86_400)

    rows = all_of(shop)

    assert 0 < len(rows) < 60
    assert min(row["createdAt"] for row in rows) >= oldest
    hidden = shop.store.orders.ids()[0]
    assert shop.ask("query ($id: ID!) { order(id: $id) { id } }", id=gid(hidden)) == {"order": None}


def test_without_the_scope_orders_are_refused(make_store: Make) -> None:
    shop = make_store(scopes=("read_products",))

    error = shop.error("{ orders(first: 1) { nodes { id } } }")

    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert "`read_orders`" in error["message"]


def test_customer_data_is_null_for_an_app_without_approval(make_store: Make) -> None:
    shop = make_store(sees_customers=False)
    (number,) = place(shop)

    order = shop.ask(
        "query ($id: ID!) { order(id: $id) { email phone shippingAddress { firstName address1 zip"
        " city countryCodeV2 formatted } customer { id displayName firstName email"
        " defaultEmailAddress { emailAddress } } } }",
        id=gid(number),
    )["order"]

    assert order["email"] is None
    assert order["phone"] is None
    assert order["shippingAddress"]["address1"] is None
    assert order["shippingAddress"]["formatted"] == []
    assert order["shippingAddress"]["city"] is not None
    assert order["customer"]["firstName"] is None
    assert order["customer"]["id"].startswith("gid://shopify/Customer/")


# --- writing --------------------------------------------------------------------------------------


def test_an_update_changes_what_is_named_and_leaves_the_rest(shop: Client) -> None:
    (number,) = place(shop, "unicode")
    before = shop.ask(
        "query ($id: ID!) { order(id: $id) { email shippingAddress { city } } }", id=gid(number)
    )["order"]
    shop.wait(10)

    order = shop.change(
        UPDATE,
        input={
            "id": gid(number),
            "note": "Exportiert ✓",
            "tags": ["erp", " erp", "größe"],
            "customAttributes": [{"key": "erp", "value": "17"}],
            "shippingAddress": {"address1": "Neuer Weg 1", "countryCode": "AT"},
            "metafields": [
                {"namespace": "logix", "key": "id", "type": "single_line_text_field", "value": "x"}
            ],
        },
    )["order"]

    assert order == {
        "id": gid(number),
        "note": "Exportiert ✓",
        "tags": ["erp", "größe"],
        "email": before["email"],
        "poNumber": None,
        "updatedAt": iso(NOW + 10),
        "customAttributes": [{"key": "erp", "value": "17"}],
        "shippingAddress": {
            "address1": "Neuer Weg 1",
            "city": before["shippingAddress"]["city"],
            "countryCodeV2": "AT",
        },
        "metafields": {"nodes": [{"namespace": "logix", "key": "id", "value": "x"}]},
    }
    assert ("orders/updated", number) in shop.events


def test_an_update_of_no_order_is_a_user_error(shop: Client) -> None:
    assert shop.refusal(UPDATE, input={"id": gid(1), "note": "x"}) == [(["id"], None)]


def test_tags_are_added_and_taken_off(shop: Client) -> None:
    (number,) = place(shop)
    shop.change(TAGS.format("tagsAdd"), id=gid(number), tags=["erp", "neu"])

    node = shop.change(TAGS.format("tagsRemove"), id=gid(number), tags=["ERP"])["node"]

    tags = node["tags"]

    assert "neu" in tags
    assert "erp" not in tags

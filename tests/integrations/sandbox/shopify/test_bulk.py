"""Bulk operations: what may run, how it goes on, and the file at the end."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make

RUN = """mutation($query: String!, $grouped: Boolean!) { bulkOperationRunQuery(query: $query,
    groupObjects: $grouped) { bulkOperation { id status type query } userErrors { field message
    code } } }"""
STATE = """query($id: ID!) { bulkOperation(id: $id) { status errorCode url partialDataUrl
    objectCount rootObjectCount fileSize createdAt completedAt } }"""
ID = "{ edges { node { id } } }"
PRODUCTS = """{ products { edges { node { id title variants { edges { node { id sku } } } } } }
    }"""


def run(shop: Client, query: str, *, is_grouped: bool = True) -> str:
    made = shop.change(RUN, query=query, grouped=is_grouped)["bulkOperation"]
    assert made["status"] == "CREATED"
    gid: str = made["id"]
    return gid


def state(shop: Client, gid: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.ask(STATE, id=gid)["bulkOperation"]
    return found


def finished(shop: Client, gid: str) -> dict[str, Any]:
    for _ in range(100):
        shop.wait(1)
        found = state(shop, gid)
        if found["status"] not in ("CREATED", "RUNNING", "CANCELING"):
            return found
    raise AssertionError(found)


def lines(shop: Client, url: str) -> list[dict[str, Any]]:
    target = urlsplit(url)
    answer = shop.call("GET", target.path, **dict(parse_qsl(target.query)))
    assert answer.status == 200
    return [json.loads(line) for line in answer.content().splitlines()]


def refused(shop: Client, query: str) -> str:
    payload = shop.payload(RUN, query=query, grouped=True)
    (error,) = payload["userErrors"]
    assert error["code"] == "INVALID"
    message: str = error["message"]
    return message


def test_a_query_becomes_a_file_of_lines_with_children_below_their_parents(shop: Client) -> None:
    gid = run(shop, PRODUCTS)
    assert state(shop, gid)["status"] == "CREATED"

    found = finished(shop, gid)

    rows = lines(shop, found["url"])
    catalogue = shop.store.catalogue
    expected = []
    for product in catalogue.products.values():
        parent = f"gid://shopify/Product/{product.id}"
        expected.append({"id": parent, "title": product.title})
        expected += [
            {"id": f"gid://shopify/ProductVariant/{one.id}", "sku": one.sku, "__parentId": parent}
            for one in catalogue.variants_of(product)
        ]
    assert rows == expected
    assert found["status"] == "COMPLETED"
    assert found["objectCount"] == str(len(rows))
    assert found["rootObjectCount"] == str(len(catalogue.products))
    assert found["completedAt"] > found["createdAt"]


def test_not_grouped_children_come_apart_from_their_parents(shop: Client) -> None:
    rows = lines(shop, finished(shop, run(shop, PRODUCTS, is_grouped=False))["url"])
    grouped = lines(shop, finished(shop, run(shop, PRODUCTS))["url"])

    assert rows != grouped
    assert sorted(map(str, rows)) == sorted(map(str, grouped))


def test_sizes_of_pages_are_ignored_and_nested_lists_read_whole(shop: Client) -> None:
    query = """{ products(first: 2) { edges { node { id variants(first: 1) { edges { node { id
        inventoryItem { inventoryLevels(first: 1) { edges { node { id } } } } } } } } } } }"""

    rows = lines(shop, finished(shop, run(shop, query))["url"])

    kinds = [row["id"].split("/")[3] for row in rows]
    catalogue = shop.store.catalogue
    assert kinds.count("Product") == len(catalogue.products)
    assert kinds.count("ProductVariant") == len(catalogue.variants)
    assert kinds.count("InventoryLevel") == len(catalogue.levels)
    assert rows[1]["inventoryItem"] == {}
    assert rows[2]["__parentId"] == rows[1]["id"]


def test_a_filter_is_kept(shop: Client) -> None:
    query = """{ products(query: "status:draft") { edges { node { id status } } } }"""

    rows = lines(shop, finished(shop, run(shop, query))["url"])

    assert rows
    assert {row["status"] for row in rows} == {"DRAFT"}


def test_a_query_that_finds_nothing_has_no_file(shop: Client) -> None:
    found = finished(shop, run(shop, f'{{ products(query: "title:nothing") {ID} }}'))

    assert (found["status"], found["url"], found["objectCount"]) == ("COMPLETED", None, "0")


def test_a_list_below_a_thing_is_read_whole(shop: Client) -> None:
    query = "{ shopifyPaymentsAccount { payouts { edges { node { id status } } } } }"

    rows = lines(shop, finished(shop, run(shop, query))["url"])

    assert {row["id"].split("/")[3] for row in rows} == {"ShopifyPaymentsPayout"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ shop { name } }", "at least one connection"),
        ("{ products { nodes { nope } } }", "Cannot query field"),
        ("{ products {", "Syntax Error"),
        ('{ node(id: "gid://shopify/Shop/1") { id } }', "top level `node`"),
        ("mutation { appUninstall { app { id } } }", "exactly one query"),
        ("{ products { nodes { id } } }", "Invalid connection fields: 'products'."),
        (
            f"{{ a: products {{ edges {{ node {{ variants {ID} }} }} }} }}",
            "must select the 'id'",
        ),
        ("{" + "".join(f" {name}: products {ID}" for name in "abcdef") + " }", "more than 5"),
        (
            "{ products { edges { node { id variants { edges { node { id inventoryItem {"
            " inventoryLevels { edges { node { id location { inventoryLevels"
            f" {ID} }} }} }} }} }} }} }} }} }} }} }} }}",
            "greater than 2",
        ),
        (
            "{ orders { edges { node { id fulfillments { fulfillmentLineItems"
            f" {ID} }} }} }} }} }}",
            "a connection field within a list field",
        ),
        (
            f"{{ orders {{ edges {{ node {{ id refunds {{ refundLineItems {ID} }} }} }} }} }}",
            "a connection field within a list field",
        ),
    ],
)
def test_a_query_unfit_for_bulk_is_refused(shop: Client, query: str, told: str) -> None:
    assert told in refused(shop, query)


def test_five_run_at_once_and_no_more(shop: Client) -> None:
    for _ in range(5):
        run(shop, PRODUCTS)

    assert shop.refusal(RUN, query=PRODUCTS, grouped=True) == [(None, "LIMIT_REACHED")]
    shop.wait(60)
    shop.wait(60)
    run(shop, PRODUCTS)


def test_the_end_is_told(shop: Client) -> None:
    shop.change(
        """mutation { webhookSubscriptionCreate(topic: BULK_OPERATIONS_FINISH,
            webhookSubscription: { uri: "https://hub.example/hook"}) { userErrors { message } }
            }"""
    )

    gid = run(shop, PRODUCTS)
    finished(shop, gid)

    (delivery,) = shop.sent
    body = json.loads(delivery.body)
    assert body.keys() == {
        "admin_graphql_api_id",
        "completed_at",
        "created_at",
        "error_code",
        "status",
        "type",
    }
    assert (body["admin_graphql_api_id"], body["status"], body["type"]) == (
        gid,
        "completed",
        "query",
    )


def test_one_can_be_stopped(shop: Client) -> None:
    cancel = """mutation($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status }
        userErrors { field message } } }"""
    gid = run(shop, PRODUCTS)

    assert shop.change(cancel, id=gid)["bulkOperation"]["status"] == "CANCELING"
    assert finished(shop, gid)["status"] == "CANCELED"
    assert shop.refusal(cancel, id=gid) == [(["id"], None)]
    assert shop.refusal(cancel, id="gid://shopify/BulkOperation/1") == [(["id"], None)]


def test_without_the_scope_it_fails(make_store: Make) -> None:
    shop = make_store(scopes=("read_locations",))

    found = finished(shop, run(shop, PRODUCTS))

    assert (found["status"], found["errorCode"], found["url"]) == ("FAILED", "ACCESS_DENIED", None)


def test_one_that_breaks_half_way_leaves_what_it_had_read(make_store: Make) -> None:
    shop = make_store(products=120)
    shop.store.strikes = lambda kind, _: kind == "bulk_failed"

    found = finished(shop, run(shop, f"{{ products {ID} }}"))

    assert (found["status"], found["errorCode"]) == ("FAILED", "INTERNAL_SERVER_ERROR")
    assert found["url"] is None
    assert len(lines(shop, found["partialDataUrl"])) == 50


def test_a_file_needs_its_signature_and_lives_a_week(shop: Client) -> None:
    url = finished(shop, run(shop, PRODUCTS))["url"]
    path = urlsplit(url).path

    assert shop.call("GET", path, signature="wrong").status == 404
    shop.wait(7 * 24 * 3600 - 200)
    assert lines(shop, url)
    shop.wait(200)
    assert shop.call("GET", path, **dict(parse_qsl(urlsplit(url).query))).status == 404
    (one,) = shop.store.bulk.operations
    left = state(shop, f"gid://shopify/BulkOperation/{one}")
    assert (left["status"], left["url"]) == ("EXPIRED", None)


def test_a_file_is_given_in_parts(shop: Client) -> None:
    target = urlsplit(finished(shop, run(shop, PRODUCTS))["url"])
    query = dict(parse_qsl(target.query))
    whole = shop.call("GET", target.path, **query).content()

    def part(asked: str) -> tuple[int, str | None, bytes]:
        answer = shop.call("GET", target.path, headers={"range": asked}, **query)
        return answer.status, answer.header("Content-Range"), answer.content()

    size = len(whole)
    assert part("bytes=0-9") == (206, f"bytes 0-9/{size}", whole[:10])
    assert part("bytes=10-") == (206, f"bytes 10-{size - 1}/{size}", whole[10:])
    assert part(f"bytes={size - 3}-{size + 99}") == (
        206,
        f"bytes {size - 3}-{size - 1}/{size}",
        whole[-3:],
    )
    assert part(f"bytes={size}-") == (416, f"bytes */{size}", b"")
    assert part("lines=1-2") == (200, None, whole)


def test_operations_are_listed(shop: Client) -> None:
    first, second = run(shop, PRODUCTS), run(shop, PRODUCTS)
    finished(shop, second)

    found = shop.ask(
        """{ bulkOperations(first: 5, query: "status:completed") { nodes { id } }
            currentBulkOperation { id } none: bulkOperation(id: "gid://shopify/BulkOperation/1")
            { id } }"""
    )

    assert found["bulkOperations"]["nodes"] == [{"id": first}, {"id": second}]
    assert found["currentBulkOperation"] == {"id": second}
    assert found["none"] is None


def test_after_a_restart_results_have_expired(shop: Client) -> None:
    gid = run(shop, PRODUCTS)
    finished(shop, gid)

    kept = type(shop.store).restore(shop.store.options, shop.store.snapshot(), now=shop.clock)

    (operation,) = kept.bulk.operations.values()
    assert (operation.status, operation.url) == ("EXPIRED", None)

"""The endpoint: tokens, versions, errors by their shape, the price of a query, the bucket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.sandbox.shopify.api import cost
from tests.integrations.sandbox.shopify.client import GRAPHQL, Client
from tests.integrations.sandbox.shopify.conftest import Make

SHOP = "{ shop { name } }"


# --- the door -------------------------------------------------------------------------------------


def test_the_shop_tells_about_itself(make_store: Make) -> None:
    shop = make_store(
        timezone="Asia/Kolkata", currency="JPY", presentment_currency="EUR", plan="plus"
    )

    assert shop.ask(
        """{ shop { id name myshopifyDomain url primaryDomain { host } currencyCode
        enabledPresentmentCurrencies ianaTimezone timezoneAbbreviation timezoneOffset
        timezoneOffsetMinutes plan { publicDisplayName shopifyPlus } taxesIncluded weightUnit
        shopAddress { formatted countryCodeV2 } features { bundles { sellsBundles } } } }"""
    )["shop"] == {
        "id": "gid://shopify/Shop/548380009",
        "name": "Musterladen",
        "myshopifyDomain": "musterladen.myshopify.com",
        "url": "https://musterladen.myshopify.com",
        "primaryDomain": {"host": "musterladen.myshopify.com"},
        "currencyCode": "JPY",
        "enabledPresentmentCurrencies": ["JPY", "EUR"],
        "ianaTimezone": "Asia/Kolkata",
        "timezoneAbbreviation": "IST",
        "timezoneOffset": "+0530",
        "timezoneOffsetMinutes": 330,
        "plan": {"publicDisplayName": "Plus", "shopifyPlus": True},
        "taxesIncluded": True,
        "weightUnit": "KILOGRAMS",
        "shopAddress": {
            "formatted": ["Musterladen", "Weg 1", "50667 Köln", "Germany"],
            "countryCodeV2": "DE",
        },
        "features": {"bundles": {"sellsBundles": True}},
    }


@pytest.mark.parametrize("token", ["", "shpat_other"])
def test_a_wrong_token_is_401_in_shopifys_words(shop: Client, token: str) -> None:
    shop.token = token

    answer = shop.post(SHOP)

    assert answer.status == 401
    assert json.loads(answer.content()) == {
        "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"
    }


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ("2026-07", "2026-07"),
        ("2026-10", "2026-10"),
        ("2025-01", "2026-07"),
        ("2026-04", "2026-07"),
        ("unstable", "2026-10"),
    ],
)
def test_a_retired_version_is_answered_by_the_oldest_that_lives(
    shop: Client, asked: str, answers: str
) -> None:
    answer = shop.post(SHOP, path=f"/admin/api/{asked}/graphql.json")

    assert answer.status == 200
    assert answer.header("X-Shopify-API-Version") == answers
    assert answer.header("X-Request-Id")


@pytest.mark.parametrize(
    "path",
    [
        "/admin/api/2027-01/graphql.json",
        "/admin/api/2026-08/graphql.json",
        "/admin/api/2026-07/orders.json",
        "/",
    ],
)
def test_what_is_not_there_is_404(shop: Client, path: str) -> None:
    answer = shop.post(SHOP, path=path)

    assert (answer.status, json.loads(answer.content())) == (404, {"errors": "Not Found"})


def test_a_query_may_be_sent_bare(shop: Client) -> None:
    headers = {"content-type": "application/graphql", "x-shopify-access-token": shop.token}

    answer = shop.call("POST", GRAPHQL, SHOP.encode(), headers=headers)

    assert json.loads(answer.content())["data"] == {"shop": {"name": "Musterladen"}}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": ""}', b'{"query": 3}'])
def test_a_body_without_a_query_is_400(shop: Client, body: bytes) -> None:
    headers = {"x-shopify-access-token": shop.token}

    answer = shop.call("POST", GRAPHQL, body, headers=headers)

    assert answer.status == 400
    assert json.loads(answer.content()) == {
        "errors": {"query": "Required parameter missing or invalid"}
    }


# --- errors of the document -----------------------------------------------------------------------


def test_errors_of_the_text_come_without_data_and_cost_nothing(shop: Client) -> None:
    for query, code in (
        ("{ shop { name", None),
        ("{ shop { nope } }", "undefinedField"),
        ("{ shop { name(x: 1) } }", "argumentNotAccepted"),
        ("{ product { id } }", "missingRequiredArguments"),
    ):
        document = shop.document(query)

        assert document.keys() == {"errors"}
        assert document["errors"][0]["extensions"].get("code") == code

    left = shop.document(SHOP)["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    assert left == 1999


def test_a_wrong_variable_is_told_as_a_problem(shop: Client) -> None:
    error = shop.error("query($id: ID!) { product(id: $id) { id } }")

    assert error["message"] == "Variable $id was provided invalid value"
    assert error["extensions"]["problems"][0]["path"] == []


def test_of_several_operations_the_named_one_runs(shop: Client) -> None:
    query = "query A { shop { name } } query B { shop { id } }"

    def named(name: str | None) -> Any:
        body = {"query": query, "operationName": name}
        headers = {"x-shopify-access-token": shop.token}
        return json.loads(shop.call("POST", GRAPHQL, body, headers=headers).content())

    assert named("B")["data"] == {"shop": {"id": "gid://shopify/Shop/548380009"}}
    assert named("C")["errors"] == [{"message": 'No operation named "C"'}]
    assert named(None)["errors"] == [{"message": "An operation name is required"}]


def test_a_failure_of_our_own_is_shopifys_internal_error(
    shop: Client, caplog: pytest.LogCaptureFixture
) -> None:
    shop.store.catalogue.products[1] = None  # type: ignore[assignment]

    error = shop.error(
        """{ node(id: "gid://shopify/Location/61000001") { id ... on Location {
        name } }"""
        "products(first: 5) { nodes { id } } }"
    )

    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"].startswith("Internal error. Looks like something went wrong")
    assert "The simulator failed at" in caplog.text


# --- nodes ----------------------------------------------------------------------------------------


def test_nodes_are_found_by_their_ids(shop: Client) -> None:
    product = next(iter(shop.store.catalogue.products.values()))
    ids = [
        f"gid://shopify/Product/{product.id}",
        "gid://shopify/Product/1",
        "gid://shopify/Shop/548380009",
    ]

    found = shop.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Product { title } } }",
        ids=ids,
    )["nodes"]

    assert found == [
        {"__typename": "Product", "id": ids[0], "title": product.title},
        None,
        {"__typename": "Shop", "id": ids[2]},
    ]


def test_an_id_of_no_known_type_is_refused(shop: Client) -> None:
    error = shop.error('{ node(id: "gid://shopify/Blog/1") { id } }')

    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"


def test_more_than_250_ids_are_refused(shop: Client) -> None:
    ids = [f"gid://shopify/Product/{number}" for number in range(251)]

    error = shop.error("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)

    assert error["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


# --- price ----------------------------------------------------------------------------------------


def price(shop: Client, query: str, /, **variables: Any) -> tuple[int, int]:
    """(asked, actual)."""
    found = shop.document(query, **variables)["extensions"]["cost"]
    return found["requestedQueryCost"], found["actualQueryCost"]


@pytest.mark.parametrize(
    ("size", "weight"), [(0, 0), (1, 1), (3, 2), (10, 4), (100, 9), (150, 10), (200, 10), (250, 11)]
)
def test_a_pages_weight_is_what_was_measured(size: int, weight: int) -> None:
    """microsoft/BCApps pull request 5926: lines 3 and 10, payouts 100, orders 150, products 200."""
    assert cost.weight(size) == weight


def test_queries_cost_what_was_measured_of_the_real_api(shop: Client) -> None:
    """From the query files of microsoft/BCApps, measured against API 2025-07."""
    products = "{products(first:200){pageInfo{hasNextPage} edges{cursor node{id updatedAt}}}}"
    payouts = """{ shopifyPaymentsAccount { payouts(first: 100) { edges { cursor node { id status
        summary { chargesFee { amount } } issuedAt net { amount currencyCode } } }
        pageInfo { hasNextPage } } } }"""

    assert price(shop, products)[0] == 12
    assert price(shop, payouts)[0] == 21


def test_the_size_of_a_page_may_be_a_variable(shop: Client) -> None:
    query = """query($n: Int!) { products(first: $n) { nodes { id variants(first: 10) { nodes {
        id } } } } }"""

    assert price(shop, query, n=3) == (2 + 2 * (1 + 2 + 4), 2 + 2 * (1 + 2 + 3))


def test_a_list_with_edges_and_nodes_is_counted_once(shop: Client) -> None:
    assert price(shop, "{products(first:1){nodes{id} edges{node{id}}}}") == (3, 3)


def test_fragments_count_as_their_fields(shop: Client) -> None:
    query = """query { shop { ...Facts } } fragment Facts on Shop { name plan { shopifyPlus }
        primaryDomain { url } }"""

    assert price(shop, query) == (3, 3)


@pytest.mark.parametrize("leaves_out", ["@include(if: $no)", "@skip(if: true)"])
def test_what_the_caller_leaves_out_costs_nothing(shop: Client, leaves_out: str) -> None:
    """The analysis of graphql-ruby: rmosolgo/graphql-ruby pull request 4865."""
    query = f"""query($no: Boolean!) {{ shop {{ name plan {leaves_out} {{ shopifyPlus }}
        primaryDomain @skip(if: $no) {{ url }} }} }}"""

    assert price(shop, query, no=False) == (2, 2)


def test_of_what_a_thing_may_be_the_dearest_counts(shop: Client) -> None:
    product = next(iter(shop.store.catalogue.products))
    query = """query($id: ID!) { node(id: $id) { id ... on Location { address { city } } ... on
        ProductVariant { product { id } inventoryItem { measurement { weight { value } } } } ... on
        Product { options { name } } } }"""

    asked, actual = price(shop, query, id=f"gid://shopify/Product/{product}")

    assert (asked, actual) == (1 + 4, 1 + 1)


def test_the_schema_tells_about_itself(shop: Client) -> None:
    document = shop.document("{ __schema { queryType { name } } __typename }")

    assert document["data"] == {
        "__schema": {"queryType": {"name": "QueryRoot"}},
        "__typename": "QueryRoot",
    }


def test_an_app_is_found_by_its_id(shop: Client) -> None:
    found = shop.ask(
        """{ app { id title apiKey developerType webhookApiVersion requestedAccessScopes {
        handle } } none: app(id: "gid://shopify/App/9") { id } }"""
    )

    assert found["app"]["apiKey"] == "sandboxclientid"
    assert found["none"] is None


def test_a_job_nobody_knows_is_done(shop: Client) -> None:
    job = "gid://shopify/Job/7f0c4f36-8a4e-4ac9-8d0c-0d6ac7b1a0a1"

    assert shop.ask(
        "query($id: ID!) { job(id: $id) { id done query { shop { name } } } }", id=job
    ) == {"job": {"id": job, "done": True, "query": {"shop": {"name": "Musterladen"}}}}


def test_what_is_not_used_is_given_back(shop: Client) -> None:
    query = """{ products(first: 250, query: "title:nothing") { nodes { id variants(first: 10) {
        nodes { id } } } } }"""

    asked, actual = price(shop, query)

    assert (asked, actual) == (2 + 11 * (1 + 2 + 4), 2)
    left = shop.document(SHOP)["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    assert left == 2000 - 2 - 1


def test_a_query_beyond_a_thousand_points_is_not_run(shop: Client) -> None:
    query = """{ products(first: 250) { nodes { variants(first: 250) { nodes { inventoryItem {
        inventoryLevels(first: 250) { nodes { id } } } } } } } }"""

    document = shop.document(query)

    assert document.keys() == {"errors"}
    (error,) = document["errors"]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["cost"] > error["extensions"]["maxCost"] == 1000
    assert error["message"].endswith("exceeds the single query max cost limit (1000).")


# --- the bucket -----------------------------------------------------------------------------------


def test_an_empty_bucket_throttles_until_it_has_filled_up_again(shop: Client) -> None:
    dear = """{ products(first: 150) { nodes { id variants(first: 150) { nodes { id
        inventoryItem { id inventoryLevels(first: 10) { nodes { id } } } } } } } }"""
    asked = price(shop, dear)[0]
    assert 800 < asked <= 1000
    bucket = shop.store.bucket("sandboxclientid")
    bucket.drain()

    document = shop.document(dear)

    assert document["errors"] == [
        {
            "message": "Throttled",
            "extensions": {
                "code": "THROTTLED",
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            },
        }
    ]
    assert "data" not in document
    assert document["extensions"]["cost"] == {
        "requestedQueryCost": asked,
        "actualQueryCost": None,
        "throttleStatus": {
            "maximumAvailable": 2000.0,
            "currentlyAvailable": 0,
            "restoreRate": 100.0,
        },
    }
    shop.clock.moment += asked / 100 - 0.5
    assert "data" not in shop.document(dear)
    shop.clock.moment += 0.6
    assert "data" in shop.document(dear)


@pytest.mark.parametrize(
    ("plan", "rate"),
    [("standard", 100.0), ("advanced", 200.0), ("plus", 1000.0), ("enterprise", 2000.0)],
)
def test_the_plan_sets_the_rate(make_store: Make, plan: str, rate: float) -> None:
    shop = make_store(plan=plan)

    status = shop.document(SHOP)["extensions"]["cost"]["throttleStatus"]

    assert (status["restoreRate"], status["maximumAvailable"]) == (rate, rate * 20)

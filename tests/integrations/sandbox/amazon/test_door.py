"""The door of the API: tokens, quotas, roles, headers, and where the seller sells."""

from __future__ import annotations

from integrations.sandbox.amazon.api.operations import OPERATIONS
from tests.integrations.sandbox.amazon.client import DE, FR, JP, UK, US, Client
from tests.integrations.sandbox.amazon.conftest import Make

SELLERS = "/sellers/v1/marketplaceParticipations"
ORDERS = "/orders/2026-01-01/orders"
SINCE = "2026-01-01T00:00:00Z"


def test_without_a_token_or_with_a_wrong_one_nothing_is_answered(account: Client) -> None:
    for headers, told in (
        ({}, "Access token is missing in the request header."),
        ({"authorization": "Bearer x"}, "Access token is missing in the request header."),
        (
            {"x-amz-access-token": "Atza|x"},
            "The access token you provided is revoked, malformed or invalid.",
        ),
    ):
        answer = account.send("GET", SELLERS, headers=headers)
        assert answer.status == 403
        assert answer.document["errors"][0]["details"] == told
        assert answer.header("x-amzn-RequestId")
        assert answer.header("x-amzn-RateLimit-Limit") is None


def test_every_answer_has_its_own_number_and_good_ones_tell_the_rate(account: Client) -> None:
    first, second = account.call("GET", SELLERS), account.call("GET", SELLERS)

    assert first.header("x-amzn-RequestId") != second.header("x-amzn-RequestId")
    assert first.header("x-amzn-RateLimit-Limit") == "0.016"
    assert account.call("GET", ORDERS).header("x-amzn-RateLimit-Limit") == "0.0056"


def test_a_path_nobody_knows_is_forbidden(account: Client) -> None:
    assert account.refused("GET", "/orders/2026-01-01/nope") == (403, "Unauthorized")
    assert account.refused("DELETE", ORDERS) == (403, "Unauthorized")


def test_a_burst_is_spent_and_fills_up_at_the_rate(account: Client) -> None:
    for _ in range(20):
        assert account.call("GET", ORDERS, lastUpdatedAfter=SINCE).status == 200
    answer = account.call("GET", ORDERS, lastUpdatedAfter=SINCE)

    assert answer.status == 429
    assert answer.document["errors"][0]["code"] == "QuotaExceeded"
    assert answer.header("Retry-After") is None
    assert answer.header("x-amzn-RateLimit-Limit") is None
    assert account.call("GET", SELLERS).status == 200, "each operation has its own"
    account.later(178)
    assert account.call("GET", ORDERS, lastUpdatedAfter=SINCE).status == 429
    account.later(1 / 0.0056)
    assert account.call("GET", ORDERS, lastUpdatedAfter=SINCE).status == 200
    assert account.call("GET", ORDERS, lastUpdatedAfter=SINCE).status == 429


def test_a_wrong_call_costs_a_call_too(account: Client) -> None:
    for _ in range(20):
        assert account.call("GET", ORDERS).status == 400

    assert account.call("GET", ORDERS).status == 429


def test_time_that_runs_faster_fills_quotas_and_ends_tokens_faster(make_store: Make) -> None:
    client = make_store(time_scale=60.0, orders=0, products=1)
    for _ in range(20):
        client.call("GET", ORDERS, lastUpdatedAfter=SINCE)

    client.later(1 / 0.0056 / 60 + 0.1)

    assert client.call("GET", ORDERS, lastUpdatedAfter=SINCE).status == 200
    client.later(60)
    assert client.call("GET", SELLERS).document["errors"][0]["details"].endswith("has expired.")


def test_what_was_called_and_throttled_is_counted_by_operation(account: Client) -> None:
    for _ in range(21):
        account.call("GET", ORDERS, lastUpdatedAfter=SINCE)
    account.call("GET", ORDERS + "/nope")

    counts = account.store.quotas.document()

    assert counts["searchOrders"] == {
        "calls": 21,
        "throttled": 1,
        "answers": {"200": 20, "429": 1},
        "left": 0.0,
    }
    assert counts["getOrder"]["answers"] == {"400": 1}


def test_an_app_without_the_role_is_refused(account: Client) -> None:
    account.store.state.login.roles = ("Product Listing",)

    assert account.refused("GET", ORDERS, lastUpdatedAfter=SINCE) == (403, "Unauthorized")
    assert account.call("GET", SELLERS).status == 200


def test_a_parameter_that_comes_twice_is_wrong(account: Client) -> None:
    account.log_in()
    account.token = account.log_in()["access_token"]
    answer = account.send(
        "GET",
        ORDERS,
        headers={"x-amz-access-token": account.token},
        query=f"lastUpdatedAfter={SINCE}&marketplaceIds={DE}&marketplaceIds={FR}",
    )

    assert answer.status == 400


def test_marketplaces_are_those_of_the_account_with_their_money(account: Client) -> None:
    rows = {row["marketplace"]["id"]: row for row in account.get(SELLERS)["payload"]}

    assert rows[UK]["marketplace"] == {
        "id": UK,
        "name": "Amazon.co.uk",
        "countryCode": "GB",
        "defaultCurrencyCode": "GBP",
        "defaultLanguageCode": "en_GB",
        "domainName": "www.amazon.co.uk",
    }
    taking_part = {name for name, row in rows.items() if row["participation"]["isParticipating"]}
    assert taking_part == {DE, FR, UK, "A1ZFFQZ3HTUKT9", "A38D8NSA03LJTC"}
    assert rows["A38D8NSA03LJTC"]["marketplace"]["name"] == "Non-Amazon"
    assert US not in rows


def test_a_region_or_its_marketplaces_can_be_chosen(make_store: Make) -> None:
    east = make_store(region="fe", orders=0, products=1).get(SELLERS)["payload"]
    one = make_store(region="eu", marketplaces=(FR,), orders=0, products=1).get(SELLERS)["payload"]

    assert east[0]["marketplace"]["defaultCurrencyCode"] == "JPY"
    assert east[0]["marketplace"]["id"] == JP
    assert [row["marketplace"]["id"] for row in one if row["participation"]["isParticipating"]] == [
        "A1ZFFQZ3HTUKT9",
        "A38D8NSA03LJTC",
        FR,
    ]


def test_a_marketplace_of_elsewhere_is_forbidden_and_an_unknown_one_wrong(
    account: Client,
) -> None:
    for place, expected in ((US, (403, "Unauthorized")), ("NOPE", (400, "InvalidInput"))):
        found = account.refused("GET", ORDERS, lastUpdatedAfter=SINCE, marketplaceIds=place)
        assert found == expected


def test_no_two_operations_answer_the_same_request() -> None:
    shapes = [(one.method, one.template.replace("{sku}", "{}")) for one in OPERATIONS]

    assert len(set(shapes)) == len(OPERATIONS)

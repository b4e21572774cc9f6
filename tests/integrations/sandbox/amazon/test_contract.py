"""The simulator against Amazon's own models: which calls it answers, their plans, and the examples
of the official static sandbox.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from integrations.sandbox.amazon.api.operations import OPERATIONS
from integrations.sandbox.amazon.listings.bodies import DATA as LISTING_DATA
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.orders.bodies import DATA
from integrations.sandbox.amazon.orders.models import STATUSES
from tests.integrations.sandbox.amazon.client import Client
from tests.integrations.sandbox.amazon.conftest import Make
from tests.integrations.sandbox.amazon.official import (
    Operation,
    answer_faults,
    by_request,
    covered,
    request_faults,
)

COVERED = {
    "cancelFeed",
    "cancelFulfillmentOrder",
    "cancelReport",
    "confirmShipment",
    "createDestination",
    "createFeed",
    "createFeedDocument",
    "createFulfillmentOrder",
    "createReport",
    "createSubscription",
    "deleteDestination",
    "deleteSubscriptionById",
    "getDestination",
    "getDestinations",
    "getFeed",
    "getFeedDocument",
    "getFeeds",
    "getFulfillmentOrder",
    "getFulfillmentPreview",
    "getInventorySummaries",
    "getListingsItem",
    "getMarketplaceParticipations",
    "getOrder",
    "getReport",
    "getReportDocument",
    "getReports",
    "listAllFulfillmentOrders",
    "listTransactions",
    "getSubscription",
    "getSubscriptionById",
    "getSubscriptions",
    "patchListingsItem",
    "searchListingsItems",
    "searchOrders",
    "sendTestNotification",
}


@pytest.fixture
def official(shared: Path) -> dict[str, Operation]:
    return covered(shared, ((one.method, one.template) for one in OPERATIONS))


def test_these_operations_are_answered_and_stand_in_a_model(
    official: dict[str, Operation],
) -> None:
    """The list is written out, so that a change of it is seen."""
    print("\n".join(sorted(official)))  # noqa: T201 - shown by pytest -s

    assert set(official) == {one.id for one in OPERATIONS} == COVERED


def test_rates_and_bursts_are_those_of_the_models(official: dict[str, Operation]) -> None:
    for one in OPERATIONS:
        assert official[one.id].plan() == (one.rate, one.burst), one.id


def test_none_of_them_is_deprecated(official: dict[str, Operation]) -> None:
    assert [one.id for one in official.values() if one.spec.get("deprecated")] == []


def test_words_are_those_of_the_models(official: dict[str, Operation]) -> None:
    def enum(operation: str, name: str) -> list[str]:
        found = next(one for one in official[operation].parameters("query") if one["name"] == name)
        values: list[str] = found["items"]["enum"]
        return values

    assert list(DATA) == enum("searchOrders", "includedData") == enum("getOrder", "includedData")
    assert list(STATUSES) == enum("searchOrders", "fulfillmentStatuses")
    assert list(LISTING_DATA) == enum("searchListingsItems", "includedData")


# --- the checker itself ---------------------------------------------------------------------------


def test_an_answer_that_breaks_its_model_is_found(official: dict[str, Operation]) -> None:
    """What the checker lets pass would let every test pass."""
    order = {
        "orderId": "1",
        "createdTime": "2026-01-01T00:00:00Z",
        "lastUpdatedTime": "2026-01-01T00:00:00Z",
        "salesChannel": {"channelName": "AMAZON"},
        "orderItems": [],
    }
    headers = {"x-amzn-requestid": "1"}

    def told(change: dict[str, Any], status: int = 200, **more: str) -> list[str]:
        body = json.dumps({"order": order | change}).encode()
        return list(answer_faults(official["getOrder"], status, headers | more, body))

    assert told({}) == []
    assert "orderItems" in told({"orderItems": None})[0]
    assert "channelName" in told({"salesChannel": {"marketplaceId": "X"}})[0]
    assert "unexpected" in told({"novelty": 1})[0]
    assert "NOVEL" in told({"fulfillment": {"fulfillmentStatus": "NOVEL"}})[0]
    assert "date-time" in told({"createdTime": "yesterday"})[0]
    assert told({}, 201) == ["the model knows no such status"]
    assert told({}, 429, **{"x-amzn-ratelimit-limit": "1"})[0] == "x-amzn-ratelimit-limit is told"
    assert "x-amzn-RequestId is missing" in answer_faults(official["getOrder"], 200, {}, b"{}")
    assert list(answer_faults(official["confirmShipment"], 204, headers, b"{}")) == [
        "there is a body"
    ]


def test_a_request_that_breaks_its_model_is_found(official: dict[str, Operation]) -> None:
    def search(query: str) -> list[str]:
        return list(request_faults(official["searchOrders"], {}, query, b""))

    assert search("lastUpdatedAfter=2026-01-01T00:00:00Z&fulfilledBy=MERCHANT,AMAZON") == []
    assert "nobody" in search("fulfilledBy=nobody")[0]
    assert search("MarketplaceIds=1") == ["MarketplaceIds is no parameter"]
    assert search("fulfilledBy=AMAZON&fulfilledBy=MERCHANT")[-1] == "fulfilledBy is given 2 times"
    assert "date-time" in search("createdAfter=2026")[0]
    assert "integer" in search("maxResultsPerPage=many")[0]
    inventory = list(request_faults(official["getInventorySummaries"], {}, "details=true", b""))
    assert "marketplaceIds is given 0 times" in inventory
    confirm = request_faults(
        official["confirmShipment"], {"orderId": "1"}, "", b'{"marketplaceId": "x"}'
    )
    assert "packageDetail" in next(confirm)


# --- the official static sandbox ------------------------------------------------------------------

_UNKNOWN_HERE = {
    ("createFeed", 202): "the type is gone since 2025 and the file was never sent up",
    ("patchListingsItem", 200): "the SKU is another seller's",
}
"""Requests whose shape is right and whose things this account has not."""


def _examples(shared: Path) -> list[tuple[Operation, int, dict[str, Any]]]:
    found = []
    for operation in covered(shared, ((one.method, one.template) for one in OPERATIONS)).values():
        for status, spec in operation.spec["responses"].items():
            static = (spec.get("x-amzn-api-sandbox") or {}).get("static") or ()
            found += [(operation, int(status), row["request"]["parameters"]) for row in static]
    return found


def _asked(
    client: Client, operation: Operation, parameters: dict[str, Any]
) -> tuple[int, str, dict[str, Any]]:
    """Status, path and document of an example, with what it leaves out filled in."""
    values = {name: one.get("value") for name, one in parameters.items()}
    words = {"sellerId": client.store.options.seller_id} | {
        one["name"]: "X" for one in operation.parameters("path") if one["name"] != "sellerId"
    }
    words |= {name: value for name, value in values.items() if name in words and name != "sellerId"}
    query = {one["name"]: values.get(one["name"]) for one in operation.parameters("query")}
    if "marketplaceIds" in query and not query["marketplaceIds"]:
        query["marketplaceIds"] = ["ATVPDKIKX0DER"]
    body = values.get("body", values.get("payload"))
    if operation.id == "patchListingsItem" and body is None:
        patch = {"op": "delete", "path": "/attributes/list_price"}
        body = {"productType": "LUGGAGE", "patches": [patch]}
    path = operation.template.format(
        **{name: quote(str(word), safe="") for name, word in words.items()}
    )
    answer = client.call(operation.method, path, body, **query)
    return answer.status, path, json.loads(answer.content() or b"{}")


def test_every_example_of_the_static_sandbox_is_understood(shared: Path, make_store: Make) -> None:
    """An example that Amazon answers well is never refused as wrong for its shape. Those of
    notifications name nothing but one, and leave out what must be sent.
    """
    client = make_store(marketplaces=tuple(MARKETPLACES), orders=5, products=5)
    rows = [
        row
        for row in _examples(shared)
        if row[1] < 400 and (row[2] or "/notifications/" not in row[0].template)
    ]

    seen = set()
    for operation, status, parameters in rows:
        # A token of theirs goes nowhere here.
        parameters = {
            name: one
            for name, one in parameters.items()
            if name not in ("paginationToken", "nextToken")
        }
        if posted := parameters.get("postedAfter"):
            # The example is a day, where the parameter's own format wants a moment.
            parameters["postedAfter"] = {"value": f"{posted['value']}T00:00:00Z"}
        got, path, document = _asked(client, operation, parameters)
        seen.add(operation.id)
        if got not in (status, 404):
            assert (operation.id, status) in _UNKNOWN_HERE, (operation.id, path, got, document)

    assert seen >= {"searchOrders", "getOrder", "searchListingsItems", "getListingsItem"}
    assert seen >= {"patchListingsItem", "createReport", "createFeedDocument", "getReport"}


def test_the_wrong_examples_are_wrong_here_too(shared: Path, make_store: Make) -> None:
    client = make_store(marketplaces=tuple(MARKETPLACES), orders=5, products=5)
    made_up = {"BadSKU", "badReportId1", "badDocumentId1", "badFeedId1", "BADID1"}

    for operation, status, parameters in _examples(shared):
        values = {str(one.get("value")) for one in parameters.values()}
        if status != 400 or values & made_up or not parameters:
            continue  # wrong in the official sandbox alone, which knows its own names
        got, path, document = _asked(client, operation, parameters)
        assert got == 400, (operation.id, path, got, document)


def test_no_answer_to_nobody_is_held_against_a_model(shared: Path) -> None:
    assert by_request(shared, "GET", "/orders/2026-01-01/orders") is not None
    assert by_request(shared, "GET", "/orders/2026-01-01") is None

"""Feeds: a file is sent up, worked off and reported on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft7Validator

from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.wire import Answer
from tests.integrations.sandbox.amazon.client import DE, FR, US, Client

FEEDS = "/feeds/2021-06-30/feeds"
DOCUMENTS = "/feeds/2021-06-30/documents"
KIND = "JSON_LISTINGS_FEED"
JSON = "application/json; charset=UTF-8"


def upload(client: Client, content: bytes, kind: str = JSON, **headers: str) -> tuple[str, Answer]:
    """The document's id, and what the store of files said."""
    made = client.call("POST", DOCUMENTS, {"contentType": JSON})
    assert made.status == 201, made.document
    parts = urlsplit(made.document["url"])
    sent = {"content-type": kind} | headers
    answer = client.send("PUT", parts.path, content, query=parts.query, headers=sent)
    return made.document["feedDocumentId"], answer


def hand_in(client: Client, content: bytes, *places: str) -> str:
    document, stored = upload(client, content)
    assert stored.status == 200
    body = {
        "feedType": KIND,
        "marketplaceIds": list(places or (DE,)),
        "inputFeedDocumentId": document,
    }
    answer = client.call("POST", FEEDS, body)
    assert answer.status == 202, answer.document
    name: str = answer.document["feedId"]
    return name


def feed_of(client: Client, *messages: dict[str, Any], **header: Any) -> bytes:
    head = {"sellerId": client.store.options.seller_id, "version": "2.0"} | header
    return json.dumps({"header": head, "messages": list(messages)}).encode()


def finished(client: Client, content: bytes, *places: str) -> Any:
    name = hand_in(client, content, *places)
    client.later(client.store.options.feed_s)
    return client.get(f"{FEEDS}/{name}")


def report(client: Client, feed: Any) -> Any:
    assert feed["processingStatus"] == "DONE", feed
    document = client.get(f"{DOCUMENTS}/{feed['resultFeedDocumentId']}")
    parts = urlsplit(document["url"])
    content = client.send("GET", parts.path, query=parts.query).content()
    if document.get("compressionAlgorithm") == "GZIP":
        content = gzip.decompress(content)
    return json.loads(content)


def patch(number: int, sku: str, quantity: Any, op: str = "merge", **more: Any) -> dict[str, Any]:
    value = {"fulfillment_channel_code": "DEFAULT", "quantity": quantity} | more
    return {
        "messageId": number,
        "sku": sku,
        "operationType": "PATCH",
        "productType": "PRODUCT",
        "patches": [{"op": op, "path": "/attributes/fulfillment_availability", "value": [value]}],
    }


def own(client: Client) -> list[Listing]:
    return [row for row in client.store.state.listings.values() if row.quantity and row.offers]


# --- the way of a feed ----------------------------------------------------------------------------


def test_a_feed_waits_is_worked_on_and_is_done(account: Client) -> None:
    name = hand_in(account, feed_of(account, patch(1, own(account)[0].sku, 4)))

    assert account.get(f"{FEEDS}/{name}")["processingStatus"] == "IN_QUEUE"
    account.later(31)
    assert account.get(f"{FEEDS}/{name}")["processingStatus"] == "IN_PROGRESS"
    account.later(31)
    done = account.get(f"{FEEDS}/{name}")
    assert done["processingStatus"] == "DONE"
    assert done["resultFeedDocumentId"]
    found = account.get(FEEDS, feedTypes=KIND, processingStatuses="DONE")["feeds"]
    assert found == [done]


def test_a_waiting_feed_can_be_cancelled(account: Client) -> None:
    row = own(account)[0]
    before = row.quantity
    name = hand_in(account, feed_of(account, patch(1, row.sku, 99)))

    assert account.call("DELETE", f"{FEEDS}/{name}").status == 200

    account.later(1_000)
    assert account.get(f"{FEEDS}/{name}")["processingStatus"] == "CANCELLED"
    assert row.quantity == before
    assert account.refused("DELETE", f"{FEEDS}/{name}")[0] == 400


def test_a_file_is_sent_up_as_it_was_announced_and_without_a_token(account: Client) -> None:
    assert upload(account, b"{}", "text/plain")[1].status == 403
    assert upload(account, b"{}", **{"x-amz-access-token": "x"})[1].status == 403
    assert upload(account, b"{}", authorization="x")[1].status == 400
    assert upload(account, b"{}")[1].status == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"feedType": "POST_INVENTORY_AVAILABILITY_DATA"}, 400),
        ({"marketplaceIds": []}, 400),
        ({"marketplaceIds": [DE, FR]}, 400),
        ({"marketplaceIds": [US]}, 403),
        ({"inputFeedDocumentId": "nope"}, 400),
        ({"inputFeedDocumentId": None}, 400),
    ],
)
def test_a_wrong_feed_is_refused(account: Client, change: dict[str, Any], expected: int) -> None:
    document, _ = upload(account, feed_of(account, patch(1, "X", 1)))
    body = {"feedType": KIND, "marketplaceIds": [DE], "inputFeedDocumentId": document} | change

    assert account.refused("POST", FEEDS, body)[0] == expected


def test_a_file_that_never_came_or_was_used_makes_no_feed(account: Client) -> None:
    empty = account.call("POST", DOCUMENTS, {"contentType": JSON}).document["feedDocumentId"]
    used, _ = upload(account, feed_of(account, patch(1, "X", 1)))
    body = {"feedType": KIND, "marketplaceIds": [DE], "inputFeedDocumentId": used}
    assert account.call("POST", FEEDS, body).status == 202

    assert account.refused("POST", FEEDS, body)[0] == 400
    assert account.refused("POST", FEEDS, body | {"inputFeedDocumentId": empty})[0] == 400
    assert account.refused("POST", DOCUMENTS, {})[0] == 400
    assert account.refused("GET", f"{DOCUMENTS}/{empty}")[0] == 404


def test_what_cannot_be_read_is_fatal(account: Client) -> None:
    broken = bytearray(gzip.compress(b"x" * 1_000))
    broken[12:16] = b"\xff\xff\xff\xff"
    for content in (b"no json", b"\x1f\x8bno gzip", bytes(broken)):
        feed = finished(account, content)
        assert feed["processingStatus"] == "FATAL"
        assert "resultFeedDocumentId" not in feed


# --- the report on it -----------------------------------------------------------------------------


def test_each_message_is_good_or_bad_by_itself(account: Client, contracts: Path | None) -> None:
    first, second = own(account)[:2]
    fba = next(row for row in account.store.state.listings.values() if row.stock)
    missing = patch(4, second.sku, 1)
    del missing["patches"][0]["value"][0]["fulfillment_channel_code"]
    content = feed_of(
        account,
        patch(1, first.sku, 31),
        patch(2, "nope", 1),
        patch(3, fba.sku, 1),
        missing,
        {
            "messageId": 5,
            "sku": second.sku,
            "operationType": "PARTIAL_UPDATE",
            "productType": "PRODUCT",
            "attributes": {
                "fulfillment_availability": [
                    {"fulfillment_channel_code": "DEFAULT", "quantity": 17}
                ]
            },
        },
    )

    told = report(account, finished(account, content))

    assert told["header"]["sellerId"] == account.store.options.seller_id
    assert told["summary"] == {
        "errors": 3,
        "warnings": 0,
        "messagesProcessed": 5,
        "messagesAccepted": 2,
        "messagesInvalid": 3,
    }
    assert [(row["messageId"], row["sku"], row["code"]) for row in told["issues"]] == [
        (2, "nope", "4000003"),
        (3, fba.sku, "4000001"),
        (4, second.sku, "99022"),
    ]
    account.later(account.store.options.accept_s)
    assert (first.quantity, second.quantity) == (31, 17)
    if contracts is not None:
        hold_report(contracts, told)


def hold_report(contracts: Path, told: Any) -> None:
    name = "listings-feed-processing-report-schema-v2.json"
    schema = json.loads((contracts / "contracts/amazon/schemas/feeds" / name).read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(told)] == []


def test_a_partial_update_replaces_the_attribute(account: Client) -> None:
    row = own(account)[0]
    message = {
        "messageId": 1,
        "sku": row.sku,
        "operationType": "PARTIAL_UPDATE",
        "productType": "PRODUCT",
        "attributes": {
            "fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}]
        },
    }
    finished(account, feed_of(account, message))
    account.later(60)

    entry = next(
        one for one in row.attributes["fulfillment_availability"] if one["marketplace_id"] == DE
    )
    assert "lead_time_to_ship_max_days" not in entry


@pytest.mark.parametrize(
    "message",
    [
        {"messageId": 0},
        {"messageId": "1"},
        {"sku": ""},
        {"operationType": "REPLACE"},
        {"productType": None},
        {"patches": []},
        {"patches": [{"op": "move", "path": "/attributes/item_name"}]},
        {"patches": [{"op": "merge", "path": "/attributes/a/b", "value": [{}]}]},
        {"patches": [{"op": "merge", "path": "/attributes/item_name", "value": ["x"]}]},
        {"attributes": {"x": []}},
    ],
)
def test_a_message_that_breaks_the_schema_is_invalid(
    account: Client, message: dict[str, Any], contracts: Path | None
) -> None:
    content = feed_of(account, patch(1, own(account)[0].sku, 1) | message)

    told = report(account, finished(account, content))

    assert told["summary"]["messagesInvalid"] == 1
    assert told["issues"][0]["code"] == "BAD_REQUEST"
    if contracts is not None:
        hold_report(contracts, told)


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1e400", "-1", "0", "null", "[]"])
def test_what_is_no_price_is_invalid(account: Client, price: str) -> None:
    row = own(account)[0]
    before = row.offers[DE].price
    message = patch(1, row.sku, 1)
    value = {"our_price": [{"schedule": [{"value_with_tax": "PRICE"}]}]}
    message["patches"] = [
        {"op": "replace", "path": "/attributes/purchasable_offer", "value": [value]}
    ]
    content = feed_of(account, message).replace(b'"PRICE"', price.encode())

    told = report(account, finished(account, content))

    assert [issue["code"] for issue in told["issues"]] == ["4000001"]
    assert row.offers[DE].price == before


def test_two_messages_of_one_number_are_both_invalid(account: Client) -> None:
    sku = own(account)[0].sku

    told = report(account, finished(account, feed_of(account, patch(1, sku, 1), patch(1, sku, 2))))

    assert told["summary"]["messagesInvalid"] == 2


@pytest.mark.parametrize(
    ("header", "code"), [({"sellerId": "other"}, "4002005"), ({"version": "1.0"}, "4000000")]
)
def test_a_wrong_header_costs_the_whole_feed(
    account: Client, header: dict[str, str], code: str
) -> None:
    row = own(account)[0]
    before = row.quantity

    told = report(account, finished(account, feed_of(account, patch(1, row.sku, 99), **header)))

    assert [issue["code"] for issue in told["issues"]] == [code]
    assert told["summary"]["messagesProcessed"] == 0
    account.later(1_000)
    assert row.quantity == before


def test_the_listings_are_told_with_the_report_where_the_header_asks(
    account: Client, contracts: Path | None
) -> None:
    row = own(account)[0]
    wanted = {"includedData": ["summaries", "issues"], "apiVersion": "2021-08-01"}

    told = report(account, finished(account, feed_of(account, patch(1, row.sku, 1), report=wanted)))

    assert told["header"]["report"] == wanted
    assert [one["sku"] for one in told["items"]] == [row.sku]
    assert told["summary"]["itemSummary"]["items"] == 1
    if contracts is not None:
        hold_report(contracts, told)


def test_the_official_example_of_a_feed_is_read(account: Client, shared: Path) -> None:
    path = shared / "contracts/amazon/schemas/feeds/listings-feed-schema-v2.example.json"
    example = json.loads(path.read_text())
    example["header"]["sellerId"] = account.store.options.seller_id

    told = report(account, finished(account, json.dumps(example).encode()))

    assert told["summary"]["messagesProcessed"] == 5
    assert {issue["code"] for issue in told["issues"]} == {"SANDBOX", "4000003"}
    hold_report(shared, told)

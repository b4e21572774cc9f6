"""Every kind of trouble, over real HTTP."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.play.faults import KINDS
from tests.integrations.sandbox.amazon.client import DE
from tests.integrations.sandbox.amazon.fixtures import Heard, Make, Running

ORDERS = "/orders/2026-01-01/orders"
SINCE = {"lastUpdatedAfter": "2026-01-01T00:00:00Z"}


@pytest.fixture
def account(make_account: Make) -> Running:
    return make_account()


def asked(account: Running, **query: str) -> Heard:
    """Orders, told of by nobody to the models: what comes back may be spoilt."""
    heard = account.call("GET", ORDERS, **(SINCE | query))
    account.asked.clear()
    return heard


def told(heard: Heard) -> tuple[int, str]:
    return heard.status, heard.json()["errors"][0]["code"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttled", (429, "QuotaExceeded")),
        ("internal_failure", (500, "InternalFailure")),
        ("unavailable", (503, "ServiceUnavailable")),
        ("token_expired", (403, "Unauthorized")),
        ("token_revoked", (403, "Unauthorized")),
        ("role_missing", (403, "Unauthorized")),
    ],
)
def test_amazon_says_no_as_the_models_have_it(
    account: Running, kind: str, expected: tuple[int, str]
) -> None:
    account.fault(kind, count=1)

    heard = account.call("GET", ORDERS, **SINCE)

    assert told(heard) == expected
    assert heard.headers["x-amzn-requestid"]
    if kind == "throttled":
        assert told(account.call("GET", ORDERS, **SINCE)) == expected, "the bucket is empty"
        assert account.calls("searchOrders") == (2, 2)
    else:
        assert account.call("GET", ORDERS, **SINCE).status == 200


def test_the_route_may_name_the_operation(account: Running) -> None:
    account.fault("internal_failure", route="searchOrders")

    assert asked(account).status == 500
    assert account.call("GET", "/sellers/v1/marketplaceParticipations").status == 200


def test_login_can_be_down_while_the_rest_is_well(account: Running) -> None:
    token = account.access_token()
    account.fault("login_down")

    with pytest.raises(AssertionError):
        account.access_token()
    heard = account.ask(
        "GET", "/sellers/v1/marketplaceParticipations", headers={"x-amz-access-token": token}
    )
    assert heard.status == 200


def test_a_page_or_another_address_instead_of_an_answer(account: Running) -> None:
    account.fault("html_page", route="/orders/")
    heard = asked(account)
    assert heard.status == 503
    assert heard.body.startswith(b"<!DOCTYPE html>")
    account.shop.faults.clear()

    account.fault("redirect", route="/orders/")
    heard = asked(account)
    assert heard.status == 301
    assert heard.headers["location"].startswith("https://moved.amazon.invalid/")


@pytest.mark.parametrize("kind", ["dropped", "truncated"])
def test_the_line_breaks(account: Running, kind: str) -> None:
    account.fault(kind, route="searchOrders")

    with pytest.raises((http.client.HTTPException, ConnectionError)):
        asked(account)


def test_an_answer_can_be_slow(account: Running) -> None:
    account.fault("slow", seconds=0.0, route="searchOrders")

    assert asked(account).status == 200
    assert account.shop.log(1)[0]["faults"] == ["slow"]


def shipment(account: Running, name: str) -> dict[str, Any]:
    order = account.store.state.orders[name]
    return {
        "marketplaceId": order.marketplace,
        "packageDetail": {
            "packageReferenceId": "1",
            "carrierCode": "DHL",
            "trackingNumber": "0034",
            "shipDate": iso(order.created),
            "orderItems": [
                {"orderItemId": item.id, "quantity": item.quantity} for item in order.items
            ],
        },
    }


def test_a_change_is_done_and_nobody_hears_of_it(account: Running) -> None:
    (name,) = account.place()
    account.fault("timeout_after_write", seconds=0)
    path = f"/orders/v0/orders/{name}/shipmentConfirmation"

    assert asked(account).status == 200, "reading is no change"
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        account.call("POST", path, shipment(account, name))

    assert account.store.state.orders[name].status == "SHIPPED"


def test_a_confirmation_is_lost_after_its_204(account: Running) -> None:
    (name,) = account.place()
    account.fault("confirmation_lost", count=1)
    path = f"/orders/v0/orders/{name}/shipmentConfirmation"

    assert account.call("POST", path, shipment(account, name)).status == 204
    assert account.store.state.orders[name].status == "UNSHIPPED"
    assert account.call("POST", path, shipment(account, name)).status == 204
    assert account.store.state.orders[name].status == "SHIPPED"


def test_an_accepted_change_is_never_seen(account: Running) -> None:
    sku = account.counted_sku()
    before = account.stock_of(sku)
    account.fault("change_lost", route=sku)
    value = {"fulfillment_channel_code": "DEFAULT", "quantity": before + 5}
    body = {
        "productType": "PRODUCT",
        "patches": [
            {"op": "merge", "path": "/attributes/fulfillment_availability", "value": [value]}
        ],
    }
    path = f"/listings/2021-08-01/items/{account.store.options.seller_id}/{sku}"
    told = account.call("PATCH", path, body, marketplaceIds=DE)
    assert told.json()["status"] == "ACCEPTED"

    account.move_clock(120)

    assert account.stock_of(sku) == before


def feed_status(account: Running) -> str:
    """Of a feed that is handed in, long afterwards."""
    made = account.call(
        "POST", "/feeds/2021-06-30/documents", {"contentType": "application/json"}
    ).json()
    path = made["url"].removeprefix(account.url)
    assert account.ask("PUT", path, b"{}").status == 200
    sent = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": [DE],
        "inputFeedDocumentId": made["feedDocumentId"],
    }
    feed = account.call("POST", "/feeds/2021-06-30/feeds", sent).json()["feedId"]
    account.move_clock(1_200)
    status: str = account.call("GET", f"/feeds/2021-06-30/feeds/{feed}").json()["processingStatus"]
    return status


@pytest.mark.parametrize(
    ("kind", "status"),
    [("feed_fatal", "FATAL"), ("feed_cancelled", "CANCELLED"), ("feed_stuck", "IN_PROGRESS")],
)
def test_a_feed_comes_to_nothing(account: Running, kind: str, status: str) -> None:
    account.fault(kind, route="JSON_LISTINGS_FEED", count=1)

    assert feed_status(account) == status
    assert account.shop.faults.document()[0]["struck"] == 1


def test_a_throttled_call_may_be_told_the_rate(account: Running) -> None:
    account.fault("throttled")
    assert "x-amzn-ratelimit-limit" not in asked(account).headers

    account.fault("limit_told", route="searchOrders")
    assert asked(account).headers["x-amzn-ratelimit-limit"] == "0.0056"
    account.shop.faults.turn_off("throttled")

    heard = asked(account)
    assert told(heard) == (429, "QuotaExceeded"), "the bucket is empty"
    assert heard.headers["x-amzn-ratelimit-limit"] == "0.0056"


def test_a_report_can_be_fatal(account: Running) -> None:
    account.fault("report_fatal")
    kind = "GET_MERCHANT_LISTINGS_ALL_DATA"
    body = {"reportType": kind, "marketplaceIds": [DE]}
    name = account.call("POST", "/reports/2021-06-30/reports", body).json()["reportId"]
    account.move_clock(60)
    assert account.store.state.reports[name].status == "FATAL"


def test_answers_have_more_other_or_fewer_fields_than_announced(account: Running) -> None:
    account.fault("unknown_fields", count=1)
    (order, *_) = asked(account).json()["orders"]
    assert order["xChannel"]["weights"] == [1, 2.5, None]

    account.fault("unknown_values", count=1)
    (order, *_) = asked(account, includedData="FULFILLMENT").json()["orders"]
    assert order["fulfillment"]["fulfillmentStatus"] == "SANDBOX_NOVELTY"

    account.fault("missing_fields", count=1)
    (order, *_) = asked(account).json()["orders"]
    assert "orderItems" not in order
    account.fault("limit_untold", count=1)
    assert "x-amzn-ratelimit-limit" not in asked(account).headers
    assert "x-amzn-ratelimit-limit" in asked(account).headers


def test_an_order_changes_once_its_page_was_read(account: Running) -> None:
    account.fault("edited_during_paging", count=1)
    first = asked(account, maxResultsPerPage="5").json()
    name = first["orders"][0]["orderId"]

    account.move_clock(130)

    last = asked(account, lastUpdatedAfter=first["lastUpdatedBefore"]).json()["orders"]
    assert [row["orderId"] for row in last] == [name]


def test_every_kind_is_tried_here() -> None:
    """A kind without a test would be a switch that may do nothing. Those of news are tried in
    ``test_notifications``.
    """
    text = json.dumps(
        [
            "throttled internal_failure unavailable token_expired token_revoked role_missing",
            "login_down html_page redirect dropped truncated slow timeout_after_write",
            "confirmation_lost change_lost report_fatal unknown_fields",
            "feed_fatal feed_cancelled feed_stuck limit_told",
            # In test_fulfillment_feed.
            "feed_message_refused",
            "unknown_values missing_fields limit_untold edited_during_paging",
            # In test_outbound.
            "outbound_invalid outbound_unfulfillable outbound_partial",
            "news_lost news_duplicated news_unordered queue_denied",
        ]
    )

    assert {kind for kind in KINDS if kind not in text} == set()

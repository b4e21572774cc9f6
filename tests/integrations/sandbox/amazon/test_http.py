"""The account as a client meets it: over real HTTP, from many threads, through files of its own."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

import pytest

from integrations.sandbox.amazon.clock import iso
from tests.integrations.sandbox.amazon.client import ALL_DATA, DE
from tests.integrations.sandbox.amazon.fixtures import Make, Running

ORDERS = "/orders/2026-01-01/orders"


@pytest.fixture
def account(make_account: Make) -> Running:
    return make_account()


def test_an_order_is_found_confirmed_and_seen_as_shipped(account: Running) -> None:
    sku = account.counted_sku()
    name = account.buy((sku, 2))
    account.move_clock(130)
    since = iso(account.store.clock.now() - 600)
    query = {"lastUpdatedAfter": since, "includedData": ALL_DATA, "marketplaceIds": DE}
    (found,) = [
        row
        for row in account.call("GET", ORDERS, **query).json()["orders"]
        if row["orderId"] == name
    ]
    (item,) = found["orderItems"]
    assert (item["product"]["sellerSku"], item["quantityOrdered"]) == (sku, 2)

    package = {
        "packageReferenceId": "1",
        "carrierCode": "DHL",
        "trackingNumber": "00340434161000000001",
        "shipDate": iso(account.store.clock.now()),
        "orderItems": [{"orderItemId": item["orderItemId"], "quantity": 2}],
    }
    path = f"/orders/v0/orders/{name}/shipmentConfirmation"
    heard = account.call("POST", path, {"marketplaceId": DE, "packageDetail": package})
    assert (heard.status, heard.body) == (204, b"")

    told = account.call("GET", f"{ORDERS}/{name}", includedData="FULFILLMENT,PACKAGES").json()
    assert told["order"]["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert told["order"]["packages"][0]["trackingNumber"] == "00340434161000000001"


def test_a_sku_with_a_slash_keeps_it_on_the_way(account: Running) -> None:
    sku = next(one for one in account.store.state.listings if "/" in one)
    seller = account.store.options.seller_id

    path = f"/listings/2021-08-01/items/{seller}/{quote(sku, safe='')}"
    heard = account.call("GET", path, marketplaceIds=DE)

    assert heard.json()["sku"] == sku


def test_a_report_is_fetched_from_the_address_that_is_told(account: Running) -> None:
    body = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [DE]}
    name = account.call("POST", "/reports/2021-06-30/reports", body).json()["reportId"]
    account.move_clock(60)
    report = account.call("GET", f"/reports/2021-06-30/reports/{name}").json()
    path = f"/reports/2021-06-30/documents/{report['reportDocumentId']}"
    document = account.call("GET", path).json()

    assert document["url"].startswith(account.url)
    heard = account.ask("GET", document["url"].removeprefix(account.url))
    assert heard.headers["content-type"] == "text/plain; charset=Cp1252"
    assert account.counted_sku().encode() in gzip.decompress(heard.body)


def test_many_at_once_spend_exactly_the_burst(make_account: Make) -> None:
    account = make_account(now=lambda: 1_795_000_000.0)
    name = account.place()[0]
    headers = {"x-amz-access-token": account.access_token()}

    def ask(_: int) -> int:
        return account.ask("GET", f"{ORDERS}/{name}", headers=headers).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(40)))

    assert (statuses.count(200), statuses.count(429)) == (30, 10)
    assert account.calls("getOrder") == (40, 10)


def test_the_consent_page_sends_a_browser_back(account: Running) -> None:
    query = {
        "application_id": account.store.options.application_id,
        "state": "mine",
        "redirect_uri": "http://127.0.0.1:9/callback",
    }
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    page = account.ask("GET", f"/apps/authorize/consent?{urlencode(query)}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"

    body = urlencode(query | {"answer": "authorise"}).encode()
    heard = account.ask("POST", "/apps/authorize/consent", body, form)

    assert heard.status == 302
    assert heard.headers["location"].startswith("http://127.0.0.1:9/callback?state=mine&selling_")

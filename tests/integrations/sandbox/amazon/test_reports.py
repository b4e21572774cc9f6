"""Reports: asked for, worked off, downloaded."""

from __future__ import annotations

import gzip
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.orders import acts, placing
from integrations.sandbox.amazon.refusals import Refusal
from integrations.sandbox.amazon.wire import Answer
from tests.integrations.sandbox.amazon.client import DE, NOW, UK, US, Client
from tests.integrations.sandbox.amazon.conftest import Make

REPORTS = "/reports/2021-06-30/reports"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
DAY = 24 * 3600


def create(client: Client, kind: str, **more: Any) -> str:
    body = {"reportType": kind, "marketplaceIds": [DE]} | more
    answer = client.call("POST", REPORTS, body)
    assert answer.status == 202, answer.document
    name: str = answer.document["reportId"]
    return name


def finished(client: Client, kind: str, **more: Any) -> Any:
    name = create(client, kind, **more)
    client.later(client.store.options.report_s)
    return client.get(f"{REPORTS}/{name}")


def download(client: Client, url: str, **headers: str) -> Answer:
    parts = urlsplit(url)
    return client.send("GET", parts.path, query=parts.query, headers=headers)


def rows(client: Client, report: Any) -> list[dict[str, str]]:
    document = client.get(f"/reports/2021-06-30/documents/{report['reportDocumentId']}")
    assert document["compressionAlgorithm"] == "GZIP"
    answer = download(client, document["url"])
    charset = (answer.header("Content-Type") or "").partition("charset=")[2] or "utf-8"
    text = gzip.decompress(answer.content()).decode(charset)
    assert text.endswith("\r\n")
    heads, *found = [line.split("\t") for line in text.split("\r\n")[:-1]]
    return [dict(zip(heads, row, strict=True)) for row in found]


# --- the way of a report --------------------------------------------------------------------------


def test_a_report_waits_is_worked_on_and_is_done(account: Client) -> None:
    name = create(account, LISTINGS)
    waiting = account.get(f"{REPORTS}/{name}")
    assert waiting["processingStatus"] == "IN_QUEUE"
    assert "reportDocumentId" not in waiting
    assert "processingStartTime" not in waiting

    account.later(23)
    working = account.get(f"{REPORTS}/{name}")
    assert working["processingStatus"] == "IN_PROGRESS"

    account.later(23)
    done = account.get(f"{REPORTS}/{name}")
    assert done["processingStatus"] == "DONE"
    assert done["reportDocumentId"]
    assert done["createdTime"] == iso(NOW)
    assert done["processingEndTime"] > done["processingStartTime"]


def test_a_waiting_report_can_be_cancelled_and_no_other(account: Client) -> None:
    name = create(account, LISTINGS)
    assert account.call("DELETE", f"{REPORTS}/{name}").status == 200
    account.later(100)
    assert account.get(f"{REPORTS}/{name}")["processingStatus"] == "CANCELLED"

    done = finished(account, LISTINGS)["reportId"]
    assert account.refused("DELETE", f"{REPORTS}/{done}") == (400, "InvalidInput")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"reportType": "GET_NOPE", "marketplaceIds": [DE]}, 400),
        ({"reportType": LISTINGS, "marketplaceIds": []}, 400),
        ({"reportType": LISTINGS}, 400),
        ({"reportType": LISTINGS, "marketplaceIds": [US]}, 403),
        ({"reportType": ORDERS, "marketplaceIds": [DE], "dataStartTime": "soon"}, 400),
        ({"reportType": ORDERS, "marketplaceIds": [DE], "dataStartTime": "0001-01-01"}, 400),
        (
            {
                "reportType": ORDERS,
                "marketplaceIds": [DE],
                "dataStartTime": iso(NOW),
                "dataEndTime": iso(NOW - 1),
            },
            400,
        ),
    ],
)
def test_a_wrong_request_is_refused(account: Client, body: dict[str, Any], expected: int) -> None:
    assert account.refused("POST", REPORTS, body)[0] == expected


def test_unknown_reports_and_documents_are_not_found(account: Client) -> None:
    assert account.refused("GET", f"{REPORTS}/1") == (404, "NotFound")
    assert account.refused("GET", "/reports/2021-06-30/documents/1") == (404, "NotFound")


def test_reports_are_listed_newest_first_and_a_token_goes_on_alone(account: Client) -> None:
    names = []
    for _ in range(5):
        names.append(create(account, LISTINGS))
        account.later(5)
    query = {"reportTypes": LISTINGS, "pageSize": 3}

    first = account.get(REPORTS, **query)
    assert [row["reportId"] for row in first["reports"]] == names[::-1][:3]
    second = account.get(REPORTS, nextToken=first["nextToken"])
    assert [row["reportId"] for row in second["reports"]] == names[::-1][3:]
    assert "nextToken" not in second
    both = account.refused("GET", REPORTS, nextToken=first["nextToken"], **query)
    assert both == (400, "InvalidInput")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"processingStatuses": "DONE"},
        {"reportTypes": LISTINGS, "processingStatuses": "BAD"},
        {"reportTypes": LISTINGS, "pageSize": 101},
        {"nextToken": "nope"},
    ],
)
def test_a_wrong_list_is_refused(account: Client, query: dict[str, Any]) -> None:
    assert account.refused("GET", REPORTS, **query) == (400, "InvalidInput")


def test_lists_are_narrowed_by_state_place_and_time(account: Client) -> None:
    done = finished(account, LISTINGS)["reportId"]
    account.later(3_600)
    account.token = ""
    new = create(account, LISTINGS, marketplaceIds=[UK])

    def found(**query: Any) -> list[str]:
        told = account.get(REPORTS, reportTypes=LISTINGS, **query)
        return [row["reportId"] for row in told["reports"]]

    assert found() == [new, done]
    assert found(processingStatuses="DONE,FATAL") == [done]
    assert found(marketplaceIds=UK) == [new]
    assert found(createdSince=iso(NOW + 60)) == [new]
    assert found(createdUntil=iso(NOW + 60)) == [done]


def test_reports_are_kept_for_ninety_days(account: Client) -> None:
    report = finished(account, LISTINGS)
    account.later(91 * DAY)
    account.token = ""

    assert account.get(REPORTS, reportTypes=LISTINGS)["reports"] == []
    assert account.refused("GET", f"{REPORTS}/{report['reportId']}")[0] == 404
    path = f"/reports/2021-06-30/documents/{report['reportDocumentId']}"
    assert account.refused("GET", path)[0] == 404


# --- the file -------------------------------------------------------------------------------------


def test_the_address_of_a_file_is_good_for_five_minutes_without_a_token(account: Client) -> None:
    report = finished(account, LISTINGS)
    path = f"/reports/2021-06-30/documents/{report['reportDocumentId']}"
    url = account.get(path)["url"]

    plain = download(account, url)
    assert plain.status == 200
    assert plain.header("Content-Encoding") is None
    encoded = account.get(path, enableContentEncodingUrlHeader=True)["url"]
    assert download(account, encoded).header("Content-Encoding") == "gzip"
    assert download(account, url, **{"x-amz-access-token": account.token}).status == 403
    assert download(account, url, authorization="Bearer x").status == 400
    assert account.send("PUT", urlsplit(url).path, b"x", query=urlsplit(url).query).status == 403
    assert account.send("GET", urlsplit(url).path).status == 403
    account.later(300)
    late = download(account, url)
    assert late.status == 403
    assert b"Request has expired" in late.content()


def test_all_listings_of_a_marketplace_in_the_old_encoding(account: Client) -> None:
    found = {row["seller-sku"]: row for row in rows(account, finished(account, LISTINGS))}

    state = account.store.state.listings
    assert set(found) == {row.sku for row in state.values() if DE in row.offers}
    for sku, told in found.items():
        row = state[sku]
        assert told["price"] == str(row.offers[DE].price)
        assert told["asin1"] == row.asin
        assert told["fulfillment-channel"] == row.channel
        assert told["quantity"] == ("" if row.is_amazons else str(row.quantity))
    names = {told["item-name"] for told in found.values()}
    assert any("Ærø" in name for name in names), "a letter of the western code page"
    assert any("?" in name for name in names), "one that it cannot write"
    assert {told["status"] for told in found.values()} == {"Active", "Incomplete"}


def test_in_japan_the_code_page_is_another(make_store: Make) -> None:
    client = make_store(region="fe", orders=0)
    report = finished(client, LISTINGS, marketplaceIds=["A1VC38T7YXB528"])

    found = rows(client, report)

    assert any("富士" in row["item-name"] for row in found)


def test_orders_of_a_span_by_their_last_change(account: Client) -> None:
    since = NOW - 20 * DAY
    report = finished(account, ORDERS, dataStartTime=iso(since), dataEndTime=iso(NOW))

    found = rows(account, report)

    expected = [
        (order.id, item.sku)
        for order in sorted(account.store.state.orders.values(), key=lambda o: (o.updated, o.id))
        if order.marketplace == DE and since <= order.updated <= NOW
        for item in order.items
    ]
    assert [(row["amazon-order-id"], row["sku"]) for row in found] == expected
    assert {row["currency"] for row in found} <= {"EUR", ""}
    assert {"Shipped", "Unshipped", "Pending"} <= {row["order-status"] for row in found}
    pending = next(row for row in found if row["order-status"] == "Pending")
    assert (pending["item-price"], pending["ship-city"]) == ("", "")
    assert {row["fulfillment-channel"] for row in found} == {"Amazon", "Merchant"}


def test_what_buyers_send_back_stands_in_two_reports_and_nowhere_else(account: Client) -> None:
    own, fba = (
        placing.place(account.store, account.chance, kind=kind)[0] for kind in ("plain", "fba")
    )
    for name in (own, fba):
        acts.act(account.store, "ship", name)
    updated = account.known(own).updated
    account.later(3_600)
    for name in (own, fba):
        acts.act(account.store, "return", name)
    assert account.known(own).updated == updated
    span = {"dataStartTime": iso(NOW), "dataEndTime": iso(NOW + 7_200)}
    account.token = ""

    (waiting,) = rows(
        account, finished(account, "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE", **span)
    )
    item = account.known(own).items[0]
    assert (waiting["Order ID"], waiting["Merchant SKU"]) == (own, item.sku)
    assert (waiting["Return quantity"], waiting["Return request status"]) == ("1", "Approved")
    assert (waiting["Order date"], waiting["Return delivery date"]) == ("18-Nov-2026", "")
    acts.act(account.store, "arrive", own)
    (there,) = rows(account, finished(account, "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE", **span))
    assert there["Return request status"] == "Completed"
    assert Decimal(there["Refunded Amount"]) > 0

    of_amazon = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
    (unit,) = rows(account, finished(account, of_amazon, **span))
    assert (unit["order-id"], unit["quantity"]) == (fba, "1")
    assert unit["detailed-disposition"] in ("SELLABLE", "CUSTOMER_DAMAGED")
    account.token = ""
    assert finished(account, of_amazon, **span)["processingStatus"] == "FATAL", "once in four hours"
    account.later(4 * 3_600)
    account.token = ""
    assert finished(account, of_amazon, **span)["processingStatus"] == "DONE"
    for verb, name in (("arrive", own), ("arrive", fba)):
        with pytest.raises(Refusal):
            acts.act(account.store, verb, name)


def test_no_more_comes_back_than_was_sent(account: Client) -> None:
    name = placing.place(account.store, account.chance, kind="fba")[0]
    with pytest.raises(Refusal, match="sent back"):
        acts.act(account.store, "return", name)
    acts.act(account.store, "ship", name)
    order = account.known(name)
    stock = account.store.state.listings[order.items[0].sku].stock
    assert stock is not None
    before = stock.fulfillable + stock.customer_damaged

    for _ in range(order.items[0].quantity):
        acts.act(account.store, "return", name)

    assert stock.fulfillable + stock.customer_damaged == before + order.items[0].quantity
    with pytest.raises(Refusal, match="sent back"):
        acts.act(account.store, "return", name)


def test_a_span_in_which_nothing_happened_is_cancelled(account: Client) -> None:
    report = finished(account, ORDERS, dataStartTime=iso(NOW), dataEndTime=iso(NOW + 1))

    assert report["processingStatus"] == "CANCELLED"
    assert "reportDocumentId" not in report


def test_a_span_of_more_than_thirty_days_is_fatal(account: Client) -> None:
    report = finished(account, ORDERS, dataStartTime=iso(NOW - 31 * DAY), dataEndTime=iso(NOW))

    assert report["processingStatus"] == "FATAL"


def test_orders_by_date_and_amazons_units_have_reports_too(account: Client) -> None:
    placing.place(account.store, account.chance, kind="discounted")
    by_date = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
    found = rows(account, finished(account, by_date, dataStartTime=iso(NOW - 60)))
    assert found[0]["item-promotion-discount"]

    units = rows(account, finished(account, "GET_FBA_MYI_ALL_INVENTORY_DATA"))
    for told in units:
        stock = account.store.state.listings[told["sku"]].stock
        assert stock is not None
        assert told["afn-fulfillable-quantity"] == str(stock.fulfillable)
        assert told["afn-total-quantity"] == str(stock.total)
    assert units

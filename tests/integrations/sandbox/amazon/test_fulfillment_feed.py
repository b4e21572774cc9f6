"""The order fulfilment feed: shipments in XML."""

from __future__ import annotations

import gzip
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.orders import placing
from integrations.sandbox.amazon.orders.models import Order
from tests.integrations.sandbox.amazon.client import DE, NOW, Client

FEEDS = "/feeds/2021-06-30/feeds"
DOCUMENTS = "/feeds/2021-06-30/documents"
XML = "text/xml; charset=UTF-8"


@pytest.fixture
def order(account: Client) -> Order:
    name = placing.place(account.store, account.chance, kind="many_units")[0]
    return account.known(name)


def message(
    order_id: str,
    *items: tuple[str, object],
    number: int = 1,
    carrier: str = "DHL",
    tracking: str = "0034",
    date: str = iso(NOW),
) -> str:
    told = "".join(
        f"<Item><AmazonOrderItemCode>{name}</AmazonOrderItemCode><Quantity>{many}</Quantity></Item>"
        for name, many in items
    )
    return (
        f"<Message><MessageID>{number}</MessageID><OrderFulfillment>"
        f"<AmazonOrderID>{order_id}</AmazonOrderID><FulfillmentDate>{date}</FulfillmentDate>"
        f"<FulfillmentData><CarrierCode>{carrier}</CarrierCode><ShippingMethod>Paket"
        f"</ShippingMethod><ShipperTrackingNumber>{tracking}</ShipperTrackingNumber>"
        f"</FulfillmentData>{told}</OrderFulfillment></Message>"
    )


def envelope(
    client: Client, *messages: str, seller: str = "", kind: str = "OrderFulfillment"
) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><AmazonEnvelope><Header><DocumentVersion>1.01'
        f"</DocumentVersion><MerchantIdentifier>{seller or client.store.options.seller_id}"
        f"</MerchantIdentifier></Header><MessageType>{kind}</MessageType>{''.join(messages)}"
        "</AmazonEnvelope>"
    )


def told_of(client: Client, content: str) -> ElementTree.Element:
    """The processing report on a feed of this."""
    made = client.call("POST", DOCUMENTS, {"contentType": XML}).document
    parts = urlsplit(made["url"])
    headers = {"content-type": XML}
    client.send("PUT", parts.path, content.encode(), headers=headers, query=parts.query)
    body = {
        "feedType": "POST_ORDER_FULFILLMENT_DATA",
        "marketplaceIds": [DE],
        "inputFeedDocumentId": made["feedDocumentId"],
    }
    name = client.call("POST", FEEDS, body).document["feedId"]
    client.later(client.store.options.feed_s)
    result = client.get(f"{FEEDS}/{name}")["resultFeedDocumentId"]
    parts = urlsplit(client.get(f"{DOCUMENTS}/{result}")["url"])
    answer = client.send("GET", parts.path, query=parts.query)
    told = gzip.decompress(answer.content())
    root = ElementTree.fromstring(told)  # noqa: S314 - written by the simulator itself
    report = root.find("Message/ProcessingReport")
    assert report is not None
    return report


def counts(report: ElementTree.Element) -> tuple[int, int, int]:
    """Processed, successful, with errors."""
    names = ("MessagesProcessed", "MessagesSuccessful", "MessagesWithError")
    one, two, three = (int(report.findtext(f"ProcessingSummary/{name}") or -1) for name in names)
    return one, two, three


def errors(report: ElementTree.Element) -> list[tuple[str | None, str | None]]:
    return [
        (row.findtext("MessageID"), row.findtext("ResultMessageCode"))
        for row in report.findall("Result")
    ]


def test_a_parcel_without_a_number_ships_the_order(account: Client, order: Order) -> None:
    report = told_of(account, envelope(account, message(order.id, tracking="")))

    assert counts(report) == (1, 1, 0)
    assert order.status == "SHIPPED"
    assert (order.packages[0].carrier, order.packages[0].tracking) == ("DHL", "")
    assert account.order(order.id)["packages"][0]["trackingNumber"] == ""


def test_units_can_be_named_and_each_message_is_a_package(account: Client, order: Order) -> None:
    item = order.items[0]
    rest = [(one.id, one.open) for one in order.items[1:]] + [(item.id, item.quantity - 1)]

    report = told_of(
        account,
        envelope(account, message(order.id, (item.id, 1)), message(order.id, *rest, number=2)),
    )

    assert counts(report) == (2, 2, 0)
    assert [package.reference for package in order.packages] == ["1", "2"]
    assert order.status == "SHIPPED"


def test_each_message_is_good_or_bad_by_itself(account: Client, order: Order) -> None:
    fba = placing.place(account.store, account.chance, kind="fba")[0]
    item = order.items[0]

    report = told_of(
        account,
        envelope(
            account,
            message(order.id, (item.id, item.quantity + 1), number=1),
            message("302-0000000-0000000", number=2),
            message(order.id, carrier="dhl", number=3),
            message(order.id, date="soon", number=4),
            message(order.id, (item.id, "many"), number=5),
            message(fba, number=6),
            message(order.id, (item.id, 1), number=7),
        ),
    )

    assert counts(report) == (7, 1, 6)
    assert errors(report) == [
        ("1", "18021"),
        ("2", "18028"),
        ("3", "18028"),
        ("4", "18028"),
        ("5", "18028"),
        ("6", "18028"),
    ]
    assert report.findtext("Result/AdditionalInfo/AmazonOrderID") == order.id
    assert order.status == "PARTIALLY_SHIPPED"


def test_what_is_no_feed_of_the_sellers_is_told_as_a_whole(account: Client, order: Order) -> None:
    good = message(order.id)
    for content, code in (
        ("no xml", "5000"),
        ("<!DOCTYPE x>" + envelope(account, good), "5000"),
        (envelope(account, good, kind="Inventory"), "5000"),
        (envelope(account, good, seller="A1OTHER"), "18028"),
    ):
        report = told_of(account, content)
        assert errors(report) == [("0", code)]
        assert counts(report)[0] == 0
    assert order.status == "UNSHIPPED"


def test_a_carrier_without_a_code_is_refused_and_other_goes_by_its_name(
    account: Client, order: Order
) -> None:
    by_code = "<CarrierCode>DHL</CarrierCode>"
    by_name = "<CarrierName>Kurier Süd</CarrierName>"
    other = f"<CarrierCode>Other</CarrierCode>{by_name}"

    named = told_of(account, envelope(account, message(order.id).replace(by_code, by_name)))
    assert counts(named) == (1, 0, 1)
    report = told_of(account, envelope(account, message(order.id).replace(by_code, other)))

    assert counts(report) == (1, 1, 0)
    assert order.packages[0].carrier == "Kurier Süd"


def test_a_message_can_be_spoiled(account: Client, order: Order) -> None:
    item = order.items[0]
    spoiled = ("feed_message_refused", f"feed 1 {order.id}")
    account.store.strikes = lambda kind, where: (kind, where) == spoiled

    report = told_of(
        account,
        envelope(account, message(order.id, number=1), message(order.id, (item.id, 1), number=2)),
    )

    assert counts(report) == (2, 1, 1)
    assert errors(report) == [("1", "18028")]

"""Notifications v1, and the messages that come of it, held to the official schemas."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.orders import acts as order_acts
from integrations.sandbox.amazon.orders import placing
from integrations.sandbox.amazon.play import acts
from integrations.sandbox.amazon.reports import settlements
from integrations.sandbox.amazon.shop import Shop
from integrations.sandbox.amazon.store import SellerStore
from tests.integrations.sandbox.amazon.client import DE, Client
from tests.integrations.sandbox.amazon.conftest import Make
from tests.integrations.sandbox.amazon.test_feeds import feed_of, hand_in, own, patch
from tests.integrations.sandbox.amazon.test_outbound import PATH as OUTBOUND
from tests.integrations.sandbox.amazon.test_outbound import make as send_for_others

ARN = "arn:aws:sqs:eu-west-1:123456789012:news"
DESTINATIONS, SUBSCRIPTIONS = "/notifications/v1/destinations", "/notifications/v1/subscriptions"
KINDS = (
    "ORDER_CHANGE",
    "FBA_INVENTORY_AVAILABILITY_CHANGES",
    "FEED_PROCESSING_FINISHED",
    "REPORT_PROCESSING_FINISHED",
    "FULFILLMENT_ORDER_STATUS",
)
# What the schema asks for in every message, against the page of its own type: a shipment and a
# returned item come "only when EventType is" theirs, and "info" stands on no page.
CONTRADICTED = {
    "Order": {"FulfillmentShipment", "FulfillmentReturnItem"},
    "Shipment": {"FulfillmentReturnItem", "info"},
}
MAY = {"Effect": "Allow", "Principal": "*", "Action": "SQS:*"}


class Mailbox:
    """Speaks as much SQS over HTTP as a sender needs."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.policy: dict[str, Any] = {"Statement": [MAY]}
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                told: dict[str, Any] = {"Attributes": {"Policy": json.dumps(box.policy)}}
                if self.headers["X-Amz-Target"] == "AmazonSQS.SendMessage":
                    assert asked["QueueUrl"].endswith("/123456789012/news")
                    box.messages.append(json.loads(asked["MessageBody"]))
                    told = {}
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def taken(self) -> list[dict[str, Any]]:
        messages, self.messages = self.messages, []
        return messages


@pytest.fixture
def box() -> Iterator[Mailbox]:
    made = Mailbox()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def grantless(account: Client) -> dict[str, str]:
    answer = account.login(
        grant_type="client_credentials", scope="sellingpartnerapi::notifications"
    )
    return {"x-amz-access-token": json.loads(answer.content())["access_token"]}


def app(account: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """A call of the app's own."""
    account.store.quotas.fill()
    answer = account.send(method, path, body, headers=grantless(account))
    return answer.status, json.loads(answer.content() or b"{}")


def destination(account: Client, arn: str = ARN) -> str:
    body = {"name": "Logix", "resourceSpecification": {"sqs": {"arn": arn}}}
    status, told = app(account, "POST", DESTINATIONS, body)
    assert status == 200, told
    found: str = told["payload"]["destinationId"]
    return found


def subscribed(account: Client, *kinds: str) -> str:
    place = destination(account)
    for kind in kinds or KINDS:
        account.store.quotas.fill()
        body = {"payloadVersion": "1.0", "destinationId": place}
        assert account.call("POST", f"{SUBSCRIPTIONS}/{kind}", body).status == 200
    return place


def test_destinations_are_the_apps_and_each_queue_has_one(account: Client) -> None:
    place = destination(account)

    assert app(account, "GET", DESTINATIONS)[1]["payload"] == [
        {"destinationId": place, "name": "Logix", "resource": {"sqs": {"arn": ARN}}}
    ]
    assert app(account, "GET", f"{DESTINATIONS}/{place}")[0] == 200
    again = {"name": "Other", "resourceSpecification": {"sqs": {"arn": ARN}}}
    status, told = app(account, "POST", DESTINATIONS, again)
    assert (status, told["errors"][0]["code"]) == (409, "Conflict")
    assert app(account, "DELETE", f"{DESTINATIONS}/{place}")[0] == 200
    assert app(account, "DELETE", f"{DESTINATIONS}/{place}")[0] == 404
    # A seller's token is of no use for them, nor the app's for what a seller grants.
    assert account.refused("GET", DESTINATIONS) == (403, "Unauthorized")
    assert app(account, "GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE")[0] == 403
    for wrong in ({"sqs": {"arn": "arn:aws:sns:eu-west-1:123456789012:x"}}, {}):
        body = {"name": "x", "resourceSpecification": wrong}
        assert app(account, "POST", DESTINATIONS, body)[0] == 400


def test_a_seller_has_one_subscription_of_a_type(account: Client) -> None:
    place = subscribed(account, "ORDER_CHANGE")
    path = f"{SUBSCRIPTIONS}/ORDER_CHANGE"
    body = {"payloadVersion": "1.0", "destinationId": place}

    found = account.get(path)["payload"]
    assert account.refused("POST", path, body) == (409, "StateConflict")
    listed = account.get(SUBSCRIPTIONS, notificationTypes="ORDER_CHANGE")["payload"]
    assert listed == {"subscriptions": [found]}
    assert app(account, "GET", f"{path}/{found['subscriptionId']}")[1]["payload"] == found
    status, told = app(account, "DELETE", f"{DESTINATIONS}/{place}")
    assert (status, told["errors"][0]["details"]) == (403, "Destination has subscriptions")
    assert app(account, "DELETE", f"{path}/other")[0] == 404
    assert app(account, "DELETE", f"{path}/{found['subscriptionId']}")[0] == 200
    assert account.refused("GET", path) == (404, "NotFound")
    account.store.quotas.fill()
    for wrong in (
        {"payloadVersion": "1.0", "destinationId": "none"},
        {"payloadVersion": "9", "destinationId": place},
        {**body, "processingDirective": {"eventFilter": {}}},
    ):
        assert account.refused("POST", path, wrong) == (400, "InvalidInput")
    orders = f"{SUBSCRIPTIONS}/ORDER_CHANGE"
    filtered = {"eventFilterType": "ORDER_CHANGE", "marketplaceIds": ["A1PA6795UKMFR9"]}
    account.store.quotas.fill()
    wrong = {**body, "processingDirective": {"eventFilter": filtered}}
    assert account.refused("POST", orders, wrong) == (400, "InvalidInput")
    account.store.quotas.fill()
    for kind, told in (("FULFILLMENT_ORDER_STATUS", 403), ("REPORT_PROCESSING_FINISHED", 200)):
        acts.grant(account.store, ["Product Listing"])
        assert account.call("POST", f"{SUBSCRIPTIONS}/{kind}", body).status == told
    account.store.quotas.fill()
    only_by_event_bridge = f"{SUBSCRIPTIONS}/LISTINGS_ITEM_STATUS_CHANGE"
    assert account.refused("POST", only_by_event_bridge, body) == (400, "InvalidInput")


def test_what_happens_is_told_as_the_official_schemas_have_it(
    make_store: Make, box: Mailbox, shared: Path
) -> None:
    account = make_store(orders=5, queue_endpoint=box.url, report_s=1.0, feed_s=1.0)
    subscribed(account)
    lines = [(row.sku, 1) for row in account.store.state.listings.values() if row.quantity][:1]
    kept = next(row for row in account.store.state.listings.values() if row.stock)

    order_id = placing.place_with(account.store, account.chance, lines)
    order_acts.act(account.store, "ask_cancel", order_id)
    order_acts.act(account.store, "ship", order_id)
    acts.set_stock(account.store, kept.sku, 7)
    account.call(
        "POST",
        "/reports/2021-06-30/reports",
        {
            "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
            "marketplaceIds": [account.store.options.sells_in[0]],
        },
    )
    account.later(10)

    told = box.taken()
    kinds = [one.get("NotificationType", one.get("notificationType")) for one in told]
    assert kinds == [
        *["ORDER_CHANGE"] * 3,
        "FBA_INVENTORY_AVAILABILITY_CHANGES",
        "REPORT_PROCESSING_FINISHED",
    ]
    changes = [one["Payload"]["OrderChangeNotification"] for one in told[:3]]
    assert {one["AmazonOrderId"] for one in changes} == {order_id}
    assert [one["Summary"]["OrderStatus"] for one in changes] == [
        "Unshipped",
        "Unshipped",
        "Shipped",
    ]
    assert changes[1]["OrderChangeType"] == "BuyerRequestedChange"
    numbers = [one.get("NotificationMetadata", one.get("notificationMetadata", {})) for one in told]
    assert len({json.dumps(one) for one in numbers}) == len(told)
    for kind, one in zip(kinds, told, strict=True):
        assert faults(shared, kind, one) == [], kind


def test_feeds_and_reports_are_told_when_they_end_however_they_end(
    make_store: Make, box: Mailbox, shared: Path
) -> None:
    account = make_store(orders=5, queue_endpoint=box.url, report_s=100.0, feed_s=100.0)
    subscribed(account)
    row = own(account)[0]
    sent = feed_of(account, patch(1, row.sku, 4))
    feeds = [hand_in(account, sent), hand_in(account, b"no feed"), hand_in(account, sent)]
    asked = {
        "reportType": "GET_MERCHANT_LISTINGS_ALL_DATA",
        "marketplaceIds": [account.store.options.sells_in[0]],
    }
    reports = [
        account.call("POST", "/reports/2021-06-30/reports", asked).document["reportId"]
        for _ in range(2)
    ]

    account.call("DELETE", f"/feeds/2021-06-30/feeds/{feeds[2]}")
    account.call("DELETE", f"/reports/2021-06-30/reports/{reports[1]}")
    account.later(60)
    cancelled = box.taken()
    account.later(60)

    told = cancelled + box.taken()
    named = {
        key: part["processingStatus"]
        for one in told
        for part in one["payload"].values()
        for key in (part.get("feedId") or part["reportId"],)
    }
    assert named == {
        feeds[0]: "DONE",
        feeds[1]: "FATAL",
        feeds[2]: "CANCELLED",
        reports[0]: "DONE",
        reports[1]: "CANCELLED",
    }
    assert len(cancelled) == 2
    assert len(told) == len(named)
    for one in told:
        assert faults(shared, one["notificationType"], one) == []


def test_a_settlement_is_told_though_nobody_asked_for_it(
    make_store: Make, box: Mailbox, shared: Path
) -> None:
    account = make_store(orders=30, queue_endpoint=box.url)
    account.later(0)
    subscribed(account, "REPORT_PROCESSING_FINISHED")
    box.taken()

    account.later(15 * DAY)

    told = box.taken()
    bodies = [one["payload"]["reportProcessingFinishedNotification"] for one in told]
    assert bodies
    assert {body["reportType"] for body in bodies} == {settlements.KIND}
    for body, one in zip(bodies, told, strict=True):
        assert account.store.state.reports[body["reportId"]].document == body["reportDocumentId"]
        assert faults(shared, "REPORT_PROCESSING_FINISHED", one) == []


def test_units_kept_for_another_shop_are_told_whenever_their_number_changes(
    make_store: Make, box: Mailbox, shared: Path
) -> None:
    account = make_store(orders=5, queue_endpoint=box.url)
    sku = next(x.sku for x in account.store.state.listings.values() if x.stock and DE in x.offers)
    acts.set_stock(account.store, sku, 10)
    subscribed(account, "FBA_INVENTORY_AVAILABILITY_CHANGES")

    def news() -> list[tuple[int, int]]:
        """Units that can be bought, and those reserved for buyers, as each message has them."""
        messages = box.taken()
        for one in messages:
            assert faults(shared, "FBA_INVENTORY_AVAILABILITY_CHANGES", one) == []
            assert one["Payload"]["SKU"] == sku
        told = [
            one["Payload"]["FulfillmentInventoryByMarketplace"][0]["FulfillmentInventory"]
            for one in messages
        ]
        return [
            (x["Fulfillable"], x["ReservedQuantityBreakdown"]["PendingCustomerOrder"]) for x in told
        ]

    def go_on(name: str, steps: int = 1) -> None:
        for _ in range(steps):
            acts.on_outbound(account.store, "go_on", name)

    stock = account.store.state.listings[sku].stock
    assert stock is not None
    held = stock.pending_orders
    for name in ("LGX-1", "LGX-2", "LGX-3"):
        send_for_others(account, sku, units=2, sellerFulfillmentOrderId=name)
    assert news() == [], "nothing is reserved before an order was looked through"

    go_on("LGX-1")
    assert news() == [(8, held + 2)]
    go_on("LGX-1", 2)
    assert news() == [], "it is planned and picked"
    go_on("LGX-1")
    assert news() == [(8, held)]

    go_on("LGX-2")
    assert account.call("PUT", f"{OUTBOUND}/LGX-2/cancel").status == 200
    assert news() == [(6, held + 2), (8, held)]

    account.store.strikes = lambda kind, _where: kind == "outbound_unfulfillable"
    go_on("LGX-3", 3)
    assert news() == [(6, held + 2), (8, held)]


def test_an_order_of_another_shop_is_told_with_each_change(
    make_store: Make, box: Mailbox, shared: Path
) -> None:
    account = make_store(orders=5, queue_endpoint=box.url)
    sku = next(x.sku for x in account.store.state.listings.values() if x.stock and DE in x.offers)
    acts.set_stock(account.store, sku, 10)
    subscribed(account, "FULFILLMENT_ORDER_STATUS")

    for name in ("LGX-1", "LGX-2"):
        send_for_others(account, sku, units=2, sellerFulfillmentOrderId=name)
    for _ in range(4):
        acts.on_outbound(account.store, "go_on", "LGX-1")
    acts.on_outbound(account.store, "go_on", "LGX-2")
    assert account.call("PUT", f"{OUTBOUND}/LGX-2/cancel").status == 200

    told = box.taken()
    bodies = [one["Payload"]["FulfillmentOrderStatusNotification"] for one in told]
    assert [
        (x["SellerFulfillmentOrderId"], x["EventType"], x["FulfillmentOrderStatus"]) for x in bodies
    ] == [
        ("LGX-1", "Order", "Received"),
        ("LGX-1", "Order", "Planning"),
        ("LGX-1", "Shipment", "Processing"),
        ("LGX-1", "Shipment", "Complete"),
        ("LGX-2", "Order", "Received"),
        ("LGX-2", "Order", "Cancelled"),
    ]
    picked, shipped = (x["FulfillmentShipment"] for x in bodies[2:4])
    assert (picked["FulfillmentShipmentStatus"], picked["FulfillmentShipmentPackages"]) == (
        "Pending",
        [],
    )
    assert shipped["FulfillmentShipmentStatus"] == "Shipped"
    (package,) = shipped["FulfillmentShipmentPackages"]
    assert package["TrackingNumber"]
    assert shipped["EstimatedArrivalDateTime"] > bodies[3]["StatusUpdatedDateTime"]
    for body, one in zip(bodies, told, strict=True):
        lacking = {f"'{x}' is a required property" for x in CONTRADICTED[body["EventType"]]}
        assert set(faults(shared, "FULFILLMENT_ORDER_STATUS", one)) == lacking


def faults(shared: Path, kind: str, told: dict[str, Any]) -> list[str]:
    """What breaks the official schema."""
    return [x.message for x in Draft7Validator(schema_of(shared, kind)).iter_errors(told)]


def schema_of(shared: Path, kind: str) -> dict[str, Any]:
    name = {
        "ORDER_CHANGE": "OrderChange",
        "FBA_INVENTORY_AVAILABILITY_CHANGES": "FBAInventoryAvailabilityChange",
        "FEED_PROCESSING_FINISHED": "FeedProcessingFinished",
        "REPORT_PROCESSING_FINISHED": "ReportProcessingFinished",
        "FULFILLMENT_ORDER_STATUS": "FulfillmentOrderStatus",
    }[kind]
    folder = shared / "contracts" / "amazon" / "schemas" / "notifications"
    schema: dict[str, Any] = json.loads((folder / f"{name}Notification.json").read_text())
    return schema


def test_without_the_queues_policy_nothing_comes_and_nothing_is_said(
    make_store: Make, box: Mailbox
) -> None:
    account = make_store(orders=5, queue_endpoint=box.url)
    subscribed(account)
    box.policy = {}

    order_acts.touch(account.store, order_acts.newest(account.store, 2))
    assert box.taken() == []
    box.policy = {"Statement": [MAY]}
    order_acts.touch(account.store, order_acts.newest(account.store, 2))

    assert len(box.taken()) == 2


def test_messages_are_lost_doubled_and_overtaken_when_asked_for(box: Mailbox) -> None:
    from integrations.sandbox.amazon.options import AccountOptions

    shop = Shop(AccountOptions(orders=6, queue_endpoint=box.url), has_control=False)
    account = Client(shop.store, clock=lambda: 0.0)  # type: ignore[arg-type]
    subscribed(account, "ORDER_CHANGE")
    first, second, third = order_acts.newest(shop.store, 3)

    def told(*, of: tuple[str, ...]) -> list[str]:
        for order_id in of:
            order_acts.touch(shop.store, [order_id])
        return [one["Payload"]["OrderChangeNotification"]["AmazonOrderId"] for one in box.taken()]

    shop.faults.turn_on("news_lost", route=first)
    assert told(of=(first, second)) == [second]
    shop.faults.clear()
    shop.faults.turn_on("news_duplicated", count=1)
    assert told(of=(first, second)) == [first, first, second]
    shop.faults.clear()
    shop.faults.turn_on("news_unordered", count=1)
    assert told(of=(first, second, third)) == [second, first, third]
    shop.faults.clear()
    shop.faults.turn_on("queue_denied")
    assert told(of=(first,)) == []


def test_a_test_message_comes_without_anything_happening(make_store: Make, box: Mailbox) -> None:
    account = make_store(orders=0, queue_endpoint=box.url)
    place = destination(account)
    path = f"{SUBSCRIPTIONS}/ORDER_CHANGE/testNotification"
    test = {"payloadVersion": "1.0", "testScenario": "any"}

    status, _ = app(account, "POST", path, {"destinationId": place, "testNotification": test})

    assert status == 200
    assert [one["NotificationType"] for one in box.taken()] == ["ORDER_CHANGE"]
    refused = {"destinationId": place, "testNotification": {"payloadVersion": "1.0"}}
    assert app(account, "POST", path, refused)[0] == 400


def test_subscriptions_outlive_a_restart(account: Client) -> None:
    subscribed(account, "ORDER_CHANGE")

    again = SellerStore.restore(account.store.options, account.store.snapshot())

    assert set(again.state.subscriptions) == {"ORDER_CHANGE"}
    assert [one.arn for one in again.state.destinations.values()] == [ARN]

"""What Amazon's messages say, held to its own schemas; and whether a policy lets Amazon write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.amazon import notifications, payouts, queue_policy, return_mapper
from integrations.amazon.notifications import TOPICS
from integrations.amazon.platform import CARD, QUEUE
from integrations.amazon.queue import Address
from integrations.amazon.service import AmazonIntegration
from integrations.errors import ContractBroken
from integrations.events import Event, EventKind, RawDelivery
from integrations.platform import Ability

SELLER = "A3TH9S8BH6GOGM"
FBA = {
    "NotificationType": "FBA_INVENTORY_AVAILABILITY_CHANGES",
    "Payload": {"SellerId": SELLER, "SKU": "AMZ-1"},
    "NotificationMetadata": {"NotificationId": "n-1"},
}


def read(body: Any, seller: str = SELLER) -> Event:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    (event,) = notifications.to_events(RawDelivery(topic="", body=raw), seller=seller)
    return event


@pytest.fixture
def examples(shared: Path) -> dict[str, dict[str, Any]]:
    """By type, from the official schemas."""
    folder = shared / "contracts" / "amazon" / "schemas" / "notifications"
    told = [json.loads(path.read_text()).get("examples") for path in sorted(folder.glob("*.json"))]
    found = [one for rows in told for one in rows or ()]
    return {one.get("NotificationType", one.get("notificationType")): one for one in found}


def test_every_official_example_says_what_is_to_be_read_or_why_nothing_is(
    examples: dict[str, dict[str, Any]],
) -> None:
    said = {kind: read(body, seller="") for kind, body in examples.items()}

    assert {kind: (one.kind, one.external_id) for kind, one in said.items() if one.external_id} == {
        "ORDER_CHANGE": (EventKind.ORDER, "903-8868176-2219830"),
        "LISTINGS_ITEM_MFN_QUANTITY_CHANGE": (EventKind.PRODUCT, "NLS-SHOES-03"),
        "LISTINGS_ITEM_STATUS_CHANGE": (EventKind.PRODUCT, "NLS-SHOES-03"),
        "FEED_PROCESSING_FINISHED": (EventKind.FILE, "53347018456"),
        "REPORT_PROCESSING_FINISHED": (EventKind.REPORT, "54517018502"),
        "FULFILLMENT_ORDER_STATUS": (EventKind.OUTSIDE, "SFOID2345"),
    }
    for one in said.values():
        assert one.external_id or (one.kind is EventKind.IGNORED and one.reason), one
        # Nothing is believed: what is named is read again.
        assert one.order is None
        assert one.product is None


def test_every_official_example_has_its_own_key_in_either_spelling(
    examples: dict[str, dict[str, Any]],
) -> None:
    for kind, body in examples.items():
        meta = body.get("NotificationMetadata", body.get("notificationMetadata"))
        number = meta.get("NotificationId", meta.get("notificationId"))
        delivery = RawDelivery(topic="", body=json.dumps(body).encode())

        assert notifications.told(delivery.body) == (kind, number)
        assert AmazonIntegration.dedupe_key(delivery) == f"n:{number}"


def test_news_of_amazons_stock_names_the_sku() -> None:
    assert (read(FBA).kind, read(FBA).external_id) == (EventKind.KEPT, "AMZ-1")


def test_a_report_that_was_not_asked_for_names_what_reads_it(
    examples: dict[str, dict[str, Any]],
) -> None:
    body = examples["REPORT_PROCESSING_FINISHED"]
    told = body["payload"]["reportProcessingFinishedNotification"]

    def of(kind: Any) -> Event:
        payload = {"reportProcessingFinishedNotification": {**told, "reportType": kind}}
        return read({**body, "payload": payload}, seller="")

    assert of(payouts.KIND).ability is Ability.PAYOUTS
    for kind in (return_mapper.BY_SELLER, "GET_ANYTHING", None, ["no", "text"]):
        assert (of(kind).kind, of(kind).ability) == (EventKind.REPORT, None)


def test_news_of_a_marketplace_that_is_not_connected_is_left_alone_and_says_why(
    examples: dict[str, dict[str, Any]],
) -> None:
    body = json.dumps(examples["ORDER_CHANGE"]).encode()

    def of(*places: str) -> Event:
        delivery = RawDelivery(topic="", body=body)
        (event,) = notifications.to_events(delivery, seller="", places=places)
        return event

    assert of().kind is of("A1PA6795UKMFR9", "ATVPDKIKX0DER").kind is EventKind.ORDER
    assert of("A1PA6795UKMFR9").kind is EventKind.IGNORED
    assert "in Amazon.com, which is not among the marketplaces" in of("A1PA6795UKMFR9").reason


def test_news_of_another_account_is_left_alone_and_says_why(
    examples: dict[str, dict[str, Any]],
) -> None:
    small = {"notificationType": "FEED_PROCESSING_FINISHED"}
    below = {"feedProcessingFinishedNotification": {"sellerId": SELLER, "feedId": "1"}}
    for body in (examples["ORDER_CHANGE"], FBA, {**small, "payload": below}):
        event = read(body, seller="ASOMEBODYELSE")

        assert event.kind is EventKind.IGNORED
        assert "another seller account" in event.reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 5_000,
        b'{"NotificationType": 7}',
        b'{"NotificationType": "ORDER_CHANGE"}',
        b'{"NotificationType": "ORDER_CHANGE", "Payload": []}',
        b'{"NotificationType": "ORDER_CHANGE", "Payload": {"OrderChangeNotification": "x"}}',
        json.dumps({**FBA, "Payload": {"SKU": "x" * 500}}).encode(),
        json.dumps({**FBA, "Payload": {"SKU": "a\0b"}}).encode(),
        json.dumps({**FBA, "Payload": {"SKU": 12.5}}).encode(),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(body: bytes) -> None:
    with pytest.raises(ContractBroken) as caught:
        read(body)

    assert caught.value.path.startswith("$")
    kind, number = notifications.told(body)
    assert isinstance(kind, str)
    assert isinstance(number, str)


def test_a_type_nobody_asked_for_is_ignored_by_name() -> None:
    event = read({"NotificationType": "PRICING_HEALTH", "Payload": {}})

    assert event.kind is EventKind.IGNORED
    assert "PRICING_HEALTH" in event.reason


def test_what_is_asked_for_is_understood_and_goes_through_sqs() -> None:
    assert set(CARD.topics) < set(TOPICS)
    # Of listings Amazon tells EventBridge alone.
    assert not any(topic.startswith("LISTINGS") for topic in CARD.topics)


def statement(**changes: Any) -> str:
    usual = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::437568002678:root"},
        "Action": ["SQS:SendMessage", "SQS:GetQueueAttributes"],
    }
    return json.dumps({"Statement": [{**usual, **changes}]})


@pytest.mark.parametrize(
    ("policy", "lacking"),
    [
        (statement(), ()),
        (statement(Principal={"AWS": ["1", "437568002678"]}), ()),
        (statement(Principal="*", Action="sqs:*"), ()),
        (statement(Action=["sqs:sendmessage", "sqs:Get*"]), ()),
        (statement(Action="SQS:SendMessage"), ("SQS:GetQueueAttributes",)),
        (statement(Effect="Deny"), queue_policy.NEEDED),
        (statement(Principal={"AWS": "arn:aws:iam::111111111111:root"}), queue_policy.NEEDED),
        (statement(Principal={"Service": "sns.amazonaws.com"}), queue_policy.NEEDED),
        ("", queue_policy.NEEDED),
        ("{", queue_policy.NEEDED),
        ("[1]", queue_policy.NEEDED),
        ('{"Statement": [7]}', queue_policy.NEEDED),
    ],
)
def test_a_policy_lets_amazon_in_or_says_what_lacks(policy: str, lacking: tuple[str, ...]) -> None:
    assert queue_policy.lacking(policy) == lacking


def test_a_queue_is_known_by_its_arn_or_its_url() -> None:
    key = {"aws_access_key_id": "A" * 20, "aws_secret_access_key": "s" * 40}
    arn = "arn:aws:sqs:eu-central-1:123456789012:logix-news"
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/logix-news"

    by_arn, by_url = (Address.of({"queue": typed, **key}) for typed in (arn, url))

    assert by_arn == by_url
    assert (by_url.arn, by_arn.url, by_arn.region) == (arn, url, "eu-central-1")
    assert by_arn.endpoint == "https://sqs.eu-central-1.amazonaws.com"
    assert "s" * 40 not in repr(by_arn)


@pytest.mark.parametrize(
    ("typed", "is_good"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:news", True),
        ("http://127.0.0.1:5000/123456789012/news", True),
        ("arn:aws:sqs:us-east-1:123456789012:news.fifo", False),
        ("arn:aws:sns:us-east-1:123456789012:news", False),
        ("https://sqs.us-east-1.amazonaws.com.evil.example/123456789012/news", False),
        ("https://evil.example/123456789012/news", False),
        ("http://169.254.169.254/123456789012/news", False),
        ("http://sqs.us-east-1.amazonaws.com/123456789012/news", False),
    ],
)
def test_only_queues_at_aws_and_on_this_machine_can_be_typed(typed: str, is_good: bool) -> None:
    import re

    assert bool(re.fullmatch(QUEUE, typed)) is is_good

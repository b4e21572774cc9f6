"""What deliveries of WooCommerce say; the recorded one is verified and mapped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import ContractBroken
from integrations.events import Event, EventKind, RawDelivery
from integrations.kit import signatures
from integrations.woocommerce import webhooks
from integrations.woocommerce.platform import CARD
from tests.integrations.woocommerce.make import order
from tests.integrations.woocommerce.site import Site, adapter_for

TOPICS = sorted(webhooks.TOPICS)


def delivery(topic: str, body: Any) -> RawDelivery:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawDelivery(topic=topic, body=raw)


def news(topic: str, body: Any) -> Event:
    (event,) = webhooks.to_events(delivery(topic, body), timezone="UTC")
    return event


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored"])
def test_an_order_comes_with_its_news(topic: str) -> None:
    event = news(topic, order(7))

    assert (event.kind, event.external_id, event.confirm) == (EventKind.ORDER, "7", False)
    assert event.order is not None
    assert event.order.external_id == "7"


@pytest.mark.parametrize("topic", ["order.deleted", "product.deleted"])
def test_a_deletion_is_looked_at_before_it_is_believed(topic: str) -> None:
    event = news(topic, {"id": 7})

    assert (event.external_id, event.confirm, event.order) == ("7", True, None)


def test_an_order_that_cannot_be_mapped_is_read_again() -> None:
    event = news("order.updated", order(7, total="a lot"))

    assert (event.kind, event.external_id, event.order) == (EventKind.ORDER, "7", None)


def test_a_plugins_status_is_understood_in_deliveries_too(site: Site) -> None:
    adapter = adapter_for(site, options={"status_words": {"packed": "processing"}})

    (event,) = adapter.handle_webhook(delivery("order.updated", order(7, status="packed")))

    assert event.order is not None
    assert event.order.status.known


def test_a_product_is_read_again_and_a_variation_speaks_for_its_product() -> None:
    assert news("product.updated", {"id": 3, "type": "variable"}).external_id == "3"
    event = news("product.updated", {"id": 31, "type": "variation", "parent_id": 3})
    assert (event.kind, event.external_id, event.product) == (EventKind.PRODUCT, "3", None)
    assert (
        news("product.created", {"id": 31, "type": "variation", "parent_id": 0}).external_id == "31"
    )


def test_a_ping_is_one_and_nothing_else_is() -> None:
    assert news("", b"webhook_id=12").kind is EventKind.PING
    assert webhooks.is_ping(b"webhook_id=12\n")
    for body in (b"webhook_id=", b"webhook_id=1x", b"webhook_id=" + b"1" * 40, b"{}", b""):
        assert not webhooks.is_ping(body)


@pytest.mark.parametrize("topic", ["customer.updated", "action.x", "", "order.\u0000"])
def test_topics_nobody_asked_for_are_ignored_in_words(topic: str) -> None:
    event = news(topic, {"id": 7})

    assert event.kind is EventKind.IGNORED
    assert event.reason


def test_an_error_in_place_of_news_is_told_as_one() -> None:
    body = {"code": "woocommerce_rest_cannot_view", "message": "<b>Sorry</b>", "data": {}}

    event = news("order.updated", body)

    assert event.kind is EventKind.IGNORED
    assert "Sorry" in event.reason
    assert "rights" in event.reason


@pytest.mark.parametrize("body", [{}, {"id": 0}, {"id": -4}, {"id": "x"}, [], b"", b"\xff", b"{"])
def test_a_body_that_names_nobody_is_broken(body: Any) -> None:
    with pytest.raises(ContractBroken):
        news("order.updated", body)


def test_two_deliveries_of_one_second_are_two_and_one_sent_twice_is_one(site: Site) -> None:
    key = adapter_for(site).dedupe_key
    a, b = delivery("order.updated", order(7)), delivery("order.updated", order(8))

    assert key(a) != key(b)
    assert key(a) == key(delivery("order.updated", order(7)))
    assert key(a) != key(delivery("order.created", order(7)))
    assert adapter_for(site).is_ping(b"webhook_id=1")


def test_the_card_listens_to_what_is_understood() -> None:
    assert set(CARD.topics) == set(webhooks.TOPICS)


# -- recorded ----------------------------------------------------------------------------------


def recorded(shared: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (shared / "contracts/woocommerce/real" / f"{name}.json").read_bytes()
    )
    return found


def test_the_recorded_delivery_is_signed_as_the_card_says_and_is_an_order(shared: Path) -> None:
    sent = recorded(shared, "webhook_delivery_order_updated")
    headers = {name.lower(): value for name, value in sent["headers"]}
    assert CARD.webhooks is not None
    body = sent["body"].encode()
    raw = RawDelivery(topic=headers[CARD.webhooks.topic_header], body=body)

    (event,) = webhooks.to_events(raw, timezone="Europe/Berlin")

    assert signatures.verify(
        CARD.webhooks.scheme,
        secrets=[sent["secret"].encode()],
        body=body,
        signature=headers[CARD.webhooks.signature_header],
        url="",
    )
    assert event.order is not None
    assert (event.order.external_id, str(event.order.total)) == ("2073", "505.19")


def test_the_recorded_ping_is_a_ping(shared: Path) -> None:
    sent = recorded(shared, "webhook_ping_on_create")

    assert webhooks.is_ping(sent["body"].encode())
    assert news("", sent["body"].encode()).kind is EventKind.PING

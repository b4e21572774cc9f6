"""What deliveries mean: the official samples of every topic Logix listens to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import ContractBroken
from integrations.events import EventKind, RawDelivery
from integrations.kit import signatures
from integrations.shopify import subscriptions, webhooks
from integrations.shopify.platform import CARD
from tests.integrations.sandbox.shopify.official import official

ORDER = "820982911946154508"
MEANS = {
    "orders/create": (EventKind.ORDER, ORDER, False),
    "orders/updated": (EventKind.ORDER, ORDER, False),
    "orders/cancelled": (EventKind.ORDER, ORDER, False),
    "orders/edited": (EventKind.ORDER, ORDER, False),
    "orders/delete": (EventKind.ORDER, ORDER, True),
    "fulfillments/create": (EventKind.ORDER, ORDER, False),
    "fulfillments/update": (EventKind.ORDER, ORDER, False),
    "refunds/create": (EventKind.ORDER, ORDER, False),
    **dict.fromkeys(webhooks.ON_RETURNS, (EventKind.ORDER, "4783296544821", False)),
    "products/create": (EventKind.PRODUCT, "788032119674292922", False),
    "products/update": (EventKind.PRODUCT, "788032119674292922", False),
    "products/delete": (EventKind.PRODUCT, "788032119674292922", True),
    "inventory_levels/update": (EventKind.PRODUCT, "item:271878346596884015", False),
    "app/uninstalled": (EventKind.STORE_GONE, "", True),
    "app/scopes_update": (EventKind.SCOPES_CHANGED, "", True),
}


def sample(shared: Path, topic: str) -> bytes:
    name = topic.replace("/", "__")
    folder = shared / "contracts" / "shopify" / "samples" / "webhooks"
    return (folder / f"{name}.json").read_bytes()


def events(topic: str, body: Any) -> list[Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return webhooks.to_events(RawDelivery(topic=topic, body=raw))


@pytest.mark.parametrize("topic", sorted(CARD.topics))
def test_the_official_sample_of_a_topic_is_understood(topic: str, shared: Path) -> None:
    kind, external_id, confirm = MEANS[topic]

    (event,) = events(topic, sample(shared, topic))

    assert (event.kind, event.confirm, event.topic) == (kind, confirm, topic)
    if topic in ("orders/delete", "products/delete"):
        assert event.external_id == str(json.loads(sample(shared, topic))["id"])
    else:
        assert event.external_id == external_id
    assert event.order is event.product is None


def test_a_topic_nobody_listens_to_is_ignored_with_a_reason() -> None:
    (event,) = events("weather/changed", {"id": 1})

    assert event.kind is EventKind.IGNORED
    assert "weather/changed" in event.reason


@pytest.mark.parametrize("body", [{}, [], {"id": None}, {"id": "1"}, {"id": True}, {"id": 0}, b"{"])
def test_a_body_that_names_nothing_breaks_the_contract(body: Any) -> None:
    with pytest.raises(ContractBroken):
        events("orders/create", body)


def test_a_large_id_is_kept_to_the_last_digit() -> None:
    (event,) = events("orders/create", b'{"id": 9007199254740993}')

    assert event.external_id == "9007199254740993"


def test_every_topic_that_is_subscribed_to_means_something() -> None:
    assert set(CARD.topics) == set(MEANS)
    assert set(webhooks.TOPICS) <= set(CARD.topics)


@pytest.mark.parametrize("topic", sorted(subscriptions._FIELDS))
def test_a_delivery_holds_what_names_its_subject(topic: str, shared: Path) -> None:
    whole = json.loads(sample(shared, topic))
    thin = {name: whole[name] for name in subscriptions._FIELDS[topic]}

    (event,) = events(topic, thin)

    assert event.external_id == MEANS[topic][1]


@pytest.mark.parametrize("topic", sorted(CARD.topics))
def test_every_topic_is_one_of_the_official_schema(topic: str, shared: Path) -> None:
    known = official(shared).type_map["WebhookSubscriptionTopic"].values  # type: ignore[attr-defined]

    assert subscriptions._spelled(topic) in known


def test_deliveries_are_signed_with_the_apps_secret() -> None:
    scheme = CARD.webhooks
    assert scheme is not None
    # echo -n '{"id":1}' | openssl dgst -sha256 -hmac hush -binary | base64
    signature = "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="

    assert signatures.sign(scheme.scheme, secret="hush", body=b'{"id":1}') == signature
    assert scheme.signature_header == "x-shopify-hmac-sha256"
    assert scheme.event_id_header == "x-shopify-webhook-id"
    assert scheme.signed_by_app
    assert scheme.account_header == "x-shopify-shop-domain"

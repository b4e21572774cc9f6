"""Privacy requests of Shopify: the official samples, bodies under another topic, and the way from
the shared address into the hub.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from integrations.errors import ContractBroken
from integrations.events import EventKind, PrivacyAsk, PrivacyKind, RawDelivery
from integrations.kit import signatures
from integrations.models import PrivacyRequest, StoreStatus
from integrations.shopify import privacy
from integrations.shopify.platform import CARD
from integrations.shopify.service import ShopifyIntegration
from tests.factories import make_store
from tests.webhooks.conftest import make_endpoint
from webhooks import inbox
from webhooks.models import Delivery

SHOP = "{shop}.myshopify.com"
WHO: dict[str, Any] = {
    "account": SHOP,
    "order_ids": ("299938", "280263", "220458"),
    "customer_id": "191167",
    "email": "john@example.com",
}
ASKS = {
    "customers/data_request": PrivacyAsk(kind=PrivacyKind.EXPORT, reference="9999", **WHO),
    "customers/redact": PrivacyAsk(kind=PrivacyKind.ERASE_BUYER, **WHO),
    "shop/redact": PrivacyAsk(kind=PrivacyKind.ERASE_STORE, account=SHOP),
}
TOPICS = sorted(ASKS)


def sample(shared: Path, topic: str) -> bytes:
    folder = shared / "contracts" / "shopify" / "samples" / "webhooks"
    return (folder / f"{topic.replace('/', '__')}.json").read_bytes()


@pytest.mark.parametrize("topic", TOPICS)
def test_the_official_sample_is_understood(topic: str, shared: Path) -> None:
    body = sample(shared, topic)

    (event,) = ShopifyIntegration.read_always(RawDelivery(topic=topic, body=body))

    assert (event.kind, event.privacy) == (EventKind.PRIVACY, ASKS[topic])
    assert "john" not in repr(event)
    assert "191167" not in repr(event)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    "under", ["customers/data_request", "customers/redact", "shop/redact", "app/uninstalled"]
)
def test_a_signed_body_under_another_topic_is_refused(topic: str, under: str, shared: Path) -> None:
    if topic == under:
        return

    with pytest.raises(ContractBroken):
        privacy.to_events(RawDelivery(topic=topic, body=sample(shared, under)))


def test_a_guest_without_an_account_is_named_by_the_orders_alone() -> None:
    told = {"shop_domain": SHOP, "customer": {"id": None}, "orders_to_redact": [7]}

    (event,) = privacy.to_events(
        RawDelivery(topic="customers/redact", body=json.dumps(told).encode())
    )

    assert event.privacy == PrivacyAsk(kind=PrivacyKind.ERASE_BUYER, account=SHOP, order_ids=("7",))


def test_the_card_names_each_topic_that_is_read() -> None:
    assert set(CARD.always_topics) == set(privacy._READERS) == set(ASKS)
    assert not set(CARD.always_topics) & set(CARD.topics), "they cannot be subscribed to"


@pytest.mark.django_db
@pytest.mark.parametrize("topic", TOPICS)
def test_each_comes_through_the_shared_address_after_the_app_was_removed(
    topic: str, shared: Path
) -> None:
    host = "acme.myshopify.com"
    store = make_store(
        platform="shopify",
        base_url=f"https://{host}",
        features={"domain": host},
        status=StoreStatus.DISCONNECTED,
    )
    endpoint = make_endpoint(store, secret="hush")
    endpoint.account = host
    endpoint.status = endpoint.Status.CLOSED
    endpoint.save()
    body = sample(shared, topic).replace(SHOP.encode(), host.encode())
    scheme = CARD.webhooks
    assert scheme is not None

    answer = Client().post(
        "/api/v1/shopify/webhooks/receive",
        data=body,
        content_type="application/json",
        headers={
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": host,
            "X-Shopify-Webhook-Id": "b54557e4",
            "X-Shopify-Hmac-Sha256": signatures.sign(scheme.scheme, secret="hush", body=body),
        },
    )
    inbox.process_ready()

    assert answer.status_code == 200
    assert Delivery.objects.get().outcome == "privacy_request"
    request = PrivacyRequest.objects.get()
    assert (request.store, request.kind) == (store, ASKS[topic].kind)

"""The inbox with WooCommerce's own adapter and a delivery recorded from a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from integrations import authentication
from integrations.models import Endpoint, Store
from orders.models import Order
from tests.factories import make_store
from tests.webhooks.conftest import TOKEN, make_endpoint
from webhooks import inbox
from webhooks.models import Delivery

State = Delivery.State
ADDRESS = f"/api/v1/woocommerce/webhooks/receive/{TOKEN}"


@pytest.fixture
def recorded(shared: Path) -> dict[str, Any]:
    return read(shared, "webhook_delivery_order_updated.json")


def read(shared: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (shared / "contracts" / "woocommerce" / "real" / name).read_text()
    )
    return found


@pytest.fixture
def store(db: None) -> Store:
    store = make_store(base_url="https://127.0.0.1:18443")
    authentication.save_credentials(
        store,
        {"consumer_key": "ck_" + "a" * 40, "consumer_secret": "cs_" + "b" * 40},
        kind="api_keys",
        actor="system",
    )
    return store


@pytest.fixture
def endpoint(store: Store, recorded: dict[str, Any]) -> Endpoint:
    return make_endpoint(store, secret=recorded["secret"])


def replayed(client: Client, told: dict[str, Any], body: bytes | None = None) -> Any:
    """Send what was recorded, headers and all."""
    headers = {name: value for name, value in told["headers"] if name != "Content-Length"}
    content_type = headers.pop("Content-Type")
    data = told["body"].encode() if body is None else body
    return client.post(
        ADDRESS, data=data, content_type=content_type, headers={**headers, "Host": "testserver"}
    )


def test_a_real_delivery_is_verified_kept_and_applied(
    endpoint: Endpoint, recorded: dict[str, Any], client: Client
) -> None:
    response = replayed(client, recorded)

    assert (response.status_code, response.content) == (200, b"")
    delivery = Delivery.objects.get()
    assert delivery.topic == "order.updated"
    assert delivery.headers["x-wc-webhook-id"] == "9"
    assert "x-wc-webhook-signature" not in delivery.headers

    inbox.process_ready()

    delivery.refresh_from_db()
    assert (delivery.state, delivery.outcome, delivery.problem) == (State.DONE, "applied", "")
    told = json.loads(recorded["body"])
    order = Order.objects.get()
    assert (delivery.resource, delivery.resource_id) == ("order", str(told["id"]))
    assert order.external_id == str(told["id"])
    assert str(order.total.quantize(order.total.__class__("0.01"))) == told["total"]
    assert order.lines.count() == len(told["line_items"])


def test_a_real_delivery_with_one_byte_changed_is_refused(
    endpoint: Endpoint, recorded: dict[str, Any], client: Client
) -> None:
    body = recorded["body"].replace('"total":"505.19"', '"total":"005.19"').encode()

    assert replayed(client, recorded, body).status_code == 401


def test_the_real_ping_is_answered_with_exactly_200(
    endpoint: Endpoint, shared: Path, client: Client
) -> None:
    response = replayed(client, read(shared, "webhook_ping_on_create.json"))

    assert (response.status_code, response.content) == (200, b"")
    assert not Delivery.objects.exists()


def test_two_orders_of_one_second_share_a_delivery_id_and_are_both_kept(
    endpoint: Endpoint, recorded: dict[str, Any], client: Client
) -> None:
    from integrations.kit.signatures import sign

    for number in (2073, 2074):
        body = recorded["body"].replace('"id":2073', f'"id":{number}').encode()
        signature = sign("hmac-sha256-base64", secret=recorded["secret"], body=body)
        told = {
            "headers": [
                (name, signature if name == "X-WC-Webhook-Signature" else value)
                for name, value in recorded["headers"]
            ]
        }
        assert replayed(client, told, body).status_code == 200

    inbox.process_ready()

    assert set(Order.objects.values_list("external_id", flat=True)) == {"2073", "2074"}


def test_a_topic_nobody_listens_to_is_answered_200_and_ignored_with_the_reason(
    endpoint: Endpoint, recorded: dict[str, Any], client: Client
) -> None:
    recorded["headers"] = [
        (name, "customer.updated" if name == "X-WC-Webhook-Topic" else value)
        for name, value in recorded["headers"]
    ]

    assert replayed(client, recorded).status_code == 200
    inbox.process_ready()

    delivery = Delivery.objects.get()
    assert delivery.state == State.IGNORED
    assert "customer.updated" in delivery.problem


def test_a_forged_topic_header_cannot_delete_an_order(
    endpoint: Endpoint, recorded: dict[str, Any], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Topics are not signed: a captured body under “order.deleted” is only a reason to ask the
    store.
    """
    replayed(client, recorded)
    inbox.process_ready()
    stored = Order.objects.get()
    asked: list[str] = []
    from integrations.woocommerce.service import WooCommerceIntegration as Woo

    def read_order(self: Woo, order_id: str) -> Any:
        asked.append(order_id)
        from integrations.woocommerce import mapper

        return mapper.to_order(recorded["body"].encode(), timezone="UTC")

    monkeypatch.setattr(Woo, "read_order", read_order)
    recorded["headers"] = [
        (name, "order.deleted" if name == "X-WC-Webhook-Topic" else value)
        for name, value in recorded["headers"]
    ]
    assert replayed(client, recorded).status_code == 200
    inbox.process_ready()

    assert asked == [stored.external_id]
    stored.refresh_from_db()
    assert stored.gone_at is None

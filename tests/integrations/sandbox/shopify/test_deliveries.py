"""Webhooks on their way to a real receiver: retries, the end of patience, and the faults."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from tests.integrations.sandbox.receiver import Receiver, within
from tests.integrations.sandbox.shopify.fixtures import Make, Running


@pytest.fixture
def shop(make_shop: Make) -> Running:
    """Four hours of retries pass in less than a quarter of a second."""
    return make_shop(hour_s=0.05)


def touch(shop: Running, times: int = 1) -> None:
    catalogue = shop.store.catalogue
    for product in list(catalogue.products.values())[:times]:
        with shop.store.working():
            catalogue.touch_product(product)


def test_a_webhook_arrives_as_it_was_signed(shop: Running) -> None:
    with Receiver() as receiver:
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop)
        assert shop.settle()

        (came,) = receiver.came

    headers = {name.lower(): value for name, value in came.headers.items()}
    signed = hmac.new(b"shpss_sandbox", came.body, hashlib.sha256).digest()
    assert headers["x-shopify-hmac-sha256"] == base64.b64encode(signed).decode()
    assert headers["x-shopify-topic"] == "products/update"
    assert headers["user-agent"] == "Shopify-Captain-Hook"
    assert json.loads(came.body)["admin_graphql_api_id"].startswith("gid://shopify/Product/")


def test_a_failed_webhook_is_tried_again_unchanged(shop: Running) -> None:
    with Receiver() as receiver:
        receiver.statuses = [500, 302, 503]
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop)
        assert shop.settle()

        assert len(receiver.came) == 4
        assert len({came.body for came in receiver.came}) == 1
        assert len({came.headers["X-Shopify-Webhook-Id"] for came in receiver.came}) == 1
        attempts = [row.attempt for row in shop.shop.deliveries.sent]

    assert attempts == [1, 2, 3, 4]
    assert len(shop.store.hooks.subscriptions) == 1


def test_after_eight_retries_the_subscription_is_gone(shop: Running) -> None:
    with Receiver() as receiver:
        receiver.status = 500
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop)
        assert shop.settle()

        assert len(receiver.came) == 9
        assert within(5, lambda: shop.store.hooks.subscriptions == {})
        touch(shop)
        assert shop.settle()
        assert len(receiver.came) == 9


def test_nobody_there_is_a_failure_too(shop: Running) -> None:
    shop.subscribe("PRODUCTS_UPDATE", "http://127.0.0.1:9/hook")
    touch(shop)

    assert shop.settle()

    assert [row.status for row in shop.shop.deliveries.sent] == [0] * 9
    assert within(5, lambda: shop.store.hooks.subscriptions == {})


def test_what_is_deleted_meanwhile_hears_no_more(make_shop: Make) -> None:
    shop = make_shop(webhook_delay_s=0.3)
    with Receiver() as receiver:
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop)
        shop.store.hooks.drop(next(iter(shop.store.hooks.subscriptions)))
        assert shop.settle()

        assert receiver.came == []


def test_the_last_word_reaches_an_app_that_is_gone(shop: Running) -> None:
    with Receiver() as receiver:
        shop.subscribe("APP_UNINSTALLED", receiver.url)
        shop.control("POST", "app/uninstall")
        assert shop.settle()

        (came,) = receiver.came

    assert came.headers["X-Shopify-Topic"] == "app/uninstalled"
    assert shop.graphql("{ shop { id } }").status == 401


# --- trouble --------------------------------------------------------------------------------------


def test_a_webhook_may_be_lost(shop: Running) -> None:
    shop.fault("webhook_lost", count=1)
    with Receiver() as receiver:
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop, 2)
        assert shop.settle()

        assert len(receiver.came) == 1
    assert [row.fault for row in shop.shop.deliveries.sent] == ["webhook_lost", ""]


def test_a_webhook_may_come_twice_with_one_id(shop: Running) -> None:
    shop.fault("webhook_duplicated", count=1)
    with Receiver() as receiver:
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop)
        assert shop.settle()

        first, second = receiver.came
    assert first.headers["X-Shopify-Webhook-Id"] == second.headers["X-Shopify-Webhook-Id"]
    assert first.body == second.body


def test_a_webhook_may_be_overtaken(shop: Running) -> None:
    shop.fault("webhook_late", count=1, seconds=0.2)
    with Receiver() as receiver:
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop, 2)
        assert shop.settle()

        numbers = [json.loads(came.body)["id"] for came in receiver.came]
    assert numbers == sorted(numbers, reverse=True)


def test_webhooks_may_come_in_any_order(shop: Running) -> None:
    shop.fault("webhook_shuffled", seconds=0.3)
    with Receiver() as receiver:
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop, 12)
        assert shop.settle()

        numbers = [json.loads(came.body)["id"] for came in receiver.came]
    assert len(numbers) == 12
    assert numbers != sorted(numbers)


def test_a_fault_may_be_held_to_a_topic(shop: Running) -> None:
    shop.fault("webhook_lost", route="^orders/")
    with Receiver() as receiver:
        shop.subscribe("PRODUCTS_UPDATE", receiver.url)
        touch(shop)
        assert shop.settle()

        assert len(receiver.came) == 1

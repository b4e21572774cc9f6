"""Webhook subscriptions, and each delivery as it leaves: body, signature, headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from integrations.sandbox.shopify.catalogue import stock
from integrations.sandbox.shopify.rooms import PAYLOADS
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make

CREATE = """mutation($topic: WebhookSubscriptionTopic!, $input: WebhookSubscriptionInput!) {
    webhookSubscriptionCreate(topic: $topic, webhookSubscription: $input) { webhookSubscription
    { id legacyResourceId topic uri callbackUrl endpoint { __typename ... on WebhookHttpEndpoint
    { callbackUrl } } format filter includeFields metafieldNamespaces metafields { namespace key
    } name apiVersion { handle supported } createdAt updatedAt } userErrors { field message } }
    }"""
UPDATE = """mutation($id: ID!, $input: WebhookSubscriptionInput!) {
    webhookSubscriptionUpdate(id: $id, webhookSubscription: $input) { webhookSubscription { uri
    filter includeFields name } userErrors { field message } } }"""
DELETE = """mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId
    userErrors { field message } } }"""
LIST = """query($topics: [WebhookSubscriptionTopic!], $uri: String) {
    webhookSubscriptions(first: 10, topics: $topics, uri: $uri) { nodes { topic uri } }
    webhookSubscriptionsCount { count } }"""
URI = "https://hub.example/hooks/1"


def subscribe(shop: Client, topic: str, **more: Any) -> str:
    made = shop.change(CREATE, topic=topic, input={"uri": URI} | more)["webhookSubscription"]
    gid: str = made["id"]
    return gid


def touch_product(shop: Client) -> int:
    catalogue = shop.store.catalogue
    product = next(iter(catalogue.products.values()))
    with shop.store.working():
        catalogue.touch_product(product)
    return product.id


# --- subscriptions --------------------------------------------------------------------------------


def test_a_subscription_is_shown_whole(shop: Client) -> None:
    made = shop.change(
        CREATE,
        topic="PRODUCTS_UPDATE",
        input={
            "uri": URI,
            "name": "logix-products",
            "filter": "status:active",
            "includeFields": ["id", "variants.sku"],
            "metafieldNamespaces": ["custom"],
            "metafields": [{"namespace": "custom", "key": "bin"}],
        },
    )["webhookSubscription"]

    assert made == {
        "id": "gid://shopify/WebhookSubscription/1000001",
        "legacyResourceId": "1000001",
        "topic": "PRODUCTS_UPDATE",
        "uri": URI,
        "callbackUrl": URI,
        "endpoint": {"__typename": "WebhookHttpEndpoint", "callbackUrl": URI},
        "format": "JSON",
        "filter": "status:active",
        "includeFields": ["id", "variants.sku"],
        "metafieldNamespaces": ["custom"],
        "metafields": [{"namespace": "custom", "key": "bin"}],
        "name": "logix-products",
        "apiVersion": {"handle": "2026-07", "supported": True},
        "createdAt": "2026-11-18T11:06:40Z",
        "updatedAt": "2026-11-18T11:06:40Z",
    }


def test_subscriptions_are_listed_changed_and_deleted(shop: Client) -> None:
    first = subscribe(shop, "PRODUCTS_UPDATE")
    subscribe(shop, "LOCATIONS_UPDATE")

    assert shop.ask(LIST, topics=["LOCATIONS_UPDATE"])["webhookSubscriptions"]["nodes"] == [
        {"topic": "LOCATIONS_UPDATE", "uri": URI}
    ]
    assert shop.ask(LIST, uri="https://other.example")["webhookSubscriptions"]["nodes"] == []
    changed = shop.change(UPDATE, id=first, input={"uri": f"{URI}2", "name": "n"})
    assert changed["webhookSubscription"] == {
        "uri": f"{URI}2",
        "filter": None,
        "includeFields": [],
        "name": "n",
    }
    assert shop.change(DELETE, id=first)["deletedWebhookSubscriptionId"] == first
    assert shop.ask(LIST)["webhookSubscriptionsCount"] == {"count": 1}
    assert shop.refusal(DELETE, id=first) == [(["id"], None)]
    assert shop.refusal(UPDATE, id=first, input={"name": "x"}) == [(["id"], None)]


@pytest.mark.parametrize(
    ("topic", "fields", "path"),
    [
        ("PRODUCTS_UPDATE", {"uri": URI}, ["webhookSubscription", "uri"]),
        ("PRODUCTS_CREATE", {"uri": "http://hub.example/x"}, ["webhookSubscription", "uri"]),
        ("PRODUCTS_CREATE", {"uri": "nonsense"}, ["webhookSubscription", "uri"]),
        ("PRODUCTS_CREATE", {}, ["webhookSubscription", "uri"]),
        ("PRODUCTS_CREATE", {"uri": URI, "format": "XML"}, ["webhookSubscription", "format"]),
    ],
)
def test_a_subscription_that_cannot_be_is_refused(
    shop: Client, topic: str, fields: dict[str, str], path: list[str]
) -> None:
    subscribe(shop, "PRODUCTS_UPDATE")

    assert shop.refusal(CREATE, topic=topic, input=fields) == [(path, None)]


def test_a_topic_needs_its_scope(make_store: Make) -> None:
    shop = make_store(scopes=("read_products",))

    subscribe(shop, "PRODUCTS_UPDATE")
    subscribe(shop, "INVENTORY_ITEMS_UPDATE")
    subscribe(shop, "APP_UNINSTALLED")
    for topic in ("ORDERS_CREATE", "LOCATIONS_UPDATE", "INVENTORY_LEVELS_UPDATE"):
        assert shop.refusal(CREATE, topic=topic, input={"uri": URI}) == [(["topic"], None)]


def test_a_scope_that_was_taken_back_silences_its_topics(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE")
    with shop.store.working():
        shop.store.access.install(("read_locations",))

    touch_product(shop)

    assert shop.sent == []


def test_an_address_of_this_machine_may_be_plain_http(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE", uri="http://127.0.0.1:8000/hook")


# --- deliveries -----------------------------------------------------------------------------------


def test_a_delivery_is_signed_and_says_what_it_is(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE", name="logix-products")

    product = touch_product(shop)

    (delivery,) = shop.sent
    headers = delivery.headers
    signed = hmac.new(b"shpss_sandbox", delivery.body, hashlib.sha256).digest()
    assert headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(signed).decode()
    assert headers["X-Shopify-Topic"] == "products/update"
    assert headers["X-Shopify-Shop-Domain"] == "musterladen.myshopify.com"
    assert headers["X-Shopify-API-Version"] == "2026-07"
    assert headers["X-Shopify-Triggered-At"] == "2026-11-18T11:06:40.000000000Z"
    assert headers["X-Shopify-Name"] == "logix-products"
    assert headers["Content-Type"] == "application/json"
    assert len({headers["X-Shopify-Webhook-Id"], headers["X-Shopify-Event-Id"]}) == 2
    assert json.loads(delivery.body)["id"] == product


def test_deliveries_of_one_event_share_its_id_and_have_their_own(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE")
    subscribe(shop, "INVENTORY_LEVELS_UPDATE")
    subscribe(shop, "INVENTORY_LEVELS_UPDATE", uri=f"{URI}/other")
    level = next(one for one in shop.store.catalogue.levels.values() if one.available)

    with shop.store.working():
        stock.change(shop.store, level, available=1)

    assert sorted(one.topic for one in shop.sent) == [
        "inventory_levels/update",
        "inventory_levels/update",
        "products/update",
    ]
    assert len({one.headers["X-Shopify-Event-Id"] for one in shop.sent}) == 1
    assert len({one.id for one in shop.sent}) == 3


def test_a_body_is_as_of_its_event(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE")
    product = shop.store.catalogue.products[touch_product(shop)]

    product.title = "Later"

    assert json.loads(shop.sent[0].body)["title"] != "Later"


def test_fields_are_chosen_and_the_filter_decides(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE", includeFields=["id", "variants.sku"], filter="status:draft")
    catalogue = shop.store.catalogue
    draft = next(one for one in catalogue.products.values() if one.status == "DRAFT")
    active = next(one for one in catalogue.products.values() if one.status == "ACTIVE")

    with shop.store.working():
        catalogue.touch_product(active)
        catalogue.touch_product(draft)

    (delivery,) = shop.sent
    assert json.loads(delivery.body) == {
        "id": draft.id,
        "variants": [{"sku": one.sku} for one in catalogue.variants_of(draft)],
    }


def test_what_is_gone_is_told_by_its_id_alone(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_DELETE")
    product = next(iter(shop.store.catalogue.products.values()))

    with shop.store.working():
        shop.store.catalogue.delete_product(product)

    assert json.loads(shop.sent[0].body) == {"id": product.id}
    assert shop.ask("{ productsCount { count } }")["productsCount"] == {"count": 39}


# --- bodies ---------------------------------------------------------------------------------------

_LIKE = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "list",
    dict: "object",
}
_EITHER = frozenset({"null"})


def shapes(value: Any, sample: Any, path: str = "") -> list[str]:
    """Keys and types of a body against Shopify's sample; null may stand on either side."""
    own, real = _LIKE[type(value)], _LIKE[type(sample)]
    if own != real:
        return [] if _EITHER & {own, real} else [f"{path}: {own}, in the sample {real}"]
    if isinstance(value, dict):
        wrong = [f"{path}.{key} is missing" for key in sample.keys() - value.keys()]
        wrong += [f"{path}.{key} is new" for key in value.keys() - sample.keys()]
        for key in value.keys() & sample.keys():
            wrong += shapes(value[key], sample[key], f"{path}.{key}")
        return wrong
    if isinstance(value, list) and sample:
        return [wrong for row in value for wrong in shapes(row, sample[0], f"{path}[]")]
    return []


def test_bodies_have_the_keys_and_types_of_shopifys_samples(shop: Client, shared: Path) -> None:
    catalogue = shop.store.catalogue
    numbers = {
        "products/update": list(catalogue.products),
        "products/create": list(catalogue.products)[:1],
        "inventory_items/update": list(catalogue.items),
        "inventory_levels/update": [level.id for level in catalogue.levels.values()],
        "inventory_levels/connect": [next(iter(catalogue.levels.values())).id],
        "locations/update": list(catalogue.locations),
        "locations/deactivate": list(catalogue.locations),
        "shop/update": [548_380_009],
        "app/uninstalled": [548_380_009],
    }
    folder = shared / "contracts/shopify/samples/webhooks"

    wrong = []
    for topic, rows in numbers.items():
        sample = json.loads((folder / f"{topic.replace('/', '__')}.json").read_text())
        for number in rows:
            wrong += [
                f"{topic}{one}" for one in shapes(PAYLOADS[topic](shop.store, number), sample)
            ]

    assert sorted(set(wrong)) == []


def test_bodies_keep_to_the_schemas_inferred_from_real_ones(shop: Client, shared: Path) -> None:
    catalogue = shop.store.catalogue
    folder = shared / "contracts/shopify/samples/webhook_schemas"
    numbers = {
        "products/update": list(catalogue.products),
        "inventory_items/update": list(catalogue.items)[:20],
        "inventory_levels/update": [level.id for level in catalogue.levels.values()][:20],
        "locations/update": list(catalogue.locations),
        "app/uninstalled": [548_380_009],
    }

    for topic, rows in numbers.items():
        schema = json.loads((folder / f"{topic.replace('/', '__')}.schema.json").read_text())
        checker = Draft202012Validator(schema)
        for number in rows:
            body = PAYLOADS[topic](shop.store, number)
            wrong = [error for error in checker.iter_errors(body) if not _as_in_the_sample(error)]
            assert wrong == []


def _as_in_the_sample(error: ValidationError) -> bool:
    """Where the inferred schemas know less than Shopify's samples: null (an image, a cost, a
    province) is left to the test above, and a weight need not be whole.
    """
    is_weight = list(error.path) == ["weight_value"] and isinstance(error.instance, float)
    return error.instance is None or is_weight


def test_a_product_of_many_variants_is_cut_at_a_hundred(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE")
    catalogue = shop.store.catalogue
    large = next(one for one in catalogue.products.values() if len(one.variant_ids) > 100)

    with shop.store.working():
        catalogue.touch_product(large)

    body = json.loads(shop.sent[0].body)
    assert len(body["variants"]) == 100
    assert len(body["variant_gids"]) == 120


def test_subscriptions_survive_a_restart(shop: Client) -> None:
    subscribe(shop, "PRODUCTS_UPDATE", metafields=[{"namespace": "a", "key": "b"}])

    kept = type(shop.store).restore(shop.store.options, shop.store.snapshot(), now=shop.clock)

    assert kept.hooks.subscriptions == shop.store.hooks.subscriptions

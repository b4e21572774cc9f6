"""Platforms whose app signs for all stores: the header names the store, and where no token does,
the delivery is kept for every connection of that store.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from integrations import registry
from integrations.models import Endpoint, Store, StoreStatus
from logix.accounts import keys
from tests.factories import make_merchant, make_store
from tests.webhooks import apptoy, toy
from tests.webhooks.conftest import TOKEN, make_endpoint
from webhooks import views
from webhooks.models import Delivery
from webhooks.sealing import open_body

pytestmark = pytest.mark.django_db

SHOP = "acme.apptoy.example"
BODY = toy.body_of(id=7, changed_at="2026-11-20T12:00:00+00:00")


@pytest.fixture(autouse=True)
def platform(toy_store: toy.ToyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.BUILT_IN, "apptoy", "tests.webhooks.apptoy.CARD")


def connect(
    slug: str = "acme", *, host: str = SHOP, token: str = TOKEN, secret: str = toy.SECRET
) -> Endpoint:
    store = make_store(make_merchant(slug), platform="apptoy", base_url=f"https://{host}")
    endpoint = make_endpoint(store, token=token, secret=secret)
    Endpoint.objects.filter(pk=endpoint.pk).update(account=host)
    endpoint.refresh_from_db()
    return endpoint


def post(
    client: Client,
    path: str = "",
    *,
    shop: str = SHOP,
    body: bytes = BODY,
    secret: str = toy.SECRET,
    topic: str = "order.updated",
    platform: str = "apptoy",
) -> Any:
    return client.post(
        f"/api/v1/{platform}/webhooks/receive{path}",
        data=body,
        content_type="application/json",
        headers={
            toy.TOPIC: topic,
            toy.SIGNATURE: toy.sign(body, secret),
            **({apptoy.ACCOUNT: shop} if shop else {}),
        },
    )


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_delivery_without_a_token_is_kept_for_the_store_its_header_names(
    client: Client, slash: str
) -> None:
    endpoint = connect()
    connect("other", host="other.apptoy.example", token="o" * 43)

    answer = post(client, slash)

    assert (answer.status_code, answer.content) == (200, b"")
    delivery = Delivery.objects.get()
    assert delivery.endpoint == endpoint
    assert delivery.headers == {"x-toy-shop": SHOP, "x-toy-topic": "order.updated"}
    assert open_body(delivery) == BODY


def test_a_store_of_two_merchants_tells_both(client: Client) -> None:
    endpoints = {connect(), connect("second", token="s" * 43)}

    for _ in range(2):
        assert post(client, shop=f" {SHOP.upper()} ").status_code == 200

    kept = Delivery.objects.all()
    assert {delivery.endpoint for delivery in kept} == endpoints
    assert {delivery.duplicates for delivery in kept} == {1}


def test_only_connections_whose_secret_signed_are_told(client: Client) -> None:
    mine = connect()
    connect("own-app", token="s" * 43, secret="the secret of their own app")

    assert post(client).status_code == 200

    assert Delivery.objects.get().endpoint == mine


def test_what_nobodys_secret_signed_is_refused_in_the_words_of_a_wrong_token(
    client: Client,
) -> None:
    connect()
    unknown_token = post(client, f"/{'x' * 43}")

    answers = [
        post(client, secret="forged"),
        post(client, shop="nobody.apptoy.example"),
        post(client, shop=""),
        post(client, secret="forged", topic="privacy/erase_store"),
    ]

    assert {a.status_code for a in answers} == {401}
    assert {a.content for a in answers} == {unknown_token.content}
    assert not Delivery.objects.exists()


def test_a_store_nobody_connected_spends_the_time_of_a_signature(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[int] = []
    real = views.signatures.verify

    def verify(*args: Any, **named: Any) -> bool:
        spent.append(len(named["secrets"]))
        return real(*args, **named)

    monkeypatch.setattr(views.signatures, "verify", verify)

    assert post(client).status_code == 401
    assert spent == [2]


def test_a_connection_that_came_back_is_told_once_at_its_new_endpoint(client: Client) -> None:
    old = connect()
    Endpoint.objects.filter(pk=old.pk).update(status=Endpoint.Status.CLOSED)
    new = make_endpoint(old.store, token="n" * 43)
    Endpoint.objects.filter(pk=new.pk).update(account=SHOP)

    assert post(client).status_code == 200

    assert Delivery.objects.get().endpoint == new


def test_a_destroyed_key_of_one_merchant_does_not_lose_the_other_ones_delivery(
    client: Client,
) -> None:
    gone, alive = connect(), connect("second", token="s" * 43)
    Endpoint.objects.filter(pk=gone.pk).update(status=Endpoint.Status.CLOSED)
    keys.destroy(gone.store.data_key_id)

    assert post(client).status_code == 200

    assert Delivery.objects.get().endpoint == alive


def test_a_delivery_for_one_connection_costs_three_statements_and_two_for_each_more(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    connect()
    keys.vault.cache_clear()
    with django_assert_max_num_queries(3):
        assert post(client).status_code == 200

    for number in range(3):
        connect(f"m{number}", token=f"{number}" * 43)
    keys.vault.cache_clear()
    with django_assert_max_num_queries(4 * 3):
        assert post(client, body=BODY + b" ").status_code == 200


def test_platforms_that_name_no_store_keep_their_sentence(client: Client) -> None:
    for platform in ("toy", "no-such-platform"):
        answer = post(client, platform=platform)
        assert answer.status_code == 401
        assert answer.json()["code"] == "no_token"


def test_at_the_address_with_a_token_the_header_must_name_its_store(client: Client) -> None:
    connect()
    path = f"/{TOKEN}"

    refused = [post(client, path, shop="other.apptoy.example"), post(client, path, shop="")]

    assert {a.status_code for a in refused} == {401}
    assert {a.content for a in refused} == {post(client, f"/{'x' * 43}").content}
    assert not Delivery.objects.exists()
    assert post(client, path).status_code == 200


def test_a_remembered_address_costs_one_statement_and_still_looks_at_the_name(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    endpoint = connect()
    path = f"/{TOKEN}"
    # The first is remembered, the second has PostgreSQL plan the statement for this connection.
    for blanks in (b"", b"    "):
        assert post(client, path, body=BODY + blanks).status_code == 200

    with django_assert_num_queries(1):
        assert post(client, path, body=BODY + b" ").status_code == 200
    assert post(client, path, body=BODY + b"  ", shop="other.apptoy.example").status_code == 401

    Endpoint.objects.filter(pk=endpoint.pk).update(account="moved.apptoy.example")
    assert post(client, path, body=BODY + b"   ").status_code == 401
    assert Delivery.objects.count() == 3


def test_a_disconnected_store_keeps_privacy_requests_and_nothing_else(client: Client) -> None:
    endpoint = connect()
    Store.objects.update(status=StoreStatus.DISCONNECTED)
    Endpoint.objects.update(status=Endpoint.Status.CLOSED)

    for path in ("", f"/{TOKEN}"):
        body = toy.body_of(orders=[1], path=path)
        assert post(client, path, body=body, topic="privacy/erase_buyer").status_code == 200
        assert post(client, path, body=BODY + path.encode()).status_code == 200

    kept = {(d.topic, d.state, d.body_sealed is not None) for d in Delivery.objects.all()}
    assert kept == {("privacy/erase_buyer", "new", True), ("order.updated", "ignored", False)}
    assert {d.endpoint for d in Delivery.objects.all()} == {endpoint}


def test_a_broken_seal_asks_the_sender_to_come_again(client: Client) -> None:
    endpoint = connect()
    keys.destroy(endpoint.store.data_key_id)

    assert post(client).status_code == 503

"""The webhook address as a stranger, a neighbour and a hacked store would use it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from integrations.models import Endpoint, Store
from logix.accounts import keys
from logix.common import bell
from tests.factories import make_store
from tests.webhooks.conftest import make_endpoint
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

TOKEN, SECRET = "t" * 43, "store-secret-of-the-first-0001"
OTHER_TOKEN, OTHER_SECRET = "u" * 43, "store-secret-of-the-second-002"
BODY = b'{"id": 1, "status": "processing"}'


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture
def endpoint(store: Store) -> Endpoint:
    return make_endpoint(store, TOKEN, SECRET)


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def deliver(
    token: str = TOKEN, body: bytes = BODY, *, path: str = "", secret: str = SECRET, **extra: Any
) -> Any:
    return Client().generic(
        "POST",
        path or f"/api/v1/woocommerce/webhooks/receive/{token}",
        body,
        "application/json",
        **{
            "HTTP_X_WC_WEBHOOK_SIGNATURE": sign(body, secret),
            "HTTP_X_WC_WEBHOOK_TOPIC": "order.updated",
            **extra,
        },
    )


def told(answer: Any) -> tuple[Any, ...]:
    headers = tuple(sorted((n, v) for n, v in answer.items() if n != "X-Request-ID"))
    return answer.status_code, answer.content, headers


def test_every_refusal_looks_the_same_down_to_the_headers(endpoint: Endpoint) -> None:
    neighbour = make_store(endpoint.store.merchant, base_url="https://two.example", name="Two")
    make_endpoint(neighbour, OTHER_TOKEN, OTHER_SECRET)

    refusals = [
        deliver("x" * 43),
        deliver("x"),
        deliver("x" * 2_000),
        deliver(secret="wrong"),
        deliver(OTHER_TOKEN, secret=SECRET),
        deliver(TOKEN, secret=OTHER_SECRET),
        deliver(HTTP_X_WC_WEBHOOK_SIGNATURE=""),
        deliver(HTTP_X_WC_WEBHOOK_SIGNATURE="é" * 44),
        deliver(HTTP_X_WC_WEBHOOK_SIGNATURE=f"{sign(BODY)},{sign(BODY)}"),
        deliver(HTTP_X_WC_WEBHOOK_SIGNATURE=f" {sign(BODY)}x"),
        deliver(HTTP_X_WC_WEBHOOK_SIGNATURE=sign(BODY).lower()),
        deliver(TOKEN.upper()),
    ]

    assert len({told(answer) for answer in refusals}) == 1
    assert refusals[0].status_code == 401
    assert not Delivery.objects.exists()


def test_a_token_without_its_secret_is_worth_nothing_and_the_secret_without_it_neither(
    endpoint: Endpoint,
) -> None:
    neighbour = make_store(endpoint.store.merchant, base_url="https://two.example", name="Two")
    make_endpoint(neighbour, OTHER_TOKEN, OTHER_SECRET)

    assert deliver(OTHER_TOKEN, secret=SECRET).status_code == 401
    assert deliver(OTHER_TOKEN, secret=OTHER_SECRET).status_code == 200
    assert set(Delivery.objects.values_list("store", flat=True)) == {neighbour.pk}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/woocommerce/webhooks/receive/{}",
        "/api/v1/woocommerce/webhooks/receive/{}/",
        "/api/v1/woocommerce/webhooks/receive/{}//",
        "/api/v1/woocommerce/webhooks/receive//{}",
        "/api/v1//woocommerce/webhooks/receive/{}",
        "//api/v1/woocommerce/webhooks/receive/{}",
        "/api/v1/woocommerce/webhooks/receive/%2e%2e/{}",
        "/api/v1/woocommerce/webhooks/receive/{}/../{}",
        "/api/v1/woocommerce/webhooks/receive/{}%2f",
        "/api/v1/woocommerce/webhooks/receive/{}%00",
        "/api/v1/woocommerce/webhooks/receive/{};x=1",
        "/api/v1/woocommerce/webhooks/receive/{}?next=//evil.example",
        "/API/v1/woocommerce/webhooks/receive/{}",
        "/api/v1/WooCommerce/webhooks/receive/{}",
        "/api/v1/shopify/webhooks/receive/{}",
        "/api/v1/woocommerce/webhooks/receive",
        "/api/v1/woocommerce/webhooks/receive/",
    ],
)
def test_no_spelling_of_the_address_is_answered_with_a_redirect(
    endpoint: Endpoint, path: str
) -> None:
    for secure in (False, True):
        answer = deliver(
            path=path.replace("{}", TOKEN), **{"wsgi.url_scheme": "https"} if secure else {}
        )

        assert answer.status_code in {200, 401, 404}, path
        assert "Location" not in answer
        assert (answer.status_code == 200) == Delivery.objects.exists(), path


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_no_header_turns_another_method_into_a_delivery(endpoint: Endpoint, verb: str) -> None:
    answer = Client().generic(
        verb,
        f"/api/v1/woocommerce/webhooks/receive/{TOKEN}",
        BODY,
        HTTP_X_HTTP_METHOD_OVERRIDE="POST",
        HTTP_X_WC_WEBHOOK_SIGNATURE=sign(BODY),
    )

    assert answer.status_code == 405
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    "topic",
    ["order.updated\r\nX-Evil: 1", "a\x00b", "\x1b[31m", "é" * 400, "x" * 10_000, "🦜", ""],
)
def test_a_hostile_topic_is_kept_as_harmless_text(endpoint: Endpoint, topic: str) -> None:
    assert deliver(HTTP_X_WC_WEBHOOK_TOPIC=topic).status_code == 200

    kept = Delivery.objects.get()
    assert kept.topic.isprintable()
    assert len(kept.topic) <= 80
    assert all(str(value).isprintable() for value in kept.headers.values())


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded", "x" * 5_000],
)
def test_the_kind_of_the_body_does_not_matter_its_signature_does(
    endpoint: Endpoint, content_type: str
) -> None:
    assert deliver(CONTENT_TYPE=content_type).status_code == 200


@pytest.mark.parametrize("length", ["", "x", "-1", "²", "33.0", "0x21", "+33"])
def test_a_body_of_no_certain_length_is_not_waited_for(endpoint: Endpoint, length: str) -> None:
    answer = deliver(CONTENT_LENGTH=length, HTTP_TRANSFER_ENCODING="chunked")

    assert answer.status_code == 411
    assert not Delivery.objects.exists()


def test_a_length_beyond_all_bounds_is_refused_at_once(endpoint: Endpoint) -> None:
    assert deliver(CONTENT_LENGTH="9" * 4_000).status_code == 413


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8000@evil.example", "a b", "[::"])
def test_a_foreign_host_name_is_refused_without_a_redirect(endpoint: Endpoint, host: str) -> None:
    answer = deliver(HTTP_HOST=host)

    assert answer.status_code == 400
    assert TOKEN not in answer.content.decode()
    assert not Delivery.objects.exists()


def test_an_old_secret_signs_until_its_hour_and_not_after(store: Store) -> None:
    endpoint = make_endpoint(store, TOKEN, OTHER_SECRET)
    vault = keys.vault(store.data_key_id)
    place = ("integrations_endpoint", "previous_secret_sealed", str(endpoint.pk))
    endpoint.previous_secret_sealed = vault.seal(SECRET.encode(), *place)
    endpoint.previous_valid_until = timezone.now() + timedelta(hours=24)
    endpoint.save()

    with time_machine.travel(endpoint.previous_valid_until - timedelta(seconds=1)):
        assert deliver(secret=SECRET).status_code == 200
    with time_machine.travel(endpoint.previous_valid_until + timedelta(seconds=1)):
        assert deliver(secret=SECRET).status_code == 401
        assert deliver(secret=OTHER_SECRET).status_code == 200

"""One-click connect: the store's own POST, and what the merchant's browser is shown after it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from integrations.models import Store
from tests.integrations.api.client import Api
from tests.integrations.api.shop import KEYS, Shop

CALLBACK = "/api/v1/woocommerce/oauth/callback"


@pytest.fixture
def public(settings: Any) -> None:
    settings.LOGIX_PUBLIC_URL = "https://hub.example"


def _begin(api: Api) -> str:
    """The reference the store will send back."""
    answer = api.post(
        "/woocommerce/connect", {"store_url": "https://pottery.example", "writes_enabled": True}
    )
    assert answer.status_code == 201, answer.content
    url = urlsplit(answer.json()["authorize_url"])
    query = parse_qs(url.query)
    assert url.netloc == "pottery.example"
    assert query["callback_url"] == [f"https://hub.example{CALLBACK}"]
    return query["user_id"][0]


def _store_posts(reference: str, **changes: Any) -> Any:
    body = {"key_id": 1, "user_id": reference, "key_permissions": "read_write", **KEYS, **changes}
    return Client(enforce_csrf_checks=True).post(
        CALLBACK, data=json.dumps(body), content_type="application/json"
    )


def test_the_store_hands_over_its_keys_and_hears_exactly_200(
    api: Api, shop: Shop, public: None
) -> None:
    reference = _begin(api)

    answer = _store_posts(reference)

    assert answer.status_code == 200, answer.content
    store = Store.objects.get()
    assert (store.status, store.writes_enabled) == ("active", True)
    page = Client().get(CALLBACK, {"success": "1", "user_id": reference})
    assert page.status_code == 200
    assert "Pottery is connected for Acme" in page.content.decode()
    assert page["Cache-Control"] == "no-store"


def test_a_reference_is_good_once(api: Api, shop: Shop, public: None) -> None:
    reference = _begin(api)
    _store_posts(reference)

    answer = _store_posts(reference)

    assert answer.status_code == 422
    assert answer.json()["code"] == "attempt_unknown"
    assert Store.objects.count() == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", b'{"user_id": "guess"}', b"x" * 100_000]
)
def test_nonsense_from_anyone_is_refused_and_makes_nothing(
    api: Api, shop: Shop, public: None, body: bytes
) -> None:
    _begin(api)

    answer = Client().post(CALLBACK, data=body, content_type="application/json")

    assert 400 <= answer.status_code < 500, answer.content
    assert not Store.objects.exists()


def test_keys_that_do_not_work_are_refused_and_the_browser_hears_why(
    api: Api, shop: Shop, public: None
) -> None:
    reference = _begin(api)

    answer = _store_posts(reference, consumer_secret="cs_wrong0123456789")

    assert answer.status_code == 422
    page = Client().get(CALLBACK, {"success": "1", "user_id": reference}).content.decode()
    assert "Not connected" in page
    assert "does not know this key" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"success": "0", "user_id": "x"}, "did not give your consent"),
        ({"success": "1", "user_id": "<script>"}, "has not sent its keys"),
        ({}, "has not sent its keys"),
    ],
)
def test_the_page_says_what_happened_and_repeats_nothing(
    db: None, query: dict[str, str], words: str
) -> None:
    page = Client().get(CALLBACK, query).content.decode()

    assert words in page
    assert "<script>" not in page


def test_a_hub_without_https_says_to_paste_keys(api: Api, shop: Shop) -> None:
    answer = api.post("/woocommerce/connect", {"store_url": "https://pottery.example"})

    assert answer.status_code == 422
    assert answer.json()["code"] == "public_url_required"

"""One-click connect: the reference is the only thing that ties a store's answer to our question."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import override_settings
from django.utils import timezone

from integrations import authentication, connect
from integrations.errors import AuthenticationFailed, Unsupported
from integrations.models import ConnectAttempt, Store, StoreStatus
from logix.accounts.models import AuditEvent, Merchant
from tests.integrations.conftest import ADDRESS
from tests.integrations.fakeshop import world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def reachable_hub() -> Any:
    with override_settings(LOGIX_PUBLIC_URL="https://hub.example"):
        yield


def begin(merchant: Merchant, **options: Any) -> tuple[str, ConnectAttempt]:
    return connect.begin_one_click(
        merchant=merchant,
        platform="fakeshop",
        base_url="fake.example",
        actor="user:anna",
        options=options,
    )


def reference_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["ref"][0]


def answer(reference: str, opens_with: str = "s3cret") -> bytes:
    return json.dumps({"ref": reference, "key": "k_1", "secret": opens_with}).encode()


def test_the_merchant_is_sent_to_the_store_with_a_reference_we_do_not_keep(
    shop: world.Shop, merchant: Merchant
) -> None:
    url, attempt = begin(merchant)

    reference = reference_in(url)
    assert url.startswith(f"{ADDRESS}/allow?")
    assert parse_qs(urlsplit(url).query)["to"] == [
        "https://hub.example/api/v1/fakeshop/oauth/callback"
    ]
    assert parse_qs(urlsplit(url).query)["app"] == ["Logix for Acme"]
    assert len(reference) >= 43
    assert reference not in str(ConnectAttempt.objects.values().get())
    assert attempt.expires_at > timezone.now()
    assert shop.calls == []
    assert AuditEvent.objects.get().action == "store.connect_started"


def test_the_keys_the_store_sends_connect_it(shop: world.Shop, merchant: Merchant) -> None:
    url, attempt = begin(merchant, name="Cologne", writes_enabled=True, adopt_stock=False)

    store = connect.finish_one_click("fakeshop", answer(reference_in(url)))

    assert (store.name, store.status, store.writes_enabled) == ("Cologne", "active", True)
    assert store.options == {"adopt_stock": False}
    attempt.refresh_from_db()
    assert attempt.store == store
    assert attempt.used_at is not None


def test_a_reference_is_good_once(shop: world.Shop, merchant: Merchant) -> None:
    url, _ = begin(merchant)
    connect.finish_one_click("fakeshop", answer(reference_in(url)))

    with pytest.raises(connect.ConnectError, match="used already"):
        connect.finish_one_click("fakeshop", answer(reference_in(url)))


def test_a_reference_expires(shop: world.Shop, merchant: Merchant) -> None:
    url, _ = begin(merchant)
    ConnectAttempt.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(connect.ConnectError) as caught:
        connect.finish_one_click("fakeshop", answer(reference_in(url)))

    assert caught.value.code == "attempt_unknown"
    assert not Store.objects.exists()


def test_a_guessed_reference_is_refused(shop: world.Shop, merchant: Merchant) -> None:
    begin(merchant)

    with pytest.raises(connect.ConnectError, match="unknown"):
        connect.finish_one_click("fakeshop", answer("guess"))


def test_an_attempt_that_fails_keeps_the_reason(shop: world.Shop, merchant: Merchant) -> None:
    url, attempt = begin(merchant)

    with pytest.raises(AuthenticationFailed):
        connect.finish_one_click("fakeshop", answer(reference_in(url), opens_with="wrong"))

    attempt.refresh_from_db()
    assert "did not accept the credentials" in attempt.problem
    assert attempt.store is None
    assert not Store.objects.exists()


def test_a_store_that_refused_its_keys_is_renewed(shop: world.Shop, merchant: Merchant) -> None:
    first = connect.finish_one_click("fakeshop", answer(reference_in(begin(merchant)[0])))
    authentication.note_failure(first, AuthenticationFailed("revoked"))
    shop.secret = "n3w"

    url, _ = begin(merchant)
    store = connect.finish_one_click("fakeshop", answer(reference_in(url), opens_with="n3w"))

    assert store.pk == first.pk
    assert Store.objects.get().status == StoreStatus.ACTIVE
    assert authentication.read_credentials(store)["secret"] == "n3w"


def test_a_store_that_works_is_not_connected_twice(shop: world.Shop, merchant: Merchant) -> None:
    connect.finish_one_click("fakeshop", answer(reference_in(begin(merchant)[0])))

    with pytest.raises(connect.ConnectError, match="already"):
        begin(merchant)


def test_a_hub_without_https_says_to_paste_the_keys(shop: world.Shop, merchant: Merchant) -> None:
    with (
        override_settings(LOGIX_PUBLIC_URL="http://hub.example"),
        pytest.raises(connect.ConnectError, match="paste the keys"),
    ):
        begin(merchant)


def test_a_platform_without_it_says_so(
    shop: world.Shop, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from integrations.platform import Ability
    from tests.integrations.fakeshop.platform import CARD

    monkeypatch.setattr("tests.integrations.fakeshop.platform.CARD", _without(CARD, Ability))

    with pytest.raises(Unsupported, match="Keys only"):
        begin(merchant)


def _without(card: Any, ability: Any) -> Any:
    from dataclasses import replace

    gone = ability.ONE_CLICK_CONNECT
    return replace(
        card, abilities=card.abilities - {gone}, exempt={**card.exempt, gone: "Keys only."}
    )

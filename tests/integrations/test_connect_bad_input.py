"""What people get wrong when they connect a WooCommerce store: each case has a sentence for whoever
can act, nothing is kept, and nothing is raised by a test.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations import connect
from integrations.connect import options as store_options
from integrations.errors import PlatformError
from integrations.kit import wire
from integrations.models import CallLog, Credential, Endpoint, Store, StoreStatus
from logix.accounts.models import DataKey, Merchant
from tests.integrations.fakeshop.platform import CARD as FAKE_CARD
from tests.integrations.kit.conftest import Authority
from tests.integrations.wordpress import KEYS, WordPress, page

pytestmark = pytest.mark.django_db

WRONG = {**KEYS, "consumer_key": "ck_ffffffffffffffffffffffffffffffffffffffff"}


@pytest.fixture
def site() -> Iterator[Callable[..., WordPress]]:
    """Makes WordPress sites."""
    made: list[WordPress] = []

    def make(**options: Any) -> WordPress:
        made.append(WordPress(**options))
        return made[-1]

    yield make
    for found in made:
        found.server.close()


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """A certificate authority this hub trusts."""
    authority = Authority(tmp_path)
    monkeypatch.setattr(wire.certifi, "where", lambda: str(authority.bundle))
    wire.tls_context.cache_clear()
    yield authority
    wire.tls_context.cache_clear()


def attempt(merchant: Merchant, url: str, keys: dict[str, str] = KEYS) -> tuple[str, str]:
    """Try, then connect: (sentence, code) of both, which must agree; nothing may be left behind."""
    tried = connect.try_connection(platform="woocommerce", base_url=url, credentials=keys)
    with pytest.raises(PlatformError) as caught:
        connect.connect_store(
            merchant=merchant,
            platform="woocommerce",
            base_url=url,
            credentials=keys,
            actor="user:anna",
        )
    assert not tried.ok
    assert (str(caught.value), caught.value.code) == (tried.sentence, tried.error_code)
    for model in (Store, DataKey, Credential, Endpoint):
        assert not model.objects.exists()
    assert keys["consumer_secret"] not in tried.sentence
    return tried.sentence, tried.error_code


def test_a_right_store_connects_and_its_webhooks_are_made(
    site: Callable[..., WordPress], merchant: Merchant
) -> None:
    wordpress = site()

    store = connect.connect_store(
        merchant=merchant,
        platform="woocommerce",
        base_url=wordpress.url,
        credentials=KEYS,
        writes_enabled=True,
        actor="user:anna",
    )

    assert (store.name, store.version, store.currency) == ("Mugs", "11.0.1", "EUR")
    assert len(wordpress.hooks) == 8
    assert Endpoint.objects.get().problem == ""


def test_a_wrong_key(site: Callable[..., WordPress], merchant: Merchant) -> None:
    sentence, _ = attempt(merchant, site().url, WRONG)

    assert sentence == (
        "localhost did not accept the credentials. It said: Consumer key is invalid. "
        "Make a new key in WooCommerce → Settings → Advanced → REST API, with permission "
        "Read/Write, and enter it in Logix."
    )


def test_a_read_only_key_reads_with_a_warning_and_is_refused_for_writing(
    site: Callable[..., WordPress], merchant: Merchant
) -> None:
    wordpress = site(may_write=False)
    wanted: dict[str, Any] = {
        "merchant": merchant,
        "platform": "woocommerce",
        "base_url": wordpress.url,
        "credentials": KEYS,
        "actor": "user:anna",
    }

    with pytest.raises(connect.ConnectError, match="permission to read and write") as caught:
        connect.connect_store(**wanted, writes_enabled=True)
    assert caught.value.code == "read_only_key"
    assert not Store.objects.exists()

    store = connect.connect_store(**wanted)
    (warning,) = connect.test_connection(store, actor="user:anna").warnings
    assert "no stock, status or tracking can be sent" in warning
    assert store.is_active
    assert "write permissions" in Endpoint.objects.get().problem


def test_http_where_https_is_needed(merchant: Merchant) -> None:
    sentence, code = attempt(merchant, "http://shop.example")

    assert (sentence, code) == (
        "The store's address must begin with https://.",
        "https_required",
    )


def test_a_site_that_is_no_store(site: Callable[..., WordPress], merchant: Merchant) -> None:
    sentence, _ = attempt(merchant, site(mood=page(404)).url)

    assert sentence == (
        "There is no WordPress REST API at this address. Enter the address of the store's front "
        "page; if it is that, a plugin may have switched the API off."
    )


def test_a_wordpress_without_woocommerce(
    site: Callable[..., WordPress], merchant: Merchant
) -> None:
    sentence, code = attempt(merchant, site(namespaces=("wp/v2",)).url)

    assert "WooCommerce does not. Ask the store's operator" in sentence
    assert code == "not_a_store"


def test_an_html_answer_that_claims_to_be_fine(
    site: Callable[..., WordPress], merchant: Merchant
) -> None:
    sentence, code = attempt(merchant, site(mood=page(200)).url)

    assert sentence.startswith("There is no WordPress REST API at this address.")
    assert code == "not_a_store"


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.10", "169.254.169.254", "[fd00::1]"])
def test_a_private_address(merchant: Merchant, address: str) -> None:
    sentence, code = attempt(merchant, f"https://{address}")

    assert "not a public internet address" in sentence
    assert "ask the operator of this hub" in sentence
    assert code == "address_refused"


def test_a_name_that_leads_to_a_private_address(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: inside)

    sentence, _ = attempt(merchant, "https://shop.example")

    assert sentence.startswith("shop.example leads to 10.0.0.5")


def test_a_name_that_does_not_exist(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_a: Any, **_k: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    sentence, code = attempt(merchant, "https://shop.example")

    assert sentence == (
        "The name shop.example could not be found in DNS. Check the store's address."
    )
    assert code == "dns"


def test_a_store_that_redirects_names_the_address_to_enter(
    site: Callable[..., WordPress], merchant: Merchant
) -> None:
    moved = site(mood=page(301, Location="https://www.shop.example/wp-json/"))

    sentence, code = attempt(merchant, moved.url)

    assert sentence == (
        "The store's address redirects to https://www.shop.example; enter that address."
    )
    assert code == "redirected"


def test_a_store_in_maintenance(site: Callable[..., WordPress], merchant: Merchant) -> None:
    sentence, code = attempt(merchant, site(mood=page(503, Retry_After="600")).url)

    assert sentence == (
        "localhost is overloaded or in maintenance. Try again when the store is open."
    )
    assert code == "maintenance"


def test_a_firewall_in_front(site: Callable[..., WordPress], merchant: Merchant) -> None:
    sentence, _ = attempt(merchant, site(mood=page(403)).url)

    assert "Ask the store's operator to let this hub's address through." in sentence


def test_nobody_at_the_door(merchant: Merchant) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

    sentence, _ = attempt(merchant, f"http://127.0.0.1:{port}")

    assert "refused the connection" in sentence
    assert "Check the address, and that the store is up." in sentence


def test_an_expired_certificate(
    site: Callable[..., WordPress], merchant: Merchant, trusted: Authority
) -> None:
    expired = site(tls=trusted.server("localhost", expired=True))

    sentence, code = attempt(merchant, expired.url)

    assert sentence == (
        "The certificate of localhost has expired. The store's operator must renew it."
    )
    assert code == "tls_expired"


def test_a_certificate_nobody_vouches_for(
    site: Callable[..., WordPress], merchant: Merchant, trusted: Authority
) -> None:
    own = site(tls=trusted.server("localhost", own=True))

    sentence, _ = attempt(merchant, own.url)

    assert "is self-signed" in sentence


def test_a_host_that_strips_the_authorization_header_is_learned(
    site: Callable[..., WordPress], merchant: Merchant, trusted: Authority
) -> None:
    wordpress = site(tls=trusted.server("localhost"), strips=True)

    store = connect.connect_store(
        merchant=merchant,
        platform="woocommerce",
        base_url=wordpress.url,
        credentials=KEYS,
        actor="user:anna",
    )

    assert Store.objects.get(pk=store.pk).features["auth"] == "query"
    before = len(wordpress.server.requests)
    assert connect.test_connection(store, actor="user:anna").ok
    asked = wordpress.server.requests[before:]
    assert not any("Authorization" in request.headers for request in asked)


@pytest.mark.django_db(transaction=True)
def test_a_connected_store_that_goes_wrong_is_told_in_words_within_two_seconds(
    site: Callable[..., WordPress], merchant: Merchant
) -> None:
    wordpress = site()
    store = connect.connect_store(
        merchant=merchant,
        platform="woocommerce",
        base_url=wordpress.url,
        credentials=KEYS,
        actor="user:anna",
    )
    moods = {
        "redirected": page(302, Location="https://elsewhere.example/"),
        "maintenance": page(503, Retry_After="3600"),
        "not_a_store": page(404),
        "firewall": page(403),
    }
    for code, mood in moods.items():
        wordpress.mood = mood
        result = connect.test_connection(store, actor="user:anna")
        assert (result.ok, result.error_code) == (False, code)
        assert result.sentence.endswith(".")
        assert result.elapsed_s < 2
    wordpress.mood = None
    assert connect.test_connection(store, actor="user:anna").ok
    kept = Store.objects.get(pk=store.pk)
    assert kept.status == StoreStatus.ACTIVE
    assert kept.last_ok_at is not None
    assert CallLog.objects.filter(store=store, error="redirected").exists()
    assert not CallLog.objects.filter(route__contains="oauth").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"colour": "blue"}, "There is no option colour."),
        ({"calls_per_s": 0}, "The option calls_per_s must be a number from 0.1 to 100."),
        ({"adopt_stock": "no"}, "The option adopt_stock must be true or false."),
        ({"status_words": ["x"]}, "must map statuses of this store"),
        ({"status_words": {"completed": "pending"}}, "own status “completed” another meaning"),
        ({"status_words": {"wc-shipped": "completed"}}, "which WooCommerce never says"),
        ({"status_words": {"shipped": "sent"}}, "maps “shipped” to “sent”; choose one of"),
    ],
)
def test_an_option_that_cannot_be_right_is_named(
    merchant: Merchant, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(connect.ConnectError) as caught:
        connect.connect_store(
            merchant=merchant,
            platform="woocommerce",
            base_url="https://shop.example",
            credentials=KEYS,
            options=options,
            actor="user:anna",
        )

    assert sentence in caught.value.message
    assert not Store.objects.exists()


def test_an_option_of_another_platform_is_refused(merchant: Merchant) -> None:
    with pytest.raises(connect.ConnectError, match="is not used by FakeShop"):
        store_options.check(FAKE_CARD, {"status_words": {"a": "b"}})

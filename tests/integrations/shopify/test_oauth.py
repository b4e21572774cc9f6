"""Consent at Shopify: where people are sent, what comes back and is believed, and tokens."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from integrations.errors import AuthenticationFailed, Misconfigured, Rejected, Unavailable
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import Grant, Journey, OAuthApp
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import RateLimit
from integrations.shopify import oauth
from tests.integrations.kit.server import ScriptedStore, answer

APP = OAuthApp("0123456789abcdef0123456789abcdef", "shpss_hush-hush-hush")
STORE = "https://acme.myshopify.com"
NOW = 1_795_000_000
GRANT = {
    "access_token": "shpat_new",
    "scope": "read_orders,write_products",
    "expires_in": 3600,
    "refresh_token": "shprt_new",
    "refresh_token_expires_in": 7776000,
}


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth.time, "time", lambda: float(NOW))


def signed(**changes: str) -> dict[str, str]:
    """A redirect as Shopify makes it, signed after the changes."""
    query = {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "host": "YWRtaW4uc2hvcGlmeS5jb20",
        "shop": "acme.myshopify.com",
        "state": "8f3c0d2b",
        "timestamp": str(NOW),
        **changes,
    }
    message = "&".join(f"{k}={v}" for k, v in sorted(query.items()))
    query["hmac"] = hmac.new(APP.client_secret.encode(), message.encode(), sha256).hexdigest()
    return query


def test_the_merchant_is_sent_to_the_store_with_what_is_asked() -> None:
    scopes = ["read_orders", "write_orders"]
    url = oauth.authorize_url(
        APP, f"{STORE}/", "https://hub.example/cb", "8f3c0d2b", scopes, "", Journey()
    )

    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{STORE}/admin/oauth/authorize"
    assert parse_qs(parts.query) == {
        "client_id": [APP.client_id],
        "scope": ["read_orders,write_orders"],
        "redirect_uri": ["https://hub.example/cb"],
        "state": ["8f3c0d2b"],
    }
    assert APP.client_secret not in url


def test_a_redirect_that_shopify_signed_brings_the_code() -> None:
    assert oauth.read_redirect(APP, STORE, signed()).code == "0907a61c0c8d55e99db179b68161bc00"


@pytest.mark.parametrize("extra", [{"locale": "pt-PT"}, {"session": "a1"}])
def test_parameters_that_came_with_it_are_signed_as_well(extra: dict[str, str]) -> None:
    assert oauth.read_redirect(APP, STORE, signed(**extra))


def test_a_blank_is_signed_as_percent_20() -> None:
    query = signed()
    query["note"] = "a b&c"
    message = "&".join(
        f"{k}={v}" for k, v in sorted({**query, "note": "a%20b%26c"}.items()) if k != "hmac"
    )
    query["hmac"] = hmac.new(APP.client_secret.encode(), message.encode(), sha256).hexdigest()

    assert oauth.read_redirect(APP, STORE, query)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"code": "another"},
        {"shop": "evil.myshopify.com"},
        {"timestamp": str(NOW + 1)},
        {"hmac": ""},
        {"hmac": "0" * 64},
        {"hmac": "é" * 64},
        {"new": "x"},
    ],
)
def test_what_was_changed_on_the_way_is_forged(spoilt: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        oauth.read_redirect(APP, STORE, {**signed(), **spoilt})

    assert caught.value.code == "redirect_forged"


def test_a_signature_in_capitals_is_none() -> None:
    query = signed()

    with pytest.raises(AuthenticationFailed):
        oauth.read_redirect(APP, STORE, {**query, "hmac": query["hmac"].upper()})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"shop": "other.myshopify.com"}, "redirect_foreign"),
        ({"shop": "acme.myshopify.com.evil.example"}, "redirect_foreign"),
        ({"shop": ""}, "redirect_foreign"),
        ({"timestamp": str(NOW - 91)}, "redirect_old"),
        ({"timestamp": str(NOW + 91)}, "redirect_old"),
        ({"timestamp": "soon"}, "redirect_old"),
        ({"timestamp": "9" * 40}, "redirect_old"),
        ({"code": ""}, "redirect_forged"),
    ],
)
def test_a_redirect_for_another_store_or_another_hour_is_refused(
    changes: dict[str, str], code: str
) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        oauth.read_redirect(APP, STORE, signed(**changes))

    assert caught.value.code == code
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("shop", "is_right"), [("acme.myshopify.com", True), ("evil.com", False)])
def test_a_simulated_store_signs_by_its_domain(shop: str, is_right: bool) -> None:
    query = signed(shop=shop)

    if is_right:
        assert oauth.read_redirect(APP, "http://127.0.0.1:8010", query)
    else:
        with pytest.raises(AuthenticationFailed):
            oauth.read_redirect(APP, "http://127.0.0.1:8010", query)


@pytest.mark.parametrize("seconds", [-90, 90])
def test_clocks_may_differ_by_a_minute_and_a_half(seconds: int) -> None:
    assert oauth.read_redirect(APP, STORE, signed(timestamp=str(NOW + seconds)))


# -- Tokens ------------------------------------------------------------------------------------


@pytest.fixture
def store() -> Iterator[ScriptedStore]:
    made = ScriptedStore([answer(200, GRANT)])
    yield made
    made.close()


def session(store: ScriptedStore) -> PlatformSession:
    return PlatformSession(
        store.url,
        limiter=MemoryLimiter({"default": RateLimit(rate=1000, burst=1000)}),
        breaker=MemoryBreaker(),
        guard=AddressGuard(allow_loopback_http=True),
        sleep=lambda _seconds: None,
    )


def form(store: ScriptedStore) -> dict[str, str]:
    (request,) = store.requests
    assert (request.method, request.path) == ("POST", "/admin/oauth/access_token")
    assert "X-Shopify-Access-Token" not in request.headers
    return dict(parse_qsl(request.body.decode()))


def test_a_code_is_exchanged_for_tokens_that_run_out(store: ScriptedStore) -> None:
    before = datetime.now(UTC)

    grant = oauth.exchange(session(store), APP, "c0de", "https://hub.example/cb", "")

    assert form(store) == {
        "client_id": APP.client_id,
        "client_secret": APP.client_secret,
        "code": "c0de",
        "expiring": "1",
    }
    assert (grant.access_token, grant.refresh_token) == ("shpat_new", "shprt_new")
    assert grant.scopes == ("read_orders", "write_products")
    assert grant.expires_at is not None
    assert timedelta(minutes=59) < grant.expires_at - before <= timedelta(minutes=61)


def test_a_refresh_token_is_exchanged_for_a_new_pair(store: ScriptedStore) -> None:
    grant = oauth.refresh(session(store), APP, "shprt_old")

    assert form(store) == {
        "client_id": APP.client_id,
        "client_secret": APP.client_secret,
        "grant_type": "refresh_token",
        "refresh_token": "shprt_old",
    }
    assert grant.refresh_token == "shprt_new"


def test_an_app_of_the_stores_own_asks_for_a_token_by_itself(store: ScriptedStore) -> None:
    told = {"access_token": "shpat_day", "scope": "read_orders", "expires_in": 86399}
    store.scripts = [answer(200, told)]

    grant = oauth.client_credentials(session(store), APP)

    assert form(store)["grant_type"] == "client_credentials"
    assert (grant.access_token, grant.refresh_token) == ("shpat_day", "")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "invalid_grant", AuthenticationFailed),
        (400, "invalid_client", Misconfigured),
        (503, "busy", Unavailable),
    ],
)
def test_a_refusal_says_who_must_act_and_repeats_no_secret(
    store: ScriptedStore, status: int, error: str, kind: type[Exception]
) -> None:
    body: dict[str, Any] = {"error": error, "error_description": f"bad {APP.client_secret}"}
    store.scripts = [answer(status, body)]

    with pytest.raises(kind) as caught:
        oauth.refresh(session(store), APP, "shprt_old-and-secret")

    shown = f"{caught.value!r} {caught.value}"
    assert APP.client_secret not in shown
    assert "shprt_old-and-secret" not in shown


def test_why_an_app_gets_no_tokens_for_a_shop_is_told(store: ScriptedStore) -> None:
    """As a merchant meets it who made an app and did not install it."""
    reason = "The app is not installed on this shop."
    store.scripts = [
        answer(400, {"error": "app_not_installed", "error_description": reason}),
    ]

    with pytest.raises(Rejected, match=reason):
        oauth.client_credentials(session(store), APP)


def test_a_grant_shows_no_token() -> None:
    assert "shpat" not in repr(Grant(access_token="shpat_new", refresh_token="shprt_new"))
    assert APP.client_secret not in repr(APP)

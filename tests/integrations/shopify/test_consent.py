"""Consent from the browser's first step to a call with the tokens, at the simulated store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.errors import AuthenticationFailed, Rejected
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import Journey, OAuthApp, StaticToken
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import Connection, RateLimit
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.shop import Shop
from integrations.shopify import oauth
from integrations.shopify.platform import CARD
from integrations.shopify.service import ShopifyIntegration
from tests.integrations.shopify.agreeing import agree

APP = OAuthApp("sandboxclientid", "shpss_sandbox")
BACK = "http://127.0.0.1:8000/back"


@pytest.fixture
def url() -> Iterator[str]:
    """A public app's store, where only tokens that run out are let in."""
    options = StoreOptions(orders=3, products=3, access_token="", app_kind="public")
    with Server(Shop(options, webhook_delay_s=0, has_control=False)) as server:
        yield server.url


def session(url: str) -> PlatformSession:
    return PlatformSession(
        url,
        limiter=MemoryLimiter({"default": RateLimit(rate=1000, burst=1000)}),
        breaker=MemoryBreaker(),
        guard=AddressGuard(allow_loopback_http=True),
    )


def adapter(url: str, token: str) -> ShopifyIntegration:
    return ShopifyIntegration(
        Connection(
            store_id="s1",
            base_url=url,
            credentials={},
            http=session(url),
            token=StaticToken(token),
        )
    )


def consent(url: str) -> dict[str, str]:
    """What the browser brings back from the merchant's yes."""
    return agree(oauth.authorize_url(APP, url, BACK, "a1B2", CARD.wanted_scopes, "", Journey()))


def test_consent_ends_in_a_pair_of_tokens_that_renew_each_other(url: str) -> None:
    query = consent(url)
    assert query["state"] == "a1B2"

    grant = oauth.exchange(session(url), APP, oauth.read_redirect(APP, url, query).code, BACK, "")

    assert grant.refresh_token
    assert grant.expires_at is not None
    identity = adapter(url, grant.access_token).identify()
    assert identity.missing == ()

    later = oauth.refresh(session(url), APP, grant.refresh_token)
    assert later.access_token != grant.access_token
    assert adapter(url, later.access_token).authenticate() is True


def test_an_answer_that_was_lost_may_be_asked_for_again(url: str) -> None:
    grant = oauth.exchange(session(url), APP, consent(url)["code"], BACK, "")

    oauth.refresh(session(url), APP, grant.refresh_token)
    again = oauth.refresh(session(url), APP, grant.refresh_token)

    assert adapter(url, again.access_token).authenticate() is True


def test_a_code_is_good_once(url: str) -> None:
    code = consent(url)["code"]
    oauth.exchange(session(url), APP, code, BACK, "")

    with pytest.raises((AuthenticationFailed, Rejected)):
        oauth.exchange(session(url), APP, code, BACK, "")


def test_an_app_of_the_stores_own_gets_a_token_for_a_day() -> None:
    shop = Shop(StoreOptions(orders=3, products=3), webhook_delay_s=0, has_control=False)
    with Server(shop) as server:
        grant = oauth.client_credentials(session(server.url), APP)

        assert grant.refresh_token == ""
        assert adapter(server.url, grant.access_token).authenticate() is True

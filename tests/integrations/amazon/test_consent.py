"""Consent at Seller Central: begun here, begun in the Appstore, and whose account comes of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from integrations import authentication, connect
from integrations.amazon import oauth
from integrations.amazon.marketplaces import HOSTS
from integrations.errors import AuthenticationFailed, Misconfigured
from integrations.kit.oauth2 import Journey, OAuthApp
from integrations.models import Store, StoreStatus
from logix.accounts.models import Merchant
from logix.common import bell
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.world import SELLER, AmazonWorld

APP = {
    "client_id": "amzn1.application-oa2-client.sandbox",
    "client_secret": "amzn1.oa2-cs.v1.sandbox",
    "application_id": "amzn1.sp.solution.sandbox",
}
HUB = OAuthApp(**APP)
BACK = "https://hub.example/api/v1/amazon/oauth/callback"


def url_of(region: str, app: OAuthApp = HUB, **journey: Any) -> str:
    return oauth.authorize_url(
        app, f"https://{HOSTS[region]}", BACK, "a1B2", ["role"], "", Journey(**journey)
    )


# -- where the seller is sent


@pytest.mark.parametrize(
    ("region", "typed", "named", "host"),
    [
        ("eu", "EU", [], "sellercentral-europe.amazon.com"),
        ("eu", "amazon.fr", [], "sellercentral-europe.amazon.com"),
        ("eu", "https://sellercentral.amazon.nl/home", [], "sellercentral.amazon.nl"),
        ("eu", "EU", ["PL", "DE"], "sellercentral.amazon.pl"),
        ("eu", "amazon.se", ["PL"], "sellercentral.amazon.se"),
        ("na", "https://sellingpartnerapi-na.amazon.com", [], "sellercentral.amazon.com"),
        ("na", "MX", [], "sellercentral.amazon.com.mx"),
        ("fe", "FE", [], "sellercentral-japan.amazon.com"),
        ("fe", "amazon.com.au", [], "sellercentral.amazon.com.au"),
    ],
)
def test_a_seller_is_sent_to_where_they_sign_in(
    region: str, typed: str, named: list[str], host: str
) -> None:
    sent = urlsplit(url_of(region, typed=typed, options={"marketplaces": named}))

    assert f"{sent.scheme}://{sent.netloc}{sent.path}" == f"https://{host}/apps/authorize/consent"
    assert dict(parse_qsl(sent.query)) == {
        "application_id": HUB.application_id,
        "redirect_uri": BACK,
        "state": "a1B2",
    }


def test_a_draft_says_so_and_an_app_without_its_other_name_cannot_be_consented_to() -> None:
    assert "version=beta" in url_of("eu", options={"app_is_draft": "yes"})
    with pytest.raises(Misconfigured, match="application ID"):
        url_of("eu", OAuthApp("id", "secret"))


@pytest.mark.parametrize("host", ["sellercentral.amazon.de", "amazon.com", "www.amazon.com"])
def test_who_begins_in_the_appstore_goes_on_at_the_page_that_sent_them(host: str) -> None:
    page = f"https://{host}/apps/authorize/confirm/amzn1.sellerapps.app.2eca283f-9f5a"

    sent = urlsplit(
        url_of(
            "eu",
            OAuthApp("id", "secret"),
            came_with={"amazon_callback_uri": page, "amazon_state": "s p", "version": "beta"},
        )
    )

    assert f"{sent.scheme}://{sent.netloc}{sent.path}" == page
    assert dict(parse_qsl(sent.query)) == {
        "redirect_uri": BACK,
        "state": "a1B2",
        "version": "beta",
        "amazon_state": "s p",
    }


def test_the_page_that_sent_them_says_nothing_in_our_place() -> None:
    page = "https://sellercentral.amazon.de/apps/authorize/confirm/x"
    query = "a=1&state=theirs&redirect_uri=https%3A%2F%2Fevil.example"

    sent = url_of("eu", came_with={"amazon_callback_uri": f"{page}?{query}#here"})

    assert sent.startswith(f"{page}?")
    assert parse_qsl(urlsplit(sent).query) == [
        ("a", "1"),
        ("redirect_uri", BACK),
        ("state", "a1B2"),
    ]
    assert "#" not in sent


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/apps",
        "http://sellercentral.amazon.de/apps",
        "https://sellercentral.amazon.de.evil.example/apps",
        "https://sellercentral.amazon.de@evil.example/apps",
        "https://amazon.com/apps/authorize/confirm",
        "https://amazon.com/apps/authorize/confirm/../../gp/redirect.html",
        "https://amazon.com/gp/redirect.html?to=/apps/authorize/confirm/amzn1",
        "https://amazon.com/gp/apps/authorize/confirm/amzn1",
        "https://amazon.com@evil.example/apps/authorize/confirm/amzn1",
        "https://amazon.com.evil.example/apps/authorize/confirm/amzn1",
        "https://smile.amazon.com/apps/authorize/confirm/amzn1",
        "http://amazon.com/apps/authorize/confirm/amzn1",
        "//evil.example",
        "javascript:alert(1)",
    ],
)
def test_no_other_page_sends_a_browser_on(page: str) -> None:
    with pytest.raises(Misconfigured, match="no page of Amazon"):
        url_of("eu", came_with={"amazon_callback_uri": page})


@pytest.mark.parametrize(
    "query",
    [
        {"selling_partner_id": SELLER},
        {"spapi_oauth_code": "RHx"},
        {"spapi_oauth_code": "RHx", "selling_partner_id": "../../orders"},
    ],
)
def test_an_answer_without_code_or_account_is_none(query: dict[str, str]) -> None:
    with pytest.raises(AuthenticationFailed):
        oauth.read_redirect(HUB, f"https://{HOSTS['eu']}", query)


# -- all the way, over HTTP


@pytest.fixture
def merchant(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    return make_merchant()


def agreed(page: str) -> dict[str, str]:
    """The seller reads the page and confirms; what the browser is sent back with."""
    shown = requests.get(page, timeout=5, allow_redirects=False)
    if shown.status_code == 200:
        assert "Inventory and Order Tracking" in shown.text
        shown = requests.post(page, data={"answer": "authorise"}, timeout=5, allow_redirects=False)
    assert shown.status_code == 302, shown.text
    return dict(parse_qsl(urlsplit(shown.headers["Location"]).query))


def begun(world: AmazonWorld, merchant: Merchant, **more: Any) -> str:
    asked = {"credentials": APP, "actor": "user:anna", **more}
    return connect.begin_oauth(merchant=merchant, platform="amazon", base_url=world.url, **asked)[0]


def test_a_seller_who_consents_is_connected_and_read(
    world: AmazonWorld, merchant: Merchant
) -> None:
    store = connect.finish_oauth("amazon", agreed(begun(world, merchant)), merchant=merchant)

    assert store.status == StoreStatus.ACTIVE
    assert store.features["account"] == SELLER
    held = authentication.held(store)
    assert dict(held.values) == {**APP, "seller_id": SELLER}
    with authentication.adapter_for(store) as adapter:
        assert adapter.identify().missing == ()
    before = held.access_token
    with world.shop.store.working():
        world.shop.store.state.login.accesses.clear()
    with authentication.adapter_for(store) as adapter:
        assert adapter.authenticate()
    assert authentication.held(store).access_token != before
    assert authentication.held(store).refresh_token == held.refresh_token

    again = connect.finish_oauth("amazon", agreed(begun(world, merchant)), merchant=merchant)
    assert again.pk == store.pk
    assert authentication.held(store).refresh_token != held.refresh_token


def test_one_who_begins_in_the_appstore_is_asked_for_whom_and_connected(
    make_world: MakeWorld, merchant: Merchant, admin_client: Client, admin_user: User
) -> None:
    form = reverse("admin:integrations_store_consent", args=["amazon"])
    world = make_world(orders=3, login_uri=f"http://127.0.0.1:8000{form}", is_draft=True)
    listed = f"{world.url}/apps/store/{APP['application_id']}"
    sent = requests.get(listed, timeout=5, allow_redirects=False).headers["Location"]
    came_with = urlsplit(sent).query
    address = f"{form}?{came_with}"

    page = admin_client.get(address)
    assert f'value="{world.url}' in page.content.decode()
    typed = {"merchant": str(merchant.pk), "store_url": world.url, **APP}
    leaving = admin_client.post(address, typed)
    assert leaving.status_code == 200
    on = leaving.context["url"]
    assert on.startswith(f"{world.url}/apps/authorize/confirm/")
    back = admin_client.get(f"/api/v1/amazon/oauth/callback?{urlencode(agreed(on))}")

    assert back.status_code == 200, back.content
    store = Store.objects.get()
    assert (store.merchant, store.features["account"]) == (merchant, SELLER)


def test_a_store_is_connected_again_the_way_it_was_connected(
    make_world: MakeWorld, merchant: Merchant
) -> None:
    own, consented = make_world(orders=0), make_world(orders=0)
    by_token = connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=own.url,
        credentials=own.credentials,
        actor="user:anna",
    )
    by_consent = connect.finish_oauth(
        "amazon", agreed(begun(consented, merchant)), merchant=merchant
    )
    Store.objects.update(status=StoreStatus.NEEDS_MERCHANT)
    by_token.refresh_from_db()
    by_consent.refresh_from_db()

    assert connect.reconnect_at(by_token) == f"/api/v1/amazon/integrations/{by_token.pk}"
    assert connect.reconnect_at(by_consent) == "/api/v1/amazon/oauth/authorize"

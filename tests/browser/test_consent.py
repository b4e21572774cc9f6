"""Whoever comes back from a platform is asked for whom, on a phone as on a screen; a real browser's
form is let in without a referrer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from integrations import connect
from integrations.models import ConnectAttempt, Store
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.shop import Shop
from logix.accounts.models import Merchant
from tests.browser.conftest import PHONE, Watched
from tests.browser.hub import Hub
from tests.integrations.shopify.agreeing import agree

pytestmark = pytest.mark.browser

APP = {"client_id": "0123456789abcdef" * 2, "client_secret": "shpss_" + "0" * 32}
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützen & Söhne " * 2


@pytest.fixture
def callback(hub: Hub, live_server: Any, settings: Any) -> Iterator[str]:
    """What the browser of a shop's owner comes back to, of a connect that a program began."""
    settings.LOGIX_PUBLIC_URL = str(live_server)
    settings.LOGIX_OAUTH_APPS = {"shopify": f"{APP['client_id']}:{APP['client_secret']}"}
    Merchant.objects.filter(pk=hub.merchant.pk).update(name=LONG[:100])
    shop = Shop(StoreOptions(orders=2, products=2, **APP), webhook_delay_s=0, has_control=False)
    with Server(shop) as server:
        url, _ = connect.begin_oauth(
            merchant=hub.merchant, platform="shopify", base_url=server.url, actor="token:x"
        )
        yield f"/api/v1/shopify/oauth/callback?{urlencode(agree(url))}"


@pytest.mark.parametrize(
    ("label", "title", "connected"),
    [
        (f"Connect this store to {LONG[:100]}".strip(), "Store connected", True),
        ("This was not me", "Nothing was connected", False),
    ],
)
def test_the_question_fits_a_phone_and_its_buttons_work(
    window: Watched, callback: str, label: str, title: str, connected: bool
) -> None:
    window.open(callback)
    assert "Mark parcels as shipped, with tracking" in window.text()
    window.picture("consent-question", whole=True)
    window.page.set_viewport_size(PHONE)
    assert not window.too_wide()
    window.picture("consent-question-phone", whole=True)
    taken = ConnectAttempt.objects.get(platform="shopify").used_at
    assert taken is None

    with window.page.expect_navigation():
        window.page.get_by_role("button", name=label, exact=True).click()

    assert window.page.get_by_role("heading").inner_text() == title
    assert not window.too_wide()
    window.picture(f"consent-{title.split()[0].lower()}-phone")
    assert Store.objects.filter(platform="shopify").exists() is connected

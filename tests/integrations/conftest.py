"""FakeShop and TokenShop for tests of what surrounds an adapter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations import registry
from logix.accounts.models import Merchant
from tests.factories import make_merchant
from tests.integrations.fakeshop import world
from tests.integrations.tokenshop.site import CLIENT_ID, CLIENT_SECRET, Site

ADDRESS = "https://fake.example"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[world.Shop]:
    """A FakeShop at ``ADDRESS``, its platform installed."""
    monkeypatch.setitem(registry.BUILT_IN, "fakeshop", "tests.integrations.fakeshop.platform.CARD")
    world.SHOPS.clear()
    world.SHOPS[ADDRESS] = world.Shop()
    yield world.SHOPS[ADDRESS]
    world.SHOPS.clear()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Site]:
    """A TokenShop, its platform installed, and this hub's app with it."""
    monkeypatch.setitem(
        registry.BUILT_IN, "tokenshop", "tests.integrations.tokenshop.platform.CARD"
    )
    settings.LOGIX_OAUTH_APPS = {"tokenshop": f"{CLIENT_ID}:{CLIENT_SECRET}"}
    site = Site()
    yield site
    site.close()


@pytest.fixture
def merchant(db: None) -> Merchant:
    return make_merchant()

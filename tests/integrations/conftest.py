"""FakeShop for tests of what surrounds an adapter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations import registry
from logix.accounts.models import Merchant
from tests.factories import make_merchant
from tests.integrations.fakeshop import world

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
def merchant(db: None) -> Merchant:
    return make_merchant()

"""A merchant with a store, an order, a token; and a stranger who must see none of it."""

from __future__ import annotations

import pytest

from integrations.models import Store
from logix.accounts.models import Merchant
from orders.models import Order
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders, import_products
from tests.integrations.api.shop import KEYS, Shop


@pytest.fixture
def merchant(db: None) -> Merchant:
    return factories.make_merchant()


@pytest.fixture
def store(merchant: Merchant) -> Store:
    return factories.make_store(merchant)


@pytest.fixture
def api(merchant: Merchant) -> Api:
    return api_for(merchant)


@pytest.fixture
def order(store: Store) -> Order:
    import_products(store, 1)
    return import_orders(store, [factories.make_order(1)])[0]


@pytest.fixture
def stranger(db: None) -> Api:
    """Another merchant's program, with every scope."""
    return api_for(factories.make_merchant("stranger"))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The store behind every address."""
    shop = Shop()
    monkeypatch.setattr("integrations.registry.adapter_class", shop.adapter)
    return shop


@pytest.fixture
def connected(api: Api, shop: Shop) -> Store:
    """A store that was connected over the API."""
    answer = api.post("/woocommerce/integrations", {"store_url": "https://pottery.example", **KEYS})
    assert answer.status_code == 201, answer.content
    return Store.objects.get(pk=answer.json()["id"])

"""Two merchants who must never meet, and their tokens."""

from __future__ import annotations

import pytest

from integrations.models import Store
from logix.accounts.models import Merchant
from tests import factories
from tests.integrations.api.client import Api, api_for


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
def stranger(db: None) -> Api:
    """Another merchant's program, with every scope."""
    return api_for(factories.make_merchant("stranger"))

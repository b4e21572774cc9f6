"""A small store for each test, asked in process. Every query of a test and every answer is held
against the official schema where the contracts are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integrations.sandbox.shopify.client import Client, make_client
from tests.integrations.sandbox.shopify.fixtures import make_shop
from tests.integrations.sandbox.shopify.official import hold

__all__ = ["make_shop", "make_store", "shop"]

Make = Callable[..., Client]


@pytest.fixture
def make_store(contracts: Path | None) -> Iterator[Make]:
    """``make_store(orders=0, …)``: StoreOptions. What its clients ask is checked at the end."""
    made: list[Client] = []

    def make(**options: object) -> Client:
        client = make_client(**{"orders": 60, "products": 40} | options)
        made.append(client)
        return client

    yield make
    hold(contracts, (asked for client in made for asked in client.asked))


@pytest.fixture
def shop(make_store: Make) -> Client:
    """A new store with 60 orders and 40 products."""
    return make_store()

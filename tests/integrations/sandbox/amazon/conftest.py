"""A small account for each test, asked in process. Every call of a test and every answer is held
against the official models where the contracts are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integrations.sandbox.amazon.client import Client, make_client
from tests.integrations.sandbox.amazon.fixtures import make_account
from tests.integrations.sandbox.amazon.official import hold

__all__ = ["account", "make_account", "make_store"]

Make = Callable[..., Client]


@pytest.fixture
def make_store(contracts: Path | None) -> Iterator[Make]:
    """``make_store(orders=0, …)``: AccountOptions. What its clients ask is checked at the end."""
    made: list[Client] = []

    def make(**options: object) -> Client:
        client = make_client(**{"orders": 60, "products": 40} | options)
        made.append(client)
        return client

    yield make
    hold(contracts, (asked for client in made for asked in client.asked))


@pytest.fixture
def account(make_store: Make) -> Client:
    """A new account with 60 orders and 40 products."""
    return make_store()

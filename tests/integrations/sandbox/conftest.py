"""A small store for each test: asked in process (``shop``), or served over HTTP (``make_shop``)."""

from __future__ import annotations

import pytest

from tests.integrations.sandbox.client import Client, make_client
from tests.integrations.sandbox.fixtures import make_shop

__all__ = ["make_shop", "old_shop", "shop"]


@pytest.fixture
def shop() -> Client:
    """A new store with 60 orders and 60 products."""
    return make_client(orders=60, products=60)


@pytest.fixture
def old_shop() -> Client:
    """WooCommerce 8.9.3 with orders in the posts table."""
    return make_client(orders=60, products=60, version="8.9.3", is_hpos=False)

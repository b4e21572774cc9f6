"""Shops that answer what a test tells them to, and the official schema."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integrations.shopify.shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.close()

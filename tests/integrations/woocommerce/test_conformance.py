"""WooCommerce held to the contract, by its simulator: today's version, an old one, and at each
place where a store keeps its parcels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integrations.conformance import AdapterConformance, World
from tests.integrations.woocommerce.world import woo_world


class TestWooCommerce(AdapterConformance):
    options: dict[str, Any] = {}

    @pytest.fixture
    def world(self) -> Iterator[World]:
        with woo_world(**self.options) as world:
            yield world


class TestOldWooCommerce(TestWooCommerce):
    options = {"version": "8.9.3", "permalinks": "plain"}


class TestNativeFulfillments(TestWooCommerce):
    options = {"plugins": ("fulfillments",), "rest_prefix": "api"}


class TestShipmentTrackingPlugin(TestWooCommerce):
    options = {"plugins": ("shipment_tracking",), "currency": "JPY"}


class TestAdvancedShipmentTracking(TestWooCommerce):
    options = {"plugins": ("ast",), "strips_authorization": True, "prices_include_tax": True}

"""WooCommerce held to the contract, by its simulator: today's version, an old one, and at each
place where a store keeps its parcels.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.base import BaseEcommerceIntegration
from tests.integrations.conformance import AdapterConformance, World
from tests.integrations.conformance.suite import EVERYTHING
from tests.integrations.woocommerce.world import woo_world


class TestWooCommerce(AdapterConformance):
    options: dict[str, Any] = {}

    @pytest.fixture
    def world(self) -> Iterator[World]:
        with woo_world(**self.options) as world:
            yield world

    def test_categories_come_by_the_names_that_people_read(
        self, adapter: BaseEcommerceIntegration
    ) -> None:
        found = {name for x in adapter.sync_products(EVERYTHING) for name in x.categories}

        assert found == {"Bücher", "Haus & Garten", "Küche", "Kinder"}


class TestOldWooCommerce(TestWooCommerce):
    options = {"version": "8.9.3", "permalinks": "plain"}


class TestNativeFulfillments(TestWooCommerce):
    options = {"plugins": ("fulfillments",), "rest_prefix": "api"}


class TestShipmentTrackingPlugin(TestWooCommerce):
    options = {"plugins": ("shipment_tracking",), "currency": "JPY"}


class TestAdvancedShipmentTracking(TestWooCommerce):
    options = {"plugins": ("ast",), "strips_authorization": True, "prices_include_tax": True}

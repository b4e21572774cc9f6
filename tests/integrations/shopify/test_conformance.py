"""Shopify held to the contract, by its simulator: a shop like most, and one in yen with several
locations whose buyers the app may not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.base import BaseEcommerceIntegration
from integrations.errors import Rejected
from integrations.events import EventKind
from integrations.shopify.platform import CARD
from tests.integrations.conformance import AdapterConformance, World
from tests.integrations.conformance.suite import EVERYTHING, an_update, figure, orders_of
from tests.integrations.shopify.world import shopify_world


class TestShopify(AdapterConformance):
    options: dict[str, Any] = {}

    @pytest.fixture
    def world(self) -> Iterator[World]:
        with shopify_world(**self.options) as world:
            yield world

    def test_a_pushed_order_is_the_order_that_is_read(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """Deliveries name the order and bring none: read by that name it is the one of the list."""
        adapter.setup_webhooks(CARD.topics)
        order_id = world.place_order()

        pushed = [
            event
            for delivery, _ in world.deliveries()
            for event in adapter.handle_webhook(delivery)
            if event.kind is EventKind.ORDER and event.external_id == order_id
        ]

        assert pushed
        assert all(event.order is None for event in pushed)
        listed = {o.external_id: o for o in orders_of(adapter.read_orders(EVERYTHING))}
        assert adapter.read_order(order_id) == listed[order_id]

    def test_a_field_of_another_type_sets_its_record_aside_alone(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """The simulator spoils every record of an answer; those of the others are not touched."""
        world.trouble("changed_types", count=1)

        spoilt, *others = adapter.read_orders(EVERYTHING)

        assert spoilt.records == ()
        aside = {bad.external_id for bad in spoilt.unreadable}
        met = {order.external_id for order in orders_of(iter(others))}
        assert aside | met == world.order_ids()
        assert len(met) == len(world.order_ids()) - len(aside) > 30


class TestShopifyOtherwise(TestShopify):
    options = {
        "currency": "JPY",
        "presentment_currency": "EUR",
        "taxes_included": False,
        "sees_customers": False,
        "seed": 7,
        "same_second": 15,
        "is_multi_location": True,
    }

    def test_a_sku_alone_is_enough(self, world: World, adapter: BaseEcommerceIntegration) -> None:
        """Not here: a SKU has a figure at each location."""
        update = an_update(adapter, 9)

        with pytest.raises(Rejected) as caught:
            adapter.update_inventory(update.sku, 9)

        assert caught.value.code == "no_location"
        assert adapter.update_inventory(update.sku, 9, update) is True
        assert figure(world, update) == 9

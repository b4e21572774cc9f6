"""Amazon held to the contract, by its simulator: an account in three marketplaces of Europe, and
one in Japan and Australia whose discounts have the other sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integrations.base import BaseEcommerceIntegration
from integrations.errors import PermissionMissing, Rejected
from integrations.platform import Ability
from tests.integrations.amazon.world import amazon_world
from tests.integrations.conformance import AdapterConformance, World
from tests.integrations.conformance.suite import (
    EVERYTHING,
    an_update,
    figure,
    knowing,
    orders_of,
    parcel,
    told,
)
from tests.integrations.sandbox.amazon.official import hold


class TestAmazon(AdapterConformance):
    options: dict[str, Any] = {"feed_s": 0.0}

    @pytest.fixture
    def world(self, contracts: Path | None) -> Iterator[World]:
        """What was asked, and answered, is held against the official models at the end."""
        with amazon_world(**self.options) as world:
            yield world
        hold(contracts, world.shop.asked)

    def test_a_key_that_may_only_read_is_known_as_such(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """Roles are given one by one: an app without that for listings has orders alone."""
        world.trouble("key_read_only")

        identity = adapter.identify()

        assert identity.missing == ("Product Listing",)
        there = type(adapter)(replace(adapter.connection, missing=identity.missing))
        assert not there.can(Ability.STOCK_WRITE)
        assert there.can(Ability.SHIPMENTS)
        with pytest.raises(PermissionMissing, match="role"):
            list(there.read_products(EVERYTHING))

    def test_products_come_with_their_variants(self, adapter: BaseEcommerceIntegration) -> None:
        """A SKU is a product of its own, whatever family of variations it is in."""
        products = list(adapter.sync_products(EVERYTHING))

        assert len({p.external_id for p in products}) == len(products) > 0
        assert all(p.title and p.changed_at.tzinfo for p in products)
        assert all(len(p.variants) == 1 for p in products)
        assert any(v.stock is not None and v.sku for p in products for v in p.variants)

    def test_a_product_read_by_id_is_the_one_of_the_list(
        self, adapter: BaseEcommerceIntegration
    ) -> None:
        for listed in adapter.sync_products(EVERYTHING):
            assert adapter.read_product(listed.external_id) == listed

    def test_a_figure_written_is_the_stores_figure(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """Amazon queues it: when it is written nothing can be said of what is shown."""
        update = an_update(adapter, 17)

        (result,) = adapter.update_inventories([update])

        assert (result.ok, result.observed) == (True, None)
        assert figure(world, update) == 17
        assert adapter.read_stock([update])[0].observed == 17

    def test_two_parcels_with_late_tracking_are_two_parcels(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """Without tracking Amazon takes none, in words; a number may be corrected."""
        order_id = world.place_order()
        with pytest.raises(Rejected, match="tracking number"):
            told(adapter, order_id, parcel(adapter, order_id, "P-1"))
        first, second = (
            parcel(adapter, order_id, "P-1", "T-0"),
            parcel(adapter, order_id, "P-2", "T-2"),
        )

        assert told(adapter, order_id, first) is True
        assert told(adapter, order_id, second) is True
        mended = parcel(adapter, order_id, "P-1", "T-1")
        assert told(adapter, order_id, mended) is True

        writes = world.writes()
        assert told(adapter, order_id, mended) is False
        assert told(adapter, order_id, second) is False
        assert world.writes() == writes
        found = adapter.read_order(order_id).shipments
        assert found is not None
        assert sorted(p.tracking_number for p in found) == ["T-1", "T-2"]
        assert len({p.external_id for p in found}) == 2

    def test_a_field_of_another_type_sets_its_record_aside_alone(
        self, world: World, adapter: BaseEcommerceIntegration
    ) -> None:
        """The simulator spoils every record of an answer; those of the others are not touched."""
        adapter = knowing(world, adapter)
        world.trouble("changed_types", count=1)

        spoilt, *others = adapter.read_orders(replace(EVERYTHING, page_size=15))

        assert spoilt.records == ()
        aside = {bad.external_id for bad in spoilt.unreadable}
        met = {order.external_id for order in orders_of(iter(others))}
        assert aside | met == world.order_ids()
        assert len(met) == len(world.order_ids()) - len(aside) == 25


class TestAmazonOtherwise(TestAmazon):
    options = {
        "feed_s": 0.0,
        "region": "fe",
        "seed": 7,
        "same_second": 15,
        "pending_has_money": True,
        "discounts_are_positive": True,
    }

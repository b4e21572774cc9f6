"""A store with several locations, by its simulator: a figure at each, orders that are sent from
two, parcels that leave from where they were packed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.base import BaseEcommerceIntegration
from integrations.sandbox.shopify.options import ALL_SCOPES
from integrations.sandbox.shopify.orders import acts, holding, placing
from integrations.sandbox.shopify.play.acts import on_location
from inventory.data import StockUpdate, StoreLocationData, VariantData
from orders.data import OrderData, ShipmentData, ShipmentLineData
from orders.status import OrderStatus
from tests.integrations.conformance.suite import EVERYTHING
from tests.integrations.conformance.world import adapter_of
from tests.integrations.shopify.world import ShopifyWorld, shopify_world

NORTH, SOUTH, OLD = "61000001", "61000002", "61000004"
SEES_WORK = "write_merchant_managed_fulfillment_orders"


@pytest.fixture
def world() -> Iterator[ShopifyWorld]:
    with shopify_world(is_multi_location=True) as world:
        yield world


@pytest.fixture
def adapter(world: ShopifyWorld) -> Iterator[BaseEcommerceIntegration]:
    with adapter_of(world) as adapter:
        yield adapter


def thing(adapter: BaseEcommerceIntegration) -> tuple[str, VariantData]:
    """Something that both locations keep, with the id of its product."""
    products = adapter.sync_products(EVERYTHING)
    found = ((p.external_id, v) for p in products for v in p.variants if v.sku)
    return next(pair for pair in found if pair[1].stock_at.keys() == {NORTH, SOUTH})


def update(product_id: str, variant: VariantData, at: str, quantity: int) -> StockUpdate:
    return StockUpdate(
        sku=variant.sku,
        quantity=quantity,
        external_product_id=product_id,
        external_variant_id=variant.external_id,
        stock_ref=variant.stock_ref,
        external_location_id=at,
    )


def ordered(world: ShopifyWorld, adapter: BaseEcommerceIntegration, units: int, moved: int) -> str:
    """An order of ``units`` of one thing, all at the first location but those that were moved to
    the second.
    """
    product_id, variant = thing(adapter)
    adapter.update_inventories([update(product_id, variant, NORTH, 50)])
    store = world.shop.store
    order_id = placing.place_with(store, world.shop.chance, [(variant.sku, units)])
    if moved:
        with store.working(), store.orders.changing(order_id) as (hand, order):
            (work,) = order.fulfillment_orders
            holding.move(hand, order, work, int(SOUTH), [(work.lines[0], moved)])
    return str(order_id)


def parcel(order: OrderData, at: str, quantity: int, reference: str = "P-1") -> ShipmentData:
    (line,) = order.lines
    return ShipmentData(
        reference=reference,
        external_location_id=at,
        lines=(ShipmentLineData(line_external_id=line.external_id, quantity=quantity),),
    )


def sent(order: OrderData) -> list[tuple[str, str, list[int]]]:
    """Of each parcel: its reference, where it left from, its units."""
    return [
        (told.reference, told.external_location_id, [line.quantity for line in told.lines])
        for told in order.shipments or ()
    ]


def tell(adapter: BaseEcommerceIntegration, order_id: str, shipment: ShipmentData) -> bool:
    return adapter.update_order_status(order_id, OrderStatus.OPEN, shipment=shipment)


# -- Figures -----------------------------------------------------------------------------------


def test_a_store_tells_its_own_locations(adapter: BaseEcommerceIntegration) -> None:
    """Not that of the fulfillment service, which counts by itself."""
    assert adapter.identify().locations == (
        StoreLocationData(external_id=SOUTH, name="Laden Hamburg"),
        StoreLocationData(external_id=OLD, name="Lager Alt", is_active=False, is_online=False),
        StoreLocationData(external_id=NORTH, name="Lager Köln"),
    )


def test_an_item_has_a_figure_at_three_locations(world: ShopifyWorld) -> None:
    on_location(world.shop.store, "activate", int(OLD))
    world.locations = (OLD, NORTH, SOUTH)
    with adapter_of(world) as adapter:
        product_id, variant = thing(adapter)
        wanted = {OLD: 11, NORTH: 22, SOUTH: 0}
        updates = [update(product_id, variant, at, quantity) for at, quantity in wanted.items()]

        written = adapter.update_inventories(updates)
        again = adapter.update_inventories(updates)

        assert [(r.ok, r.observed) for r in written] == [(True, 11), (True, 22), (True, 0)]
        assert [(r.ok, r.changed) for r in again] == [(True, False)] * 3
        assert [r.observed for r in adapter.read_stock(updates)] == [11, 22, 0]
        assert [world.stock(product_id, variant.external_id, at) for at in wanted] == [11, 22, 0]
        product = adapter.read_product(product_id)
    found = next(v for v in product.variants if v.external_id == variant.external_id)
    assert (found.stock, list(found.stock_at.items())) == (33, list(wanted.items()))


def test_of_the_locations_that_do_not_count_nothing_is_told(world: ShopifyWorld) -> None:
    with adapter_of(world) as adapter:
        product_id, variant = thing(adapter)
    world.locations = (SOUTH,)

    with adapter_of(world) as adapter:
        product = adapter.read_product(product_id)

    found = next(v for v in product.variants if v.external_id == variant.external_id)
    assert found == replace(
        variant, stock=variant.stock_at[SOUTH], stock_at={SOUTH: variant.stock_at[SOUTH]}
    )


def test_a_line_for_a_closed_location_costs_only_itself(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration
) -> None:
    product_id, variant = thing(adapter)
    updates = [update(product_id, variant, at, 7) for at in (OLD, NORTH)]

    closed, there = adapter.update_inventories(updates)

    assert (closed.ok, closed.error) == (False, "The location is not active.")
    assert (there.ok, world.stock(product_id, variant.external_id, NORTH)) == (True, 7)


# -- Orders ------------------------------------------------------------------------------------


def test_what_is_left_of_an_order_is_assigned_to_locations(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration
) -> None:
    order_id = ordered(world, adapter, 5, moved=2)

    assert adapter.read_order(order_id).lines[0].assigned == {NORTH: 3, SOUTH: 2}

    tell(adapter, order_id, parcel(adapter.read_order(order_id), NORTH, 3))
    assert adapter.read_order(order_id).lines[0].assigned == {SOUTH: 2}


def test_an_order_moved_whole_is_assigned_anew(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration
) -> None:
    order_id = ordered(world, adapter, 2, moved=0)
    before = adapter.read_order(order_id)

    acts.act(world.shop.store, "move", int(order_id))

    (listed,) = (o for o in adapter.sync_orders(EVERYTHING) if o.external_id == order_id)
    assert (before.lines[0].assigned, listed.lines[0].assigned) == ({NORTH: 2}, {SOUTH: 2})


@pytest.mark.parametrize("verb", ["cancel", "ship"])
def test_of_what_is_done_with_nothing_is_assigned(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration, verb: str
) -> None:
    order_id = ordered(world, adapter, 2, moved=0)

    acts.act(world.shop.store, verb, int(order_id))

    assert adapter.read_order(order_id).lines[0].assigned == {}


@pytest.mark.parametrize(
    "about", [{"locations": (NORTH,)}, {"missing": (SEES_WORK.replace("write", "read"),)}]
)
def test_where_it_does_not_matter_or_may_not_be_seen_nothing_is_assigned(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration, about: dict[str, Any]
) -> None:
    order_id = ordered(world, adapter, 2, moved=0)

    other = type(adapter)(replace(adapter.connection, **about))

    assert other.read_order(order_id).lines[0].assigned == {}


def test_an_app_that_may_not_see_the_work_reads_orders_without() -> None:
    with shopify_world(is_multi_location=True, scopes=_without(SEES_WORK)) as blind:
        order_id = blind.place_order()
        with adapter_of(blind) as adapter:
            missing = adapter.identify().missing
            other = type(adapter)(replace(adapter.connection, missing=missing))

            assert "read_merchant_managed_fulfillment_orders" in missing
            assert [line.assigned for line in other.read_order(order_id).lines] == [{}, {}]


# -- Parcels -----------------------------------------------------------------------------------


def test_a_parcel_takes_the_units_of_the_location_it_leaves_from(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration
) -> None:
    order_id = ordered(world, adapter, 5, moved=2)

    assert tell(adapter, order_id, parcel(adapter.read_order(order_id), SOUTH, 2)) is True

    order = adapter.read_order(order_id)
    assert sent(order) == [("P-1", SOUTH, [2])]
    assert order.lines[0].assigned == {NORTH: 3}
    assert tell(adapter, order_id, parcel(order, SOUTH, 2)) is False


def test_what_a_location_lacks_is_taken_from_the_others(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration
) -> None:
    order_id = ordered(world, adapter, 5, moved=2)

    assert tell(adapter, order_id, parcel(adapter.read_order(order_id), SOUTH, 4)) is True

    order = adapter.read_order(order_id)
    assert sent(order) == [("P-1", SOUTH, [2]), ("P-1", NORTH, [2])]
    assert order.lines[0].assigned == {NORTH: 1}
    assert tell(adapter, order_id, parcel(order, SOUTH, 4)) is False


def test_where_a_location_has_nothing_of_it_the_parcel_leaves_from_elsewhere(
    world: ShopifyWorld, adapter: BaseEcommerceIntegration
) -> None:
    order_id = ordered(world, adapter, 2, moved=0)

    assert tell(adapter, order_id, parcel(adapter.read_order(order_id), SOUTH, 1)) is True

    assert sent(adapter.read_order(order_id)) == [("P-1", NORTH, [1])]


def _without(scope: str) -> tuple[str, ...]:
    return tuple(s for s in ALL_SCOPES if s != scope)

"""What Amazon keeps: told once of each unit, whatever marketplaces tell of it, and read whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from integrations.amazon import fba
from integrations.amazon.fba_shapes import KeptSummary
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters
from integrations.errors import ContractBroken, NotFound, PermissionMissing, RateLimited
from integrations.platform import Ability
from integrations.sandbox.amazon.listings.models import Listing, Stock
from integrations.sandbox.amazon.play import acts
from integrations.sync import kinds
from inventory.data import KeptStock
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sandbox.amazon.client import DE, FR, UK

ALL = Filters()
CALL = "getInventorySummaries"


def kept_in(world: AmazonWorld) -> dict[str, Listing]:
    with world.shop.store.working():
        rows = world.shop.store.state.listings
        return {sku: row for sku, row in rows.items() if row.stock and row.offers}


def told(adapter: AmazonIntegration, filters: Filters = ALL) -> list[KeptStock]:
    return [record for page in adapter.read_kept(filters) for record in page.records]


def pile(units: int, at: int = 1_790_000_000) -> Stock:
    return Stock(fulfillable=units, updated=at, inbound_shipped=5, researching=2)


def test_units_are_told_once_whatever_marketplaces_tell_of_them(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    """260 products: three pages of units in each marketplace at most."""
    world = make_world(orders=0, products=260)
    rows = kept_in(world)

    found = {record.sku: record for record in told(make_adapter(world))}

    assert len(told(make_adapter(world))) == len(found) == len(rows) > 50
    assert sum(UK in row.offers and DE in row.offers for row in rows.values()) > 10
    for sku, row in rows.items():
        assert row.stock is not None
        record, stock = found[sku], row.stock
        network = "GB" if UK in row.offers else "EU"
        assert (record.place.external_id, record.external_id) == (network, f"{network}:{sku}")
        assert record.place.name == f"Amazon FBA ({network})"
        assert record.external_variant_id == sku
        figures = (record.sellable, record.reserved, record.inbound, record.unsellable)
        assert figures == (
            stock.fulfillable,
            stock.pending_orders + stock.transshipment + stock.processing,
            stock.inbound_working + stock.inbound_shipped + stock.inbound_receiving,
            stock.customer_damaged + stock.warehouse_damaged,
        )
        assert record.researching == stock.researching
        assert record.changed_at is not None
        assert record.changed_at.timestamp() == stock.updated


def test_other_warehouses_are_another_place_and_those_of_the_union_are_one(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    with world.shop.store.working():
        rows = [row for row in world.shop.store.state.listings.values() if row.stock]
        two, union = rows[0], rows[1]
        two.offers = dict.fromkeys((UK, DE, FR), two.offers[DE])
        two.stock, two.piles = pile(30), {UK: pile(7)}
        # Amazon tells the same units to all of the Union. Should it once not, they count once.
        union.offers = dict.fromkeys((DE, FR), union.offers[DE])
        union.stock, union.piles = pile(4), {FR: pile(3)}

    found = told(adapter)

    units = [(x.place.external_id, x.sellable) for x in found if x.sku == two.sku]
    assert sorted(units) == [("EU", 30), ("GB", 7)]
    assert [(x.place.external_id, x.sellable) for x in found if x.sku == union.sku] == [("EU", 4)]


def test_a_walk_goes_on_at_its_place_and_a_marketplace_whose_token_died_begins_again(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, products=180, marketplaces=(DE, FR))
    whole = {record.external_id for record in told(make_adapter(world))}
    first, *_ = make_adapter(world).read_kept(ALL)
    assert first.position.keys() == {"place", "token"}
    later = Filters(position=first.position)

    there = {record.external_id for record in first.records}
    rest = [record.external_id for record in told(make_adapter(world), later)]
    assert len(set(rest)) == len(rest)
    assert there | set(rest) == whole
    assert not there & set(rest)

    world.shop.store.clock.ahead_s += 31
    again = list(make_adapter(world).read_kept(later))
    assert {x.external_id for page in again for x in page.records} == whole
    # It cannot be left a second time before it came to its end.
    positions = [dict(page.position) for page in again]
    assert positions == [{}, {"place": FR}, {}]
    assert again[-1].last


def test_a_record_is_read_again_by_its_name(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    with world.shop.store.working():
        rows = world.shop.store.state.listings
        row = next(row for row in rows.values() if row.stock)
        del rows[row.sku]
        row.sku = "WITH,COMMA"
        rows[row.sku] = row
        acts.submissions.touch(row, world.shop.store.clock.now())
    (record,) = [x for x in told(adapter) if x.sku == row.sku]

    kind = kinds.of("kept")

    assert kind.read_one(adapter, record.external_id) == record
    for gone in ("EU:NEVER-WAS", "JP:WITH,COMMA", "nothing"):
        with pytest.raises(NotFound, match="keeps no units"):
            kind.read_one(adapter, gone)


def test_without_the_role_it_says_which(make_world: MakeWorld, make_adapter: MakeAdapter) -> None:
    world = make_world(orders=0, roles=("Inventory and Order Tracking",))
    adapter = make_adapter(world)

    with pytest.raises(PermissionMissing, match="“Amazon Fulfillment”") as caught:
        told(adapter)

    assert caught.value.scopes == ("Amazon Fulfillment",)
    missing = adapter.identify().missing
    assert missing == ("Product Listing", "Amazon Fulfillment", "Finance and Accounting")
    # Any one of the two roles will do.
    either = make_adapter(make_world(orders=0, roles=("Amazon Fulfillment",)))
    assert told(either)
    assert either.can(Ability.PLATFORM_STOCK)


def test_a_throttled_walk_waits_as_long_as_the_operation_needs(
    world: AmazonWorld, make_adapter: MakeAdapter
) -> None:
    world.trouble("throttled", route=CALL, count=1)

    with pytest.raises(RateLimited) as caught:
        told(make_adapter(world, retries=0))

    assert 0 < caught.value.retry_after_s <= 1
    assert told(make_adapter(world))


@pytest.mark.parametrize(
    "summary",
    [
        {"totalQuantity": 3},
        {"inventoryDetails": {"fulfillableQuantity": -1}},
        {"inventoryDetails": {"fulfillableQuantity": 10**10}},
        {"inventoryDetails": {"reservedQuantity": {"totalReservedQuantity": -2}}},
        {"inventoryDetails": {}, "lastUpdatedTime": "yesterday"},
    ],
)
def test_what_cannot_be_is_no_figure(summary: dict[str, Any]) -> None:
    row = msgspec.convert({"sellerSku": "A", **summary}, KeptSummary)

    with pytest.raises(ContractBroken):
        fba.to_kept(row, DE, b"")


def test_what_is_not_told_is_none() -> None:
    row = msgspec.convert({"sellerSku": "A", "totalQuantity": 0}, KeptSummary)

    found = fba.to_kept(row, FR, b"")

    assert (found.sellable, found.inbound, found.changed_at) == (0, 0, None)


def test_an_unreadable_row_is_set_aside_alone(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    with world.shop.store.working():
        row = next(x for x in world.shop.store.state.listings.values() if x.stock)
        assert row.stock is not None
        row.stock.fulfillable = -5
    (bad,) = [x for page in adapter.read_kept(ALL) for x in page.unreadable]

    assert bad.external_id.endswith(f":{row.sku}")
    assert {x.sku for x in told(adapter)} == set(kept_in(world)) - {row.sku}
    with pytest.raises(ContractBroken):
        kinds.of("kept").read_one(adapter, bad.external_id)

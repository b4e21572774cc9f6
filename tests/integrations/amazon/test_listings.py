"""Listings and their stock: one figure for all marketplaces, none for what Amazon keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import msgspec
import pytest

from integrations.amazon import stock
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters
from integrations.errors import NotFound, Unavailable
from integrations.sandbox.amazon.listings import bodies, reading
from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.play import acts
from inventory.data import StockUpdate
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.conformance.suite import EVERYTHING
from tests.integrations.sandbox.amazon.client import DE, FR, UK


def rows(world: AmazonWorld) -> dict[str, Listing]:
    with world.shop.store.working():
        return dict(world.shop.store.state.listings)


def own(world: AmazonWorld) -> list[str]:
    return [x.sku for x in rows(world).values() if x.quantity is not None and x.offers]


def amazons(world: AmazonWorld) -> str:
    return next(x.sku for x in rows(world).values() if x.is_amazons)


def to(sku: str, quantity: int) -> StockUpdate:
    return StockUpdate(
        sku=sku,
        quantity=quantity,
        external_product_id=sku,
        external_variant_id=sku,
        stock_ref=sku,
    )


def patches(world: AmazonWorld) -> list[dict[str, object]]:
    sent = [x for x in world.shop.asked if x.method == "PATCH"]
    return [msgspec.json.decode(x.body) | {"path": x.path, "query": x.query} for x in sent]


def searches(world: AmazonWorld) -> list[str]:
    found = [x for x in world.shop.asked if x.method == "GET" and "/listings/" in x.path]
    return [parse_qs(x.query)["marketplaceIds"][0] for x in found]


# --- reading --------------------------------------------------------------------------------------


def test_every_sku_is_told_once_by_the_first_marketplace_that_has_it(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    found = {p.external_id: p for p in adapter.sync_products(EVERYTHING)}

    sold = {sku: row for sku, row in rows(world).items() if not row.children}
    assert set(found) == set(sold)
    names = {DE: "Amazon.de", FR: "Amazon.fr", UK: "Amazon.co.uk"}
    for sku, product in found.items():
        first = next(place for place in (UK, DE, FR) if place in sold[sku].offers)
        assert product.custom["marketplace"] == names[first]
        (variant,) = product.variants
        assert variant.price == sold[sku].offers[first].price
        assert variant.stock == sold[sku].quantity
        assert variant.stock_ref == sku


def test_what_amazon_keeps_has_no_figure(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    product = adapter.read_product(amazons(world))

    assert product.variants[0].stock is None
    assert product.custom["fulfilled_by"] == "Amazon"


def test_only_chosen_marketplaces_are_asked(world: AmazonWorld, make_adapter: MakeAdapter) -> None:
    adapter = make_adapter(world, {"marketplaces": ["FR"]})

    found = list(adapter.sync_products(EVERYTHING))

    assert {p.external_id for p in found} == {
        sku for sku, row in rows(world).items() if FR in row.offers
    }
    assert set(searches(world)) == {FR}


def test_a_change_is_read_again_wherever_it_was_made(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    list(adapter.sync_products(EVERYTHING))
    since = datetime.now(UTC) - timedelta(seconds=2)
    with world.shop.store.working():
        row = next(x for x in world.shop.store.state.listings.values() if len(x.offers) > 1)
        row.offers[list(row.offers)[-1]].updated = world.shop.store.clock.now()

    (changed,) = adapter.sync_products(Filters(since=since))

    assert changed.external_id == row.sku


def test_many_listings_of_one_second_are_all_met(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, products=70)
    with world.shop.store.working():
        for row in world.shop.store.state.listings.values():
            for offer in row.offers.values():
                offer.updated = row.updated = 1_790_000_000

    found = [p.external_id for p in make_adapter(world).sync_products(EVERYTHING)]

    assert set(found) == {sku for sku, row in rows(world).items() if not row.children}


def test_every_marketplace_says_how_it_offers_a_sku(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    (product,) = adapter.read_products(Filters(ids=(own(world)[0],)))
    (walked,) = (x for x in adapter.sync_products(EVERYTHING) if x.external_id == own(world)[0])

    row = rows(world)[own(world)[0]]
    assert {x.channel: (x.price, x.currency) for x in product.records[0].channels} == {
        place: (offer.price, "GBP" if place == UK else "EUR") for place, offer in row.offers.items()
    }
    assert walked.channels == product.records[0].channels
    for one in walked.channels:
        assert (one.external_id, one.title) == (row.asin, row.title)
        assert (one.raw_status, one.is_buyable) == ("BUYABLE, DISCOVERABLE", True)


def test_more_of_one_second_than_amazon_gives_out_is_a_gap_in_words(
    make_world: MakeWorld, make_adapter: MakeAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_PAGED", 40)
    world = make_world(orders=0, products=70, marketplaces=(DE,))
    with world.shop.store.working():
        listings = world.shop.store.state.listings
        first = min(listings)
        for row in listings.values():
            for offer in row.offers.values():
                offer.updated = row.updated = 1_790_000_000
        for offer in listings[first].offers.values():
            offer.updated = 1_790_000_001

    pages = list(make_adapter(world).read_products(EVERYTHING))

    (gap,) = (page.gap for page in pages if page.gap)
    assert gap.startswith("More records changed in the second 2026-09-21T14:13:20")
    assert first in {record.external_id for page in pages for record in page.records}
    assert pages[-1].last


def test_a_listing_that_was_never_for_sale_is_told_by_its_sku(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = own(world)[0]
    quantity = rows(world)[sku].quantity
    tell = bodies.DATA["summaries"]
    monkeypatch.setitem(
        bodies.DATA, "summaries", lambda row, places: [] if row.sku == sku else tell(row, places)
    )

    pages = list(adapter.read_products(EVERYTHING))

    assert [page.unreadable for page in pages if page.unreadable] == []
    (told,) = (x for page in pages for x in page.records if x.external_id == sku)
    assert (told.title, told.is_listed, told.raw_status) == (sku, False, "")
    assert told.variants[0].stock == quantity
    assert adapter.read_stock([to(sku, 0)])[0].observed == quantity
    (result,) = adapter.update_inventories([to(sku, 3)])
    assert result.ok
    assert patches(world)[0]["productType"] == "PRODUCT"
    assert rows(world)[sku].quantity == 3


def test_a_walk_cut_anywhere_goes_on_where_it_was(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    pages = list(adapter.read_products(replace(EVERYTHING, page_size=6)))
    all_ids = {p.external_id for page in pages for p in page.records}

    assert [page.last for page in pages][-1:] == [True]
    assert sum(page.last for page in pages) == 1
    for cut in range(len(pages) - 1):
        rest = replace(EVERYTHING, page_size=6, position=pages[cut].position)
        before = {p.external_id for page in pages[: cut + 1] for p in page.records}
        after = {p.external_id for p in adapter.sync_products(rest)}
        assert before | after == all_ids


@pytest.mark.parametrize("sku", ["a/b c", "50% off+more", "ü-ß?x=1", "one,two", "..", "a&b#c"])
def test_a_sku_may_hold_any_character(
    world: AmazonWorld, adapter: AmazonIntegration, sku: str
) -> None:
    with world.shop.store.working():
        listings = world.shop.store.state.listings
        old = next(x for x in listings.values() if x.quantity is not None and DE in x.offers)
        listings[sku] = msgspec.structs.replace(old, sku=sku)

    if sku == "..":
        assert adapter.read_product(sku).external_id == sku
        return
    assert adapter.read_product(sku).external_id == sku
    (result,) = adapter.update_inventories([to(sku, 7)])
    assert result.ok
    assert rows(world)[sku].quantity == 7


# --- writing --------------------------------------------------------------------------------------


def test_a_figure_is_merged_into_the_sellers_own_channel(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    sku = own(world)[0]

    (result,) = adapter.update_inventories([to(sku, 17)])

    assert (result.ok, result.observed) == (True, None)
    (sent,) = patches(world)
    assert sent["patches"] == [
        {
            "op": "merge",
            "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 17}],
        }
    ]
    assert sent["productType"] == rows(world)[sku].product_type
    assert rows(world)[sku].quantity == 17
    assert adapter.read_stock([to(sku, 0)])[0].observed == 17


def test_a_figure_that_is_queued_is_not_shown_as_if_it_were_there(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, accept_s=60.0)
    adapter = make_adapter(world)
    sku = own(world)[0]
    before = rows(world)[sku].quantity
    assert before is not None

    (result,) = adapter.update_inventories([to(sku, before + 3)])
    assert (result.ok, result.observed) == (True, None)
    assert adapter.read_stock([to(sku, 0)])[0].observed == before
    acts.move_clock(world.shop.store, 61)

    assert adapter.read_stock([to(sku, 0)])[0].observed == before + 3


def test_what_amazon_keeps_is_never_written(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    sku, mine = amazons(world), own(world)[0]

    results = adapter.update_inventories([to(sku, 5), to(mine, 5), to("gone", 5)])

    assert [r.ok for r in results] == [False, True, False]
    assert (results[0].error_code, results[2].error_code) == ("kept_by_amazon", "not_found")
    assert "own warehouses" in results[0].error
    assert len(patches(world)) == 1
    assert adapter.read_stock([to(sku, 0)])[0].error_code == "kept_by_amazon"


def test_a_listing_that_went_to_amazon_since_is_left_alone(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    list(adapter.sync_products(EVERYTHING))
    sku = own(world)[0]
    acts.on_listing(world.shop.store, "to_amazon", sku)

    (result,) = adapter.update_inventories([to(sku, 5)])

    assert result.error_code == "kept_by_amazon"
    assert patches(world) == []


def test_what_nobody_is_said_to_keep_is_left_alone(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    sku = own(world)[0]
    with world.shop.store.working():
        world.shop.store.state.listings[sku].quantity = None

    (result,) = adapter.update_inventories([to(sku, 5)])

    assert result.error_code == "channel_unknown"
    assert patches(world) == []


def test_a_figure_amazon_does_not_take_is_told_in_its_words(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    first, second = own(world)[:2]

    results = adapter.update_inventories([to(first, 10**9), to(second, 4)])

    assert [r.ok for r in results] == [False, True]
    assert results[0].error_code == "4000001"
    assert "quantity" in results[0].error


def test_twenty_skus_are_looked_at_with_one_call(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, products=60, marketplaces=(DE,))
    adapter = make_adapter(world)
    skus = own(world)[:20]
    assert len(skus) == 20
    before = world.calls("searchListingsItems")

    results = adapter.update_inventories([to(sku, 1) for sku in skus])

    assert all(r.ok for r in results)
    assert world.calls("searchListingsItems") - before == 1
    assert world.calls("patchListingsItem") == 20


def test_trouble_amid_a_batch_is_told_line_by_line(
    world: AmazonWorld, make_adapter: MakeAdapter
) -> None:
    adapter = make_adapter(world, retries=0)
    first, second, third = own(world)[:3]
    world.trouble("internal_failure", route=second)

    results = adapter.update_inventories([to(first, 1), to(second, 2), to(third, 3)])

    assert [(r.ok, r.error_code) for r in results] == [
        (True, ""),
        (False, "unavailable"),
        (False, "unavailable"),
    ]
    world.peace()
    world.trouble("internal_failure", route=first)
    with pytest.raises(Unavailable):
        adapter.update_inventories([to(first, 1), to(second, 2)])


def test_a_sku_is_found_by_itself_alone(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    sku = own(world)[0]

    assert adapter.find_listing(sku, 3) == to(sku, 3)
    assert stock.sku_of(replace(to(sku, 3), stock_ref="", external_variant_id="")) == sku
    for word in ("", sku.lower() + "x", "no such"):
        with pytest.raises(NotFound, match="no listing"):
            adapter.find_listing(word, 1)

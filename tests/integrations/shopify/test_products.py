"""Products with their variants, and what a SKU or an inventory item belongs to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.base import Filters
from integrations.errors import NotFound, Rejected
from tests.integrations.shopify import make
from tests.integrations.shopify.shop import Call, Shelf, Shop, adapter_for, data, nodes

EVERYTHING = Filters(since=datetime(2020, 1, 1, tzinfo=UTC))


def shelf_of(shop: Shop, rows: list[dict[str, Any]]) -> Shelf:
    shelf = Shelf("products", rows)
    shop.on("Products", shelf)
    shop.on("ProductsById", shelf.by_id)
    return shelf


def listing(number: int, sku: str) -> dict[str, Any]:
    return {
        "legacyResourceId": str(number),
        "sku": sku,
        "product": {"legacyResourceId": "700"},
        "inventoryItem": {"legacyResourceId": str(number + 500)},
    }


def test_products_are_read_with_their_variants(shop: Shop) -> None:
    shelf_of(shop, [make.product(n) for n in (700, 701)])

    found = list(adapter_for(shop, locations=("61",)).sync_products(EVERYTHING))

    assert [p.external_id for p in found] == ["700", "701"]
    assert [v.stock for v in found[0].variants] == [5, 0, 0]
    assert [v.stock_at for v in found[0].variants] == [{"61": 5}, {"61": 0}, {}]
    call = shop.calls[0]
    assert call.variables["location"] == "gid://shopify/Location/61"
    assert (call.variables["atOne"], call.variables["atSeveral"]) == (True, False)


def test_products_of_every_status_are_asked_for(shop: Shop) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop).sync_products(EVERYTHING))

    assert shop.calls[0].variables["query"] == (
        "status:active,archived,draft,unlisted updated_at:>='2019-12-31T23:59:59Z'"
    )


def test_figures_at_several_locations_come_with_the_products(shop: Shop) -> None:
    shelf_of(shop, [json.loads(make.raw("product_at_several_locations"))])

    (found,) = adapter_for(shop, locations=("61", "62", "63")).sync_products(EVERYTHING)

    assert [v.stock_at for v in found.variants] == [
        {"61": 5, "62": 7, "63": 0},
        {"61": 3, "63": -2},
        {},
    ]
    assert [v.stock for v in found.variants] == [12, 1, 0]
    (call,) = shop.calls
    assert (call.variables["atOne"], call.variables["atSeveral"]) == (False, True)


@pytest.mark.parametrize(("locations", "size"), [((), 12), (("61",), 12), (("61", "62"), 2)])
def test_a_page_asks_for_no_more_than_its_figures_may_cost(
    shop: Shop, locations: tuple[str, ...], size: int
) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop, locations=locations).sync_products(EVERYTHING))

    assert shop.calls[0].variables["first"] == size


def kept(*at: int, rest: str | None = None) -> dict[str, Any]:
    """An item at these locations, of each as many units as its number."""
    return nodes([make.level(n, n) for n in at], rest)


def test_an_item_kept_at_more_locations_than_shown_is_read_to_the_end(shop: Shop) -> None:
    first = make.variant(1, inventoryItem=make.item(1, None, inventoryLevels=kept(61, rest="c")))
    second = make.variant(2, inventoryItem=make.item(2, None, inventoryLevels=kept(62)))
    shelf_of(shop, [make.product(700, variants=nodes([first, second]))])
    pages = [kept(70, 71, rest="d"), kept(62, 72)]
    shop.on("ItemLevels", *(data(inventoryItem={"inventoryLevels": page}) for page in pages))

    (found,) = adapter_for(shop, locations=("61", "62")).sync_products(EVERYTHING)

    assert [v.stock_at for v in found.variants] == [{"61": 61, "62": 62}, {"62": 62}]
    asked = [(c.variables["id"], c.variables["after"]) for c in shop.asked("ItemLevels")]
    assert asked == [(make.item(1, None)["id"], after) for after in ("c", "d")]


def test_no_more_is_read_once_all_of_our_locations_are_there(shop: Shop) -> None:
    shown = make.variant(
        1, inventoryItem=make.item(1, None, inventoryLevels=kept(62, 61, rest="c"))
    )
    loose = make.item(2, None, tracked=False, inventoryLevels=kept(61, rest="c"))
    rows = nodes([shown, make.variant(2, inventoryItem=loose)])
    shelf_of(shop, [make.product(700, variants=rows)])

    (found,) = adapter_for(shop, locations=("61", "62")).sync_products(EVERYTHING)

    assert [v.stock for v in found.variants] == [123, None]
    assert shop.asked("ItemLevels") == []


def test_an_item_that_goes_while_it_is_completed_sets_its_product_aside(shop: Shop) -> None:
    gone = make.variant(1, inventoryItem=make.item(1, None, inventoryLevels=kept(61, rest="c")))
    shelf_of(shop, [make.product(700, variants=nodes([gone])), make.product(701)])
    shop.on("ItemLevels", data(inventoryItem=None))

    (page,) = adapter_for(shop, locations=("61", "62")).read_products(EVERYTHING)

    assert [p.external_id for p in page.records] == ["701"]
    assert [(bad.external_id, bad.code) for bad in page.unreadable] == [("700", "not_found")]


def test_without_a_location_products_come_without_figures(shop: Shop) -> None:
    shelf_of(shop, [make.product(700)])

    (found,) = adapter_for(shop).sync_products(EVERYTHING)

    assert [v.stock for v in found.variants] == [None, None, None]
    assert [v.stock_at for v in found.variants] == [{}, {}, {}]
    variables = shop.calls[0].variables
    assert (variables["atOne"], variables["atSeveral"]) == (False, False)


def test_a_product_with_more_variants_than_shown_is_completed(shop: Shop) -> None:
    rows = [make.variant(n) for n in range(1, 161)]
    shelf_of(shop, [make.product(700, variants=nodes(rows[:10], "10"))])

    def more(call: Call) -> bytes:
        start, size = int(call.variables["after"]), call.variables["first"]
        rest = str(start + size) if start + size < len(rows) else None
        found = nodes(rows[start : start + size], rest)
        return data(requested=7 * size, actual=size, product={"variants": found})

    shop.on("ProductVariants", more)
    found = adapter_for(shop, locations=("61",)).read_product("700")

    assert [v.external_id for v in found.variants] == [str(n) for n in range(1, 161)]
    assert found.variants_complete
    assert shop.asked("ProductVariants")[0].variables["location"] == "gid://shopify/Location/61"


def test_a_product_is_found_by_the_item_that_news_of_stock_name(shop: Shop) -> None:
    shelf_of(shop, [make.product(700)])
    sold = {"product": {"legacyResourceId": "700"}}
    shop.on("ProductOfItem", data(inventoryItem={"variants": {"nodes": [sold]}}))

    found = adapter_for(shop).read_product("item:7501")

    assert found.external_id == "700"
    assert shop.calls[0].variables["id"] == "gid://shopify/InventoryItem/7501"


@pytest.mark.parametrize("answer", [None, {"variants": {"nodes": []}}, {"variants": None}])
def test_an_item_that_is_sold_as_nothing_is_not_found(shop: Shop, answer: Any) -> None:
    shop.on("ProductOfItem", data(inventoryItem=answer))

    with pytest.raises(NotFound):
        adapter_for(shop).read_product("item:7501")


def test_a_product_that_is_not_there_is_not_found(shop: Shop) -> None:
    shelf_of(shop, [])

    with pytest.raises(NotFound):
        adapter_for(shop).read_product("700")


def test_a_sku_leads_to_its_variant_and_item(shop: Shop) -> None:
    rows = [listing(1, "mug-10"), listing(2, " MUG-1 "), listing(3, "MUG-100")]
    shop.on("ListingsBySku", data(productVariants={"nodes": rows}))

    found = adapter_for(shop, locations=("61",)).find_listing("MUG-1", 9)

    assert (found.external_product_id, found.external_variant_id) == ("700", "2")
    assert (found.stock_ref, found.quantity) == ("502", 9)
    assert found.external_location_id == "61"
    assert shop.calls[0].variables["query"] == 'sku:"MUG-1"'


@pytest.mark.parametrize("locations", [(), ("61", "62")])
def test_of_several_locations_a_sku_says_none(shop: Shop, locations: tuple[str, ...]) -> None:
    shop.on("ListingsBySku", data(productVariants={"nodes": [listing(2, "MUG-1")]}))
    adapter = adapter_for(shop, locations=locations)

    assert adapter.find_listing("MUG-1", 9).external_location_id == ""
    with pytest.raises(Rejected, match="Stores → the store → Locations"):
        adapter.update_inventory("MUG-1", 9)


def test_a_sku_with_quotes_stays_one_word_of_the_search(shop: Shop) -> None:
    shop.on("ListingsBySku", data(productVariants={"nodes": [listing(1, '3" pipe')]}))

    adapter_for(shop).find_listing('3" pipe', 1)

    assert shop.calls[0].variables["query"] == 'sku:"3\\" pipe"'


@pytest.mark.parametrize(("skus", "words"), [([], "no listing"), (["A", "A"], "more than one")])
def test_a_sku_of_none_or_several_is_not_found(shop: Shop, skus: list[str], words: str) -> None:
    rows = [listing(n, sku) for n, sku in enumerate(skus)]
    shop.on("ListingsBySku", data(productVariants={"nodes": rows}))

    with pytest.raises(NotFound, match=words):
        adapter_for(shop).find_listing("A", 1)


def test_no_sku_is_no_question(shop: Shop) -> None:
    with pytest.raises(NotFound):
        adapter_for(shop).find_listing("  ", 1)

    assert shop.calls == []

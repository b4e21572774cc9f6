"""Products with their variants, and what a SKU or an inventory item belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.base import Filters
from integrations.errors import NotFound
from tests.integrations.shopify import make
from tests.integrations.shopify.shop import Call, Shelf, Shop, adapter_for, data, nodes

EVERYTHING = Filters(since=datetime(2020, 1, 1, tzinfo=UTC))
ONE_PLACE = {"stock_location": "61"}


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

    found = list(adapter_for(shop, options=ONE_PLACE).sync_products(EVERYTHING))

    assert [p.external_id for p in found] == ["700", "701"]
    assert [v.stock for v in found[0].variants] == [5, 0, 0]
    call = shop.calls[0]
    assert call.variables["location"] == "gid://shopify/Location/61"
    assert call.variables["atLocation"] is True


def test_products_of_every_status_are_asked_for(shop: Shop) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop).sync_products(EVERYTHING))

    assert shop.calls[0].variables["query"] == (
        "status:active,archived,draft,unlisted updated_at:>='2019-12-31T23:59:59Z'"
    )


def test_without_one_location_products_come_without_figures(shop: Shop) -> None:
    shelf_of(shop, [make.product(700)])

    (found,) = adapter_for(shop).sync_products(EVERYTHING)

    assert [v.stock for v in found.variants] == [None, None, None]
    assert shop.calls[0].variables["atLocation"] is False


def test_a_product_with_more_variants_than_shown_is_completed(shop: Shop) -> None:
    rows = [make.variant(n) for n in range(1, 161)]
    shelf_of(shop, [make.product(700, variants=nodes(rows[:10], "10"))])

    def more(call: Call) -> bytes:
        start, size = int(call.variables["after"]), call.variables["first"]
        rest = str(start + size) if start + size < len(rows) else None
        found = nodes(rows[start : start + size], rest)
        return data(requested=7 * size, actual=size, product={"variants": found})

    shop.on("ProductVariants", more)
    found = adapter_for(shop, options=ONE_PLACE).read_product("700")

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

    found = adapter_for(shop).find_listing("MUG-1", 9)

    assert (found.external_product_id, found.external_variant_id) == ("700", "2")
    assert (found.stock_ref, found.quantity) == ("502", 9)
    assert shop.calls[0].variables["query"] == 'sku:"MUG-1"'


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

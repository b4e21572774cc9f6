"""Products, variants and locations: lists, pages, filters, and each thing whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integrations.sandbox.shopify.client import NOW, Client
from tests.integrations.sandbox.shopify.conftest import Make

PAGE = """query($first: Int, $after: String, $last: Int, $before: String, $query: String, $sort:
    ProductSortKeys, $reverse: Boolean) { products(first: $first, after: $after, last: $last,
    before: $before, query: $query, sortKey: $sort, reverse: $reverse) { edges { cursor node {
    id updatedAt } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    } }"""


def walked(shop: Client, size: int, **filters: Any) -> list[str]:
    """Every id, page by page."""
    found: list[str] = []
    after = None
    while True:
        page = shop.ask(PAGE, first=size, after=after, **filters)["products"]
        found += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def test_a_walk_meets_every_product_once(shop: Client) -> None:
    every = {f"gid://shopify/Product/{number}" for number in shop.store.catalogue.products}

    for sort in (
        "ID",
        "TITLE",
        "UPDATED_AT",
        "CREATED_AT",
        "VENDOR",
        "PRODUCT_TYPE",
        "PUBLISHED_AT",
    ):
        found = walked(shop, 7, sort=sort)
        assert len(found) == len(every) == 40
        assert set(found) == every
        assert walked(shop, 11, sort=sort, reverse=True) == found[::-1]


def test_pages_go_backwards_too(shop: Client) -> None:
    every = walked(shop, 40)

    last = shop.ask(PAGE, last=3)["products"]
    before = shop.ask(PAGE, last=3, before=last["pageInfo"]["startCursor"])["products"]

    assert [row["id"] for row in last["nodes"]] == every[-3:]
    assert [row["id"] for row in before["nodes"]] == every[-6:-3]
    assert before["pageInfo"]["hasPreviousPage"]
    assert before["pageInfo"]["hasNextPage"]
    assert not last["pageInfo"]["hasNextPage"]


def test_a_product_edited_during_paging_is_met_again_at_the_end_and_nobody_is_passed_over(
    shop: Client,
) -> None:
    every = set(walked(shop, 40))
    first = shop.ask(PAGE, first=10, sort="UPDATED_AT")["products"]
    moved = first["nodes"][3]["id"]
    catalogue = shop.store.catalogue
    with shop.store.working():
        catalogue.touch_product(catalogue.products[int(moved.rsplit("/", 1)[1])])

    rest = shop.ask(PAGE, first=100, after=first["pageInfo"]["endCursor"], sort="UPDATED_AT")[
        "products"
    ]

    found = [row["id"] for row in (*first["nodes"], *rest["nodes"])]
    assert set(found) == every
    assert found[-1] == moved
    assert found.count(moved) == 2


def test_products_changed_since_are_found_by_their_date(shop: Client) -> None:
    updated = sorted(product.updated_at for product in shop.store.catalogue.products.values())
    since = updated[25]
    text = shop.ask(PAGE, first=40, sort="UPDATED_AT")["products"]["edges"][25]["node"]["updatedAt"]

    found = walked(shop, 10, sort="UPDATED_AT", query=f"updated_at:>='{text}'")

    assert len(found) == sum(1 for moment in updated if moment >= since)


@pytest.mark.parametrize("size", [-1, 251])
def test_pages_have_a_largest_size(shop: Client, size: int) -> None:
    assert "between 0 and 250" in shop.error(PAGE, first=size)["message"]


def test_a_page_needs_a_size(shop: Client) -> None:
    assert shop.error(PAGE)["message"] == "you must provide one of first or last"


@pytest.mark.parametrize("cursor", ["nonsense", "WyJhIl0=", "bnVsbA=="])
def test_a_cursor_that_is_none_is_refused(shop: Client, cursor: str) -> None:
    assert shop.error(PAGE, first=2, after=cursor)["extensions"]["code"] == "INVALID_CURSOR"


def test_an_empty_page_has_no_cursors(shop: Client) -> None:
    page = shop.ask(PAGE, first=5, query="title:nothing")["products"]

    assert page == {
        "edges": [],
        "nodes": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
    }


def test_a_filter_the_list_does_not_know_is_ignored_with_a_warning(shop: Client) -> None:
    document = shop.document(PAGE, first=40, query="updatd_at:>'2030-01-01'")

    assert len(document["data"]["products"]["nodes"]) == 40
    (search,) = document["extensions"]["search"]
    assert search["path"] == ["products"]
    assert search["warnings"][0]["field"] == "updatd_at"


def test_a_product_is_shown_whole(shop: Client) -> None:
    product = next(one for one in shop.store.catalogue.products.values() if len(one.options) == 2)

    shown = shop.ask(
        """query($id: ID!) { product(id: $id) { id legacyResourceId title handle vendor status
        description(truncateAt: 5) options { name position values } hasOnlyDefaultVariant
        variantsCount { count precision } totalInventory tracksInventory priceRangeV2 {
        minVariantPrice { amount currencyCode } } tags metafields(first: 5) { nodes { key } }
        variants(first: 50) { nodes { title displayName position sku price selectedOptions { name
        value } requiresComponents product { id } inventoryItem { sku tracked unitCost { amount }
        measurement { weight { unit value } } variants(first: 1) { nodes { sku } } } } } } }""",
        id=f"gid://shopify/Product/{product.id}",
    )["product"]

    variants = shop.store.catalogue.variants_of(product)
    assert shown["legacyResourceId"] == str(product.id)
    assert len(shown["description"]) == 5
    assert shown["variantsCount"] == {"count": len(variants), "precision": "EXACT"}
    assert [row["sku"] for row in shown["variants"]["nodes"]] == [one.sku for one in variants]
    first = shown["variants"]["nodes"][0]
    assert first["price"] == f"{variants[0].price:.2f}"
    assert first["selectedOptions"] == [
        {"name": name, "value": value}
        for (name, _), value in zip(product.options, variants[0].options, strict=True)
    ]
    assert first["displayName"] == f"{product.title} - {' / '.join(variants[0].options)}"
    assert first["inventoryItem"]["variants"]["nodes"] == [{"sku": variants[0].sku}]


def test_a_bundle_names_its_parts_and_sells_what_they_suffice_for(shop: Client) -> None:
    catalogue = shop.store.catalogue
    bundle = next(one for one in catalogue.variants.values() if one.components)
    parts = [(catalogue.variants[part], many) for part, many in bundle.components]

    shown = shop.ask(
        """query($id: ID!) { productVariant(id: $id) { requiresComponents inventoryQuantity
        productVariantComponents(first: 5) { nodes { quantity productVariant { sku } } }
        product { hasVariantsThatRequiresComponents bundleComponents(first: 5) { nodes { quantity
        componentProduct { title } } } } } }""",
        id=f"gid://shopify/ProductVariant/{bundle.id}",
    )["productVariant"]

    assert shown["requiresComponents"]
    assert shown["product"]["hasVariantsThatRequiresComponents"]
    assert shown["productVariantComponents"]["nodes"] == [
        {"quantity": many, "productVariant": {"sku": part.sku}} for part, many in parts
    ]
    assert [row["quantity"] for row in shown["product"]["bundleComponents"]["nodes"]] == [2, 1]
    assert shown["inventoryQuantity"] == min(
        catalogue.quantity_of(part) // many for part, many in parts
    )


def test_variants_are_found_by_their_sku(shop: Client) -> None:
    variant = next(one for one in shop.store.catalogue.variants.values() if one.sku)

    found = shop.ask(
        "query($q: String) { productVariants(first: 5, query: $q) { nodes { id sku } }"
        " productVariantsCount(query: $q) { count } inventoryItems(first: 5, query: $q) { nodes {"
        " sku } } }",
        q=f"sku:{variant.sku}",
    )

    assert found["productVariants"]["nodes"] == [
        {"id": f"gid://shopify/ProductVariant/{variant.id}", "sku": variant.sku}
    ]
    assert found["productVariantsCount"] == {"count": 1}
    assert found["inventoryItems"]["nodes"] == [{"sku": variant.sku}]


def test_counts_stop_at_their_limit(shop: Client) -> None:
    query = "query($n: Int) { productsCount(limit: $n) { count precision } }"

    assert shop.ask(query, n=10)["productsCount"] == {"count": 10, "precision": "AT_LEAST"}
    assert shop.ask(query, n=40)["productsCount"] == {"count": 40, "precision": "EXACT"}
    assert shop.ask(query, n=None)["productsCount"] == {"count": 40, "precision": "EXACT"}


def test_the_seed_holds_what_real_shops_hold(shop: Client) -> None:
    catalogue = shop.store.catalogue
    products, items = catalogue.products.values(), catalogue.items.values()

    assert {product.status for product in products} == {"ACTIVE", "DRAFT", "ARCHIVED"}
    assert any(len(product.variant_ids) > 100 for product in products)
    assert any(product.is_gift_card for product in products)
    assert any(ord(letter) > 0x2E80 for product in products for letter in product.title)
    assert any(not item.tracked for item in items)
    assert any(not item.sku for item in items)
    assert any(not item.requires_shipping for item in items)
    assert len(catalogue.deleted_variants) == 3
    assert all(product.updated_at <= NOW for product in products)


def test_equal_seeds_give_equal_catalogues(make_store: Make) -> None:
    query = "{ products(first: 40) { nodes { title updatedAt totalInventory tags } } }"

    one, other, third = make_store(seed=5), make_store(seed=5), make_store(seed=6)

    assert one.ask(query) == other.ask(query) != third.ask(query)


def test_a_currency_without_decimals_has_whole_prices(make_store: Make) -> None:
    shop = make_store(currency="JPY")

    nodes = shop.ask("{ productVariants(first: 50) { nodes { price } } }")["productVariants"][
        "nodes"
    ]

    assert all("." not in node["price"] and int(node["price"]) > 100 for node in nodes)


# --- locations ------------------------------------------------------------------------------------


def test_locations_show_the_inactive_and_the_services_only_when_asked(shop: Client) -> None:
    query = """query($i: Boolean, $l: Boolean) { locations(first: 10, includeInactive: $i,
        includeLegacy: $l) { nodes { name isActive deactivatedAt isFulfillmentService isPrimary
        fulfillmentService { handle serviceName type } address { city countryCode } } } }"""

    def names(**asked: bool) -> list[str]:
        return [row["name"] for row in shop.ask(query, **asked)["locations"]["nodes"]]

    assert names() == ["Laden Hamburg", "Lager Köln"]
    assert names(l=True) == ["Laden Hamburg", "Lager Köln", "Rhein Fulfilment"]
    assert names(i=True, l=True) == ["Laden Hamburg", "Lager Alt", "Lager Köln", "Rhein Fulfilment"]


def test_the_primary_location_is_the_first(shop: Client) -> None:
    found = shop.ask(
        """{ location { name isPrimary } other: location(id: "gid://shopify/Location/61000004") {
        name isActive activatable deactivatedAt hasActiveInventory } none: location(id:
        "gid://shopify/Location/1") { id } locationsCount { count } }"""
    )

    assert found == {
        "location": {"name": "Lager Köln", "isPrimary": True},
        "other": {
            "name": "Lager Alt",
            "isActive": False,
            "activatable": True,
            "deactivatedAt": "2026-08-10T11:06:40Z",
            "hasActiveInventory": False,
        },
        "none": None,
        "locationsCount": {"count": 4},
    }


# --- what anybody may leave on things ------------------------------------------------------------


SET = """mutation($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) { metafields { id
    namespace key type value ownerType createdAt updatedAt } userErrors { field message code } }
    }"""


def test_metafields_are_written_and_written_over(shop: Client) -> None:
    product = next(iter(shop.store.catalogue.products))
    row = {
        "ownerId": f"gid://shopify/Product/{product}",
        "namespace": "logix",
        "key": "bin",
        "type": "single_line_text_field",
        "value": "A-12",
    }

    (made,) = shop.change(SET, m=[row])["metafields"]
    shop.wait(60)
    (changed,) = shop.change(SET, m=[row | {"value": "B-1"}])["metafields"]

    assert made["id"] == changed["id"]
    assert (made["ownerType"], made["value"], changed["value"]) == ("PRODUCT", "A-12", "B-1")
    assert changed["createdAt"] == made["createdAt"] < changed["updatedAt"]
    read = shop.ask(
        """query($id: ID!) { product(id: $id) { updatedAt one: metafield(namespace: "logix", key:
        "bin") { value } other: metafield(key: "logix.bin") { value } none: metafield(key: "x") {
        value } metafields(first: 5, namespace: "logix") { nodes { key } } } }""",
        id=row["ownerId"],
    )["product"]
    assert read == {
        "updatedAt": "2026-11-18T11:07:40Z",
        "one": {"value": "B-1"},
        "other": {"value": "B-1"},
        "none": None,
        "metafields": {"nodes": [{"key": "bin"}]},
    }
    assert shop.events.count(("products/update", product)) == 2


def test_metafields_are_written_all_or_not_at_all(shop: Client) -> None:
    product = next(iter(shop.store.catalogue.products))
    good = {
        "ownerId": f"gid://shopify/Product/{product}",
        "namespace": "logix",
        "key": "bin",
        "type": "single_line_text_field",
        "value": "A",
    }

    refused = shop.refusal(
        SET, m=[good, good | {"value": ""}, good | {"ownerId": "gid://shopify/Product/1"}]
    )

    assert refused == [
        (["metafields", "1", "value"], "BLANK"),
        (["metafields", "2", "ownerId"], "INVALID"),
    ]
    assert shop.events == []
    assert shop.refusal(SET, m=[good] * 26) == [(["metafields"], "LESS_THAN_OR_EQUAL_TO")]


def test_tags_are_added_once_whatever_their_case(shop: Client) -> None:
    product = next(one for one in shop.store.catalogue.products.values() if "neu" in one.tags)
    query = """mutation($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id
        ... on Product { tags } } userErrors { field message } } }"""

    node = shop.change(query, id=f"gid://shopify/Product/{product.id}", tags=["Neu", "x, y"])[
        "node"
    ]
    shop.change(query, id=f"gid://shopify/Product/{product.id}", tags=["X"])

    assert set(node["tags"]) == {*product.tags}
    assert {"x", "y"} < set(node["tags"])
    assert "Neu" not in node["tags"]
    assert shop.events == [("products/update", product.id)]
    assert shop.refusal(query, id="gid://shopify/Product/1", tags=["x"]) == [(["id"], None)]

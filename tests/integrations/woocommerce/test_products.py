"""Products with their variations, on stores with one list of all variations and without."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from integrations.base import Filters, Page
from integrations.errors import ContractBroken, NotFound
from tests.integrations.woocommerce.make import DAY, product, variable, variation
from tests.integrations.woocommerce.site import Shelf, Site, adapter_for, refused, told

PRODUCTS, VARIATIONS = "wc/v3/products", "wc/v3/variations"
START = datetime.fromisoformat(f"{DAY}T10:00:00+00:00")
NEW = {"all_variations": True}


def stocked(site: Site, products: list[dict[str, Any]], variations: list[dict[str, Any]]) -> None:
    """A store with both ways to its variations."""
    site.on("GET", PRODUCTS, Shelf(products))
    site.on("GET", VARIATIONS, Shelf(variations))
    for parent in products:
        site.on("GET", f"{PRODUCTS}/{parent['id']}", parent)
        own = [row for row in variations if row["parent_id"] == parent["id"]]
        site.on("GET", f"{PRODUCTS}/{parent['id']}/variations", Shelf(own))


def known(pages: Iterable[Page[Any]]) -> list[tuple[str, list[str], bool]]:
    return [
        (p.external_id, [v.external_id for v in p.variants], p.variants_complete)
        for page in pages
        for p in page.records
    ]


@pytest.mark.parametrize("options", [{}, NEW])
def test_products_come_with_their_variations_from_old_stores_and_new(
    site: Site, options: dict[str, Any]
) -> None:
    stocked(
        site,
        [product(1), variable(2, [21, 22]), variable(3, [31])],
        [variation(21, 2), variation(22, 2), variation(31, 3)],
    )

    pages = adapter_for(site, options=options).read_products(Filters())

    assert known(pages) == [
        ("1", ["1"], True),
        ("2", ["21", "22"], True),
        ("3", ["31"], True),
    ]
    per_parent = [call for call in site.calls if call.route.endswith("/variations")]
    assert bool([c for c in per_parent if c.route != VARIATIONS]) is (options == {})


def test_a_variation_that_changed_alone_brings_its_product(site: Site) -> None:
    stocked(
        site,
        [variable(2, [21, 22], minute=1), product(4, minute=31)],
        [variation(21, 2, minute=1), variation(22, 2, minute=32)],
    )
    filters = Filters(since=START + timedelta(minutes=30))

    on_new = list(adapter_for(site, options=NEW).read_products(filters))
    on_old = list(adapter_for(site).read_products(filters))

    assert known(on_new) == [("4", ["4"], True), ("2", ["21", "22"], True)]
    assert on_new[-1].records[0].changed_at == START + timedelta(minutes=32)
    assert [page.last for page in on_new] == [False, True]
    # 8.9 has no such list; the nightly look at all products finds it there.
    assert known(on_old) == [("4", ["4"], True)]


def test_a_product_read_with_the_change_of_its_variation_is_not_read_again(site: Site) -> None:
    stocked(site, [variable(2, [21], minute=33)], [variation(21, 2, minute=32)])

    found = adapter_for(site, options=NEW).read_products(Filters(since=START))

    assert known(found) == [("2", ["21"], True)]
    assert len(site.asked(PRODUCTS)) == 1


def test_a_walk_cut_among_the_variations_goes_on_there(site: Site) -> None:
    stocked(
        site,
        [variable(2, [21], minute=1), variable(3, [31], minute=1)],
        [variation(21, 2, minute=32), variation(31, 3, minute=33)],
    )
    adapter = adapter_for(site, options=NEW)
    filters = Filters(since=START + timedelta(minutes=30), page_size=1)
    pages = list(adapter.read_products(filters))
    cut = next(page for page in pages if page.records)
    site.calls.clear()

    again = Filters(since=filters.since, page_size=1, position=cut.position)
    rest = known(adapter.read_products(again))

    assert rest == [("3", ["31"], True)]
    assert all("modified_after" not in call.query for call in site.asked(PRODUCTS))


def test_a_product_of_more_than_a_hundred_variations_is_read_whole(site: Site) -> None:
    ids = list(range(1000, 1130))
    stocked(site, [variable(2, ids)], [variation(n, 2) for n in ids])

    for options in ({}, NEW):
        ((_, found, complete),) = known(adapter_for(site, options=options).read_products(Filters()))
        assert found == [str(n) for n in ids]
        assert complete


def test_a_cache_that_gives_the_same_page_for_ever_does_not_hold_the_hub(site: Site) -> None:
    rows = [variation(n, 2) for n in range(100)]
    site.on("GET", f"{PRODUCTS}/2", variable(2, [0]))
    site.on("GET", f"{PRODUCTS}/2/variations", told(rows))

    with pytest.raises(ContractBroken) as caught:
        adapter_for(site).read_product("2")

    assert caught.value.code == "page_ignored"


@pytest.mark.parametrize("options", [{}, NEW])
def test_variations_that_did_not_come_are_not_taken_for_gone(
    site: Site, options: dict[str, Any]
) -> None:
    site.on("GET", PRODUCTS, Shelf([variable(2, [21, 22])]))
    site.on("GET", VARIATIONS, Shelf([variation(21, 2)]))
    site.on("GET", f"{PRODUCTS}/2/variations", refused(404, "woocommerce_rest_product_invalid_id"))

    ((_, _, complete),) = known(adapter_for(site, options=options).read_products(Filters()))

    assert complete is False


def test_a_variation_that_cannot_be_read_is_told_beside_its_product(site: Site) -> None:
    stocked(site, [variable(2, [21, 22])], [variation(21, 2), variation(22, 2, name=[])])

    (page,) = adapter_for(site).read_products(Filters())

    assert known([page]) == [("2", ["21"], False)]
    (bad,) = page.unreadable
    assert (bad.external_id, bad.path) == ("2", "$.name")
    assert "variations" in bad.reason


def test_a_product_that_cannot_be_read_costs_only_itself(site: Site) -> None:
    rows = [
        product(1, variations="many"),
        product(2, name={}),
        product(3),
        product(4, date_modified_gmt="soon"),
    ]
    site.on("GET", PRODUCTS, told(rows))

    (page,) = adapter_for(site).read_products(Filters(ids=("1", "2", "3", "4")))

    assert known([page]) == [("3", ["3"], True)]
    assert sorted(bad.external_id for bad in page.unreadable) == ["1", "2", "4"]


def test_a_variation_without_a_product_is_set_aside(site: Site) -> None:
    lost = [variation(21, 0, minute=5), variation(22, 2, minute=6), variation(23, 0, minute=7)]
    lost[2]["parent_id"] = {}
    stocked(site, [variable(2, [22], minute=1)], lost)

    pages = list(
        adapter_for(site, options=NEW).read_products(Filters(since=START + timedelta(minutes=4)))
    )

    assert known(pages) == [("2", ["22"], True)]
    assert [b.external_id for page in pages for b in page.unreadable] == ["21", "23"]


def test_one_product_is_read_by_id(site: Site) -> None:
    stocked(site, [variable(2, [21])], [variation(21, 2)])

    found = adapter_for(site).read_product("2")

    assert [v.sku for v in found.variants] == ["V21"]


def test_the_id_of_a_variation_reads_its_product(site: Site) -> None:
    stocked(site, [variable(2, [21])], [variation(21, 2)])
    site.on("GET", f"{PRODUCTS}/21", variation(21, 2))

    assert adapter_for(site).read_product("21").external_id == "2"


def test_one_product_that_is_broken_or_gone_is_said_to_be(site: Site) -> None:
    site.on("GET", f"{PRODUCTS}/2", product(2, name=[1]))
    site.on("GET", f"{PRODUCTS}/3", refused(404, "woocommerce_rest_product_invalid_id"))
    adapter = adapter_for(site)

    with pytest.raises(ContractBroken):
        adapter.read_product("2")
    with pytest.raises(NotFound):
        adapter.read_product("3")
    with pytest.raises(NotFound):
        adapter.read_product("../users/1")
    assert [call.route for call in site.calls] == [f"{PRODUCTS}/2", f"{PRODUCTS}/3"]


# -- by SKU --------------------------------------------------------------------------------------


def test_a_listing_is_found_by_its_sku_and_where_its_stock_is_kept(site: Site) -> None:
    rows = [
        product(1, sku="MUG"),
        variation(21, 2, sku="MUG-BLUE"),
        variation(22, 2, sku="MUG-RED", manage_stock="parent"),
    ]
    site.on("GET", PRODUCTS, Shelf(rows))
    adapter = adapter_for(site)

    found = {sku: adapter.find_listing(sku, 4) for sku in ("MUG", "MUG-BLUE", "MUG-RED")}

    assert {
        sku: (u.external_product_id, u.external_variant_id, u.stock_ref, u.quantity)
        for sku, u in found.items()
    } == {
        "MUG": ("1", "1", "product:1", 4),
        "MUG-BLUE": ("2", "21", "variation:2:21", 4),
        "MUG-RED": ("2", "22", "product:2", 4),
    }


def test_a_sku_with_a_comma_does_not_find_the_listings_of_its_halves(site: Site) -> None:
    site.on("GET", PRODUCTS, Shelf([product(1, sku="A"), product(2, sku="B")]))

    with pytest.raises(NotFound, match="no listing"):
        adapter_for(site).find_listing("A,B", 4)


def test_no_sku_and_one_that_is_there_twice_find_nothing(site: Site) -> None:
    site.on("GET", PRODUCTS, Shelf([product(1, sku="A"), product(2, sku="A")]))
    adapter = adapter_for(site)

    with pytest.raises(NotFound, match="more than one listing"):
        adapter.find_listing("A", 4)
    with pytest.raises(NotFound, match="no listing"):
        adapter.find_listing(" ", 4)
    assert len(site.calls) == 1


def test_a_variation_found_by_sku_must_name_its_product(site: Site) -> None:
    site.on("GET", PRODUCTS, Shelf([variation(21, 0, sku="A")]))

    with pytest.raises(ContractBroken):
        adapter_for(site).find_listing("A", 4)

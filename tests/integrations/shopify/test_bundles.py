"""Bundles: what a variant is put together from, as the store tells it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.base import Filters
from integrations.errors import ContractBroken
from integrations.shopify.operations import operation
from inventory.data import PartData
from tests.integrations.sandbox.shopify.official import faults, official
from tests.integrations.shopify import make
from tests.integrations.shopify.shop import Call, Shop, adapter_for, data, nodes
from tests.integrations.shopify.test_products import shelf_of

EVERYTHING = Filters(since=datetime(2020, 1, 1, tzinfo=UTC))


def part(number: int, quantity: int = 1) -> dict[str, Any]:
    sold = {"legacyResourceId": str(number), "sku": f"SKU-{number}" if number % 2 else None}
    return {"quantity": quantity, "productVariant": sold}


def told(number: int, quantity: int = 1) -> PartData:
    sku = f"SKU-{number}" if number % 2 else ""
    return PartData(external_variant_id=str(number), sku=sku, quantity=quantity)


def bundle(number: int, parts: list[dict[str, Any]], rest: str | None = None) -> dict[str, Any]:
    own = f"gid://shopify/ProductVariant/{number}"
    return {"id": own, "productVariantComponents": nodes(parts, rest)}


def a_set(*numbers: int) -> dict[str, Any]:
    rows = [make.variant(n, requiresComponents=True) for n in numbers]
    return make.product(700, variants=nodes([*rows, make.variant(1)]))


def test_a_bundle_comes_with_its_parts_and_without_a_figure(shop: Shop) -> None:
    shelf_of(shop, [a_set(8)])
    shop.on("Bundles", data(nodes=[bundle(8, [part(1, 2), part(2)])]))

    (found,) = adapter_for(shop, locations=("61",)).sync_products(EVERYTHING)

    pair, plain = found.variants
    assert (pair.is_bundle, pair.stock, pair.stock_at) == (True, None, {})
    assert pair.parts == (told(1, 2), told(2))
    assert (plain.is_bundle, plain.stock, plain.parts) == (False, 5, ())
    (call,) = shop.asked("Bundles")
    assert call.variables == {"ids": ["gid://shopify/ProductVariant/8"]}


def test_a_store_without_bundles_is_not_asked_for_any(shop: Shop) -> None:
    shelf_of(shop, [make.product(n) for n in (700, 701)])

    list(adapter_for(shop, locations=("61",)).sync_products(EVERYTHING))

    assert shop.asked("Bundles") == []


def test_all_bundles_of_a_product_are_asked_for_at_once(shop: Shop) -> None:
    shelf_of(shop, [a_set(8, 9)])
    shop.on("Bundles", data(nodes=[bundle(8, [part(1)]), bundle(9, [part(3, 5)])]))

    found = adapter_for(shop).read_product("700")

    assert [x.parts for x in found.variants] == [(told(1),), (told(3, 5),), ()]
    assert len(shop.asked("Bundles")) == 1


def test_a_bundle_of_more_parts_than_shown_is_read_to_the_end(shop: Shop) -> None:
    rows = [part(n) for n in range(1, 31)]
    shelf_of(shop, [a_set(800)])
    shop.on("Bundles", data(nodes=[bundle(800, rows[:10], "10")]))

    def more(call: Call) -> bytes:
        start, size = int(call.variables["after"]), min(call.variables["first"], 12)
        rest = str(start + size) if start + size < len(rows) else None
        return data(
            productVariant={"productVariantComponents": nodes(rows[start : start + size], rest)}
        )

    shop.on("BundleParts", more)
    found = adapter_for(shop).read_product("700")

    assert found.variants[0].parts == tuple(told(n) for n in range(1, 31))
    asked = [call.variables["after"] for call in shop.asked("BundleParts")]
    assert asked == ["10", "22"]


def test_a_bundle_that_goes_meanwhile_sets_its_product_aside(shop: Shop) -> None:
    shelf_of(shop, [a_set(8), make.product(701)])
    shop.on("Bundles", data(nodes=[None]))

    (page,) = adapter_for(shop).read_products(EVERYTHING)

    assert [p.external_id for p in page.records] == ["701"]
    assert [(bad.external_id, bad.code) for bad in page.unreadable] == [("700", "not_found")]


def test_a_number_of_units_that_cannot_be_is_no_bundle(shop: Shop) -> None:
    shelf_of(shop, [a_set(8)])
    shop.on("Bundles", data(nodes=[bundle(8, [part(1, 10**12)])]))

    with pytest.raises(ContractBroken):
        adapter_for(shop).read_product("700")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("bundles", {"nodes": [bundle(8, [part(1, 2), part(2)], "c")]}),
        (
            "bundle_parts",
            {"productVariant": {"productVariantComponents": nodes([part(1), part(2, 3)])}},
        ),
    ],
)
def test_these_answers_are_of_the_official_schema(
    name: str, answer: dict[str, Any], shared: Path
) -> None:
    assert faults(official(shared), operation(name).text, answer) == []

"""Products and variants: Shopify's answers to ``ProductData``. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from integrations.errors import ContractBroken
from integrations.shopify import product_shapes, shapes
from integrations.shopify.values import MOST_UNITS, known_moment, money, text
from inventory.data import PartData, ProductData, ProductKind, VariantData

_GRAMS = {
    "KILOGRAMS": Decimal(1000),
    "GRAMS": Decimal(1),
    "POUNDS": Decimal("453.59237"),
    "OUNCES": Decimal("28.349523125"),
}
# UNLISTED ones are sold to who has the link.
_LISTED = frozenset({"ACTIVE", "UNLISTED"})
_SELLS_ON = "CONTINUE"
_DEFAULT_TITLE = "Default Title"
_MOST_WEIGHT = 10**6


def to_product(
    raw: bytes,
    *,
    product: product_shapes.Product | None = None,
    locations: Sequence[str] = (),
) -> ProductData:
    """One product with the variants it was read with, and their figures at ``locations``. Raises
    ContractBroken.
    """
    product = product or shapes.decode(raw, product_shapes.Product)
    found = product.variants
    return ProductData(
        external_id=product.legacy_resource_id,
        title=text(product.title),
        changed_at=known_moment(product.updated_at, "$.updatedAt"),
        kind=ProductKind.SIMPLE if product.has_only_default_variant else ProductKind.VARIABLE,
        raw_status=text(product.status, 40),
        is_listed=product.status in _LISTED,
        variants=tuple(
            _variant(told, f"$.variants.nodes[{number}]", locations)
            for number, told in enumerate(found.nodes)
        ),
        variants_complete=found.rest is None,
        categories=_categories(product),
        custom=_custom(product),
        raw=raw,
    )


def available(level: product_shapes.Level | None) -> int:
    """The units a store can sell at a location; where it does not keep the item it has none. Raises
    ContractBroken.
    """
    return _bounded(level.quantities[0].quantity if level and level.quantities else 0)


def _figures(told: product_shapes.Variant, locations: Sequence[str]) -> dict[str, int] | None:
    """By those of ``locations`` that keep the item. None where there are none to speak of, or the
    store does not count the item, or computes it from the parts of a bundle.
    """
    item = told.inventory_item
    if not locations or not item.tracked or told.requires_components:
        return None
    levels = {
        level.location.legacy_resource_id: level
        for level in item.inventory_levels.nodes
        if level.location
    }
    if item.inventory_level:
        levels[locations[0]] = item.inventory_level
    return {at: available(levels[at]) for at in locations if at in levels}


def _variant(told: product_shapes.Variant, path: str, locations: Sequence[str]) -> VariantData:
    title = text(told.title)
    figures = _figures(told, locations)
    return VariantData(
        external_id=told.legacy_resource_id,
        sku=text(told.sku, 128).strip(),
        barcode=text(told.barcode, 64).strip(),
        title="" if title == _DEFAULT_TITLE else title,
        price=money(told.price, f"{path}.price") if told.price is not None else None,
        weight_g=_weight(told.inventory_item),
        stock=None if figures is None else _bounded(sum(figures.values())),
        stock_at=figures or {},
        stock_ref=told.inventory_item.legacy_resource_id,
        backorders=told.inventory_policy == _SELLS_ON,
        is_bundle=told.requires_components,
        parts=tuple(
            PartData(
                external_variant_id=part.product_variant.legacy_resource_id,
                sku=text(part.product_variant.sku, 128).strip(),
                quantity=_bounded(part.quantity),
            )
            for part in told.parts
        ),
        options={
            text(option.name, 80): text(option.value, 120)
            for option in told.selected_options
            if option.value != _DEFAULT_TITLE
        },
    )


def _bounded(quantity: int) -> int:
    if abs(quantity) <= MOST_UNITS:
        return quantity
    raise ContractBroken("A stock figure cannot be.", path="$.inventoryItem", code="bad_units")


def _weight(item: product_shapes.InventoryItem) -> Decimal | None:
    weight = item.measurement.weight if item.measurement else None
    if weight is None or not 0 < weight.value <= _MOST_WEIGHT or weight.unit not in _GRAMS:
        return None
    return round(Decimal(repr(weight.value)) * _GRAMS[weight.unit], 3)


def _categories(product: product_shapes.Product) -> tuple[str, ...]:
    """Its type: what the merchant sorts products by here, there is one at most."""
    name = text(product.product_type, 120).strip()
    return (name,) if name else ()


def _custom(product: product_shapes.Product) -> dict[str, str]:
    told = {
        "product_type": product.product_type,
        "tags": ", ".join(product.tags),
        "vendor": product.vendor,
    }
    return {name: text(value, 500) for name, value in told.items() if value}

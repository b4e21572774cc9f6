"""Products and variants: Shopify's answers to ``ProductData``. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from integrations.errors import ContractBroken
from integrations.shopify import product_shapes, shapes
from integrations.shopify.values import MOST_UNITS, known_moment, money, text
from inventory.data import ProductData, ProductKind, VariantData

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
    at_location: bool,
) -> ProductData:
    """One product with the variants it was read with. ``at_location``: figures are those of one
    location, else of all together. Raises ContractBroken.
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
            _variant(told, f"$.variants.nodes[{number}]", at_location=at_location)
            for number, told in enumerate(found.nodes)
        ),
        variants_complete=found.rest is None,
        custom=_custom(product),
        raw=raw,
    )


def figure(item: product_shapes.InventoryItem, *, at_location: bool, is_bundle: bool) -> int | None:
    """The units a store can sell at the one location Logix speaks of, None where there is none to
    speak of, or it does not count them or computes them from the parts of a bundle. An item that is
    not kept at that location has none there.

    The sum of all locations is nobody's figure: written to one of them, it would oversell the rest.
    """
    if not at_location or not item.tracked or is_bundle:
        return None
    quantities: Sequence[product_shapes.Quantity] = (
        item.inventory_level.quantities if item.inventory_level else ()
    )
    return _bounded(quantities[0].quantity if quantities else 0)


def _variant(told: product_shapes.Variant, path: str, *, at_location: bool) -> VariantData:
    title = text(told.title)
    return VariantData(
        external_id=told.legacy_resource_id,
        sku=text(told.sku, 128).strip(),
        barcode=text(told.barcode, 64).strip(),
        title="" if title == _DEFAULT_TITLE else title,
        price=money(told.price, f"{path}.price") if told.price is not None else None,
        weight_g=_weight(told.inventory_item),
        stock=figure(
            told.inventory_item, at_location=at_location, is_bundle=told.requires_components
        ),
        stock_ref=told.inventory_item.legacy_resource_id,
        backorders=told.inventory_policy == _SELLS_ON,
        options={
            text(option.name, 80): text(option.value, 120)
            for option in told.selected_options
            if option.value != _DEFAULT_TITLE
        },
    )


def _bounded(quantity: int | None) -> int | None:
    if quantity is None or abs(quantity) <= MOST_UNITS:
        return quantity
    raise ContractBroken("A stock figure cannot be.", path="$.inventoryItem", code="bad_units")


def _weight(item: product_shapes.InventoryItem) -> Decimal | None:
    weight = item.measurement.weight if item.measurement else None
    if weight is None or not 0 < weight.value <= _MOST_WEIGHT or weight.unit not in _GRAMS:
        return None
    return round(Decimal(repr(weight.value)) * _GRAMS[weight.unit], 3)


def _custom(product: product_shapes.Product) -> dict[str, str]:
    told = {
        "product_type": product.product_type,
        "tags": ", ".join(product.tags),
        "vendor": product.vendor,
    }
    return {name: text(value, 500) for name, value in told.items() if value}

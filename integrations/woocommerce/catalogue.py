"""Products and variations: WooCommerce's answers to ``ProductData``, and where stock figures are
kept. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from integrations.errors import ContractBroken
from integrations.woocommerce.shapes import Product, Scalar, rows
from integrations.woocommerce.values import (
    MOST_UNITS,
    changed_at,
    ident,
    number_of,
    plain_meta,
    text,
    title,
)
from inventory.data import ProductData, ProductKind, VariantData

# "parent": the variation has no figure of its own, its product's counts for it.
AT_PARENT = "parent"
VARIATION = "variation"
_KINDS = {
    "simple": ProductKind.SIMPLE,
    "variable": ProductKind.VARIABLE,
    "grouped": ProductKind.GROUPED,
}
_GRAMS = {
    "kg": Decimal(1000),
    "g": Decimal(1),
    "lbs": Decimal("453.59237"),
    "oz": Decimal("28.349523125"),
}
_LISTED = "publish"
_GONE = "trash"
_MOST_PRICE, _MOST_WEIGHT = 10**12, 10**6
_MOST_CUSTOM = 60
_LONGEST_CATEGORY = 120


@dataclass(frozen=True, slots=True)
class StockAddress:
    """Where a figure is kept: a product (``variation_id`` 0), or a variation of it."""

    product_id: int
    variation_id: int = 0

    @property
    def item(self) -> int:
        """The id by which the store knows what carries the figure."""
        return self.variation_id or self.product_id

    def __str__(self) -> str:
        if self.variation_id:
            return f"variation:{self.product_id}:{self.variation_id}"
        return f"product:{self.product_id}"

    @classmethod
    def read(cls, ref: str) -> StockAddress:
        """Raises ValueError."""
        kind, _, ids = ref.partition(":")
        product, _, variation = ids.partition(":")
        if kind not in ("product", "variation") or not (product + variation).isdecimal():
            raise ValueError(ref)
        return cls(int(product), int(variation or 0))


def to_product(
    product: Product,
    variations: Sequence[Product],
    *,
    timezone: str,
    weight_unit: str = "kg",
    complete: bool = True,
    raw: bytes = b"",
) -> ProductData:
    """One product. A simple one is its own single variant; a grouped one has none: its members are
    products of their own. ``complete`` False: not all variations could be had. Raises
    ContractBroken.
    """
    word = text(product.type, 40)
    kind = _KINDS.get(word, ProductKind.OTHER)
    if kind is ProductKind.VARIABLE or variations:
        variants = tuple(_variant(item, product, weight_unit) for item in variations)
    elif kind is ProductKind.GROUPED:
        variants = ()
    else:
        variants = (_variant(product, product, weight_unit),)
    times = [when for item in (product, *variations) if (when := changed_at(item, timezone))]
    if not times:
        raise ContractBroken("The product has no time of change.", path="$.date_modified_gmt")
    return ProductData(
        external_id=str(product.id),
        title=title(product.name),
        changed_at=max(times),
        kind=kind,
        raw_status=text(product.status, 40),
        is_listed=product.status == _LISTED,
        variants=variants,
        variants_complete=complete,
        gone=product.status == _GONE,
        categories=_categories(product),
        custom=plain_meta(rows(product.meta_data, "$.meta_data"), _MOST_CUSTOM),
        raw=raw,
    )


def named(product: Product) -> frozenset[int]:
    """Ids of its variations: variable products have them, and the types that plugins derive from
    those. Raises ContractBroken.
    """
    return frozenset(rows(product.variations, "$.variations"))


def address_of(item: Product, parent: Product) -> StockAddress:
    if item is parent or item.manage_stock == AT_PARENT:
        return StockAddress(parent.id)
    return StockAddress(parent.id, item.id)


def address_alone(item: Product) -> StockAddress:
    """Of a row of the list of products, variations among them. Raises ContractBroken."""
    if item.type != VARIATION:
        return StockAddress(item.id)
    parent = ident(item.parent_id)
    if not parent.isdecimal():
        raise ContractBroken("The variation does not name its product.", path="$.parent_id")
    return StockAddress(int(parent), 0 if item.manage_stock == AT_PARENT else item.id)


def figure(value: Scalar) -> int | None:
    """A stock figure in whole units; plugins that sell by metre or weight are rounded down."""
    number = number_of(value)
    return int(number // 1) if number is not None and abs(number) <= MOST_UNITS else None


def _categories(product: Product) -> tuple[str, ...]:
    """Their names as people read them. A term's name is kept as a title is, “&” as “&amp;”.
    Source: WordPress core wp-includes/default-filters.php (pre_term_name), 2026-11.
    """
    listed = rows(product.categories, "$.categories")
    names = (title(category.name, _LONGEST_CATEGORY).strip() for category in listed)
    return tuple(dict.fromkeys(filter(None, names)))


def _variant(item: Product, parent: Product, weight_unit: str) -> VariantData:
    is_own = item is parent
    options = {}
    if not is_own:
        listed = rows(item.attributes, "$.attributes")
        options = {text(a.name, 80): text(a.option, 120) for a in listed if a.option}
    owner = parent if item.manage_stock == AT_PARENT else item
    return VariantData(
        external_id=str(item.id),
        sku=text(item.sku, 128).strip(),
        barcode=text(item.global_unique_id, 64).strip(),
        title="" if is_own else ", ".join(options.values()) or title(item.name),
        price=_price(item.price),
        weight_g=_weight(item.weight or parent.weight, weight_unit),
        stock=figure(owner.stock_quantity) if owner.manage_stock else None,
        stock_ref=str(address_of(item, parent)),
        backorders=item.backorders_allowed in (True, 1, "1", "yes", "true"),
        options=options,
    )


def _price(value: Scalar) -> Decimal | None:
    """Prices are free text in WooCommerce; what is no number is no price."""
    number = number_of(value)
    return round(number, 6) if number is not None and abs(number) < _MOST_PRICE else None


def _weight(value: Scalar, unit: str) -> Decimal | None:
    number = number_of(value)
    if number is None or not 0 < number <= _MOST_WEIGHT:
        return None
    return round(number * _GRAMS.get(unit, Decimal(1000)), 3)

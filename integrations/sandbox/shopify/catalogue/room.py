"""The state of the catalogue: products, variants, items, locations and levels, all in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from integrations.sandbox.shopify.catalogue.models import (
    InventoryAdjustmentGroup,
    InventoryItem,
    InventoryLevel,
    Location,
    Product,
    ProductVariant,
)
from integrations.sandbox.shopify.catalogue.seed import catalogue

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

_GROUPS_KEPT = 500


class Saved(msgspec.Struct):
    locations: list[Location] = []
    products: list[Product] = []
    products_gone: list[int] = []
    variants: list[ProductVariant] = []
    items: list[InventoryItem] = []
    levels: list[InventoryLevel] = []


class CatalogueRoom:
    def __init__(self, store: ShopStore) -> None:
        self._store = store
        options = store.options
        made = catalogue(
            seed=options.seed,
            count=options.products,
            now=store.seeded_at,
            currency=options.currency,
            is_multi_location=options.is_multi_location,
            skus=options.skus,
        )
        self.locations, self.products, self.variants = made.locations, made.products, made.variants
        self.items, self.levels, self.deleted_variants = made.items, made.levels, made.deleted
        self.groups: dict[int, InventoryAdjustmentGroup] = {}
        self.changed_products: set[int] = set()
        self.changed_levels: set[tuple[int, int]] = set()
        self.changed_locations: set[int] = set()
        self.products_gone: set[int] = set()
        for kind, things in (
            ("Location", self.locations),
            ("Product", self.products),
            ("ProductVariant", self.variants),
            ("InventoryItem", self.items),
        ):
            store.ids.reserve(kind, max(things, default=0))
        store.ids.reserve(
            "InventoryLevel", max((one.id for one in self.levels.values()), default=0)
        )

    # -- asking --------------------------------------------------------------------------------

    def active_locations(self) -> list[Location]:
        return [place for place in self.locations.values() if place.is_active]

    def variants_of(self, product: Product) -> list[ProductVariant]:
        return [self.variants[number] for number in product.variant_ids]

    def levels_of(self, item_id: int, *, with_inactive: bool = False) -> list[InventoryLevel]:
        found = (self.levels.get((item_id, place)) for place in self.locations)
        return [level for level in found if level and (level.is_active or with_inactive)]

    def level(self, number: int) -> InventoryLevel | None:
        return next((level for level in self.levels.values() if level.id == number), None)

    def quantity_of(self, variant: ProductVariant) -> int:
        """What can be sold of it everywhere; of a bundle, what its parts suffice for."""
        if variant.components:
            return min(
                self.quantity_of(self.variants[part]) // many for part, many in variant.components
            )
        return sum(level.available for level in self.levels_of(variant.item_id))

    def by_sku(self, sku: str) -> ProductVariant | None:
        return next((one for one in self.variants.values() if sku and one.sku == sku), None)

    # -- changing ------------------------------------------------------------------------------

    def touch_product(self, product: Product) -> None:
        product.updated_at = self._store.clock.now()
        self.changed_products.add(product.id)
        self._store.emit("products/update", product.id)

    def touch_location(self, location: Location, topic: str = "locations/update") -> None:
        location.updated_at = self._store.clock.now()
        self.changed_locations.add(location.id)
        self._store.emit(topic, location.id)

    def delete_product(self, product: Product) -> None:
        for variant in self.variants_of(product):
            self.variants.pop(variant.id)
            self.items.pop(variant.item_id)
            for place in self.locations:
                self.levels.pop((variant.item_id, place), None)
        self.products.pop(product.id)
        self.changed_products.discard(product.id)
        self.products_gone.add(product.id)
        self._store.emit("products/delete", product.id, {"id": product.id})

    def keep_group(self, group: InventoryAdjustmentGroup) -> None:
        """The last few hundred can be asked for again."""
        self.groups[group.id] = group
        if len(self.groups) > _GROUPS_KEPT:
            del self.groups[next(iter(self.groups))]

    # -- keeping -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        products = [self.products[number] for number in sorted(self.changed_products)]
        variants = [variant for product in products for variant in self.variants_of(product)]
        saved = Saved(
            locations=[self.locations[number] for number in sorted(self.changed_locations)],
            products=products,
            products_gone=sorted(self.products_gone),
            variants=variants,
            items=[self.items[variant.item_id] for variant in variants],
            levels=[
                self.levels[place] for place in sorted(self.changed_levels) if place in self.levels
            ],
        )
        found: dict[str, Any] = msgspec.to_builtins(saved)
        return found

    def restore(self, saved: dict[str, Any]) -> None:
        kept = msgspec.convert(saved, Saved)
        for number in kept.products_gone:
            if product := self.products.get(number):
                self.delete_product(product)
        self.locations.update((row.id, row) for row in kept.locations)
        self.products.update((row.id, row) for row in kept.products)
        self.variants.update((row.id, row) for row in kept.variants)
        self.items.update((row.id, row) for row in kept.items)
        self.levels.update(((row.item_id, row.location_id), row) for row in kept.levels)
        self.products_gone = set(kept.products_gone)
        self.changed_locations = {row.id for row in kept.locations}
        self.changed_products = {row.id for row in kept.products}
        self.changed_levels = {(row.item_id, row.location_id) for row in kept.levels}

"""The tables of this room; ``rooms`` says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.api.resolving import Fields, Nodes
from integrations.sandbox.shopify.catalogue import (
    inventory_fields,
    inventory_writes,
    location_fields,
    payloads,
    product_fields,
)
from integrations.sandbox.shopify.catalogue.models import Product, ProductVariant

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore


def _product(store: ShopStore, number: int) -> Any:
    return store.catalogue.products.get(number)


def _variant(store: ShopStore, number: int) -> Any:
    return store.catalogue.variants.get(number)


def _item(store: ShopStore, number: int) -> Any:
    return store.catalogue.items.get(number)


def _location(store: ShopStore, number: int) -> Any:
    return store.catalogue.locations.get(number)


def _variant_touched(store: ShopStore, variant: ProductVariant) -> None:
    variant.updated_at = store.clock.now()
    store.catalogue.touch_product(store.catalogue.products[variant.product_id])


FIELDS: tuple[Fields, ...] = (
    product_fields.FIELDS,
    inventory_fields.FIELDS,
    inventory_writes.FIELDS,
    location_fields.FIELDS,
)
NODES: Nodes = {
    "Product": _product,
    "ProductVariant": _variant,
    "InventoryItem": _item,
    "InventoryLevel": lambda store, number: store.catalogue.level(number),
    "InventoryAdjustmentGroup": lambda store, number: store.catalogue.groups.get(number),
    "Location": _location,
}
PAYLOADS: dict[str, Any] = {
    "products/create": payloads.product,
    "products/update": payloads.product,
    "inventory_items/update": payloads.item,
    "inventory_levels/connect": payloads.level,
    "inventory_levels/update": payloads.level,
    "locations/create": payloads.location,
    "locations/update": payloads.location,
    "locations/activate": payloads.location,
    "locations/deactivate": payloads.location,
}
TOUCHED: dict[type, Any] = {
    Product: lambda store, product: store.catalogue.touch_product(product),
    ProductVariant: _variant_touched,
}

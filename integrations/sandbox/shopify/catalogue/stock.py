"""The only writer of quantities. Each change moves the level's date and its product's, and tells
``inventory_levels/update`` and ``products/update``: an adjustment counts as an update of the
product (Product.updatedAt in the official schema).

``commit``, ``uncommit``, ``ship`` and ``restock`` are for orders; a level that does not exist or an
item that is not tracked is passed over, as nothing is counted there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from integrations.sandbox.shopify.catalogue.models import InventoryItem, InventoryLevel, Location

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore


def commit(store: ShopStore, item_id: int, location_id: int, quantity: int) -> None:
    """An order was placed: from available to committed."""
    _move(store, item_id, location_id, available=-quantity, committed=quantity)


def uncommit(store: ShopStore, item_id: int, location_id: int, quantity: int) -> None:
    """It will not be shipped after all."""
    _move(store, item_id, location_id, available=quantity, committed=-quantity)


def ship(store: ShopStore, item_id: int, location_id: int, quantity: int) -> None:
    """It has left the house."""
    _move(store, item_id, location_id, committed=-quantity)


def restock(store: ShopStore, item_id: int, location_id: int, quantity: int) -> None:
    """It came back and can be sold again."""
    _move(store, item_id, location_id, available=quantity)


def change(store: ShopStore, level: InventoryLevel, **deltas: int) -> None:
    """Add to named quantities; zero changes nothing and tells nobody."""
    deltas = {name: delta for name, delta in deltas.items() if delta}
    if not deltas:
        return
    now = store.clock.now()
    for name, delta in deltas.items():
        setattr(level, name, getattr(level, name) + delta)
        level.touched[name] = now
    level.touched["on_hand"] = now
    _tell(store, level)


def activate(
    store: ShopStore, item: InventoryItem, location: Location, available: int = 0
) -> InventoryLevel:
    """The item is stocked there from now on."""
    now = store.clock.now()
    level = store.catalogue.levels.get((item.id, location.id))
    if level is None:
        level = InventoryLevel(
            store.ids.next("InventoryLevel"), item.id, location.id, created_at=now, updated_at=now
        )
        store.catalogue.levels[item.id, location.id] = level
    level.is_active, level.available = True, available
    level.updated_at = level.touched["available"] = now
    store.catalogue.changed_levels.add((item.id, location.id))
    store.emit("inventory_levels/connect", level.id)
    return level


def deactivate(store: ShopStore, level: InventoryLevel) -> None:
    level.is_active = False
    level.available = 0
    level.updated_at = store.clock.now()
    store.catalogue.changed_levels.add((level.item_id, level.location_id))
    store.emit(
        "inventory_levels/disconnect",
        level.id,
        {"inventory_item_id": level.item_id, "location_id": level.location_id},
    )


def _move(store: ShopStore, item_id: int, location_id: int, **deltas: int) -> None:
    item = store.catalogue.items.get(item_id)
    level = store.catalogue.levels.get((item_id, location_id))
    if item is not None and item.tracked and level is not None:
        change(store, level, **deltas)


def _tell(store: ShopStore, level: InventoryLevel) -> None:
    level.updated_at = store.clock.now()
    catalogue = store.catalogue
    catalogue.changed_levels.add((level.item_id, level.location_id))
    store.emit("inventory_levels/update", level.id)
    variant = catalogue.variants.get(catalogue.items[level.item_id].variant_id)
    if variant is not None:
        catalogue.touch_product(catalogue.products[variant.product_id])

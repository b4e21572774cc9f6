"""Inventory items, their levels and what was adjusted, as GraphQL shows them."""

from __future__ import annotations

import re
from typing import Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.access.fields import app_of
from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.errors import bad_request
from integrations.sandbox.shopify.api.filtering import by_sort, found
from integrations.sandbox.shopify.api.pages import connection, count, listed
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.catalogue.models import (
    QUANTITIES,
    Change,
    InventoryAdjustmentGroup,
    InventoryItem,
    InventoryLevel,
)
from integrations.sandbox.shopify.catalogue.payloads import level_gid
from integrations.sandbox.shopify.money import Money

_LEVEL = re.compile(r"gid://shopify/InventoryLevel/(\d+)\?inventory_item_id=(\d+)")
NAMES = (*QUANTITIES, "incoming", "on_hand")

# --- items and levels -----------------------------------------------------------------------------


def _item_row(_: Call) -> dict[str, search.Value]:
    return {
        "id": lambda row: row.id,
        "sku": lambda row: row.sku,
        "created_at": lambda row: row.created_at,
        "updated_at": lambda row: row.updated_at,
    }


def _level_row(_: Call) -> dict[str, search.Value]:
    return {
        "id": lambda row: row.id,
        "inventory_item_id": lambda row: row.item_id,
        "created_at": lambda row: row.created_at,
        "updated_at": lambda row: row.updated_at,
    }


def inventory_items(_: Any, info: Any, *, query: str | None = None, **page: Any) -> Any:
    call, catalogue = info.context, info.context.store.catalogue
    rows = found(call, catalogue.items.values(), query, _item_row(call), "inventoryItems")
    return connection(by_sort(rows, {}, None), lambda key: catalogue.items[key[-1]], **page)


def inventory_level(_: Any, info: Any, *, id: str) -> InventoryLevel | None:
    known = _LEVEL.fullmatch(id)
    level = info.context.store.catalogue.level(int(known[1])) if known else None
    return level if known and level and level.item_id == int(known[2]) else None


def level_at(
    catalogue: Any, item_id: int, location_id: int, include_inactive: bool
) -> InventoryLevel | None:
    level: InventoryLevel | None = catalogue.levels.get((item_id, location_id))
    return level if level and (level.is_active or include_inactive) else None


def _level_of_item(
    item: InventoryItem, info: Any, *, location_id: str, include_inactive: bool = False
) -> InventoryLevel | None:
    number = ids.number_of(location_id, "Location")
    return level_at(info.context.store.catalogue, item.id, number, include_inactive)


def levels(call: Call, rows: list[Any], query: str | None, page: dict[str, Any]) -> Any:
    chosen = found(call, rows, query, _level_row(call), "inventoryLevels")
    by_id = {level.id: level for level in chosen}
    return connection(by_sort(chosen, {}, None), lambda key: by_id[key[-1]], **page)


def _levels_of_item(
    item: InventoryItem,
    info: Any,
    *,
    query: str | None = None,
    include_inactive: bool = False,
    **page: Any,
) -> Any:
    rows = info.context.store.catalogue.levels_of(item.id, with_inactive=include_inactive)
    return levels(info.context, rows, query, page)


def _quantities(level: InventoryLevel, _: Any, *, names: list[str]) -> list[dict[str, Any]]:
    if unknown := [name for name in names if name not in NAMES]:
        raise bad_request(f"The quantity name {unknown[0]} is invalid.", "INVALID_NAME")
    return [
        {
            "id": f"{ids.gid('InventoryQuantity', level.id)}?name={name}",
            "name": name,
            "quantity": getattr(level, name),
            "updatedAt": level.touched.get(name),
        }
        for name in names
    ]


def _variants(item: InventoryItem, info: Any, **page: Any) -> Any:
    return listed([info.context.store.catalogue.variants[item.variant_id]], **page)


def _cost(item: InventoryItem, info: Any) -> Money | None:
    if item.cost is None:
        return None
    return Money(item.cost, info.context.store.options.currency)


def _measurement(item: InventoryItem, _: Any) -> dict[str, Any]:
    return {
        "id": ids.gid("InventoryItemMeasurement", item.id),
        "weight": {"unit": "KILOGRAMS", "value": item.weight_kg},
    }


def _doubles(item: InventoryItem, info: Any) -> int:
    items = info.context.store.catalogue.items.values()
    return sum(1 for other in items if item.sku and other.sku == item.sku and other is not item)


# --- what was adjusted ----------------------------------------------------------------------------


def _changes(
    group: InventoryAdjustmentGroup,
    info: Any,
    *,
    inventory_item_ids: list[str] | None = None,
    location_ids: list[str] | None = None,
    quantity_names: list[str] | None = None,
) -> list[Change]:
    return [
        row
        for row in group.rows
        if (
            inventory_item_ids is None
            or ids.gid("InventoryItem", row.item_id) in inventory_item_ids
        )
        and (location_ids is None or ids.gid("Location", row.location_id) in location_ids)
        and (quantity_names is None or row.name in quantity_names)
    ]


def _app(_: Any, info: Any) -> dict[str, Any]:
    return app_of(info.context.store.options)


def _of_change(name: str, attribute: str) -> Any:
    return lambda row, info: getattr(info.context.store.catalogue, name).get(
        getattr(row, attribute)
    )


FIELDS: Fields = {
    "QueryRoot": {
        "inventoryItem": lambda _, info, id: info.context.store.catalogue.items.get(
            ids.number_of(id, "InventoryItem")
        ),
        "inventoryItems": inventory_items,
        "inventoryLevel": inventory_level,
    },
    "InventoryItem": {
        "unitCost": _cost,
        "measurement": _measurement,
        "duplicateSkuCount": _doubles,
        "locationsCount": lambda item, info: count(
            len(info.context.store.catalogue.levels_of(item.id))
        ),
        "inventoryLevel": _level_of_item,
        "inventoryLevels": _levels_of_item,
        "variant": lambda item, info: info.context.store.catalogue.variants[item.variant_id],
        "variants": _variants,
    },
    "InventoryLevel": {
        "id": lambda level, _: level_gid(level.id, level.item_id),
        "item": lambda level, info: info.context.store.catalogue.items[level.item_id],
        "location": lambda level, info: info.context.store.catalogue.locations[level.location_id],
        "quantities": _quantities,
        "canDeactivate": lambda level, _: not level.committed,
        "deactivationAlert": lambda *_: None,
    },
    "InventoryAdjustmentGroup": {"app": _app, "changes": _changes},
    "InventoryChange": {
        "item": _of_change("items", "item_id"),
        "location": _of_change("locations", "location_id"),
        "quantityAfterChange": lambda row, _: row.after,
    },
}

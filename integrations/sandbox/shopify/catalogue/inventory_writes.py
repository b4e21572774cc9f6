"""The mutations of stock. Each is done whole or not at all.

Source: the official schema of 2026-07 and shopify.dev's changelogs on compare-and-swap and
idempotency. That a call which changes nothing answers without a group is assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.api.errors import UserErrors, refuse
from integrations.sandbox.shopify.api.resolving import Fields
from integrations.sandbox.shopify.catalogue import inventory_checks as checks
from integrations.sandbox.shopify.catalogue import stock
from integrations.sandbox.shopify.catalogue.models import (
    Change,
    InventoryAdjustmentGroup,
    InventoryLevel,
)

Row = dict[str, Any]
Delta = tuple[InventoryLevel, int, str | None]
"""Where, by how much, and the ledger's document."""


def set_quantities(_: Any, info: Any, *, input: Row) -> Row:
    name, rows = input["name"], input["quantities"]
    checks.check_rows("InventoryQuantityInput", "quantities", rows)
    is_known = name in checks.SETTABLE
    errors = checks.common(input, name_error=None if is_known else "INVALID_NAME")
    errors += checks.doubles(rows)
    deltas: list[Delta] = []
    for place, row in enumerate(rows):
        path = ("quantities", place)
        level = checks.level_of(info, row, path, errors)
        errors += checks.bounds(row["quantity"], *path, "quantity")
        if level is not None and is_known:
            before = getattr(level, name)
            errors += checks.comparison(row, before, *path)
            deltas.append((level, row["quantity"] - before, None))
    if errors:
        raise UserErrors(*errors)
    return _done(info, input, "available", deltas)


def adjust_quantities(_: Any, info: Any, *, input: Row) -> Row:
    name, rows = input["name"], input["changes"]
    checks.check_rows("InventoryChangeInput", "changes", rows)
    is_known = name in checks.ADJUSTABLE
    errors = checks.common(input, name_error=None if is_known else "INVALID_QUANTITY_NAME")
    deltas: list[Delta] = []
    for place, row in enumerate(rows):
        path = ("changes", place)
        level = checks.level_of(info, row, path, errors)
        errors += checks.ledger(row, name, *path)
        if level is not None and is_known:
            before = getattr(level, name)
            errors += checks.bounds(before + row["delta"], *path, "delta")
            errors += checks.comparison(row, before, *path)
            deltas.append((level, row["delta"], row.get("ledgerDocumentUri")))
    if errors:
        raise UserErrors(*errors)
    return _done(info, input, name, deltas)


def activate(
    _: Any,
    info: Any,
    *,
    inventory_item_id: str,
    location_id: str,
    available: int | None = None,
    on_hand: int | None = None,
    stock_at_legacy_location: bool = False,
) -> Row:
    """Stocked there already: the level as it is, if no quantity is given."""
    store = info.context.store
    item = checks.item_of(info, inventory_item_id)
    place = checks.location_of(info, location_id)
    if item is None:
        raise refuse("The product couldn't be found.", "inventoryItemId")
    if place is None:
        raise refuse("The location couldn't be found.", "locationId")
    if not place.is_active:
        raise refuse("The location is not active.", "locationId")
    if available is not None and on_hand is not None:
        raise refuse("Only one of available and onHand can be given.", "available")
    level = store.catalogue.levels.get((item.id, place.id))
    if level is None or not level.is_active:
        return {"inventoryLevel": stock.activate(store, item, place, available or on_hand or 0)}
    if available is not None or on_hand is not None:
        raise refuse(
            "Not allowed to set available quantity when the item is already active at the"
            " location.",
            "available",
        )
    return {"inventoryLevel": level}


def deactivate(_: Any, info: Any, *, inventory_level_id: str) -> Row:
    store = info.context.store
    level = store.catalogue.level(ids.number_of(inventory_level_id, "InventoryLevel"))
    if level is None or not level.is_active:
        raise refuse("The inventory level couldn't be found.", "inventoryLevelId")
    if level.committed:
        raise refuse("The item has committed stock at this location.", "inventoryLevelId")
    if len(store.catalogue.levels_of(level.item_id)) == 1:
        raise refuse("The item must be stocked at one location at least.", "inventoryLevelId")
    stock.deactivate(store, level)
    return {}


def _done(info: Any, input: Row, name: str, deltas: Sequence[Delta]) -> Row:
    """Write, and answer with the group of changes: the quantity named, and what is on hand."""
    store = info.context.store
    rows: list[Change] = []
    for level, delta, document in deltas:
        if not delta:
            continue
        stock.change(store, level, **{name: delta})
        place = (level.item_id, level.location_id)
        rows.append(Change(*place, name, delta, getattr(level, name), document))
        if name != "incoming":
            rows.append(Change(*place, "on_hand", delta, level.on_hand))
    if not rows:
        return {}
    group = InventoryAdjustmentGroup(
        id=store.ids.next("InventoryAdjustmentGroup"),
        created_at=store.clock.now(),
        reason=input["reason"],
        reference_document_uri=input.get("referenceDocumentUri"),
        rows=rows,
    )
    store.catalogue.keep_group(group)
    return {"inventoryAdjustmentGroup": group}


FIELDS: Fields = {
    "Mutation": {
        "inventorySetQuantities": set_quantities,
        "inventoryAdjustQuantities": adjust_quantities,
        "inventoryActivate": activate,
        "inventoryDeactivate": deactivate,
    },
}

"""What is wrong with a change of stock that is asked for, in Shopify's codes.

Source: the error codes of the official schema of 2026-07 and their descriptions.
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.api.errors import needs_argument, too_many, user_error
from integrations.sandbox.shopify.catalogue.models import InventoryItem, InventoryLevel, Location

MOST_ROWS = 250
SETTABLE = ("available", "on_hand")
ADJUSTABLE = (
    "available",
    "reserved",
    "damaged",
    "safety_stock",
    "quality_control",
    "incoming",
)
_MOST_QUANTITY = 1_000_000_000
_REASONS = frozenset(
    [
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_canceled",
        "movement_created",
        "movement_received",
        "movement_updated",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    ]
)
_MESSAGES = {
    "CHANGE_FROM_QUANTITY_STALE": "The changeFromQuantity does not match the persisted quantity.",
    "INVALID_AVAILABLE_DOCUMENT": "A ledger document is not allowed when adjusting available.",
    "INVALID_INVENTORY_ITEM": "The specified inventory item could not be found.",
    "INVALID_LOCATION": "The specified location could not be found.",
    "INVALID_NAME": "The specified quantity name is invalid.",
    "INVALID_QUANTITY_DOCUMENT": "A ledger document is required except when adjusting available.",
    "INVALID_QUANTITY_NAME": "The specified quantity name is invalid.",
    "INVALID_QUANTITY_TOO_HIGH": "The quantity can't be higher than 1,000,000,000.",
    "INVALID_QUANTITY_TOO_LOW": "The quantity can't be lower than -1,000,000,000.",
    "INVALID_REASON": "The specified reason is invalid.",
    "INVALID_REFERENCE_DOCUMENT": "The specified reference document is invalid.",
    "ITEM_NOT_STOCKED_AT_LOCATION": "The item is not stocked at the location.",
    "NON_MUTABLE_INVENTORY_ITEM": "The inventory item is not allowed to be adjusted via API.",
    "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR": "The combination of inventoryItemId and"
    " locationId must be unique.",
}

Row = dict[str, Any]
Path = tuple[str | int, ...]


def wrong(code: str, *path: str | int) -> Row:
    return user_error(_MESSAGES[code], "input", *path, code=code)


def check_rows(kind: str, name: str, rows: list[Row]) -> None:
    """Raises what refuses the whole request. Since 2026-04 ``changeFromQuantity`` must be there, if
    only null.
    """
    if len(rows) > MOST_ROWS:
        raise too_many(name, len(rows), MOST_ROWS)
    for row in rows:
        if "changeFromQuantity" not in row:
            raise needs_argument(kind, "changeFromQuantity")


def common(input: Row, *, name_error: str | None) -> list[Row]:
    """What is wrong above the rows."""
    errors = [wrong(name_error, "name")] if name_error else []
    if input["reason"] not in _REASONS:
        errors.append(wrong("INVALID_REASON", "reason"))
    document = input.get("referenceDocumentUri")
    if document is not None and "://" not in document:
        errors.append(wrong("INVALID_REFERENCE_DOCUMENT", "referenceDocumentUri"))
    return errors


def doubles(rows: list[Row]) -> list[Row]:
    seen: set[tuple[str, str]] = set()
    errors = []
    for place, row in enumerate(rows):
        pair = (row["inventoryItemId"], row["locationId"])
        if pair in seen:
            code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
            errors.append(wrong(code, "quantities", place, "locationId"))
        seen.add(pair)
    return errors


def bounds(quantity: int, *path: str | int) -> list[Row]:
    if quantity > _MOST_QUANTITY:
        return [wrong("INVALID_QUANTITY_TOO_HIGH", *path)]
    if quantity < -_MOST_QUANTITY:
        return [wrong("INVALID_QUANTITY_TOO_LOW", *path)]
    return []


def comparison(row: Row, found: int, *path: str | int) -> list[Row]:
    expected = row["changeFromQuantity"]
    if expected is None or expected == found:
        return []
    return [wrong("CHANGE_FROM_QUANTITY_STALE", *path, "changeFromQuantity")]


def ledger(row: Row, name: str, *path: str | int) -> list[Row]:
    """Every state but available is accounted for in a document elsewhere."""
    has_document = row.get("ledgerDocumentUri") is not None
    if name == "available" and has_document:
        return [wrong("INVALID_AVAILABLE_DOCUMENT", *path, "ledgerDocumentUri")]
    if name in ADJUSTABLE and name != "available" and not has_document:
        return [wrong("INVALID_QUANTITY_DOCUMENT", *path, "ledgerDocumentUri")]
    return []


def level_of(info: Any, row: Row, path: Path, errors: list[Row]) -> InventoryLevel | None:
    """The level a row speaks of; None with the reason among the errors."""
    item, place = item_of(info, row["inventoryItemId"]), location_of(info, row["locationId"])
    if item is None:
        errors.append(wrong("INVALID_INVENTORY_ITEM", *path, "inventoryItemId"))
        return None
    if info.context.store.catalogue.variants[item.variant_id].components:
        errors.append(wrong("NON_MUTABLE_INVENTORY_ITEM", *path, "inventoryItemId"))
        return None
    if place is None or not place.is_active:
        errors.append(wrong("INVALID_LOCATION", *path, "locationId"))
        return None
    level: InventoryLevel | None = info.context.store.catalogue.levels.get((item.id, place.id))
    if level is None or not level.is_active:
        errors.append(wrong(_unstocked(info.context.version), *path, "locationId"))
        return None
    return level


def _unstocked(version: str) -> str:
    """The code left the schema with 2026-10. What that version does instead is not documented where
    we could read it; here it names the location as the wrong one.
    """
    return "ITEM_NOT_STOCKED_AT_LOCATION" if version < "2026-10" else "INVALID_LOCATION"


def item_of(info: Any, gid: str) -> InventoryItem | None:
    found: InventoryItem | None = info.context.store.catalogue.items.get(
        ids.number_of(gid, "InventoryItem")
    )
    return found


def location_of(info: Any, gid: str) -> Location | None:
    found: Location | None = info.context.store.catalogue.locations.get(
        ids.number_of(gid, "Location")
    )
    return found

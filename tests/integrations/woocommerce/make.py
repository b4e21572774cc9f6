"""Invented records of a store, as small as a test needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orders.data import ShipmentData, ShipmentLineData

# One minute after another, from 10:00 on.
DAY = "2026-11-20"


def at(minute: int, second: int = 0) -> str:
    return f"{DAY}T{10 + minute // 60:02}:{minute % 60:02}:{second:02}"


def order(key: int, minute: int | None = None, **changes: Any) -> dict[str, Any]:
    """Order ``key``, placed and changed in the same minute."""
    when = at(key if minute is None else minute)
    row = {
        "id": key,
        "number": str(key),
        "status": "processing",
        "currency": "EUR",
        "total": "10.00",
        "date_created_gmt": when,
        "date_modified_gmt": when,
        "line_items": [
            {"id": key * 10, "quantity": 1, "product_id": 5, "sku": "A", "total": "10.00"}
        ],
    }
    return {**row, **changes}


def product(number: int, minute: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "id": number,
        "name": f"Product {number}",
        "type": "simple",
        "status": "publish",
        "sku": f"P{number}",
        "price": "5.00",
        "manage_stock": True,
        "stock_quantity": 7,
        "date_created_gmt": at(1),
        "date_modified_gmt": at(minute),
        "variations": [],
    }
    return {**row, **changes}


def variable(number: int, variations: Sequence[int], minute: int = 1) -> dict[str, Any]:
    return product(number, minute, type="variable", variations=list(variations))


def variation(number: int, parent: int, minute: int = 1, **changes: Any) -> dict[str, Any]:
    about = {"type": "variation", "parent_id": parent, "sku": f"V{number}", **changes}
    return product(number, minute, **about)


def parcel(tracking: str = "SE1", *, reference: str = "P-1", **changes: Any) -> ShipmentData:
    about: dict[str, Any] = {
        "reference": reference,
        "carrier": "PostNord",
        "tracking_number": tracking,
        "tracking_url": f"https://spar.example/{tracking}" if tracking else "",
        "lines": (ShipmentLineData(line_external_id="70", quantity=1),),
    }
    return ShipmentData(**{**about, **changes})

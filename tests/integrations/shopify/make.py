"""Nodes as Shopify gives them, for tests that change one thing about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"


def bag(amount: str, presentment: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"shopMoney": {"amount": amount}}
    return found | ({"presentmentMoney": {"amount": presentment}} if presentment else {})


def raw(name: str) -> bytes:
    return (CASES / f"{name}.json").read_bytes()


def order(number: int = 5001, **changes: Any) -> dict[str, Any]:
    """The simple order under another number."""
    found: dict[str, Any] = json.loads(raw("order_simple"))
    own = {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
    }
    return {**found, **own, **changes}


def line(number: int, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw("order_simple"))["lineItems"]["nodes"][0]
    return {**found, "id": f"gid://shopify/LineItem/{number}", **changes}


def product(number: int = 700, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw("product_shirt"))
    own = {"id": f"gid://shopify/Product/{number}", "legacyResourceId": str(number)}
    return {**found, **own, **changes}


def variant(number: int, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw("product_shirt"))["variants"]["nodes"][0]
    own = {"id": f"gid://shopify/ProductVariant/{number}", "legacyResourceId": str(number)}
    return {**found, **own, **changes}


def item(number: int, available: int | None, **changes: Any) -> dict[str, Any]:
    """An inventory item as it is looked at before it is written; ``available`` None: it is not kept
    at the location.
    """
    level = None if available is None else _level(available)
    sold = {"requiresComponents": False}
    return {
        "id": f"gid://shopify/InventoryItem/{number}",
        "legacyResourceId": str(number),
        "tracked": True,
        "updatedAt": "2026-11-20T10:00:00Z",
        "inventoryLevel": level,
        "variants": {"nodes": [sold]},
        **changes,
    }


def level(location: int, available: int) -> dict[str, Any]:
    """What is kept of an item at one of several locations."""
    return {**_level(available), "location": {"legacyResourceId": str(location)}}


def work(number: int, at: str | None, lines: dict[int, int], **changes: Any) -> dict[str, Any]:
    """A fulfillment order with units of lines left to be sent from a location."""
    rows = [
        {
            "id": f"gid://shopify/FulfillmentOrderLineItem/{number}{line}",
            "remainingQuantity": left,
            "lineItem": {"id": f"gid://shopify/LineItem/{line}"},
        }
        for line, left in lines.items()
    ]
    return {
        "id": f"gid://shopify/FulfillmentOrder/{number}",
        "status": "OPEN",
        "assignedLocation": {"location": at and {"legacyResourceId": at}},
        "lineItems": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": rows},
        **changes,
    }


def _level(available: int) -> dict[str, Any]:
    return {"updatedAt": "2026-11-20T10:00:00Z", "quantities": [{"quantity": available}]}

"""Items of a store with what is kept of them at its locations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.integrations.shopify import make
from tests.integrations.shopify.shop import Call, Shop, data

PLACE = "gid://shopify/Location/61"


class Shelf:
    """Items with their figures, those they come with being of location 61; writes change them.
    ``refuses`` maps an item, or an item at a location, to the code it is refused with.
    """

    def __init__(self, shop: Shop, items: Sequence[dict[str, Any]]) -> None:
        self.items = {item["id"]: item for item in items}
        self.levels = {(key, PLACE): told["inventoryLevel"] for key, told in self.items.items()}
        self.refuses: dict[Any, str] = {}
        self.keys: list[str] = []
        self.changes = 0
        shop.on("Stock", self._look)
        shop.on("SetStock", self._set)
        shop.on("StockItemAtLocation", self._activate)

    def keep(self, number: int, at: int, available: int) -> None:
        self.levels[place(number, at)] = make.item(number, available)["inventoryLevel"]

    def available(self, number: int, at: int = 61) -> int | None:
        level = self.levels.get(place(number, at))
        return level["quantities"][0]["quantity"] if level else None

    def sell(self, number: int, at: int = 61) -> None:
        self.levels[place(number, at)]["quantities"][0]["quantity"] -= 1

    def _look(self, call: Call) -> bytes:
        found: list[dict[str, Any] | None] = []
        for wanted in call.variables["ids"]:
            level = self.levels.get((wanted, call.variables["location"]))
            told = self.items.get(wanted)
            found.append(told and {**told, "inventoryLevel": level})
        return data(nodes=found)

    def _set(self, call: Call) -> bytes:
        self.keys.append(call.variables["key"])
        found = []
        for number, row in enumerate(call.variables["input"]["quantities"]):
            where = (row["inventoryItemId"], row["locationId"])
            code = self.refuses.get(where) or self.refuses.get(where[0].rpartition("/")[2])
            if row["changeFromQuantity"] != self.levels[where]["quantities"][0]["quantity"]:
                code = "CHANGE_FROM_QUANTITY_STALE"
            if code:
                path = ["input", "quantities", str(number), "quantity"]
                found.append({"code": code, "field": path, "message": f"{code} said the store"})
        if not found:
            for row in call.variables["input"]["quantities"]:
                self.changes += 1
                level = self.levels[row["inventoryItemId"], row["locationId"]]
                level["quantities"][0]["quantity"] = row["quantity"]
                level["updatedAt"] = f"2026-11-21T10:00:{self.changes:02}Z"
        return data(inventorySetQuantities={"inventoryAdjustmentGroup": None, "userErrors": found})

    def _activate(self, call: Call) -> bytes:
        self.keys.append(call.variables["key"])
        quantities = [{"quantity": call.variables["available"]}]
        level = {"updatedAt": "2026-11-21T11:00:00Z", "quantities": quantities}
        self.levels[call.variables["item"], call.variables["location"]] = level
        return data(inventoryActivate={"inventoryLevel": {"id": "x"}, "userErrors": []})


def place(number: int, at: int) -> tuple[str, str]:
    return f"gid://shopify/InventoryItem/{number}", f"gid://shopify/Location/{at}"

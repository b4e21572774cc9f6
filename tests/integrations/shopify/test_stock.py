"""Figures written and read: compared with what was seen, one result per line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from integrations.errors import Misconfigured, OutcomeUnknown, PermissionMissing, Unavailable
from inventory.data import StockUpdate
from tests.integrations.shopify import make
from tests.integrations.shopify.shop import (
    LOST,
    Call,
    Shop,
    adapter_for,
    data,
    error,
    errors,
)

PLACE = "gid://shopify/Location/61"
ONE_PLACE = {"stock_location": "61"}


class Shelf:
    """Items with their figures, which writes change. ``refuses`` maps an item to the code it is
    refused with.
    """

    def __init__(self, shop: Shop, items: Sequence[dict[str, Any]]) -> None:
        self.items = {item["id"]: item for item in items}
        self.refuses: dict[str, str] = {}
        self.keys: list[str] = []
        self.changes = 0
        shop.on("Stock", self._look)
        shop.on("SetStock", self._set)
        shop.on("StockItemAtLocation", self._activate)

    def available(self, number: int) -> int:
        return self._level(number)["quantities"][0]["quantity"]

    def sell(self, number: int) -> None:
        self._level(number)["quantities"][0]["quantity"] -= 1

    def _level(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.items[f"gid://shopify/InventoryItem/{number}"][
            "inventoryLevel"
        ]
        return found

    def _look(self, call: Call) -> bytes:
        return data(nodes=[self.items.get(wanted) for wanted in call.variables["ids"]])

    def _set(self, call: Call) -> bytes:
        self.keys.append(call.variables["key"])
        found = []
        for place, row in enumerate(call.variables["input"]["quantities"]):
            level = self.items[row["inventoryItemId"]]["inventoryLevel"]
            code = self.refuses.get(row["inventoryItemId"].rpartition("/")[2])
            if row["changeFromQuantity"] != level["quantities"][0]["quantity"]:
                code = "CHANGE_FROM_QUANTITY_STALE"
            if code:
                path = ["input", "quantities", str(place), "quantity"]
                found.append({"code": code, "field": path, "message": f"{code} said the store"})
        if not found:
            for row in call.variables["input"]["quantities"]:
                self.changes += 1
                level = self.items[row["inventoryItemId"]]["inventoryLevel"]
                level["quantities"][0]["quantity"] = row["quantity"]
                level["updatedAt"] = f"2026-11-21T10:00:{self.changes:02}Z"
        return data(inventorySetQuantities={"inventoryAdjustmentGroup": None, "userErrors": found})

    def _activate(self, call: Call) -> bytes:
        self.keys.append(call.variables["key"])
        quantities = [{"quantity": call.variables["available"]}]
        level = {"updatedAt": "2026-11-21T11:00:00Z", "quantities": quantities}
        self.items[call.variables["item"]]["inventoryLevel"] = level
        return data(inventoryActivate={"inventoryLevel": {"id": "x"}, "userErrors": []})


def update(number: int, quantity: int, **about: Any) -> StockUpdate:
    return StockUpdate(
        sku=f"S{number}",
        quantity=quantity,
        external_product_id="1",
        external_variant_id=str(number),
        stock_ref=about.pop("ref", str(number)),
    )


def write(shop: Shop, *updates: StockUpdate, **about: Any) -> list[Any]:
    return adapter_for(shop, options=ONE_PLACE, **about).update_inventories(list(updates))


def test_a_figure_is_written_if_it_still_is_what_was_seen(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])

    (result,) = write(shop, update(1, 17))

    assert (result.ok, result.changed, result.observed) == (True, True, 17)
    assert shelf.available(1) == 17
    (call,) = shop.asked("SetStock")
    assert call.variables["input"] == {
        "name": "available",
        "reason": "correction",
        "quantities": [
            {
                "inventoryItemId": "gid://shopify/InventoryItem/1",
                "locationId": PLACE,
                "quantity": 17,
                "changeFromQuantity": 5,
            }
        ],
    }


def test_what_is_so_already_is_not_written(shop: Shop) -> None:
    Shelf(shop, [make.item(1, 5)])

    (result,) = write(shop, update(1, 5))

    assert (result.ok, result.changed, result.observed) == (True, False, 5)
    assert shop.asked("SetStock") == []


def test_a_sale_in_between_is_told_with_what_the_store_shows_now(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5), make.item(2, 9)])

    def gate(call: Call) -> None:
        if call.name == "SetStock" and not shelf.keys:
            shelf.sell(1)

    shop.gate = gate
    sold, other = write(shop, update(1, 17), update(2, 3))

    assert (sold.ok, sold.observed, sold.error_code) == (False, 4, "not_taken")
    assert (other.ok, shelf.available(2)) == (True, 3)
    assert shelf.available(1) == 4


def test_one_bad_line_of_a_batch_costs_only_itself(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(n, 5) for n in (1, 2, 3)])
    shelf.refuses["2"] = "INVALID_QUANTITY_TOO_HIGH"

    results = write(shop, *(update(n, 7) for n in (1, 2, 3)))

    assert [r.ok for r in results] == [True, False, True]
    assert results[1].error_code == "invalid_quantity_too_high"
    assert results[1].error == "INVALID_QUANTITY_TOO_HIGH said the store."
    assert [shelf.available(n) for n in (1, 2, 3)] == [7, 5, 7]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tracked": False}, "stock_not_managed"),
        ({"variants": {"nodes": [{"requiresComponents": True}]}}, "bundle"),
    ],
)
def test_what_cannot_be_set_is_said_in_words(
    shop: Shop, changes: dict[str, Any], code: str
) -> None:
    Shelf(shop, [make.item(1, 5, **changes)])

    (result,) = write(shop, update(1, 7))

    assert (result.ok, result.error_code) == (False, code)
    assert result.error.endswith(".")


@pytest.mark.parametrize(
    ("ref", "code"), [("77", "not_found"), ("x", "no_address"), ("", "no_address")]
)
def test_an_item_that_is_not_there_costs_only_its_line(shop: Shop, ref: str, code: str) -> None:
    Shelf(shop, [make.item(1, 5)])

    gone, there = write(shop, update(9, 7, ref=ref), update(1, 7))

    assert (gone.ok, gone.error_code) == (False, code)
    assert there.ok


def test_an_item_that_is_not_kept_at_the_location_is_put_there(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, None)])

    (result,) = write(shop, update(1, 4))

    assert (result.ok, result.observed) == (True, 4)
    assert shelf.available(1) == 4
    assert shop.asked("StockItemAtLocation")[0].variables["location"] == PLACE


def test_more_lines_than_one_call_takes_go_in_several(shop: Shop) -> None:
    Shelf(shop, [make.item(n, 5) for n in range(1, 301)])

    results = write(shop, *(update(n, 7) for n in range(1, 301)))

    assert all(r.ok for r in results)
    sizes = [len(c.variables["input"]["quantities"]) for c in shop.asked("SetStock")]
    assert sizes == [250, 50]


# -- Repeats -----------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_again_under_the_same_key(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])
    lost = iter([LOST])
    shop.gate = lambda call: next(lost, None) if call.name == "SetStock" else None

    (result,) = write(shop, update(1, 17))

    assert result.ok
    first, second = shop.asked("SetStock")
    assert first.variables["key"] == second.variables["key"]
    assert shelf.changes == 1


def test_the_same_change_at_another_time_is_another_change(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])

    for quantity in (7, 5, 7):
        write(shop, update(1, quantity))

    assert shelf.available(1) == 7
    assert len(set(shelf.keys)) == 3


@pytest.mark.parametrize(
    "code", ["IDEMPOTENCY_CONCURRENT_REQUEST", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]
)
def test_a_change_that_is_under_way_is_waited_for(shop: Shop, code: str) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])
    shelf.refuses["1"] = code

    with pytest.raises(Unavailable):
        write(shop, update(1, 7))


# -- Trouble -----------------------------------------------------------------------------------


def test_trouble_before_anything_was_written_is_raised(shop: Shop) -> None:
    Shelf(shop, [make.item(1, 5)])
    told = error("ACCESS_DENIED", "Access denied for inventorySetQuantities field.", "x")
    shop.on("SetStock", errors(told | {"path": ["inventorySetQuantities"]}))

    with pytest.raises(PermissionMissing) as caught:
        write(shop, update(1, 7))

    assert caught.value.scopes == ("write_inventory",)


def test_trouble_after_something_was_written_is_the_result_of_the_rest(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(n, 5) for n in range(1, 301)])
    shop.gate = lambda call: LOST if call.name == "SetStock" and shelf.keys else None

    results = write(shop, *(update(n, 7) for n in range(1, 301)))

    assert [r.ok for r in results] == [True] * 250 + [False] * 50
    assert {r.error_code for r in results[250:]} == {"unavailable"}
    assert OutcomeUnknown.code not in {r.error_code for r in results}


def test_without_one_location_nothing_is_written_and_somebody_is_told_why(shop: Shop) -> None:
    places = [
        {"id": "1", "name": "North", "online": True},
        {"id": "2", "name": "South", "online": True},
    ]
    adapter = adapter_for(shop, options={"locations": places})

    with pytest.raises(Misconfigured, match="North: 1, South: 2") as caught:
        adapter.update_inventories([update(1, 7)])

    assert caught.value.code == "no_stock_location"
    assert shop.calls == []


def test_the_only_location_that_online_orders_are_sent_from_is_the_one(shop: Shop) -> None:
    Shelf(shop, [make.item(1, 5)])
    places = [
        {"id": "1", "name": "North", "online": True},
        {"id": "2", "name": "Bar", "online": False},
    ]

    adapter_for(shop, options={"locations": places}).update_inventories([update(1, 7)])

    (row,) = shop.asked("SetStock")[0].variables["input"]["quantities"]
    assert row["locationId"] == "gid://shopify/Location/1"


# -- Reading -----------------------------------------------------------------------------------


def test_present_figures_are_read_in_the_order_asked_for(shop: Shop) -> None:
    Shelf(shop, [make.item(1, 5), make.item(2, None), make.item(3, 8, tracked=False)])
    adapter = adapter_for(shop, options=ONE_PLACE)

    results = adapter.read_stock([update(3, 0), update(2, 0), update(9, 0), update(1, 0)])

    assert [(r.ok, r.observed) for r in results] == [
        (False, None),
        (True, 0),
        (False, None),
        (True, 5),
    ]


def test_without_one_location_no_figure_is_read(shop: Shop) -> None:
    Shelf(shop, [make.item(1, 5)])

    with pytest.raises(Misconfigured, match="Choose the one"):
        adapter_for(shop).read_stock([update(1, 0)])

"""Figures written and read at the store's locations: compared with what was seen, one result per
line.
"""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import OutcomeUnknown, PermissionMissing, Unavailable
from inventory.data import StockResult, StockUpdate
from tests.integrations.shopify import make
from tests.integrations.shopify.shop import (
    LOST,
    Call,
    Shop,
    adapter_for,
    error,
    errors,
)
from tests.integrations.shopify.stocked import PLACE, Shelf, place


def update(number: int, quantity: int, **about: Any) -> StockUpdate:
    return StockUpdate(
        sku=f"S{number}",
        quantity=quantity,
        external_product_id="1",
        external_variant_id=str(number),
        stock_ref=about.pop("ref", str(number)),
        external_location_id=about.pop("at", "61"),
    )


def write(shop: Shop, *updates: StockUpdate) -> list[StockResult]:
    return adapter_for(shop, locations=("61", "62", "63")).update_inventories(list(updates))


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


def test_figures_at_three_locations_go_in_one_call(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5), make.item(2, 9)])
    shelf.keep(1, 62, 6)
    shelf.keep(1, 63, 7)
    wanted = [update(1, 10), update(1, 20, at="62"), update(1, 7, at="63"), update(2, 40)]

    results = write(shop, *wanted)

    assert [(r.ok, r.changed, r.observed) for r in results] == [
        (True, True, 10),
        (True, True, 20),
        (True, False, 7),
        (True, True, 40),
    ]
    assert [shelf.available(1, at) for at in (61, 62, 63)] == [10, 20, 7]
    (call,) = shop.asked("SetStock")
    rows = call.variables["input"]["quantities"]
    assert [(*place(1, 61), 5), (*place(2, 61), 9), (*place(1, 62), 6)] == [
        (row["inventoryItemId"], row["locationId"], row["changeFromQuantity"]) for row in rows
    ]


def test_a_sale_at_one_location_leaves_the_figures_of_the_others(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])
    shelf.keep(1, 62, 6)

    def gate(call: Call) -> None:
        if call.name == "SetStock" and not shelf.keys:
            shelf.sell(1, at=62)

    shop.gate = gate
    results = write(shop, update(1, 10), update(1, 20, at="62"))

    assert [(r.ok, r.observed, r.error_code) for r in results] == [
        (True, 10, ""),
        (False, 5, "not_taken"),
    ]
    assert [shelf.available(1, at) for at in (61, 62)] == [10, 5]


def test_a_line_refused_at_one_location_costs_only_itself(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])
    shelf.keep(1, 62, 6)
    shelf.refuses[place(1, 62)] = "INVALID_LOCATION"

    results = write(shop, update(1, 10), update(1, 20, at="62"))

    assert [(r.ok, r.error_code) for r in results] == [(True, ""), (False, "invalid_location")]
    assert [shelf.available(1, at) for at in (61, 62)] == [10, 6]


@pytest.mark.parametrize("verb", ["update_inventories", "read_stock"])
def test_without_a_location_a_line_is_said_to_lack_it(shop: Shop, verb: str) -> None:
    Shelf(shop, [make.item(1, 5), make.item(2, 7)])
    adapter = adapter_for(shop)

    homeless, there = getattr(adapter, verb)([update(1, 7, at=""), update(2, 7)])

    assert (homeless.ok, homeless.changed, homeless.error_code) == (False, False, "no_location")
    assert "Stores → the store → Locations" in homeless.error
    assert (there.ok, there.observed) == (True, 7)


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


def test_only_where_it_is_not_kept_is_an_item_put(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])

    results = write(shop, update(1, 8), update(1, 4, at="62"), update(1, 3, at="63"))

    assert [(r.ok, r.observed) for r in results] == [(True, 8), (True, 4), (True, 3)]
    assert [shelf.available(1, at) for at in (61, 62, 63)] == [8, 4, 3]
    put = [c.variables["location"] for c in shop.asked("StockItemAtLocation")]
    assert put == [place(1, at)[1] for at in (62, 63)]
    assert len(set(shelf.keys)) == 3


def test_nothing_is_no_reason_to_keep_an_item_at_a_location(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])

    (result,) = write(shop, update(1, 0, at="62"))

    assert (result.ok, result.changed, result.observed) == (True, False, 0)
    assert shelf.available(1, 62) is None
    assert shelf.keys == []


def test_a_location_that_cannot_be_costs_only_its_line(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5)])

    strange, there = write(shop, update(1, 7, at="the shed"), update(1, 7))

    assert (strange.ok, strange.error_code) == (False, "no_address")
    assert (there.ok, shelf.available(1)) == (True, 7)


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


# -- Reading -----------------------------------------------------------------------------------


def test_present_figures_are_read_in_the_order_asked_for(shop: Shop) -> None:
    Shelf(shop, [make.item(1, 5), make.item(2, None), make.item(3, 8, tracked=False)])
    adapter = adapter_for(shop)

    results = adapter.read_stock([update(3, 0), update(2, 0), update(9, 0), update(1, 0)])

    assert [(r.ok, r.observed) for r in results] == [
        (False, None),
        (True, 0),
        (False, None),
        (True, 5),
    ]


def test_present_figures_are_read_at_every_location(shop: Shop) -> None:
    shelf = Shelf(shop, [make.item(1, 5), make.item(2, 8)])
    shelf.keep(1, 62, 6)
    shelf.keep(2, 63, -1)
    asked = [update(n, 0, at=at) for n, at in ((1, "62"), (2, "61"), (1, "61"), (2, "63"))]

    results = adapter_for(shop).read_stock(asked)

    assert [(r.ok, r.observed) for r in results] == [(True, 6), (True, 8), (True, 5), (True, -1)]
    sizes = [len(call.variables["ids"]) for call in shop.asked("Stock")]
    assert sizes == [1, 2, 1]

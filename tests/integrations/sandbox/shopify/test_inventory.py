"""Stock by item and location: reading it, setting it, comparing first, and once only."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.shopify.catalogue import stock
from integrations.sandbox.shopify.catalogue.models import InventoryLevel
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make

SET = """mutation($input: InventorySetQuantitiesInput!, $key: String!) {
    inventorySetQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { id
    reason referenceDocumentUri createdAt app { title } changes { name delta quantityAfterChange
    item { id } location { id } } } userErrors { field message code } } }"""
ADJUST = """mutation($input: InventoryAdjustQuantitiesInput!, $key: String!) {
    inventoryAdjustQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup {
    changes { name delta quantityAfterChange ledgerDocumentUri } } userErrors { field message
    code } } }"""
ACTIVATE = """mutation($item: ID!, $place: ID!, $available: Int, $key: String!) {
    inventoryActivate( inventoryItemId: $item, locationId: $place, available: $available)
    @idempotent(key: $key) { inventoryLevel { id isActive quantities(names: ["available",
    "on_hand"]) { name quantity } } userErrors { field message } } }"""
LEVEL = """query($item: ID!, $place: ID!) { inventoryItem(id: $item) {
    inventoryLevel(locationId: $place) { id isActive updatedAt canDeactivate item { id }
    location { name } quantities(names: ["available", "committed", "reserved", "damaged",
    "safety_stock", "quality_control", "incoming", "on_hand"]) { name quantity updatedAt } } } }"""
PRIMARY = "gid://shopify/Location/61000001"


def level_of(shop: Client) -> InventoryLevel:
    """One with something of everything, at the first location."""
    level = next(
        one
        for one in shop.store.catalogue.levels.values()
        if one.available > 20 and one.location_id == 61_000_001
    )
    level.damaged = 3
    return level


def place_of(level: InventoryLevel) -> dict[str, str]:
    return {
        "inventoryItemId": f"gid://shopify/InventoryItem/{level.item_id}",
        "locationId": f"gid://shopify/Location/{level.location_id}",
    }


def wanted(
    level: InventoryLevel, quantity: int, change_from: int | None = None, **more: Any
) -> dict[str, Any]:
    row = place_of(level) | {"quantity": quantity, "changeFromQuantity": change_from}
    return {"name": "available", "reason": "correction", "quantities": [row]} | more


def read(shop: Client, level: InventoryLevel) -> dict[str, int]:
    place = place_of(level)
    found = shop.ask(LEVEL, item=place["inventoryItemId"], place=place["locationId"])
    rows = found["inventoryItem"]["inventoryLevel"]["quantities"]
    return {row["name"]: row["quantity"] for row in rows}


def test_setting_what_is_available_moves_what_is_on_hand(shop: Client) -> None:
    level = level_of(shop)
    before = read(shop, level)

    group = shop.change(
        SET, key="a", input=wanted(level, 7, referenceDocumentUri="logix://push/1")
    )["inventoryAdjustmentGroup"]

    after = read(shop, level)
    assert after == before | {
        "available": 7,
        "on_hand": before["on_hand"] - before["available"] + 7,
    }
    assert after["on_hand"] == 7 + 3
    assert (group["reason"], group["referenceDocumentUri"]) == ("correction", "logix://push/1")
    assert [
        (row["name"], row["delta"], row["quantityAfterChange"]) for row in group["changes"]
    ] == [
        ("available", 7 - before["available"], 7),
        ("on_hand", 7 - before["available"], 10),
    ]


def test_setting_what_is_on_hand_moves_what_is_available(shop: Client) -> None:
    level = level_of(shop)
    before = read(shop, level)

    shop.change(SET, key="a", input=wanted(level, 50, name="on_hand"))

    after = read(shop, level)
    assert after["on_hand"] == 50
    assert after["available"] == before["available"] + 50 - before["on_hand"]


def test_a_change_is_told_as_a_change_of_level_and_product(shop: Client) -> None:
    level = level_of(shop)
    variant = shop.store.catalogue.variants[shop.store.catalogue.items[level.item_id].variant_id]

    shop.change(SET, key="a", input=wanted(level, 7))

    assert shop.events == [
        ("inventory_levels/update", level.id),
        ("products/update", variant.product_id),
    ]


def test_setting_what_is_already_so_changes_nothing(shop: Client) -> None:
    level = level_of(shop)

    payload = shop.change(SET, key="a", input=wanted(level, level.available))

    assert payload["inventoryAdjustmentGroup"] is None
    assert shop.events == []


# --- compare and set ------------------------------------------------------------------------------


def test_a_stale_comparison_changes_nothing(shop: Client) -> None:
    level = level_of(shop)
    before = level.available

    refused = shop.refusal(SET, key="a", input=wanted(level, 7, before + 1))

    assert refused == [
        (["input", "quantities", "0", "changeFromQuantity"], "CHANGE_FROM_QUANTITY_STALE")
    ]
    assert level.available == before
    assert shop.change(SET, key="b", input=wanted(level, 7, before))["inventoryAdjustmentGroup"]
    assert level.available == 7


def test_the_comparison_may_be_left_out_only_by_saying_so(shop: Client) -> None:
    level = level_of(shop)
    asked = wanted(level, 7)
    del asked["quantities"][0]["changeFromQuantity"]

    error = shop.error(SET, key="a", input=asked)

    assert error["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"
    assert error["message"] == (
        "InventoryQuantityInput must include the following argument: changeFromQuantity."
    )


# --- once only ------------------------------------------------------------------------------------


def test_a_mutation_of_stock_needs_a_key(shop: Client) -> None:
    bare = SET.replace("@idempotent(key: $key)", "").replace(", $key: String!", "")

    error = shop.error(bare, input=wanted(level_of(shop), 7))

    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert error["message"] == (
        "The @idempotent directive is required for this mutation but was not provided."
    )


def test_a_repeated_key_does_nothing_and_answers_as_before(shop: Client) -> None:
    level = level_of(shop)
    asked = {
        "name": "available",
        "reason": "restock",
        "changes": [place_of(level) | {"delta": 5, "changeFromQuantity": None}],
    }
    before = level.available

    first = shop.change(ADJUST, key="a", input=asked)
    again = shop.change(ADJUST, key="a", input=asked)

    assert level.available == before + 5
    assert again == first
    shop.change(ADJUST, key="b", input=asked)
    assert level.available == before + 10


def test_a_key_belongs_to_one_set_of_variables(shop: Client) -> None:
    level = level_of(shop)
    shop.change(SET, key="a", input=wanted(level, 7))

    refused = shop.refusal(SET, key="a", input=wanted(level, 8))

    assert refused == [(None, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")]
    assert level.available == 7


def test_a_refused_request_has_used_up_its_key(shop: Client) -> None:
    level = level_of(shop)
    asked = wanted(level, 7, level.available + 1)
    shop.refusal(SET, key="a", input=asked)

    assert shop.refusal(SET, key="a", input=asked) == [
        (None, "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
    ]


def test_a_key_is_forgotten_after_a_day(shop: Client) -> None:
    level = level_of(shop)
    shop.change(SET, key="a", input=wanted(level, 7))

    shop.wait(24 * 3600 + 1)

    shop.change(SET, key="a", input=wanted(level, 8))
    assert level.available == 8


# --- refusals -------------------------------------------------------------------------------------


def test_everything_wrong_is_told_at_once_and_nothing_done(shop: Client) -> None:
    level, catalogue = level_of(shop), shop.store.catalogue
    before = level.available
    bundle = next(one for one in catalogue.variants.values() if one.components)
    unstocked = next(
        item.id
        for item in catalogue.items.values()
        if (item.id, 61_000_002) not in catalogue.levels and item.id != bundle.item_id
    )
    place = place_of(level)
    rest = {"quantity": 1, "changeFromQuantity": None}
    rows = [
        place | rest,
        place | rest | {"inventoryItemId": "gid://shopify/InventoryItem/1"},
        place | rest | {"inventoryItemId": f"gid://shopify/InventoryItem/{bundle.item_id}"},
        place | rest | {"locationId": "gid://shopify/Location/1"},
        place | rest | {"locationId": "gid://shopify/Location/61000004"},
        rest
        | {
            "inventoryItemId": f"gid://shopify/InventoryItem/{unstocked}",
            "locationId": "gid://shopify/Location/61000002",
        },
    ]
    asked = {"name": "available", "reason": "because", "quantities": rows}

    def at(row: int, name: str) -> list[str]:
        return ["input", "quantities", str(row), name]

    assert shop.refusal(SET, key="a", input=asked) == [
        (["input", "reason"], "INVALID_REASON"),
        (at(1, "inventoryItemId"), "INVALID_INVENTORY_ITEM"),
        (at(2, "inventoryItemId"), "NON_MUTABLE_INVENTORY_ITEM"),
        (at(3, "locationId"), "INVALID_LOCATION"),
        (at(4, "locationId"), "INVALID_LOCATION"),
        (at(5, "locationId"), "ITEM_NOT_STOCKED_AT_LOCATION"),
    ]
    assert level.available == before
    assert shop.events == []


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": "committed"}, ["input", "name"], "INVALID_NAME"),
        (
            {"referenceDocumentUri": "x"},
            ["input", "referenceDocumentUri"],
            "INVALID_REFERENCE_DOCUMENT",
        ),
    ],
)
def test_a_wrong_word_is_refused(
    shop: Client, changes: dict[str, Any], field: list[str], code: str
) -> None:
    assert shop.refusal(SET, key="a", input=wanted(level_of(shop), 7, **changes)) == [(field, code)]


@pytest.mark.parametrize(
    ("quantity", "code"),
    [(1_000_000_001, "INVALID_QUANTITY_TOO_HIGH"), (-1_000_000_001, "INVALID_QUANTITY_TOO_LOW")],
)
def test_quantities_have_bounds(shop: Client, quantity: int, code: str) -> None:
    refused = shop.refusal(SET, key="a", input=wanted(level_of(shop), quantity))

    assert refused == [(["input", "quantities", "0", "quantity"], code)]


def test_the_same_place_twice_is_refused(shop: Client) -> None:
    asked = wanted(level_of(shop), 7)
    asked["quantities"] *= 2

    (refused,) = shop.refusal(SET, key="a", input=asked)

    assert refused[1] == "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"


def test_more_than_250_rows_are_refused(shop: Client) -> None:
    asked = wanted(level_of(shop), 7)
    asked["quantities"] *= 251

    assert shop.error(SET, key="a", input=asked)["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"


def test_the_error_of_unstocked_items_is_gone_in_2026_10(shop: Client) -> None:
    catalogue = shop.store.catalogue
    item = next(one for one in catalogue.items if (one, 61_000_002) not in catalogue.levels)
    row = {
        "inventoryItemId": f"gid://shopify/InventoryItem/{item}",
        "locationId": "gid://shopify/Location/61000002",
        "quantity": 1,
        "changeFromQuantity": None,
    }
    asked = {"name": "available", "reason": "correction", "quantities": [row]}

    answer = shop.post(SET, {"key": "a", "input": asked}, path="/admin/api/2026-10/graphql.json")

    assert b"ITEM_NOT_STOCKED" not in answer.content()
    assert b"INVALID_LOCATION" in answer.content()


def test_other_states_than_available_need_a_ledger_document(shop: Client) -> None:
    level = level_of(shop)
    row = place_of(level) | {"delta": 2, "changeFromQuantity": None}
    asked = {"name": "damaged", "reason": "damaged", "changes": [row]}

    assert shop.refusal(ADJUST, key="a", input=asked) == [
        (["input", "changes", "0", "ledgerDocumentUri"], "INVALID_QUANTITY_DOCUMENT")
    ]
    asked["changes"] = [row | {"ledgerDocumentUri": "logix://damage/1"}]
    group = shop.change(ADJUST, key="b", input=asked)["inventoryAdjustmentGroup"]
    assert group["changes"][0] == {
        "name": "damaged",
        "delta": 2,
        "quantityAfterChange": 5,
        "ledgerDocumentUri": "logix://damage/1",
    }
    assert shop.refusal(ADJUST, key="c", input=asked | {"name": "available"}) == [
        (["input", "changes", "0", "ledgerDocumentUri"], "INVALID_AVAILABLE_DOCUMENT")
    ]


# --- being stocked --------------------------------------------------------------------------------


def unstocked(shop: Client) -> dict[str, str]:
    catalogue = shop.store.catalogue
    item = next(one for one in catalogue.items if (one, 61_000_002) not in catalogue.levels)
    return {
        "item": f"gid://shopify/InventoryItem/{item}",
        "place": "gid://shopify/Location/61000002",
    }


def test_an_item_is_stocked_by_activating_it(shop: Client) -> None:
    where = unstocked(shop)

    made = shop.change(ACTIVATE, key="a", available=4, **where)["inventoryLevel"]
    again = shop.change(ACTIVATE, key="b", **where)["inventoryLevel"]

    assert made["isActive"]
    assert [row["quantity"] for row in made["quantities"]] == [4, 4]
    assert again["id"] == made["id"]
    assert [topic for topic, _ in shop.events] == ["inventory_levels/connect"]
    assert shop.refusal(ACTIVATE, key="c", available=9, **where) == [(["available"], None)]
    assert shop.ask(LEVEL, **where)["inventoryItem"]["inventoryLevel"]["id"] == made["id"]


def test_nothing_is_stocked_where_the_store_has_closed(shop: Client) -> None:
    where = unstocked(shop)

    for place in ("gid://shopify/Location/61000004", "gid://shopify/Location/1"):
        refused = shop.refusal(ACTIVATE, key=place, **where | {"place": place})
        assert refused == [(["locationId"], None)]
    gone = where | {"item": "gid://shopify/InventoryItem/1"}
    assert shop.refusal(ACTIVATE, key="x", **gone) == [(["inventoryItemId"], None)]


def test_a_level_is_given_up_unless_something_hangs_on_it(shop: Client) -> None:
    query = """mutation($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { field
        message } } }"""
    catalogue = shop.store.catalogue
    level = next(
        one for one in catalogue.levels.values() if len(catalogue.levels_of(one.item_id)) == 2
    )
    gid = f"gid://shopify/InventoryLevel/{level.id}?inventory_item_id={level.item_id}"
    level.committed = 1
    assert shop.refusal(query, id=gid) == [(["inventoryLevelId"], None)]
    level.committed = 0

    shop.change(query, id=gid)

    assert shop.sent == []
    assert shop.events == [("inventory_levels/disconnect", level.id)]
    assert shop.refusal(query, id=gid) == [(["inventoryLevelId"], None)]
    (last,) = catalogue.levels_of(level.item_id)
    other = f"gid://shopify/InventoryLevel/{last.id}?inventory_item_id={last.item_id}"
    assert shop.refusal(query, id=other) == [(["inventoryLevelId"], None)]


def test_levels_are_read_from_either_side(shop: Client) -> None:
    catalogue = shop.store.catalogue
    level = level_of(shop)
    place = place_of(level)

    found = shop.ask(
        """query($item: ID!, $place: ID!, $level: ID!, $q: String) { inventoryItem(id: $item) {
            locationsCount { count } duplicateSkuCount inventoryLevels(first: 10) { nodes { id }
            } } location(id: $place) { inventoryLevel(inventoryItemId: $item) { id }
            inventoryLevels(first: 250, query: $q) { nodes { id } } } inventoryLevel(id: $level)
            { item { id } } wrong: inventoryLevel(id:
            "gid://shopify/InventoryLevel/1?inventory_item_id=1") { id } }""",
        item=place["inventoryItemId"],
        place=place["locationId"],
        level=f"gid://shopify/InventoryLevel/{level.id}?inventory_item_id={level.item_id}",
        q=f"inventory_item_id:{level.item_id}",
    )

    own = f"gid://shopify/InventoryLevel/{level.id}?inventory_item_id={level.item_id}"
    assert found["inventoryItem"]["locationsCount"] == {
        "count": len(catalogue.levels_of(level.item_id))
    }
    assert {"id": own} in found["inventoryItem"]["inventoryLevels"]["nodes"]
    assert found["location"] == {
        "inventoryLevel": {"id": own},
        "inventoryLevels": {"nodes": [{"id": own}]},
    }
    assert found["inventoryLevel"]["item"]["id"] == place["inventoryItemId"]
    assert found["wrong"] is None


def test_a_quantity_of_no_such_name_is_refused(shop: Client) -> None:
    query = """{ inventoryItems(first: 1) { nodes { inventoryLevels(first: 1) { nodes {
        quantities(names: ["x"]) { name } } } } } }"""

    assert shop.error(query)["extensions"]["code"] == "INVALID_NAME"


# --- what orders do with it -----------------------------------------------------------------------


def test_goods_go_from_available_to_committed_and_out_of_the_house(shop: Client) -> None:
    level = level_of(shop)
    place, before = (level.item_id, level.location_id), read(shop, level)

    with shop.store.working():
        stock.commit(shop.store, *place, 5)
    committed = read(shop, level)
    with shop.store.working():
        stock.ship(shop.store, *place, 3)
        stock.uncommit(shop.store, *place, 2)
        stock.restock(shop.store, *place, 1)
    after = read(shop, level)

    assert committed == before | {
        "available": before["available"] - 5,
        "committed": before["committed"] + 5,
    }
    assert after == before | {
        "available": before["available"] - 2,
        "on_hand": before["on_hand"] - 2,
    }


def test_what_is_not_counted_is_not_moved(shop: Client) -> None:
    catalogue = shop.store.catalogue
    item = next(one for one in catalogue.items.values() if not one.tracked)

    with shop.store.working():
        stock.commit(shop.store, item.id, 61_000_001, 5)
        stock.commit(shop.store, 1, 61_000_001, 5)

    assert shop.events == []
    assert all(level.committed == 0 for level in catalogue.levels_of(item.id))


def test_levels_survive_a_restart(make_store: Make) -> None:
    shop = make_store()
    level = level_of(shop)
    shop.change(SET, key="a", input=wanted(level, 7))
    shop.change(ACTIVATE, key="b", available=4, **unstocked(shop))

    kept = type(shop.store).restore(shop.store.options, shop.store.snapshot(), now=shop.clock)

    assert kept.catalogue.levels == shop.store.catalogue.levels
    assert kept.catalogue.products == shop.store.catalogue.products
    assert kept.snapshot() == shop.store.snapshot()

"""What the control page and the traffic do with orders."""

from __future__ import annotations

from random import Random

import pytest

from integrations.sandbox.shopify.orders import acts, kinds, placing, states, totals
from integrations.sandbox.shopify.orders.acts import Refusal
from tests.integrations.sandbox.shopify.client import NOW, Client
from tests.integrations.sandbox.shopify.conftest import Make


@pytest.mark.parametrize("kind", list(placing.ORDER_KINDS))
def test_an_order_of_each_kind_can_be_placed_and_read(shop: Client, kind: str) -> None:
    (number,) = placing.place(shop.store, Random(2), kind=kind)

    order = shop.ask(
        "query ($id: ID!) { order(id: $id) { name displayFulfillmentStatus"
        " lineItems(first: 10) { nodes { title sku quantity } }"
        " purchasingEntity { __typename ... on PurchasingCompany { company { name }"
        " location { name } contact { customer { id } } } } poNumber"
        " risk { recommendation } app { name } sourceIdentifier } }",
        id=f"gid://shopify/Order/{number}",
    )["order"]

    assert order["lineItems"]["nodes"]
    assert ("orders/create", number) in shop.events


def test_a_sold_line_is_taken_from_what_can_be_sold(shop: Client) -> None:
    catalogue = shop.store.catalogue
    item = next(one for one in catalogue.items.values() if one.tracked and one.sku)
    before = sum(level.available for level in catalogue.levels_of(item.id))

    placing.place_with(shop.store, Random(1), [(item.sku, 2)])

    assert sum(level.available for level in catalogue.levels_of(item.id)) == before - 2
    assert any(topic == "inventory_levels/update" for topic, _ in shop.events)


def test_what_is_not_sold_is_refused_in_words(shop: Client) -> None:
    with pytest.raises(Refusal, match="no product with the SKU"):
        placing.place_with(shop.store, Random(1), [("NOPE", 1)])
    with pytest.raises(Refusal, match="no kind of order"):
        placing.place(shop.store, Random(1), kind="nope")
    with pytest.raises(Refusal, match="between 1 and"):
        placing.place(shop.store, Random(1), count=0)
    with pytest.raises(Refusal, match="no “fly”"):
        acts.act(shop.store, "fly", 1)
    with pytest.raises(Refusal, match="no order 1"):
        acts.act(shop.store, "ship", 1)


@pytest.mark.parametrize("verb", list(acts.VERBS))
def test_each_act_can_be_done_or_is_refused_in_words(make_store: Make, verb: str) -> None:
    """On every seeded order: nothing else may come of it, and each must work somewhere."""
    shop = make_store(orders=300)
    done = 0
    for number in shop.store.orders.ids():
        try:
            acts.act(shop.store, verb, number)
            done += 1
        except Refusal:
            continue
    assert done > 0


def test_many_orders_change_in_one_second_or_none(shop: Client) -> None:
    ids = list(shop.store.orders.ids())
    shop.wait(7)

    acts.touch(shop.store, ids)

    assert {shop.store.orders.existing(number).updated_at for number in ids} == {NOW + 7}
    with pytest.raises(Refusal):
        acts.touch(shop.store, [ids[0], 1])


def test_several_hundred_can_be_placed_in_one_second(shop: Client) -> None:
    placed = placing.place(shop.store, Random(3), count=300)

    assert len({shop.store.orders.existing(number).created_at for number in placed}) == 1
    assert acts.newest(shop.store, 2) == placed[:-3:-1]


def test_an_edit_changes_what_is_owed(shop: Client) -> None:
    item = next(one for one in shop.store.catalogue.items.values() if one.tracked and one.sku)
    number = placing.place_with(shop.store, Random(1), [(item.sku, 2)])
    order = shop.store.orders.existing(number)
    assert states.financial(order, NOW) == "PAID"

    acts.act(shop.store, "edit", number)

    assert order.is_edited
    assert order.lines[0].quantity == 3
    assert states.unfulfilled_units(order, order.lines[0]) == 3
    assert states.financial(order, NOW) == "PARTIALLY_PAID"
    assert totals.outstanding(order).shop.amount > 0
    assert order.original_total is not None
    assert totals.sold(order).total.shop.amount > order.original_total.shop.amount


def test_a_removed_unit_stays_in_the_line_and_leaves_the_sum(shop: Client) -> None:
    item = next(one for one in shop.store.catalogue.items.values() if one.tracked and one.sku)
    number = placing.place_with(shop.store, Random(1), [(item.sku, 2)])
    order = shop.store.orders.existing(number)
    level = shop.store.catalogue.levels[item.id, order.fulfillment_orders[0].location_id]
    before = (level.available, level.committed)

    acts.act(shop.store, "remove", number)

    assert (order.lines[0].quantity, totals.current_units(order, order.lines[0])) == (2, 1)
    assert totals.outstanding(order).shop.amount < 0
    assert (level.available, level.committed) == (before[0] + 1, before[1] - 1)


def test_something_else_is_added_to_an_order(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(1))
    order = shop.store.orders.existing(number)
    before = len(order.lines)

    acts.act(shop.store, "add", number)

    assert len(order.lines) > before
    assert states.unfulfilled_units(order, order.lines[-1]) == order.lines[-1].quantity
    assert ("orders/edited", number) in shop.events


def test_a_return_is_asked_for_agreed_to_and_arrives(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(1))
    order = shop.store.orders.existing(number)
    acts.act(shop.store, "ship", number)
    told = []

    for verb in ("ask_return", "approve_return", "arrive"):
        acts.act(shop.store, verb, number)
        told.append(states.returning(order))

    assert told == ["RETURN_REQUESTED", "IN_PROGRESS", "RETURNED"]
    topics = [topic for topic, _ in shop.events if topic.startswith("returns/")]
    assert topics == ["returns/request", "returns/approve", "returns/close"]


def test_the_page_is_told_what_it_shows(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(1))

    row = acts.row(shop.store, number)

    assert row["id"] == number
    assert row["name"].startswith("#")
    assert row["financial"] == "PAID"
    assert row["total"].endswith(("EUR", "USD"))


def test_every_kind_has_words_for_the_page() -> None:
    assert all(kind.about for kind in kinds.KINDS.values())

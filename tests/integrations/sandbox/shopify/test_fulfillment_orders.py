"""Work for the locations: held, released, moved, listed, and who may see it."""

from __future__ import annotations

from random import Random

from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.orders.kinds import PREORDER_S
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make
from tests.integrations.sandbox.shopify.test_fulfillment import (
    CREATE,
    MOVE,
    first_units,
    order_of,
    other_place,
    read,
    shipment,
    works,
)

HOLD = """
mutation ($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id handle } fulfillmentOrder { id status }
    remainingFulfillmentOrder { id status } userErrors { field message code }
  }
}
"""
RELEASE = """
mutation ($id: ID!, $holds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holds) {
    fulfillmentOrder { status fulfillmentHolds { id } } userErrors { field message code }
  }
}
"""


# --- holds ----------------------------------------------------------------------------------------


def test_work_on_hold_cannot_be_shipped_until_it_is_released(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)
    held = shop.change(
        HOLD,
        id=work["id"],
        hold={"reason": "INCORRECT_ADDRESS", "reasonNotes": "?", "handle": "logix-1"},
    )
    on_hold = read(shop, gid)

    assert held["fulfillmentOrder"]["status"] == "ON_HOLD"
    assert on_hold["displayFulfillmentStatus"] == "ON_HOLD"
    assert on_hold["fulfillmentOrders"]["nodes"][0]["fulfillmentHolds"][0]["reasonNotes"] == "?"
    assert shop.refusal(CREATE, fulfillment=shipment(work))

    released = shop.change(RELEASE, id=work["id"])["fulfillmentOrder"]

    assert released == {"status": "OPEN", "fulfillmentHolds": []}
    shop.change(CREATE, fulfillment=shipment(work))


def test_several_holds_are_released_one_by_one(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)
    holds = [
        shop.change(HOLD, id=work["id"], hold={"reason": "OTHER", "handle": name})[
            "fulfillmentHold"
        ]["id"]
        for name in ("a", "b")
    ]

    first = shop.change(RELEASE, id=work["id"], holds=[holds[0]])["fulfillmentOrder"]

    assert first == {"status": "ON_HOLD", "fulfillmentHolds": [{"id": holds[1]}]}
    assert shop.change(RELEASE, id=work["id"])["fulfillmentOrder"]["status"] == "OPEN"


def test_a_hold_of_some_units_leaves_the_others_to_be_shipped(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)

    held = shop.change(
        HOLD,
        id=work["id"],
        hold={"reason": "OTHER", "fulfillmentOrderLineItems": first_units(work, 2)},
    )

    rest = held["remainingFulfillmentOrder"]
    by_id = {one["id"]: one for one in works(shop, gid)}
    assert by_id[work["id"]]["lineItems"]["nodes"][0]["totalQuantity"] == 2
    assert by_id[rest["id"]]["lineItems"]["nodes"][0]["totalQuantity"] == 1
    assert rest["status"] == "OPEN"


def test_holds_that_cannot_be_are_refused_with_their_code(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)
    shop.change(HOLD, id=work["id"], hold={"reason": "OTHER", "handle": "one"})

    assert shop.refusal(HOLD, id=work["id"], hold={"reason": "OTHER", "handle": "one"}) == [
        (["fulfillmentHold", "handle"], "DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    ]
    assert shop.refusal(HOLD, id="gid://shopify/FulfillmentOrder/1", hold={"reason": "OTHER"}) == [
        (["id"], "FULFILLMENT_ORDER_NOT_FOUND")
    ]
    for place in range(9):
        shop.change(HOLD, id=work["id"], hold={"reason": "OTHER", "handle": f"h{place}"})
    assert shop.refusal(HOLD, id=work["id"], hold={"reason": "OTHER"}) == [
        (["id"], "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    ]


# --- moves ----------------------------------------------------------------------------------------


def test_untouched_work_moves_as_it_is_and_its_stock_with_it(shop: Client) -> None:
    gid, level = order_of(shop, places=2)
    (work,) = works(shop, gid)
    other = other_place(shop, work)
    there = shop.store.catalogue.levels[level.item_id, int(other.rsplit("/", 1)[1])]
    before = (level.committed, there.committed)

    moved = shop.change(MOVE, id=work["id"], to=other)

    assert moved["movedFulfillmentOrder"]["id"] == work["id"]
    assert moved["movedFulfillmentOrder"]["assignedLocation"]["location"]["id"] == other
    assert moved["remainingFulfillmentOrder"] is None
    assert (level.committed, there.committed) == (before[0] - 3, before[1] + 3)


def test_a_part_that_moves_becomes_work_of_its_own(shop: Client) -> None:
    gid, _ = order_of(shop, places=2)
    (work,) = works(shop, gid)

    moved = shop.change(MOVE, id=work["id"], to=other_place(shop, work), lines=first_units(work, 2))

    stays, goes = works(shop, gid)
    assert moved["remainingFulfillmentOrder"]["id"] == work["id"] == stays["id"]
    assert moved["movedFulfillmentOrder"]["id"] == goes["id"]
    assert stays["lineItems"]["nodes"][0]["totalQuantity"] == 1
    assert goes["lineItems"]["nodes"][0]["totalQuantity"] == 2


def test_a_place_that_does_not_keep_the_goods_is_refused(shop: Client) -> None:
    gid, level = order_of(shop, places=2)
    (work,) = works(shop, gid)
    other = other_place(shop, work)
    shop.store.catalogue.levels[level.item_id, int(other.rsplit("/", 1)[1])].is_active = False

    assert shop.refusal(MOVE, id=work["id"], to=other) == [(["newLocationId"], None)]


# --- later days -----------------------------------------------------------------------------------


def test_work_for_a_later_day_opens_when_it_comes(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(1), kind="preorder")
    gid = f"gid://shopify/Order/{number}"
    before = read(shop, gid)
    works_before = before["fulfillmentOrders"]["nodes"]
    assert before["displayFulfillmentStatus"] == "SCHEDULED"
    assert shop.refusal(CREATE, fulfillment=shipment(works_before[0]))

    shop.wait(PREORDER_S + 1)

    after = read(shop, gid)
    assert after["displayFulfillmentStatus"] == "UNFULFILLED"
    assert {work["status"] for work in after["fulfillmentOrders"]["nodes"]} == {"OPEN"}
    topic = "fulfillment_orders/scheduled_fulfillment_order_ready"
    mine = {work.id for work in shop.store.orders.existing(number).fulfillment_orders}
    assert mine <= {of for told, of in shop.events if told == topic}


def test_the_seed_has_no_work_whose_day_is_past(make_store: Make) -> None:
    shop = make_store(orders=1_000)
    store = shop.store

    def waiting() -> list[int]:
        return [
            number
            for number in store.orders.ids()
            for work in store.orders.existing(number).fulfillment_orders
            if work.status == "SCHEDULED"
        ]

    assert waiting()
    shop.wait(PREORDER_S)
    assert waiting() == []


# --- lists and access -----------------------------------------------------------------------------

LIST = """
query ($query: String, $closed: Boolean, $after: String) {
  fulfillmentOrders(first: 100, after: $after, query: $query, includeClosed: $closed,
                    sortKey: UPDATED_AT) {
    nodes { id status updatedAt orderId assignedLocation { location { id } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


def test_open_work_of_all_orders_is_listed_and_closed_work_when_asked_for(shop: Client) -> None:
    some = shop.ask(LIST)["fulfillmentOrders"]["nodes"]
    more = shop.ask(LIST, closed=True)["fulfillmentOrders"]["nodes"]

    assert 0 < len(some) < len(more)
    assert {"CLOSED"} & {row["status"] for row in some} == set()
    assert "CLOSED" in {row["status"] for row in more}
    assert [row["updatedAt"] for row in more] == sorted(row["updatedAt"] for row in more)


def test_work_is_filtered_by_place_status_and_date(shop: Client) -> None:
    rows = shop.ask(LIST, closed=True)["fulfillmentOrders"]["nodes"]
    place = rows[-1]["assignedLocation"]["location"]["id"]
    moment = rows[len(rows) // 2]["updatedAt"]
    number = place.rsplit("/", 1)[1]

    def found(query: str) -> list[str]:
        nodes = shop.ask(LIST, closed=True, query=query)["fulfillmentOrders"]["nodes"]
        return [row["id"] for row in nodes]

    assert found(f"assigned_location_id:{number}") == [
        row["id"] for row in rows if row["assignedLocation"]["location"]["id"] == place
    ]
    assert found("status:closed") == [row["id"] for row in rows if row["status"] == "CLOSED"]
    assert found(f"updated_at:>='{moment}'") == [
        row["id"] for row in rows if row["updatedAt"] >= moment
    ]


def test_work_of_a_kind_without_its_scope_looks_as_if_it_were_not_there(make_store: Make) -> None:
    scopes = ("write_orders", "read_all_orders", "write_merchant_managed_fulfillment_orders")
    shop = make_store(orders=200, scopes=scopes)
    services = {one.id for one in shop.store.catalogue.locations.values() if one.service}
    theirs = next(
        work
        for number in shop.store.orders.ids()
        for work in shop.store.orders.existing(number).fulfillment_orders
        if work.location_id in services and work.status == "OPEN"
    )
    gid = f"gid://shopify/FulfillmentOrder/{theirs.id}"
    order = "query ($id: ID!) { order(id: $id) { fulfillmentOrders(first: 9) { nodes { id } } } }"

    seen = shop.ask(order, id=f"gid://shopify/Order/{theirs.order_id}")["order"]

    assert gid not in {row["id"] for row in seen["fulfillmentOrders"]["nodes"]}
    one = shop.ask("query ($id: ID!) { fulfillmentOrder(id: $id) { id } }", id=gid)
    assert one == {"fulfillmentOrder": None}
    assert shop.refusal(HOLD, id=gid, hold={"reason": "OTHER"}) == [
        (["id"], "FULFILLMENT_ORDER_NOT_FOUND")
    ]


def test_no_scope_for_work_at_all_is_refused(make_store: Make) -> None:
    shop = make_store(scopes=("write_orders",))

    error = shop.error("{ fulfillmentOrders(first: 1) { nodes { id } } }")

    assert error["extensions"]["code"] == "ACCESS_DENIED"


def test_a_store_with_one_location_has_all_work_there(make_store: Make) -> None:
    shop = make_store(orders=40, is_multi_location=False)

    rows = shop.ask(LIST, closed=True)["fulfillmentOrders"]["nodes"]

    assert len({row["assignedLocation"]["location"]["id"] for row in rows}) == 1

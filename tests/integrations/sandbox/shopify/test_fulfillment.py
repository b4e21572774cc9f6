"""Work for the locations and parcels on their way."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from integrations.sandbox.shopify.orders import acts, placing
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make

WORK = """
query ($id: ID!) {
  order(id: $id) {
    displayFulfillmentStatus fulfillable
    fulfillmentOrders(first: 10) { nodes {
      id status requestStatus supportedActions { action }
      assignedLocation { location { id name } }
      deliveryMethod { methodType }
      fulfillmentHolds { id reason reasonNotes heldByRequestingApp handle }
      lineItems(first: 50) { nodes { id totalQuantity remainingQuantity sku lineItem { id } } }
      fulfillments(first: 5) { nodes { id } }
    } }
    fulfillments { id name status displayStatus totalQuantity
                   trackingInfo { company number url }
                   fulfillmentLineItems(first: 50) { nodes { quantity lineItem { id } } } }
    lineItems(first: 50) { nodes { id quantity unfulfilledQuantity } }
  }
}
"""
CREATE = """
mutation ($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status totalQuantity trackingInfo { company number url } location { id } }
    userErrors { field message }
  }
}
"""
TRACK = """
mutation ($id: ID!, $tracking: FulfillmentTrackingInput!) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking) {
    fulfillment { trackingInfo { company number url } }
    userErrors { field message }
  }
}
"""
UNDO = """
mutation ($id: ID!) {
  fulfillmentCancel(id: $id) { fulfillment { status displayStatus } userErrors { field message } }
}
"""
MOVE = """
mutation ($id: ID!, $to: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $lines) {
    movedFulfillmentOrder { id status assignedLocation { location { id } } }
    originalFulfillmentOrder { id status assignedLocation { location { id } } }
    remainingFulfillmentOrder { id } userErrors { field message code }
  }
}
"""


def stocked(shop: Client, *, places: int = 1) -> Any:
    """An item that is counted at so many places that ship."""
    catalogue = shop.store.catalogue
    homes = [one.id for one in catalogue.active_locations() if not one.service]
    return next(
        item
        for item in catalogue.items.values()
        if item.tracked
        and item.sku
        and sum((item.id, home) in catalogue.levels for home in homes) >= places
        and all(
            catalogue.levels[item.id, home].is_active
            and catalogue.levels[item.id, home].available > 5
            for home in homes[:places]
        )
    )


def order_of(shop: Client, quantity: int = 3, *, places: int = 1) -> tuple[str, Any]:
    """(global id, level) of a new order for one counted item."""
    item = stocked(shop, places=places)
    number = placing.place_with(shop.store, Random(1), [(item.sku, quantity)])
    work = shop.store.orders.existing(number).fulfillment_orders[0]
    return f"gid://shopify/Order/{number}", shop.store.catalogue.levels[item.id, work.location_id]


def read(shop: Client, gid: str) -> dict[str, Any]:
    order: dict[str, Any] = shop.ask(WORK, id=gid)["order"]
    return order


def works(shop: Client, gid: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read(shop, gid)["fulfillmentOrders"]["nodes"]
    return rows


def shipment(work: dict[str, Any], quantity: int | None = None, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"fulfillmentOrderId": work["id"]}
    if quantity is not None:
        line = work["lineItems"]["nodes"][0]["id"]
        row["fulfillmentOrderLineItems"] = [{"id": line, "quantity": quantity}]
    return {"lineItemsByFulfillmentOrder": [row], **more}


def other_place(shop: Client, work: dict[str, Any]) -> str:
    here = work["assignedLocation"]["location"]["id"]
    homes = [one for one in shop.store.catalogue.active_locations() if not one.service]
    return next(
        f"gid://shopify/Location/{one.id}"
        for one in homes
        if f"gid://shopify/Location/{one.id}" != here
    )


def first_units(work: dict[str, Any], quantity: int) -> list[dict[str, Any]]:
    return [{"id": work["lineItems"]["nodes"][0]["id"], "quantity": quantity}]


# --- parcels --------------------------------------------------------------------------------------


def test_a_new_order_is_work_that_can_be_fulfilled(shop: Client) -> None:
    gid, _ = order_of(shop)

    order = read(shop, gid)

    (work,) = order["fulfillmentOrders"]["nodes"]
    assert order["displayFulfillmentStatus"] == "UNFULFILLED"
    assert work["status"] == "OPEN"
    assert "CREATE_FULFILLMENT" in {row["action"] for row in work["supportedActions"]}
    assert work["lineItems"]["nodes"][0]["remainingQuantity"] == 3


def test_all_of_it_is_shipped_with_a_number(shop: Client) -> None:
    gid, level = order_of(shop)
    before = (level.on_hand, level.committed, level.available)
    (work,) = works(shop, gid)

    made = shop.change(
        CREATE,
        fulfillment=shipment(work, trackingInfo={"company": "UPS", "number": "1Z 9"}),
    )["fulfillment"]

    order = read(shop, gid)
    assert made["status"] == "SUCCESS"
    assert made["totalQuantity"] == 3
    assert made["trackingInfo"] == [
        {
            "company": "UPS",
            "number": "1Z 9",
            "url": "https://www.ups.com/WebTracking?loc=en_US&requester=ST&trackNums=1Z%209",
        }
    ]
    assert order["displayFulfillmentStatus"] == "FULFILLED"
    assert order["fulfillmentOrders"]["nodes"][0]["status"] == "CLOSED"
    assert order["fulfillmentOrders"]["nodes"][0]["supportedActions"] == []
    assert (level.on_hand, level.committed, level.available) == (
        before[0] - 3,
        before[1] - 3,
        before[2],
    )


def test_a_part_is_shipped_and_the_rest_later(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)
    shop.change(CREATE, fulfillment=shipment(work, 1))
    half = read(shop, gid)

    shop.change(CREATE, fulfillment=shipment(work))

    whole = read(shop, gid)
    assert half["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert half["fulfillmentOrders"]["nodes"][0]["status"] == "IN_PROGRESS"
    assert half["lineItems"]["nodes"][0]["unfulfilledQuantity"] == 2
    assert whole["displayFulfillmentStatus"] == "FULFILLED"
    assert [one["totalQuantity"] for one in whole["fulfillments"]] == [1, 2]
    assert [one["name"][-3:] for one in whole["fulfillments"]] == ["-F1", "-F2"]


def test_a_parcel_is_numbered_later_with_several_numbers(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)
    parcel = shop.change(CREATE, fulfillment=shipment(work))["fulfillment"]
    number = int(parcel["id"].rsplit("/", 1)[1])
    shop.events.clear()

    told = shop.change(
        TRACK,
        id=parcel["id"],
        tracking={
            "company": "Bote Müller",
            "numbers": ["A 1", "B 2"],
            "urls": ["https://bote.example/A1"],
        },
    )["fulfillment"]["trackingInfo"]

    assert parcel["trackingInfo"] == []
    assert told == [
        {"company": "Bote Müller", "number": "A 1", "url": "https://bote.example/A1"},
        {"company": "Bote Müller", "number": "B 2", "url": None},
    ]
    assert ("fulfillments/update", number) in shop.events


def test_one_call_covers_one_location_alone(make_store: Make) -> None:
    shop = make_store(orders=0)
    gid, _ = order_of(shop, places=2)
    (work,) = works(shop, gid)
    other = other_place(shop, work)
    shop.change(MOVE, id=work["id"], to=other, lines=first_units(work, 1))
    rows = [{"fulfillmentOrderId": one["id"]} for one in works(shop, gid)]

    assert len(rows) == 2
    assert shop.refusal(CREATE, fulfillment={"lineItemsByFulfillmentOrder": rows})


@pytest.mark.parametrize("quantity", [0, -1, 4])
def test_more_than_is_left_cannot_be_shipped(shop: Client, quantity: int) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)

    assert shop.refusal(CREATE, fulfillment=shipment(work, quantity))
    assert read(shop, gid)["fulfillments"] == []


def test_what_is_closed_cannot_be_shipped_again(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)
    shop.change(CREATE, fulfillment=shipment(work))

    payload = shop.payload(CREATE, fulfillment=shipment(work))

    assert "unfulfillable status= closed" in payload["userErrors"][0]["message"]


def test_undoing_a_whole_parcel_makes_new_work(shop: Client) -> None:
    gid, level = order_of(shop)
    before = (level.available, level.committed)
    (work,) = works(shop, gid)
    parcel = shop.change(CREATE, fulfillment=shipment(work))["fulfillment"]

    undone = shop.change(UNDO, id=parcel["id"])["fulfillment"]

    order = read(shop, gid)
    old, new = order["fulfillmentOrders"]["nodes"]
    assert undone == {"status": "CANCELLED", "displayStatus": "CANCELED"}
    assert (old["status"], new["status"]) == ("CLOSED", "OPEN")
    assert new["lineItems"]["nodes"][0]["remainingQuantity"] == 3
    assert order["displayFulfillmentStatus"] == "UNFULFILLED"
    assert (level.available, level.committed) == before
    assert shop.refusal(UNDO, id=parcel["id"])


def test_undoing_a_part_gives_its_work_the_units_back(shop: Client) -> None:
    gid, _ = order_of(shop)
    (work,) = works(shop, gid)
    parcel = shop.change(CREATE, fulfillment=shipment(work, 1))["fulfillment"]

    shop.change(UNDO, id=parcel["id"])

    (again,) = works(shop, gid)
    assert again["status"] == "OPEN"
    assert again["lineItems"]["nodes"][0]["remainingQuantity"] == 3


def test_the_carriers_word_is_told(shop: Client) -> None:
    gid, _ = order_of(shop)
    acts.act(shop.store, "ship", int(gid.rsplit("/", 1)[1]))

    acts.act(shop.store, "deliver", int(gid.rsplit("/", 1)[1]))

    assert read(shop, gid)["fulfillments"][0]["displayStatus"] == "DELIVERED"

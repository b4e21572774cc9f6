"""confirmShipment with its oddities."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.orders import acts, placing
from integrations.sandbox.amazon.orders.models import Order
from tests.integrations.sandbox.amazon.client import DE, FR, NOW, Client

DAY = 24 * 3600


@pytest.fixture
def order(account: Client) -> Order:
    """Two things, one of them twice."""
    rows = [
        row for row in account.store.state.listings.values() if row.quantity and DE in row.offers
    ]
    lines = [(rows[0].sku, 2), (rows[1].sku, 1)]
    return account.known(placing.place_with(account.store, account.chance, lines))


def detail(order: Order, *quantities: int, **more: Any) -> dict[str, Any]:
    """Of the first items so many units; all that were ordered if nothing is said."""
    many = quantities or tuple(item.quantity for item in order.items)
    return {
        "packageReferenceId": "1",
        "carrierCode": "DHL",
        "shippingMethod": "DHL Paket",
        "trackingNumber": "00340434161000000001",
        "shipDate": iso(NOW),
        "orderItems": [
            {"orderItemId": item.id, "quantity": quantity}
            for item, quantity in zip(order.items, many, strict=False)
        ],
    } | more


def confirm(
    client: Client, order: Order, package: dict[str, Any], place: str | None = None
) -> tuple[int, str]:
    """Status and message."""
    body = {"marketplaceId": place or order.marketplace, "packageDetail": package}
    answer = client.call("POST", f"/orders/v0/orders/{order.id}/shipmentConfirmation", body)
    message = answer.document["errors"][0]["message"] if answer.document else ""
    return answer.status, message


def test_a_package_of_everything_ships_the_order(account: Client, order: Order) -> None:
    before = order.updated
    account.later(10)

    assert confirm(account, order, detail(order)) == (204, "")

    told = account.order(order.id)
    assert told["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert told["packages"] == [
        {
            "packageReferenceId": "1",
            "createdTime": iso(NOW + 10),
            "packageStatus": {"status": "SHIPPED"},
            "carrier": "DHL",
            "shipTime": iso(NOW),
            "shippingService": "DHL Paket",
            "trackingNumber": "00340434161000000001",
            "packageItems": [
                {"orderItemId": order.items[0].id, "quantity": 2},
                {"orderItemId": order.items[1].id, "quantity": 1},
            ],
        }
    ]
    assert order.updated > before
    account.later(2 * DAY)
    assert order.packages[0].status == "DELIVERED"


def test_a_part_ships_in_part_and_the_rest_later(account: Client, order: Order) -> None:
    assert confirm(account, order, detail(order, 1))[0] == 204
    told = account.order(order.id)
    assert told["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    assert told["orderItems"][0]["fulfillment"] == {
        "quantityFulfilled": 1,
        "quantityUnfulfilled": 1,
    }

    assert confirm(account, order, detail(order, 1, 1, packageReferenceId="2"))[0] == 204

    assert account.order(order.id)["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


def test_the_same_reference_edits_the_package(account: Client, order: Order) -> None:
    confirm(account, order, detail(order, 1))
    created = order.packages[0].created
    account.later(60)

    again = confirm(account, order, detail(order, 2, 1, carrierCode="UPS", trackingNumber="1Z"))

    assert again == (204, "")
    assert [package.carrier for package in order.packages] == ["UPS"]
    assert order.packages[0].tracking == "1Z"
    assert order.packages[0].created == created
    assert (order.status, order.items[0].shipped) == ("SHIPPED", 2)
    confirm(account, order, detail(order, 1))
    assert (order.status, order.items[0].shipped, order.items[1].shipped) == (
        "PARTIALLY_SHIPPED",
        1,
        0,
    )


def test_when_all_has_left_there_is_no_package_to_update(account: Client, order: Order) -> None:
    acts.act(account.store, "ship", order.id)

    status, message = confirm(account, order, detail(order, packageReferenceId="77"))

    assert status == 400
    assert "PackageToUpdateNotFound" in message
    assert len(order.packages) == 1


def test_an_unknown_carrier_is_accepted_and_dropped(account: Client, order: Order) -> None:
    before = order.updated
    account.later(10)

    assert confirm(account, order, detail(order, carrierCode="dhl")) == (204, "")

    told = account.order(order.id)
    assert told["packages"] == []
    assert told["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert order.updated == before


def test_another_carrier_needs_a_name_and_is_told_by_it(account: Client, order: Order) -> None:
    assert confirm(account, order, detail(order, carrierCode="Other"))[0] == 400

    named = detail(order, carrierCode="Other", carrierName="Fahrradkurier Köln")
    assert confirm(account, order, named)[0] == 204
    assert account.order(order.id)["packages"][0]["carrier"] == "Fahrradkurier Köln"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"packageReferenceId": 1}, "[packageDetail.packageReferenceId]"),
        ({"packageReferenceId": "000"}, "must be a positive numeric value"),
        ({"packageReferenceId": "A1"}, "must be a positive numeric value"),
        ({"trackingNumber": ""}, "TrackingNumber"),
        ({"shipDate": "18/11/2026"}, "not valid"),
        ({"shipDate": iso(NOW - 3 * DAY)}, "ShipDate"),
        ({"shipDate": iso(NOW + 3 * DAY)}, "ShipDate"),
        ({"orderItems": []}, "OrderItems"),
        ({"orderItems": [{"orderItemId": "1", "quantity": 1}]}, "OrderItemId is invalid"),
        ({"orderItems": None}, "[packageDetail.orderItems]"),
    ],
)
def test_a_wrong_package_is_refused(
    account: Client, order: Order, change: dict[str, Any], told: str
) -> None:
    status, message = confirm(account, order, detail(order) | change)

    assert status == 400
    assert told in message
    assert order.packages == []


@pytest.mark.parametrize("quantities", [(3,), (0,), (2, 2)])
def test_no_more_can_be_shipped_than_is_open(
    account: Client, order: Order, quantities: tuple[int, ...]
) -> None:
    status, message = confirm(account, order, detail(order, *quantities))

    assert status == 400
    assert "Quantity" in message


def test_a_missing_field_is_refused(account: Client, order: Order) -> None:
    package = detail(order)
    del package["trackingNumber"]

    assert confirm(account, order, package)[0] == 400


def test_orders_in_another_state_or_place_are_not_confirmed(account: Client, order: Order) -> None:
    assert confirm(account, order, detail(order), FR)[0] == 400
    for kind, word in (("pending", "pending"), ("fba", "Amazon")):
        name = placing.place(account.store, account.chance, kind=kind)[0]
        status, message = confirm(account, account.known(name), detail(account.known(name)))
        assert status == 400
        assert word in message
    acts.act(account.store, "cancel", order.id)
    assert "cancelled" in confirm(account, order, detail(order))[1]
    order.id = "302-0000000-0000000"
    assert confirm(account, order, detail(order))[0] == 404

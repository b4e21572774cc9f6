"""Parcels told to the store: once each, from where their units lie, corrected when tracking comes
late.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.errors import NotFound, OutcomeUnknown, Rejected
from orders.data import ShipmentData, ShipmentLineData
from orders.status import OrderStatus
from tests.integrations.shopify.desk import NORTH, SOUTH, Desk
from tests.integrations.shopify.shop import LOST, Shop, adapter_for, data, nodes, refused


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


def parcel(reference: str, tracking: str = "", **lines: int) -> ShipmentData:
    """``parcel("P-1", "T-1", l101=2)``"""
    told = tuple(
        ShipmentLineData(line_external_id=name[1:], quantity=units) for name, units in lines.items()
    )
    carrier = "DHL" if tracking else ""
    return ShipmentData(reference=reference, carrier=carrier, tracking_number=tracking, lines=told)


def tell(shop: Shop, shipment: ShipmentData, order_id: str = "5001", **about: Any) -> bool:
    adapter = adapter_for(shop, **about)
    return adapter.update_order_status(order_id, OrderStatus.OPEN, shipment=shipment)


def test_a_parcel_is_made_of_what_lies_ready(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2, 102: 1})

    assert tell(shop, parcel("P-1", "T-1", l101=1)) is True

    assert desk.parcels() == [(900, "T-1", {101: 1})]
    (call,) = shop.asked("Ship")
    told = call.variables["fulfillment"]
    assert told["notifyCustomer"] is True
    assert told["trackingInfo"] == {"company": "DHL", "number": "T-1"}


def test_the_same_parcel_again_changes_nothing(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2})
    tell(shop, parcel("P-1", "T-1", l101=1))
    writes = desk.writes

    assert tell(shop, parcel("P-1", "T-1", l101=1)) is False
    assert desk.writes == writes


def test_two_parcels_of_the_same_line_are_told_apart_by_their_references(
    shop: Shop, desk: Desk
) -> None:
    desk.lies(1, {101: 2})

    assert tell(shop, parcel("P-1", l101=1)) is True
    assert tell(shop, parcel("P-2", l101=1)) is True
    assert tell(shop, parcel("P-1", "T-1", l101=1)) is True
    assert tell(shop, parcel("P-2", l101=1)) is False

    assert desk.parcels() == [(900, "T-1", {101: 1}), (901, {101: 1})]
    assert desk.metafields["logix", "parcels"] == {
        "type": "json",
        "value": '{"P-1":["900"],"P-2":["901"]}',
    }


def test_a_parcel_without_lines_takes_all_that_is_left(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2, 102: 1})
    tell(shop, parcel("P-1", l101=1))

    assert tell(shop, parcel("P-2", "T-2")) is True
    assert tell(shop, parcel("P-2", "T-2")) is False

    assert desk.parcels()[1] == (901, "T-2", {101: 1, 102: 1})


def test_units_at_one_place_leave_in_one_parcel(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2}, SOUTH)
    desk.lies(2, {101: 2, 102: 1}, NORTH)

    tell(shop, parcel("P-1", "T-1", l101=1, l102=1))

    assert desk.parcels() == [(900, "T-1", {101: 1, 102: 1})]


def test_a_parcel_takes_what_lies_where_it_leaves_from(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2, 102: 1}, NORTH)
    desk.lies(2, {101: 2}, SOUTH)
    shipment = replace(parcel("P-1", "T-1", l101=1), external_location_id=SOUTH)

    assert tell(shop, shipment) is True
    assert tell(shop, shipment) is False

    assert desk.parcels() == [(900, "T-1", {101: 1})]
    assert desk.left() == {NORTH: {101: 2, 102: 1}, SOUTH: {101: 1}}


def test_what_does_not_lie_there_is_taken_from_where_most_of_it_lies(
    shop: Shop, desk: Desk
) -> None:
    desk.lies(1, {101: 1, 102: 3}, "63")
    desk.lies(2, {101: 4, 102: 3}, NORTH)
    desk.lies(3, {101: 1}, SOUTH)
    shipment = parcel("P-1", l101=3, l102=2)

    assert tell(shop, replace(shipment, external_location_id=SOUTH)) is True

    assert desk.parcels() == [(900, {101: 1}), (901, {101: 2, 102: 2})]
    assert desk.left() == {"63": {101: 1, 102: 3}, NORTH: {101: 2, 102: 1}, SOUTH: {101: 0}}


def test_a_parcel_whose_lines_lie_at_two_places_is_held_together(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1}, NORTH)
    desk.lies(2, {102: 1}, SOUTH)

    assert tell(shop, parcel("P-1", "T-1", l101=1, l102=1)) is True
    assert tell(shop, parcel("P-1", "T-1", l101=1, l102=1)) is False

    assert [told[1] for told in desk.parcels()] == ["T-1", "T-1"]
    assert desk.metafields["logix", "parcels"]["value"] == '{"P-1":["900","901"]}'


def test_the_second_half_that_failed_is_sent_alone_next_time(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1}, NORTH)
    desk.lies(2, {102: 1}, SOUTH)
    shop.gate = lambda call: LOST if call.name == "Ship" and desk.fulfillments else None
    with pytest.raises(OutcomeUnknown):
        tell(shop, parcel("P-1", "T-1", l101=1, l102=1))
    shop.gate = lambda _call: None

    assert tell(shop, parcel("P-1", "T-1", l101=1, l102=1)) is True

    assert desk.parcels() == [(900, "T-1", {101: 1}), (901, "T-1", {102: 1})]


@pytest.mark.parametrize("lost", ["Ship", "SetFields", "Track"])
def test_whatever_answer_is_lost_there_is_one_parcel_in_the_end(
    shop: Shop, desk: Desk, lost: str
) -> None:
    desk.lies(1, {101: 2})
    if lost == "Track":
        tell(shop, parcel("P-1", l101=1))
    desk.loses.add(lost)

    for _ in range(3):
        try:
            tell(shop, parcel("P-1", "T-1", l101=1))
        except OutcomeUnknown:
            continue

    assert desk.loses == set()
    assert desk.parcels() == [(900, "T-1", {101: 1})]
    assert tell(shop, parcel("P-1", "T-1", l101=1)) is False
    assert desk.metafields["logix", "parcels"]["value"] == '{"P-1":["900"]}'


def test_a_parcel_made_by_hand_with_the_same_number_is_taken_for_it(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2})
    tell(shop, parcel("", "T-1", l101=1))

    assert tell(shop, parcel("P-1", "T-1", l101=1)) is False

    assert len(desk.fulfillments) == 1
    assert desk.metafields["logix", "parcels"]["value"] == '{"P-1":["900"]}'


def test_a_parcel_that_was_cancelled_at_the_store_is_told_again(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1})
    tell(shop, parcel("P-1", "T-1", l101=1))
    desk.fulfillments[0]["status"] = "CANCELLED"
    desk.orders[0]["lineItems"]["nodes"][0]["remainingQuantity"] = 1

    assert tell(shop, parcel("P-1", "T-1", l101=1)) is True

    assert desk.metafields["logix", "parcels"]["value"] == '{"P-1":["901"]}'


def test_a_note_that_somebody_spoilt_costs_nothing_but_the_note(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1})
    desk.metafields["logix", "parcels"] = {"type": "json", "value": "[1"}

    assert tell(shop, parcel("P-1", "T-1", l101=1)) is True


# -- Where the store lets nobody ship ----------------------------------------------------------


def test_an_order_that_is_held_back_is_not_sent(shop: Shop, desk: Desk) -> None:
    holds = [{"displayReason": "Awaiting payment", "reasonNotes": "call first"}]
    desk.lies(1, {101: 1}, status="ON_HOLD", supportedActions=[], fulfillmentHolds=holds)

    with pytest.raises(Rejected, match="Awaiting payment call first") as caught:
        tell(shop, parcel("P-1", l101=1))

    assert caught.value.code == "on_hold"
    assert desk.writes == 0


@pytest.mark.parametrize(
    ("lines", "about", "code"),
    [
        ({101: 0}, {}, "nothing_left"),
        ({101: 1}, {}, "not_enough_left"),
        ({101: 2}, {"supportedActions": []}, "not_enough_left"),
    ],
)
def test_why_a_parcel_cannot_be_sent_is_said(
    shop: Shop, desk: Desk, lines: dict[int, int], about: dict[str, Any], code: str
) -> None:
    desk.lies(1, lines, **about)

    with pytest.raises(Rejected) as caught:
        tell(shop, parcel("P-1", l101=2))

    assert caught.value.code == code
    assert str(caught.value).endswith(".")
    assert desk.fulfillments == []


def test_an_order_whose_goods_nobody_may_see_is_said_to_be(shop: Shop, desk: Desk) -> None:
    with pytest.raises(Rejected) as caught:
        tell(shop, parcel("P-1", l101=1))

    assert caught.value.code == "no_fulfillment_orders"


def test_nothing_is_sent_of_a_cancelled_order(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1})
    desk.cancelled_at = "2026-11-20T10:00:00Z"

    with pytest.raises(Rejected) as caught:
        tell(shop, parcel("P-1", l101=1))

    assert caught.value.code == "cancelled_at_store"


def test_an_order_that_is_gone_is_not_found(shop: Shop, desk: Desk) -> None:
    with pytest.raises(NotFound):
        tell(shop, parcel("P-1", l101=1), "77")


def test_what_shopify_refuses_is_told_in_its_words(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1})
    shop.on("Ship", refused("fulfillmentCreate", "Order is archived", "fulfillment"))

    with pytest.raises(Rejected, match="Order is archived"):
        tell(shop, parcel("P-1", l101=1))


def test_long_fulfillment_orders_are_read_to_the_end(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1})
    whole = desk.orders[0]["lineItems"]
    desk.orders[0]["lineItems"] = nodes([], "c")
    shop.on("FulfillmentOrderLines", data(fulfillmentOrder={"lineItems": whole}))

    def ship(call: Any) -> bytes:
        desk.orders[0]["lineItems"] = whole
        return desk._ship(call)

    shop.on("Ship", ship)

    assert tell(shop, parcel("P-1", l101=1)) is True
    assert desk.parcels() == [(900, {101: 1})]

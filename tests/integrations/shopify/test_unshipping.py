"""Parcels taken back at the store: every fulfillment they became, once; and whether the customer
hears of what is done.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.errors import NotFound, OutcomeUnknown, Rejected
from integrations.shopify import parcels, shapes
from orders.data import ShipmentData
from tests.integrations.shopify.desk import NORTH, SOUTH, Desk, gid
from tests.integrations.shopify.shop import Shop, adapter_for, refused
from tests.integrations.shopify.test_shipping import parcel, tell


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


def take_back(shop: Shop, shipment: ShipmentData, *, by_name: bool = True) -> bool:
    told = replace(shipment, cancelled=True, lines=() if by_name else shipment.lines)
    return adapter_for(shop).cancel_shipment("5001", told)


def test_every_fulfillment_of_a_parcel_is_cancelled_and_no_other(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2}, NORTH)
    desk.lies(2, {102: 1}, SOUTH)
    split = parcel("P-1", "T-1", l101=1, l102=1)
    tell(shop, split)
    tell(shop, parcel("P-2", l101=1))
    assert desk.on_the_way() == [900, 901, 902]

    assert take_back(shop, split) is True
    assert desk.on_the_way() == [902]

    writes = desk.writes
    assert take_back(shop, split) is False
    assert take_back(shop, split, by_name=False) is False
    assert desk.writes == writes


def test_the_note_stays_and_the_same_units_leave_again(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2})
    tell(shop, parcel("P-1", l101=1))
    take_back(shop, parcel("P-1", l101=1))

    assert tell(shop, parcel("P-2", l101=1)) is True

    assert desk.on_the_way() == [901]
    noted = desk.metafields["logix", "parcels"]["value"]
    assert noted == '{"P-1":["900"],"P-2":["901"]}'


def test_one_half_that_was_cancelled_leaves_the_other_to_be(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1}, NORTH)
    desk.lies(2, {102: 1}, SOUTH)
    split = parcel("P-1", "T-1", l101=1, l102=1)
    tell(shop, split)
    desk.loses.add("Unship")
    with pytest.raises(OutcomeUnknown):
        take_back(shop, split)
    assert len(desk.on_the_way()) == 1

    assert take_back(shop, split) is True
    assert take_back(shop, split) is False
    assert desk.on_the_way() == []


def test_a_parcel_whose_note_was_lost_is_known_by_what_it_holds(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2})
    tell(shop, parcel("P-1", "T-1", l101=1))
    desk.metafields.clear()

    assert take_back(shop, parcel("P-1", "T-1", l101=1)) is False
    assert take_back(shop, parcel("P-1", "T-1", l101=1), by_name=False) is True
    assert desk.on_the_way() == []


def test_a_fulfillment_that_another_parcel_claims_is_left_alone(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2})
    tell(shop, parcel("P-1", l101=1))

    assert take_back(shop, parcel("P-2", l101=1), by_name=False) is False
    assert desk.on_the_way() == [900]


def test_a_parcel_made_by_hand_is_known_by_its_id(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2})
    tell(shop, parcel("", "T-1", l101=1))

    shipment = replace(parcel("LGX-1", "T-1"), external_id="900")
    assert take_back(shop, shipment) is True
    assert desk.on_the_way() == []


def test_what_shopify_does_not_let_go_of_is_refused_in_its_words(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1})
    tell(shop, parcel("P-1", l101=1))
    shop.on("Unship", lambda _: refused("fulfillmentCancel", "The fulfillment has open returns."))

    with pytest.raises(Rejected, match="open returns"):
        take_back(shop, parcel("P-1", l101=1))


def test_of_an_order_that_is_gone_nothing_is_taken_back(shop: Shop, desk: Desk) -> None:
    with pytest.raises(NotFound):
        adapter_for(shop).cancel_shipment("5002", parcel("P-1"))


def test_a_quiet_parcel_and_its_tracking_are_told_without_a_mail(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 1})
    quiet = replace(parcel("P-1", l101=1), notify_customer=False)
    tell(shop, quiet)
    tell(shop, replace(quiet, carrier="DHL", tracking_number="T-1"))
    tell(shop, replace(quiet, carrier="DHL", tracking_number="T-2", notify_customer=True))

    (made,) = shop.asked("Ship")
    assert made.variables["fulfillment"]["notifyCustomer"] is False
    assert [call.variables["notify"] for call in shop.asked("Track")] == [False, True]


def test_what_was_taken_back_or_never_left_is_read_as_cancelled() -> None:
    found = [
        shapes.Fulfillment(
            id=gid("Fulfillment", number),
            legacy_resource_id=str(number),
            status=status,
            created_at="2026-11-20T10:00:00Z",
        )
        for number, status in enumerate(("SUCCESS", "CANCELLED", "ERROR", "FAILURE"), 900)
    ]

    told = parcels.to_shipments(found, None)

    assert [one.cancelled for one in told] == [False, True, True, True]

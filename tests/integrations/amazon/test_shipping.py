"""Parcels: told once, known by a number of ours, and believed only when Amazon shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from integrations.amazon import carriers, shipping
from integrations.amazon.service import AmazonIntegration
from integrations.errors import NotFound, OutcomeUnknown, Rejected
from orders.data import ShipmentData, ShipmentLineData
from orders.status import FulfillmentStatus, OrderStatus
from tests.integrations.amazon.conftest import MakeAdapter
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.conformance.suite import told


def parcel(**changes: object) -> ShipmentData:
    usual = ShipmentData(
        reference="LGX-302-1",
        carrier="DHL Paket",
        tracking_number="00340434161000000017",
        shipped_at=datetime.now(UTC),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def sent(world: AmazonWorld) -> list[dict[str, object]]:
    rows = [x for x in world.shop.asked if x.path.endswith("/shipmentConfirmation")]
    return [msgspec.json.decode(x.body)["packageDetail"] for x in rows]


def test_a_parcel_of_all_that_is_left_ships_the_order(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = world.place_order()

    assert told(adapter, order_id, parcel()) is True
    assert told(adapter, order_id, parcel()) is False

    (detail,) = sent(world)
    assert detail["carrierCode"] == "DHL"
    assert "carrierName" not in detail
    order = adapter.read_order(order_id)
    assert order.status.order is OrderStatus.COMPLETED
    assert order.shipments is not None
    assert [x.external_id for x in order.shipments] == [shipping.number_of("LGX-302-1")]


def test_a_part_leaves_the_rest_open(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    order_id = world.place_order()
    line = adapter.read_order(order_id).lines[0]
    part = parcel(lines=(ShipmentLineData(line_external_id=line.external_id, quantity=2),))

    assert told(adapter, order_id, part) is True
    order = adapter.read_order(order_id)

    assert order.status.fulfillment is FulfillmentStatus.PARTIALLY_FULFILLED
    too_many = replace(part, reference="P-2", tracking_number="T-2")
    with pytest.raises(Rejected, match="Quantity"):
        told(adapter, order_id, too_many)
    assert len(world.parcels(order_id)) == 1


def test_a_carrier_amazon_does_not_know_goes_by_its_name(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = world.place_order()

    assert told(adapter, order_id, parcel(carrier="Fahrradkurier Süd")) is True

    (detail,) = sent(world)
    assert (detail["carrierCode"], detail["carrierName"]) == ("Other", "Fahrradkurier Süd")
    assert told(adapter, order_id, parcel(carrier="Fahrradkurier Süd")) is False


@pytest.mark.parametrize(
    ("carrier", "code"),
    [
        ("dhl", "DHL"),
        ("DHL-Paket", "DHL"),
        (" ups ", "UPS"),
        ("Royal  Mail", "Royal Mail"),
        ("Deutsche Post", "Deutsche Post"),
        ("Swiss Post", "Swiss post"),
        ("bpost", "BPOST"),
        ("SEUR", "Seur"),
        ("DHL Paketshop", "Other"),
        ("", "Other"),
    ],
)
def test_carriers_are_spelled_amazons_way_or_are_other(carrier: str, code: str) -> None:
    assert carriers.code_of(carrier) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tracking_number": ""}, "no_tracking_number"),
        ({"tracking_number": "  "}, "no_tracking_number"),
        ({"carrier": ""}, "no_carrier"),
    ],
)
def test_what_amazon_needs_is_asked_for_in_words(
    world: AmazonWorld, adapter: AmazonIntegration, changes: dict[str, str], code: str
) -> None:
    order_id = world.place_order()

    with pytest.raises(Rejected) as caught:
        told(adapter, order_id, parcel(**changes))

    assert caught.value.code == code
    assert world.parcels(order_id) == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("pending", "not_paid"),
        ("preorder", "not_paid"),
        ("fba", "kept_by_amazon"),
        ("unfulfillable", "kept_by_amazon"),
    ],
)
def test_orders_that_take_no_parcel_say_why(
    world: AmazonWorld, adapter: AmazonIntegration, kind: str, code: str
) -> None:
    (order_id,) = world.place(kind)

    with pytest.raises(Rejected) as caught:
        told(adapter, order_id, parcel())

    assert caught.value.code == code
    assert sent(world) == []


def test_a_cancelled_order_takes_no_parcel(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    order_id = world.place_order()
    world.act("cancel", order_id)

    with pytest.raises(Rejected) as caught:
        told(adapter, order_id, parcel())

    assert caught.value.code == "cancelled_at_store"


def test_what_was_shipped_in_seller_central_is_done(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = world.place_order()
    world.act("ship", order_id)

    assert told(adapter, order_id, parcel()) is False
    assert sent(world) == []


def test_a_parcel_that_somebody_told_with_its_number_is_not_told_again(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = world.place_order()
    world.act("ship_one", order_id)
    (number,) = world.parcels(order_id)[0]
    (shown,) = adapter.read_order(order_id).shipments or ()

    same = parcel(tracking_number=f" {number[:4]} {number[4:]}", lines=shown.lines)
    assert told(adapter, order_id, same) is False


@pytest.mark.parametrize("is_same_item", [True, False])
def test_two_parcels_of_an_order_may_have_one_tracking_number(
    world: AmazonWorld, adapter: AmazonIntegration, is_same_item: bool
) -> None:
    order_id = world.place_order()
    first, second = adapter.read_order(order_id).lines
    items = (first, first) if is_same_item else (first, second)
    parts = [
        parcel(
            reference=f"LGX-{number}",
            lines=(ShipmentLineData(line_external_id=item.external_id, quantity=1),),
        )
        for number, item in enumerate(items)
    ]

    assert [told(adapter, order_id, part) for part in (*parts, *parts)] == [
        True, True, False, False,
    ]  # fmt: skip

    shown = adapter.read_order(order_id).shipments or ()
    assert {x.external_id: x.lines for x in shown} == {
        shipping.number_of(part.reference): part.lines for part in parts
    }


def test_all_left_between_the_look_and_the_call_is_done(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = world.place_order()
    confirm = adapter.client.confirm_shipment

    def late(order: str, body: dict[str, object]) -> None:
        world.act("ship", order)
        confirm(order, body)

    monkeypatch.setattr(adapter.client, "confirm_shipment", late)

    assert told(adapter, order_id, parcel()) is False
    assert len(world.parcels(order_id)) == 1


def test_a_parcel_that_amazon_drops_is_not_believed_and_told_again(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = world.place_order()
    world.trouble("confirmation_lost", count=1)

    with pytest.raises(OutcomeUnknown, match="does not show it"):
        told(adapter, order_id, parcel())

    assert told(adapter, order_id, parcel()) is True
    assert len(world.parcels(order_id)) == 1


def test_a_lost_answer_is_looked_for(
    world: AmazonWorld, adapter: AmazonIntegration, make_adapter: MakeAdapter
) -> None:
    order_id = world.place_order()
    hasty = make_adapter(world, read_s=0.5, retries=0)
    world.trouble("timeout_after_write", seconds=3, count=1)

    with pytest.raises(OutcomeUnknown):
        told(hasty, order_id, parcel())
    world.peace()

    assert told(adapter, order_id, parcel()) is False
    assert len(world.parcels(order_id)) == 1


@pytest.mark.parametrize("days", [-30, 30])
def test_a_date_amazon_would_refuse_is_moved_to_one_that_can_be(
    world: AmazonWorld, adapter: AmazonIntegration, days: int
) -> None:
    order_id = world.place_order()

    shipped_at = datetime.now(UTC) + timedelta(days=days)
    assert told(adapter, order_id, parcel(shipped_at=shipped_at)) is True


def test_numbers_of_parcels_are_amazons_kind_and_always_the_same() -> None:
    numbers = {shipping.number_of(f"LGX-{n}") for n in range(2_000)}

    assert len(numbers) == 2_000
    assert all(n.isdigit() and len(n) == 9 and int(n) < 2**31 for n in numbers)
    assert shipping.number_of("LGX-302-1") == shipping.number_of("LGX-302-1")


def test_an_order_that_is_not_there_takes_no_parcel(adapter: AmazonIntegration) -> None:
    for order_id in ("302-0000000-0000000", "nonsense"):
        with pytest.raises(NotFound):
            told(adapter, order_id, parcel())

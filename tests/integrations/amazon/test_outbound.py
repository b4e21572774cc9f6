"""Orders of other stores that Amazon sends: asked for once, whatever becomes of an answer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.amazon import outbound
from integrations.amazon import outbound_shapes as shapes
from integrations.amazon.service import AmazonIntegration
from integrations.errors import (
    ContractBroken,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    Rejected,
)
from integrations.sandbox.amazon.outbound import life
from integrations.sandbox.amazon.play import acts
from orders.data import Address
from orders.data_outside import OutsideLineData, OutsideOrder, Progress, Speed
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.world import AmazonWorld

HOME = Address(
    name="Zoë Žižek",
    company="Žižek & Töchter",
    line1="Geheimweg 1",
    city="Köln",
    postcode="50667",
    country="DE",
    phone="+49 221 1234",
)


@pytest.fixture
def sku(world: AmazonWorld) -> str:
    return amazons_sku(world)


def amazons_sku(world: AmazonWorld, units: int = 10) -> str:
    """One that Amazon keeps, with so many units."""
    with world.shop.store.working():
        rows = world.shop.store.state.listings.values()
        found = next(x.sku for x in rows if x.stock and "A1PA6795UKMFR9" in x.offers)
    acts.set_stock(world.shop.store, found, units)
    return found


def an_order(sku: str, units: int = 3, **changes: Any) -> OutsideOrder:
    made = OutsideOrder(
        reference="LGX-1001-0123456789",
        number="#1001",
        placed_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        lines=(OutsideLineData(key="a" * 32, sku=sku, quantity=units),),
        address=HOME,
        speed=Speed.EXPEDITED,
    )
    return replace(made, **changes)


def go_on(world: AmazonWorld, steps: int = 1) -> None:
    for _ in range(steps):
        acts.on_outbound(world.shop.store, "go_on", "LGX-1001-0123456789")


def orders_there(world: AmazonWorld) -> list[tuple[str, str]]:
    with world.shop.store.working():
        return [(x.id, x.status) for x in world.shop.store.state.outbound.values()]


def test_what_it_would_cost_is_told_by_speed(adapter: AmazonIntegration, sku: str) -> None:
    standard, expedited, priority = adapter.preview_fulfillment(an_order(sku, speed=None))

    assert [one.speed for one in (standard, expedited, priority)] == list(Speed)
    assert standard.can_send
    assert [(fee.name, fee.amount, fee.currency) for fee in standard.fees] == [
        ("for the units", Decimal("3.60"), "EUR"),
        ("for the order", Decimal("1.00"), "EUR"),
        ("transport", Decimal("4.50"), "EUR"),
    ]
    assert standard.arrives_from
    assert standard.arrives_until
    assert standard.arrives_from < standard.arrives_until
    assert priority.arrives_until < standard.arrives_from  # type: ignore[operator]

    (short, *_) = adapter.preview_fulfillment(an_order(sku, 11))
    assert not short.can_send
    assert [(x.sku, x.quantity, x.reason) for x in short.lacking] == [
        (sku, 11, "too few units are in Amazon's warehouses")
    ]
    nowhere = replace(HOME, postcode=life.NOWHERE)
    (lost, *_) = adapter.preview_fulfillment(an_order(sku, address=nowhere))
    assert lost.reasons == ("Amazon does not know the address",)
    with pytest.raises(Rejected, match="SellerSKU"):
        adapter.preview_fulfillment(an_order("NOT-THERE"))


def test_an_order_is_asked_for_once_and_followed_to_its_parcel(
    world: AmazonWorld, adapter: AmazonIntegration, sku: str
) -> None:
    order = an_order(sku)
    with pytest.raises(NotFound):
        adapter.read_fulfillment(order.reference)

    assert adapter.request_fulfillment(order) is True
    assert adapter.request_fulfillment(order) is False
    first = adapter.read_fulfillment(order.reference)
    go_on(world, 3)
    picked = adapter.read_fulfillment(order.reference)
    go_on(world)
    sent = adapter.read_fulfillment(order.reference)

    assert world.calls("createFulfillmentOrder") == 1
    assert (first.progress, first.raw_status) == (Progress.ACCEPTED, "New")
    assert (picked.progress, picked.parcels) == (Progress.SENDING, ())
    assert sent.progress is Progress.SENT
    (parcel,) = sent.parcels
    assert parcel.units == (("a" * 32, 3),)
    assert parcel.carrier
    assert parcel.tracking_number
    assert parcel.shipped_at
    with world.shop.store.working():
        (made,) = world.shop.store.state.outbound.values()
    assert (made.speed, made.policy, made.shown_id) == ("Expedited", "FillOrKill", "#1001")
    assert made.marketplace == "A1PA6795UKMFR9"
    assert made.address["addressLine2"] == "Žižek & Töchter"


@pytest.mark.parametrize("operation", ["getFulfillmentOrder", "createFulfillmentOrder"])
@pytest.mark.parametrize("fault", ["dropped", "timeout_after_write"])
def test_an_answer_that_is_lost_while_it_is_asked_for_makes_no_second_one(
    world: AmazonWorld, make_adapter: MakeAdapter, sku: str, fault: str, operation: str
) -> None:
    adapter = make_adapter(world, retries=0)
    order = an_order(sku)
    world.trouble(fault, route=operation, count=1, seconds=0)

    with suppress(PlatformError):
        adapter.request_fulfillment(order)
    adapter.request_fulfillment(order)

    assert orders_there(world) == [(order.reference, "New")]


def test_a_refusal_of_what_was_made_meanwhile_is_no_refusal(
    world: AmazonWorld, adapter: AmazonIntegration, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker's call went through between the look and ours."""
    order = an_order(sku)
    look = outbound.read
    looks: list[str] = []

    def late(client: Any, reference: str) -> Any:
        looks.append(reference)
        if len(looks) == 1:
            with pytest.raises(NotFound):
                look(client, reference)
            client.create_outbound(outbound._body(adapter._account, order))
            raise NotFound("Not yet.")
        return look(client, reference)

    monkeypatch.setattr(outbound, "read", late)

    assert adapter.request_fulfillment(order) is True
    assert len(orders_there(world)) == 1


def test_a_refused_one_says_why_and_keeps_the_buyer_s_address_to_itself(
    adapter: AmazonIntegration, sku: str, world: AmazonWorld
) -> None:
    with pytest.raises(Rejected, match="City") as refused:
        adapter.request_fulfillment(an_order(sku, address=replace(HOME, city="")))

    assert "Geheimweg" not in str(refused.value)
    assert orders_there(world) == []
    assert HOME.line1 not in adapter.client.http.hidden
    with outbound.unrepeated(adapter.client, HOME):
        assert {HOME.name, HOME.line1, HOME.city, HOME.postcode} <= {*adapter.client.http.hidden}


def test_it_is_called_off_until_it_is_picked(
    world: AmazonWorld, adapter: AmazonIntegration, sku: str
) -> None:
    reference = an_order(sku).reference
    with pytest.raises(NotFound):
        adapter.cancel_fulfillment(reference)
    adapter.request_fulfillment(an_order(sku))
    with pytest.raises(OutcomeUnknown, match="cannot be cancelled"):
        adapter.cancel_fulfillment(reference)
    go_on(world)

    assert adapter.cancel_fulfillment(reference) is True
    assert adapter.cancel_fulfillment(reference) is False
    assert adapter.read_fulfillment(reference).progress is Progress.CANCELLED
    assert adapter.request_fulfillment(an_order(sku)) is False


@pytest.mark.parametrize(
    ("steps", "words"), [(3, "picking it already"), (4, "has left Amazon's warehouse")]
)
def test_too_late_is_said_in_words(
    world: AmazonWorld, adapter: AmazonIntegration, sku: str, steps: int, words: str
) -> None:
    adapter.request_fulfillment(an_order(sku))
    go_on(world, steps)

    with pytest.raises(Rejected, match=words):
        adapter.cancel_fulfillment(an_order(sku).reference)


@pytest.mark.parametrize("fault", ["dropped", "timeout_after_write"])
def test_an_answer_that_is_lost_while_it_is_called_off_is_asked_for_again(
    world: AmazonWorld, make_adapter: MakeAdapter, sku: str, fault: str
) -> None:
    adapter = make_adapter(world, retries=0)
    adapter.request_fulfillment(an_order(sku))
    go_on(world)
    world.trouble(fault, route="cancelFulfillmentOrder", count=1, seconds=0)

    with pytest.raises(PlatformError):
        adapter.cancel_fulfillment(an_order(sku).reference)
    adapter.cancel_fulfillment(an_order(sku).reference)

    assert orders_there(world) == [(an_order(sku).reference, "Cancelled")]


@pytest.mark.parametrize(
    ("fault", "steps", "progress", "lost", "words"),
    [
        ("outbound_invalid", 1, Progress.REFUSED, 3, "address is not valid"),
        ("outbound_unfulfillable", 3, Progress.REFUSED, 3, "no units"),
        ("outbound_partial", 4, Progress.PARTLY_SENT, 1, "could not find the rest"),
    ],
)
def test_what_goes_wrong_there_is_told_in_words(
    world: AmazonWorld,
    adapter: AmazonIntegration,
    sku: str,
    fault: str,
    steps: int,
    progress: Progress,
    lost: int,
    words: str,
) -> None:
    adapter.request_fulfillment(an_order(sku))
    world.trouble(fault)
    go_on(world, steps)

    news = adapter.read_fulfillment(an_order(sku).reference)

    assert news.progress is progress
    assert news.lost == (("a" * 32, lost),)
    assert words in news.reason
    assert sum(count for one in news.parcels for _, count in one.units) == 3 - lost or lost == 3


def test_a_status_nobody_announced_is_not_guessed_at(
    world: AmazonWorld, adapter: AmazonIntegration, sku: str
) -> None:
    adapter.request_fulfillment(an_order(sku))
    world.trouble("unknown_values", route="getFulfillmentOrder")

    with pytest.raises(ContractBroken, match="SANDBOX_NOVELTY"):
        adapter.read_fulfillment(an_order(sku).reference)


def test_packages_are_parcels_and_the_first_bears_the_shipment_s_name() -> None:
    def shown(*packages: int, spelled: str = "SHIPPED") -> list[Any]:
        items = [
            shapes.ShippedItem("a", 2, 7 if packages else None),
            shapes.ShippedItem("b", 1, 9 if len(packages) > 1 else None),
        ]
        shipment = shapes.Shipment(
            "D1",
            spelled,
            "2026-11-20T12:00:00Z",
            items,
            [shapes.Package(number, "UPS", f"T{number}") for number in packages],
        )
        told = shapes.Order(shapes.Head("LGX-1", "COMPLETE_PARTIALLED"), [], [shipment])
        return [
            (one.external_id, dict(one.units), one.tracking_number)
            for one in outbound.to_news(told).parcels
        ]

    assert shown() == [("D1", {"a": 2, "b": 1}, "")]
    assert shown(7) == [("D1", {"a": 2, "b": 1}, "T7")]
    assert shown(9, 7) == [("D1", {"a": 2}, "T7"), ("D1-9", {"b": 1}, "T9")]
    assert shown(7, spelled="PENDING") == []


def test_addresses_are_told_as_amazon_wants_them() -> None:
    told = outbound.from_address(HOME)
    assert told["addressLine1"] == "Geheimweg 1"
    assert "stateOrRegion" not in told
    japan = replace(HOME, country="JP", line1="1-1 Chiyoda", city="Tokyo", company="")
    assert outbound.from_address(japan)["addressLine1"] == "Tokyo 1-1 Chiyoda"
    assert "city" not in outbound.from_address(japan)
    assert outbound.shown_number("№  1001 – ü") == "1001 ü"


def test_without_the_role_it_is_off_and_says_so(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    roles = ("Inventory and Order Tracking", "Product Listing", "Finance and Accounting")
    world = make_world(orders=0, roles=roles)
    adapter = make_adapter(world)

    assert adapter.identify().missing == ("Amazon Fulfillment",)
    with pytest.raises(PermissionMissing):
        adapter.request_fulfillment(an_order(amazons_sku(world)))

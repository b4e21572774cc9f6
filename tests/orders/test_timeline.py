"""What an order's timeline tells of the store: what people read of it, and never our own words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from orders import services
from orders.data import (
    Address,
    Buyer,
    ChargeData,
    ChargeKind,
    OrderData,
    PaymentData,
    PaymentKind,
    RefundLineData,
    ShipmentData,
)
from orders.importing import import_orders
from orders.models import Order, OrderEvent, Shipment
from orders.status import Flag
from tests.factories import NOW, make_line, make_order, make_store
from tests.orders.shop import Authority, bring, by_id, later, parcel, refund, stock

pytestmark = pytest.mark.django_db

ORDER = make_order()


def told() -> list[tuple[str, Any]]:
    """What stands on the timeline beside the import and what we did ourselves."""
    rows = OrderEvent.objects.filter(origin=OrderEvent.Origin.STORE).exclude(kind="imported")
    return list(rows.values_list("title", "data"))


def shipped_here(units: int = 1, **more: Any) -> ShipmentData:
    """Ships from the hub and returns the parcel as the store will tell it."""
    order = Order.objects.get()
    line = order.lines.get()
    made = services.add_shipment(
        order,
        lines={line.pk: units},
        carrier="DHL",
        tracking_number="0034",
        actor="token:warehouse",
    )
    return parcel(
        units,
        reference=made.reference,
        carrier="DHL",
        tracking_number="0034",
        shipped_at=made.shipped_at,
        **more,
    )


@pytest.mark.parametrize(
    "echo",
    [
        {},
        {"external_id": "f1"},
        {"external_id": "f1", "tracking_url": "https://dhl.example/0034"},
    ],
)
def test_our_own_parcel_does_not_come_back_as_news(echo: dict[str, Any]) -> None:
    store = make_store()
    stock(store)
    bring(store, ORDER)
    ours = shipped_here(**echo)

    bring(store, later(ORDER, 1, shipments=(ours,)))
    by_id(store, later(ORDER, 2, shipments=(dataclasses.replace(ours, carrier="dhl"),)))

    assert told() == []
    assert Shipment.objects.count() == 1


def test_what_the_store_changes_in_a_parcel_of_ours_is_news() -> None:
    store = make_store()
    stock(store)
    bring(store, ORDER)
    ours = shipped_here()

    bring(store, later(ORDER, 1, shipments=(dataclasses.replace(ours, tracking_number="0035"),)))

    assert [title for title, _ in told()] == ["Parcel changed at the store: DHL 0035"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shipments": ()},
        {"completed_at": NOW, "raw_fulfillment": "unfulfilled"},
        {"raw": b'{"id": 1001, "meta": {"gift": "yes", "seen": 1}}'},
    ],
)
def test_a_touch_that_changes_nothing_people_read_leaves_no_row(changes: dict[str, Any]) -> None:
    store = make_store()
    stock(store)
    bring(store, ORDER)

    by_id(store, later(ORDER, 1, **changes))

    assert told() == []


def test_lines_of_a_refund_that_are_told_later_are_no_news() -> None:
    store = make_store()
    stock(store)
    bring(store, make_order(refunds=(refund(units=None),)))

    by_id(store, make_order(refunds=(refund(units=1),)))

    assert told() == []


NOTED = dataclasses.replace(ORDER.buyer or Buyer(), note="Ring twice")
MOVED = dataclasses.replace(ORDER.buyer or Buyer(), shipping=Address(city="Bonn", country="DE"))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"buyer": NOTED}, ["the buyer's note"]),
        ({"buyer": MOVED}, ["buyer and addresses"]),
        ({"buyer": None}, ["buyer and addresses"]),
        ({"external_customer_id": "c7"}, ["customer number"]),
        ({"number": "W-1"}, ["order number"]),
        ({"raw_status": "packing"}, ["the store's status word"]),
        ({"tax_total": Decimal("3.81")}, ["taxes"]),
        ({"flags": frozenset({Flag.DISPUTED})}, ["flags"]),
        ({"custom": {"gift": "yes"}}, ["own fields"]),
        ({"lines": (make_line(name="Mug, blue"),)}, ["lines"]),
        (
            {
                "charges": (
                    ChargeData(kind=ChargeKind.SHIPPING, title="Express", amount=Decimal("4.95")),
                )
            },
            ["shipping, fees and discounts"],
        ),
        (
            {
                "payments": (
                    PaymentData(
                        external_id="paid",
                        kind=PaymentKind.CAPTURE,
                        amount=Decimal("28.75"),
                        method="Card",
                    ),
                )
            },
            ["payments"],
        ),
    ],
)
def test_changed_details_are_named_without_their_values(
    changes: dict[str, Any], names: Sequence[str]
) -> None:
    store = make_store()
    stock(store)
    bring(store, ORDER)

    bring(store, later(ORDER, 1, **changes))

    assert told() == [(f"Changed at the store: {', '.join(names)}", {"changed": names})]


def test_another_amount_of_a_refund_is_named() -> None:
    store = make_store()
    stock(store)
    bring(store, make_order(refunds=(refund(units=1),)))
    lines = (RefundLineData(line_external_id="l1", quantity=1),)
    other = dataclasses.replace(refund(units=1), reason="Chipped", lines=lines)

    bring(store, later(make_order(refunds=(other,)), 1))

    assert told() == [("Changed at the store: refunds", {"changed": ["refunds"]})]


def test_fields_that_rules_write_at_the_store_do_not_come_back_as_news() -> None:
    store = make_store()

    def see(record: OrderData) -> None:
        import_orders(
            store,
            [record],
            authority=Authority.LIST_PAGE,
            observed_at=NOW,
            now=NOW,
            own_fields=frozenset({"parcel"}),
        )

    see(ORDER)
    see(later(ORDER, 1, custom={"parcel": "0034"}))
    assert told() == []
    see(later(ORDER, 2, custom={"parcel": "0034", "gift": "yes"}))
    assert [title for title, _ in told()] == ["Changed at the store: own fields"]


def test_the_changed_details_of_an_erased_buyer_are_not_compared() -> None:
    store = make_store()
    stock(store)
    bring(store, ORDER)
    services.erase_buyer(Order.objects.get(), actor="user:anna")

    bring(store, later(ORDER, 1, buyer=MOVED))

    assert told() == []

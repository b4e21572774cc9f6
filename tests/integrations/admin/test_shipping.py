"""A clerk's day at an order: parcels, their tracking, notes, hold and release, cancelling."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations import outbox
from integrations.models import Command, Store
from logix.accounts.models import AuditEvent, Role
from orders import services
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order, OrderLine
from orders.status import Flag
from tests.factories import NOW, make_line, make_merchant, make_order
from tests.integrations.admin.conftest import As
from tests.integrations.admin.test_acts import press
from tests.integrations.admin.test_by_hand import ROLES, address

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(store: Store) -> Order:
    """Three mugs and one can; nothing has left."""
    lines = (make_line(1, quantity=3), make_line(2, quantity=1))
    import_orders(
        store,
        [make_order(50, lines=lines)],
        authority=Authority.LIST_PAGE,
        observed_at=NOW,
        now=NOW,
    )
    return Order.objects.get(number="1050")


def units(order: Order, *wanted: int) -> dict[str, str]:
    """The parcel's form as a browser sends it: ``wanted`` of each line."""
    lines = order.lines.order_by("position")
    told = {f"units-{line.pk.hex}": str(n) for line, n in zip(lines, wanted, strict=True)}
    return {**told, "parcels": str(order.shipments.count())}


def shipped(order: Order) -> list[int]:
    return list(
        OrderLine.objects.filter(order=order)
        .order_by("position")
        .values_list("quantity_shipped", flat=True)
    )


def said(client: Client, url: str, told: dict[str, Any]) -> str:
    return client.post(url, told, follow=True).content.decode()


def test_an_order_leaves_in_two_parcels_and_the_second_gets_its_tracking_later(
    store: Store, signed_in: As, order: Order
) -> None:
    clerk, url = signed_in(Role.OPERATOR), address(order, "parcel")
    assert "3 of 3 left to ship" in clerk.get(url).content.decode()

    first = {**units(order, 2, 0), "carrier": "DHL", "tracking_number": "JJD01"}
    page = said(clerk, url, {**first, "tracking_url": "https://dhl.example/JJD01"})

    assert "Parcel LGX-1050-1 was made; writing to Example shop is off, so it waits." in page
    assert shipped(order) == [2, 0]
    assert "1 of 3 left to ship" in clerk.get(url).content.decode()
    assert "LGX-1050-2 was made" in said(clerk, url, units(order, 1, 1))
    assert shipped(order) == [3, 1]

    second = order.shipments.get(reference="LGX-1050-2")
    tracking = reverse("admin:orders_order_tracking", args=[order.pk, second.pk])
    page = clerk.get(address(order, "change")).content.decode()
    assert tracking in page
    assert "Add tracking" in page
    assert "https://dhl.example/JJD01" in page

    page = said(clerk, tracking, {"carrier": "GLS", "tracking_number": "Z9"})

    assert "Tracking of parcel LGX-1050-2 is kept" in page
    second.refresh_from_db()
    assert (second.carrier, second.tracking_number, second.version) == ("GLS", "Z9", 2)
    done = AuditEvent.objects.filter(object_id=str(order.pk)).order_by("sequence")
    assert [(e.action, e.details["reference"]) for e in done] == [
        ("order.shipped", "LGX-1050-1"),
        ("order.shipped", "LGX-1050-2"),
        ("order.tracking_changed", "LGX-1050-2"),
    ]


def test_a_parcel_form_that_is_sent_twice_ships_once(boss: Client, order: Order) -> None:
    url, told = address(order, "parcel"), units(order, 1, 0)

    boss.post(url, told)
    again = boss.post(url, told).content.decode()

    assert "The order has another parcel than when you opened this page." in again
    assert shipped(order) == [1, 0]


@pytest.mark.parametrize(
    ("wanted", "more", "why"),
    [
        ((4, 0), {}, "SKU-1: 4 asked for, 3 left to ship."),
        ((0, 0), {}, "Put at least one unit of a line into the parcel."),
        ((1, 0), {"tracking_url": "javascript:alert(1)"}, "Enter a valid URL."),
    ],
)
def test_a_parcel_that_cannot_be_says_why_and_keeps_what_was_typed(
    boss: Client, order: Order, wanted: tuple[int, int], more: dict[str, str], why: str
) -> None:
    told = {**units(order, *wanted), "carrier": "Own van", **more}

    page = boss.post(address(order, "parcel"), told).content.decode()

    assert why in page
    assert 'value="Own van"' in page
    assert not order.shipments.exists()


def test_what_waits_for_a_decision_is_not_shipped(boss: Client, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(flags=Flag.CANCEL_REQUESTED)

    page = boss.post(address(order, "parcel"), units(order, 1, 0)).content.decode()

    assert "A cancellation of this order is open. Decide it before shipping." in page


def test_tracking_of_a_parcel_of_another_order_is_not_found(boss: Client, order: Order) -> None:
    other = Order.objects.get(number="1001")
    parcel = services.add_shipment(other, actor="user:boss")
    url = reverse("admin:orders_order_tracking", args=[order.pk, parcel.pk])

    assert boss.get(url).status_code == 404
    assert boss.post(url, {"carrier": "X"}).status_code == 404


def test_tracking_that_says_nothing_new_changes_nothing(boss: Client, order: Order) -> None:
    parcel = services.add_shipment(order, carrier="DHL", actor="user:boss")
    url = reverse("admin:orders_order_tracking", args=[order.pk, parcel.pk])

    assert "LGX-1050-1 is as it was." in said(boss, url, {"carrier": ""})

    assert not AuditEvent.objects.filter(action="order.tracking_changed").exists()


def test_a_note_goes_to_the_store_or_to_the_buyer(boss: Client, order: Order) -> None:
    url = address(order, "note")

    assert "The note is on its way" in said(boss, url, {"text": "Glaze needs a day"})
    page = said(boss, url, {"text": "We ship on Monday", "to_customer": "on"})

    assert "The note to the buyer is on its way" in page
    notes = Command.objects.filter(kind="note", order_ref=order.pk).order_by("created_at")
    assert [c.payload["to_customer"] for c in notes] == [False, True]
    assert "Order note for the buyer" in boss.get(address(order, "change")).content.decode()
    told = AuditEvent.objects.filter(action="order.note_requested").order_by("sequence")
    assert [e.details for e in told] == [{"to_customer": False}, {"to_customer": True}]


def test_an_order_is_held_and_released(boss: Client, order: Order) -> None:
    assert "Holding order #1050 was asked for" in press(boss, "orders_order", order, "hold")
    assert "act/release" not in boss.get(address(order, "change")).content.decode()
    Order.objects.filter(pk=order.pk).update(order_status="on_hold")
    assert "act/hold" not in boss.get(address(order, "change")).content.decode()

    assert "Releasing order #1050 was asked for" in press(boss, "orders_order", order, "release")

    asked = Command.objects.filter(kind="status", order_ref=order.pk).order_by("created_at")
    assert [c.payload["status"] for c in asked] == ["on_hold", "open"]
    page = boss.get(reverse("admin:integrations_command_changelist")).content.decode()
    assert "Order status: on hold" in page, "which status, rather than that it is one"


def test_an_order_is_cancelled_with_a_reason(boss: Client, order: Order) -> None:
    url = address(order, "cancel")
    assert "This field is required." in boss.post(url, {"reason": " "}).content.decode()

    page = said(boss, url, {"reason": "Ordered twice"})

    assert "Cancelling order #1050 was asked for" in page
    command = Command.objects.get(kind="cancel", order_ref=order.pk)
    assert outbox.words.words_of(command) == "Ordered twice"
    services.add_shipment(order, actor="user:boss")
    refused = boss.post(url, {"reason": "Too late"}).content.decode()
    assert "Part of this order has left. Refund it at the store instead." in refused


@pytest.mark.parametrize("role", ROLES)
def test_working_on_an_order_takes_an_operator(
    store: Store, signed_in: As, order: Order, role: Role
) -> None:
    parcel = services.add_shipment(
        order, lines={order.lines.order_by("position")[0].pk: 1}, actor="user:boss"
    )
    client = signed_in(role)
    page = client.get(address(order, "change")).content.decode()
    tracking = reverse("admin:orders_order_tracking", args=[order.pk, parcel.pk])
    allowed = role != Role.VIEWER

    for url in (tracking, *(address(order, name) for name in ("parcel", "note"))):
        assert client.get(url).status_code == (200 if allowed else 403), url
        assert client.post(url, {}).status_code == (200 if allowed else 403) or url == tracking, url
        assert (url in page) == allowed, url
    assert client.get(address(order, "cancel")).status_code == (200 if allowed else 403)


def test_a_stranger_works_on_no_order(store: Store, signed_in: As, order: Order) -> None:
    client = signed_in(Role.OWNER, make_merchant("other"))

    for name in ("parcel", "note", "cancel"):
        assert client.post(address(order, name), {}).status_code == 404, name


def test_erasing_the_buyer_of_an_unshipped_order_warns(boss: Client, order: Order) -> None:
    url = reverse("admin:orders_order_act", args=[order.pk, "erase"])
    warning = "Order #1050 has not been shipped completely."
    assert warning in boss.get(url).content.decode()

    services.add_shipment(order, actor="user:boss")

    page = boss.get(url).content.decode()
    assert warning not in page
    assert "This cannot be taken back." in page

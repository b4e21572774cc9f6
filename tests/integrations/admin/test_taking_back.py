"""A clerk takes a parcel back, and says whether the buyer hears of what is done."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from integrations import registry
from integrations.models import Command, Store
from integrations.platform import Ability
from logix.accounts.models import AuditEvent, Role
from orders import services
from orders.models import Order, Shipment
from orders.status import Flag
from tests.factories import NOW, make_merchant
from tests.integrations.admin.conftest import As
from tests.integrations.admin.test_by_hand import ROLES, address
from tests.integrations.admin.test_shipping import order, said, shipped, units

pytestmark = pytest.mark.django_db

__all__ = ["order"]


@pytest.fixture
def parcel(order: Order) -> Shipment:
    return services.add_shipment(order, tracking_number="T1", actor="user:boss")


def take_back(parcel: Shipment) -> str:
    return reverse("admin:orders_order_take_back", args=[parcel.order_id, parcel.pk])


def test_a_parcel_is_taken_back_after_a_question(
    boss: Client, order: Order, parcel: Shipment
) -> None:
    url = take_back(parcel)
    assert url in boss.get(address(order, "change")).content.decode()
    page = boss.get(url).content.decode()
    assert "did not leave, or came back unopened" in page
    assert shipped(order) == [3, 1]

    page = said(boss, url, {"reason": "Wrong box"})

    assert "Parcel LGX-1050-1 is taken back; writing to Example shop is off" in page
    assert shipped(order) == [0, 0]
    assert "Cancelled" in page
    assert url not in page
    done = AuditEvent.objects.get(action="order.shipment_cancelled")
    assert done.details == {"reference": "LGX-1050-1"}
    assert "Parcel LGX-1050-1 taken back, 4 units: Wrong box" in page

    assert "was taken back already" in said(boss, url, {"reason": ""})
    assert AuditEvent.objects.filter(action="order.shipment_cancelled").count() == 1


def test_a_parcel_of_the_store_is_not_offered_and_refused_in_words(
    boss: Client, order: Order
) -> None:
    theirs = Shipment.objects.create(
        order=order, reference="f1", origin=Shipment.Origin.STORE, shipped_at=NOW
    )

    assert take_back(theirs) not in boss.get(address(order, "change")).content.decode()
    page = boss.post(take_back(theirs), {"reason": ""}).content.decode()
    assert "This parcel was reported by the store. Cancel it there" in page


def test_a_parcel_of_ours_that_the_store_cancelled_asks_for_a_person(
    boss: Client, order: Order, parcel: Shipment
) -> None:
    Shipment.objects.update(store_cancelled_at=NOW)
    Order.objects.update(flags=Flag.CANCEL_REQUESTED)

    page = boss.get(address(order, "change")).content.decode()

    assert "Cancelled at the store. Take it back here if the goods are back." in page


@pytest.mark.parametrize("role", ROLES)
def test_taking_back_takes_an_operator(
    store: Store, signed_in: As, order: Order, parcel: Shipment, role: Role
) -> None:
    client, allowed = signed_in(role), role != Role.VIEWER

    assert client.get(take_back(parcel)).status_code == (200 if allowed else 403)
    answer = client.post(take_back(parcel), {"reason": ""})
    assert answer.status_code == (302 if allowed else 403)

    assert bool(Shipment.objects.get().cancelled_at) == allowed


def test_a_stranger_and_an_unknown_parcel_are_not_found(
    store: Store, signed_in: As, order: Order, parcel: Shipment
) -> None:
    unknown = reverse("admin:orders_order_take_back", args=[order.pk, uuid4()])
    assert signed_in(Role.OPERATOR).get(unknown).status_code == 404

    stranger = signed_in(Role.OWNER, make_merchant("other"))

    assert stranger.post(take_back(parcel), {}).status_code == 404


def test_a_clerk_says_that_the_buyer_hears_nothing_of_a_parcel(boss: Client, order: Order) -> None:
    said(boss, address(order, "parcel"), {**units(order, 1, 0), "quiet": "on"})
    said(boss, address(order, "parcel"), units(order, 1, 0))

    assert list(order.shipments.values_list("notify_customer", flat=True)) == [False, True]
    payloads = Command.objects.filter(kind="shipment").order_by("sequence")
    assert [c.payload["notify_customer"] for c in payloads] == [False, True]


def test_tracking_shows_and_changes_that_choice(boss: Client, order: Order) -> None:
    parcel = services.add_shipment(order, notify_customer=False, actor="user:boss")
    url = reverse("admin:orders_order_tracking", args=[order.pk, parcel.pk])
    switch = re.search(r'<input[^>]*name="quiet"[^>]*>', boss.get(url).content.decode())
    assert switch
    assert " checked" in switch[0].rpartition('"')[2]

    said(boss, url, {"tracking_number": "T1", "quiet": "on"})
    parcel.refresh_from_db()
    assert (parcel.tracking_number, parcel.notify_customer) == ("T1", False)

    page = said(boss, url, {"tracking_number": "T1"})
    parcel.refresh_from_db()
    assert parcel.notify_customer is True
    assert "Tracking of parcel LGX-1050-1 is kept" in page


def test_a_quiet_cancellation_is_offered_where_the_store_has_that_choice(
    boss: Client, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = address(order, "cancel")
    can = registry.card(order.store.platform).can(Ability.QUIET_CANCEL)
    assert ('name="quiet"' in boss.get(url).content.decode()) == can

    monkeypatch.setattr(type(registry.card(order.store.platform)), "can", lambda *_: True)
    assert 'name="quiet"' in boss.get(url).content.decode()
    said(boss, url, {"reason": "Twice", "quiet": "on"})

    assert Command.objects.get(kind="cancel").payload == {"notify_customer": False}

"""Taking a parcel back over the API, and whether the buyer hears of what is done."""

from __future__ import annotations

from uuid import uuid4

import pytest

from integrations.api.order_schema import ShipmentSerializer
from integrations.models import Command, Store
from logix.accounts.models import AuditEvent
from orders import services
from orders.models import Order, Shipment
from tests.factories import NOW
from tests.integrations.api.client import Api


@pytest.fixture
def parcel(order: Order) -> Shipment:
    return services.add_shipment(order, tracking_number="T1", actor="token:wms")


def path(parcel: Shipment) -> str:
    return f"/orders/{parcel.order_id}/shipments/{parcel.pk}/cancel"


def test_a_parcel_is_taken_back_once(api: Api, order: Order, parcel: Shipment) -> None:
    answer = api.post(path(parcel), {"reason": "Wrong label"})

    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert set(told) == set(ShipmentSerializer().fields)
    assert told["cancelled_at"]
    assert told["version"] == 2
    order.refresh_from_db()
    assert order.fulfillment_status == "unfulfilled"
    audited = AuditEvent.objects.get(action="order.shipment_cancelled")
    assert (audited.object_id, audited.details["shipment"]) == (str(order.pk), str(parcel.pk))
    events = api.get(f"/orders/{order.pk}/timeline").json()["results"]
    row = next(event for event in events if event["kind"] == "shipment_cancelled")
    assert row["title"].endswith("Wrong label")
    assert row["actor"].startswith("token:lgx_")
    assert row["request_id"] == answer["X-Request-ID"]

    assert api.post(path(parcel), {}).json() == told
    shown = api.get(f"/orders/{order.pk}").json()["shipments"]
    assert [one["cancelled_at"] for one in shown] == [told["cancelled_at"]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"origin": "store"}, "not_our_shipment"),
        ({"order__gone_at": NOW}, "order_gone"),
        ({"order__fulfillment_status": "delivered"}, "delivered"),
    ],
)
def test_what_cannot_be_taken_back_is_refused_with_the_reason(
    api: Api, order: Order, parcel: Shipment, changes: dict[str, object], code: str
) -> None:
    for name, value in changes.items():
        on_order = name.removeprefix("order__")
        rows = Order.objects if on_order != name else Shipment.objects
        rows.update(**{on_order: value})

    answer = api.post(path(parcel), {})

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert answer.json()["detail"]
    assert Shipment.objects.get().cancelled_at is None


def test_a_parcel_that_is_not_there_or_somebody_elses_is_not_found(
    api: Api, stranger: Api, order: Order, parcel: Shipment
) -> None:
    assert api.post(f"/orders/{order.pk}/shipments/{uuid4()}/cancel", {}).status_code == 404
    assert stranger.post(path(parcel), {}).status_code == 404
    assert Shipment.objects.get().cancelled_at is None


def test_a_quiet_parcel_stays_quiet_until_somebody_says_otherwise(api: Api, order: Order) -> None:
    made = api.post(f"/orders/{order.pk}/shipments", {"notify_customer": False}).json()
    assert made["notify_customer"] is False
    url = f"/orders/{order.pk}/shipments/{made['id']}"

    late = api.patch(url, {"tracking_number": "T1"}).json()
    loud = api.patch(url, {"tracking_number": "T2", "notify_customer": True}).json()

    assert (late["notify_customer"], loud["notify_customer"]) == (False, True)
    told = Command.objects.filter(order_ref=order.pk, kind="shipment").order_by("sequence")
    assert [row.payload["notify_customer"] for row in told] == [False, False, True]


def test_a_parcel_is_told_to_the_customer_unless_said_otherwise(api: Api, order: Order) -> None:
    assert api.post(f"/orders/{order.pk}/shipments", {}).json()["notify_customer"] is True


def test_a_quiet_cancellation_needs_a_store_that_has_that_choice(
    api: Api, order: Order, store: Store
) -> None:
    Store.objects.update(platform="woocommerce")
    url, body = f"/orders/{order.pk}/cancel", {"reason": "Twice", "notify_customer": False}

    refused = api.post(url, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "always_notifies")
    assert (
        "WooCommerce mails of a cancelled order as its own settings say."
        in (refused.json()["detail"])
    )
    assert not Command.objects.exists()

    Store.objects.update(platform="shopify")
    assert api.post(url, body).status_code == 202
    assert Command.objects.get(kind="cancel").payload == {"notify_customer": False}

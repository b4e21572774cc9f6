"""What may be done with an order: each is one call, one audit row, and an errand for the store."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from integrations.models import Command, Store
from inventory.models import Location
from logix.accounts.models import AuditEvent
from orders.models import Order, Shipment
from tests import factories
from tests.integrations.api.client import Api, import_orders

ERRANDS = [
    ("status", {"status": "completed"}, 202, "status", "order.status_requested"),
    ("shipments", {"carrier": "DHL", "tracking_number": "JD1"}, 201, "shipment", "order.shipped"),
    ("cancel", {"reason": "Out of clay"}, 202, "cancel", "order.cancel_requested"),
    ("notes", {"text": "Gift wrap"}, 202, "note", "order.note_requested"),
]


@pytest.mark.parametrize(("verb", "body", "status", "kind", "action"), ERRANDS)
def test_a_write_becomes_an_errand_an_event_and_an_audit_row(
    api: Api, order: Order, verb: str, body: dict[str, Any], status: int, kind: str, action: str
) -> None:
    answer = api.post(f"/orders/{order.pk}/{verb}", body)

    assert answer.status_code == status, answer.content
    assert Command.objects.filter(order_ref=order.pk, kind=kind).exists()
    audited = AuditEvent.objects.get(action=action)
    assert audited.object_id == str(order.pk)
    assert audited.request_id == answer["X-Request-ID"]
    events = api.get(f"/orders/{order.pk}/timeline").json()["results"]
    assert events[-1]["actor"].startswith("token:lgx_")
    shown = api.get(f"/orders/{order.pk}").json()["commands"]
    assert kind in {command["kind"] for command in shown}


@pytest.mark.parametrize(("verb", "body", "status", "kind", "action"), ERRANDS)
def test_a_stranger_writes_nothing(
    stranger: Api,
    order: Order,
    verb: str,
    body: dict[str, Any],
    status: int,
    kind: str,
    action: str,
) -> None:
    answer = stranger.post(f"/orders/{order.pk}/{verb}", body)

    assert answer.status_code == 404
    assert not Command.objects.exists()


def test_a_parcel_of_chosen_lines_names_the_place_it_left(
    api: Api, order: Order, store: Store
) -> None:
    place = Location.objects.create(merchant=store.merchant, code="annex", name="Annex")
    line = order.lines.get()

    answer = api.post(
        f"/orders/{order.pk}/shipments",
        {"lines": [{"line": str(line.pk), "quantity": 1}], "location": "annex", "reference": "P-1"},
    )

    parcel = answer.json()
    assert answer.status_code == 201, answer.content
    assert parcel["lines"] == [{"line_id": str(line.pk), "quantity": 1}]
    assert (parcel["location_id"], parcel["reference"]) == (str(place.pk), "P-1")
    order.refresh_from_db()
    assert order.fulfillment_status == "partially_fulfilled"


def test_lines_may_be_named_by_sku(api: Api, order: Order) -> None:
    answer = api.post(f"/orders/{order.pk}/shipments", {"lines": [{"sku": "SKU-1", "quantity": 2}]})

    assert answer.json()["lines"][0]["quantity"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"lines": [{"sku": "SKU-7", "quantity": 1}]}, 400, "line_not_clear"),
        ({"lines": [{"quantity": 1}]}, 400, "line_or_sku"),
        ({"lines": []}, 400, "empty"),
        ({"lines": [{"sku": "SKU-1", "quantity": 0}]}, 400, "min_value"),
        ({"location": "moon"}, 400, "unknown"),
        ({"tracking_url": "javascript:alert(1)"}, 400, "invalid"),
        ({"lines": [{"sku": "SKU-1", "quantity": 3}]}, 409, "too_many"),
        ({"lines": [{"line": str(uuid4()), "quantity": 1}]}, 409, "unknown_line"),
    ],
)
def test_a_parcel_that_cannot_be_is_refused_with_the_reason(
    api: Api, order: Order, body: dict[str, Any], status: int, code: str
) -> None:
    answer = api.post(f"/orders/{order.pk}/shipments", body)

    told = answer.json()
    assert answer.status_code == status, told
    assert code in {told["code"], *(error["code"] for error in told["errors"])}
    assert not Shipment.objects.exists()
    assert not AuditEvent.objects.filter(action="order.shipped").exists()


def test_a_line_twice_in_an_order_must_be_named_by_id(api: Api, store: Store) -> None:
    lines = (factories.make_line(1), factories.make_line(1, external_id="l2"))
    order = import_orders(store, [factories.make_order(1, lines=lines)])[0]

    answer = api.post(f"/orders/{order.pk}/shipments", {"lines": [{"sku": "SKU-1", "quantity": 1}]})

    assert answer.json()["errors"][0]["pointer"] == "/lines/0/sku"


def test_the_same_reference_again_is_the_same_parcel(api: Api, order: Order) -> None:
    body = {"reference": "P-1", "lines": [{"sku": "SKU-1", "quantity": 1}]}

    first = api.post(f"/orders/{order.pk}/shipments", body).json()
    again = api.post(f"/orders/{order.pk}/shipments", body).json()

    assert first["id"] == again["id"]


def test_tracking_may_come_later(api: Api, order: Order) -> None:
    parcel = api.post(f"/orders/{order.pk}/shipments", {}).json()
    path = f"/orders/{order.pk}/shipments/{parcel['id']}"

    answer = api.patch(path, {"carrier": "UPS", "tracking_number": "1Z9"})

    assert answer.status_code == 200, answer.content
    assert (answer.json()["tracking_number"], answer.json()["version"]) == ("1Z9", 2)
    assert Command.objects.filter(kind="shipment").count() == 2


def test_tracking_of_another_orders_parcel_is_not_found(
    api: Api, stranger: Api, order: Order, store: Store
) -> None:
    parcel = api.post(f"/orders/{order.pk}/shipments", {}).json()
    other = import_orders(store, [factories.make_order(2)])[0]

    assert api.patch(f"/orders/{other.pk}/shipments/{parcel['id']}", {}).status_code == 404
    path = f"/orders/{order.pk}/shipments/{parcel['id']}"
    assert stranger.patch(path, {"carrier": "X"}).status_code == 404


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("status", {"status": "open"}, "order_cancelled"),
        ("cancel", {}, "already_cancelled"),
        ("shipments", {}, "order_cancelled"),
    ],
)
def test_what_the_state_forbids_is_a_conflict(
    api: Api, store: Store, verb: str, body: dict[str, Any], code: str
) -> None:
    order = import_orders(store, [factories.make_order(1, word="cancelled")])[0]

    answer = api.post(f"/orders/{order.pk}/{verb}", body)

    assert answer.status_code == 409
    assert answer.json()["code"] == code


def test_a_status_that_is_none_or_has_a_call_of_its_own_is_refused(api: Api, order: Order) -> None:
    for word in ("shipped", "cancelled", "draft"):
        assert api.post(f"/orders/{order.pk}/status", {"status": word}).status_code == 400


def test_a_note_to_the_customer_says_so(api: Api, order: Order) -> None:
    api.post(f"/orders/{order.pk}/notes", {"text": "On its way", "to_customer": True})

    assert Command.objects.get().payload["to_customer"] is True
    assert api.post(f"/orders/{order.pk}/notes", {"text": "  "}).status_code == 400


def test_a_reviewed_order_loses_the_flags_that_waited_for_it(api: Api, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(flags="edited_after_import,oversold")

    answer = api.post(f"/orders/{order.pk}/review")

    assert (answer.status_code, answer.json()["flags"]) == (200, ["oversold"])
    assert AuditEvent.objects.get(action="order.reviewed").object_id == str(order.pk)
    again = api.post(f"/orders/{order.pk}/review")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_review")


def test_an_erased_buyer_is_gone_from_every_answer(api: Api, order: Order) -> None:
    path = f"/orders/{order.pk}"
    first = api.post(f"{path}/cancel", {}, Idempotency_Key="k1")
    assert "Zoë" in first.content.decode()

    answer = api.post(f"{path}/erase-buyer", None, Idempotency_Key="k2")

    assert (answer.status_code, answer.json()["buyer"]) == (200, None)
    assert answer.json()["erased_at"] is not None
    replayed = api.post(f"{path}/erase-buyer", None, Idempotency_Key="k2")
    assert replayed["Idempotent-Replayed"] == "true"
    for shown in (api.get(path), api.post(f"{path}/cancel", {}, Idempotency_Key="k1"), replayed):
        assert "Zoë" not in shown.content.decode()
    assert api.get("/orders", {"email": "zoe@buyers.example"}).json()["results"] == []
    assert AuditEvent.objects.filter(action="order.buyer_erased").count() == 1


def test_an_answer_kept_about_a_parcel_outlives_the_buyer(api: Api, order: Order) -> None:
    """Asked again it would ship again."""
    path, parcel = f"/orders/{order.pk}/shipments", {"lines": [{"sku": "SKU-1", "quantity": 1}]}
    first = api.post(path, parcel, Idempotency_Key="k")

    api.post(f"/orders/{order.pk}/erase-buyer")

    assert api.post(path, parcel, Idempotency_Key="k").json() == first.json()
    assert Shipment.objects.count() == 1


@pytest.mark.parametrize("verb", ["review", "erase-buyer"])
def test_a_stranger_neither_reviews_nor_erases(stranger: Api, order: Order, verb: str) -> None:
    Order.objects.update(flags="edited_after_import")

    assert stranger.post(f"/orders/{order.pk}/{verb}").status_code == 404

    order.refresh_from_db()
    assert (order.flags, order.erased_at) == ("edited_after_import", None)


def test_picking_is_said_to_have_begun_and_not_to_have(api: Api, order: Order) -> None:
    begun = [api.post(f"/orders/{order.pk}/picking/begin") for _ in range(2)]

    since = begun[0].json()["picking_since"]
    assert [x.status_code for x in begun] == [200, 200]
    assert since
    assert begun[1].json()["picking_since"] == since
    events = api.get(f"/orders/{order.pk}/timeline").json()["results"]
    assert [e["kind"] for e in events][-1] == "picking"
    assert events[-1]["actor"].startswith("token:lgx_")

    undone = api.post(f"/orders/{order.pk}/picking/undo")

    assert (undone.status_code, undone.json()["picking_since"]) == (200, None)
    assert not Command.objects.exists()
    actions = AuditEvent.objects.filter(object_id=str(order.pk)).values_list("action", flat=True)
    assert set(actions) >= {"order.picking_begun", "order.picking_undone"}


def test_an_order_that_has_left_is_not_picked(api: Api, order: Order) -> None:
    api.post(f"/orders/{order.pk}/shipments", {})

    answer = api.post(f"/orders/{order.pk}/picking/begin")

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_pick")

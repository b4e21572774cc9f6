"""Parcels told to stores at each level, once; tracking that comes late; answers that get lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.errors import OutcomeUnknown, Rejected, Unavailable
from integrations.woocommerce.service import WooCommerceIntegration
from orders.data import ShipmentData, ShipmentLineData
from orders.status import OrderStatus
from tests.integrations.woocommerce.desk import FULFILLMENTS, NOTES, ORDER, PLUGIN, Desk
from tests.integrations.woocommerce.make import parcel
from tests.integrations.woocommerce.site import (
    NO_ROUTE,
    Site,
    adapter_for,
    refused,
)


def at_level(site: Site, level: str) -> WooCommerceIntegration:
    return adapter_for(site, options={"shipment_level": level})


def tell(adapter: WooCommerceIntegration, shipment: ShipmentData) -> bool:
    return adapter.update_order_status("7", OrderStatus.OPEN, shipment=shipment)


LEVELS = ["notes", "shipment_tracking", "ast", "fulfillments"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_parcel_is_told_once_and_repeated_never(site: Site, desk: Desk, level: str) -> None:
    adapter = at_level(site, level)

    assert tell(adapter, parcel()) is True
    written = len(site.calls) - len(site.sent("GET"))
    assert tell(adapter, parcel()) is False
    assert tell(at_level(site, level), parcel()) is False

    assert len(site.calls) - len(site.sent("GET")) == written
    assert desk.status == "processing"
    assert any(m["key"] == "_theirs" for m in desk.meta)


@pytest.mark.parametrize("level", LEVELS)
def test_what_was_told_is_read_back_as_the_same_parcel(site: Site, desk: Desk, level: str) -> None:
    adapter = at_level(site, level)
    tell(adapter, parcel("SE1", reference="P-1"))
    tell(adapter, parcel("SE2", reference="P-2"))

    found = adapter.read_order("7").shipments

    assert found is not None
    assert [(p.reference, p.tracking_number, p.lines) for p in found] == [
        (ref, number, parcel().lines) for ref, number in (("P-1", "SE1"), ("P-2", "SE2"))
    ]


@pytest.mark.parametrize("level", LEVELS)
def test_tracking_that_comes_late_changes_the_parcel_that_is_there(
    site: Site, desk: Desk, level: str
) -> None:
    adapter = at_level(site, level)

    assert tell(adapter, parcel("")) is True
    assert tell(adapter, parcel("SE9")) is True
    assert tell(adapter, parcel("SE9")) is False
    assert tell(adapter, parcel("SE10")) is True

    found = adapter.read_order("7").shipments
    assert found is not None
    assert [p.tracking_number for p in found] == ["SE10"]
    assert [t["tracking_number"] for t in desk.trackings] == (["SE10"] if level in PLUGIN else [])


def test_two_parcels_under_one_number_are_two_parcels(site: Site, desk: Desk) -> None:
    adapter = at_level(site, "notes")

    tell(adapter, parcel("SE1", reference="P-1"))
    tell(adapter, parcel("SE1", reference="P-2"))

    assert [p.reference for p in adapter.read_order("7").shipments or ()] == ["P-1", "P-2"]
    assert len(desk.notes) == 1


@pytest.mark.parametrize(
    ("level", "lost"),
    [
        ("notes", ("POST", NOTES)),
        ("notes", ("PUT", ORDER)),
        ("shipment_tracking", ("POST", PLUGIN["shipment_tracking"])),
        ("shipment_tracking", ("PUT", ORDER)),
        ("ast", ("POST", PLUGIN["ast"])),
        ("fulfillments", ("POST", FULFILLMENTS)),
    ],
)
def test_a_lost_answer_makes_no_second_parcel_and_no_second_note(
    site: Site, desk: Desk, level: str, lost: tuple[str, str]
) -> None:
    desk.loses.add(lost)
    adapter = adapter_for(site, options={"shipment_level": level}, retries=0)
    with pytest.raises(OutcomeUnknown):
        tell(adapter, parcel())

    tell(adapter, parcel())

    assert tell(adapter, parcel()) is False
    assert len(desk.notes) == (level == "notes")
    assert len(desk.trackings) == (level in PLUGIN)
    assert len(desk.fulfillments) == (level == "fulfillments")


def test_the_customer_reads_where_the_parcel_is(site: Site, desk: Desk) -> None:
    tell(at_level(site, "notes"), parcel("SE1"))
    tell(at_level(site, "notes"), parcel("", reference="P-2", carrier=""))
    tell(at_level(site, "notes"), parcel("N1", reference="P-3", carrier="", tracking_url=""))

    assert [(n["note"], n["customer_note"]) for n in desk.notes] == [
        (
            "Your order is on its way with PostNord. Tracking number: SE1. https://spar.example/SE1",
            True,
        ),
        ("Your order is on its way.", True),
        ("Your order is on its way. Tracking number: N1.", True),
    ]


def test_a_note_for_the_staff_does_not_tell_the_customer(site: Site, desk: Desk) -> None:
    text = "Your order is on its way with PostNord. Tracking number: SE1. https://spar.example/SE1"
    desk.notes.append({"note": text, "customer_note": False})

    tell(at_level(site, "notes"), parcel())

    assert [n["customer_note"] for n in desk.notes] == [False, True]


def test_the_plugins_get_what_they_ask_for(site: Site, desk: Desk) -> None:
    tell(at_level(site, "ast"), parcel(shipped_at=datetime(2026, 11, 20, 22, 30, tzinfo=UTC)))
    tell(at_level(site, "shipment_tracking"), parcel("SE2", reference="P-2"))

    (ast,) = site.asked(PLUGIN["ast"], "POST")
    (official,) = site.asked(PLUGIN["shipment_tracking"], "POST")
    assert ast.body == {
        "tracking_number": "SE1",
        "date_shipped": "2026-11-20",
        "tracking_provider": "PostNord",
        "status_shipped": 0,
    }
    assert official.body["custom_tracking_provider"] == "PostNord"
    assert official.body["custom_tracking_link"] == "https://spar.example/SE2"
    assert len(official.body["date_shipped"]) == 10


def test_a_fulfilment_names_items_tracking_and_whose_it_is(site: Site, desk: Desk) -> None:
    tell(at_level(site, "fulfillments"), parcel())

    (call,) = site.sent("POST")
    assert call.query["notify_customer"] == "true"
    assert (call.body["status"], call.body["is_fulfilled"]) == ("fulfilled", True)
    assert {row["key"]: row["value"] for row in call.body["meta_data"]} == {
        "_items": [{"item_id": 70, "qty": 1}],
        "_tracking_number": "SE1",
        "_shipment_provider": "PostNord",
        "_tracking_url": "https://spar.example/SE1",
        "_logix_reference": "P-1",
    }


def test_a_fulfilment_somebody_else_entered_is_completed_and_keeps_its_own(
    site: Site, desk: Desk
) -> None:
    desk.fulfillments.append(
        {
            "id": 1,
            "meta_data": [
                {"id": 4, "key": "_tracking_number", "value": "SE1"},
                {"id": 5, "key": "_items", "value": [{"item_id": 70, "qty": 2}]},
                {"id": 6, "key": "_warehouse", "value": "North"},
                {"id": 7},
                "odd",
            ],
        }
    )

    assert tell(at_level(site, "fulfillments"), parcel(lines=())) is True

    (call,) = site.sent("PUT")
    assert call.query["notify_customer"] == "true"
    sent = {row["key"]: row["value"] for row in call.body["meta_data"]}
    assert sent["_items"] == [{"item_id": 70, "qty": 2}]
    assert (sent["_warehouse"], sent["_shipment_provider"]) == ("North", "PostNord")
    assert not site.sent("POST")


def test_a_deleted_fulfilment_and_another_parcel_are_not_this_one(site: Site, desk: Desk) -> None:
    gone = {"id": 8, "date_deleted": "2026-11-20 10:00:00", "meta_data": _ref("P-1")}
    desk.fulfillments += [gone, {"id": 9, "meta_data": _ref("P-9")}, {"id": 10, "meta_data": None}]

    assert tell(at_level(site, "fulfillments"), parcel("")) is True

    assert len(site.sent("POST")) == 1


def _ref(reference: str) -> list[dict[str, Any]]:
    return [{"id": 1, "key": "_logix_reference", "value": reference}]


def test_a_line_that_is_not_woocommerces_is_refused_before_anything_is_sent(
    site: Site, desk: Desk
) -> None:
    strange = parcel(lines=(ShipmentLineData(line_external_id="gid://1", quantity=1),))

    with pytest.raises(Rejected):
        tell(at_level(site, "fulfillments"), strange)
    assert not site.sent("POST")


@pytest.mark.parametrize("level", ["fulfillments", "ast"])
def test_where_the_feature_was_switched_off_the_customer_gets_a_note(
    site: Site, desk: Desk, level: str
) -> None:
    for route in (FULFILLMENTS, PLUGIN["ast"]):
        site.on("GET", route, NO_ROUTE)
    adapter = at_level(site, level)

    assert tell(adapter, parcel()) is True

    assert len(desk.notes) == 1
    assert tell(adapter, parcel()) is False
    found = adapter.read_order("7").shipments
    assert [p.reference for p in found or ()] == ["P-1"]


def test_a_store_that_is_only_down_gets_no_note_in_its_place(site: Site, desk: Desk) -> None:
    site.on("GET", PLUGIN["ast"], refused(503, "busy"))
    site.on("GET", FULFILLMENTS, refused(503, "busy"))

    for level in ("ast", "fulfillments"):
        with pytest.raises(Unavailable):
            tell(at_level(site, level), parcel())
    with pytest.raises(Unavailable):
        at_level(site, "fulfillments").read_order("7")
    assert desk.notes == []


@pytest.mark.parametrize("level", LEVELS)
def test_an_order_in_the_trash_is_told_nothing(site: Site, desk: Desk, level: str) -> None:
    desk.status = "trash"

    with pytest.raises(Rejected) as caught:
        tell(at_level(site, level), parcel())

    assert caught.value.code == "in_trash"
    assert {call.method for call in site.calls} == {"GET"}


def test_a_tracking_id_that_is_none_deletes_nothing(site: Site, desk: Desk) -> None:
    adapter = at_level(site, "ast")
    tell(adapter, parcel("SE1"))
    desk.trackings[0]["tracking_id"] = "../../1"

    assert tell(adapter, parcel("SE2")) is True
    assert not site.sent("DELETE")


def test_the_meta_data_of_an_order_is_not_sent_back(site: Site, desk: Desk) -> None:
    tell(at_level(site, "notes"), parcel())

    (call,) = site.sent("PUT")
    assert [row["key"] for row in call.body["meta_data"]] == ["_logix_shipments"]
    assert "_theirs" not in json.dumps(call.body)

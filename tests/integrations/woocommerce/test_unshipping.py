"""Parcels taken back at each place a store may keep them; and whether the customer hears of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.errors import OutcomeUnknown, Rejected
from orders.data import ShipmentData
from tests.integrations.woocommerce.desk import FULFILLMENTS, NOTES, ORDER, PLUGIN, Desk
from tests.integrations.woocommerce.make import parcel
from tests.integrations.woocommerce.site import NO_ROUTE, Site, adapter_for
from tests.integrations.woocommerce.test_shipping import LEVELS, at_level, tell

OFF = "The parcel with tracking number SE1 is not on its way: it was taken back."


def take_back(site: Site, level: str, shipment: ShipmentData, **session: Any) -> bool:
    adapter = adapter_for(site, options={"shipment_level": level}, **session)
    return adapter.cancel_shipment("7", replace(shipment, cancelled=True))


def parcels_there(site: Site, level: str) -> list[str]:
    found = at_level(site, level).read_order("7").shipments
    return [one.reference for one in found or ()]


@pytest.mark.parametrize("level", LEVELS)
def test_a_parcel_is_taken_back_once_and_the_other_stays(
    site: Site, desk: Desk, level: str
) -> None:
    first, second = parcel("SE1", reference="P-1"), parcel("SE2", reference="P-2")
    adapter = at_level(site, level)
    tell(adapter, first)
    tell(adapter, second)

    assert take_back(site, level, first) is True
    assert parcels_there(site, level) == ["P-2"]
    assert [t["tracking_number"] for t in desk.trackings] == (["SE2"] if level in PLUGIN else [])

    written = len(site.calls) - len(site.sent("GET"))
    assert take_back(site, level, first) is False
    assert take_back(site, level, replace(first, lines=())) is False
    assert len(site.calls) - len(site.sent("GET")) == written
    assert any(m["key"] == "_theirs" for m in desk.meta)
    assert desk.status == "processing"


def test_a_customer_who_read_that_it_is_on_its_way_reads_that_it_is_not(
    site: Site, desk: Desk
) -> None:
    tell(at_level(site, "notes"), parcel("SE1"))

    take_back(site, "notes", parcel("SE1"))

    assert [(n["note"], n["customer_note"]) for n in desk.notes[1:]] == [(OFF, True)]


@pytest.mark.parametrize("level", ["shipment_tracking", "ast", "fulfillments"])
def test_who_read_no_note_is_written_none(site: Site, desk: Desk, level: str) -> None:
    tell(at_level(site, level), parcel("SE1"))

    take_back(site, level, parcel("SE1"))

    assert desk.notes == []


def test_a_quiet_parcel_leaves_notes_for_the_staff_alone(site: Site, desk: Desk) -> None:
    quiet = replace(parcel("SE1"), notify_customer=False)
    tell(at_level(site, "notes"), quiet)

    take_back(site, "notes", quiet)

    assert [n["customer_note"] for n in desk.notes] == [False, False]


def test_tracking_of_a_quiet_parcel_that_is_told_aloud_reaches_the_customer(
    site: Site, desk: Desk
) -> None:
    tell(at_level(site, "notes"), replace(parcel(""), notify_customer=False))
    tell(at_level(site, "notes"), parcel("SE1"))

    assert [n["customer_note"] for n in desk.notes] == [False, True]


def test_fulfilments_are_told_whether_to_mail(site: Site, desk: Desk) -> None:
    quiet = replace(parcel(""), notify_customer=False)
    adapter = at_level(site, "fulfillments")
    tell(adapter, quiet)
    tell(adapter, replace(parcel("SE1"), notify_customer=False))
    take_back(site, "fulfillments", quiet)
    tell(adapter, parcel("SE2"))

    asked = [
        (call.method, call.query["notify_customer"])
        for call in site.calls
        if call.route.startswith(FULFILLMENTS) and call.method != "GET"
    ]
    assert asked == [("POST", "false"), ("PUT", "false"), ("DELETE", "false"), ("POST", "true")]


@pytest.mark.parametrize(
    ("level", "lost"),
    [
        ("notes", ("POST", NOTES)),
        ("notes", ("PUT", ORDER)),
        ("shipment_tracking", ("DELETE", f"{PLUGIN['shipment_tracking']}/t1")),
        ("shipment_tracking", ("PUT", ORDER)),
        ("fulfillments", ("DELETE", f"{FULFILLMENTS}/1")),
    ],
)
def test_a_lost_answer_makes_no_second_note_and_leaves_nothing(
    site: Site, desk: Desk, level: str, lost: tuple[str, str]
) -> None:
    tell(at_level(site, level), parcel("SE1"))
    desk.loses.add(lost)
    with pytest.raises(OutcomeUnknown):
        take_back(site, level, parcel("SE1"), retries=0)

    take_back(site, level, parcel("SE1"))

    assert take_back(site, level, parcel("SE1")) is False
    assert parcels_there(site, level) == []
    assert [n["note"] for n in desk.notes[1:]] == ([OFF] if level == "notes" else [])


def test_a_note_whose_answer_was_lost_is_taken_back_by_what_it_says(site: Site, desk: Desk) -> None:
    desk.loses.add(("POST", NOTES))
    with pytest.raises(OutcomeUnknown):
        tell(adapter_for(site, options={"shipment_level": "notes"}, retries=0), parcel("SE1"))

    assert take_back(site, "notes", parcel("SE1")) is True
    assert take_back(site, "notes", parcel("SE1")) is False
    assert [n["note"] for n in desk.notes[1:]] == [OFF]


def test_a_number_that_two_parcels_share_stays_with_the_other(site: Site, desk: Desk) -> None:
    adapter = at_level(site, "ast")
    tell(adapter, parcel("SE1", reference="P-1"))
    tell(adapter, parcel("SE1", reference="P-2"))

    take_back(site, "ast", parcel("SE1", reference="P-1"))

    assert [t["tracking_number"] for t in desk.trackings] == ["SE1"]
    assert parcels_there(site, "ast") == ["P-2"]


@pytest.mark.parametrize("level", ["ast", "fulfillments"])
def test_a_feature_that_was_switched_off_since_holds_nothing_up(
    site: Site, desk: Desk, level: str
) -> None:
    tell(at_level(site, "notes"), parcel("SE1"))
    for route in (FULFILLMENTS, *PLUGIN.values()):
        site.on("GET", route, NO_ROUTE)

    assert take_back(site, level, parcel("SE1")) is True
    assert desk.notes[-1]["note"] == OFF


def test_an_order_in_the_trash_is_left_there(site: Site, desk: Desk) -> None:
    desk.status = "trash"

    with pytest.raises(Rejected, match="trash"):
        take_back(site, "notes", parcel("SE1"))

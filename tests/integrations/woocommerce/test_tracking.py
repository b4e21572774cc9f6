"""Parcels as WooCommerce and its plugins write them down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.woocommerce import tracking
from integrations.woocommerce.shapes import Meta
from orders.data import ShipmentData, ShipmentLineData
from tests.integrations.woocommerce.make import parcel


def own(*rows: Any) -> Meta:
    return Meta(key="_logix_shipments", value=list(rows))


def plugin(*rows: Any) -> Meta:
    return Meta(key="_wc_shipment_tracking_items", value=list(rows))


def test_where_nothing_is_written_an_order_cannot_tell() -> None:
    assert tracking.to_shipments([Meta(key="other", value="x")]) is None
    assert tracking.to_shipments([], []) == ()
    assert tracking.to_shipments([plugin("odd", 3), own("odd")]) is None
    assert tracking.to_shipments([Meta(key="_logix_shipments", value={"a": 1})]) is None


def test_our_own_note_reads_back_as_the_parcel() -> None:
    told = parcel(shipped_at=datetime(2026, 11, 20, 9, tzinfo=UTC))

    assert tracking.to_shipments([own(tracking.from_shipment(told))]) == (told,)


def test_the_last_note_counts_as_in_woocommerce_itself() -> None:
    first, last = (own(tracking.from_shipment(parcel(n))) for n in ("SE1", "SE2"))

    found = tracking.to_shipments([first, last])

    assert [p.tracking_number for p in found or ()] == ["SE2"]


def test_a_parcel_known_from_several_places_is_one() -> None:
    fulfilled = parcel("SE1", reference="P-1")
    notes = own(
        tracking.from_shipment(parcel("", reference="P-1")),
        tracking.from_shipment(parcel("SE1", reference="P-0")),
        tracking.from_shipment(parcel("SE2", reference="P-2")),
    )
    others = plugin({"tracking_number": "SE2"}, {"tracking_number": "SE3", "tracking_id": "t3"})

    found = tracking.to_shipments([notes, others], [fulfilled])

    assert [(p.reference, p.tracking_number) for p in found or ()] == [
        ("P-1", "SE1"),
        ("P-2", "SE2"),
        ("", "SE3"),
    ]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("1763628000", datetime(2026, 11, 20, 8, 40, tzinfo=UTC).replace(year=2025)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:00:00+02:00", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("soon", None),
        ("9" * 30, None),
        ("²", None),
        (None, None),
        ("", None),
    ],
)
def test_a_day_of_shipping_is_read_if_it_can_be(written: Any, moment: datetime | None) -> None:
    (found,) = tracking.to_shipments([plugin({"date_shipped": written})]) or ()

    assert found.shipped_at == moment


def test_only_whole_units_of_named_lines_are_counted() -> None:
    items = [
        {"item_id": 70, "qty": "2"},
        {"item_id": 71, "qty": 1.5},
        {"item_id": 72, "qty": 0},
        {"item_id": 0, "qty": 1},
        {"qty": 1},
        "odd",
        {"item_id": 73, "qty": "1e9999999"},
    ]
    meta = [{"key": "_items", "value": items}, {"key": "_shipping_provider", "value": "UPS"}]

    found = tracking.to_fulfillment({"id": 12, "meta_data": meta})

    assert found == ShipmentData(
        external_id="12",
        carrier="UPS",
        lines=(ShipmentLineData(line_external_id="70", quantity=2),),
    )


def test_a_fulfilment_whose_meta_data_is_none_is_a_bare_parcel() -> None:
    for nothing in (None, "", {}, 0):
        assert tracking.to_fulfillment({"id": 1, "meta_data": nothing}).external_id == "1"
    assert tracking.to_fulfillment({"meta_data": [{"key": "_items", "value": "x"}]}).lines == ()

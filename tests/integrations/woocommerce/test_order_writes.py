"""Statuses, cancellations, notes and fields: written once, and never to an order in the trash."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import Rejected
from orders.status import OrderStatus
from tests.integrations.woocommerce.desk import Desk
from tests.integrations.woocommerce.site import (
    Site,
    adapter_for,
)


def test_a_status_is_set_once(site: Site, desk: Desk) -> None:
    adapter = adapter_for(site)

    assert adapter.update_order_status("7", OrderStatus.COMPLETED) is True
    assert adapter.update_order_status("7", OrderStatus.COMPLETED) is False

    assert [call.body for call in site.sent("PUT")] == [{"status": "completed"}]


def test_a_status_woocommerce_has_no_word_for_is_refused(site: Site, desk: Desk) -> None:
    with pytest.raises(Rejected) as caught:
        adapter_for(site).update_order_status("7", OrderStatus.DRAFT)

    assert caught.value.code == "no_such_status"
    assert site.calls == []


def test_a_cancellation_is_told_once_with_its_reason(site: Site, desk: Desk) -> None:
    adapter = adapter_for(site)

    assert adapter.cancel_order("7", "Out of clay") is True
    assert adapter.cancel_order("7", "Out of clay") is False

    assert desk.status == "cancelled"
    assert [n["note"] for n in desk.notes] == ["Cancelled: Out of clay"]
    assert desk.notes[0]["customer_note"] is False


def test_a_cancellation_without_a_reason_leaves_no_note(site: Site, desk: Desk) -> None:
    assert adapter_for(site).cancel_order("7") is True
    assert desk.notes == []


def test_a_write_does_not_take_an_order_out_of_the_trash(site: Site, desk: Desk) -> None:
    desk.status = "trash"

    with pytest.raises(Rejected, match="trash"):
        adapter_for(site).cancel_order("7")
    assert not site.sent("PUT")


@pytest.mark.parametrize("note", ["Ring twice", 'Path C:\\new "x" & y', "Größe <b>L</b> &rarr; M"])
def test_a_note_is_left_once_however_wordpress_keeps_it(site: Site, desk: Desk, note: str) -> None:
    adapter = adapter_for(site)

    assert adapter.add_note("7", note, reference="n1") is True
    assert adapter.add_note("7", note, reference="n1") is False

    assert len(desk.notes) == 1


def test_a_note_for_the_customer_is_not_the_one_for_the_staff(site: Site, desk: Desk) -> None:
    adapter = adapter_for(site)
    adapter.add_note("7", "Soon", reference="n1")

    assert adapter.add_note("7", "Soon", reference="n2", to_customer=True) is True
    assert adapter.add_note("7", "Soon", reference="n3") is False
    assert [n["customer_note"] for n in desk.notes] == [False, True]


def test_only_fields_that_differ_are_sent(site: Site, desk: Desk) -> None:
    adapter = adapter_for(site)
    desk.meta.append({"id": 5, "key": "erp_number", "value": "A-7"})

    assert adapter.write_order_fields("7", {"erp_number": "A-7", "erp_units": 3}) is True
    assert adapter.write_order_fields("7", {"erp_number": "A-7", "erp_units": 3}) is False

    (call,) = site.sent("PUT")
    assert call.body == {"meta_data": [{"key": "erp_units", "value": "3"}]}
    assert [row["key"] for row in desk.meta] == ["_theirs", "erp_number", "erp_units"]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("3", 3),
        ("1.5", 1.5),
        ("1", True),
        ("0", False),
        (3, "3"),
        (["a", {"b": 1}], ["a", {"b": 1}]),
        ([], {}),
        (None, ""),
    ],
)
def test_what_wordpress_made_of_a_value_is_that_value(
    site: Site, desk: Desk, there: Any, wanted: Any
) -> None:
    desk.meta.append({"id": 5, "key": "erp", "value": there})

    assert adapter_for(site).write_order_fields("7", {"erp": wanted}) is False
    assert not site.sent("PUT")


def test_of_several_rows_of_a_key_the_last_counts(site: Site, desk: Desk) -> None:
    desk.meta += [{"id": n, "key": "erp", "value": str(n)} for n in (5, 6)]

    assert adapter_for(site).write_order_fields("7", {"erp": "6"}) is False
    assert adapter_for(site).write_order_fields("7", {"erp": "5"}) is True


@pytest.mark.parametrize(
    ("there", "changed"), [("by hand", False), ("0", False), ("", True), ([], True), (None, True)]
)
def test_a_field_to_fill_is_set_where_the_store_has_nothing(
    site: Site, desk: Desk, there: Any, changed: bool
) -> None:
    desk.meta.append({"id": 5, "key": "erp", "value": there})

    done = adapter_for(site).write_order_fields("7", {"erp": "A-7"}, fill={"erp"})

    assert done is changed


@pytest.mark.parametrize("key", ["_logix_shipments", "_billing_email", "_order_total", "_LOGIX_x"])
def test_a_field_of_somebody_elses_is_refused_before_anything_is_asked(
    site: Site, desk: Desk, key: str
) -> None:
    with pytest.raises(Rejected, match="not a field of the order's own"):
        adapter_for(site).write_order_fields("7", {"erp": "A-7", key: "x"})
    assert site.calls == []


def test_fields_do_not_take_an_order_out_of_the_trash(site: Site, desk: Desk) -> None:
    desk.status = "trash"

    with pytest.raises(Rejected, match="trash"):
        adapter_for(site).write_order_fields("7", {"erp": "A-7"})
    assert not site.sent("PUT")

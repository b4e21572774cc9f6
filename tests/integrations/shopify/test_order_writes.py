"""Status, cancellation, note and fields of an order: each looks first."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import NotFound, OutcomeUnknown, Rejected
from integrations.shopify import desk as desk_of_shopify
from orders.status import OrderStatus
from tests.integrations.shopify.desk import ORDER, Desk
from tests.integrations.shopify.shop import Call, Shop, adapter_for, data, refused


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


def set_status(shop: Shop, status: OrderStatus, order_id: str = "5001") -> bool:
    return adapter_for(shop).update_order_status(order_id, status)


# -- Status ------------------------------------------------------------------------------------


@pytest.mark.parametrize("closes_itself", [True, False])
def test_a_completed_order_is_sent_and_closed_once(
    shop: Shop, desk: Desk, closes_itself: bool
) -> None:
    desk.lies(1, {101: 2})
    desk.closes_itself = closes_itself

    assert set_status(shop, OrderStatus.COMPLETED) is True
    assert desk.parcels() == [(900, {101: 2})]
    assert desk.closed_at
    assert shop.asked("Ship")[0].variables["fulfillment"]["notifyCustomer"] is False

    writes = desk.writes
    assert set_status(shop, OrderStatus.COMPLETED) is False
    assert desk.writes == writes


def test_an_order_of_which_all_is_sent_is_only_closed(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 0})

    assert set_status(shop, OrderStatus.COMPLETED) is True
    assert (desk.fulfillments, bool(desk.closed_at)) == ([], True)


def test_an_order_that_is_held_back_is_not_completed(shop: Shop, desk: Desk) -> None:
    desk.lies(1, {101: 2}, status="ON_HOLD", supportedActions=[])

    with pytest.raises(Rejected) as caught:
        set_status(shop, OrderStatus.COMPLETED)

    assert caught.value.code == "on_hold"
    assert desk.closed_at is None


def test_a_closed_order_is_opened_once(shop: Shop, desk: Desk) -> None:
    desk.closed_at = "2026-11-20T10:00:00Z"

    assert set_status(shop, OrderStatus.OPEN) is True
    assert set_status(shop, OrderStatus.OPEN) is False
    assert desk.writes == 1


@pytest.mark.parametrize("status", [OrderStatus.PENDING, OrderStatus.ON_HOLD, OrderStatus.DRAFT])
def test_a_status_shopify_has_no_word_for_is_refused(
    shop: Shop, desk: Desk, status: OrderStatus
) -> None:
    with pytest.raises(Rejected) as caught:
        set_status(shop, status)

    assert caught.value.code == "no_such_status"


@pytest.mark.parametrize("status", [OrderStatus.OPEN, OrderStatus.COMPLETED])
def test_a_cancelled_order_gets_no_other_status(
    shop: Shop, desk: Desk, status: OrderStatus
) -> None:
    desk.cancelled_at = "2026-11-20T10:00:00Z"

    with pytest.raises(Rejected):
        set_status(shop, status)


# -- Cancellation ------------------------------------------------------------------------------


class Cancelling:
    """A job that is done after so many looks."""

    def __init__(self, shop: Shop, desk: Desk, looks: int, *, works: bool = True) -> None:
        self.desk, self.left, self.works = desk, looks, works
        shop.on("CancelOrder", self._begin)
        shop.on("JobDone", self._look)

    def _begin(self, call: Call) -> bytes:
        self.desk.writes += 1
        job = {"id": "gid://shopify/Job/1", "done": self._is_done()}
        return data(orderCancel={"job": job, "orderCancelUserErrors": []})

    def _look(self, call: Call) -> bytes:
        self.left -= 1
        return data(job={"done": self._is_done()})

    def _is_done(self) -> bool:
        if self.left <= 0 and self.works:
            self.desk.cancelled_at = "2026-11-20T10:00:00Z"
        return self.left <= 0


@pytest.mark.parametrize("looks", [0, 1, 5])
def test_an_order_is_cancelled_once(shop: Shop, desk: Desk, looks: int) -> None:
    Cancelling(shop, desk, looks)
    adapter = adapter_for(shop)

    assert adapter.cancel_order("5001", "out of stock") is True
    assert adapter.cancel_order("5001", "out of stock") is False

    (call,) = shop.asked("CancelOrder")
    assert call.variables == {
        "id": ORDER,
        "reason": "INVENTORY",
        "staffNote": "out of stock",
        "notify": True,
    }
    assert "refund" not in call.query


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("", "OTHER"),
        ("The buyer changed their mind", "CUSTOMER"),
        ("Fraud suspected", "FRAUD"),
        ("no reason", "OTHER"),
    ],
)
def test_the_reason_is_the_nearest_shopify_has(
    shop: Shop, desk: Desk, words: str, reason: str
) -> None:
    Cancelling(shop, desk, 0)

    adapter_for(shop).cancel_order("5001", words)

    assert shop.asked("CancelOrder")[0].variables["reason"] == reason


def test_a_cancellation_that_takes_too_long_is_looked_at_again_later(
    shop: Shop, desk: Desk
) -> None:
    Cancelling(shop, desk, 10_000)

    with pytest.raises(OutcomeUnknown):
        adapter_for(shop).cancel_order("5001")

    assert len(shop.asked("JobDone")) <= 2 * desk_of_shopify.PATIENCE_S + 1


def test_a_job_that_did_not_cancel_is_a_refusal(shop: Shop, desk: Desk) -> None:
    Cancelling(shop, desk, 1, works=False)

    with pytest.raises(Rejected) as caught:
        adapter_for(shop).cancel_order("5001")

    assert caught.value.code == "not_cancelled"


def test_a_cancellation_shopify_refuses_is_told_in_its_words(shop: Shop, desk: Desk) -> None:
    shop.on(
        "CancelOrder",
        refused(
            "orderCancel",
            "Cannot cancel an order with open returns",
            code="INVALID",
            name="orderCancelUserErrors",
        ),
    )

    with pytest.raises(Rejected, match="open returns") as caught:
        adapter_for(shop).cancel_order("5001")

    assert caught.value.code == "invalid"


# -- Note --------------------------------------------------------------------------------------


def test_a_note_is_added_once_and_what_is_there_stays(shop: Shop, desk: Desk) -> None:
    desk.note = "From the buyer"
    adapter = adapter_for(shop)

    assert adapter.add_note("5001", "Packed by Ida\nin two boxes", reference="n-1") is True
    assert adapter.add_note("5001", "Packed by Ida\nin two boxes", reference="n-1") is False

    assert desk.note == "From the buyer\nPacked by Ida\nin two boxes"
    assert desk.writes == 1


def test_a_note_for_the_customer_is_refused_in_words(shop: Shop, desk: Desk) -> None:
    with pytest.raises(Rejected, match="no notes that the customer sees"):
        adapter_for(shop).add_note("5001", "Hello", reference="n", to_customer=True)


# -- Fields ------------------------------------------------------------------------------------


def write(shop: Shop, fields: dict[str, Any], *fill: str) -> bool:
    return adapter_for(shop).write_order_fields("5001", fields, fill=fill)


def test_fields_become_metafields_of_their_types_once(shop: Shop, desk: Desk) -> None:
    fields = {
        "erp_number": "A-7",
        "erp.units": 3,
        "erp_ready": False,
        "erp_rate": 1.5,
        "erp_places": ["N", "S"],
        "erp_map": {"a": 1},
        "erp_text": "one\ntwo",
    }

    assert write(shop, fields) is True
    assert write(shop, fields) is False

    assert desk.writes == 1
    assert desk.metafields == {
        ("logix", "erp_number"): {"type": "single_line_text_field", "value": "A-7"},
        ("erp", "units"): {"type": "number_integer", "value": "3"},
        ("logix", "erp_ready"): {"type": "boolean", "value": "false"},
        ("logix", "erp_rate"): {"type": "number_decimal", "value": "1.5"},
        ("logix", "erp_places"): {"type": "list.single_line_text_field", "value": '["N","S"]'},
        ("logix", "erp_map"): {"type": "json", "value": '{"a":1}'},
        ("logix", "erp_text"): {"type": "multi_line_text_field", "value": "one\ntwo"},
    }


def test_a_field_keeps_the_type_the_store_gave_it(shop: Shop, desk: Desk) -> None:
    desk.metafields["erp", "units"] = {"type": "number_decimal", "value": "3.0"}

    assert write(shop, {"erp.units": 3}) is False
    assert write(shop, {"erp.units": 4}) is True

    assert desk.metafields["erp", "units"] == {"type": "number_decimal", "value": "4"}


def test_what_is_to_be_filled_is_written_only_where_nothing_is(shop: Shop, desk: Desk) -> None:
    desk.metafields["erp", "ref"] = {"type": "single_line_text_field", "value": "theirs"}

    assert write(shop, {"erp.ref": "ours"}, "erp.ref") is False
    assert write(shop, {"erp.new": "ours"}, "erp.new") is True


def test_a_field_without_a_value_is_taken_away(shop: Shop, desk: Desk) -> None:
    desk.metafields["erp", "ref"] = {"type": "single_line_text_field", "value": "x"}

    assert write(shop, {"erp.ref": None, "erp.none": ""}) is True
    assert write(shop, {"erp.ref": None}) is False
    assert desk.metafields == {}


def test_custom_attributes_are_written_and_others_left_alone(shop: Shop, desk: Desk) -> None:
    desk.attributes = [{"key": "gift", "value": "yes"}]

    assert write(shop, {"attributes.route": "north", "attributes.gift": "no"}, "attributes.gift")
    assert write(shop, {"attributes.route": "north"}) is False

    assert desk.attributes == [
        {"key": "gift", "value": "yes"},
        {"key": "route", "value": "north"},
    ]


def test_attributes_nobody_asked_for_are_not_touched(shop: Shop, desk: Desk) -> None:
    desk.attributes = [{"key": "empty", "value": ""}, {"key": "a", "value": "1"}]

    assert write(shop, {"erp.ref": "x"}) is True
    assert shop.asked("UpdateOrder") == []
    assert write(shop, {"attributes.a": None, "attributes.count": 3}) is True

    assert desk.attributes == [{"key": "empty", "value": ""}, {"key": "count", "value": "3"}]


def test_many_fields_are_written_25_at_a_time(shop: Shop, desk: Desk) -> None:
    assert write(shop, {f"erp.f{n:02}": "x" for n in range(60)}) is True

    assert [len(c.variables["metafields"]) for c in shop.asked("SetFields")] == [25, 25, 10]


@pytest.mark.parametrize(
    "key", ["logix.parcels", "parcels", "shopify.x1", "app--1--x.yy", "Shopify.AA"]
)
def test_fields_of_the_platforms_own_are_refused(shop: Shop, desk: Desk, key: str) -> None:
    with pytest.raises(Rejected) as caught:
        write(shop, {"erp.ok": 1, key: "1"})

    assert caught.value.code == "field_reserved"
    assert desk.writes == 0


@pytest.mark.parametrize("key", ["a", "a b", "x" * 65, "erp.", "é.ref"])
def test_what_cannot_be_a_key_is_refused(shop: Shop, desk: Desk, key: str) -> None:
    with pytest.raises(Rejected) as caught:
        write(shop, {key: "1"})

    assert caught.value.code == "bad_key"


def test_a_value_shopify_refuses_is_told_in_its_words(shop: Shop, desk: Desk) -> None:
    shop.on("SetFields", refused("metafieldsSet", "Value is too long", code="TOO_LONG"))

    with pytest.raises(Rejected, match="Value is too long") as caught:
        write(shop, {"erp.ref": "x"})

    assert caught.value.code == "too_long"


def test_an_order_that_is_gone_is_not_found(shop: Shop, desk: Desk) -> None:
    adapter = adapter_for(shop)
    for call in (
        lambda: adapter.write_order_fields("77", {"erp.ref": "x"}),
        lambda: adapter.cancel_order("77"),
        lambda: adapter.add_note("77", "x", reference="r"),
        lambda: adapter.update_order_status("77", OrderStatus.COMPLETED),
    ):
        with pytest.raises(NotFound):
            call()

"""Where an order stands: words that say nothing, orders that are gone, the past, and flags."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orders import services
from orders.data import Authority
from orders.errors import OrderError
from orders.models import Order, OrderEvent
from orders.status import (
    Flag,
    FulfillmentStatus,
    ImportState,
    OrderStatus,
    PaymentStatus,
    StatusReading,
)
from tests.factories import CANCELLED, COMPLETED, NOW, OPEN, make_line, make_order, make_store
from tests.orders.shop import (
    assert_books_balance,
    axes,
    bring,
    by_id,
    later,
    parcel,
    refund,
    shelf,
    stock,
)

pytestmark = pytest.mark.django_db

DONE: dict[str, Any] = {"status": COMPLETED, "raw_status": "completed", "completed_at": NOW}
STRANGE = StatusReading(
    order=OrderStatus.PENDING,
    payment=PaymentStatus.UNKNOWN,
    fulfillment=FulfillmentStatus.UNFULFILLED,
    known=False,
)
TRASH: dict[str, Any] = {
    "status": replace(STRANGE, reserve=False),
    "raw_status": "trash",
    "gone": True,
}
DRAFT = StatusReading(
    order=OrderStatus.DRAFT,
    payment=PaymentStatus.UNPAID,
    fulfillment=FulfillmentStatus.UNFULFILLED,
    reserve=False,
    skip=True,
)
FAILED = StatusReading(
    order=OrderStatus.PENDING,
    payment=PaymentStatus.FAILED,
    fulfillment=FulfillmentStatus.UNFULFILLED,
    reserve=False,
)
REFUNDED = StatusReading(
    order=OrderStatus.CANCELLED,
    payment=PaymentStatus.REFUNDED,
    fulfillment=FulfillmentStatus.CANCELLED,
    reserve=False,
)


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store)
    return store


def test_an_unknown_word_on_a_new_order_asks_a_person_and_holds_the_goods(store: Any) -> None:
    bring(store, make_order(status=STRANGE, raw_status="picked-up"))

    order = Order.objects.get()
    assert order.import_state == ImportState.NEEDS_REVIEW
    assert "“picked-up”" in order.import_problem
    assert (order.order_status, order.payment_status) == ("pending", "paid")
    assert shelf() == (10, 2)


def test_an_unknown_word_leaves_what_was_known(store: Any) -> None:
    order = make_order(payments=(), paid_at=None, status=replace(OPEN, payment="unpaid"))
    bring(store, order)
    before = axes()

    bring(store, later(order, status=STRANGE, raw_status="picked-up"))

    assert axes() == before == ("open", "unpaid", "unfulfilled")
    assert shelf() == (10, 2)
    assert [e.kind for e in OrderEvent.objects.all()] == ["imported", "attention"]


def test_an_unknown_word_does_not_bind_what_was_not_bound(store: Any) -> None:
    order = make_order(status=FAILED, raw_status="failed", payments=())
    bring(store, order)

    bring(store, later(order, status=STRANGE, raw_status="on-review"))

    assert axes()[1] == "failed"
    assert shelf() == (10, 0)


@pytest.mark.parametrize("news", [{"status": STRANGE, "raw_status": "archived"}, TRASH])
def test_what_has_left_does_not_return_when_a_finished_order_is_put_away(
    store: Any, news: dict[str, Any]
) -> None:
    order = make_order()
    bring(store, order)
    bring(store, later(order, 1, **DONE))
    assert shelf() == (8, 0)

    away = later(order, 2, completed_at=NOW, **news)
    assert bring(store, away).reread == [order.external_id]
    by_id(store, away)

    assert axes() == ("completed", "paid", "fulfilled")
    assert shelf() == (8, 0)
    assert Order.objects.get().import_state == ImportState.NEEDS_REVIEW


def test_a_trashed_order_releases_and_one_taken_out_again_reserves(store: Any) -> None:
    order = make_order()
    bring(store, order)

    bring(store, later(order, 1, **TRASH))
    trashed = Order.objects.get()
    assert shelf() == (10, 0)
    assert (trashed.order_status, trashed.gone_at) == ("open", later(order).changed_at)

    bring(store, later(order, 2))
    assert shelf() == (10, 2)
    assert Order.objects.get().gone_at is None


def test_a_cancelled_order_that_is_trashed_stays_cancelled(store: Any) -> None:
    order = make_order(status=CANCELLED, raw_status="cancelled", payments=())
    bring(store, order)
    before = axes()

    by_id(store, later(order, **TRASH))

    assert axes() == before == ("cancelled", "voided", "cancelled")


def test_a_draft_is_kept_aside_until_it_is_placed(store: Any) -> None:
    order = make_order(status=DRAFT, raw_status="checkout-draft", payments=(), paid_at=None)

    bring(store, order)
    assert Order.objects.get().import_state == ImportState.SKIPPED
    assert shelf() == (10, 0)

    bring(store, later(order, status=OPEN, raw_status="processing"))
    assert Order.objects.get().import_state == ImportState.ACCEPTED
    assert shelf() == (10, 2)


def test_a_failed_payment_holds_nothing_and_a_second_try_does(store: Any) -> None:
    order = make_order(status=FAILED, raw_status="failed", payments=(), paid_at=None)
    bring(store, order)
    assert shelf() == (10, 0)

    bring(store, later(order, status=OPEN, raw_status="processing"))
    assert shelf() == (10, 2)


def test_a_finished_order_seems_open_only_when_it_was_asked_for_by_id(store: Any) -> None:
    order = make_order()
    bring(store, later(order, 1, **DONE))
    again = later(order, 2)

    assert bring(store, again).reread == [order.external_id]
    assert axes()[0] == "completed"

    by_id(store, again)
    assert axes() == ("open", "paid", "unfulfilled")
    assert shelf() == (10, 2)


def test_refunded_after_it_left_is_completed_and_before_it_left_cancelled(store: Any) -> None:
    for number, left in ((1, True), (2, False)):
        whole = (refund(units=None, amount=make_order().total),)
        order = make_order(number, lines=(make_line(1, external_id=f"l{number}"),))
        bring(store, order)
        bring(
            store,
            later(
                order,
                status=REFUNDED,
                raw_status="refunded",
                refunds=whole,
                completed_at=NOW if left else None,
            ),
        )

    assert [
        (o.order_status, o.payment_status, o.fulfillment_status)
        for o in Order.objects.order_by("number")
    ] == [("completed", "refunded", "fulfilled"), ("cancelled", "refunded", "cancelled")]
    assert shelf() == (8, 0)
    assert_books_balance()


def test_cancelled_after_it_left_needs_a_person_once(store: Any) -> None:
    order = make_order()
    bring(store, order)
    bring(store, later(order, 1, **DONE))
    cancelled = later(order, 2, completed_at=NOW, status=CANCELLED, raw_status="cancelled")

    bring(store, cancelled)
    stored = Order.objects.get()
    assert (stored.order_status, stored.flag_set) == ("cancelled", {Flag.CANCEL_REQUESTED})
    assert shelf() == (8, 0)

    services.mark_reviewed(stored, actor="user:anna")
    bring(store, later(cancelled, custom={"seen": "again"}))
    assert Order.objects.get().flags == ""


def test_a_line_removed_long_ago_is_no_edit(store: Any) -> None:
    order = make_order(lines=(make_line(1), make_line(2)))
    bring(store, order)
    one = later(order, 1, lines=(make_line(1),))
    bring(store, one)

    bring(store, later(one, 2, shipments=(parcel(1, external_id="f1"),)))
    bring(store, later(one, 3, custom={"x": 1}))

    assert Order.objects.get().flags == ""


def test_an_edit_after_the_first_parcel_holds_the_order_until_it_is_accepted(store: Any) -> None:
    order = make_order()
    bring(store, order)
    stored = Order.objects.get()
    services.add_shipment(stored, lines={stored.lines.get().pk: 1}, actor="user:anna")

    bring(store, later(order, lines=(make_line(quantity=3),)))

    stored.refresh_from_db()
    assert stored.flag_set == {Flag.EDITED_AFTER_IMPORT}
    with pytest.raises(OrderError, match="Accept the edit first"):
        services.add_shipment(stored, actor="user:anna")
    services.accept_edit(stored, seen=1, actor="user:anna")
    with pytest.raises(OrderError, match="Nothing in this order waits"):
        services.mark_reviewed(stored, actor="user:anna")
    services.add_shipment(stored, actor="user:anna")
    assert shelf() == (7, 0)


def test_what_left_of_a_removed_line_does_not_fulfil_another(store: Any) -> None:
    stock(store, 2)
    order = make_order(lines=(make_line(1), make_line(2)))
    bring(store, order)
    bring(store, later(order, 1, shipments=(parcel(2, line="l1", external_id="f1"),)))

    bring(store, later(order, 2, lines=(make_line(2),)))

    assert axes()[2] == "unfulfilled"
    assert shelf("SKU-1") == (8, 0)
    assert shelf("SKU-2") == (10, 2)


def test_a_past_order_that_is_opened_again_is_an_order_like_any_other() -> None:
    store = make_store(stock_since=NOW)
    stock(store)
    past = {"cancelled_at": NOW - timedelta(days=2), "raw_status": "cancelled"}
    order = make_order(status=CANCELLED, **past)
    bring(store, order)
    assert shelf() == (10, 0)

    by_id(store, later(order, status=OPEN, raw_status="processing", cancelled_at=None))

    assert Order.objects.get().moves_stock
    assert shelf() == (10, 2)


def test_before_stock_is_counted_every_finished_order_is_past() -> None:
    store = make_store(stock_since=None)
    stock(store)

    bring(store, make_order(**DONE))

    assert Order.objects.get().moves_stock is False
    assert shelf() == (10, 0)


def test_a_line_without_shipping_is_not_needed_for_fulfilment(store: Any) -> None:
    stock(store, 2)
    lines = (make_line(1), make_line(2, requires_shipping=False))
    bring(store, make_order(lines=lines, shipments=(parcel(2, external_id="f1"),)))

    assert axes()[2] == "fulfilled"


def test_flags_of_the_store_are_shown_as_long_as_it_tells_them(store: Any) -> None:
    order = make_order(flags=frozenset({Flag.DISPUTED, Flag.ADDRESS_PROBLEM}))
    bring(store, order)
    assert Order.objects.get().flags == "address_problem,disputed"

    bring(store, later(order, flags=frozenset()))
    assert Order.objects.get().flags == ""


def test_a_late_webhook_does_not_touch_what_was_read_by_id(store: Any) -> None:
    order = make_order()
    by_id(store, later(order, 1, status=CANCELLED, raw_status="cancelled"))

    assert bring(store, order, authority=Authority.WEBHOOK).stale == 1
    assert axes()[0] == "cancelled"

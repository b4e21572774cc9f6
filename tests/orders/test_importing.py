"""Orders coming in: what is written, what is not, and what stock becomes."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal

import pytest

from inventory.models import Reservation, Variant
from orders import services
from orders.data import Authority, RefundData, RefundLineData
from orders.models import Order, OrderEvent, OrderLine
from orders.status import Flag, ImportState
from tests.factories import (
    CANCELLED,
    COMPLETED,
    NOW,
    make_line,
    make_merchant,
    make_order,
    make_store,
)
from tests.orders.shop import assert_books_balance, bring, by_id, later, level, refund, stock

pytestmark = pytest.mark.django_db


def test_a_new_order_is_written_whole_and_reserves_stock() -> None:
    store = make_store()
    stock(store)

    done = bring(store, make_order())

    order = Order.objects.get()
    assert done.created == [order.pk]
    assert (order.order_status, order.payment_status, order.fulfillment_status) == (
        "open",
        "paid",
        "unfulfilled",
    )
    assert order.total == Decimal("28.75")
    assert order.import_state == ImportState.ACCEPTED
    assert services.buyer_of(order) == make_order().buyer
    assert services.payload_of(order) == make_order().raw
    assert b"Zo" not in bytes(order.buyer_sealed or b"")
    assert (level().on_hand, level().reserved) == (10, 2)
    assert [e.kind for e in order.events.all()] == ["imported"]


def test_an_unknown_sku_never_loses_an_order_and_finishes_when_the_product_arrives() -> None:
    store = make_store()

    bring(store, make_order())

    order = Order.objects.get()
    assert order.import_state == ImportState.AWAITING_MAPPING
    assert "only line names a product" in order.import_problem
    assert OrderLine.objects.get().variant is None

    stock(store)

    order.refresh_from_db()
    assert order.import_state == ImportState.ACCEPTED
    assert OrderLine.objects.get().variant == Variant.objects.get()
    # The store's 10 were counted after this order was placed there: 10 free and 2 held for it.
    assert (level().on_hand, level().reserved) == (12, 2)


def test_an_edit_moves_the_reservation_by_the_difference() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, order)

    bring(store, later(order, lines=(make_line(quantity=5),)))

    assert level().reserved == 5
    assert "Quantity of SKU-1: 2 → 5" in [e.title for e in OrderEvent.objects.all()]


def test_a_change_of_status_is_told_in_words() -> None:
    store = make_store()
    order = make_order()
    bring(store, order)

    back = RefundData(external_id="r1", amount=Decimal("5.00"))
    bring(store, later(order, refunds=(back,)))

    told = OrderEvent.objects.get(kind="payment_status").title
    assert told.startswith("Payment: paid → partially refunded (")


def test_a_removed_line_releases_its_stock_and_stays_on_record() -> None:
    store = make_store()
    stock(store, 1, 2)
    order = make_order(lines=(make_line(1), make_line(2)))
    bring(store, order)

    bring(store, later(order, lines=(make_line(1),)))

    assert level("SKU-2").reserved == 0
    assert OrderLine.objects.get(external_id="l2").removed_at is not None
    assert Order.objects.get().line_count == 1


def test_a_cancelled_order_releases_its_stock() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, order)

    bring(store, later(order, status=CANCELLED, raw_status="cancelled"))

    assert Order.objects.get().order_status == "cancelled"
    assert (level().on_hand, level().reserved) == (10, 0)


def test_an_order_completed_at_the_store_takes_its_units_off_the_shelf_once() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, order)
    finished = later(order, status=COMPLETED, raw_status="completed", completed_at=NOW)

    bring(store, finished)
    bring(store, later(finished, custom={"seen": "again"}))

    assert (level().on_hand, level().reserved) == (8, 0)
    assert Order.objects.get().fulfillment_status == "fulfilled"


def test_an_order_finished_before_stock_began_moves_nothing() -> None:
    store = make_store(stock_since=NOW)
    stock(store)

    bring(
        store,
        make_order(status=COMPLETED, raw_status="completed", completed_at=NOW - timedelta(days=9)),
    )

    assert (level().on_hand, level().reserved) == (10, 0)
    assert Order.objects.get().moves_stock is False


def test_older_news_is_not_applied() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, later(order, status=CANCELLED, raw_status="cancelled"))

    done = bring(store, order)

    assert done.stale == 1
    assert Order.objects.get().order_status == "cancelled"


def test_other_content_at_the_same_second_is_read_again_by_id() -> None:
    store = make_store()
    order = make_order()
    bring(store, order)
    other = dataclasses.replace(order, status=CANCELLED, raw_status="cancelled")

    done = bring(store, other)
    assert done.reread == [order.external_id]

    bring(store, other, authority=Authority.BY_ID)
    assert Order.objects.get().order_status == "cancelled"


def test_a_short_order_is_kept_flagged_and_served_when_stock_arrives() -> None:
    from inventory import ledger

    store = make_store()
    stock(store, units=1)

    bring(store, make_order())

    order = Order.objects.get()
    assert Flag.OVERSOLD in order.flag_set
    held = Reservation.objects.get()
    assert (held.quantity, held.short) == (1, 1)

    ledger.adjust(
        variant=Variant.objects.get(sku="SKU-1"),
        location=held.location,
        delta=4,
        reason="Delivery",
        actor="user:anna",
    )
    held.refresh_from_db()
    assert (held.quantity, held.short) == (2, 0)


def test_a_refund_before_shipping_lowers_what_must_leave() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, order)
    refund = RefundData(
        external_id="r1",
        amount=Decimal("11.90"),
        lines=(RefundLineData(line_external_id="l1", quantity=1),),
    )

    bring(store, later(order, refunds=(refund,)))

    stored = Order.objects.get()
    assert stored.payment_status == "partially_refunded"
    assert stored.refunded_total == Decimal("11.90")
    assert level().reserved == 1


def test_the_trail_adds_up_to_the_level() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, order)
    bring(store, later(order, 1, lines=(make_line(quantity=6),)))
    bring(store, later(order, 2, status=COMPLETED, raw_status="completed", completed_at=NOW))

    assert_books_balance()


def test_a_page_may_name_one_order_twice_and_the_newer_counts() -> None:
    store = make_store()
    stock(store)
    order = make_order()

    done = bring(store, later(order, lines=(make_line(quantity=5),)), order)

    assert len(done.created) == 1
    assert done.reread == []
    assert level().reserved == 5


def test_two_records_of_one_second_that_disagree_are_written_and_read_again() -> None:
    store = make_store()
    stock(store)
    order = make_order()

    done = bring(store, order, dataclasses.replace(order, total=Decimal("30.00")))

    assert len(done.created) == 1
    assert done.reread == done.incomplete == [order.external_id]


def test_a_refund_without_lines_is_written_and_its_lines_are_asked_for_once() -> None:
    store = make_store()
    stock(store)
    order = make_order(refunds=(refund(units=None),))

    done = bring(store, order)
    assert done.reread == done.incomplete == [order.external_id]
    assert level().reserved == 2

    told = dataclasses.replace(order, refunds=(refund(units=1),))
    assert by_id(store, told).reread == []
    assert level().reserved == 1
    assert bring(store, later(order, custom={"seen": "again"})).reread == []
    assert level().reserved == 1


def test_the_same_content_at_a_later_time_moves_only_the_time() -> None:
    store = make_store()
    order = make_order()
    bring(store, order)
    events = OrderEvent.objects.count()

    assert bring(store, later(order)).unchanged == 1

    stored = Order.objects.get()
    assert stored.changed_at == later(order).changed_at
    assert OrderEvent.objects.count() == events
    assert bring(store, later(order, 0, raw_status="old")).stale == 1


def test_600_lines_are_one_order() -> None:
    store = make_store()
    stock(store, *range(1, 601))

    bring(store, make_order(lines=tuple(make_line(n, quantity=n % 3) for n in range(1, 601))))

    order = Order.objects.get()
    assert (order.line_count, order.unit_count) == (600, 600)
    assert Reservation.objects.count() == 400
    assert_books_balance()


def test_a_line_of_no_units_asks_nothing_of_stock() -> None:
    store = make_store()
    stock(store)

    bring(store, make_order(lines=(make_line(quantity=0),)))

    order = Order.objects.get()
    assert order.fulfillment_status == "not_required"
    assert level().reserved == 0


def test_an_order_without_lines_is_kept() -> None:
    store = make_store()

    bring(store, make_order(lines=()))

    assert Order.objects.get().import_state == ImportState.ACCEPTED


def test_a_line_that_comes_back_is_wanted_again() -> None:
    store = make_store()
    stock(store, 1, 2)
    whole = make_order(lines=(make_line(1), make_line(2)))
    bring(store, whole)
    bring(store, later(whole, 1, lines=(make_line(1),)))

    bring(store, later(whole, 2))

    assert OrderLine.objects.get(external_id="l2").removed_at is None
    assert level("SKU-2").reserved == 2
    assert "Line added at the store: 2 × SKU-2" in [e.title for e in OrderEvent.objects.all()]


def test_stores_with_the_same_order_id_do_not_meet() -> None:
    ours = make_store()
    theirs = make_store(make_merchant("other"), base_url="https://other.example")
    for store in (ours, theirs):
        stock(store)

    bring(ours, make_order())
    bring(theirs, make_order(status=CANCELLED, raw_status="cancelled"))

    assert {(o.merchant_id, o.order_status) for o in Order.objects.all()} == {
        (ours.merchant_id, "open"),
        (theirs.merchant_id, "cancelled"),
    }
    assert [r.merchant_id for r in Reservation.objects.all()] == [ours.merchant_id]


def test_a_newer_version_wins_whatever_the_clock_says() -> None:
    store = make_store()
    order = make_order(version=2)
    bring(store, order)

    assert bring(store, later(order, 5, version=1, raw_status="old")).stale == 1
    assert len(bring(store, later(order, -5, version=3, raw_status="new")).changed) == 1

"""Orders coming in: what is written, what is not, and what stock becomes."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.catalogue import import_products
from inventory.models import Reservation, StockLevel, StockMovement, Variant
from orders import services
from orders.data import Authority, OrderData, RefundData, RefundLineData
from orders.importing import OrderImport, import_orders
from orders.models import Order, OrderEvent, OrderLine
from orders.status import Flag, ImportState
from tests.factories import (
    CANCELLED,
    COMPLETED,
    NOW,
    make_line,
    make_order,
    make_product,
    make_store,
)

pytestmark = pytest.mark.django_db


def bring(
    store: Any, *records: OrderData, authority: Authority = Authority.LIST_PAGE
) -> OrderImport:
    return import_orders(store, records, authority=authority, observed_at=NOW, now=NOW)


def stock(store: Any, *numbers: int, units: int = 10) -> None:
    import_products(
        store,
        [make_product(n, stock=units) for n in numbers or (1,)],
        observed_at=NOW,
        now=NOW,
        adopt_stock=True,
    )


def level(sku: str = "SKU-1") -> StockLevel:
    return StockLevel.objects.get(variant__sku=sku)


def later(order: OrderData, minutes: int = 1, **changes: Any) -> OrderData:
    return dataclasses.replace(
        order, changed_at=order.changed_at + timedelta(minutes=minutes), **changes
    )


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


def test_a_repeated_order_writes_nothing() -> None:
    store = make_store()
    stock(store, *range(1, 101))
    page = [make_order(n, lines=(make_line(n),)) for n in range(1, 101)]
    bring(store, *page)

    with CaptureQueriesContext(connection) as queries:
        done = bring(store, *page)

    assert done.unchanged == 100
    assert len(queries) <= 6, [q["sql"][:80] for q in queries]


def test_a_page_of_100_new_orders_costs_at_most_40_statements() -> None:
    store = make_store()
    stock(store, *range(1, 101))

    with CaptureQueriesContext(connection) as queries:
        bring(store, *(make_order(n, lines=(make_line(n),)) for n in range(1, 101)))

    assert Order.objects.count() == 100
    assert len(queries) <= 40, [q["sql"][:80] for q in queries]


def test_an_unknown_sku_never_loses_an_order_and_finishes_when_the_product_arrives() -> None:
    store = make_store()

    bring(store, make_order())

    order = Order.objects.get()
    assert order.import_state == ImportState.AWAITING_MAPPING
    assert "1 of 1 lines" in order.import_problem
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


def test_an_erased_buyer_stays_erased() -> None:
    store = make_store()
    order = make_order()
    bring(store, order)
    Order.objects.update(buyer_sealed=None, email_index="", phone_index="", erased_at=NOW)

    bring(store, later(order, custom={"x": 1}))

    stored = Order.objects.get()
    assert stored.buyer_sealed is None
    assert stored.email_index == ""


def test_every_permutation_of_one_orders_news_ends_the_same() -> None:
    from itertools import permutations

    order = make_order()
    news = (
        order,
        later(order, 1, lines=(make_line(quantity=3),)),
        later(order, 2, status=CANCELLED, raw_status="cancelled"),
    )
    for number, sequence in enumerate(permutations(news)):
        store = make_store(base_url=f"https://shop{number}.example", merchant=_merchant(number))
        stock(store)
        for item in sequence:
            bring(store, item)

        stored = Order.objects.get(store=store)
        reserved = StockLevel.objects.get(merchant=store.merchant)
        assert (stored.order_status, reserved.reserved, reserved.on_hand) == ("cancelled", 0, 10)


def _merchant(number: int) -> Any:
    from tests.factories import make_merchant

    return make_merchant(f"m{number}")


def test_the_trail_adds_up_to_the_level() -> None:
    store = make_store()
    stock(store)
    order = make_order()
    bring(store, order)
    bring(store, later(order, 1, lines=(make_line(quantity=6),)))
    bring(store, later(order, 2, status=COMPLETED, raw_status="completed", completed_at=NOW))

    for bucket in ("on_hand", "reserved"):
        moved = sum(m.delta for m in StockMovement.objects.filter(bucket=bucket))
        assert moved == getattr(level(), bucket)


def test_a_shipment_from_the_hub_moves_stock_and_asks_the_store_to_complete() -> None:
    from orders import signals

    store = make_store()
    stock(store)
    bring(store, make_order())
    asked: list[str] = []

    def listen(signal: Any, **news: Any) -> None:
        asked.append(str(news.get("status") or news["shipment"].reference))

    signals.shipment_added.connect(listen)
    signals.status_requested.connect(listen)
    try:
        order = Order.objects.get()
        first = services.add_shipment(
            order, lines={order.lines.get().pk: 1}, carrier="DHL", actor="user:anna"
        )
        assert (level().on_hand, level().reserved) == (9, 1)
        order.refresh_from_db()
        assert order.fulfillment_status == "partially_fulfilled"
        services.add_shipment(order, actor="user:anna")
    finally:
        signals.shipment_added.disconnect(listen)
        signals.status_requested.disconnect(listen)

    assert (level().on_hand, level().reserved) == (8, 0)
    assert asked == [first.reference, "LGX-1001-2", "completed"]

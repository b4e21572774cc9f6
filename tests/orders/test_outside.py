"""An order that another store sends from its platform's warehouses: its units are nobody's here,
and come back only when it is sure that they will not leave there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Command
from inventory.catalogue import import_products
from inventory.models import Listing, StockMovement
from orders import outside_news, services, signals
from orders.data import Address, Buyer
from orders.data_outside import OutsideNews, OutsideParcel, Progress, Speed
from orders.errors import OrderError
from orders.models import Order, OrderEvent, OutsideFulfillment, Shipment
from orders.outside import asked
from orders.status import Flag, FulfillmentStatus, OrderStatus, PaymentStatus
from tests.factories import (
    CANCELLED,
    NOW,
    make_line,
    make_merchant,
    make_order,
    make_product,
    make_store,
)
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
from tests.orders.test_services import told
from tests.orders.test_standing import DONE

pytestmark = pytest.mark.django_db
ANNA = "user:anna"
State = OutsideFulfillment.State

__all__ = ["told"]


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store, 1, 2)
    return store


@pytest.fixture
def amazon(store: Any) -> Any:
    """A second store, which keeps SKU-1 and SKU-2 in warehouses of its platform."""
    other = make_store(store.merchant, name="Depot", base_url="https://depot.example")
    import_products(
        other,
        [make_product(n) for n in (1, 2)],
        observed_at=NOW,
        now=NOW,
        adopt_stock=False,
    )
    Listing.objects.filter(store=other).update(custom={"fulfilled_by": "Depot"})
    return other


@pytest.fixture
def order(store: Any) -> Order:
    bring(store, make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1))))
    return Order.objects.get()


@pytest.fixture
def wishes() -> Iterator[list[str]]:
    """What the store that sends would be told: "ask", "call off"."""
    found: list[str] = []

    def ask(**_: Any) -> None:
        found.append("ask")

    def call_off(**_: Any) -> bool:
        found.append("call off")
        return False

    signals.outside_requested.connect(ask)
    signals.outside_cancel_requested.connect(call_off)
    yield found
    signals.outside_requested.disconnect(ask)
    signals.outside_cancel_requested.disconnect(call_off)


def line(order: Order, number: int = 1) -> Any:
    return order.lines.get(external_id=f"l{number}")


def request(order: Order, store: Any, **more: Any) -> OutsideFulfillment:
    """Asked for, and in the hands of a worker."""
    found = services.request_outside(order, store, actor=ANNA, **more)
    Command.objects.filter(kind=Command.Kind.FULFILL).update(state=Command.State.DONE, fence=1)
    return found


def hear(found: OutsideFulfillment, progress: Progress, **more: Any) -> OutsideFulfillment:
    news = OutsideNews(
        reference=found.reference, progress=progress, raw_status=progress.value, **more
    )
    outside_news.hear(found.pk, news, now=NOW)
    found.refresh_from_db()
    return found


def a_parcel(order: Order, *units: tuple[int, int], name: str = "D1", **more: Any) -> OutsideParcel:
    """``units``: (line, how many)."""
    told = tuple((line(order, number).pk.hex, count) for number, count in units)
    return OutsideParcel(external_id=name, units=told, **more)


def titles(kind: str) -> list[str]:
    return list(OrderEvent.objects.filter(kind=kind).values_list("title", flat=True))


def test_its_units_are_free_here_until_they_have_left_there(
    order: Order, amazon: Any, told: list[dict[str, Any]], wishes: list[str]
) -> None:
    moved = StockMovement.objects.filter(bucket="on_hand").count()
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 3), (10, 1))

    found = request(order, amazon, speed=Speed.EXPEDITED)

    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 0), (10, 0))
    assert wishes == ["ask"]
    assert titles("outside_requested") == ["Asked Depot to send 4 units, expedited"]
    with pytest.raises(OrderError, match="Another store's warehouse") as refused:
        services.add_shipment(order, actor=ANNA)
    assert refused.value.code == "sent_outside"
    with pytest.raises(OrderError, match="0 left to ship"):
        services.add_shipment(order, lines={line(order).pk: 1}, actor=ANNA)
    with pytest.raises(OrderError, match="Another store's warehouse"):
        services.begin_picking(order, actor=ANNA)
    assert told == []

    outside_news.taken(found.pk)
    outside_news.taken(found.pk)
    hear(found, Progress.SENDING)
    assert found.state == State.SENDING
    one = a_parcel(order, (1, 3), (2, 1), carrier="UPS", tracking_number="1Z9", shipped_at=NOW)
    hear(found, Progress.SENT, parcels=(one,))
    hear(found, Progress.SENT, parcels=(one,))

    made = Shipment.objects.get()
    assert (made.origin, made.carrier, made.tracking_number) == ("other", "UPS", "1Z9")
    assert (made.location, made.shipped_at) == (None, NOW)
    assert axes()[2] == "fulfilled"
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 0), (10, 0))
    assert StockMovement.objects.filter(bucket="on_hand").count() == moved
    assert [n["shipment"].reference if "shipment" in n else n["status"] for n in told] == [
        f"{found.reference}-D1",
        OrderStatus.COMPLETED,
    ]
    assert (found.state, found.next_look_at) == (State.SENT, None)
    assert titles("shipped") == ["Depot shipped 4 units: UPS 1Z9"]
    assert_books_balance()


def test_what_the_order_s_store_says_back_of_the_parcel_moves_nothing(
    store: Any, order: Order, amazon: Any
) -> None:
    """Its own fulfilment, and its word that all is done, are our parcel's echo."""
    data = make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1)))
    found = request(order, amazon)
    hear(found, Progress.SENT, parcels=(a_parcel(order, (1, 3), (2, 1), tracking_number="1Z9"),))

    echo = parcel(3, external_id="f1", tracking_number="1Z9")
    by_id(store, later(data, **DONE, shipments=(echo,)))
    by_id(store, later(data, 2, **DONE, shipments=(echo,), number="2"))

    assert Shipment.objects.get().external_id == "f1"
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 0), (10, 0))
    assert axes()[0] == "completed"
    assert_books_balance()


def test_a_store_that_calls_it_done_while_it_is_under_way_moves_no_stock(
    store: Any, order: Order, amazon: Any
) -> None:
    """Somebody ticked the order off there because it will be sent; it is sent once."""
    data = make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1)))
    found = request(order, amazon, units={line(order).pk: 2})
    services.add_shipment(order, lines={line(order).pk: 1, line(order, 2).pk: 1}, actor=ANNA)
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((9, 0), (9, 0))

    by_id(store, later(data, **DONE))
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((9, 0), (9, 0))
    hear(found, Progress.SENT, parcels=(a_parcel(order, (1, 2)),))

    assert (shelf("SKU-1"), shelf("SKU-2")) == ((9, 0), (9, 0))
    assert line(order).quantity_shipped == 3
    assert_books_balance()


@pytest.mark.parametrize("how", ["refused", "cancelled", "dropped"])
def test_what_will_not_leave_there_is_to_be_sent_from_here_again(
    order: Order, amazon: Any, how: str
) -> None:
    found = request(order, amazon)
    if how == "refused":
        outside_news.refused(found.pk, "No such address.")
        outside_news.refused(found.pk, "No such address.")
    elif how == "cancelled":
        outside_news.taken(found.pk)
        services.cancel_outside(found, actor=ANNA)
        outside_news.called_off(found.pk)
        outside_news.called_off(found.pk)
    else:
        outside_news.given_up(found.pk, was_sent=False, actor=ANNA)

    found.refresh_from_db()
    assert found.state == (State.REFUSED if how == "refused" else State.CANCELLED)
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 3), (10, 1))
    (said,) = titles("outside_ended")
    assert "4 units are to be sent from here again." in said
    services.add_shipment(order, actor=ANNA)
    assert axes()[2] == "fulfilled"
    assert_books_balance()


def test_one_unit_is_told_of_as_one(order: Order, amazon: Any) -> None:
    found = request(order, amazon, units={line(order, 2).pk: 1})

    outside_news.refused(found.pk, "No such address.")

    assert titles("outside_ended")[0].endswith("1 unit is to be sent from here again.")


def test_the_rest_of_what_was_sent_in_part_is_to_be_sent_from_here(
    order: Order, amazon: Any
) -> None:
    found = request(order, amazon)
    first = a_parcel(order, (1, 1), tracking_number="T1")
    hear(found, Progress.SENDING, parcels=(first,))
    assert (found.state, axes()[2]) == (State.SENDING, "partially_fulfilled")

    lost = ((line(order).pk.hex, 1), (line(order, 2).pk.hex, 1))
    hear(found, Progress.PARTLY_SENT, parcels=(first,), lost=lost, reason="Nothing was found.")

    # One unit of the first line left though no parcel tells of it.
    assert (found.state, found.problem) == (State.PARTLY_SENT, "Nothing was found.")
    assert line(order).quantity_shipped == 2
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 1), (10, 1))
    services.add_shipment(order, actor=ANNA)
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((9, 0), (9, 0))
    assert axes()[2] == "fulfilled"
    assert_books_balance()


def test_tracking_that_comes_later_is_told_on(
    order: Order, amazon: Any, told: list[dict[str, Any]]
) -> None:
    found = request(order, amazon)
    hear(found, Progress.SENDING, parcels=(a_parcel(order, (1, 3)),))
    hear(found, Progress.SENDING, parcels=(a_parcel(order, (1, 3), tracking_number="T9"),))

    assert Shipment.objects.get().tracking_number == "T9"
    assert [n["version"] for n in told if "shipment" in n] == [1, 2]


def test_a_person_is_refused_what_might_be_sent_twice_or_to_nobody(
    store: Any, order: Order, amazon: Any
) -> None:
    def refusal(**changes: Any) -> str:
        before = {name: getattr(order, name) for name in changes}
        Order.objects.filter(pk=order.pk).update(**changes)
        with pytest.raises(OrderError) as refused:
            request(order, amazon)
        Order.objects.filter(pk=order.pk).update(**before)
        return refused.value.code

    assert refusal(payment_status=PaymentStatus.UNPAID) == "not_paid"
    assert refusal(payment_status=PaymentStatus.REFUNDED) == "not_paid"
    assert refusal(order_status=OrderStatus.ON_HOLD) == "on_hold"
    assert refusal(order_status=OrderStatus.CANCELLED) == "order_cancelled"
    assert refusal(picking_since=NOW) == "being_picked"
    assert refusal(fulfillment_status=FulfillmentStatus.IN_PROGRESS) == "being_picked"
    assert refusal(flags=Flag.CANCEL_REQUESTED) == "cancel_requested"
    assert refusal(flags=Flag.PLATFORM_FULFILLED) == "platform_fulfilled"
    assert refusal(buyer_sealed=None) == "address_missing"
    assert refusal(erased_at=NOW) == "buyer_erased"
    with pytest.raises(OrderError, match="own store"):
        request(order, store)
    with pytest.raises(OrderError, match="somebody else"):
        request(order, make_store(make_merchant("other")))
    Listing.objects.filter(store=amazon, sku="SKU-2").update(custom={})
    with pytest.raises(OrderError, match="keeps no SKU-2 in its platform's warehouses"):
        request(order, amazon)

    request(order, amazon, units={line(order).pk: 2})
    with pytest.raises(OrderError, match="2 asked for, 1 left"):
        request(order, amazon, units={line(order).pk: 2})
    assert OutsideFulfillment.objects.count() == 1


def test_its_store_is_told_where_the_order_goes_now_and_by_a_name_like_no_other(
    store: Any, order: Order, amazon: Any
) -> None:
    first = request(order, amazon, units={line(order).pk: 1})
    second = request(order, amazon, units={line(order).pk: 1})

    told = asked(first)

    assert first.reference != second.reference
    assert len(first.reference) <= 40
    assert first.reference.startswith("LGX-1001-")
    assert (told.number, told.speed, told.address.city) == ("1001", Speed.STANDARD, "Köln")
    assert [(x.sku, x.quantity) for x in told.lines] == [("SKU-1", 1)]
    assert "Weg 1" not in repr(told)


def test_an_order_cancelled_at_its_store_is_called_off_there(
    store: Any, order: Order, amazon: Any, wishes: list[str]
) -> None:
    data = make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1)))
    found = request(order, amazon)
    outside_news.taken(found.pk)

    bring(store, later(data, status=CANCELLED, raw_status="cancelled"))

    found.refresh_from_db()
    assert (found.state, wishes) == (State.CANCELLING, ["ask", "call off"])
    outside_news.called_off(found.pk)
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 0), (10, 0))
    assert Flag.CANCEL_REQUESTED not in Order.objects.get().flag_set
    assert_books_balance()


def test_one_that_cannot_be_called_off_any_more_is_left_to_people(
    store: Any, order: Order, amazon: Any, told: list[dict[str, Any]]
) -> None:
    data = make_order(lines=(make_line(1, quantity=3), make_line(2, quantity=1)))
    found = request(order, amazon)
    bring(store, later(data, status=CANCELLED, raw_status="cancelled"))

    outside_news.not_called_off(found.pk, "It is being picked.")
    hear(found, Progress.SENT, parcels=(a_parcel(order, (1, 3), (2, 1), tracking_number="T1"),))

    order.refresh_from_db()
    assert Flag.CANCEL_REQUESTED in order.flag_set
    assert found.state == State.SENT
    assert Shipment.objects.get().tracking_number == "T1"
    assert "sends it all the same: It is being picked." in titles("attention")[0]
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 0), (10, 0))
    assert_books_balance()


def test_an_edit_while_it_is_under_way_waits_for_a_person_and_a_refund_calls_it_off(
    store: Any, order: Order, amazon: Any, wishes: list[str]
) -> None:
    lines = (make_line(1, quantity=3), make_line(2, quantity=1))
    data = make_order(lines=lines)
    found = request(order, amazon)

    bring(store, later(data, lines=(make_line(1, quantity=1), make_line(2, quantity=1))))
    assert Flag.EDITED_AFTER_IMPORT in Order.objects.get().flag_set
    assert wishes == ["ask"]
    bring(store, later(data, 2, refunds=(refund(units=1),)))

    found.refresh_from_db()
    assert wishes == ["ask", "call off"]
    assert found.state == State.CANCELLING
    assert "less of the order is wanted" in titles("outside_cancel_requested")[0]
    outside_news.called_off(found.pk)
    assert (shelf("SKU-1"), shelf("SKU-2")) == ((10, 2), (10, 1))
    assert_books_balance()


def test_one_that_was_called_off_unseen_and_turns_up_is_called_off_again(
    order: Order, amazon: Any, wishes: list[str]
) -> None:
    found = request(order, amazon)
    services.cancel_outside(found, actor=ANNA)
    outside_news.refused(found.pk, "called off")
    found.refresh_from_db()
    assert (found.state, shelf("SKU-1")) == (State.CANCELLED, (10, 3))
    assert found.next_look_at is not None

    hear(found, Progress.ACCEPTED)

    assert found.state == State.CANCELLING
    assert shelf("SKU-1") == (10, 0)
    assert wishes == ["ask", "call off", "call off"]
    with pytest.raises(OrderError):
        services.add_shipment(order, actor=ANNA)
    outside_news.called_off(found.pk)
    hear(found, Progress.CANCELLED)
    assert (found.state, found.next_look_at, shelf("SKU-1")) == (State.CANCELLED, None, (10, 3))
    assert_books_balance()


def test_units_sold_meanwhile_are_missing_when_it_is_refused(
    store: Any, order: Order, amazon: Any
) -> None:
    found = request(order, amazon)
    others = make_order(2, lines=(make_line(1, quantity=9),))
    bring(store, others)

    outside_news.refused(found.pk, "No.")

    order.refresh_from_db()
    assert Flag.OVERSOLD in order.flag_set
    assert shelf("SKU-1") == (10, 10)
    assert_books_balance()


def test_looks_come_ever_slower_and_end(order: Order, amazon: Any) -> None:
    began = timezone.now()
    steps = [
        found - began
        for looks in range(20)
        if (found := outside_news.next_look(looks, began, began))
    ]

    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (timedelta(minutes=1), timedelta(hours=12))
    assert outside_news.next_look(99, began, began + timedelta(days=46)) is None
    found = request(order, amazon)
    OutsideFulfillment.objects.update(created_at=NOW - timedelta(days=60))
    outside_news.unseen(found.pk, "It did not answer.", now=NOW)
    found.refresh_from_db()
    assert (found.state, found.next_look_at) == (State.REQUESTED, None)
    assert "has not said for 45 days" in found.problem


def test_an_address_may_be_the_billing_one_and_is_needed_in_full(store: Any, amazon: Any) -> None:
    home = Address(name="Zoë", line1="Weg 1", city="Köln", country="DE")
    data = make_order(buyer=Buyer(name="Zoë", billing=home))
    bring(store, data)
    found = request(Order.objects.get(), amazon)
    assert asked(found).address == home

    bring(store, make_order(3, buyer=Buyer(name="Zoë", shipping=replace(home, line1=""))))
    with pytest.raises(OrderError, match="no complete address"):
        request(Order.objects.get(number="1003"), amazon)

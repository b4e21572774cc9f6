"""What people do with an order: each leaves one row of the timeline, or a clear refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models import F

from inventory import ledger
from orders import services, signals
from orders.errors import OrderChangedMeanwhile, OrderError
from orders.models import Order, OrderEvent
from orders.status import Flag, ImportState, OrderStatus
from tests.factories import CANCELLED, make_order, make_store
from tests.orders.shop import axes, bring, by_id, later, shelf, stock
from tests.orders.test_standing import DONE, DRAFT

pytestmark = pytest.mark.django_db

_SIGNALS = (
    "shipment_added",
    "shipment_cancelled",
    "status_requested",
    "cancel_requested",
    "note_requested",
)


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store)
    bring(store, make_order())
    return store


@pytest.fixture
def order(store: Any) -> Order:
    return Order.objects.get()


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """What the store would be told, in order."""
    news: list[dict[str, Any]] = []

    def listen(signal: Any, sender: Any, **what: Any) -> None:
        news.append(what)

    for name in _SIGNALS:
        getattr(signals, name).connect(listen)
    yield news
    for name in _SIGNALS:
        getattr(signals, name).disconnect(listen)


def rows(kind: str) -> list[tuple[str, str, str, str]]:
    events = OrderEvent.objects.filter(kind=kind)
    return list(events.values_list("title", "origin", "actor", "request_id"))


def test_a_status_is_asked_of_the_store_and_not_set_here(
    order: Order, told: list[dict[str, Any]]
) -> None:
    services.request_status(
        order, status=OrderStatus.COMPLETED, actor="user:anna", request_id="req-1"
    )

    assert axes()[0] == "open"
    assert rows("status_requested") == [
        ("Asked the store for status completed", "person", "user:anna", "req-1")
    ]
    assert told == [{"order": order, "status": OrderStatus.COMPLETED, "actor": "user:anna"}]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (OrderStatus.CANCELLED, "use_cancel"),
        (OrderStatus.DRAFT, "status_not_settable"),
        (OrderStatus.OPEN, "already_so"),
    ],
)
def test_a_status_that_cannot_be_asked_for_is_refused(
    order: Order, status: OrderStatus, code: str, told: list[dict[str, Any]]
) -> None:
    with pytest.raises(OrderError) as caught:
        services.request_status(order, status=status, actor="user:anna")

    assert caught.value.code == code
    assert told == []
    assert not rows("status_requested")


def test_cancelling_asks_the_store_and_stock_waits_for_its_answer(
    store: Any, order: Order, told: list[dict[str, Any]]
) -> None:
    services.cancel_order(order, reason="Buyer called", actor="token:erp")

    assert shelf() == (10, 2)
    assert rows("cancel_requested") == [
        ("Asked the store to cancel: Buyer called", "hub", "token:erp", "")
    ]
    assert told == [
        {
            "order": order,
            "reason": "Buyer called",
            "notify_customer": True,
            "actor": "token:erp",
        }
    ]

    bring(store, later(make_order(), status=CANCELLED, raw_status="cancelled"))
    assert shelf() == (10, 0)
    with pytest.raises(OrderError, match="cancelled already"):
        services.cancel_order(order, actor="user:anna")
    with pytest.raises(OrderError, match="cancelled at the store"):
        services.request_status(order, status=OrderStatus.OPEN, actor="user:anna")
    with pytest.raises(OrderError, match="nothing may be shipped"):
        services.add_shipment(order, actor="user:anna")


def test_what_has_left_in_part_is_not_cancelled(order: Order, told: list[dict[str, Any]]) -> None:
    services.add_shipment(order, lines={order.lines.get().pk: 1}, actor="user:anna")
    told.clear()

    with pytest.raises(OrderError, match="Part of this order has left"):
        services.cancel_order(order, actor="user:anna")
    assert told == []


def test_a_note_goes_to_the_store_under_its_own_name(
    order: Order, told: list[dict[str, Any]]
) -> None:
    event = services.add_note(order, text="Ring twice", actor="user:anna")
    services.add_note(order, text="On its way", to_customer=True, actor="user:anna")

    assert told[0]["reference"] == f"note-{event.pk}"
    assert [(t["text"], t["to_customer"]) for t in told] == [
        ("Ring twice", False),
        ("On its way", True),
    ]
    # The text may name the buyer: the timeline does not repeat it.
    assert [title for title, *_ in rows("note")] == ["Note added", "Note for the customer sent"]
    with pytest.raises(OrderError, match="empty"):
        services.add_note(order, text="  ", actor="user:anna")


def test_an_order_the_store_deleted_is_kept_releases_stock_and_asks_a_person(
    store: Any, order: Order
) -> None:
    services.mark_gone(order, actor="platform")
    services.mark_gone(order, actor="platform")

    order.refresh_from_db()
    assert order.import_state == ImportState.NEEDS_REVIEW
    assert "deleted this order" in order.import_problem
    assert shelf() == (10, 0)
    assert [title for title, *_ in rows("gone")] == ["The store deleted this order"]
    refused: list[Callable[[], object]] = [
        lambda: services.add_shipment(order, actor="user:anna"),
        lambda: services.cancel_order(order, actor="user:anna"),
        lambda: services.request_status(order, status=OrderStatus.ON_HOLD, actor="user:anna"),
    ]
    for call in refused:
        with pytest.raises(OrderError, match="store deleted this order"):
            call()


def test_a_deleted_order_the_store_shows_again_is_an_order_again(store: Any, order: Order) -> None:
    services.mark_gone(order, actor="platform")

    assert bring(store, make_order()).reread == [order.external_id]
    by_id(store, make_order())

    order.refresh_from_db()
    assert (order.gone_at, order.import_state) == (None, ImportState.ACCEPTED)
    assert shelf() == (10, 2)


def test_the_outbox_may_put_a_row_on_the_timeline(order: Order) -> None:
    services.note_event(
        order.pk, kind="store_told", title="x" * 400, data={"a": 1}, actor="system", request_id="q"
    )

    event = OrderEvent.objects.get(kind="store_told")
    assert (len(event.title), event.data, event.origin, event.request_id) == (
        300,
        {"a": 1},
        "hub",
        "q",
    )


def test_a_draft_is_not_shipped(store: Any) -> None:
    bring(store, make_order(2, status=DRAFT, raw_status="draft"))

    with pytest.raises(OrderError) as caught:
        services.add_shipment(Order.objects.get(number="1002"), actor="user:anna")

    assert caught.value.code == "order_draft"


def test_a_finished_order_says_that_everything_left(store: Any, order: Order) -> None:
    bring(store, later(make_order(), **DONE))

    with pytest.raises(OrderError, match="Everything in this order has left"):
        services.add_shipment(order, actor="user:anna")


def test_a_change_that_somebody_overtakes_is_done_again(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an outer transaction it cannot be: then it is raised, and nothing is written."""
    real, overtaken = services.note, []

    def overtake(order: Order, *args: Any, **more: Any) -> Any:
        if not overtaken:
            overtaken.append(1)
            Order.objects.filter(pk=order.pk).update(revision=F("revision") + 1)
        return real(order, *args, **more)

    monkeypatch.setattr(services, "note", overtake)

    with pytest.raises(OrderChangedMeanwhile):
        services.add_note(order, text="x", actor="user:anna")
    services.add_note(order, text="x", actor="user:anna")


def test_a_person_decides_an_open_cancellation(order: Order) -> None:
    Order.objects.update(flags="cancel_requested,oversold")

    with pytest.raises(OrderError, match="A cancellation of this order is open"):
        services.add_shipment(order, actor="user:anna")
    services.mark_reviewed(order, actor="user:anna", request_id="r")

    order.refresh_from_db()
    assert order.flag_set == {Flag.OVERSOLD}
    assert rows("reviewed") == [("Reviewed the cancellation", "person", "user:anna", "r")]


def test_stock_of_a_past_order_is_left_alone(store: Any, order: Order) -> None:
    Order.objects.update(moves_stock=False)

    services.add_shipment(order, actor="user:anna")

    assert shelf() == (10, 2)
    assert not ledger.StockMovement.objects.filter(kind="shipment").exists()

"""Returns coming in with their order: what is written, told on the timeline, and kept to itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from logix.common.crypto import SealBroken
from orders import privacy, services, shapes
from orders.data import OrderData, ReturnData
from orders.models import Order, OrderEvent, Return, ReturnLine
from orders.status import OrderReturnStatus, ReturnStatus, return_status
from tests.factories import (
    COMPLETED,
    NOW,
    make_line,
    make_order,
    make_return,
    make_return_line,
    make_store,
)
from tests.orders.shop import bring, by_id, later, parcel, shelf, stock

pytestmark = pytest.mark.django_db

ORDER = make_order(
    status=COMPLETED,
    raw_status="completed",
    completed_at=NOW - timedelta(minutes=30),
    shipments=(parcel(2, external_id="f1"),),
)


def returned(*returns: ReturnData, minutes: int = 1, **changes: Any) -> OrderData:
    return later(ORDER, minutes, returns=returns, **changes)


def rows() -> list[dict[str, Any]]:
    """Every return as people who may see notes are shown it, without ids."""
    order = Order.objects.get()
    found = shapes.in_full(order, services.buyer_of(order))["returns"]
    for one in found:
        for row in (one, *one["lines"]):
            del row["id"]
            row.pop("line_id", None)
    return list(found)


def titles() -> list[str]:
    events = OrderEvent.objects.filter(origin=OrderEvent.Origin.STORE).exclude(kind="imported")
    return list(events.values_list("title", flat=True))


@pytest.fixture
def store() -> Any:
    store = make_store()
    stock(store)
    return store


def test_a_return_comes_in_with_its_order_and_moves_no_stock(store: Any) -> None:
    bring(store, ORDER)
    before = shelf()

    bring(store, returned(make_return()))

    line = ReturnLine.objects.select_related("line").get()
    assert line.line is not None
    assert line.line.external_id == "l1"
    assert rows() == [
        {
            "external_id": "ret1",
            "name": "#1001-R1",
            "status": "open",
            "raw_status": "OPEN",
            "problem": "",
            "handling": "record",
            "created_at": NOW,
            "lines": [
                {
                    "external_id": "rl1",
                    "quantity": 2,
                    "received": 0,
                    "restocked": 0,
                    "reason": "Too small",
                    "note": "Zoë says: pinches at the toes",
                }
            ],
        }
    ]
    assert titles() == ["Return #1001-R1 of 2 units: open (the store says “OPEN”)"]
    assert shelf() == before


def test_a_return_that_comes_with_a_new_order_is_written_with_it(store: Any) -> None:
    bring(store, returned(make_return()))

    assert [one["name"] for one in rows()] == ["#1001-R1"]
    assert [e.kind for e in OrderEvent.objects.all()] == ["imported"]


def test_each_step_of_a_return_is_a_sentence_on_the_timeline(store: Any) -> None:
    asked = make_return(status=ReturnStatus.REQUESTED, raw_status="REQUESTED")
    bring(store, ORDER)
    bring(store, returned(asked, minutes=1))
    bring(store, returned(make_return(), minutes=2))
    bring(store, returned(make_return(units=1), minutes=3))
    came = make_return(lines=(make_return_line(quantity=1, received=1),))
    bring(store, returned(came, minutes=4))
    bring(
        store, returned(replace(came, status=ReturnStatus.CLOSED, raw_status="CLOSED"), minutes=5)
    )

    assert titles() == [
        "Return #1001-R1 of 2 units: requested (the store says “REQUESTED”)",
        "Return #1001-R1: requested → open (the store says “OPEN”)",
        "Return #1001-R1: 2 → 1 unit",
        "Return #1001-R1: the store has 1 of 1 unit",
        "Return #1001-R1: open → closed (the store says “CLOSED”)",
    ]
    assert OrderEvent.objects.filter(kind="return").last().data == {  # type: ignore[union-attr]
        "before": {"status": "open", "units": 1, "received": 1},
        "after": {"status": "closed", "units": 1, "received": 1},
    }


def test_a_return_told_again_changes_nothing(store: Any) -> None:
    bring(store, returned(make_return()))
    sealed = bytes(Return.objects.get().notes_sealed or b"")

    assert bring(store, returned(make_return())).unchanged == 1
    bring(store, returned(make_return(), minutes=2, total=ORDER.total + 1))

    assert bytes(Return.objects.get().notes_sealed or b"") == sealed
    assert len(rows()) == 1


def test_a_return_that_changes_within_the_second_of_its_order_is_news(store: Any) -> None:
    """Its own time is not told, and the order's may stand still."""
    bring(store, returned(make_return()))

    done = bring(store, returned(make_return(status=ReturnStatus.CLOSED, raw_status="CLOSED")))

    assert len(done.changed) == 1
    assert [one["status"] for one in rows()] == ["closed"]


def test_other_words_about_a_return_are_told_in_one_line(store: Any) -> None:
    bring(store, returned(make_return()))

    bring(
        store,
        returned(make_return(lines=(make_return_line(note="It is the left shoe"),)), minutes=2),
    )
    bring(
        store, returned(make_return(lines=(make_return_line(note="", reason="Other"),)), minutes=3)
    )

    assert titles() == ["Changed at the store: returns"] * 2
    assert [(x["note"], x["reason"]) for x in rows()[0]["lines"]] == [("", "Other")]
    assert Return.objects.get().notes_sealed is None


def test_an_answer_that_cannot_tell_takes_nothing_away(store: Any) -> None:
    bring(store, returned(make_return()))

    bring(store, later(ORDER, 2, raw_status="completed!"))

    assert [one["name"] for one in rows()] == ["#1001-R1"]


def test_what_the_store_tells_no_longer_is_removed(store: Any) -> None:
    two = make_return(lines=(make_return_line(1, quantity=1), make_return_line(2, quantity=1)))
    bring(store, returned(two, make_return(2)))

    bring(store, returned(make_return(lines=(make_return_line(1, quantity=1),)), minutes=2))

    assert [(one["name"], len(one["lines"])) for one in rows()] == [("#1001-R1", 1)]
    assert titles() == [
        "Return #1001-R1: 2 → 1 unit",
        "The store took back return #1001-R2",
    ]


def test_what_was_put_back_stays_though_the_store_tells_no_longer_of_it(store: Any) -> None:
    bring(store, returned(make_return()))
    line = ReturnLine.objects.get()
    services.restock_return(Return.objects.get(), units={line.pk: 1}, actor="user:anna")

    bring(store, returned(make_return(lines=()), minutes=2))
    bring(store, returned(minutes=3))

    assert [x["restocked"] for x in rows()[0]["lines"]] == [1]


def test_a_word_nobody_knows_is_kept_and_named_and_holds_nothing_up(store: Any) -> None:
    odd = make_return(status=ReturnStatus.UNKNOWN, raw_status="IN_QUARANTINE")

    bring(store, ORDER)
    bring(store, returned(odd))

    order = Order.objects.get()
    assert order.import_state == "accepted"
    assert order.return_status == OrderReturnStatus.OPEN
    assert rows()[0]["problem"].startswith("The store says “IN_QUARANTINE” of this return")
    assert titles() == ["Return #1001-R1 of 2 units: unknown (the store says “IN_QUARANTINE”)"]


def test_a_line_the_store_does_not_name_is_kept(store: Any) -> None:
    bring(
        store,
        returned(make_return(lines=(make_return_line(line_external_id=""), make_return_line(2)))),
    )

    found = [x.line and x.line.external_id for x in ReturnLine.objects.all()]
    assert found == [None, "l1"]


def test_notes_are_sealed_and_shown_to_those_alone_who_may_see_buyers(store: Any) -> None:
    bring(store, returned(make_return()))

    order, found = Order.objects.get(), Return.objects.get()
    columns = repr(list(Return.objects.values())) + repr(list(ReturnLine.objects.values()))
    columns += repr(list(OrderEvent.objects.values()))
    assert "pinches" not in columns
    assert privacy.notes_of(order, found) == {"rl1": "Zoë says: pinches at the toes"}
    hidden = shapes.return_of(order, found, with_notes=False)
    assert [x["note"] for x in hidden["lines"]] == [None]


def test_notes_moved_to_another_return_do_not_open(store: Any) -> None:
    bring(store, returned(make_return(1), make_return(2)))
    one, other = Return.objects.all()
    one.notes_sealed = other.notes_sealed
    one.save()

    with pytest.raises(SealBroken):
        privacy.notes_of(Order.objects.get(), one)


def test_an_erased_buyer_takes_the_notes_along_for_good(store: Any) -> None:
    bring(store, returned(make_return()))

    services.erase_buyer(Order.objects.get(), actor="user:anna")
    assert Return.objects.get().notes_sealed is None

    bring(store, returned(make_return(1), make_return(2), minutes=2))

    assert [bool(one.notes_sealed) for one in Return.objects.all()] == [False, False]
    assert [x.reason for x in ReturnLine.objects.all()] == ["Too small"] * 2


R = ReturnStatus


@pytest.mark.parametrize(
    ("statuses", "returned", "expected"),
    [
        ((), 0, "none"),
        ((R.REQUESTED,), 0, "requested"),
        ((R.REQUESTED, R.OPEN), 0, "open"),
        ((R.UNKNOWN, R.CLOSED), 3, "open"),
        ((R.CLOSED, R.REQUESTED), 1, "requested"),
        ((R.CLOSED,), 1, "partly_returned"),
        ((R.CLOSED, R.CLOSED), 3, "returned"),
        ((R.DECLINED, R.CANCELLED), 0, "none"),
    ],
)
def test_what_the_returns_of_an_order_come_to(
    statuses: tuple[ReturnStatus, ...], returned: int, expected: str
) -> None:
    assert return_status(statuses, returned=returned, ordered=3) == expected


def test_the_order_counts_its_closed_returns(store: Any) -> None:
    closed = make_return(units=1, status=ReturnStatus.CLOSED, raw_status="CLOSED")
    bring(store, returned(closed))
    assert Order.objects.get().return_status == OrderReturnStatus.PARTLY_RETURNED

    by_id(store, returned(closed, replace(closed, external_id="ret2"), minutes=2))

    assert Order.objects.get().return_status == OrderReturnStatus.RETURNED


def test_100_orders_with_returns_cost_at_most_30_statements_new_or_changed(
    store: Any, django_assert_max_num_queries: Any
) -> None:
    stock(store, *range(1, 101), units=1000)
    orders = [
        make_order(n, lines=(make_line(n, external_id="l1"),), returns=(make_return(),))
        for n in range(1, 101)
    ]
    with django_assert_max_num_queries(30):
        bring(store, *orders)
    changed = [
        later(o, returns=(make_return(status=ReturnStatus.CLOSED, units=1),)) for o in orders
    ]

    with django_assert_max_num_queries(30):
        bring(store, *changed)

    assert Return.objects.filter(status="closed", lines__quantity=1).count() == 100

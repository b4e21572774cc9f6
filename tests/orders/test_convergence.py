"""Whatever order news arrive in, and however often, an order and its stock end the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from math import factorial
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.catalogue import import_products
from inventory.models import Reservation, StockLevel, StockMovement
from orders.data import OrderData
from orders.models import Order, OrderEvent, OrderLine, Payment, Refund, Shipment
from tests.factories import CANCELLED, COMPLETED, NOW, make_line, make_order, make_product
from tests.factories import make_store as new_store
from tests.orders.shop import assert_books_balance, bring, by_id, later, parcel, refund, stock

pytestmark = pytest.mark.django_db

_DONE = {"status": COMPLETED, "raw_status": "completed", "completed_at": NOW + timedelta(minutes=9)}
_ORDER = make_order()
_EDITED = later(_ORDER, 1, lines=(make_line(quantity=5),))
_ONE_BACK = later(_EDITED, 1, refunds=(refund(units=1),))
_PARCEL = later(_ONE_BACK, 1, shipments=(parcel(1, external_id="f1"),))
_MORE = later(_ONE_BACK, 2, shipments=(parcel(2, external_id="f1"), parcel(1, external_id="f2")))

HISTORIES: dict[str, Sequence[OrderData]] = {
    "edited, refunded in part, cancelled": (
        _ORDER,
        _EDITED,
        _ONE_BACK,
        later(_ONE_BACK, 5, status=CANCELLED, raw_status="cancelled"),
    ),
    "edited, refunded in part, shipped": (_ORDER, _EDITED, _ONE_BACK, later(_ONE_BACK, 5, **_DONE)),
    "shipped, then cancelled": (
        _ORDER,
        later(_ORDER, 1, **_DONE),
        later(_ORDER, 12, **{**_DONE, "status": CANCELLED, "raw_status": "cancelled"}),
    ),
    "shipped, then one unit came back": (
        _ORDER,
        later(_ORDER, 9, **_DONE),
        later(
            _ORDER,
            30,
            refunds=(refund(units=1, created_at=NOW + timedelta(minutes=29)),),
            **_DONE,
        ),
    ),
    "two parcels, one of them changed": (_ORDER, _ONE_BACK, _PARCEL, _MORE),
    "a refund that was taken back": (
        _ORDER,
        later(_ORDER, 1, refunds=(refund(),)),
        later(_ORDER, 2),
    ),
}


def world(store: Any) -> dict[str, Any]:
    """All that must not depend on the way: the order, its live lines and money, and stock."""
    order = Order.objects.get(store=store)
    own = {"order": order}
    return {
        "axes": (order.order_status, order.payment_status, order.fulfillment_status),
        "money": (order.total, order.paid_total, order.refunded_total),
        "lines": sorted(
            OrderLine.objects.filter(removed_at=None, **own).values_list(
                "external_id", "quantity", "quantity_refunded", "quantity_shipped"
            )
        ),
        "payments": sorted(Payment.objects.filter(**own).values_list("external_id", "amount")),
        "refunds": sorted(Refund.objects.filter(**own).values_list("external_id", "amount")),
        "levels": sorted(
            StockLevel.objects.filter(merchant=store.merchant_id).values_list(
                "variant__sku", "on_hand", "reserved"
            )
        ),
        "held": sorted(
            Reservation.objects.filter(order_ref=order.pk)
            .exclude(quantity=0, short=0, shipped=0)
            .values_list("quantity", "short", "shipped")
        ),
    }


def stocked() -> Any:
    store = new_store()
    stock(store)
    return store


def hear(store: Any, record: OrderData) -> None:
    """What a page cannot decide is read again by id."""
    if bring(store, record).reread:
        by_id(store, record)


def arrive(store: Any, news: Sequence[OrderData], *, twice: bool = False) -> dict[str, Any]:
    """How it ends when news arrive in this order; then it is taken back."""
    with transaction.atomic():
        for record in news:
            for _ in range(2 if twice else 1):
                hear(store, record)
        assert_books_balance()
        found = world(store)
        transaction.set_rollback(True)
    return found


def endings(store: Any, left: Sequence[OrderData]) -> list[dict[str, Any]]:
    """How it ends for every order in which what is ``left`` can arrive. What several of them begin
    with arrives once.
    """
    if not left:
        assert_books_balance()
        return [world(store)]
    found = []
    for number, record in enumerate(left):
        with transaction.atomic():
            hear(store, record)
            found += endings(store, [*left[:number], *left[number + 1 :]])
            transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("history", HISTORIES.values(), ids=list(HISTORIES))
def test_every_permutation_ends_the_same(history: Sequence[OrderData]) -> None:
    """The newest state alone decides, and the first of all ways is the one it happened in."""
    first, *others = endings(stocked(), history)

    assert len(others) == factorial(len(history)) - 1
    assert [other for other in others if other != first] == []


@pytest.mark.parametrize("history", HISTORIES.values(), ids=list(HISTORIES))
def test_a_replay_changes_no_row(history: Sequence[OrderData]) -> None:
    store = stocked()
    for record in history:
        hear(store, record)
    before = everything()

    for record in history:
        bring(store, record)
    by_id(store, history[-1])

    assert everything() == before


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_history_shuffled_and_doubled_ends_the_same(data: st.DataObject) -> None:
    kinds = st.sampled_from(["edit", "add", "refund", "custom"])
    record, history = _ORDER, [_ORDER]
    for _ in range(data.draw(st.integers(1, 4))):
        record = _next(record, data.draw(kinds), data.draw(st.integers(0, 6)))
        history.append(record)
    end = data.draw(st.sampled_from(["", "cancelled", "completed"]))
    if end:
        changes = {"cancelled": {"status": CANCELLED, "raw_status": end}, "completed": _DONE}[end]
        history.append(later(record, 20, **changes))

    shuffled = data.draw(st.permutations(history))

    with transaction.atomic():
        store = stocked()
        assert arrive(store, shuffled, twice=True) == arrive(store, history)
        transaction.set_rollback(True)


def _next(record: OrderData, kind: str, units: int) -> OrderData:
    changes: dict[str, Any] = {"custom": {"step": str(record.changed_at)}}
    if kind == "edit":
        changes["lines"] = (dataclasses.replace(record.lines[0], quantity=units), *record.lines[1:])
    elif kind == "add":
        number = len(record.lines) + 1
        changes["lines"] = (*record.lines, make_line(1, external_id=f"l{number}", quantity=units))
    elif kind == "refund":
        number = len(record.refunds) + 1
        changes["refunds"] = (*record.refunds, refund(number, units=units % 2))
    return later(record, 1, **changes)


def everything() -> dict[str, Any]:
    tables = (Order, OrderLine, Payment, Refund, Shipment, OrderEvent)
    tables += (StockLevel, StockMovement, Reservation)  # type: ignore[assignment]
    # When we last looked may move; nothing else.
    return {
        table.__name__: [
            {k: v for k, v in row.items() if k != "observed_at"}
            for row in table._default_manager.order_by("pk").values()
        ]
        for table in tables
    }


def test_orders_and_products_may_come_in_any_order() -> None:
    """The unknown SKU waits; figures of the store are counted after its orders were read."""
    seen: list[dict[str, Any]] = []
    line = make_line(external_product_id="", external_variant_id="", sku=" sku-1 ")
    for first in ("order", "product"):
        with transaction.atomic():
            store = new_store()
            for what in (first, "order" if first == "product" else "product"):
                if what == "order":
                    bring(store, make_order(lines=(line,)))
                else:
                    import_products(store, [make_product()], observed_at=NOW, now=NOW)
            seen.append({**world(store), "state": Order.objects.get().import_state})
            transaction.set_rollback(True)

    assert seen[0] == seen[1]
    assert seen[0]["state"] == "accepted"


def test_who_cancels_frees_the_unit_for_who_waits() -> None:
    """One unit, two buyers: whatever comes first, the one who stays has it."""
    first, second = make_order(1, lines=(make_line(quantity=1),)), make_order(2)
    second = dataclasses.replace(second, lines=(make_line(external_id="x", quantity=1),))
    gone = later(first, 1, status=CANCELLED, raw_status="cancelled")
    for sequence in ((first, second, gone), (first, gone, second), (second, first, gone)):
        with transaction.atomic():
            store = new_store()
            stock(store, units=1)
            for record in sequence:
                bring(store, record)
            held = Reservation.objects.get(line_ref__in=OrderLine.objects.filter(external_id="x"))
            assert (held.quantity, held.short) == (1, 0)
            assert_books_balance()
            transaction.set_rollback(True)

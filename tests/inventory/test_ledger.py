"""The only writer of stock: each cause once, the trail adds up, what is freed goes to who waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import ledger, locations, signals
from inventory.ledger import Demand, LedgerConflict, LedgerRefused, OpeningCount
from inventory.models import (
    Location,
    MovementKind,
    Product,
    Reservation,
    StockLevel,
    StockMovement,
    Variant,
)
from logix.common import bulk
from logix.common.ids import uuid7
from tests.factories import NOW, make_merchant, make_store
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return make_store()


@pytest.fixture
def item(store: Any) -> Variant:
    return make_item(store.merchant)


@pytest.fixture
def main(store: Any) -> Location:
    return locations.default(store.merchant_id)


@pytest.fixture
def shop(store: Any, main: Location) -> Location:
    return locations.create(store.merchant_id, code="shop", name="Shop", rank=50)


def make_item(merchant: Any, sku: str = "A") -> Variant:
    product = Product.objects.create(merchant=merchant, title=sku, kind="simple")
    return Variant.objects.create(merchant=merchant, product=product, sku=sku, sku_key=sku.lower())


def count(item: Variant, place: Location, units: int) -> StockMovement:
    return ledger.adjust(
        variant=item, location=place, set_to=units, reason="Count", actor="user:anna"
    )


def ask(
    store: Any, item: Variant, outstanding: int, shipped: int = 0, *, line: UUID, **more: Any
) -> dict[UUID, int]:
    fields: dict[str, Any] = {
        "line_ref": line,
        "order_ref": line,
        "store_id": store.pk,
        "variant_id": item.pk,
        "outstanding": outstanding,
        "shipped": shipped,
        "placed_at": NOW,
        **more,
    }
    return ledger.settle(store.merchant_id, [Demand(**fields)])


def shelves(item: Variant) -> dict[str, tuple[int, int]]:
    levels = StockLevel.objects.filter(variant=item).select_related("location")
    return {x.location.code: (x.on_hand, x.reserved) for x in levels}


def held(line: UUID) -> list[tuple[str, int, int, int]]:
    """(place, reserved, short, shipped)."""
    rows = (
        Reservation.objects.filter(line_ref=line)
        .select_related("location")
        .order_by("location__code")
    )
    return [(r.location.code, r.quantity, r.short, r.shipped) for r in rows]


def trail(kind: MovementKind) -> list[tuple[str, int, int, int]]:
    rows = StockMovement.objects.filter(kind=kind).order_by("id")
    return [(m.bucket, m.before, m.delta, m.after) for m in rows]


# --- by hand ---


def test_a_count_sets_and_an_adjustment_changes(item: Variant, main: Location) -> None:
    counted = count(item, main, 7)
    ledger.adjust(
        variant=item,
        location=main,
        delta=-2,
        reason="Dropped",
        actor="user:anna",
        request_id="r1",
    )

    assert shelves(item) == {"main": (5, 0)}
    assert (counted.kind, counted.before, counted.delta, counted.after) == ("count", 0, 7, 7)
    second = StockMovement.objects.get(kind="adjustment")
    assert (second.reason, second.actor, second.request_id) == ("Dropped", "user:anna", "r1")
    assert_books_balance()


def test_a_count_that_finds_what_was_expected_is_still_on_record(
    item: Variant, main: Location
) -> None:
    count(item, main, 7)
    count(item, main, 7)

    assert trail(MovementKind.COUNT) == [("on_hand", 0, 7, 7), ("on_hand", 7, 0, 7)]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "Give either a change or a counted quantity"),
        ({"delta": 1, "set_to": 1}, "Give either a change or a counted quantity"),
        ({"set_to": -1}, "cannot be below zero"),
    ],
)
def test_what_makes_no_sense_is_refused(
    item: Variant, main: Location, asked: dict[str, int], sentence: str
) -> None:
    with pytest.raises(LedgerRefused, match=sentence):
        ledger.adjust(variant=item, location=main, reason="", actor="user:anna", **asked)
    assert not StockMovement.objects.exists()


def test_the_same_cause_moves_stock_once(item: Variant, main: Location) -> None:
    moved = [
        ledger.adjust(
            variant=item, location=main, delta=5, reason="", actor="x", cause="delivery:7"
        )
        for _ in range(3)
    ]

    assert len({m.pk for m in moved}) == 1
    assert shelves(item) == {"main": (5, 0)}


def test_returned_goods_are_restocked_once_by_decision(item: Variant, main: Location) -> None:
    order = uuid7()
    for _ in range(2):
        moved = ledger.restock(
            variant=item,
            location=main,
            units=2,
            cause="return:1",
            reason="As new",
            order_ref=order,
            actor="user:anna",
        )

    assert (moved.kind, moved.order_ref, moved.reason) == ("restock", order, "As new")
    assert shelves(item) == {"main": (2, 0)}
    with pytest.raises(LedgerRefused, match="at least one unit"):
        ledger.restock(variant=item, location=main, units=0, cause="return:2", actor="user:anna")


def test_the_place_of_another_merchant_is_refused(store: Any, item: Variant) -> None:
    theirs = locations.default(make_merchant("other").pk)

    with pytest.raises(LedgerRefused, match="different merchants"):
        count(item, theirs, 1)
    with pytest.raises(LedgerRefused, match="somebody else"):
        ask(store, item, 0, 1, line=uuid7(), location_id=theirs.pk)
    assert not StockLevel.objects.filter(location=theirs).exists()


def test_a_closed_place_can_still_be_corrected(
    item: Variant, main: Location, shop: Location
) -> None:
    count(item, main, 1)
    count(item, shop, 5)
    locations.change(shop, is_active=False)

    count(item, shop, 3)

    assert shelves(item) == {"main": (1, 0), "shop": (3, 0)}


def test_a_size_that_is_counted_elsewhere_is_adjusted_there(item: Variant, main: Location) -> None:
    size = make_item(item.merchant, "A-S")
    size.counted_as = item
    size.save()

    count(size, main, 4)

    assert shelves(item) == {"main": (4, 0)}
    assert shelves(size) == {}


# --- lines of orders ---


def test_a_line_is_reserved_shipped_in_part_and_released(
    store: Any, item: Variant, main: Location
) -> None:
    count(item, main, 10)
    line = uuid7()

    ask(store, item, 5, line=line)
    ask(store, item, 3, 2, line=line)
    ask(store, item, 0, 2, line=line)

    assert shelves(item) == {"main": (8, 0)}
    assert held(line) == [("main", 0, 0, 2)]
    assert trail(MovementKind.RESERVE) == [("reserved", 0, 5, 5)]
    assert trail(MovementKind.SHIPMENT) == [("reserved", 5, -2, 3), ("on_hand", 10, -2, 8)]
    assert trail(MovementKind.RELEASE) == [("reserved", 3, -3, 0)]
    assert_books_balance()


def test_the_same_demand_again_writes_nothing(store: Any, item: Variant, main: Location) -> None:
    count(item, main, 10)
    line = uuid7()
    expires_at = NOW + timedelta(hours=1)
    for _ in range(3):
        ask(store, item, 2, 1, line=line, expires_at=expires_at)

    assert StockMovement.objects.count() == 3
    assert Reservation.objects.get().version == 1


def test_a_new_end_of_a_hold_is_kept(store: Any, item: Variant, main: Location) -> None:
    line = uuid7()
    ask(store, item, 2, line=line)
    ask(store, item, 2, line=line, expires_at=NOW)

    assert Reservation.objects.get().expires_at == NOW


def test_what_nobody_counted_is_reserved_whole_and_never_called_short(
    store: Any, item: Variant
) -> None:
    assert ask(store, item, 1000, line=uuid7()) == {}
    assert shelves(item) == {"main": (0, 1000)}


def test_one_place_that_has_enough_is_taken_before_two_that_share(
    store: Any, item: Variant, main: Location, shop: Location
) -> None:
    count(item, main, 2)
    count(item, shop, 5)
    whole, split = uuid7(), uuid7()

    ask(store, item, 4, line=whole)
    assert held(whole) == [("shop", 4, 0, 0)]

    short = ask(store, item, 4, line=split)
    assert held(split) == [("main", 2, 1, 0), ("shop", 1, 0, 0)]
    assert short == {split: 1}


def test_given_back_is_first_what_was_never_there(
    store: Any, item: Variant, main: Location, shop: Location
) -> None:
    count(item, main, 2)
    count(item, shop, 1)
    line = uuid7()
    ask(store, item, 4, line=line)

    ask(store, item, 3, line=line)
    assert held(line) == [("main", 2, 0, 0), ("shop", 1, 0, 0)]

    ask(store, item, 1, line=line)
    assert held(line) == [("main", 1, 0, 0), ("shop", 0, 0, 0)]


def test_a_cancelled_order_serves_who_waits_oldest_first(
    store: Any, item: Variant, main: Location
) -> None:
    count(item, main, 3)
    first, young, old = uuid7(), uuid7(), uuid7()
    ask(store, item, 3, line=first)
    ask(store, item, 2, line=young, placed_at=NOW)
    ask(store, item, 2, line=old, placed_at=NOW - timedelta(hours=1))

    ask(store, item, 0, line=first)

    assert (held(old), held(young)) == ([("main", 2, 0, 0)], [("main", 1, 1, 0)])
    assert shelves(item) == {"main": (3, 3)}
    assert_books_balance()


def test_goods_that_arrive_elsewhere_serve_who_waits_here(
    store: Any, item: Variant, main: Location, shop: Location
) -> None:
    count(item, main, 1)
    line = uuid7()
    ask(store, item, 3, line=line)

    count(item, shop, 5)

    assert held(line) == [("main", 1, 0, 0), ("shop", 2, 0, 0)]
    assert shelves(item) == {"main": (1, 1), "shop": (5, 2)}


def test_a_reservation_in_a_place_that_closed_is_released_shipped_and_not_lost(
    store: Any, item: Variant, main: Location, shop: Location
) -> None:
    count(item, shop, 5)
    gone, sent = uuid7(), uuid7()
    ask(store, item, 2, line=gone)
    ask(store, item, 2, line=sent)
    locations.change(shop, is_active=False)

    ask(store, item, 0, line=gone)
    ask(store, item, 0, 2, line=sent)

    assert shelves(item)["shop"] == (3, 0)
    assert_books_balance()


def test_a_merchant_who_closed_every_place_still_takes_orders(
    store: Any, item: Variant, main: Location
) -> None:
    locations.change(main, is_active=False)
    line = uuid7()

    ask(store, item, 1, line=line)
    ask(store, make_item(store.merchant, "B"), 1, line=uuid7())

    assert held(line) == [("main", 1, 0, 0)]


def test_what_was_taken_elsewhere_than_reserved_leaves_there(
    store: Any, item: Variant, main: Location, shop: Location
) -> None:
    count(item, main, 5)
    line = uuid7()
    ask(store, item, 2, line=line)

    ask(store, item, 1, 1, line=line, location_id=shop.pk)
    ask(store, item, 0, 2, line=line, location_id=main.pk)

    assert shelves(item) == {"main": (4, 0), "shop": (-1, 0)}
    assert held(line) == [("main", 0, 0, 1), ("shop", 0, 0, 1)]
    assert_books_balance()


def test_a_shipment_taken_back_returns_to_where_it_left(
    store: Any, item: Variant, main: Location, shop: Location
) -> None:
    count(item, main, 5)
    count(item, shop, 5)
    line = uuid7()
    ask(store, item, 0, 2, line=line, location_id=shop.pk)
    ask(store, item, 0, 3, line=line, location_id=main.pk)

    ask(store, item, 1, 1, line=line)

    assert sum(on_hand for on_hand, _ in shelves(item).values()) == 9
    assert sum(row[3] for row in held(line)) == 1
    assert_books_balance()


def test_a_line_that_names_another_item_now_moves_its_reservation(
    store: Any, item: Variant, main: Location
) -> None:
    other = make_item(store.merchant, "B")
    count(item, main, 5)
    count(other, main, 5)
    line = uuid7()
    ask(store, item, 3, 1, line=line)

    ask(store, other, 3, 1, line=line)

    assert (shelves(item), shelves(other)) == ({"main": (4, 0)}, {"main": (5, 3)})
    assert_books_balance()


def test_stock_is_announced_only_when_a_store_could_show_another_figure(
    store: Any, item: Variant, main: Location
) -> None:
    told: list[Any] = []

    def listen(variant_ids: Any, **_: Any) -> None:
        told.append(variant_ids)

    signals.stock_changed.connect(listen)
    try:
        count(item, main, 2)
        line = uuid7()
        ask(store, item, 2, line=line)
        ask(store, item, 0, 2, line=line)
        ask(store, item, 0, 2, line=line)
    finally:
        signals.stock_changed.disconnect(listen)

    # Counted, reserved; what leaves was promised before.
    assert told == [frozenset({item.pk})] * 2


def test_who_is_overtaken_writes_nothing(
    store: Any, item: Variant, main: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(item, main, 5)
    real = bulk.update

    def overtaken(model: Any, rows: Any, **more: Any) -> Any:
        return set() if model is StockLevel else real(model, rows, **more)

    monkeypatch.setattr(bulk, "update", overtaken)
    with pytest.raises(LedgerConflict):
        ask(store, item, 1, line=uuid7())
    monkeypatch.undo()

    assert not Reservation.objects.exists()
    assert shelves(item) == {"main": (5, 0)}


def test_a_level_somebody_else_just_opened_is_a_conflict(
    item: Variant, shop: Location, main: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(item, main, 1)
    real = bulk.insert

    def taken(model: Any, rows: Any, **more: Any) -> Any:
        return set() if model is StockLevel else real(model, rows, **more)

    monkeypatch.setattr(bulk, "insert", taken)
    with pytest.raises(LedgerConflict):
        count(item, shop, 1)


# --- first counts ---


def test_the_first_count_adds_what_orders_hold_already(store: Any, item: Variant) -> None:
    """The store's figure is lowered by its open orders; one placed after we looked is not in it."""
    seen_at = NOW
    ask(store, item, 2, line=uuid7(), placed_at=NOW - timedelta(hours=1))
    ask(store, item, 1, line=uuid7(), placed_at=NOW + timedelta(minutes=1))
    opening = OpeningCount(variant_id=item.pk, quantity=10, seen_at=seen_at)

    opened = [ledger.open_counts(store.merchant_id, [opening], reason="First") for _ in range(2)]

    assert opened == [1, 0]
    assert shelves(item) == {"main": (12, 3)}
    assert trail(MovementKind.OPENING) == [("on_hand", 0, 12, 12)]


def test_what_left_before_the_first_count_is_known_to_the_figure(store: Any, item: Variant) -> None:
    ask(store, item, 0, 3, line=uuid7())
    assert shelves(item) == {"main": (-3, 0)}

    ledger.open_counts(
        store.merchant_id,
        [OpeningCount(variant_id=item.pk, quantity=4, seen_at=NOW)],
        reason="First",
    )

    assert shelves(item) == {"main": (4, 0)}


def test_what_a_person_counted_is_not_opened_again(
    store: Any, item: Variant, main: Location
) -> None:
    count(item, main, 1)

    opening = OpeningCount(variant_id=item.pk, quantity=10, seen_at=NOW)
    assert ledger.open_counts(store.merchant_id, [opening], reason="First") == 0
    assert shelves(item) == {"main": (1, 0)}


# --- always ---

_steps = st.lists(
    st.one_of(
        st.tuples(st.just("line"), st.integers(0, 2), st.integers(0, 6), st.integers(0, 4)),
        st.tuples(st.just("count"), st.integers(0, 1), st.integers(0, 8), st.just(0)),
        st.tuples(st.just("close"), st.integers(0, 1), st.integers(0, 1), st.just(0)),
    ),
    min_size=1,
    max_size=8,
)


@given(steps=_steps)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_happens_the_books_balance_and_lines_hold_what_they_ask(steps: Any) -> None:
    with transaction.atomic():
        store = make_store()
        item = make_item(store.merchant)
        places = [
            locations.default(store.merchant_id),
            locations.create(store.merchant_id, code="shop", name="Shop"),
        ]
        lines = [uuid7() for _ in range(3)]
        asked: dict[UUID, tuple[int, int]] = {}
        for kind, which, units, more in steps:
            if kind == "line":
                ask(store, item, units, more, line=lines[which])
                asked[lines[which]] = (units, more)
            elif kind == "count":
                count(item, places[which], units)
            else:
                locations.change(places[which], is_active=bool(units))
        assert_books_balance()
        for line, (outstanding, shipped) in asked.items():
            rows = held(line)
            assert sum(row[1] + row[2] for row in rows) == outstanding
            assert sum(row[3] for row in rows) == shipped
        transaction.set_rollback(True)

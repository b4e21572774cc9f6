"""Levels are what their movements and reservations say, and what is not is found."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import allocating, ledger, locations, verifying
from inventory.ledger import LedgerConflict
from inventory.models import (
    Allocation,
    Location,
    Reservation,
    StockLevel,
    StockMovement,
    Variant,
)
from inventory.verifying import Difference
from logix.common.ids import uuid7
from logix.common.transactions import again_on
from tests.factories import make_store
from tests.inventory.test_ledger import ask, count, make_item
from tests.inventory.test_races import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return make_store()


@pytest.fixture
def main(store: Any) -> Location:
    return locations.default(store.merchant_id)


@pytest.fixture
def item(store: Any, main: Location) -> Variant:
    """Counted twice, sold, shipped in part and sold out in another place."""
    item = make_item(store.merchant)
    north = locations.create(store.merchant_id, code="north", name="North", rank=50)
    count(item, main, 9)
    count(item, main, 12)
    count(item, north, 0)
    ask(store, item, 4, line=uuid7())
    line = uuid7()
    ask(store, item, 3, line=line)
    ask(store, item, 1, 2, line=line)
    allocating.make(store, item, main, units=3, actor="user:anna")
    return item


def said() -> list[str]:
    return [str(one) for one in verifying.differences(Variant.objects.values_list("pk", flat=True))]


def the(**of: Any) -> Any:
    return StockMovement.objects.filter(**of).order_by("at", "id")


def move(rows: Any, **changes: Any) -> None:
    """Change a row behind the ledger's back."""
    assert type(rows.first())._default_manager.filter(pk=rows.first().pk).update(**changes) == 1


def test_what_the_ledger_wrote_adds_up(item: Variant) -> None:
    assert said() == []


_GAP = (
    "A at Main warehouse: the trail of on hand has a gap: a movement does not begin where another "
    "ended."
)
BROKEN: list[tuple[Callable[[], Any], list[str]]] = [
    (
        lambda: move(StockLevel.objects.filter(on_hand=10), on_hand=11),
        ["A at Main warehouse: on hand is 11, its movements add up to 10."],
    ),
    (
        lambda: move(StockLevel.objects.filter(on_hand=10), reserved=6),
        [
            "A at Main warehouse: reserved is 6, its movements add up to 5.",
            "A at Main warehouse: reserved is 6, orders hold 5.",
        ],
    ),
    (
        lambda: move(Reservation.objects.filter(quantity=4), quantity=3),
        ["A at Main warehouse: reserved is 5, orders hold 4."],
    ),
    (
        lambda: move(the(kind="count", delta=3), delta=4),
        ["A at Main warehouse: on hand is 10, its movements add up to 11."],
    ),
    (lambda: move(the(kind="count", delta=3), after=13), [_GAP]),
    (
        lambda: move(the(kind="count", delta=3), before=10, after=13),
        [_GAP],
    ),
    (
        lambda: the(kind="count", delta=3).delete(),
        ["A at Main warehouse: on hand is 10, its movements add up to 7."],
    ),
    (
        lambda: move(StockLevel.objects.filter(on_hand=10), allocated=4),
        [
            "A at Main warehouse: set aside is 4, its movements add up to 3.",
            "A at Main warehouse: set aside is 4, of what is set aside 3 are left.",
        ],
    ),
    (
        lambda: move(Allocation.objects.filter(left=3), left=2),
        ["A at Main warehouse: set aside is 3, of what is set aside 2 are left."],
    ),
    (
        lambda: StockLevel.objects.filter(on_hand=10).delete(),
        [
            "A at Main warehouse: its level is gone; movements or reservations of it are still "
            "there."
        ],
    ),
]


@pytest.mark.parametrize(("breaks", "sentences"), BROKEN)
def test_what_was_changed_behind_the_ledgers_back_is_found(
    item: Variant, breaks: Callable[[], Any], sentences: list[str]
) -> None:
    breaks()

    assert said() == sentences
    assert said() == sentences, "it only looks"


def test_a_trail_is_whole_in_whatever_order_its_times_are(item: Variant) -> None:
    """A transaction that waited for another one began, and so is dated, before it."""
    first, second = the(kind="count", location__code="main")
    StockMovement.objects.filter(pk=first.pk).update(at=second.at)
    StockMovement.objects.filter(pk=second.pk).update(at=first.at)

    assert said() == []


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(shift=st.integers(-50, 50).filter(bool), number=st.integers(0, 20))
def test_a_shifted_link_of_a_trail_is_always_found(item: Variant, shift: int, number: int) -> None:
    links = list(StockMovement.objects.exclude(delta=0).order_by("pk"))
    link = links[number % len(links)]
    StockMovement.objects.filter(pk=link.pk).update(
        before=F("before") + shift, after=F("after") + shift
    )

    assert len(said()) == 1

    StockMovement.objects.filter(pk=link.pk).update(
        before=F("before") - shift, after=F("after") - shift
    )
    assert said() == []


def test_large_counts_add_up(store: Any, main: Location) -> None:
    item = make_item(store.merchant)
    for units in (100_000_000, 3, 99_999_999):
        count(item, main, units)

    assert said() == []
    StockMovement.objects.filter(before=3).update(before=4, after=100_000_000)
    assert said() == [_GAP]


def test_many_items_are_looked_at_in_batches(
    store: Any, main: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "BATCH", 3)
    items = [make_item(store.merchant, f"I{n}") for n in range(8)]
    for item in items:
        ledger.adjust(variant=item, location=main, set_to=5, reason="Count", actor="user:anna")

    found = list(verifying.batches(Variant.objects.all()))

    assert [len(ids) for ids in found] == [3, 3, 2]
    assert sorted(pk for ids in found for pk in ids) == sorted(item.pk for item in items)
    assert list(verifying.batches(Variant.objects.all(), found[1][-1])) == found[2:]
    with CaptureQueriesContext(connection) as few:
        verifying.differences(found[2])
    with CaptureQueriesContext(connection) as many:
        verifying.differences([item.pk for item in items])
    assert len(few) == len(many) == 1


@pytest.mark.django_db(transaction=True)
def test_stock_that_is_being_written_is_never_called_wrong(store: Any, main: Location) -> None:
    items = [make_item(store.merchant, f"I{n}") for n in range(3)]
    for item in items:
        count(item, main, 50)
    ids = [item.pk for item in items]
    done = threading.Event()
    wrong: list[Difference] = []
    looks = 0

    def look() -> None:
        nonlocal looks
        while not done.is_set():
            wrong.extend(verifying.differences(ids))
            looks += 1

    def sell(item: Variant) -> None:
        for _ in range(15):
            line = uuid7()
            retry = again_on(LedgerConflict, attempts=30)
            retry(lambda: ask(store, item, 2, line=line))  # noqa: B023 - called at once
            retry(lambda: ask(store, item, 0, 1, line=line))  # noqa: B023 - called at once

    watcher = threading.Thread(target=lambda: together([look]))
    watcher.start()
    assert together([lambda item=item: sell(item) for item in items]) == []  # type: ignore[misc]
    done.set()
    watcher.join(60)

    assert (wrong, said()) == ([], [])
    assert looks > 3

"""Where the units of an order are taken from, by the strategy of its store."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory import allocating, ledger, locations, selling_places
from inventory.data import StoreLocationData
from inventory.ledger import Demand
from inventory.models import Location, Reservation, StoreLocation, Variant
from inventory.selling_places import Given
from inventory.shelves import OPTION, Strategy
from logix.common.ids import uuid7
from tests.factories import NOW, make_store
from tests.inventory.test_ledger import count, make_item
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db

PLACES = ("a", "b", "c")


@pytest.fixture
def store() -> Any:
    """Three places in order of choice, each shown at a location of the store of the same name."""
    store = make_store()
    told = [StoreLocationData(external_id=f"at-{code}", name=code) for code in PLACES]
    selling_places.take_locations(store.pk, told)
    theirs = {row.external_id: row.pk for row in StoreLocation.objects.all()}
    made = [
        locations.create(store.merchant_id, code=code, name=code.upper(), rank=n)
        for n, code in enumerate(PLACES)
    ]
    given = [Given(place.pk, theirs[f"at-{place.code}"], place.rank) for place in made]
    selling_places.give(store.pk, given)
    return store


def want(store: Any, strategy: Strategy) -> None:
    store.options[OPTION] = strategy
    store.save(update_fields=["options"])


def place(code: str) -> Location:
    return Location.objects.get(code=code)


def item(store: Any, sku: str, *units: int) -> Variant:
    """Counted at A, B and C."""
    made = make_item(store.merchant, sku)
    for code, number in zip(PLACES, units, strict=False):
        count(made, place(code), number)
    return made


def ask(store: Any, order: UUID, *lines: tuple[Variant, int], **more: Any) -> dict[UUID, int]:
    """One order, settled as a whole: (item, units) of each line. Lines are known by their item."""
    demands = [
        Demand(
            line_ref=line_of(order, variant),
            order_ref=order,
            store_id=store.pk,
            variant_id=variant.pk,
            outstanding=units,
            shipped=0,
            placed_at=NOW,
            **more,
        )
        for variant, units in lines
    ]
    return ledger.settle(store.merchant_id, demands)


_lines: dict[tuple[UUID, UUID], UUID] = {}


def line_of(order: UUID, variant: Variant) -> UUID:
    return _lines.setdefault((order, variant.pk), uuid7())


def held(order: UUID) -> dict[str, dict[str, tuple[int, int]]]:
    """By SKU and place: (reserved, short)."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    rows = Reservation.objects.filter(order_ref=order).select_related("variant", "location")
    for row in rows.order_by("location__code"):
        if row.quantity or row.short:
            found.setdefault(row.variant.sku, {})[row.location.code] = (row.quantity, row.short)
    return found


CASES: list[tuple[Strategy, tuple[int, ...], int, dict[str, tuple[int, int]]]] = [
    (Strategy.RANKED, (3, 5, 9), 4, {"b": (4, 0)}),
    (Strategy.RANKED, (3, 5, 9), 10, {"a": (3, 0), "b": (5, 0), "c": (2, 0)}),
    (Strategy.RANKED, (3, 5, 9), 20, {"a": (3, 3), "b": (5, 0), "c": (9, 0)}),
    (Strategy.MOST_STOCK, (3, 5, 9), 4, {"c": (4, 0)}),
    (Strategy.MOST_STOCK, (3, 5, 9), 10, {"b": (1, 0), "c": (9, 0)}),
    (Strategy.MOST_STOCK, (5, 5, 5), 4, {"a": (4, 0)}),
    (Strategy.MOST_STOCK, (3, 5, 9), 20, {"a": (3, 0), "b": (5, 0), "c": (9, 3)}),
    (Strategy.SINGLE_OR_SPLIT, (3, 5, 9), 4, {"b": (4, 0)}),
    (Strategy.SINGLE_OR_SPLIT, (3, 5, 9), 10, {"a": (3, 0), "b": (5, 0), "c": (2, 0)}),
    (Strategy.PINNED, (3, 5, 9), 4, {"b": (4, 0)}),
    (Strategy.NO_SPLIT, (3, 5, 9), 4, {"b": (4, 0)}),
    (Strategy.NO_SPLIT, (3, 5, 9), 10, {"c": (9, 1)}),
    (Strategy.NO_SPLIT, (0, 0, 0), 2, {"a": (0, 2)}),
]


@pytest.mark.parametrize(("strategy", "units", "wanted", "taken"), CASES)
def test_each_strategy_takes_one_line_from_where_it_says(
    store: Any,
    strategy: Strategy,
    units: tuple[int, ...],
    wanted: int,
    taken: dict[str, tuple[int, int]],
) -> None:
    want(store, strategy)
    mug, order = item(store, "MUG", *units), uuid7()

    ask(store, order, (mug, wanted))

    assert held(order) == {"MUG": taken}
    assert_books_balance()


def test_nothing_chosen_is_ranked(store: Any) -> None:
    mug, order = item(store, "MUG", 3, 5, 9), uuid7()

    ask(store, order, (mug, 4))

    assert held(order) == {"MUG": {"b": (4, 0)}}


def two_lines(store: Any) -> tuple[Variant, Variant]:
    """Each is whole at another place first; C has both."""
    return item(store, "MUG", 5, 0, 5), item(store, "TEA", 0, 5, 5)


@pytest.mark.parametrize(
    ("strategy", "mug", "tea"),
    [
        (Strategy.RANKED, "a", "b"),
        (Strategy.SINGLE_OR_SPLIT, "c", "c"),
        (Strategy.NO_SPLIT, "c", "c"),
    ],
)
def test_an_order_of_two_lines_comes_from_one_place_where_that_is_wanted(
    store: Any, strategy: Strategy, mug: str, tea: str
) -> None:
    want(store, strategy)
    mugs, teas = two_lines(store)
    order = uuid7()

    ask(store, order, (mugs, 2), (teas, 2))

    assert held(order) == {"MUG": {mug: (2, 0)}, "TEA": {tea: (2, 0)}}


def test_where_no_place_has_all_one_order_is_split_and_the_other_is_short(store: Any) -> None:
    mug, tea = item(store, "MUG", 5, 0), item(store, "TEA", 1, 5)
    split, whole = uuid7(), uuid7()

    want(store, Strategy.SINGLE_OR_SPLIT)
    ask(store, split, (mug, 2), (tea, 3))
    want(store, Strategy.NO_SPLIT)
    short = ask(store, whole, (mug, 2), (tea, 2))

    assert held(split) == {"MUG": {"a": (2, 0)}, "TEA": {"b": (3, 0)}}
    assert held(whole) == {"MUG": {"a": (2, 0)}, "TEA": {"a": (1, 1)}}
    assert short == {line_of(whole, tea): 1}
    assert_books_balance()


def test_an_order_that_is_not_split_grows_where_it_is(store: Any) -> None:
    want(store, Strategy.NO_SPLIT)
    mug, tea = item(store, "MUG", 2, 9), item(store, "TEA", 0, 9)
    order = uuid7()
    ask(store, order, (mug, 2))

    ask(store, order, (mug, 3), (tea, 1))

    assert held(order) == {"MUG": {"a": (2, 1)}, "TEA": {"a": (0, 1)}}


def test_one_that_holds_nothing_yet_may_be_served_from_any_one_place(store: Any) -> None:
    want(store, Strategy.NO_SPLIT)
    mug, tea = item(store, "MUG", 0, 0), item(store, "TEA", 0, 0)
    order = uuid7()
    ask(store, order, (mug, 2), (tea, 1))
    assert held(order) == {"MUG": {"a": (0, 2)}, "TEA": {"a": (0, 1)}}

    count(mug, place("b"), 5)
    count(tea, place("a"), 5)
    assert held(order) == {"MUG": {"b": (2, 0)}, "TEA": {"a": (0, 1)}}

    count(tea, place("b"), 5)
    assert held(order) == {"MUG": {"b": (2, 0)}, "TEA": {"b": (1, 0)}}
    assert_books_balance()


# --- where the store says ---


def test_a_pinned_line_is_taken_where_the_store_says_and_nowhere_else(store: Any) -> None:
    want(store, Strategy.PINNED)
    mug, order = item(store, "MUG", 9, 3, 9), uuid7()

    short = ask(store, order, (mug, 5), assigned={"at-b": 5})

    assert held(order) == {"MUG": {"b": (3, 2)}}
    assert short == {line_of(order, mug): 2}
    count(mug, place("a"), 20)
    assert held(order) == {"MUG": {"b": (3, 2)}}
    count(mug, place("b"), 4)
    assert held(order) == {"MUG": {"b": (4, 1)}}
    assert_books_balance()


def test_a_pinned_line_that_is_sent_from_elsewhere_now_leaves_the_first_place(store: Any) -> None:
    want(store, Strategy.PINNED)
    mug, order = item(store, "MUG", 9, 3, 9), uuid7()
    ask(store, order, (mug, 5), assigned={"at-b": 5})

    ask(store, order, (mug, 5), assigned={"at-c": 5}, is_moved=True)
    assert held(order) == {"MUG": {"c": (5, 0)}}

    ask(store, order, (mug, 5), assigned={"at-b": 5}, is_moved=True)
    assert held(order) == {"MUG": {"b": (3, 2)}}
    assert_books_balance()


@pytest.mark.parametrize("strategy", [Strategy.PINNED, Strategy.NO_SPLIT])
def test_what_is_bound_to_a_place_that_was_closed_is_short_until_it_opens(
    store: Any, strategy: Strategy
) -> None:
    want(store, strategy)
    mug, order = item(store, "MUG", 9, 9), uuid7()
    ask(store, order, (mug, 2), assigned={"at-b": 2})
    locations.change(place("b"), is_active=False)

    ask(store, order, (mug, 5), assigned={"at-b": 5})
    assert held(order) == {"MUG": {"b": (2, 3)}}

    count(mug, place("a"), 20)
    assert held(order) == {"MUG": {"b": (2, 3)}}
    locations.change(place("b"), is_active=True)
    count(mug, place("b"), 10)
    assert held(order) == {"MUG": {"b": (5, 0)}}


def test_a_place_that_shows_nothing_here_pins_nothing(store: Any) -> None:
    want(store, Strategy.PINNED)
    mug, order = item(store, "MUG", 9, 3), uuid7()

    ask(store, order, (mug, 5), assigned={"elsewhere": 5})

    assert held(order) == {"MUG": {"a": (5, 0)}}


@pytest.mark.parametrize("strategy", [x for x in Strategy if x is not Strategy.NO_SPLIT])
def test_where_the_store_says_comes_first(store: Any, strategy: Strategy) -> None:
    want(store, strategy)
    mug, order = item(store, "MUG", 9, 3, 9), uuid7()

    ask(store, order, (mug, 2), assigned={"at-b": 2})

    assert held(order) == {"MUG": {"b": (2, 0)}}


def test_an_order_that_is_not_split_is_taken_where_the_store_says_if_all_is_there(
    store: Any,
) -> None:
    want(store, Strategy.NO_SPLIT)
    mug = item(store, "MUG", 9, 3, 9)
    first, second = uuid7(), uuid7()

    ask(store, first, (mug, 2), assigned={"at-b": 2})
    ask(store, second, (mug, 5), assigned={"at-b": 5})

    assert held(first) == {"MUG": {"b": (2, 0)}}
    assert held(second) == {"MUG": {"a": (5, 0)}}


def test_an_item_nobody_counted_is_held_where_the_rest_of_the_order_is(store: Any) -> None:
    want(store, Strategy.NO_SPLIT)
    mug, new, order = item(store, "MUG", 0, 5), make_item(store.merchant, "NEW"), uuid7()

    ask(store, order, (new, 1), (mug, 2))

    assert held(order) == {"MUG": {"b": (2, 0)}, "NEW": {"b": (1, 0)}}


def test_what_is_set_aside_for_a_store_counts_where_it_chooses(store: Any) -> None:
    want(store, Strategy.MOST_STOCK)
    mug, order = item(store, "MUG", 9, 8), uuid7()
    other = make_store(store.merchant, base_url="https://b.example")
    allocating.make(other, mug, place("a"), units=5, actor="user:anna")

    ask(store, order, (mug, 1))

    assert held(order) == {"MUG": {"b": (1, 0)}}


# --- what it costs ---


def test_only_stores_that_keep_orders_together_cost_one_statement_more(store: Any) -> None:
    mug = item(store, "MUG", 99, 99)

    def cost(strategy: Strategy) -> int:
        want(store, strategy)
        with CaptureQueriesContext(connection) as queries:
            ask(store, uuid7(), (mug, 1))
        return len(queries)

    ranked = cost(Strategy.RANKED)
    assert {way: cost(way) - ranked for way in Strategy} == {
        Strategy.RANKED: 0,
        Strategy.MOST_STOCK: 0,
        Strategy.SINGLE_OR_SPLIT: 1,
        Strategy.PINNED: 0,
        Strategy.NO_SPLIT: 1,
    }

"""Stores with figures at several locations: which places each sells from, what each location
shows, where orders take their units, and whose count a first figure is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from inventory import ledger, locations, selling_places, shelves
from inventory.availability import targets
from inventory.catalogue import import_products
from inventory.data import StoreLocationData, VariantData
from inventory.ledger import Demand
from inventory.models import (
    Listing,
    ListingMode,
    Location,
    Reservation,
    StockLevel,
    StockRule,
    StoreLocation,
    StorePlace,
    Variant,
)
from inventory.selling_places import Given
from inventory.shelves import Shelf
from logix.common.ids import uuid7
from tests.factories import NOW, make_product, make_store
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db

BERLIN = StoreLocationData(external_id="71", name="Berlin")
LEIPZIG = StoreLocationData(external_id="72", name="Leipzig")
OUTLET = StoreLocationData(external_id="73", name="Outlet", is_online=False)


@pytest.fixture
def store() -> Any:
    return make_store()


@pytest.fixture
def a(store: Any) -> Location:
    return locations.create(store.merchant_id, code="a", name="A", rank=10)


@pytest.fixture
def b(store: Any) -> Location:
    return locations.create(store.merchant_id, code="b", name="B", rank=20)


def give(store: Any, *pairs: tuple[Location, str]) -> None:
    """Places in order of choice, each with the store's id of the location it is shown at."""
    theirs = {row.external_id: row.pk for row in StoreLocation.objects.filter(store=store)}
    given = [Given(place.pk, theirs.get(at), n) for n, (place, at) in enumerate(pairs)]
    selling_places.give(store.pk, given)


def of(store: Any) -> tuple[Shelf, ...]:
    return shelves.of_stores([store.pk])[store.pk]


# --- which shelves there are ---


def test_a_store_with_one_figure_sells_from_everywhere_until_it_is_given_places(
    store: Any, a: Location, b: Location
) -> None:
    assert of(store) == (Shelf("", None),)

    give(store, (b, ""), (a, ""))

    assert of(store) == (Shelf("", (b.pk, a.pk)),)


def test_the_only_location_that_sends_online_orders_shows_all_places(store: Any) -> None:
    selling_places.take_locations(store.pk, [BERLIN, OUTLET])

    assert of(store) == (Shelf("71", None),)


def test_of_several_locations_none_is_spoken_of_before_somebody_chose(
    store: Any, a: Location, b: Location
) -> None:
    selling_places.take_locations(store.pk, [BERLIN, LEIPZIG, OUTLET])
    assert of(store) == ()

    give(store, (b, "72"), (a, "71"))

    assert of(store) == (Shelf("72", (b.pk,)), Shelf("71", (a.pk,)))


def test_a_location_that_is_closed_or_named_no_more_is_no_shelf(
    store: Any, a: Location, b: Location
) -> None:
    selling_places.take_locations(store.pk, [BERLIN, LEIPZIG])
    give(store, (a, "71"), (b, "72"))

    assert selling_places.take_locations(store.pk, [replace(BERLIN, is_active=False)])

    assert of(store) == ()
    assert not selling_places.take_locations(store.pk, [replace(BERLIN, is_active=False)])
    assert selling_places.take_locations(store.pk, [BERLIN, LEIPZIG])
    assert of(store) == (Shelf("71", (a.pk,)), Shelf("72", (b.pk,)))
    assert StorePlace.objects.count() == 2


# --- what each location shows ---


@pytest.fixture
def two(store: Any, a: Location, b: Location) -> Any:
    """A store of two locations, 10 counted at A (Berlin) and 4 at B (Leipzig)."""
    import_products(store, [make_product()], observed_at=NOW, now=NOW)
    selling_places.take_locations(store.pk, [BERLIN, LEIPZIG])
    give(store, (a, "71"), (b, "72"))
    count(a, 10)
    count(b, 4)
    return store


def item() -> Variant:
    return Variant.objects.get()


def count(place: Location, units: int) -> None:
    ledger.adjust(variant=item(), location=place, set_to=units, reason="Count", actor="user:anna")


def shown(**changes: Any) -> tuple[int | None, dict[str, int]]:
    listing = Listing.objects.get()
    for name, value in changes.items():
        setattr(listing, name, value)
    found = targets([listing])[listing.pk]
    return found.value, dict(found.at)


def test_each_location_shows_what_lies_at_its_places(two: Any) -> None:
    assert shown() == (14, {"71": 10, "72": 4})


@pytest.mark.parametrize(
    ("terms", "value", "at"),
    [
        ({"buffer": 2, "percent": 50, "max_listed": 4}, 4, {"71": 4, "72": 0}),
        ({"max_listed": 12}, 12, {"71": 10, "72": 2}),
        ({"end_when": 14}, 0, {"71": 0, "72": 0}),
        ({"buffer": 15}, 0, {"71": 0, "72": 0}),
    ],
)
def test_the_rule_is_of_the_whole_and_the_first_choice_shows_most(
    two: Any, terms: dict[str, int], value: int, at: dict[str, int]
) -> None:
    StockRule.objects.create(merchant_id=two.merchant_id, store=two, **terms)

    assert shown() == (value, at)


def test_the_mode_of_a_listing_holds_at_every_location(two: Any) -> None:
    assert shown(mode=ListingMode.PAUSED) == (0, {"71": 0, "72": 0})
    assert shown(mode=ListingMode.IGNORE) == (None, {})
    assert shown(mode=ListingMode.FIXED, fixed_quantity=12) == (12, {"71": 10, "72": 2})
    assert shown(mode=ListingMode.FIXED, fixed_quantity=20) == (20, {"71": 16, "72": 4})


def test_a_location_where_nobody_counted_the_item_is_left_alone(two: Any, b: Location) -> None:
    StockLevel.objects.filter(location=b).delete()
    assert shown() == (10, {"71": 10})

    StockLevel.objects.all().delete()
    assert shown() == (None, {})


def test_a_place_the_store_was_not_given_is_not_sold_there(two: Any) -> None:
    shop = locations.create(two.merchant_id, code="c", name="Counter")
    count(shop, 100)

    assert shown() == (14, {"71": 10, "72": 4})


def test_nothing_is_shown_while_no_location_was_chosen(two: Any) -> None:
    give(two)

    assert shown() == (None, {})


# --- where orders take their units ---


def ask(store: Any, units: int, line: UUID, **more: Any) -> None:
    fields: dict[str, Any] = {
        "line_ref": line,
        "order_ref": line,
        "store_id": store.pk,
        "variant_id": item().pk,
        "outstanding": units,
        "shipped": 0,
        "placed_at": NOW,
        **more,
    }
    ledger.settle(store.merchant_id, [Demand(**fields)])


def held(line: UUID) -> dict[str, tuple[int, int, int]]:
    """(reserved, short, shipped) by place."""
    rows = Reservation.objects.filter(line_ref=line).select_related("location")
    return {r.location.code: (r.quantity, r.short, r.shipped) for r in rows}


def test_orders_take_from_the_places_of_their_store_in_its_order(
    two: Any, a: Location, b: Location
) -> None:
    give(two, (b, "72"), (a, "71"))
    line = uuid7()

    ask(two, 3, line)

    assert held(line) == {"b": (3, 0, 0)}
    assert shown() == (11, {"72": 1, "71": 10})
    assert_books_balance()


def test_what_lies_only_elsewhere_is_short(two: Any, a: Location) -> None:
    shop = locations.create(two.merchant_id, code="c", name="Counter", rank=1)
    count(shop, 100)
    line = uuid7()

    ask(two, 16, line)

    assert held(line) == {"a": (10, 2, 0), "b": (4, 0, 0)}
    count(shop, 200)
    assert held(line)["a"] == (10, 2, 0), "units of the counter are not this store's"
    count(a, 12)
    assert held(line)["a"] == (12, 0, 0)
    assert_books_balance()


def test_the_location_that_the_store_assigned_comes_first(two: Any) -> None:
    line = uuid7()

    ask(two, 5, line, assigned={"71": 2, "72": 3})

    assert held(line) == {"a": (2, 0, 0), "b": (3, 0, 0)}
    assert shown() == (9, {"71": 8, "72": 1})


def test_an_assigned_location_that_has_too_little_is_helped_by_the_others(two: Any) -> None:
    line = uuid7()

    ask(two, 6, line, assigned={"72": 6})

    assert held(line) == {"a": (2, 0, 0), "b": (4, 0, 0)}


def test_units_follow_when_the_store_sends_them_from_elsewhere(two: Any) -> None:
    line = uuid7()
    ask(two, 3, line, assigned={"71": 3})

    ask(two, 3, line, assigned={"71": 1, "72": 2}, is_moved=True)

    assert held(line) == {"a": (1, 0, 0), "b": (2, 0, 0)}
    before = StockLevel.objects.count()
    ask(two, 3, line, assigned={"71": 1, "72": 2}, is_moved=True)
    assert held(line) == {"a": (1, 0, 0), "b": (2, 0, 0)}
    assert StockLevel.objects.count() == before
    assert_books_balance()


def test_what_left_is_taken_from_where_nothing_is_to_be_sent_from_any_more(two: Any) -> None:
    line = uuid7()
    ask(two, 5, line, assigned={"71": 2, "72": 3})

    ask(two, 2, line, shipped=3, assigned={"71": 2}, is_moved=True)

    assert held(line) == {"a": (2, 0, 0), "b": (0, 0, 3)}
    assert {x.location.code: x.on_hand for x in StockLevel.objects.select_related("location")} == {
        "a": 10,
        "b": 1,
    }
    assert_books_balance()


def test_an_assignment_to_a_location_that_shows_no_place_says_nothing(two: Any) -> None:
    line = uuid7()

    ask(two, 3, line, assigned={"99": 3})

    assert held(line) == {"a": (3, 0, 0)}


# --- first counts ---


def adopt(store: Any, at: dict[str, int], *, minutes: int = 0) -> None:
    at_now = NOW + timedelta(minutes=minutes)
    variant = VariantData(
        external_id="p1", sku="SKU-1", stock=sum(at.values()), stock_at=at, stock_ref="i1"
    )
    told = make_product(variants=(variant,), changed_at=at_now)
    import_products(store, [told], observed_at=at_now, now=at_now, adopt_stock=True)


def on_hand() -> dict[str, int]:
    rows = StockLevel.objects.filter(counted_at__isnull=False).select_related("location")
    return {row.location.code: row.on_hand for row in rows}


def test_the_figure_of_each_location_is_the_first_count_of_its_place(
    store: Any, a: Location, b: Location
) -> None:
    selling_places.take_locations(store.pk, [BERLIN, LEIPZIG])
    give(store, (a, "71"), (b, "72"))

    adopt(store, {"71": 7, "72": 5})

    assert on_hand() == {"a": 7, "b": 5}
    assert_books_balance()


def test_a_location_that_is_chosen_later_brings_its_own_count(
    store: Any, a: Location, b: Location
) -> None:
    selling_places.take_locations(store.pk, [BERLIN, LEIPZIG])
    give(store, (a, "71"))
    adopt(store, {"71": 7})

    give(store, (a, "71"), (b, "72"))
    adopt(store, {"71": 6, "72": 5}, minutes=1)

    assert on_hand() == {"a": 7, "b": 5}, "what was counted once is not counted by a store again"


def test_units_that_orders_hold_there_are_added_to_the_first_count(
    store: Any, a: Location, b: Location
) -> None:
    import_products(store, [make_product(stock=None)], observed_at=NOW, now=NOW)
    selling_places.take_locations(store.pk, [BERLIN, LEIPZIG])
    give(store, (a, "71"), (b, "72"))
    ask(store, 3, uuid7(), assigned={"72": 3}, placed_at=NOW - timedelta(hours=1))

    adopt(store, {"71": 7, "72": 5}, minutes=1)

    assert on_hand() == {"a": 7, "b": 8}
    assert shown() == (12, {"71": 7, "72": 5})
    assert_books_balance()

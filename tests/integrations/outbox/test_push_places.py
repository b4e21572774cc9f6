"""Sending figures to a store that keeps one for each of its locations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models.functions import Now

from integrations import outbox
from integrations.models import Push, Store
from integrations.outbox.reasons import Reason
from inventory import ledger, locations, selling_places
from inventory.data import StoreLocationData
from inventory.models import Listing, Location, StoreLocation
from inventory.selling_places import Given
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import make_listings, orders_read, push_of

READY, IDLE, BLOCKED = Push.State.READY, Push.State.IDLE, Push.State.BLOCKED


@pytest.fixture
def north(store: Store) -> Location:
    locations.default(store.merchant_id)
    return locations.create(store.merchant_id, code="north", name="North")


@pytest.fixture
def listing(store: Store, north: Location) -> Listing:
    """Shown at Berlin (the main place, 10 counted) and Leipzig (the north, 4 counted)."""
    made = make_listings(store, 1)[0]
    told = [
        StoreLocationData(external_id="71", name="Berlin"),
        StoreLocationData(external_id="72", name="Leipzig"),
    ]
    selling_places.take_locations(store.pk, told)
    choose(store, (locations.default(store.merchant_id), "71"), (north, "72"))
    count(made, north, 4)
    return made


def choose(store: Store, *pairs: tuple[Location, str]) -> None:
    theirs = {row.external_id: row.pk for row in StoreLocation.objects.filter(store=store)}
    given = [Given(place.pk, theirs[at], n) for n, (place, at) in enumerate(pairs)]
    selling_places.give(store.pk, given)


def count(listing: Listing, place: Location, units: int) -> None:
    ledger.adjust(
        variant=listing.variant, location=place, set_to=units, reason="Count", actor="user:anna"
    )


def at(listing: Listing, location: str) -> str:
    return f"{listing.stock_ref}@{location}"


def test_every_location_is_told_its_own_figure_in_one_call(
    store: Store, shop: toy.ToyShop, listing: Listing
) -> None:
    assert outbox.send_pushes(store.pk) == 1

    push = push_of(listing)
    listing.refresh_from_db()
    assert shop.stock_calls == [{at(listing, "71"): 10, at(listing, "72"): 4}]
    assert (push.pushed_value, push.pushed_at_places) == (14, {"71": 10, "72": 4})
    assert (listing.seen_quantity, listing.seen_at_places) == (14, {"71": 10, "72": 4})


def test_only_the_location_that_changed_is_written(
    store: Store, shop: toy.ToyShop, listing: Listing, north: Location
) -> None:
    outbox.send_pushes(store.pk)
    shop.calls.clear()

    count(listing, north, 3)
    Push.objects.update(next_at=Now())
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{at(listing, "72"): 3}]
    assert push_of(listing).pushed_at_places == {"71": 10, "72": 3}


def test_units_that_only_change_places_are_told_though_the_sum_is_the_same(
    store: Store, shop: toy.ToyShop, listing: Listing, north: Location
) -> None:
    outbox.send_pushes(store.pk)
    shop.calls.clear()

    count(listing, locations.default(store.merchant_id), 6)
    count(listing, north, 8)
    Push.objects.update(next_at=Now())
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{at(listing, "71"): 6, at(listing, "72"): 8}]


def test_a_location_that_refuses_is_named_and_the_other_is_written(
    store: Store, shop: toy.ToyShop, listing: Listing
) -> None:
    shop.refused[at(listing, "72")] = ("rejected", "It is not kept there.")

    assert outbox.send_pushes(store.pk) == 0

    push = push_of(listing)
    listing.refresh_from_db()
    assert shop.stock == {at(listing, "71"): 10}
    assert (push.state, push.problem) == (BLOCKED, "Leipzig: It is not kept there.")
    assert listing.seen_at_places == {"71": 10}

    shop.refused.clear()
    shop.calls.clear()
    outbox.retry_push(push, actor="user:anna")
    outbox.send_pushes(store.pk)
    assert shop.stock_calls == [{at(listing, "72"): 4}], "what is in step is not written again"
    assert push_of(listing).state == IDLE


def test_the_echo_of_every_location_marks_nothing_and_units_moved_there_are_moved_back(
    store: Store, shop: toy.ToyShop, listing: Listing, pass_time: Callable[[float], None]
) -> None:
    outbox.send_pushes(store.pk)
    shop.calls.clear()
    pass_time(5)
    outbox.note_store_figures([listing.pk])
    assert push_of(listing).state == IDLE

    moved = {"71": 9, "72": 5}
    Listing.objects.update(seen_at_places=moved, seen_quantity=14, seen_at=Now())
    outbox.note_store_figures([listing.pk])
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{at(listing, "71"): 10, at(listing, "72"): 4}]
    assert push_of(listing).problem_code == f"{Reason.REVERTED}:1"


def test_something_that_keeps_moving_units_between_locations_is_not_fought_forever(
    store: Store, shop: toy.ToyShop, listing: Listing, pass_time: Callable[[float], None]
) -> None:
    outbox.send_pushes(store.pk)

    for _ in range(4):
        pass_time(5)
        moved = {"71": 9, "72": 5}
        Listing.objects.update(seen_at_places=moved, seen_quantity=14, seen_at=Now())
        outbox.note_store_figures([listing.pk])
        outbox.send_pushes(store.pk)

    assert len(shop.stock_calls) == 3
    assert (push_of(listing).state, push_of(listing).problem_code) == (BLOCKED, Reason.FROZEN)


def test_another_choice_of_places_is_told_at_once(
    store: Store, shop: toy.ToyShop, listing: Listing, north: Location
) -> None:
    outbox.send_pushes(store.pk)
    shop.calls.clear()

    choose(store, (north, "71"))
    Push.objects.update(next_at=Now())
    outbox.send_pushes(store.pk)

    assert shop.stock_calls == [{at(listing, "71"): 4}]


def test_nothing_is_told_while_no_place_is_chosen(
    store: Store, shop: toy.ToyShop, listing: Listing
) -> None:
    choose(store)
    outbox.send_pushes(store.pk)

    push = push_of(listing)
    assert shop.stock_calls == []
    assert (push.state, push.problem_code) == (IDLE, Reason.NOT_WRITTEN)
    assert "Locations" in push.problem


def test_a_store_that_gains_locations_is_told_at_each_of_them(
    store: Store, shop: toy.ToyShop
) -> None:
    listing = make_listings(store, 1)[0]
    outbox.mark_listings([listing.pk])
    outbox.send_pushes(store.pk)
    assert shop.stock_calls == [{listing.stock_ref: 10}]

    selling_places.take_locations(store.pk, [StoreLocationData(external_id="71", name="Berlin")])
    Push.objects.update(next_at=Now())
    orders_read(store)
    outbox.send_pushes(store.pk)

    listing.refresh_from_db()
    assert shop.stock_calls[1:] == [{at(listing, "71"): 10}]
    assert (listing.seen_quantity, listing.seen_at_places) == (10, {"71": 10})

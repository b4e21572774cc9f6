"""What a store may sell: the worked example of the formula, its edges, and what always holds."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import ledger, locations
from inventory.availability import Target, targets
from inventory.catalogue import import_products
from inventory.models import Listing, ListingMode, StockLevel, StockRule, Variant
from tests.factories import NOW, make_merchant, make_product, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    """A store with one listing, 10 counted at A and 4 at B, 3 of A reserved."""
    store = make_store()
    import_products(store, [make_product()], observed_at=NOW, now=NOW)
    item = Variant.objects.get()
    for code, units in (("a", 10), ("b", 4)):
        place = locations.create(store.merchant_id, code=code, name=code.upper())
        ledger.adjust(variant=item, location=place, set_to=units, reason="Count", actor="user:anna")
    StockLevel.objects.filter(location__code="a").update(reserved=3)
    StockLevel.objects.filter(location__code="main").delete()
    return store


def target(**changes: Any) -> Target:
    listing = Listing.objects.get()
    for name, value in changes.items():
        setattr(listing, name, value)
    return targets([listing])[listing.pk]


def rule(store: Any, *, of_store: bool = True, **terms: int) -> None:
    StockRule.objects.create(
        merchant_id=store.merchant_id, store=store if of_store else None, **terms
    )


def test_the_worked_example(store: Any) -> None:
    rule(store, buffer=2, percent=50, max_listed=4)

    found = target()

    assert found.value == 4
    assert found.terms == {
        "on_hand": 14,
        "reserved": 3,
        "set_aside": 0,
        "held": 0,
        "damaged": 0,
        "lacking": 0,
        "own_set_aside": 0,
        "pool": 11,
        "buffer": 2,
        "percent": 50,
        "share": 4,
        "max_listed": 4,
        "end_when": 0,
    }


@pytest.mark.parametrize(
    ("terms", "value"),
    [
        ({}, 11),
        ({"buffer": 11}, 0),
        ({"buffer": 12}, 0),
        ({"percent": 0}, 0),
        ({"percent": 99}, 10),
        ({"percent": 9}, 0),
        ({"max_listed": 0}, 0),
        ({"max_listed": 100}, 11),
        ({"end_when": 10}, 11),
        ({"end_when": 11}, 0),
    ],
)
def test_each_term_of_the_rule(store: Any, terms: dict[str, int], value: int) -> None:
    rule(store, **terms)

    assert target().value == value


def test_the_stores_own_rule_wins_over_the_merchants(store: Any) -> None:
    rule(store, of_store=False, max_listed=1)
    assert target().value == 1

    rule(store, max_listed=7)
    assert target().value == 7


def test_a_rule_of_another_merchant_says_nothing(store: Any) -> None:
    StockRule.objects.create(merchant=make_merchant("other"), max_listed=0)

    assert target().value == 11


def test_the_mode_of_a_listing_comes_before_stock(store: Any) -> None:
    assert target(mode=ListingMode.PAUSED).value == 0
    assert target(mode=ListingMode.FIXED, fixed_quantity=99).value == 99
    assert target(mode=ListingMode.FIXED, fixed_quantity=0).value == 0
    assert target(mode=ListingMode.IGNORE).value is None
    # A form saved half-way must not sell a store out.
    assert target(mode=ListingMode.FIXED, fixed_quantity=None).value is None


def test_what_nobody_linked_or_counted_is_left_alone(store: Any) -> None:
    assert target(variant_id=None).value is None
    StockLevel.objects.update(counted_at=None)
    assert target().value is None
    assert "counted" in target().reason


def test_a_place_below_zero_does_not_eat_what_lies_elsewhere(store: Any) -> None:
    StockLevel.objects.filter(location__code="a").update(on_hand=-5)

    assert target().value == 4


def test_held_and_damaged_goods_are_not_sold(store: Any) -> None:
    StockLevel.objects.filter(location__code="b").update(held=1, damaged=2)

    assert target().value == 8


def test_a_closed_place_sells_nothing_and_says_so(store: Any) -> None:
    from inventory import signals

    told: list[Any] = []

    def listen(variant_ids: Any, **_: Any) -> None:
        told.append(variant_ids)

    signals.stock_changed.connect(listen)
    place = locations.places(store.merchant_id)
    item = Variant.objects.get()
    try:
        by_code = {p.code: pk for pk, p in place.items()}
        shop = item.levels.get(location_id=by_code["b"]).location
        locations.change(shop, is_active=False)
        locations.change(shop, name="Shop")
    finally:
        signals.stock_changed.disconnect(listen)

    assert target().value == 7
    assert told == [frozenset({item.pk})]


def test_sizes_that_share_a_count_show_the_same_figure(store: Any) -> None:
    item = Variant.objects.get()
    size = Variant.objects.create(
        merchant_id=store.merchant_id, product=item.product, sku="S", sku_key="s", counted_as=item
    )

    assert target(variant_id=size.pk, variant=size).value == 11


def test_any_number_of_listings_costs_six_statements(store: Any) -> None:
    products = [make_product(n) for n in range(2, 60)]
    import_products(store, products, observed_at=NOW, now=NOW, adopt_stock=True)
    listings = list(Listing.objects.all())

    with CaptureQueriesContext(connection) as queries:
        found = targets(listings)

    assert len(found) == 59
    assert len(queries) == 6


units = st.integers(0, 50)


@given(
    on_hand=st.integers(-50, 50),
    reserved=units,
    buffer=units,
    percent=st.integers(0, 100),
    end_when=units,
    max_listed=st.none() | units,
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_never_below_zero_and_never_more_than_there_is(store: Any, **terms: Any) -> None:
    StockLevel.objects.update(on_hand=terms.pop("on_hand"), reserved=terms.pop("reserved"))
    StockRule.objects.all().delete()
    rule(store, **terms)

    found = target()

    assert found.value is not None
    assert 0 <= found.value <= max(0, found.terms["pool"] or 0)

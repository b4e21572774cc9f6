"""How an oversell came, in words for the shop's owner: told what, when, with how much there, and
what came between.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations import outbox
from integrations.models import Push, Store
from inventory import kits, ledger
from inventory.models import Listing, Location, StockLevel, StockMovement, StorePlace, Variant
from orders import services
from orders.models import Order, Oversell
from tests.factories import NOW, make_line, make_order, make_store
from tests.orders.shop import bring, stock

pytestmark = pytest.mark.django_db

TOLD_AT = NOW - timedelta(minutes=5)
BEFORE, BETWEEN = NOW - timedelta(minutes=9), NOW - timedelta(minutes=2)


@pytest.fixture
def shops() -> tuple[Store, Store]:
    """Two stores that sell the one mug there is; both were told so."""
    store = make_store()
    other = make_store(store.merchant, base_url="https://b.example", name="Bazaar")
    stock(store, units=1)
    stock(other, units=1)
    StockMovement.objects.update(at=BEFORE)
    tell(1)
    return store, other


def tell(units: int) -> None:
    for listing in Listing.objects.select_related("store"):
        Push.objects.update_or_create(
            listing=listing,
            store=listing.store,
            defaults={"pushed_value": units, "pushed_at": TOLD_AT},
        )


def sold(store: Store, number: int, *, at: Any = None, **changes: Any) -> None:
    """One mug; its movements happened ``at``, or with the order's reading."""
    known = set(StockMovement.objects.values_list("pk", flat=True))
    bring(store, make_order(number, lines=(make_line(quantity=1),), **changes))
    StockMovement.objects.exclude(pk__in=known).update(at=at or NOW)


def words() -> list[str]:
    return [x.words for x in outbox.oversell_history(Oversell.objects.get())]


def test_two_stores_that_sold_the_last_unit_before_either_could_be_told(
    shops: tuple[Store, Store],
) -> None:
    store, other = shops
    sold(other, 1, at=BETWEEN)

    sold(store, 2, placed_at=NOW)

    assert words() == [
        "Example shop was last told 1 on 2026-11-20 11:55:00 UTC, when 1 was free to it. Between "
        "then and this order: order #1001 of Bazaar took 1. It had not been told of that yet.",
        "Bazaar was last told 1 on 2026-11-20 11:55:00 UTC, when 1 was free to it. Between then "
        "and this order: order #1001 of Bazaar took 1.",
    ]
    here, _ = outbox.oversell_history(Oversell.objects.get())
    (between,) = here.between
    assert (here.sold_it, here.told, here.told_at, here.free_then) == (True, 1, TOLD_AT, 1)
    assert (between.order_id, between.units, between.at) == (
        Order.objects.get(number="1001").pk,
        -1,
        BETWEEN,
    )


def test_two_orders_of_one_page_are_seen_though_they_were_written_together(
    shops: tuple[Store, Store],
) -> None:
    store, _ = shops
    sold(store, 1, at=NOW + timedelta(seconds=2), placed_at=NOW)
    sold(store, 2, placed_at=NOW)

    assert "order #1001 of Example shop took 1" in words()[0]


def test_a_store_that_was_told_nothing_is_not_said_to_have_shown_something(
    shops: tuple[Store, Store],
) -> None:
    store, other = shops
    Push.objects.filter(store=other).delete()
    sold(store, 1, at=BETWEEN)
    sold(store, 2, placed_at=NOW)

    assert words()[1] == "Bazaar had not been told a figure by Logix when this order came in."


def test_an_order_placed_before_the_store_was_told_says_so(shops: tuple[Store, Store]) -> None:
    store, _ = shops
    sold(store, 1, at=BETWEEN)
    sold(store, 2, placed_at=NOW - timedelta(minutes=30))

    assert "The order had been placed there before that, on 2026-11-20 11:30:00 UTC." in words()[0]


def test_a_store_that_sold_more_than_it_was_told(shops: tuple[Store, Store]) -> None:
    store, _ = shops
    bring(store, make_order(1, lines=(make_line(quantity=3),), placed_at=NOW))

    assert words()[0].endswith(
        "Nothing else was taken or added between then and this order. The order wants 3, more than "
        "the store was told."
    )


def test_counts_by_hand_and_orders_that_were_sent_are_told_apart(
    shops: tuple[Store, Store],
) -> None:
    store, other = shops
    found = StockLevel.objects.get()
    places = {"variant": found.variant, "location": found.location, "actor": "user:anna"}
    ledger.adjust(**places, set_to=9, reason="Count")
    sold(other, 1, at=BETWEEN)
    services.add_shipment(Order.objects.get(), actor="user:anna")
    ledger.adjust(**places, set_to=0, reason="Count")
    StockMovement.objects.filter(at__gt=NOW).update(at=BETWEEN)

    sold(store, 2, placed_at=NOW)

    here = outbox.oversell_history(Oversell.objects.get())[0]
    assert here.free_then == 1
    assert [(x.what, x.units) for x in here.between if x.order_id] == [
        ("order #1001 of Bazaar", -1)
    ]
    assert sum(x.units for x in here.between) == -1


def test_what_lies_where_the_store_does_not_sell_from_was_not_free_to_it(
    shops: tuple[Store, Store],
) -> None:
    store, _ = shops
    annex = Location.objects.create(merchant=store.merchant, code="annex", name="Annex")
    StorePlace.objects.create(store=store, location=annex, rank=0)
    StockLevel.objects.create(
        merchant=store.merchant,
        variant=Variant.objects.get(),
        location=annex,
        counted_at=BEFORE,
    )
    sold(store, 2, placed_at=NOW)

    here, elsewhere = outbox.oversell_history(Oversell.objects.get())
    assert (here.free_then, elsewhere.free_then) == (0, 1)


def test_a_kit_is_told_by_its_parts(shops: tuple[Store, Store]) -> None:
    store, other = shops
    stock(store, 2, units=0)
    kit, part = Variant.objects.get(sku="SKU-2"), Variant.objects.get(sku="SKU-1")
    kits.set_parts(kit, {part.pk: 1}, actor="user:anna")
    StockMovement.objects.update(at=BEFORE)
    tell(1)
    sold(other, 1, at=BETWEEN)

    bring(store, make_order(2, lines=(make_line(2, quantity=1),), placed_at=NOW))

    (here,) = outbox.oversell_history(Oversell.objects.get())
    assert (here.told, here.free_then) == (1, 1)
    assert [(x.what, x.units) for x in here.between] == [("order #1001 of Bazaar", -1)]


def test_only_the_last_few_are_named(shops: tuple[Store, Store]) -> None:
    store, other = shops
    found = StockLevel.objects.get()
    places = {"variant": found.variant, "location": found.location, "actor": "user:anna"}
    ledger.adjust(**places, set_to=7, reason="Count")
    StockMovement.objects.filter(at__gt=NOW).update(at=BEFORE)
    for number in range(1, 8):
        sold(other, number, at=TOLD_AT + timedelta(seconds=number))

    sold(store, 20, placed_at=NOW)

    said = words()[0]
    assert "(2 more before these)" in said
    assert "#1001" not in said
    assert "#1007" in said


def test_the_statements_do_not_grow_with_what_came_between(
    shops: tuple[Store, Store], django_assert_max_num_queries: Any
) -> None:
    store, other = shops
    sold(other, 1, at=BETWEEN)
    sold(store, 2, placed_at=NOW)
    found = Oversell.objects.select_related("order", "line", "variant").get()

    with django_assert_max_num_queries(17):
        outbox.oversell_history(found)

"""Stores that take something off the figure they are told: by the worked example of the formula,
and through a life of orders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import outbox, registry
from integrations.models import Push, Store
from integrations.outbox.compensating import open_there, targets
from integrations.platform import Compensation
from integrations.receivers import on_orders_imported
from integrations.sync import apply_products
from inventory import ledger, locations, selling_places
from inventory.catalogue import import_products
from inventory.data import StoreLocationData
from inventory.models import Listing, StockLevel, StockRule, StoreLocation, Variant
from inventory.selling_places import Given
from orders import shipping
from orders.data import OrderData
from orders.models import Order, Shipment
from tests.factories import CANCELLED, COMPLETED, NOW, make_line, make_order, make_product
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import make_toy_store
from tests.orders.shop import bring, later, parcel, refund

pytestmark = pytest.mark.django_db

_CARDS = {
    "keepershop": replace(toy.CARD, slug="keepershop", compensation=Compensation.OPEN_ORDERS),
    "safetyshop": replace(toy.CARD, slug="safetyshop", compensation=Compensation.SAFETY_STOCK),
    "toyshop": toy.CARD,
}


@pytest.fixture
def plain(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that takes nothing off."""
    monkeypatch.setattr(registry, "card", _CARDS.__getitem__)
    return store


@pytest.fixture
def keeper(plain: Store) -> Store:
    """A store of the same merchant that takes off its open orders; both sell the item."""
    store = another(plain, "keepershop")
    for one in (plain, store):
        import_products(one, [make_product(stock=None)], observed_at=NOW, now=NOW)
    return store


def another(beside: Store, platform: str) -> Store:
    return make_toy_store(
        merchant=beside.merchant, platform=platform, base_url=f"https://{platform}.example"
    )


def count(code: str, units: int) -> Any:
    item = Variant.objects.get()
    place = locations.create(item.merchant_id, code=code, name=code.upper())
    ledger.adjust(variant=item, location=place, set_to=units, reason="Count", actor="user:anna")
    return place


def listing_in(store: Store) -> Listing:
    return Listing.objects.select_related("store").get(store=store)


def sell(store: Store, units: int, number: int = 1, **changes: Any) -> OrderData:
    order = make_order(number, lines=(make_line(quantity=units),), **changes)
    bring(store, order)
    return order


def told(store: Store) -> dict[str, int]:
    listing = listing_in(store)
    return targets([listing])[listing.pk].told


def waiting(store: Store) -> int:
    listing = listing_in(store)
    return open_there([listing])[listing.pk]


# --- the worked example ---


@pytest.fixture
def example(plain: Store, keeper: Store) -> Store:
    """On hand 10 at A and 4 at B; 3 reserved at A, 1 of them for the store that takes it off;
    buffer 2, percent 50, at most 4.
    """
    StockRule.objects.create(merchant=plain.merchant, buffer=2, percent=50, max_listed=4)
    count("a", 10)
    count("b", 4)
    sell(plain, 2)
    sell(keeper, 1, number=2)
    held = StockLevel.objects.filter(location__code__in=("a", "b")).order_by("location__code")
    assert [(x.on_hand, x.reserved) for x in held] == [(10, 3), (4, 0)]
    return keeper


def test_the_worked_example_tells_5_to_the_one_and_4_to_the_other(
    plain: Store, example: Store, shop: toy.ToyShop
) -> None:
    for store in (plain, example):
        outbox.send_pushes(store.pk)

    assert (told(plain), told(example)) == ({"": 4}, {"": 5})
    assert shop.stock_calls == [{"p1": 4}, {"p1": 5}]
    assert [push.pushed_value for push in Push.objects.order_by("pushed_value")] == [4, 5]


def test_with_several_sources_all_of_it_stands_at_the_first(example: Store) -> None:
    sources = [
        StoreLocationData(external_id=name, name=name.upper()) for name in ("south", "north")
    ]
    selling_places.take_locations(example.pk, sources)
    at = {row.external_id: row.pk for row in StoreLocation.objects.all()}
    places = {row.location.code: row.location_id for row in StockLevel.objects.all()}
    given = [Given(places["b"], at["south"], 1), Given(places["a"], at["north"], 2)]
    selling_places.give(example.pk, given)

    assert told(example) == {"south": 5, "north": 0}
    Listing.objects.filter(store=example).update(kept_back={"": 2})
    assert told(example) == {"south": 7, "north": 0}


def test_its_threshold_is_told_on_top(example: Store) -> None:
    import_products(example, [with_kept_back(3)], observed_at=NOW + timedelta(hours=1), now=NOW)

    found = targets([listing_in(example)])[listing_in(example).pk]
    assert (found.value, found.told) == (4, {"": 8})
    assert found.takes_off == {"kept_back": 3, "open_there": 1}


def with_kept_back(units: int) -> Any:
    product = make_product(stock=None, changed_at=NOW + timedelta(minutes=units))
    (variant,) = product.variants
    return replace(product, variants=(replace(variant, kept_back={"": units}),))


def test_what_is_sold_out_here_is_told_what_its_own_orders_wait_for(example: Store) -> None:
    ledger.adjust(
        variant=Variant.objects.get(),
        location=StockLevel.objects.get(location__code="a").location,
        set_to=0,
        reason="Gone",
        actor="user:anna",
    )
    StockRule.objects.update(buffer=100)

    assert told(example) == {"": 1}


# --- as the store reports it ---


def test_an_order_is_open_until_the_store_says_it_left(plain: Store, keeper: Store) -> None:
    count("a", 10)
    order = sell(keeper, 3)
    assert waiting(keeper) == 3

    bring(keeper, later(order, 1, shipments=(parcel(1, external_id="f1"),)))
    assert waiting(keeper) == 2

    bring(keeper, later(order, 2, raw_status="completed", status=COMPLETED))
    assert waiting(keeper) == 0


def test_a_parcel_of_ours_counts_once_the_store_shows_it(plain: Store, keeper: Store) -> None:
    count("a", 10)
    order = sell(keeper, 3)
    stored = Order.objects.get()
    before = told(keeper)
    shipping.add_shipment(stored, reference="box-1", tracking_number="T1", actor="user:anna")
    assert (waiting(keeper), told(keeper)) == (3, before)

    shown = parcel(3, external_id="f1", reference="box-1", tracking_number="T1")
    bring(keeper, later(order, 1, shipments=(shown,)))

    assert Shipment.objects.get().origin == Shipment.Origin.HUB
    assert (waiting(keeper), told(keeper)) == (0, {"": before[""] - 3})


def test_what_is_refunded_cancelled_or_taken_off_there_is_not_waited_for(
    plain: Store, keeper: Store
) -> None:
    count("a", 10)
    refunded, cancelled, edited = (sell(keeper, 3, number=n) for n in (1, 2, 3))
    assert waiting(keeper) == 9

    bring(keeper, later(refunded, 1, refunds=(refund(units=1),)))
    assert waiting(keeper) == 8
    bring(keeper, later(cancelled, 1, status=CANCELLED, raw_status="cancelled"))
    assert waiting(keeper) == 5
    bring(keeper, later(edited, 1, lines=(make_line(2, quantity=1),)))
    assert waiting(keeper) == 2


def test_orders_of_other_stores_are_not_waited_for(plain: Store, keeper: Store) -> None:
    count("a", 10)
    sell(plain, 4)

    assert waiting(keeper) == 0
    assert (told(plain), told(keeper)) == ({"": 6}, {"": 6})


def test_an_order_there_leaves_the_figure_as_it_is_until_it_is_shipped(
    plain: Store, keeper: Store, shop: toy.ToyShop, pass_time: Callable[[float], None]
) -> None:
    count("a", 10)
    outbox.send_pushes(keeper.pk)
    order = sell(keeper, 3)
    pass_time(2)

    outbox.send_pushes(keeper.pk)

    assert shop.stock_calls == [{"p1": 10}]
    assert not Push.objects.exclude(state=Push.State.IDLE).filter(store=keeper).exists()
    bring(keeper, later(order, 1, shipments=(parcel(3, external_id="f1"),)))
    assert told(keeper) == {"": 7}


def test_an_order_that_moves_no_stock_here_is_told_all_the_same(
    plain: Store, keeper: Store
) -> None:
    count("a", 10)
    Push.objects.update(state=Push.State.IDLE)
    order = sell(keeper, 3)
    stored = Order.objects.get()
    Push.objects.update(state=Push.State.IDLE, next_at=None)

    on_orders_imported(keeper, {stored.pk: 1})
    on_orders_imported(plain, {stored.pk: 1})

    behind = Push.objects.filter(state=Push.State.READY)
    assert [push.store_id for push in behind] == [keeper.pk]
    assert order.external_id == stored.external_id


def test_another_number_kept_back_is_told_at_once(plain: Store, keeper: Store) -> None:
    count("a", 10)
    outbox.send_pushes(keeper.pk)
    Push.objects.update(state=Push.State.IDLE, next_at=None)

    at = timezone.now() + timedelta(minutes=1)
    import_products(keeper, [with_kept_back(2)], observed_at=at, now=at)

    assert Push.objects.get(store=keeper).state == Push.State.READY
    assert told(keeper) == {"": 12}


def test_a_safety_stock_is_added_and_open_orders_are_not(plain: Store, keeper: Store) -> None:
    store = another(plain, "safetyshop")
    import_products(store, [with_kept_back(2)], observed_at=NOW, now=NOW)
    count("a", 10)
    sell(store, 3)

    assert told(store) == {"": 9}


def test_a_platform_that_takes_nothing_off_is_told_its_figure_and_costs_nothing(
    plain: Store, keeper: Store
) -> None:
    count("a", 10)
    Listing.objects.update(kept_back={"": 5})
    sell(plain, 3)

    def cost(store: Store) -> int:
        listing = listing_in(store)
        with CaptureQueriesContext(connection) as queries:
            targets([listing])
        return len(queries)

    assert told(plain) == {"": 7}
    assert cost(keeper) == cost(plain) + 1


# --- what is explained, compared and first counted ---


def test_explain_shows_what_the_store_takes_off(example: Store) -> None:
    outbox.send_pushes(example.pk)

    facts = outbox.facts_of(Variant.objects.get(), store_id=example.pk)

    (shown,) = facts.shown
    assert (shown.target.value, shown.target.told) == (4, {"": 5})
    assert (shown.verdict, shown.words) == ("in_step", "The store shows 5, as it should.")
    assert [(x.should, x.told, x.seen) for x in shown.figures] == [(5, 5, 5)]


def test_a_figure_with_open_orders_still_in_it_is_the_first_count(
    plain: Store, keeper: Store
) -> None:
    for store in (plain, keeper):
        Store.objects.filter(pk=store.pk).update(stock_opened_at=NOW)
        store.refresh_from_db()
        line = make_line(7, quantity=3)
        bring(store, make_order(7, lines=(line,), placed_at=NOW - timedelta(days=1)))

    apply_products(keeper, [make_product(7, stock=20)], observed_at=NOW)

    level = StockLevel.objects.get(variant__sku="SKU-7")
    assert (level.on_hand, level.counted_at is not None) == (20, True)
    assert told(only(keeper, 7)) == {"": 20 - level.reserved + 3}


def only(store: Store, number: int) -> Store:
    Listing.objects.filter(store=store).exclude(external_product_id=f"p{number}").delete()
    return store

"""A thousand orders, some of them with every kind of trouble: each is here as an order or set aside
by name, and those that waited for a product finish by themselves.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import Sum
from msgspec import structs

from integrations import sync
from integrations.models import ParkedRecord, Store, SyncRun
from integrations.sandbox.woocommerce import placing, selling
from inventory.models import Listing, Reservation
from orders.models import Order, OrderLine
from orders.status import ImportState
from tests.factories import make_merchant
from tests.integrations.test_two_stores import connected, read
from tests.integrations.woocommerce.world import WooWorld, woo_world
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN, NOBODY, BROKEN, ALL = 100, 20, 5, 1_000
PLAIN = ALL - UNKNOWN - NOBODY - BROKEN
FINISH_WITHIN_S = 60
NEW = "NEW-1"


@pytest.fixture
def world() -> Iterator[WooWorld]:
    with woo_world(orders=0, products=20, serves_plain_http_as_tls=True) as world:
        yield world


@pytest.fixture
def store(world: WooWorld) -> Store:
    return connected(make_merchant(), world)


def twice(store: Store) -> list[Listing]:
    """What the store sells under a SKU that stands twice."""
    rows = Listing.objects.filter(store=store, gone_at=None, link_problem="duplicate_sku")
    return list(rows.select_related("store").order_by("pk"))


def buy(world: WooWorld, listing: Listing, **how: Any) -> str:
    """One unit, by somebody who told nothing about himself."""
    product, variant = int(listing.external_product_id), int(listing.external_variant_id)
    line = (product, variant if variant != product else 0, 1)
    with world.shop.store.working():
        return str(selling.place_order(world.shop.store, lines=[line], **how).id)


def buy_nobody_knows(world: WooWorld, sku: str) -> str:
    """Of a plugin's, say, that sells what is no product yet."""
    shop = world.shop.store
    order = selling.existing(shop, int(world.place_order()))
    line = order.lines[0]
    line.product_id = line.variation_id = 0
    line.sku = sku
    with shop.working():
        shop.save_order(order, "updated")
    return str(order.id)


def begin_to_sell(world: WooWorld, sku: str) -> None:
    shop = world.shop.store
    like = next(x for x in shop.products.values() if x.sku == "SKU-0001")
    new = structs.replace(like, id=max(shop.products) + 1, sku=sku, slug=sku.lower())
    with shop.working():
        shop.save_product(new, "created")


def say_currency(world: WooWorld, order_ids: list[int], word: str) -> None:
    shop = world.shop.store
    for order_id in order_ids:
        with shop.working():
            order = selling.existing(shop, order_id)
            order.currency = word
            shop.save_order(order, "updated")


def held_of(order_ids: set[str]) -> int:
    """Units reserved or short."""
    lines = OrderLine.objects.filter(order__external_id__in=order_ids)
    units = Reservation.objects.filter(line_ref__in=lines.values("pk"))
    found = units.aggregate(held=Sum("quantity"), short=Sum("short"))
    return sum(x or 0 for x in found.values())


def test_every_one_of_a_thousand_is_here_or_named_and_the_waiting_finish_alone(
    world: WooWorld, store: Store
) -> None:
    shop, chance = world.shop.store, world.shop.chance
    strange = twice(store)
    waiting = {buy(world, strange[n % len(strange)]) for n in range(UNKNOWN // 2)}
    later = {buy_nobody_knows(world, NEW) for _ in range(UNKNOWN // 2)}
    known = list(Listing.objects.filter(store=store, sku__in=("SKU-0001", "SKU-0002")))
    nobody = {buy(world, known[n % len(known)], created_via="admin") for n in range(NOBODY)}
    broken = placing.place(shop, chance, count=BROKEN)
    say_currency(world, broken, "EURO")
    for n in range(PLAIN):
        placing.place_with(shop, chance, [(known[n % len(known)].sku, 1)])

    read(store)

    here = dict(Order.objects.values_list("external_id", "import_state"))
    aside = dict(ParkedRecord.objects.values_list("external_id", "reason"))
    assert (len(here), len(aside)) == (ALL - BROKEN, BROKEN)
    assert here.keys() | aside.keys() == world.order_ids()
    assert set(aside.values()) == {"The currency is not an ISO 4217 code."}
    assert {key for key, state in here.items() if state != "accepted"} == waiting | later
    assert Counter(here.values()) == {
        ImportState.ACCEPTED: PLAIN + NOBODY,
        ImportState.AWAITING_MAPPING: UNKNOWN,
    }
    assert nobody <= here.keys()

    runs = SyncRun.objects.filter(stream__name="orders").count()
    asked = orders_asked(world)
    began = time.monotonic()
    for listing in strange:
        sync.make_product(listing, actor="user:anna")
    begin_to_sell(world, NEW)
    read(store, "products")
    assert time.monotonic() - began < FINISH_WITHIN_S

    assert set(Order.objects.values_list("import_state", flat=True)) == {ImportState.ACCEPTED}
    assert SyncRun.objects.filter(stream__name="orders").count() == runs
    assert orders_asked(world) == asked
    assert held_of(waiting) == UNKNOWN // 2
    assert held_of(later) >= UNKNOWN // 2
    assert_books_balance()

    say_currency(world, broken, "EUR")
    read(store)
    assert set(Order.objects.values_list("external_id", flat=True)) == world.order_ids()
    assert not ParkedRecord.objects.filter(state=ParkedRecord.State.PARKED).exists()


def orders_asked(world: WooWorld) -> int:
    return sum("/orders" in request.path for request in world.shop.requests)

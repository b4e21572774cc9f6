"""The last units of an item, sold in three stores at once, over HTTP: who gets one, who is short,
and what every store shows then.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from django.db.models import Sum

from integrations.models import Push, Store
from integrations.sandbox.shopify.orders import placing as shopify_placing
from integrations.sandbox.woocommerce import placing as woo_placing
from inventory import ledger, links, locations
from inventory.models import Listing, Reservation, Variant
from orders.models import Order, Oversell
from orders.status import Flag
from tests.factories import make_merchant
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.test_two_stores import connected, read, told
from tests.integrations.woocommerce.world import WooWorld, woo_world
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)

LEFT, SOLD_IN_EACH = 5, 4


@pytest.fixture
def worlds() -> Iterator[tuple[WooWorld, WooWorld, ShopifyWorld]]:
    with (
        woo_world(orders=2, serves_plain_http_as_tls=True) as first,
        woo_world(orders=2, serves_plain_http_as_tls=True) as second,
        shopify_world(orders=2) as boutique,
    ):
        yield first, second, boutique


def sell(world: Any, listing: Listing) -> None:
    """One unit, without asking anybody else."""
    if isinstance(world, ShopifyWorld):
        shopify_placing.place_with(world.shop.store, Random(1), [(listing.sku, 1)])
    else:
        woo_placing.place_with(world.shop.store, Random(1), [(listing.sku, 1)])


def shown(world: Any, listing: Listing) -> int | None:
    if isinstance(world, ShopifyWorld):
        catalogue = world.shop.store.catalogue
        variant = catalogue.variants[int(listing.external_variant_id)]
        return sum(level.available for level in catalogue.levels_of(variant.item_id))
    return world.stock(listing.external_product_id, listing.external_variant_id)


def test_the_last_five_are_sold_twelve_times_in_three_stores(
    worlds: tuple[WooWorld, WooWorld, ShopifyWorld],
) -> None:
    merchant = make_merchant()
    stores = [connected(merchant, world) for world in worlds]
    item, listings = one_item_for_all(stores)
    ledger.adjust(
        variant=item,
        location=locations.default(merchant.pk),
        set_to=LEFT + _held(item),
        reason="Count",
        actor="user:anna",
    )
    for store in stores:
        told(store)
    assert [shown(*pair) for pair in zip(worlds, listings, strict=True)] == [LEFT] * 3
    before = set(Order.objects.values_list("pk", flat=True))

    for _ in range(SOLD_IN_EACH):
        for world, listing in zip(worlds, listings, strict=True):
            sell(world, listing)
    for store in stores:
        read(store)
    for store in stores:
        told(store)

    new = Order.objects.exclude(pk__in=before)
    assert new.count() == 12
    rows = Reservation.objects.filter(order_ref__in=new, variant=item)
    assert rows.aggregate(Sum("quantity"), Sum("short")) == {
        "quantity__sum": LEFT,
        "short__sum": 12 - LEFT,
    }
    records = Oversell.objects.unresolved().filter(order__in=new)
    assert records.aggregate(Sum("units"))["units__sum"] == 12 - LEFT
    flagged = {x.pk for x in new if Flag.OVERSOLD in x.flag_set}
    assert {x.order_id for x in records} == flagged
    for record in records:
        assert {channel["store"] for channel in record.cause["channels"]} == {
            store.name for store in stores
        }
        assert all(channel["told"] is not None for channel in record.cause["channels"])
    assert [shown(*pair) for pair in zip(worlds, listings, strict=True)] == [0] * 3
    assert not Push.objects.filter(listing__in=listings).exclude(state="idle").exists()
    assert_books_balance()

    # The units come after all: the oldest orders get them, and nobody is short any more.
    ledger.adjust(
        variant=item,
        location=locations.default(merchant.pk),
        delta=12 - LEFT,
        reason="Delivery",
        actor="user:anna",
    )
    assert not Oversell.objects.unresolved().filter(order__in=new).exists()
    assert not any(Flag.OVERSOLD in x.flag_set for x in new.all())
    assert_books_balance()


def one_item_for_all(stores: list[Store]) -> tuple[Variant, list[Listing]]:
    """The same thing under a SKU of each store's own, that nothing else there has."""
    listings = []
    for store in stores:
        rows = Listing.objects.filter(
            store=store,
            gone_at=None,
            link_problem="",
            seen_quantity__gt=0,
            variant__counted_as=None,
            is_listed=True,
        ).exclude(sku="")
        listings.append(rows.order_by("sku")[0])
    item = listings[0].variant
    assert item is not None
    for listing in listings[1:]:
        if listing.variant_id != item.pk:
            links.link(listing, item, actor="user:anna")
    return item, listings


def _held(item: Variant) -> int:
    rows = Reservation.objects.filter(variant=item).aggregate(held=Sum("quantity"))
    return rows["held"] or 0

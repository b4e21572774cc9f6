"""A store that keeps one figure for several variations, over HTTP: whichever of them is written,
all are; and where they are counted apart here, the smallest is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest
from django.db.models.functions import Now

from integrations import outbox
from integrations.models import Push, Store
from integrations.outbox.reasons import Reason
from integrations.sandbox.woocommerce import acts, placing
from inventory import ledger, locations
from inventory.models import Listing, Product, StockLevel, Variant
from logix.accounts.models import Merchant
from tests.factories import make_merchant
from tests.integrations.test_two_stores import connected, read, told
from tests.integrations.woocommerce.world import WooWorld, woo_world

pytestmark = pytest.mark.django_db(transaction=True)

# Its product keeps the figure of all three.
SIZES = ("VAR-007-1", "VAR-007-2", "VAR-007-3")


@pytest.fixture
def merchant(db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def shop() -> Iterator[WooWorld]:
    with woo_world(orders=0, products=10, serves_plain_http_as_tls=True) as world:
        yield world


def size(store: Store, sku: str) -> Listing:
    return Listing.objects.select_related("store", "variant", "push").get(store=store, sku=sku)


def shown(world: WooWorld) -> int | None:
    """The one figure."""
    item = acts.by_sku(world.shop.store, SIZES[0])
    return world.shop.store.products[item.parent_id].stock


def count(variant: Variant | None, units: int) -> None:
    assert variant is not None
    ledger.adjust(
        variant=variant.counted_as or variant,
        location=locations.default(variant.merchant_id),
        set_to=units,
        reason="counted",
        actor="user:anna",
    )


def send_alone(store: Store, sku: str) -> Push:
    """Its push is due and those of the others are not, as after a failed call of theirs."""
    pushes = Push.objects.filter(store=store)
    pushes.filter(state=Push.State.READY).update(next_at=Now() + timedelta(hours=1))
    mine = pushes.filter(listing__sku=sku)
    mine.update(state=Push.State.READY, next_at=Now())
    outbox.send_pushes(store.pk)
    return mine.get()


def test_what_one_of_them_was_told_is_no_change_by_somebody_else(
    merchant: Merchant, shop: WooWorld
) -> None:
    store = connected(merchant, shop)
    told(store)
    item = size(store, SIZES[0]).variant

    for units, sku in ((10, SIZES[0]), (11, SIZES[1])) * 4:
        count(item, units)
        push = send_alone(store, sku)
        read(store, "products")
        assert (push.problem_code, shown(shop)) == ("", units)
        assert {size(store, x).push.pushed_value for x in SIZES} == {units}  # type: ignore[attr-defined]
        assert {size(store, x).seen_quantity for x in SIZES} == {units}

    for number in range(3):
        parent = acts.by_sku(shop.shop.store, SIZES[0]).parent_id
        acts.set_stock(shop.shop.store, parent, 99 + number)
        read(store, "products")
        push = send_alone(store, SIZES[0])
    assert push.problem_code == Reason.FROZEN


def test_of_items_counted_apart_the_smallest_is_told_and_a_sale_is_no_change_by_others(
    merchant: Merchant, shop: WooWorld
) -> None:
    for sku, units in zip(SIZES, (10, 20, 30), strict=True):
        product = Product.objects.create(merchant=merchant, title=sku)
        variant = Variant.objects.create(
            merchant=merchant, product=product, sku=sku, sku_key=sku.casefold()
        )
        count(variant, units)
    store = connected(merchant, shop)
    told(store)
    assert shown(shop) == 10
    largest = outbox.targets([size(store, SIZES[2])])[size(store, SIZES[2]).pk]
    assert (largest.value, largest.terms["pool"]) == (10, 10)
    assert SIZES[0] in largest.reason

    chance = Random(3)
    for _ in range(4):
        placing.place_with(shop.shop.store, chance, [(SIZES[2], 1)])
        assert shown(shop) == 9
        read(store, "orders", "products")
        assert send_alone(store, SIZES[0]).problem_code == ""
        assert shown(shop) == 10
    assert StockLevel.objects.get(variant__sku=SIZES[2]).free == 26


def test_a_size_without_sku_is_counted_with_those_it_shares_its_figure_with(
    merchant: Merchant,
) -> None:
    """Of the product 27 the first size has no SKU; the other two are known in both stores."""
    options = {"orders": 0, "products": 30, "serves_plain_http_as_tls": True}
    with woo_world(**options) as one, woo_world(**options) as other:
        stores = [connected(merchant, world) for world in (one, other)]

    for store in stores:
        ref = size(store, "VAR-027-2").stock_ref
        alike = Listing.objects.filter(store=store, stock_ref=ref).select_related("variant")
        assert {x.sku for x in alike} == {"", "VAR-027-2", "VAR-027-3"}
        assert all(x.shares_figure for x in alike)
    pools = Variant.objects.filter(listings__stock_ref=ref).values_list("counted_as", flat=True)
    assert len(set(pools)) == 1
    assert not Listing.objects.get(store=store, sku="SKU-0001").shares_figure

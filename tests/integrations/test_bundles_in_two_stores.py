"""A bundle of a Shopify store whose SKU a WooCommerce store sells too, over HTTP: what each shows
while its parts are sold in either.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from integrations import outbox
from integrations.connect import opening
from integrations.models import Push, Store
from integrations.outbox.verdicts import Verdict
from integrations.sandbox.shopify.orders import placing as shopify_placing
from integrations.sandbox.woocommerce import placing as woo_placing
from inventory import ledger, locations
from inventory.models import KitPart, Listing, Reservation, StockLevel, Variant
from logix.accounts.models import AuditEvent
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.reconcile.conftest import compare
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.test_two_stores import connected, read, told
from tests.integrations.woocommerce.world import WooWorld, woo_world
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)

FREE_A, FREE_B = 9, 6


class Stores:
    """Both sell A, B and the set of 2 × A and 1 × B; only the boutique knows that it is one."""

    def __init__(self, boutique: ShopifyWorld, shop: WooWorld) -> None:
        self.boutique, self.shop = boutique, shop
        catalogue = boutique.shop.store.catalogue
        self.bundle = next(x for x in catalogue.variants.values() if x.components)
        (a, _), (b, _) = self.bundle.components
        self.set, self.a, self.b = (
            self.bundle.sku,
            catalogue.variants[a].sku,
            catalogue.variants[b].sku,
        )
        assert [units for _, units in self.bundle.components] == [2, 1]
        assert len({self.set, self.a, self.b} - {""}) == 3
        own = shop.shop.store.products
        plain = [x for x in own.values() if (x.kind, x.status) == ("simple", "publish")]
        simple = [x for x in plain if x.manages_stock is True]
        self.there = dict(zip((self.set, self.a, self.b), simple, strict=False))
        for sku, product in self.there.items():
            product.sku = sku

    def connect(self) -> None:
        merchant = make_merchant()
        self.theirs, self.ours = connected(merchant, self.boutique), connected(merchant, self.shop)
        place = locations.default(merchant.pk)
        for sku, units in ((self.a, FREE_A), (self.b, FREE_B)):
            held = sum(x.reserved for x in StockLevel.objects.filter(variant__sku=sku))
            ledger.adjust(
                variant=Variant.objects.get(sku=sku),
                location=place,
                set_to=units + held,
                reason="Count",
                actor="user:anna",
            )
        self.tell()

    def tell(self) -> None:
        for store in (self.theirs, self.ours):
            read(store)
        for store in (self.theirs, self.ours):
            told(store)

    def at_the_shop(self, sku: str) -> int | None:
        own = self.shop.shop.store.products
        return own[self.there[sku].id].stock

    def at_the_boutique(self, sku: str) -> int:
        catalogue = self.boutique.shop.store.catalogue
        variant = catalogue.by_sku(sku)
        assert variant is not None
        return catalogue.quantity_of(variant)

    def listing(self, store: Store, sku: str) -> Listing:
        return Listing.objects.select_related("store").get(store=store, sku=sku, gone_at=None)


@pytest.fixture
def stores() -> Iterator[Stores]:
    with (
        shopify_world(orders=2) as boutique,
        woo_world(orders=2, serves_plain_http_as_tls=True) as shop,
    ):
        made = Stores(boutique, shop)
        made.connect()
        yield made


def scarcest(a: int, b: int) -> int:
    return min(a // 2, b)


def test_the_set_shows_what_its_parts_suffice_for_wherever_they_are_sold(stores: Stores) -> None:
    kit = Variant.objects.get(sku=stores.set)
    made_of = {x.part.sku: x.units for x in KitPart.objects.filter(kit=kit)}
    assert made_of == {stores.a: 2, stores.b: 1}
    made = AuditEvent.objects.get(action="kit.parts_changed")
    assert (made.actor_kind, made.actor) == ("platform", stores.theirs.name)
    assert stores.at_the_shop(stores.set) == scarcest(FREE_A, FREE_B) == 4
    assert stores.at_the_boutique(stores.set) == 4, "the store's own arithmetic"

    # Three of A are sold at the shop: the set is worth one less there and at the boutique.
    woo_placing.place_with(stores.shop.shop.store, Random(1), [(stores.a, 3)])
    stores.tell()
    assert stores.at_the_boutique(stores.a) == FREE_A - 3
    assert stores.at_the_shop(stores.set) == stores.at_the_boutique(stores.set) == 3

    # One of A is sold at the boutique.
    shopify_placing.place_with(stores.boutique.shop.store, Random(1), [(stores.a, 1)])
    stores.tell()
    assert stores.at_the_shop(stores.a) == FREE_A - 4
    assert stores.at_the_shop(stores.set) == stores.at_the_boutique(stores.set) == 2

    # A set is sold at the shop, which only knows it as a thing of its own.
    woo_placing.place_with(stores.shop.shop.store, Random(1), [(stores.set, 1)])
    stores.tell()
    assert stores.at_the_boutique(stores.a) == stores.at_the_shop(stores.a) == FREE_A - 6
    assert stores.at_the_boutique(stores.b) == stores.at_the_shop(stores.b) == FREE_B - 1
    assert stores.at_the_shop(stores.set) == stores.at_the_boutique(stores.set) == 1
    assert_books_balance()


def test_a_set_bought_at_the_boutique_holds_each_part_once(stores: Stores) -> None:
    known = set(Order.objects.values_list("pk", flat=True))

    shopify_placing.place_with(stores.boutique.shop.store, Random(1), [(stores.set, 2)])
    stores.tell()

    order = Order.objects.exclude(pk__in=known).get()
    lines = {x.sku: x for x in order.lines.all()}
    assert {sku: x.quantity for sku, x in lines.items()} == {stores.a: 4, stores.b: 2}
    held = Reservation.objects.filter(order_ref=order.pk, quantity__gt=0)
    assert {(x.line_ref, x.variant.sku, x.quantity) for x in held} == {
        (lines[stores.a].pk, stores.a, 4),
        (lines[stores.b].pk, stores.b, 2),
    }
    assert stores.at_the_shop(stores.a) == stores.at_the_boutique(stores.a) == FREE_A - 4
    assert stores.at_the_shop(stores.set) == scarcest(FREE_A - 4, FREE_B - 2)
    assert_books_balance()


def test_the_bundle_itself_is_never_written_and_nothing_is_wrong_with_that(stores: Stores) -> None:
    listing = stores.listing(stores.theirs, stores.set)

    assert (listing.is_bundle, listing.seen_quantity, listing.kit_problem) == (True, None, "")
    assert not Push.objects.filter(state=Push.State.BLOCKED).exists()
    push = Push.objects.get(listing=listing)
    assert (push.state, push.pushed_value, push.problem_code) == ("idle", None, "not_written")
    kit = Variant.objects.select_related("product", "counted_as").get(sku=stores.set)
    shown = {x.listing.store_id: x for x in outbox.facts_of(kit).shown}
    own = shown[stores.theirs.pk]
    assert own.verdict is Verdict.LEFT_ALONE
    assert own.words == "The store computes what it shows of a bundle itself, from its parts."
    assert shown[stores.ours.pk].verdict is Verdict.IN_STEP


def test_the_nightly_comparison_does_not_name_the_bundle(stores: Stores) -> None:
    found = compare(stores.theirs)

    named = stores.listing(stores.theirs, stores.set)
    assert (found.state, found.problem) == ("complete", "")
    assert str(named.pk) not in str(found.findings)
    assert stores.set not in str(found.findings)


def test_reading_both_catalogues_again_changes_nothing(stores: Stores) -> None:
    parts = list(KitPart.objects.values_list("pk", "units"))
    writes = stores.boutique.writes(), stores.shop.writes()
    for store in (stores.theirs, stores.ours):
        opening.read_products_anew(store)

    stores.tell()

    assert list(KitPart.objects.values_list("pk", "units")) == parts
    assert AuditEvent.objects.filter(action="kit.parts_changed").count() == 1
    assert (stores.boutique.writes(), stores.shop.writes()) == writes


def test_other_parts_at_the_boutique_are_followed(stores: Stores) -> None:
    catalogue: Any = stores.boutique.shop.store.catalogue
    with stores.boutique.shop.store.working():
        (a, _), (b, _) = stores.bundle.components
        stores.bundle.components = [(a, 3), (b, 2)]
        catalogue.touch_product(catalogue.products[stores.bundle.product_id])

    stores.tell()

    assert stores.at_the_shop(stores.set) == min(FREE_A // 3, FREE_B // 2)
    assert stores.at_the_boutique(stores.set) == min(FREE_A // 3, FREE_B // 2)

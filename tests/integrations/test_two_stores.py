"""Two stores and three locations, over HTTP: the goods of one order leave two locations in three
parcels, one of which gets its number a day late; and both stores show what lies where.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from django.db.models.functions import Now

from integrations import connect, outbox, sync
from integrations.connect import places
from integrations.models import Command, Push, RunKind, Store, Stream, SyncRun
from integrations.sandbox.shopify.orders import placing
from inventory import ledger, links
from inventory.models import Listing, Location, Reservation, StockLevel, Variant
from logix.accounts.models import Merchant
from orders import services
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.sync.test_refunds import at_full_speed
from tests.integrations.woocommerce.world import WooWorld, woo_world
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def merchant(db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def boutique() -> Iterator[ShopifyWorld]:
    with shopify_world(orders=12, products=20, is_multi_location=True) as world:
        yield world


@pytest.fixture
def shop() -> Iterator[WooWorld]:
    with woo_world(orders=12, serves_plain_http_as_tls=True) as world:
        yield world


def connected(merchant: Merchant, world: ShopifyWorld | WooWorld) -> Store:
    store = connect.connect_store(
        merchant=merchant,
        platform=world.slug,
        base_url=world.url,
        credentials=world.credentials,
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        options=at_full_speed(world.slug),
        actor="user:anna",
    )
    read(store)
    run_to_end(SyncRun.objects.get(store=store, kind=RunKind.BACKFILL))
    return store


def read(store: Store, *names: str) -> None:
    for name in names or ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


def told(store: Store) -> None:
    """Everything that waits for the store goes out."""
    for _ in range(5):
        Push.objects.filter(store=store, state=Push.State.READY).update(next_at=Now())
        Command.objects.filter(store=store, state="new").update(next_at=Now())
        outbox.send_pushes(store.pk)
        outbox.send_commands(store.pk)
    waiting = Push.objects.filter(store=store, state=Push.State.READY)
    assert not waiting.exists(), list(waiting.values_list("problem_code", "problem"))


def at_the_boutique(world: ShopifyWorld, sku: str) -> dict[str, int]:
    """What it can sell of an item, by location."""
    catalogue = world.shop.store.catalogue
    variant = catalogue.by_sku(sku)
    assert variant is not None
    return {
        str(level.location_id): level.available
        for level in catalogue.levels_of(variant.item_id)
        if level.is_active and not catalogue.locations[level.location_id].service
    }


def parcels_there(world: ShopifyWorld, order_id: str) -> list[tuple[str, dict[str, int], str]]:
    """(location, units by SKU, number) of each fulfillment that counts, oldest first."""
    with world.shop.store.working():
        order = world.shop.store.orders.existing(int(order_id))
        skus = {line.id: line.sku for line in order.lines}
        return [
            (
                str(told.location_id),
                {skus[x.line_item_id]: x.quantity for x in told.lines},
                ", ".join(str(x.number) for x in told.tracking),
            )
            for told in order.fulfillments
            if told.status == "SUCCESS"
        ]


def test_one_order_leaves_two_locations_in_three_parcels(
    merchant: Merchant, boutique: ShopifyWorld, shop: WooWorld
) -> None:
    theirs, ours = connected(merchant, boutique), connected(merchant, shop)
    assert connect.warnings_of(theirs), "it has several locations: a person has to choose"
    cologne, hamburg = places.make_places(theirs, actor="user:anna")
    read(theirs)
    at = {x.location_id: x.shown_at.external_id for x in theirs.places.all() if x.shown_at}
    here, there = at[cologne.pk], at[hamburg.pk]
    cup, scarf = _kept_at_both(boutique, here, there)
    for sku, place, units in (
        (cup, cologne, 5),
        (cup, hamburg, 0),
        (scarf, cologne, 0),
        (scarf, hamburg, 4),
    ):
        _count(sku, place, units)
    listing = Listing.objects.filter(store=ours, gone_at=None, seen_quantity__gt=0).first()
    assert listing is not None
    links.unlink(listing, actor="user:anna")
    links.link(listing, Variant.objects.get(sku=cup), actor="user:anna")
    told(theirs)
    told(ours)
    assert at_the_boutique(boutique, cup) == {here: 5, there: 0}
    assert at_the_boutique(boutique, scarf) == {here: 0, there: 4}
    assert shop.stock(listing.external_product_id, listing.external_variant_id) == 5

    # Somebody buys three cups, which lie in Cologne, and two scarves, which lie in Hamburg.
    bought = [(cup, 3), (scarf, 2)]
    external_id = str(placing.place_with(boutique.shop.store, Random(1), bought))
    read(theirs)

    order = Order.objects.get(store=theirs, external_id=external_id)
    lines = {line.sku: line for line in order.lines.all()}
    assert {sku: line.assigned for sku, line in lines.items()} == {
        cup: {here: 3},
        scarf: {there: 2},
    }
    held = Reservation.objects.filter(order_ref=order.pk).select_related("variant")
    assert {(r.variant.sku, r.location_id, r.quantity, r.short) for r in held} == {
        (cup, cologne.pk, 3, 0),
        (scarf, hamburg.pk, 2, 0),
    }
    told(theirs)
    told(ours)
    assert at_the_boutique(boutique, cup) == {here: 2, there: 0}
    assert shop.stock(listing.external_product_id, listing.external_variant_id) == 2

    for sku, units, place, number in (
        (cup, 2, cologne, "DE100"),
        (cup, 1, cologne, ""),
        (scarf, 2, hamburg, "DE300"),
    ):
        services.add_shipment(
            order,
            lines={lines[sku].pk: units},
            carrier="DHL" if number else "",
            tracking_number=number,
            location=place,
            actor="token:warehouse",
        )
    told(theirs)
    assert parcels_there(boutique, external_id) == [
        (here, {cup: 2}, "DE100"),
        (here, {cup: 1}, ""),
        (there, {scarf: 2}, "DE300"),
    ]

    # The day after, the second parcel has its number.
    late = order.shipments.get(tracking_number="")
    services.update_tracking(late, carrier="DHL", tracking_number="DE200", actor="token:warehouse")
    told(theirs)
    done = [
        (here, {cup: 2}, "DE100"),
        (here, {cup: 1}, "DE200"),
        (there, {scarf: 2}, "DE300"),
    ]
    assert parcels_there(boutique, external_id) == done

    # Doing it all again changes nothing, at the store or here.
    writes, books = boutique.writes(), _books()
    Command.objects.filter(store=theirs).update(state="new", next_at=Now(), done_at=None)
    told(theirs)
    told(ours)
    read(theirs)
    sync.refetch_order(theirs, external_id=external_id, actor="user:anna")
    told(theirs)

    assert boutique.writes() == writes
    assert parcels_there(boutique, external_id) == done
    assert _books() == books
    order.refresh_from_db()
    assert (order.fulfillment_status, order.shipments.count()) == ("fulfilled", 3)
    assert {x.location_id for x in order.shipments.all()} == {cologne.pk, hamburg.pk}
    assert at_the_boutique(boutique, cup) == {here: 2, there: 0}
    assert at_the_boutique(boutique, scarf) == {here: 0, there: 2}
    assert_books_balance()


def _kept_at_both(world: ShopifyWorld, here: str, there: str) -> tuple[str, str]:
    """Two items that the boutique keeps at both locations, each with a SKU of its own."""
    catalogue = world.shop.store.catalogue
    skus = [
        variant.sku
        for variant in catalogue.variants.values()
        if not variant.components and catalogue.items[variant.item_id].tracked
    ]
    found = [
        sku
        for sku in skus
        if sku and skus.count(sku) == 1 and set(at_the_boutique(world, sku)) == {here, there}
    ]
    return found[0], found[1]


def _count(sku: str, place: Location, units: int) -> None:
    """So many can be sold there: what is reserved lies beside them."""
    level = StockLevel.objects.filter(variant__sku=sku, location=place).first()
    reserved = level.reserved if level else 0
    ledger.adjust(
        variant=Variant.objects.get(sku=sku),
        location=place,
        set_to=units + reserved,
        reason="Count",
        actor="user:anna",
    )


def _books() -> list[tuple[object, ...]]:
    rows = StockLevel.objects.order_by("pk").values_list("pk", "on_hand", "reserved", "version")
    return list(rows)

"""What the demonstration stages, in simulated stores that sell the same items."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pytest
from django.core.management.base import OutputWrapper

from integrations import connect
from integrations.management.demo import scenes
from integrations.management.demo.people import Access
from integrations.management.demo.screen import Screen
from integrations.management.demo.shops import SHARED_SKUS, SHOPS
from integrations.management.demo.warehouse import PACKS_EVERY, Warehouse, to_pack
from integrations.models import RateBucket, Store
from integrations.registry import BUILT_IN
from inventory.models import Listing
from orders.models import Order, Oversell, Shipment
from tests.factories import make_merchant
from tests.integrations.amazon.world import AmazonWorld, amazon_world
from tests.integrations.shopify.world import shopify_world
from tests.integrations.test_two_stores import connected, read, told
from tests.integrations.woocommerce.world import woo_world

pytestmark = pytest.mark.django_db(transaction=True)

HUB = "http://127.0.0.1:8000"


@pytest.fixture
def account() -> Iterator[AmazonWorld]:
    with amazon_world(orders=4, skus=SHARED_SKUS, has_control=True) as world:
        yield world


@pytest.fixture
def stores(transactional_db: None, account: AmazonWorld) -> Iterator[list[Store]]:
    with (
        woo_world(orders=2, serves_plain_http_as_tls=True, has_control=True) as shop,
        shopify_world(orders=2, skus=SHARED_SKUS, has_control=True) as boutique,
    ):
        for _ in range(2):
            account.place_order()
        merchant = make_merchant()
        made = [connected(merchant, world) for world in (shop, boutique, account)]
        for store in made:
            if connect.lacks_places(store):
                connect.make_places(store, actor="user:anna")
        yield made


def played(stores: list[Store], skus: Sequence[str] = SHARED_SKUS) -> list[str]:
    """The lines told; between them the hub does its work. Who tells of a sale at once is read."""
    lines = []
    for line in scenes.play(stores, skus, HUB):
        lines.append(line)
        for store in stores[:2]:
            read(store)
        for store in stores:
            # Nothing of the call limit is used up: the pause between two steps is left out.
            RateBucket.objects.all().delete()
            told(store)
    return [line for line in lines if line]


def figures(line: str) -> list[int]:
    return [int(part.split()[0].strip(".,")) for part in line.split(" shows ")[1:]]


def test_all_stores_sell_the_shared_items(stores: list[Store]) -> None:
    listings = Listing.objects.filter(sku__in=SHARED_SKUS, link_problem="")

    assert listings.count() == len(SHARED_SKUS) * len(stores)
    assert listings.values("variant").distinct().count() == len(SHARED_SKUS)


def test_a_sale_lowers_the_others_an_oversell_is_explained_and_a_parcel_told(
    stores: list[Store], account: AmazonWorld
) -> None:
    lines = played(stores)

    before, after = figures(lines[0]), figures(lines[1])
    assert len(before) == 2
    assert after == [figure - 1 for figure in before]
    record = Oversell.objects.unresolved().get(sku=SHARED_SKUS[1])
    assert (record.units, record.order.number in lines[3]) == (2, True)
    assert lines[4].endswith(f"{HUB}/admin/orders/oversell/{record.pk}/change/")
    assert lines[5].endswith(f"{HUB}/admin/inventory/variant/{record.variant_id}/explain/")
    parcel = Shipment.objects.get(order__store=stores[-1], origin=Shipment.Origin.HUB)
    assert parcel.tracking_number in lines[6]
    assert lines[7].startswith(f"… and {stores[-1]} shows the parcel after ")
    assert account.parcels(parcel.order.external_id) == [(parcel.tracking_number,)]
    assert len(lines) == 8

    again = played(stores)
    assert len(again) == 4
    assert Oversell.objects.filter(sku=SHARED_SKUS[1]).count() == 1


def test_the_warehouse_packs_for_one_store_after_the_other(stores: list[Store]) -> None:
    merchant = stores[0].merchant
    waiting = {store.pk for store in stores if to_pack(Order.objects.filter(store=store))}
    warehouse = Warehouse(merchant, stores)

    for _ in range(PACKS_EVERY * len(stores)):
        warehouse.step()

    packed = Shipment.objects.filter(origin=Shipment.Origin.HUB)
    assert set(packed.values_list("order__store", flat=True)) == waiting
    assert stores[-1].pk in waiting


def test_the_demo_has_a_store_of_every_platform() -> None:
    assert [shop.platform for shop in SHOPS] == list(BUILT_IN)
    assert len({shop.state_file for shop in SHOPS}) == len(SHOPS)


def test_a_store_of_the_demo_is_connected_with_its_own_keys() -> None:
    """Those that its simulator was started with."""
    for shop in SHOPS:
        values = {word.partition("=")[2] for word in shop.arguments}
        assert set(shop.credentials.values()) <= values, shop.platform


def test_the_page_names_each_store_and_how_soon_its_news_come(stores: list[Store]) -> None:
    out = io.StringIO()

    Screen(OutputWrapper(out), stores).welcome(HUB, Access("demo", "secret", "lgx_1"))

    shown = [line for line in out.getvalue().splitlines() if "/_sandbox/" in line]
    assert shown == [
        f"  {stores[0].base_url}/_sandbox/  {stores[0].name}",
        f"  {stores[1].base_url}/_sandbox/  {stores[1].name}",
        f"  {stores[2].base_url}/_sandbox/  {stores[2].name} "
        "(sends no webhooks: its news are here within 7 minutes)",
    ]


def test_of_stores_without_the_items_a_parcel_alone_is_staged(stores: list[Store]) -> None:
    first, last = played(stores, ("NOBODY-SELLS-IT",))

    assert first.startswith("Scene 3: ")
    assert last.startswith(f"… and {stores[-1]} shows the parcel")

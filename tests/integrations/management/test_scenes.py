"""What the demonstration stages, in two simulated stores that sell the same items."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations import connect
from integrations.management.demo import scenes
from integrations.management.demo.shops import SHARED_SKUS
from integrations.models import Store
from inventory.models import Listing
from orders.models import Oversell
from tests.factories import make_merchant
from tests.integrations.shopify.world import shopify_world
from tests.integrations.test_two_stores import connected, read, told
from tests.integrations.woocommerce.world import woo_world

pytestmark = pytest.mark.django_db(transaction=True)

HUB = "http://127.0.0.1:8000"


@pytest.fixture
def stores(transactional_db: None) -> Iterator[list[Store]]:
    with (
        woo_world(orders=2, serves_plain_http_as_tls=True, has_control=True) as shop,
        shopify_world(orders=2, skus=SHARED_SKUS, has_control=True) as boutique,
    ):
        merchant = make_merchant()
        made = [connected(merchant, world) for world in (shop, boutique)]
        for store in made:
            if connect.lacks_places(store):
                connect.make_places(store, actor="user:anna")
        yield made


def played(stores: list[Store]) -> list[str]:
    """The lines told; between them the hub does its work."""
    lines = []
    for line in scenes.play(stores, SHARED_SKUS, HUB):
        lines.append(line)
        for store in stores:
            read(store)
            told(store)
    return [line for line in lines if line]


def test_both_stores_sell_the_shared_items(stores: list[Store]) -> None:
    listings = Listing.objects.filter(sku__in=SHARED_SKUS, link_problem="")

    assert listings.count() == len(SHARED_SKUS) * len(stores)
    assert listings.values("variant").distinct().count() == len(SHARED_SKUS)


def test_a_sale_lowers_the_other_store_and_an_oversell_is_explained(stores: list[Store]) -> None:
    lines = played(stores)

    before, after = lines[0].split(" shows ")[1].split()[0], lines[1].split()[2]
    assert int(after) == int(before) - 1
    record = Oversell.objects.unresolved().get(sku=SHARED_SKUS[1])
    assert (record.units, record.order.number in lines[3]) == (2, True)
    assert lines[4].endswith(f"{HUB}/admin/orders/oversell/{record.pk}/change/")
    assert lines[5].endswith(f"{HUB}/admin/inventory/variant/{record.variant_id}/explain/")
    assert len(lines) == 6

    again = played(stores)
    assert len(again) == 2
    assert Oversell.objects.filter(sku=SHARED_SKUS[1]).count() == 1


def test_stores_without_the_items_stage_nothing(stores: list[Store]) -> None:
    assert list(scenes.play(stores, ("NOBODY-SELLS-IT",), HUB)) == []

"""A store is told 250 figures at once, one of which it refuses: the others are shown, the one is
named, and nobody has to help. Told to slow down meanwhile, the hub goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.models.functions import Now

from integrations import outbox
from integrations.models import Push, Store
from inventory import ruling
from inventory.models import Listing
from tests.factories import make_merchant
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.test_two_stores import connected, told

pytestmark = pytest.mark.django_db(transaction=True)

LINES, FIGURE = 250, 1_000


@pytest.fixture
def world() -> Iterator[ShopifyWorld]:
    with shopify_world(orders=0, products=70) as world:
        yield world


@pytest.fixture
def listings(world: ShopifyWorld) -> list[Listing]:
    """Linked ones that are counted, each with a new figure that waits to be told."""
    store = connected(make_merchant(), world)
    told(store)
    rows = Listing.objects.filter(store=store, gone_at=None, seen_quantity__isnull=False)
    found = list(rows.exclude(variant=None).select_related("store", "variant")[:LINES])
    assert len(found) == LINES
    ruling.create(store.merchant, store=store, always=FIGURE, actor="user:anna")
    return found


def send(store: Store) -> None:
    Push.objects.filter(store=store, state=Push.State.READY).update(next_at=Now())
    outbox.send_pushes(store.pk)


def shown(world: ShopifyWorld, listing: Listing) -> int:
    catalogue = world.shop.store.catalogue
    item = catalogue.variants[int(listing.external_variant_id)].item_id
    return sum(level.available for level in catalogue.levels_of(item))


def test_one_refused_line_of_250_is_named_and_the_others_are_shown(
    world: ShopifyWorld, listings: list[Listing]
) -> None:
    store, refused = listings[0].store, listings[LINES // 2]
    variant = world.shop.store.catalogue.variants[int(refused.external_variant_id)]
    world.shop.store.catalogue.items[variant.item_id].tracked = False
    before = shown(world, refused)

    send(store)

    pushes = {push.listing_id: push for push in Push.objects.filter(listing__in=listings)}
    named = [key for key, push in pushes.items() if push.state == Push.State.BLOCKED]
    assert named == [refused.pk]
    assert pushes[refused.pk].problem
    assert shown(world, refused) == before
    others = [listing for listing in listings if listing != refused]
    assert {pushes[x.pk].state for x in others} == {Push.State.IDLE}
    assert [shown(world, x) for x in others] == [FIGURE] * (LINES - 1)


def test_told_to_slow_down_it_goes_on_at_the_same_place(
    world: ShopifyWorld, listings: list[Listing]
) -> None:
    store = listings[0].store
    world.trouble("rate_limited", rate=1.0)

    for _ in range(2):
        send(store)
    waiting = Push.objects.filter(listing__in=listings)
    assert set(waiting.values_list("state", "attempts")) == {(Push.State.READY, 0)}
    assert all(shown(world, listing) < FIGURE for listing in listings)
    world.peace()
    send(store)

    assert set(waiting.values_list("state", flat=True)) == {Push.State.IDLE}
    assert all(shown(world, listing) == FIGURE for listing in listings)

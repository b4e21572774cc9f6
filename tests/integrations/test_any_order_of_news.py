"""One order is made, paid, edited, refunded in part and cancelled in a simulated store. Whatever
order the news of it arrive in, as webhooks or as records read at the time, it ends the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

from integrations.base import BaseEcommerceIntegration, Filters
from integrations.events import EventKind
from integrations.sandbox.shopify.orders import acts as shopify_acts
from integrations.sandbox.shopify.orders import placing as shopify_placing
from integrations.sandbox.woocommerce import acts as woo_acts
from integrations.sandbox.woocommerce import placing as woo_placing
from inventory.catalogue import import_products
from inventory.data import ProductData
from orders.data import Authority, OrderData
from tests.factories import NOW, make_store
from tests.integrations.conformance import adapter_of
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.woocommerce.world import WooWorld, woo_world
from tests.orders.shop import assert_books_balance, bring, by_id
from tests.orders.test_convergence import world as ending

pytestmark = pytest.mark.django_db

World = WooWorld | ShopifyWorld
VERBS = {
    "woocommerce": ("process", "edit", "refund", "cancel"),
    "shopify": ("pay", "edit", "refund", "cancel"),
}
STEPS = 5


@dataclass(frozen=True)
class Life:
    """What became of one order: ``webhooks`` the records its deliveries carry (None: thin, the
    store is to be asked), ``read`` the records read after each step; ``products`` of the store.
    """

    platform: str
    products: tuple[ProductData, ...]
    webhooks: tuple[OrderData | None, ...]
    read: tuple[OrderData, ...]


@pytest.fixture(scope="module", params=["woocommerce", "shopify"])
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    make = {"woocommerce": woo_world, "shopify": shopify_world}[request.param]
    with make(orders=0, products=6) as world, adapter_of(world) as adapter:
        yield lived(world, adapter)


def lived(world: Any, adapter: BaseEcommerceIntegration) -> Life:
    adapter.setup_webhooks(adapter.card.topics)
    products = tuple(adapter.sync_products(Filters()))
    clock, began = world.shop.store.clock, time.time()
    clock.source = lambda: began
    order_id = _placed_unpaid(world)
    read = [adapter.read_order(order_id)]
    acts = woo_acts if world.slug == "woocommerce" else shopify_acts
    for minute, verb in enumerate(VERBS[world.slug], 1):
        clock.source = lambda minute=minute: began + 60 * minute
        acts.act(world.shop.store, verb, int(order_id))
        world.shop.deliveries.settle(10)
        read.append(adapter.read_order(order_id))
    events = [e for raw, _ in world.deliveries() for e in adapter.handle_webhook(raw)]
    told = [e for e in events if e.kind == EventKind.ORDER and e.external_id == order_id]
    webhooks = _one_a_step(told, read)
    return Life(world.slug, products, webhooks, tuple(read))


def _placed_unpaid(world: Any) -> str:
    place = woo_placing if world.slug == "woocommerce" else shopify_placing
    (order_id,) = place.place(world.shop.store, world.shop.chance, kind="unpaid")
    return str(order_id)


def _one_a_step(told: Sequence[Any], read: Sequence[OrderData]) -> tuple[OrderData | None, ...]:
    """The last delivery of each step; thin ones stand for a step each."""
    whole = {e.order.changed_at: e.order for e in told if e.order is not None}
    assert told
    return tuple(whole.get(record.changed_at) for record in read)


@pytest.mark.parametrize("way", ["webhooks", "read"])
def test_all_orders_of_five_changes_end_in_the_same_state(life: Life, way: str) -> None:
    store = make_store(platform=life.platform)
    import_products(store, life.products, observed_at=NOW, now=NOW, adopt_stock=True)
    news: Sequence[OrderData | None] = getattr(life, way)
    assert len({record.changed_at for record in life.read}) == len(news) == STEPS
    authority = Authority.WEBHOOK if way == "webhooks" else Authority.LIST_PAGE
    endings: list[dict[str, Any]] = []

    arrive(store, life, news, authority, endings)

    assert len(endings) == 120
    assert endings[0]["axes"][0] == "cancelled"
    assert [x for x in endings if x != endings[0]] == []


def arrive(
    store: Any,
    life: Life,
    left: Sequence[OrderData | None],
    authority: Authority,
    endings: list[dict[str, Any]],
) -> None:
    """Let each of what is ``left`` arrive next, then the rest in every order, and take it back.
    Asked, the store answers with its newest state.
    """
    if not left:
        assert_books_balance()
        endings.append(ending(store))
    for number, record in enumerate(left):
        with transaction.atomic():
            if record is None or bring(store, record, authority=authority).reread:
                by_id(store, life.read[-1])
            arrive(store, life, [*left[:number], *left[number + 1 :]], authority, endings)
            transaction.set_rollback(True)

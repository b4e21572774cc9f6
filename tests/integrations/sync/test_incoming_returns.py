"""A hub and a whole simulated store: what it refunds and takes back, by the option ``returns``."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from integrations import connect, sync
from integrations.models import RunKind, Store, SyncRun
from integrations.sandbox.shopify.orders import acts as boutique_acts
from integrations.sandbox.woocommerce import selling
from inventory.models import StockMovement
from orders import services
from orders.errors import OrderError
from orders.models import Order, OrderLine
from tests.factories import make_merchant
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.sync.test_refunds import World, at_full_speed, on_hand, placed, read, send
from tests.integrations.woocommerce.world import woo_world
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)
ANNA = "user:anna"
MODES = {"off": 0, "record": 0, "automatic": 1}


@pytest.fixture(params=["woocommerce", "shopify"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "shopify":
        with shopify_world(orders=4) as boutique:
            yield boutique
    else:
        with woo_world(orders=4, serves_plain_http_as_tls=True) as shop:
            yield shop


@pytest.fixture
def boutique() -> Iterator[ShopifyWorld]:
    with shopify_world(orders=4) as world:
        yield world


def sold(world: World, mode: str) -> OrderLine:
    """The first line of an order that has left whole and is complete."""
    store = connect.connect_store(
        merchant=make_merchant(),
        platform=world.slug,
        base_url=world.url,
        credentials=world.credentials,
        options={"returns": mode, **at_full_speed(world.slug)},
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor=ANNA,
    )
    read(store)
    run_to_end(SyncRun.objects.get(store=store, kind=RunKind.BACKFILL))
    external_id = placed(world)
    sync.refetch_order(store, external_id=external_id, actor=ANNA)
    order = Order.objects.get(store=store, external_id=external_id)
    services.add_shipment(order, carrier="DHL", tracking_number="T1", actor=ANNA)
    send(store)
    send(store)
    read(store)
    return order.lines.exclude(variant=None).order_by("position")[0]


def give_back(world: World, line: OrderLine, *, restocks: bool = True) -> None:
    """One unit refunded at the store, and put back on sale there."""
    number = int(line.order.external_id)
    if isinstance(world, ShopifyWorld):
        boutique_acts.act(world.shop.store, "refund", number)
    else:
        # Some moments after it was completed: the site counts whole seconds.
        world.shop.store.clock.source = lambda: time.time() + 3
        lines = {int(line.external_id): 1}
        selling.refund(world.shop.store, number, lines=lines, restocks=restocks)


def again(store: Store, order: Order) -> None:
    for _ in range(2):
        read(store)
        sync.refetch_order(store, external_id=order.external_id, actor=ANNA)


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_on_one_refund(world: World, mode: str) -> None:
    line = sold(world, mode)
    order, before = line.order, on_hand(line)

    give_back(world, line)
    again(order.store, order)

    order.refresh_from_db()
    assert order.payment_status == "partially_refunded"
    assert on_hand(line) == before + MODES[mode]
    assert StockMovement.objects.filter(kind="restock").count() == MODES[mode]
    assert order.events.filter(kind="restock_waits").count() == (mode == "record")
    assert_books_balance()


def test_a_return_that_arrived_goes_on_the_shelf_once(boutique: ShopifyWorld) -> None:
    line = sold(boutique, "automatic")
    order, before = line.order, on_hand(line)
    boutique_acts.act(boutique.shop.store, "return", int(order.external_id))
    again(order.store, order)
    assert on_hand(line) == before

    boutique_acts.act(boutique.shop.store, "arrive", int(order.external_id))
    again(order.store, order)

    back = order.returns.get().lines.get()
    assert (back.received, back.restocked, back.left) == (1, 1, 0)
    assert StockMovement.objects.get(kind="restock").delta == 1
    assert order.events.filter(kind="restocked").count() == 1
    assert_books_balance()


@pytest.mark.parametrize("mode", ["off", "record"])
def test_a_return_that_arrived_waits_or_is_only_shown(boutique: ShopifyWorld, mode: str) -> None:
    line = sold(boutique, mode)
    order, before = line.order, on_hand(line)
    for verb in ("return", "arrive"):
        boutique_acts.act(boutique.shop.store, verb, int(order.external_id))
        again(order.store, order)
    found = order.returns.get()
    assert on_hand(line) == before

    # Another choice changes nothing of what was told before.
    connect.change_store(order.store, options={"returns": "automatic"}, actor=ANNA)
    store = Store.objects.get(pk=order.store_id)
    again(store, order)
    assert on_hand(line) == before
    units = {found.lines.get().pk: 1}
    if mode == "off":
        with pytest.raises(OrderError, match="only shown"):
            services.restock_return(found, units=units, actor=ANNA)
    else:
        services.restock_return(found, units=units, actor=ANNA)
        assert StockMovement.objects.get(kind="restock").delta == 1

"""One order arrives by five webhooks, a poll, a back-fill and by hand at the same time, while
workers die: it is here once, holds its units once, and is told to the other store once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from random import Random

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from integrations import connect, sync
from integrations.errors import PlatformError
from integrations.models import RunKind, Store, Stream
from integrations.sandbox.server import Incoming, Server
from integrations.sandbox.woocommerce import placing, selling
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.shop import Shop
from integrations.sandbox.woocommerce.wire import Answer
from inventory.models import Bucket, Listing, Reservation, StockMovement
from logix.accounts.models import Merchant
from orders.models import Order, OrderEvent, OrderLine
from tests.services import invariants
from tests.services.hub import Hub, until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

KEY, SECRET, SKU = "ck_" + "a" * 40, "cs_" + "b" * 40, "SKU-0001"
ROUNDS, BY_HAND, WEBHOOKS = 6, 3, 5
VICTIMS = {1: "live", 3: "bulk", 5: "live"}


class WatchedShop(Shop):
    """``figures``: bodies of writes that set a figure."""

    def __init__(self) -> None:
        options = StoreOptions(orders=5, products=10, consumer_key=KEY, consumer_secret=SECRET)
        super().__init__(options, webhook_delay_s=0)
        self.figures: list[bytes] = []

    def handle(self, incoming: Incoming) -> Answer:
        if incoming.method != "GET" and b"stock_quantity" in incoming.body:
            self.figures.append(incoming.body)
        return super().handle(incoming)


@pytest.fixture
def shops() -> Iterator[list[WatchedShop]]:
    """Two that sell the same."""
    made = [WatchedShop(), WatchedShop()]
    with ExitStack() as stack:
        for shop in made:
            shop.store.home_url = f"{stack.enter_context(Server(shop)).url}/"
        yield made


@pytest.fixture
def stores(hub: Hub, shops: list[WatchedShop]) -> list[Store]:
    merchant = Merchant.objects.create(name="Acme", slug="acme")
    made = [
        connect.connect_store(
            merchant=merchant,
            platform="woocommerce",
            base_url=shop.store.home_url.rstrip("/"),
            credentials={"consumer_key": KEY, "consumer_secret": SECRET},
            options={"calls_per_s": 50},
            writes_enabled=True,
            actor="user:anna",
        )
        for shop in shops
    ]
    Stream.objects.filter(store__in=made).update(every_s=5)
    until(lambda: not Store.objects.filter(stock_opened_at=None).exists(), 120, "stock is open")
    until(lambda: all(map(invariants.nothing_waits, made)), 60, "both stores are told")
    return made


def test_one_order_that_comes_by_every_way_at_once_is_one_order(
    hub: Hub, shops: list[WatchedShop], stores: list[Store]
) -> None:
    (here, other), (shop, other_shop) = stores, shops
    listing = Listing.objects.get(store=other, sku=SKU)
    before = other_shop.store.products[int(listing.external_product_id)].stock
    assert before is not None
    other_shop.figures.clear()
    placed = []
    for number in range(ROUNDS):
        order_id = placing.place_with(shop.store, Random(number), [(SKU, 1)])
        placed.append(str(order_id))
        _by_every_way(here, shop, order_id)
        if victim := VICTIMS.get(number):
            hub.kill(victim)
            hub.start_worker(victim)
        until(
            lambda wanted=before - number - 1: _stock(other_shop, listing) == wanted,  # type: ignore[misc]
            60,
            f"the other store shows {before - number - 1} after order {order_id}",
        )
    until(invariants.inbox_is_empty, 120, "every delivery was worked")
    until(lambda: all(map(invariants.nothing_waits, stores)), 120, "the outbox is empty")

    assert invariants.no_order_twice(here)
    new = Order.objects.filter(store=here, external_id__in=placed)
    assert new.count() == ROUNDS
    assert OrderEvent.objects.filter(order__in=new, kind="imported").count() == ROUNDS
    lines = OrderLine.objects.filter(order__in=new).values_list("pk", flat=True)
    held = Reservation.objects.filter(line_ref__in=lines)
    assert [(x.quantity, x.short) for x in held] == [(1, 0)] * ROUNDS
    reserved = StockMovement.objects.filter(order_ref__in=new.values("pk"), bucket=Bucket.RESERVED)
    assert [x.delta for x in reserved] == [1] * ROUNDS
    assert len(other_shop.figures) == ROUNDS
    assert _stock(other_shop, listing) == before - ROUNDS
    assert invariants.ledger_adds_up()


def _stock(shop: Shop, listing: Listing) -> int | None:
    return shop.store.products[int(listing.external_product_id)].stock


def _by_every_way(store: Store, shop: Shop, order_id: int) -> None:
    hands = [threading.Thread(target=_by_hand, args=(store, order_id)) for _ in range(BY_HAND)]
    for hand in hands:
        hand.start()
    for _ in range(WEBHOOKS - 1):
        with shop.store.working():
            shop.store.emit("order.updated", order_id)
    sync.request_run(store, actor="user:anna")
    since = timezone.now() - timedelta(days=1)
    with suppress(sync.RunRefused):  # the one asked for before still runs
        sync.request_run(store, kind=RunKind.BACKFILL, since=since, actor="user:anna")
    for hand in hands:
        hand.join(60)
        assert not hand.is_alive()
    assert selling.existing(shop.store, order_id)


def _by_hand(store: Store, order_id: int) -> None:
    close_old_connections()
    try:
        sync.refetch_order(store, external_id=str(order_id), actor="user:anna")
    except PlatformError:
        pass
    finally:
        connection.close()

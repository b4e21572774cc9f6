"""Three stores sell the last units of an item at once, and real workers bring them in step: who
gets one, who is short, and how soon every store shows that nothing is left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from random import Random
from typing import Any

import pytest
from django.db.models import Sum

from integrations import connect
from integrations.models import Store, Stream
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions as ShopifyOptions
from integrations.sandbox.shopify.orders import placing as shopify_placing
from integrations.sandbox.shopify.shop import Shop as ShopifyShop
from integrations.sandbox.woocommerce import placing as woo_placing
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.shop import Shop
from inventory import ledger, locations
from inventory.models import Listing, Reservation
from logix.accounts.models import Merchant
from orders.models import Order, OrderEvent, Oversell
from tests.integrations.test_last_units import one_item_for_all
from tests.services import invariants
from tests.services.hub import Hub, until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

KEY, SECRET, TOKEN = "ck_" + "6" * 40, "cs_" + "7" * 40, "shpat_" + "8" * 32
LEFT, SOLD_IN_EACH = 5, 4
SOLD = 3 * SOLD_IN_EACH
SELL_WITHIN_S, IN_STEP_WITHIN_S, READ_WITHIN_S = 2, 30, 5


class Channel:
    """A simulated store and the hub's row of it; ``listing`` is the item they all sell."""

    url: str
    store: Store
    listing: Listing

    def __init__(self, shop: Any, platform: str, credentials: dict[str, str]) -> None:
        self.shop, self.platform, self.credentials = shop, platform, credentials

    def connect(self, merchant: Merchant) -> Store:
        self.store = connect.connect_store(
            merchant=merchant,
            platform=self.platform,
            base_url=self.url,
            credentials=self.credentials,
            options={"calls_per_s": 50} if self.platform == "woocommerce" else {},
            writes_enabled=True,
            actor="user:anna",
        )
        Stream.objects.filter(store=self.store).update(every_s=5)
        return self.store

    def sell(self) -> None:
        """One unit, without asking anybody else."""
        place = woo_placing if self.platform == "woocommerce" else shopify_placing
        place.place_with(self.shop.store, Random(1), [(self.listing.sku, 1)])

    def shown(self) -> int | None:
        product, variant = self.listing.external_product_id, self.listing.external_variant_id
        if self.platform == "woocommerce":
            found: int | None = self.shop.store.products[int(variant or product)].stock
            return found
        catalogue = self.shop.store.catalogue
        item = catalogue.variants[int(variant)].item_id
        return sum(level.available for level in catalogue.levels_of(item))

    def written_at(self) -> list[float]:
        """When a figure was written (epoch seconds)."""
        stock = {"woocommerce": "/products", "shopify": "inventorySetQuantities"}[self.platform]
        return [
            row.at
            for row in list(self.shop.requests)
            if row.method != "GET" and stock in f"{row.path} {getattr(row, 'asked', '')}"
        ]


@pytest.fixture
def channels() -> Iterator[list[Channel]]:
    keys = {"consumer_key": KEY, "consumer_secret": SECRET}
    options = StoreOptions(orders=5, products=20, consumer_key=KEY, consumer_secret=SECRET)
    woo = [Shop(options, webhook_delay_s=0) for _ in range(2)]
    boutique = ShopifyShop(
        ShopifyOptions(
            orders=5, products=20, plan="plus", is_multi_location=False, access_token=TOKEN
        ),
        webhook_delay_s=0,
    )
    made = [Channel(shop, "woocommerce", keys) for shop in woo]
    made.append(
        Channel(
            boutique,
            "shopify",
            {"access_token": TOKEN, "client_secret": boutique.store.options.client_secret},
        )
    )
    with ExitStack() as stack:
        for channel in made:
            channel.url = stack.enter_context(Server(channel.shop)).url
        for shop, channel in zip(woo, made, strict=False):
            shop.store.home_url = f"{channel.url}/"
        yield made


def test_twelve_sales_of_the_last_five_end_in_five_reserved_and_zero_everywhere(
    hub: Hub, channels: list[Channel]
) -> None:
    merchant = Merchant.objects.create(name="Acme", slug="acme")
    stores = [channel.connect(merchant) for channel in channels]
    until(lambda: not Store.objects.filter(stock_opened_at=None).exists(), 120, "stock is open")
    item, listings = one_item_for_all(stores)
    for channel, listing in zip(channels, listings, strict=True):
        channel.listing = listing
    held = Reservation.objects.filter(variant=item).aggregate(held=Sum("quantity"))["held"] or 0
    ledger.adjust(
        variant=item,
        location=locations.default(merchant.pk),
        set_to=LEFT + held,
        reason="Count",
        actor="user:anna",
    )
    until(lambda: _shown(channels) == [LEFT] * 3, 60, "every store shows the last five")
    before = set(Order.objects.values_list("pk", flat=True))

    began = time.time()
    for _ in range(SOLD_IN_EACH):
        for channel in channels:
            channel.sell()
    sold = time.time()
    assert sold - began < SELL_WITHIN_S
    until(
        lambda: _shown(channels) == [0] * 3 and _new(before).count() == SOLD,
        IN_STEP_WITHIN_S,
        "every order is here and every store shows 0",
    )

    new = _new(before)
    rows = Reservation.objects.filter(order_ref__in=new.values("pk"), variant=item)
    assert rows.aggregate(Sum("quantity"), Sum("short")) == {
        "quantity__sum": LEFT,
        "short__sum": SOLD - LEFT,
    }
    records = Oversell.objects.unresolved().filter(order__in=new)
    assert sum(record.units for record in records) == SOLD - LEFT
    assert all(len(record.cause["channels"]) == len(channels) for record in records)
    for channel in channels:
        _reads_before_it_writes(channel, new, began)
    for store in stores:
        until(partial(invariants.nothing_waits, store), 60, "the outbox is empty")
    assert _shown(channels) == [0] * 3
    assert invariants.ledger_adds_up()


def _new(before: set[Any]) -> Any:
    return Order.objects.exclude(pk__in=before)


def _shown(channels: list[Channel]) -> list[int | None]:
    return [channel.shown() for channel in channels]


def _reads_before_it_writes(channel: Channel, new: Any, began: float) -> None:
    """No figure was written while an order that is older than the gate allows was unread."""
    imported = OrderEvent.objects.filter(order__in=new, order__store=channel.store, kind="imported")
    arrived = [(row.order.placed_at, row.at) for row in imported.select_related("order")]
    assert len(arrived) == SOLD_IN_EACH
    assert channel.written_at()
    for at in channel.written_at():
        unread = [
            placed
            for placed, here in arrived
            if at > began and here.timestamp() > at > placed.timestamp() + READ_WITHIN_S
        ]
        assert not unread, (channel.store.name, at, unread)

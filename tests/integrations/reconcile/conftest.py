"""A store of each platform, connected and read to the end, and words for what goes wrong there
without Logix being told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from integrations import connect, outbox, reconcile, sync
from integrations.models import Push, Reconciliation, RunKind, Store, Stream, SyncRun
from integrations.reconcile import requests
from integrations.sandbox.shopify.catalogue import stock as shopify_stock
from integrations.sandbox.woocommerce import stocking
from inventory.models import Listing
from logix.accounts.models import Merchant
from logix.common import bell
from tests.factories import make_merchant
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.sync.test_refunds import at_full_speed
from tests.integrations.woocommerce.world import WooWorld, woo_world

World = ShopifyWorld | WooWorld
WORLDS = {"woocommerce": woo_world, "shopify": shopify_world}
ANNA = "user:anna"


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was rung for, with its arguments. No broker is spoken to."""
    heard: list[tuple[str, Any]] = []

    def publish(task_name: str, args: Any, **_options: Any) -> bool:
        heard.append((task_name.rpartition(".")[2], args))
        return True

    monkeypatch.setattr(bell, "publish", publish)
    return heard


@pytest.fixture
def until_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The window takes in what happened in this minute, as a window of the day before does."""
    monkeypatch.setattr(requests, "FRESH", -timedelta(minutes=5))


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with WORLDS[request.param](orders=12, products=8) as world:
        yield world


@pytest.fixture
def shop() -> Iterator[WooWorld]:
    with woo_world(orders=12, products=8) as world:
        yield world


@pytest.fixture
def merchant(db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def store(merchant: Merchant, world: World, until_now: None) -> Store:
    return connected(merchant, world)


@pytest.fixture
def woo_store(merchant: Merchant, shop: WooWorld, until_now: None) -> Store:
    return connected(merchant, shop)


def connected(merchant: Merchant, world: World) -> Store:
    """Read to the end and in step."""
    store = connect.connect_store(
        merchant=merchant,
        platform=world.slug,
        base_url=world.url,
        credentials=world.credentials,
        options=at_full_speed(world.slug),
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor=ANNA,
    )
    read(store)
    run_to_end(SyncRun.objects.get(store=store, kind=RunKind.BACKFILL))
    read(store)
    told(store)
    store.refresh_from_db()
    return store


def read(store: Store) -> None:
    for name in ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


def told(store: Store) -> None:
    """Every stock figure that waits goes out."""
    for _ in range(5):
        Push.objects.filter(store=store, state=Push.State.READY).update(next_at=Now())
        outbox.send_pushes(store.pk)


def compare(store: Store, **options: Any) -> Reconciliation:
    """A comparison of a year, to its end."""
    run = reconcile.request(store, **{"days": 365, "actor": ANNA, **options})
    return work(run)


def work(run: Reconciliation) -> Reconciliation:
    while reconcile.compare_slice(run.pk):
        pass
    run.refresh_from_db()
    return run


def said(run: Reconciliation) -> dict[str, int]:
    """The causes that were counted."""
    return {cause: number for cause, number in run.counts.items() if number}


def leases_run_out() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Reconciliation.objects.exclude(lease_until=None).update(lease_until=past)


def set_stock(world: World, listing: Listing, units: int) -> None:
    """Somebody at the store sets a figure by hand."""
    store: Any = world.shop.store
    if isinstance(world, WooWorld):
        stocking.set_stock(store, int(listing.external_variant_id), units)
        return
    with store.working():
        variant = store.catalogue.variants[int(listing.external_variant_id)]
        level = store.catalogue.levels[variant.item_id, int(world.locations[0])]
        shopify_stock.change(store, level, available=units - level.available)


def shown(world: World, listing: Listing) -> int | None:
    at = world.locations[0] if world.locations else ""
    return world.stock(listing.external_product_id, listing.external_variant_id, at)


def counted_listing(store: Store, number: int = 0) -> Listing:
    """One that the store counts by itself, with units."""
    rows = Listing.objects.filter(store=store, gone_at=None, seen_quantity__gt=1)
    rows = rows.exclude(variant=None).order_by("external_variant_id")
    alone = [x for x in rows if rows.filter(stock_ref=x.stock_ref).count() == 1]
    return alone[number]

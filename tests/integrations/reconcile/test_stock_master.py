"""A store that counts its stock by itself, of each platform: nothing is told to it, and each night
what it shows is counted here.
"""

from __future__ import annotations

import pytest

from integrations import connect, reconcile, sync
from integrations.models import Push, RunKind, Store, SyncRun, ToldFigure
from integrations.reconcile import Cause
from inventory import ledger
from inventory.models import Listing, StockLevel, StockMovement
from logix.accounts.models import Merchant
from tests.integrations.reconcile.conftest import (
    ANNA,
    World,
    compare,
    counted_listing,
    read,
    said,
    set_stock,
    shown,
    told,
)
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.sync.test_refunds import at_full_speed

# Limits are kept on a connection of their own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def master(store: Store) -> Store:
    sync.set_stock_master(store, "store", actor=ANNA)
    read(store)
    return store


def levels(listing: Listing) -> list[StockLevel]:
    assert listing.variant is not None
    return list(StockLevel.objects.filter(variant=listing.variant.stock_item_id))


def free(listing: Listing) -> int:
    return sum(level.free for level in levels(listing))


def test_a_figure_changed_at_the_store_is_counted_here_that_night(
    master: Store, world: World
) -> None:
    listing = counted_listing(master)
    expected = (listing.seen_quantity or 0) + 7
    set_stock(world, listing, expected)
    writes = world.writes()

    run = compare(master)

    assert said(run)[Cause.STOCK_TAKEN] == 1
    assert (reconcile.healed(run), reconcile.left_open(run)) == (1, 0)
    assert [x["sentence"] for x in run.findings] == [
        f"{listing} shows {expected} where {expected - 7} was expected, and is counted here by "
        "what it shows."
    ]
    assert free(listing) == expected
    told(master)
    assert world.writes() == writes
    assert Cause.STOCK_TAKEN not in said(compare(master))


def test_a_dry_run_of_the_night_counts_the_same_and_changes_nothing(
    master: Store, world: World
) -> None:
    listing = counted_listing(master)
    set_stock(world, listing, (listing.seen_quantity or 0) + 7)
    moved = StockMovement.objects.count()

    tried = compare(master, dry_run=True)

    assert StockMovement.objects.count() == moved
    assert said(tried) == said(compare(master))


def test_a_count_by_hand_lasts_until_the_night(master: Store, world: World) -> None:
    listing = counted_listing(master)
    (level,) = levels(listing)
    ledger.adjust(
        variant=level.variant, location=level.location, delta=3, reason="found", actor=ANNA
    )

    run = compare(master)

    assert said(run)[Cause.STOCK_TAKEN] == 1
    assert free(listing) == shown(world, listing)


def test_a_zero_is_believed_at_night_when_it_was_read_twice(master: Store, world: World) -> None:
    listing = counted_listing(master)
    set_stock(world, listing, 0)

    run = compare(master)

    assert said(run)[Cause.STOCK_TAKEN] == 1
    assert free(listing) == 0
    assert not ToldFigure.objects.exclude(state=ToldFigure.State.TAKEN).exists()


def test_sales_at_the_master_are_lowered_once_and_nothing_is_told(
    master: Store, world: World
) -> None:
    writes = world.writes()
    for _ in range(3):
        world.place_order()
    read(master)
    compare(master)
    told(master)

    assert world.writes() == writes
    rows = Listing.objects.filter(store=master, gone_at=None, variant__isnull=False)
    for listing in rows.filter(seen_quantity__isnull=False):
        if rows.filter(stock_ref=listing.stock_ref).count() == 1 or not listing.stock_ref:
            assert free(listing) == shown(world, listing), listing
    assert not Push.objects.filter(store=master, state=Push.State.READY).exists()


def test_switching_back_writes_our_figures(master: Store, world: World) -> None:
    listing = counted_listing(master)
    set_stock(world, listing, (listing.seen_quantity or 0) + 7)
    before = free(listing)

    sync.set_stock_master(master, "hub", actor=ANNA)
    Push.objects.filter(store=master).update(pushed_at=None)
    compare(master)
    told(master)

    assert shown(world, listing) == before


def test_a_store_connected_as_master_is_counted_by_its_figures_and_never_told_one(
    merchant: Merchant, world: World
) -> None:
    store = connect.connect_store(
        merchant=merchant,
        platform=world.slug,
        base_url=world.url,
        credentials=world.credentials,
        options={**at_full_speed(world.slug), "stock_master": "store"},
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor=ANNA,
    )
    read(store)
    run_to_end(SyncRun.objects.get(store=store, kind=RunKind.BACKFILL))
    read(store)
    writes = world.writes()
    told(store)

    listing = counted_listing(store)
    assert free(listing) == shown(world, listing)
    assert world.writes() == writes
    assert not Push.objects.filter(store=store).exists()
    assert Cause.STOCK_TAKEN not in said(compare(store))

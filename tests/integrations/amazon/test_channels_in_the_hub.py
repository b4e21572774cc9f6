"""An account that sells in three marketplaces: what each offers, and one switched off and on
again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import channels, connect, sync
from integrations.connect import ConnectError
from integrations.errors import Rejected
from integrations.models import (
    Phase,
    RateBucket,
    Reconciliation,
    ReconciliationState,
    RunKind,
    Store,
    Stream,
    SyncRun,
)
from integrations.reconcile import orders as comparing
from integrations.reconcile import requests
from integrations.reconcile.report import Cause
from inventory.models import Listing, ListingChannel
from logix.accounts.models import AuditEvent, Merchant
from logix.common import bell
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.admin.conftest import words
from tests.integrations.amazon.test_in_the_hub import ANNA, connected, read
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.reconcile.conftest import compare
from tests.integrations.sandbox.amazon.client import DE, FR, UK
from tests.integrations.sync.conftest import run_to_end

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to; a window of the past takes in this minute."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    monkeypatch.setattr(requests, "FRESH", -timedelta(minutes=5))


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def french(world: AmazonWorld) -> str:
    """A SKU that is sold in France alone."""
    sku = next(x for x in world.own_skus() if FR in offers(world, x))
    with world.shop.store.working():
        row = world.shop.store.state.listings[sku]
        row.offers = {FR: row.offers[FR]}
        row.quantity = 50
    return sku


@pytest.fixture
def store(world: AmazonWorld, french: str, merchant: Merchant) -> Store:
    return connected(world, merchant)


def offers(world: AmazonWorld, sku: str) -> dict[str, Any]:
    with world.shop.store.working():
        return dict(world.shop.store.state.listings[sku].offers)


def told(store: Store) -> dict[str, set[str]]:
    """By SKU, the marketplaces that offer it as far as the hub knows."""
    found: dict[str, set[str]] = {}
    rows = ListingChannel.objects.filter(listing__store=store)
    for sku, channel in rows.values_list("listing__sku", "channel"):
        found.setdefault(sku, set()).add(channel)
    return found


def choose(store: Store, *ids: str) -> None:
    connect.choose_channels(store, ids, actor=ANNA)
    store.refresh_from_db()


def compared(store: Store) -> Reconciliation:
    """The last days, of a store whose quotas are full again."""
    RateBucket.objects.all().delete()
    return compare(store, days=5)


def ids(store: Store) -> set[str]:
    return set(Order.objects.filter(store=store).values_list("external_id", flat=True))


def test_all_marketplaces_are_connected_and_each_says_what_it_offers(
    world: AmazonWorld, store: Store
) -> None:
    assert [(x.external_id, x.currency, x.timezone) for x in channels.on(store)] == [
        (UK, "GBP", "Europe/London"),
        (DE, "EUR", "Europe/Berlin"),
        (FR, "EUR", "Europe/Paris"),
    ]
    with world.shop.store.working():
        listings = dict(world.shop.store.state.listings)
    sold = {sku: set(row.offers) for sku, row in listings.items() if not row.children}
    assert told(store) == sold
    for row in ListingChannel.objects.select_related("listing"):
        offered = listings[row.listing.sku]
        assert row.price == offered.offers[row.channel].price
        assert row.currency == ("GBP" if row.channel == UK else "EUR")
        assert (row.external_id, row.title) == (offered.asin, offered.title)
        assert row.is_buyable == ("BUYABLE" in row.raw_status)
    for listing in Listing.objects.all():
        first = next(x for x in (UK, DE, FR) if x in sold[listing.sku])
        assert listing.priced_in == ("GBP" if first == UK else "EUR")
    counted = {one.channel.name: one.orders for one in channels.standing(store, now=timezone.now())}
    since = timezone.now() - channels.COUNTED_FOR
    assert sum(counted.values()) == Order.objects.filter(placed_at__gte=since).count()


def test_whoever_connects_an_account_types_no_marketplace_and_may_switch_some_off(
    world: AmazonWorld, merchant: Merchant, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("boss", password="x"))
    form = f"{reverse('admin:integrations_store_add')}?platform=amazon"
    assert 'name="marketplaces"' not in client.get(form).content.decode()

    typed = {"merchant": merchant.pk, "store_url": world.url, "name": "", **world.credentials}
    shown = words(client.post(form, typed, follow=True))

    assert "Musterhandel sells in 3 channels, and all of them are connected" in shown
    assert "Amazon.co.uk, Amazon.de, Amazon.fr" in shown


def test_one_that_is_switched_off_is_neither_read_nor_offered_and_its_orders_go_on(
    world: AmazonWorld, store: Store, french: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world.buy((french, 1))
    read(store)
    assert here in ids(store)

    choose(store, DE, UK)

    assert store.options["marketplaces"] == [DE, UK]
    assert (store.currency, store.timezone) == ("EUR", "Europe/Berlin")
    assert AuditEvent.objects.filter(action="store.changed").exists()
    alone = Listing.objects.get(sku=french)
    assert (alone.gone_at is None, alone.is_listed) == (False, False)
    assert all(FR not in found for found in told(store).values())
    new = world.buy((french, 1))
    read(store)
    with pytest.raises(Rejected, match=r"channel of this store that is off"):
        sync.refetch_order(store, external_id=new, actor=ANNA)
    assert new not in ids(store)
    assert all(FR not in found for found in told(store).values())
    # One more than the brake lets pass, and more than its share.
    monkeypatch.setattr(comparing, "MANY", 0)
    monkeypatch.setattr(comparing, "SHARE", 0.0)
    monkeypatch.setattr(comparing, "MOST_READS", 0)
    assert compared(store).state == ReconciliationState.COMPLETE
    monkeypatch.setattr(comparing, "MOST_READS", 500)
    world.cancel_order(here)

    run = compared(store)

    assert run.state == ReconciliationState.COMPLETE
    assert not Order.objects.filter(store=store, gone_at__isnull=False).exists()
    # An open one is looked at every night.
    assert Order.objects.get(external_id=here).order_status == "cancelled"


def test_one_that_is_switched_on_is_read_from_where_the_stores_orders_begin(
    world: AmazonWorld, store: Store, french: str
) -> None:
    choose(store, UK, DE)
    missed = world.buy((french, 2))
    read(store)

    choose(store, UK, DE, FR)

    read(store)
    run = SyncRun.objects.filter(kind=RunKind.BACKFILL).latest("created_at")
    assert (run.window_from, run.requested_by) == (store.import_since, ANNA)
    run_to_end(run)
    assert missed in ids(store)
    assert Listing.objects.get(sku=french).gone_at is None
    assert told(store)[french] == {FR}


def test_a_backfill_under_way_gives_way_to_one_of_all_channels(
    world: AmazonWorld, store: Store
) -> None:
    choose(store, UK, DE)
    stream = Stream.objects.get(store=store, name="orders")
    early = timezone.now() - timedelta(days=900)
    before = SyncRun.objects.create(
        store=store, stream=stream, kind=RunKind.BACKFILL, window_from=early
    )

    choose(store, UK, DE, FR)

    before.refresh_from_db()
    assert before.state == "cancelled"
    assert SyncRun.objects.live().get().window_from == early


@pytest.mark.parametrize(
    ("ids", "code"),
    [((), "no_channel"), (("JP",), "unknown_channel"), ((UK, UK), "channel_twice")],
)
def test_what_cannot_be_chosen_is_refused_in_words(
    store: Store, ids: tuple[str, ...], code: str
) -> None:
    with pytest.raises(ConnectError) as caught:
        choose(store, *ids)

    assert caught.value.code == code
    store.refresh_from_db()
    assert "marketplaces" not in store.options


def test_the_option_is_the_same_choice_and_may_name_countries(store: Store, french: str) -> None:
    connect.change_store(store, actor=ANNA, options={"marketplaces": ["DE", "UK"]})

    assert [x.external_id for x in channels.on(store)] == [DE, UK]
    assert store.currency == "EUR"
    assert Listing.objects.get(sku=french).gone_at is not None
    with pytest.raises(ConnectError, match="has to stay on"):
        connect.change_store(store, actor=ANNA, options={"marketplaces": ["JP"]})


def test_what_a_marketplace_stops_to_offer_is_gone_after_a_night(
    world: AmazonWorld, store: Store, french: str
) -> None:
    both = next(sku for sku, places in told(store).items() if len(places) > 1)
    with world.shop.store.working():
        listings = world.shop.store.state.listings
        listings[both].offers.pop(list(listings[both].offers)[-1])
        listings.pop(french)
    left = set(offers(world, both))
    read(store)

    run = compared(store)

    assert run.counts[Cause.CHANNELS_LOOKED] == len(told(store))
    assert run.phase == Phase.DONE
    assert told(store)[both] == left
    assert french not in told(store)
    assert Listing.objects.get(sku=french).gone_at is not None

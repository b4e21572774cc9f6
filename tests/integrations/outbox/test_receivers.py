"""What the rest of the hub announces becomes outbox rows, in the same transaction."""

from __future__ import annotations

import pytest
from django.db import transaction

from integrations import outbox, receivers
from integrations.connect.signals import store_opened
from integrations.models import Command, ParkedRecord, Push, Rereading, Store
from integrations.outbox.telling import shipment_of, shipment_payload
from inventory import signals as inventory_signals
from orders import signals as order_signals
from orders.data import Authority, ShipmentData, ShipmentLineData
from orders.importing import import_orders
from orders.models import Order, Shipment
from tests.factories import NOW, make_order
from tests.integrations.outbox.conftest import make_listings, push_of, set_stock


def test_connecting_twice_hears_once(store: Store) -> None:
    receivers.connect()
    listing = make_listings(store, 1)[0]

    set_stock(listing, 3)

    assert push_of(listing).want_version == 1


def test_a_rolled_back_change_of_stock_leaves_nothing_to_send(store: Store) -> None:
    listing = make_listings(store, 1)[0]

    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012 - one story
        set_stock(listing, 3)
        raise ZeroDivisionError

    assert not Push.objects.exists()


def test_newly_linked_listings_are_marked(store: Store) -> None:
    listing = make_listings(store, 1)[0]

    inventory_signals.listings_linked.send(
        sender=None, store_id=store.pk, listing_ids=frozenset({listing.pk})
    )

    assert push_of(listing).state == Push.State.READY


def test_a_store_that_opens_again_gets_what_waited_for_it(store: Store) -> None:
    Store.objects.update(writes_enabled=False)
    listing = make_listings(store, 1)[0]
    outbox.mark_dirty([listing.variant_id])
    parked = ParkedRecord.objects.create(
        store=store, stream="orders", external_id="1", code="x", reason="y"
    )
    Store.objects.update(writes_enabled=True)

    store_opened.send(sender=Store, store=Store.objects.get(), actor="user:anna")

    parked.refresh_from_db()
    assert push_of(listing).state == Push.State.READY
    assert parked.next_at is not None


def test_a_store_that_opens_again_has_its_waiting_words_looked_at(store: Store) -> None:
    """It may have been connected anew, with a meaning for words of orders it brought before."""
    Store.objects.update(options={"status_words": {"packed": "processing"}})

    store_opened.send(sender=Store, store=Store.objects.get(), actor="user:anna")

    assert Rereading.objects.get().words == ["packed"]


def test_a_parcel_the_store_reported_is_no_news_to_it(store: Store) -> None:
    import_orders(store, [make_order()], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    parcel = Shipment.objects.create(
        order=Order.objects.get(), reference="r", origin=Shipment.Origin.STORE, shipped_at=NOW
    )

    order_signals.shipment_added.send(sender=Shipment, shipment=parcel, version=1, actor="platform")

    assert not Command.objects.exists()


def test_a_parcel_survives_its_way_through_a_payload() -> None:
    parcel = ShipmentData(
        external_id="7",
        reference="LGX-1",
        carrier="DHL",
        tracking_number="T1",
        tracking_url="https://track.example/T1",
        shipped_at=NOW,
        lines=(ShipmentLineData(line_external_id="l1", quantity=2),),
    )

    assert shipment_of(shipment_payload(parcel, version=1)) == parcel

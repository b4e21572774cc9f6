"""What platforms keep in warehouses of their own: shown, proven, and nobody else's to touch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from integrations import connect
from integrations.connect import ConnectError
from integrations.models import Store
from inventory import allocating, availability, condition, kept, kits, ledger, locations, verifying
from inventory.data import KeptPlace, KeptStock
from inventory.errors import AllocationRefused, LedgerRefused
from inventory.models import (
    Bucket,
    KeptUnits,
    Listing,
    Location,
    MovementKind,
    Reservation,
    StockLevel,
    StockMovement,
    StorePlace,
    Variant,
)
from inventory.selling_places import Given
from tests.factories import NOW, make_merchant, make_order, make_store
from tests.orders.shop import bring, stock

pytestmark = pytest.mark.django_db
EU, UK = KeptPlace(external_id="EU", name="FBA (EU)"), KeptPlace(external_id="GB", name="FBA (GB)")
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def store() -> Store:
    """Sells two items, ten of each lie here."""
    store = make_store()
    stock(store, 1, 2)
    return store


def record(number: int, place: KeptPlace = EU, **figures: int) -> KeptStock:
    listing = Listing.objects.filter(sku=f"SKU-{number}").first()
    name = listing.external_variant_id if listing else f"unknown-{number}"
    return KeptStock(place=place, external_variant_id=name, sku=f"SKU-{number}", **figures)


def take(store: Store, *records: KeptStock, at: Any = NOW) -> kept.KeptImport:
    return kept.take(store, records, observed_at=at)


def item(number: int) -> Variant:
    return Variant.objects.get(sku=f"SKU-{number}")


def level(number: int, ref: str = "EU") -> StockLevel:
    return StockLevel.objects.get(variant=item(number), location__kept_ref=ref)


def place(ref: str = "EU") -> Location:
    return Location.objects.get(kept_ref=ref)


def proven() -> None:
    assert verifying.differences([x.pk for x in Variant.objects.all()]) == []


def test_what_is_told_is_shown_at_a_place_of_its_own(store: Store) -> None:
    figures = {"sellable": 8, "reserved": 2, "inbound": 30, "unsellable": 1, "researching": 4}

    done = take(store, record(1, **figures), record(1, UK, sellable=3), record(2, sellable=5))

    assert (done.created, done.changed, done.unchanged) == (3, 0, 0)
    here = level(1)
    assert (here.on_hand, here.held, here.damaged, here.free) == (15, 6, 1, 8)
    assert (here.reserved, here.allocated, here.counted_at) == (0, 0, None)
    assert (level(1, "GB").on_hand, level(2).on_hand) == (3, 5)
    made = place()
    assert (made.name, made.code, made.kept_by, made.is_active) == ("FBA (EU)", "fba-eu", store, 0)
    told = StockMovement.objects.filter(location=made)
    assert set(told.values_list("kind", "actor")) == {(MovementKind.TOLD, "platform")}
    proven()


def test_the_same_again_moves_nothing_and_a_change_is_one_movement(store: Store) -> None:
    take(store, record(1, sellable=8, inbound=3))
    before = StockMovement.objects.count(), level(1).version

    same = take(store, record(1, sellable=8, inbound=3), at=LATER)
    on_its_way = take(store, record(1, sellable=8, inbound=9), at=LATER)

    assert (same.unchanged, on_its_way.changed) == (1, 1)
    assert (StockMovement.objects.count(), level(1).version) == before
    row = KeptUnits.objects.get()
    assert (row.inbound, row.read_at) == (9, LATER)

    take(store, record(1, sellable=6, inbound=9), at=LATER)
    older = take(store, record(1, sellable=99), at=NOW)

    assert older.unchanged == 1
    last = StockMovement.objects.filter(location=place()).first()
    assert last is not None
    assert (last.before, last.delta, last.after) == (8, -2, 6)
    proven()


def test_listings_of_one_item_add_up_and_one_that_is_linked_elsewhere_takes_its_units_along(
    store: Store,
) -> None:
    other = Listing.objects.get(sku="SKU-2")
    Listing.objects.filter(pk=other.pk).update(variant=item(1))
    take(store, record(1, sellable=8), record(2, sellable=5))
    assert level(1).on_hand == 13

    Listing.objects.filter(pk=other.pk).update(variant=item(2))
    take(store, record(1, sellable=8), record(2, sellable=5), at=LATER)

    assert (level(1).on_hand, level(2).on_hand) == (8, 5)
    proven()


def test_units_without_a_listing_are_kept_and_follow_it_once_it_is_linked(store: Store) -> None:
    lost = record(9, sellable=7)
    take(store, lost)
    row = KeptUnits.objects.get()
    assert (row.variant, row.sellable) == (None, 7)
    assert not StockLevel.objects.filter(location=place()).exists()

    Listing.objects.filter(sku="SKU-1").update(external_variant_id=lost.external_variant_id)
    take(store, lost, at=LATER)

    assert level(1).on_hand == 7
    Listing.objects.filter(sku="SKU-1").update(variant=None)
    take(store, lost, at=LATER)
    assert level(1).on_hand == 0
    proven()


def test_what_a_complete_reading_does_not_name_is_gone_and_what_it_could_not_read_is_not(
    store: Store,
) -> None:
    strange = make_store(make_merchant("other"), base_url="https://other.example")
    take(strange, KeptStock(place=EU, external_variant_id="x", sku="x", sellable=1))
    take(store, record(1, sellable=8, inbound=3), record(2, sellable=5), record(9, sellable=7))
    take(store, record(1, UK, sellable=4), at=LATER)
    unread = {record(2).external_id}

    gone = kept.forget(store, before=LATER, unread=unread)

    assert gone == 2
    assert (level(1).on_hand, level(2).on_hand, level(1, "GB").on_hand) == (0, 5, 4)
    assert set(KeptUnits.objects.values_list("sku", "sellable", "inbound")) == {
        ("SKU-1", 0, 0), ("SKU-2", 5, 0), ("SKU-9", 0, 0), ("SKU-1", 4, 0), ("x", 1, 0),
    }  # fmt: skip
    assert kept.forget(store, before=LATER, unread=unread) == 0
    proven()


def test_no_store_sells_them_no_order_takes_them_and_nothing_is_called_counted(
    store: Store,
) -> None:
    listings = list(Listing.objects.order_by("sku"))
    before = availability.targets(listings)

    take(store, record(1, sellable=500), record(2, sellable=500))
    StockLevel.objects.filter(location__kept_by=None).update(on_hand=0)
    empty = availability.targets(listings)

    assert [before[x.pk].value for x in listings] == [10, 10]
    assert [empty[x.pk].value for x in listings] == [0, 0]
    bring(store, make_order(1))
    assert set(Reservation.objects.values_list("location__kept_ref", flat=True)) == {""}
    assert sum(Reservation.objects.values_list("short", flat=True)) > 0
    assert locations.default(store.merchant_id).kept_by is None

    # Also where every place of one's own is closed.
    Location.objects.filter(kept_by=None).update(is_active=False)
    bring(store, make_order(2))
    assert not Reservation.objects.exclude(location__kept_by=None).exists()
    # An item that lies there alone is still one that nobody has counted here.
    StockLevel.objects.filter(location__kept_by=None).delete()
    uncounted = availability.targets(listings)
    assert [uncounted[x.pk].value for x in listings] == [None, None]


def test_nobody_counts_moves_or_takes_what_lies_there(store: Store) -> None:
    take(store, record(1, sellable=5, unsellable=2))
    mug, there = item(1), place()
    hand: dict[str, Any] = {"variant": mug, "location": there, "reason": "x", "actor": "user:anna"}
    doors: list[tuple[type[Exception], Any]] = [
        (LedgerRefused, lambda: ledger.adjust(**hand, set_to=1)),
        (LedgerRefused, lambda: ledger.restock(**hand, units=1, cause="r")),
        (LedgerRefused, lambda: condition.keep_back(**hand, bucket=Bucket.HELD, delta=1)),
        (LedgerRefused, lambda: condition.write_off(**hand, units=1)),
        (LedgerRefused, lambda: locations.change(there, is_active=True)),
        (
            AllocationRefused,
            lambda: allocating.make(store, mug, there, units=1, actor="user:anna"),
        ),
        (
            ConnectError,
            lambda: connect.choose_places(store, [Given(there.pk, None, 10)], actor="user:anna"),
        ),
    ]
    before = level(1).version

    for error, door in doors:
        with pytest.raises(error, match=r"FBA \(EU\) is counted by the platform of"):
            door()

    assert level(1).version == before
    assert not StorePlace.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        Location.objects.filter(pk=there.pk).update(is_active=True)
    renamed = locations.change(there, name="Amazon")
    take(store, record(1, sellable=5, unsellable=3), at=LATER)
    assert (renamed.name, place().name) == ("Amazon", "Amazon")


def test_a_set_that_the_platform_keeps_put_together_is_still_a_kit_here(store: Store) -> None:
    take(store, record(2, sellable=5))
    StockLevel.objects.filter(variant=item(2), location__kept_by=None).update(on_hand=0)

    kits.set_parts(item(2), {item(1).pk: 2}, actor="user:anna")

    listing = Listing.objects.get(sku="SKU-2")
    assert availability.targets([listing])[listing.pk].value == 5
    take(store, record(2, sellable=6), at=LATER)
    assert level(2).on_hand == 6


def test_a_page_costs_the_same_however_long_it_is(store: Store) -> None:
    stock(store, *range(3, 60))
    take(store, record(1, sellable=1))

    def statements(*records: KeptStock) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            take(store, *records, at=LATER)
        return len(asked)

    few = statements(record(2, sellable=1), record(3, sellable=1))
    many = statements(*(record(n, sellable=1) for n in range(4, 60)))
    again = statements(*(record(n, sellable=1) for n in range(4, 60)))

    assert many == few < 20
    assert again < few


def test_two_stores_of_one_merchant_have_places_of_their_own(store: Store) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    take(store, record(1, sellable=5))

    take(other, replace(record(1, sellable=3)))

    codes = set(Location.objects.filter(kept_ref="EU").values_list("code", flat=True))
    assert len(codes) == 2
    assert sum(StockLevel.objects.filter(location__kept_by=store).values_list("on_hand", flat=True))
    # The other store has no such listing.
    assert KeptUnits.objects.get(location__kept_by=other).variant is None

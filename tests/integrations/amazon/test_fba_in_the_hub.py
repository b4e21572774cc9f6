"""What Amazon keeps, from its warehouses to the pages where people look: read whole each time,
counted by nobody here, and in no other store's figure.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import connect, sync
from integrations.connect import opening
from integrations.models import ParkedRecord, Push, Store, Stream, SyncRun
from integrations.sync import RunRefused
from inventory import links, verifying
from inventory.models import (
    KeptUnits,
    Listing,
    Location,
    MovementKind,
    StockLevel,
    StockMovement,
    Variant,
)
from logix.accounts.models import Merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.test_fba import CALL, kept_in
from tests.integrations.amazon.test_in_the_hub import (
    ANNA,
    connected,
    merchant,
    quiet_bell,
    store,
)
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.api.client import api_for
from tests.integrations.sandbox.amazon.client import DE, FR

__all__ = ["merchant", "quiet_bell", "store"]

pytestmark = pytest.mark.django_db(transaction=True)


def stream(store: Store) -> Stream:
    return Stream.objects.get(store=store, name="kept")


def read_kept(store: Store) -> Stream:
    while sync.run_stream(stream(store).pk):
        pass
    return stream(store)


def there(world: AmazonWorld) -> dict[str, int]:
    """Units that lie in Amazon's warehouses, by SKU; those on their way do not yet."""
    found = {}
    for sku, row in kept_in(world).items():
        assert row.stock is not None
        x = row.stock
        inbound = x.inbound_working + x.inbound_shipped + x.inbound_receiving
        found[sku] = x.total - inbound
    return found


def here(store: Store) -> dict[str, int]:
    rows = StockLevel.objects.filter(location__kept_by=store).values_list("variant__sku", "on_hand")
    return dict(rows)


def proven() -> None:
    assert verifying.differences([x.pk for x in Variant.objects.all()]) == []


def test_an_account_s_units_are_shown_and_follow_amazon(world: AmazonWorld, store: Store) -> None:
    pushes = Push.objects.filter(store=store)
    versions = set(pushes.values_list("pk", "want_version"))

    read = read_kept(store)

    assert here(store) == there(world)
    assert len(here(store)) > 1
    assert read.every_s == 3600
    assert read.last_error == ""
    own = Location.objects.filter(kept_by=None).values_list("name", flat=True)
    assert list(own) == ["Main warehouse"]
    kinds = StockMovement.objects.filter(location__kept_by=store).values_list("kind", flat=True)
    assert set(kinds) == {MovementKind.TOLD}
    # Nobody is told of it.
    assert set(pushes.values_list("pk", "want_version")) == versions
    proven()

    moved = StockMovement.objects.count()
    read_kept(store)
    assert StockMovement.objects.count() == moved

    # Sold by Amazon, sent in by the seller, found again, and one that is no longer kept there.
    sku, gone = list(there(world))[:2]
    world.place("fba", 3)
    with world.shop.store.working():
        rows = world.shop.store.state.listings
        stock = rows[sku].stock
        assert stock is not None
        stock.fulfillable += 12
        stock.researching += 2
        rows[gone].stock = None
    read_kept(store)

    now = there(world)
    assert here(store) == {**now, gone: 0}
    assert StockMovement.objects.count() > moved
    run = SyncRun.objects.filter(store=store, stream=read).latest("started_at")
    assert run.changed >= 1
    proven()


def test_a_listing_that_is_linked_to_nothing_is_named_where_people_look(
    world: AmazonWorld, store: Store, admin_client: Client
) -> None:
    listing = next(x for x in Listing.objects.filter(store=store) if x.sku in kept_in(world))
    read_kept(store)
    links.unlink(listing, actor=ANNA)
    assert here(store) == {**there(world), listing.sku: 0}
    row = KeptUnits.objects.get(sku=listing.sku)
    KeptUnits.objects.filter(pk=row.pk).update(inbound=row.inbound + 1)
    api = api_for(store.merchant)

    first = admin_client.get(reverse("admin:index")).content.decode()
    kept = admin_client.get(
        reverse("admin:inventory_keptunits_changelist"), {"look": "unlinked"}
    ).content.decode()
    told = api.get("/stock/kept", {"linked": False}).json()["results"]

    assert "1 SKU in platforms&#x27; warehouses has no listing linked" in first
    assert listing.sku in kept
    assert [(x["sku"], x["variant"], x["store"]) for x in told] == [
        (listing.sku, None, str(store.pk))
    ]

    links.link(listing, Variant.objects.get(sku=listing.sku), actor=ANNA)
    assert api.get("/stock/kept", {"linked": False}).json()["results"] == []
    assert here(store) == there(world)
    proven()


def test_programs_see_whose_the_units_are_and_cannot_touch_them(
    world: AmazonWorld, store: Store
) -> None:
    read_kept(store)
    api = api_for(store.merchant)
    sku = max(there(world), key=lambda x: there(world)[x])
    (place, *_) = Location.objects.filter(kept_by=store, levels__variant__sku=sku)
    row = KeptUnits.objects.get(sku=sku)

    (level, *others) = (
        x for x in api.get("/stock/levels", {"sku": sku}).json()["results"] if x["kept_by"]
    )
    (one,) = api.get("/stock/kept", {"sku": sku, "location": place.code}).json()["results"]
    (known,) = (x for x in api.get("/locations").json()["results"] if x["code"] == place.code)
    explained = api.get("/stock/explain", {"sku": sku}).json()["counted"][0]["levels"]
    refused = [
        api.post("/stock/adjust", {"sku": sku, "location": place.code, "set_to": 1, "reason": "x"}),
        api.patch(f"/locations/{place.pk}", {"is_active": True}),
        api.post(
            "/stock/allocations",
            {"store": str(store.pk), "sku": sku, "location": place.code, "units": 1},
        ),
        api.put(f"/integrations/{store.pk}/locations", {"places": [{"location": place.code}]}),
    ]

    assert not others
    assert (level["kept_by"], level["counted_at"]) == (str(store.pk), None)
    assert (level["on_hand"], level["free"]) == (there(world)[sku], row.sellable)
    figures = ("sellable", "reserved", "inbound", "unsellable", "researching")
    assert [one[name] for name in figures] == [getattr(row, name) for name in figures]
    assert one["variant"]["sku"] == sku
    assert (known["kept_by"], known["is_active"]) == (str(store.pk), False)
    assert [x["kept_by"] for x in explained if x["location"]["code"] == place.code] == [
        str(store.pk)
    ]
    for answer in refused:
        assert answer.status_code in (409, 422), answer.content
        assert "is counted by the platform of" in answer.json()["detail"]
    assert here(store) == there(world)


def test_staff_see_who_counts_there_and_are_offered_no_button_to_move_them(
    world: AmazonWorld, store: Store, admin_client: Client
) -> None:
    read_kept(store)
    level = StockLevel.objects.filter(location__kept_by=store, on_hand__gt=0).first()
    assert level is not None
    variant = level.variant

    def page(name: str, *args: Any) -> str:
        return admin_client.get(reverse(f"admin:{name}", args=args)).content.decode()

    one = page("inventory_stocklevel_change", level.pk)
    item = page("inventory_variant_change", variant.pk)
    why = page("inventory_variant_explain", variant.pk)
    place = page("inventory_location_change", level.location.pk)
    every = page("inventory_stocklevel_changelist")
    kept = page("inventory_keptunits_changelist")

    assert "Counted by Amazon, and sold by no other store. Nothing here moves them." in one
    assert "more on their way." in one
    assert "Count or correct" not in one
    assert "Told by the platform that keeps it" in one
    for said in (item, why):
        assert "counted by Amazon, and sold by no other store" in said
    assert "by Amazon" in every
    assert 'name="rank"' not in place
    assert variant.sku in kept
    # A count by hand through its address is refused as well.
    count = reverse("admin:inventory_stocklevel_count", args=[level.pk])
    answer = admin_client.post(count, {"set_to": 1, "reason": "x"}, follow=True)
    assert "is counted by the platform of" in answer.content.decode()
    assert here(store) == there(world)
    # The item's own figures leave them out.
    shown = page("inventory_variant_changelist")
    assert variant.sku in shown


def test_without_the_role_the_stream_rests_and_says_which(
    make_world: MakeWorld, merchant: Merchant
) -> None:
    world = make_world(orders=3)
    store = connected(world, merchant)
    world.trouble("role_missing", route=CALL)

    read = read_kept(store)

    assert "“Amazon Fulfillment”" in read.last_error
    assert read.failures == 0
    assert read.next_at is not None
    assert read.next_at > timezone.now() + timedelta(hours=5)
    store.refresh_from_db()
    assert store.is_active
    world.peace()
    opening.wake(store)
    assert read_kept(store).last_error == ""
    assert here(store) == there(world)


def test_a_walk_that_was_throttled_or_killed_goes_on_and_nothing_is_lost_or_forgotten(
    make_world: MakeWorld, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """54 SKUs in Germany; a slice of one page each, so that every page is a walk of its own."""
    world = make_world(orders=0, products=180, marketplaces=(DE, FR))
    store = connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials=world.credentials,
        auto_sync=False,
        actor=ANNA,
    )
    Stream.objects.filter(store=store, name="products").update(read_through=timezone.now())
    monkeypatch.setattr("integrations.sync.changes.SLICE_PAGES", 1)
    assert sync.run_stream(stream(store).pk)
    assert stream(store).position["at"].keys() == {"place", "token"}
    world.trouble("throttled", route=CALL, count=50)
    assert not sync.run_stream(stream(store).pk)
    paused = stream(store)
    assert paused.failures == 0
    assert paused.position["at"]
    world.peace()
    # Its token dies meanwhile.
    world.shop.store.clock.ahead_s += 31

    read_kept(store)

    rows = KeptUnits.objects.filter(location__kept_by=store)
    lie = F("sellable") + F("reserved") + F("unsellable") + F("researching")
    assert dict(rows.values_list("sku", lie)) == there(world)
    assert rows.count() > 50
    assert stream(store).position == {}


def test_what_cannot_be_read_is_set_aside_and_keeps_its_figures(
    world: AmazonWorld, store: Store
) -> None:
    read_kept(store)
    before = here(store)
    sku = next(sku for sku, units in before.items() if units)
    with world.shop.store.working():
        stock = world.shop.store.state.listings[sku].stock
        assert stock is not None
        good, stock.fulfillable = stock.fulfillable, -1

    read_kept(store)

    parked = ParkedRecord.objects.get(store=store, stream="kept")
    assert parked.external_id.endswith(f":{sku}")
    assert here(store) == before
    with world.shop.store.working():
        stock.fulfillable = good + 1
    read_kept(store)
    parked.refresh_from_db()
    assert parked.state == ParkedRecord.State.RESOLVED
    assert here(store)[sku] == before[sku] + 1


def test_there_is_no_past_to_be_read(world: AmazonWorld, store: Store) -> None:
    with pytest.raises(RunRefused, match="read whole each time"):
        sync.request_run(store, stream="kept", kind="backfill", actor=ANNA)
    assert sync.request_run(store, stream="kept", actor=ANNA) is None
    assert stream(store).asked_at is not None

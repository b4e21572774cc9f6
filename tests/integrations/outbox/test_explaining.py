"""What a store was told of an item, and what it should show, by its own locations."""

from __future__ import annotations

import pytest

from integrations import outbox
from integrations.models import Push
from inventory.catalogue import import_products
from inventory.models import Listing, Location, StockLevel, StoreLocation, StorePlace
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db


def test_what_was_told_is_explained_by_location() -> None:
    store = make_store()
    import_products(store, [make_product(1)], observed_at=NOW, now=NOW)
    listing = Listing.objects.get()
    for rank, units in enumerate((5, 4)):
        place = Location.objects.create(merchant=store.merchant, code=f"place-{rank}")
        at = StoreLocation.objects.create(store=store, external_id=str(61000001 + rank))
        StorePlace.objects.create(store=store, location=place, shown_at=at, rank=rank)
        StockLevel.objects.create(
            merchant=store.merchant,
            variant=listing.variant,
            location=place,
            on_hand=units,
            counted_at=NOW,
        )
    told = {"61000001": 3, "61000002": 4}
    Push.objects.update(pushed_value=7, pushed_at_places=told, pushed_at=NOW)

    explained = outbox.told_of([listing.variant_id])

    (channel,) = explained[listing.variant_id]["channels"]
    assert channel == {
        "store": "Example shop",
        "listing": str(listing.pk),
        "told": 7,
        "told_by_location": told,
        "told_at": NOW.isoformat(),
        "should_show": 9,
        "should_show_by_location": {"61000001": 5, "61000002": 4},
        "rule": "No rule: all that is free.",
        "terms": channel["terms"],
    }

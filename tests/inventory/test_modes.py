"""How a listing is sold is changed in one place: noted, and its store told anew."""

from __future__ import annotations

import pytest

from integrations.models import Push
from inventory import modes
from inventory.catalogue import import_products
from inventory.errors import ModeRefused
from inventory.models import Listing, ListingMode
from logix.accounts.models import AuditEvent
from tests.factories import NOW, make_product, make_store

pytestmark = pytest.mark.django_db

BY = "user:anna"


@pytest.fixture
def listing() -> Listing:
    import_products(make_store(), [make_product()], observed_at=NOW, now=NOW, adopt_stock=True)
    Push.objects.all().delete()
    return Listing.objects.get()


def told() -> bool:
    return bool(Push.objects.all().delete()[0])


def test_each_change_is_kept_noted_and_told(listing: Listing) -> None:
    modes.change(listing, mode=ListingMode.FIXED, fixed_quantity=9, actor=BY)
    assert told()
    modes.change(listing, fixed_quantity=7, actor=BY)
    assert told()
    modes.change(listing, mode=ListingMode.FIXED, fixed_quantity=7, actor=BY)
    assert not told(), "it is so already"
    kept = modes.change(listing, mode=ListingMode.NORMAL, actor=BY)

    assert (kept.mode, kept.fixed_quantity, told()) == ("normal", 7, True)
    said = AuditEvent.objects.filter(action="listing.changed").order_by("pk")
    assert {(event.actor, event.object_id) for event in said} == {("anna", str(listing.pk))}
    assert [event.details for event in said] == [
        {"mode": {"from": "normal", "to": "fixed"}, "fixed_quantity": {"from": None, "to": 9}},
        {"fixed_quantity": {"from": 9, "to": 7}},
        {"mode": {"from": "fixed", "to": "normal"}},
    ]


def test_a_fixed_listing_keeps_its_figure(listing: Listing) -> None:
    with pytest.raises(ModeRefused):
        modes.change(listing, mode=ListingMode.FIXED, actor=BY)
    modes.change(listing, mode=ListingMode.FIXED, fixed_quantity=0, actor=BY)
    told()
    with pytest.raises(ModeRefused):
        modes.change(listing, fixed_quantity=None, actor=BY)

    listing.refresh_from_db()
    assert (listing.mode, listing.fixed_quantity, told()) == ("fixed", 0, False)

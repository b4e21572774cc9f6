"""The only writer of how a listing is sold: by its stock, by a fixed figure, paused, or left alone.
A change is noted in the audit log and its store is told anew, in one transaction.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from inventory import signals
from inventory.errors import ModeRefused
from inventory.models import Listing, ListingMode
from logix.accounts import audit

# What is said about a listing; the rest of its columns is the store's.
VALUES = ("mode", "fixed_quantity")
NO_FIGURE = "Say which figure the store always shows."


@transaction.atomic
def change(listing: Listing, *, actor: str, request_id: str = "", **values: Any) -> Listing:
    """``values`` by the names in VALUES; what is so already is no change. Raises ModeRefused."""
    row = Listing.objects.select_for_update(of=("self",)).select_related("store__merchant")
    listing = row.get(pk=listing.pk)
    changed = {
        name: {"from": getattr(listing, name), "to": value}
        for name, value in values.items()
        if getattr(listing, name) != value
    }
    for name, value in values.items():
        setattr(listing, name, value)
    if listing.mode == ListingMode.FIXED and listing.fixed_quantity is None:
        raise ModeRefused(NO_FIGURE)
    if changed:
        listing.save(update_fields=list(changed))
        signals.ruled_anew.send(sender=Listing, listing_ids=frozenset({listing.pk}))
        audit.record(
            "listing.changed",
            actor=actor,
            merchant=listing.store.merchant,
            obj=listing,
            details=changed,
            request_id=request_id,
        )
    return listing

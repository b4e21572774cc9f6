"""The record of links that are made while products are read: one row of the audit log for all that
one run made, else one for a batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from integrations.models import Store
from inventory.linking import LinkedBy
from logix.accounts import audit

# Listings that the row names, of each way; it counts them all.
MOST_NAMED = 100
_LINKS = (LinkedBy.SKU, LinkedBy.BARCODE)


def note_links(store: Store, ways: Mapping[UUID, LinkedBy], *, origin: str) -> None:
    """Nothing where no listing was linked to a product that was there before."""
    found: dict[str, list[UUID]] = defaultdict(list)
    for listing_id, way in ways.items():
        if way in _LINKS:
            found[way].append(listing_id)
    if not found:
        return
    audit.record(
        "listings.linked_by_reading",
        actor="system",
        merchant=store.merchant,
        obj=store,
        details={
            "origin": origin,
            **{f"by_{way}": len(found[way]) for way in _LINKS},
            "listings": {way: ids[:MOST_NAMED] for way, ids in found.items()},
        },
    )

"""What a store shows of its listings: how a figure is addressed there, and how one that was seen is
noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.outbox.bylocation import Figures, seen_at, seen_columns
from inventory.data import StockUpdate
from inventory.models import Listing
from logix.common import bulk
from logix.common.transactions import again_on


def stock_update(listing: Listing, at: str, quantity: int) -> StockUpdate:
    """The figure of a listing at one of the store's locations ("" where it keeps one)."""
    return StockUpdate(
        sku=listing.sku,
        quantity=quantity,
        external_product_id=listing.external_product_id,
        external_variant_id=listing.external_variant_id,
        stock_ref=listing.stock_ref,
        external_location_id=at,
    )


def note_seen(seen: Mapping[UUID, Figures], now: datetime) -> None:
    """What the store answered is an observation like any other, whoever asked for it; a newer one
    stays.

    The digest is emptied where the figure changed: the next import compares the record as if it
    were new, else a store that goes back to the figure before our write would look unchanged.
    """

    def write() -> set[UUID]:
        current = (
            Listing.objects.filter(pk__in=seen)
            .order_by("pk")
            .select_for_update()
            .only("seen_at", "seen_quantity", "seen_at_places", "digest")
        )
        older = [x for x in current if x.seen_at is None or x.seen_at <= now]
        return bulk.update(Listing, [_seen_row(x, seen[x.pk], now) for x in older])

    again_on()(write)


def _seen_row(listing: Listing, shown: Figures, now: datetime) -> dict[str, Any]:
    before = seen_at(listing)
    known = {at: units for at, units in before.items() if at} if "" not in shown else {}
    figures = {**known, **shown}
    return {
        "id": listing.pk,
        **seen_columns(figures),
        "seen_at": now,
        "digest": listing.digest if figures == before else "",
    }

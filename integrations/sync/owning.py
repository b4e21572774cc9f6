"""A product of its own for a listing, counted as any new item of its store."""

from __future__ import annotations

from integrations.sync import applying
from inventory import owning
from inventory.models import Listing


def make_product(listing: Listing, *, actor: str, request_id: str = "") -> Listing:
    """Raises LinkRefused; LedgerConflict when somebody was faster: run it again."""
    store = listing.store
    return owning.make_own(
        listing,
        actor=actor,
        adopt_stock=applying.stock_is_open(store),
        holds_open=applying.figures_hold_open(store),
        request_id=request_id,
    )

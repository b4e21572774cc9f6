"""Listings that a store keeps one figure for: what one of them is told, all are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from inventory.models import Listing

Place = tuple[UUID, str, str]


def place_of(listing: Listing) -> Place:
    """Where the store keeps the figure of a listing that shares it."""
    return listing.store_id, listing.external_product_id, listing.stock_ref


def with_sharers(listings: Iterable[Listing]) -> dict[Place, list[Listing]]:
    """By place, all listings in use that share a figure with any of these, themselves among them.
    One statement; none where nobody shares.
    """
    places = {place_of(x) for x in listings if x.shares_figure}
    if not places:
        return {}
    stores, products, refs = map(set, zip(*places, strict=True))
    rows = Listing.objects.filter(
        store_id__in=stores,
        external_product_id__in=products,
        stock_ref__in=refs,
        shares_figure=True,
        gone_at=None,
    ).select_related("store", "variant")
    found: dict[Place, list[Listing]] = defaultdict(list)
    for listing in rows.order_by("pk"):
        if place_of(listing) in places:
            found[place_of(listing)].append(listing)
    return found


def others_of(
    sharers: Mapping[Place, Sequence[Listing]], listings: Sequence[Listing]
) -> list[Listing]:
    """The sharers that are not among the listings."""
    known = {x.pk for x in listings}
    return [x for found in sharers.values() for x in found if x.pk not in known]

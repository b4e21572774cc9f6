"""What stores have sold by themselves since they were last told a figure: the part of a difference
that their orders explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from integrations.models import Stream, StreamName
from inventory import sharing
from inventory.models import Listing, Reservation, Variant

# An order's time has no parts of a second, and the measured difference of the clocks has few.
_BLUR = timedelta(seconds=5)


def since(told: Sequence[tuple[Listing, datetime]]) -> dict[UUID, int]:
    """Units by listing that orders of its own store took after it was told a figure, at the time
    beside it. What they hold, lack and have shipped counts alike: the store took it off its figure.

    Listings of one item in a store share their sales, and so do those that share a figure. Three
    statements, one more where some do; none for nobody.
    """
    if not told:
        return {}
    sharers = sharing.with_sharers([listing for listing, _ in told])
    own = {x.pk: x for x, _ in told}
    items = _items([*own.values(), *sharing.others_of(sharers, list(own.values()))])
    ahead = _ahead({listing.store_id for listing, _ in told})
    moments = {
        listing.pk: at + ahead.get(listing.store_id, timedelta()) - _BLUR for listing, at in told
    }
    rows = Reservation.objects.filter(
        store_id__in={listing.store_id for listing, _ in told},
        variant_id__in=set(items.values()),
        placed_at__gte=min(moments.values()),
    ).values_list("store_id", "variant_id", "placed_at", "quantity", "short", "shipped")
    taken: dict[tuple[UUID, UUID], list[tuple[datetime, int]]] = defaultdict(list)
    for store_id, variant_id, placed_at, *units in rows:
        taken[store_id, variant_id].append((placed_at, sum(units)))
    alike = {x.pk: found for found in sharers.values() for x in found}
    return {
        pk: sum(
            units
            for item in {items[x.pk] for x in alike.get(pk, [listing]) if x.pk in items}
            for placed_at, units in taken[listing.store_id, item]
            if placed_at >= moments[pk]
        )
        for pk, listing in own.items()
        if pk in items
    }


def _items(listings: Sequence[Listing]) -> dict[UUID, UUID]:
    """Listing → the variant whose stock counts for it."""
    linked = {x.pk: x.variant_id for x in listings if x.variant_id}
    rows = Variant.objects.filter(pk__in=linked.values(), counted_as__isnull=False)
    counted_as = dict(rows.values_list("pk", "counted_as_id"))
    return {pk: counted_as.get(variant_id) or variant_id for pk, variant_id in linked.items()}


def _ahead(store_ids: set[UUID]) -> dict[UUID, timedelta]:
    """By how much each store's clock, which its orders are placed by, goes before ours."""
    rows = Stream.objects.filter(store_id__in=store_ids, name=StreamName.ORDERS)
    return {pk: timedelta(milliseconds=ms) for pk, ms in rows.values_list("store_id", "skew_ms")}

"""What orders took off the stock of listings since their figures were right: as much of a fall as
they explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, When

from inventory import kits
from inventory.models import Bucket, Listing, Reservation, StockMovement, Variant

# A sale may fall into the call that tells a figure.
_BLUR = timedelta(seconds=5)
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
# Items in one statement.
_BATCH = 200


def taken(listings: Sequence[Listing]) -> dict[UUID, int]:
    """Units by listing, as it sells them (a kit by its scarcest part), of listings of one store.
    Orders of other stores count since it was told last; its own, which lower the figure there by
    themselves, since the figure was seen last.
    """
    recipes = _recipes(listings)
    told: dict[UUID, datetime] = {}
    seen: dict[UUID, datetime] = {}
    for listing in listings:
        for item in recipes[listing.pk]:
            right_at = listing.push.pushed_at or listing.store.stock_opened_at or _EVER
            told[item] = max(told.get(item, _EVER), right_at)
            seen[item] = max(seen.get(item, _EVER), listing.seen_at or right_at)
    units = _units(listings[0].store_id, told, seen) if listings else {}
    return {
        listing.pk: max((units.get(i, 0) // n for i, n in recipes[listing.pk].items()), default=0)
        for listing in listings
    }


def _recipes(listings: Sequence[Listing]) -> dict[UUID, Mapping[UUID, int]]:
    """What is counted for each, and how many of it: its item, or the parts of a kit."""
    rows = Variant.objects.filter(pk__in={x.variant_id for x in listings if x.variant_id})
    counted = {pk: item or pk for pk, item in rows.values_list("pk", "counted_as_id")}
    parts = kits.recipes(set(counted.values()))
    found: dict[UUID, Mapping[UUID, int]] = {}
    for listing in listings:
        item = counted.get(listing.variant_id) if listing.variant_id else None
        found[listing.pk] = parts.get(item, {item: 1}) if item else {}
    return found


def _units(
    store_id: UUID, told: Mapping[UUID, datetime], seen: Mapping[UUID, datetime]
) -> dict[UUID, int]:
    seller = Reservation.objects.filter(order_ref=OuterRef("order_ref")).values("store_id")[:1]
    by_orders = StockMovement.objects.filter(order_ref__isnull=False).annotate(
        sold_by=Subquery(seller)
    )
    off = Case(When(bucket=Bucket.ON_HAND, then=-F("delta")), default=F("delta"))
    others = Q(sold_by__isnull=True) | ~Q(sold_by=store_id)
    done: dict[UUID, int] = defaultdict(int)
    for who, since in ((others, told), (Q(sold_by=store_id), seen)):
        items = sorted(since)
        for start in range(0, len(items), _BATCH):
            when = Q()
            for item in items[start : start + _BATCH]:
                when |= Q(variant=item, at__gt=since[item] - _BLUR)
            rows = by_orders.filter(when).filter(who).order_by()
            for item, units in rows.values_list("variant_id").annotate(units=Sum(off)):
                done[item] += units
    return done

"""What stores' own orders took off their figures and gave back since they were last told one: a
difference that needs no other explanation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q

from integrations.models import Stream, StreamName
from inventory import sharing
from inventory.models import Listing, Reservation, Variant
from orders.models import OrderLine

# An order's time has no parts of a second, and the measured difference of the clocks has few.
_BLUR = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Moved:
    """Units that the store's orders took off its figure, and that it has put back since, as of
    those cancelled.
    """

    taken: int = 0
    given_back: int = 0


@dataclass(frozen=True, slots=True)
class _Move:
    placed_at: datetime
    touched_at: datetime
    held: int
    let_go: int


def since(told: Sequence[tuple[Listing, datetime]]) -> dict[UUID, Moved]:
    """By listing, what orders of its own store moved after it was told a figure, at the time beside
    it. What they hold, lack and have shipped counts alike: the store took it off its figure.

    Listings of one item in a store share their sales, and so do those that share a figure. Four
    statements, one more where some do; none for nobody.
    """
    if not told:
        return {}
    sharers = sharing.with_sharers([listing for listing, _ in told])
    own = {x.pk: x for x, _ in told}
    items = _items([*own.values(), *sharing.others_of(sharers, list(own.values()))])
    ahead = _ahead({listing.store_id for listing, _ in told})
    at = {listing.pk: moment for listing, moment in told}
    placed = {
        listing.pk: moment + ahead.get(listing.store_id, timedelta()) - _BLUR
        for listing, moment in told
    }
    is_new = Q(placed_at__gte=min(placed.values())) | Q(updated_at__gte=min(at.values()))
    moves = _moves(own.values(), set(items.values()), is_new)
    alike = {x.pk: found for found in sharers.values() for x in found}
    return {
        pk: _sum(
            [
                move
                for item in {items[x.pk] for x in alike.get(pk, [listing]) if x.pk in items}
                for move in moves[listing.store_id, item]
            ],
            placed[pk],
            at[pk],
        )
        for pk, listing in own.items()
        if pk in items
    }


def _moves(
    listings: Iterable[Listing], items: set[UUID], is_new: Q
) -> dict[tuple[UUID, UUID], list[_Move]]:
    """By store and item."""
    rows = (
        Reservation.objects.filter(
            is_new, store_id__in={x.store_id for x in listings}, variant_id__in=items
        )
        .annotate(held=F("quantity") + F("short") + F("shipped"))
        .values_list("store_id", "variant_id", "line_ref", "placed_at", "updated_at", "held")
    )
    lines = OrderLine.objects.filter(pk__in={row[2] for row in rows})
    ordered = dict(lines.values_list("pk", "quantity"))
    moves: dict[tuple[UUID, UUID], list[_Move]] = defaultdict(list)
    for store_id, item, line, placed_at, touched_at, held in rows:
        let_go = max(0, ordered.get(line, 0) - held)
        moves[store_id, item].append(_Move(placed_at, touched_at, held, let_go))
    return moves


def _sum(moves: Sequence[_Move], placed: datetime, told: datetime) -> Moved:
    return Moved(
        taken=sum(x.held for x in moves if x.placed_at >= placed),
        given_back=sum(x.let_go for x in moves if x.touched_at >= told),
    )


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

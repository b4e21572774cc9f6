"""Figures that stores tell which are masters of their stock: what they show becomes what is counted
here. A 0 that nothing explains is believed at the second look, and by the dozen not without a
person's word (``zeros``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from integrations import mastery
from integrations.models import Store, Stream, StreamName, ToldFigure
from inventory.models import Listing, Reservation
from inventory.rules import rules_for
from inventory.shelves import Shelf, of_stores
from inventory.taking import Change, Figure, Taking

log = structlog.get_logger(__name__)

LOOK_AGAIN = timedelta(seconds=20)

_CHUNK = 500
# An order's time has no parts of a second, and the measured difference of the clocks has few. One
# that came right after the figure, and counts as before it, is put right by the figure it makes;
# the other way round nothing would.
_BLUR = timedelta(seconds=2)


@dataclass(slots=True)
class Taken:
    """Listings whose figure changed what is counted here, and those whose 0 waits."""

    changed: dict[UUID, list[Change]] = field(default_factory=dict)
    waiting: dict[UUID, list[Change]] = field(default_factory=dict)
    equal: int = 0

    def add(self, other: Taken) -> None:
        self.changed |= other.changed
        self.waiting |= other.waiting
        self.equal += other.equal


def take_figures(
    listing_ids: Iterable[UUID], *, origin: str = "", confirmed: Collection[UUID] = ()
) -> Taken:
    """Count what the stores of these listings showed last, where the store is master of the item.
    ``confirmed``: listings whose 0 was read twice, or that a person believes. Call it in the
    transaction that noted the figures; one statement where no store is a master. Raises
    LedgerConflict.
    """
    done = Taken()
    wanted = sorted(set(listing_ids))
    for start in range(0, len(wanted), _CHUNK):
        rows = Listing.objects.filter(pk__in=wanted[start : start + _CHUNK])
        for store, listings in _by_store(rows).items():
            done.add(_take(store, listings, origin=origin, confirmed=confirmed))
    return done


def take_all(store: Store, *, origin: str) -> Taken:
    """All that a store showed last, as when it becomes the master."""
    return take_figures(store.listings.values_list("pk", flat=True), origin=origin)


def take_sold(store: Store, order_ids: Collection[UUID]) -> Taken:
    """What these orders of a store took was taken off its figure before, or will be: a figure that
    was read after they were placed is weighed again.
    """
    if not store.is_stock_master or not order_ids:
        return Taken()
    held = Reservation.objects.filter(store_id=store.pk, order_ref__in=order_ids)
    items = set(held.values_list("variant_id", flat=True))
    sold = Q(variant__in=items) | Q(variant__counted_as__in=items)
    rows = Listing.objects.filter(sold, store=store.pk)
    return take_figures(rows.values_list("pk", flat=True), origin="its own orders")


def _by_store(rows: object) -> dict[Store, list[Listing]]:
    """Those whose figure counts, by the store that is master of it and may be taken from now."""
    masters = rows.filter(store__options__stock_master="store")  # type: ignore[attr-defined]
    found = list(mastery.countable(masters).select_related("store", "variant").order_by("pk"))
    counted_there = mastery.mastered(found)
    by_store: dict[Store, list[Listing]] = defaultdict(list)
    for listing in found:
        if listing.pk in counted_there and _is_open(listing.store):
            by_store[listing.store].append(listing)
    return by_store


def _is_open(store: Store) -> bool:
    """Its first figures are adopted after its orders were read, unless it is not to be read so."""
    return bool(store.stock_opened_at) or not store.options.get("adopt_stock", True)


def _take(
    store: Store, listings: Sequence[Listing], *, origin: str, confirmed: Collection[UUID]
) -> Taken:
    figures = _figures(store, listings)
    with transaction.atomic():
        taking = Taking(
            store.merchant_id,
            store.pk,
            list(figures),
            actor="platform",
            request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        )
        found: dict[UUID, list[Change]] = defaultdict(list)
        for change in taking.changes:
            found[figures[change.figure]].append(change)
        waiting = {
            pk: changes
            for pk, changes in found.items()
            if pk not in confirmed and any(change.sells_out for change in changes)
        }
        chosen = [c for pk, changes in found.items() if pk not in waiting for c in changes]
        news = taking.write(chosen, reason=_reason(store, origin))
        _note_zeros(store, found, waiting, confirmed)
    changed: dict[UUID, list[Change]] = defaultdict(list)
    for change in news:
        changed[figures[change.figure]].append(change)
    if changed or waiting:
        log.info("figures_taken", store=str(store.pk), taken=len(changed), waiting=len(waiting))
    return Taken(dict(changed), waiting, len(found) - len(changed) - len(waiting))


def _figures(store: Store, listings: Sequence[Listing]) -> dict[Figure, UUID]:
    """One of each item on each shelf, with the listing it is of: of several listings that show
    different figures of one item, the lowest cannot oversell. What a rule always shows is no count.
    """
    shelves = of_stores([store.pk])[store.pk]
    ahead = _ahead(store) + _BLUR
    ruled = rules_for(listings)
    lowest: dict[UUID, Listing] = {}
    for listing in listings:
        rule = ruled[listing.pk].rule
        if rule is not None and rule.always is not None:
            continue
        item = listing.variant.stock_item_id  # type: ignore[union-attr]  # countable ones have it
        other = lowest.setdefault(item, listing)
        if _rank(listing) < _rank(other):
            lowest[item] = listing
    return {
        Figure(item_id=item, shelf=shelf, units=units, read_at=listing.seen_at + ahead): listing.pk
        for item, listing in lowest.items()
        if listing.seen_at is not None
        for shelf in shelves
        if (units := _units(listing, shelf)) is not None
    }


def _rank(listing: Listing) -> tuple[int, float]:
    """Lower figures first, and of two that share one the newest."""
    seen = listing.seen_at.timestamp() if listing.seen_at else 0.0
    return (listing.seen_quantity or 0, -seen)


def _units(listing: Listing, shelf: Shelf) -> int | None:
    if not shelf.at:
        return listing.seen_quantity
    at: Mapping[str, int] = listing.seen_at_places
    return at.get(shelf.at)


def _ahead(store: Store) -> timedelta:
    """By how much the store's clock, which its orders are placed by, goes before ours."""
    rows = Stream.objects.filter(store=store, name=StreamName.ORDERS)
    return timedelta(milliseconds=rows.values_list("skew_ms", flat=True).first() or 0)


def _reason(store: Store, origin: str) -> str:
    return f"{store.name} shows {{units}}" + (f" ({origin})" if origin else "")


def _note_zeros(
    store: Store,
    found: Mapping[UUID, Sequence[Change]],
    waiting: Mapping[UUID, Sequence[Change]],
    confirmed: Collection[UUID],
) -> None:
    """Keep what waits, in the state it is in; what does not any more is forgotten, or counted as
    taken where it was a 0 that was confirmed.
    """
    now = timezone.now()
    settled = ToldFigure.objects.filter(listing__in=[pk for pk in found if pk not in waiting])
    settled = settled.exclude(state=ToldFigure.State.TAKEN)
    believed = [pk for pk in confirmed if any(c.sells_out for c in found.get(pk, ()))]
    settled.filter(listing__in=believed).update(
        state=ToldFigure.State.TAKEN, taken_at=now, next_at=None, problem=""
    )
    settled.exclude(listing__in=believed).delete()
    if not waiting:
        return
    known = ToldFigure.objects.filter(listing__in=waiting)
    fresh = {"state": ToldFigure.State.UNCONFIRMED, "next_at": now + LOOK_AGAIN, "problem": ""}
    known.filter(state=ToldFigure.State.TAKEN).update(**fresh, taken_at=None)
    there = set(known.values_list("listing_id", flat=True))
    ToldFigure.objects.bulk_create(
        [
            ToldFigure(store=store, listing_id=pk, was=sum(c.free for c in waiting[pk]), **fresh)
            for pk in waiting
            if pk not in there
        ],
        ignore_conflicts=True,
    )

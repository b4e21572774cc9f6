"""Units that a platform keeps in warehouses of its own, and counts there: what it tells of each
listing, and the levels that follow from it, at places made for them.

Nothing there is anybody's to sell, count or move but the platform's: those places are never open,
their levels are never called counted, and every change of one is a movement of the kind ``told``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils.text import slugify

from inventory.book import Book
from inventory.data import KeptPlace, KeptStock, kept_id
from inventory.errors import LedgerConflict
from inventory.linking import StoreLike
from inventory.models import Bucket, KeptUnits, Listing, Location, MovementKind
from logix.common import bulk
from logix.common.ids import uuid7
from logix.common.transactions import again_on

FIGURES = ("sellable", "reserved", "inbound", "unsellable", "researching")
_TOLD = ("variant_id", "sku", "title", *FIGURES, "changed_at")
# What a level says of them: what is on its way lies nowhere yet.
_BUCKETS: Mapping[Bucket, tuple[str, ...]] = {
    Bucket.ON_HAND: ("sellable", "reserved", "unsellable", "researching"),
    Bucket.HELD: ("reserved", "researching"),
    Bucket.DAMAGED: ("unsellable",),
}
# Of a listing: what holds its count.
_ITEM = Coalesce("variant__counted_as_id", "variant_id")
_ACTOR = "platform"
_BATCH = 500
_RANK = 1_000
Row = dict[str, Any]


@dataclass(slots=True)
class KeptImport:
    """Counts are records."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


@transaction.atomic
def take(store: StoreLike, told: Sequence[KeptStock], *, observed_at: datetime) -> KeptImport:
    """Bring what is known of a store's kept units, and their levels, to what it told at
    ``observed_at``. What is as it was is only marked as read. Of a listing that is linked to
    nothing the figures are kept, and follow it once it is linked (``follow``).

    The number of statements does not grow with the records. Raises LedgerConflict when another
    process was faster: run it again.
    """
    places = _places(store, {x.place.external_id: x.place for x in told})
    newest = {(places[x.place.external_id].pk, x.external_variant_id): x for x in told}
    known = _known(newest)
    items = _items(store, {listing for _, listing in newest})
    done, inserts, updates, same = KeptImport(), [], [], []
    moved: dict[UUID, set[UUID | None]] = defaultdict(set)
    for key, record in newest.items():
        before, now = known.get(key), _row(record, items)
        if before is not None and before.read_at > observed_at:
            done.unchanged += 1
        elif before is None:
            made = {"id": uuid7(), "merchant_id": store.merchant_id, "location_id": key[0]}
            inserts.append({**made, "external_variant_id": key[1], **now, "read_at": observed_at})
            moved[key[0]].add(now["variant_id"])
            done.created += 1
        elif any(getattr(before, name) != now[name] for name in _TOLD):
            updates.append({"id": before.pk, **now, "read_at": observed_at})
            moved[key[0]] |= {before.variant_id, now["variant_id"]}
            done.changed += 1
        else:
            same.append(before.pk)
            done.unchanged += 1
    if len(bulk.insert(KeptUnits, inserts, ignore_conflicts=True)) != len(inserts):
        raise LedgerConflict("Another process heard of the same units first.")
    bulk.update(KeptUnits, updates)
    KeptUnits.objects.filter(pk__in=same).update(read_at=observed_at)
    _settle(places.values(), moved)
    return done


@transaction.atomic
def follow(listing_ids: Iterable[UUID]) -> None:
    """These listings are linked to others than before: their units go along. One statement where no
    platform keeps any. Raises LedgerConflict.
    """
    rows = Listing.objects.filter(pk__in=list(listing_ids), store__kept_places__isnull=False)
    found = rows.values_list("store__kept_places", "external_variant_id", _ITEM)
    items = {(place, listing): item for place, listing, item in found}
    if not items:
        return
    moved: dict[UUID, set[UUID | None]] = defaultdict(set)
    updates = []
    for key, row in _known(items).items():
        if key in items and row.variant_id != items[key]:
            updates.append({"id": row.pk, "variant_id": items[key]})
            moved[key[0]] |= {row.variant_id, items[key]}
    bulk.update(KeptUnits, updates)
    _settle(Location.objects.filter(pk__in=moved), moved)


def forget(store: StoreLike, *, before: datetime, unread: Collection[str] = ()) -> int:
    """Where a reading that was complete began at ``before``: what it did not name the platform has
    no units of any more, but for the records ``unread``, which it named and which cannot be read.
    Return how many listings that was news of.
    """
    rows = KeptUnits.objects.filter(location__kept_by=store.pk, read_at__lt=before)
    rows = rows.exclude(**dict.fromkeys(FIGURES, 0)).order_by("pk")
    wanted = ("pk", "location__kept_ref", "external_variant_id")
    after, count = None, 0
    while True:
        left = rows.filter(pk__gt=after) if after else rows
        some = list(left.values_list(*wanted)[:_BATCH])
        if not some:
            return count
        gone = [pk for pk, place, listing in some if kept_id(place, listing) not in unread]
        count += again_on(LedgerConflict)(partial(_forget_some, gone, before))
        after = some[-1][0]


@transaction.atomic
def _forget_some(ids: Sequence[UUID], before: datetime) -> int:
    """Those of them that were not told of meanwhile."""
    rows = KeptUnits.objects.filter(pk__in=ids, read_at__lt=before).order_by("pk")
    found = list(rows.select_for_update().values_list("pk", "location_id", "variant_id"))
    KeptUnits.objects.filter(pk__in=[pk for pk, _, _ in found]).update(**dict.fromkeys(FIGURES, 0))
    moved: dict[UUID, set[UUID | None]] = defaultdict(set)
    for _, location_id, variant_id in found:
        moved[location_id].add(variant_id)
    _settle(Location.objects.filter(pk__in=moved), moved)
    return len(found)


def _places(store: StoreLike, wanted: Mapping[str, KeptPlace]) -> dict[str, Location]:
    """By the platform's own names; made when it first tells of units there."""
    rows = Location.objects.filter(kept_by=store.pk, kept_ref__in=wanted)
    found = {place.kept_ref: place for place in rows}
    for ref, place in wanted.items():
        if ref not in found:
            found[ref] = _make(store, place)
    return found


def _make(store: StoreLike, place: KeptPlace) -> Location:
    stem = slugify(place.name)[:31] or "kept"
    taken = Location.objects.filter(merchant=store.merchant_id, code=stem).exists()
    made = Location(
        merchant_id=store.merchant_id,
        kept_by_id=store.pk,
        kept_ref=place.external_id,
        name=place.name[:120],
        code=f"{stem}-{store.pk.hex[-8:]}" if taken else stem,
        rank=_RANK,
        is_active=False,
    )
    names = [field.attname for field in Location._meta.concrete_fields]
    row = {name: getattr(made, name) for name in names}
    if not bulk.insert(Location, [row], ignore_conflicts=True):
        raise LedgerConflict("Another process made the same place first.")
    return made


def _known(keys: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], KeptUnits]:
    rows = KeptUnits.objects.filter(
        location__in={place for place, _ in keys},
        external_variant_id__in={listing for _, listing in keys},
    )
    locked = rows.order_by("pk").select_for_update()
    return {(row.location_id, row.external_variant_id): row for row in locked}


def _items(store: StoreLike, listings: set[str]) -> dict[str, UUID]:
    """The variants that hold the count of these listings, where they are linked."""
    rows = Listing.objects.filter(
        store_id=store.pk, external_variant_id__in=listings, variant__isnull=False
    )
    # The last one counts: one that is not gone, where there is any.
    gone_first = rows.order_by(F("gone_at").asc(nulls_last=True), "pk")
    return dict(gone_first.values_list("external_variant_id", _ITEM))


def _row(record: KeptStock, items: Mapping[str, UUID]) -> Row:
    return {
        "variant_id": items.get(record.external_variant_id),
        "sku": record.sku[:128],
        "title": record.title[:300],
        **{name: getattr(record, name) for name in FIGURES},
        "changed_at": record.changed_at,
    }


def _settle(places: Iterable[Location], moved: Mapping[UUID, set[UUID | None]]) -> None:
    """Bring the levels of these items to the sums of what was told, place by place."""
    for place in places:
        items = {pk for pk in moved.get(place.pk, ()) if pk is not None}
        if not items:
            continue
        # The levels are locked before the sums are read: whoever is later sees both.
        book = Book.of_kept(place, items, actor=_ACTOR)
        rows = KeptUnits.objects.filter(location=place, variant__in=items).order_by()
        summed = rows.values("variant").annotate(**{f"all_{name}": Sum(name) for name in FIGURES})
        sums: dict[UUID, Row] = {row["variant"]: dict(row) for row in summed}
        for item in sorted(items):
            level = book.level_at(item, place.pk)
            told = sums.get(item, {})
            for bucket, names in _BUCKETS.items():
                units = sum(told.get(f"all_{name}", 0) for name in names)
                if delta := units - getattr(level, bucket.value):
                    cause = f"told:{level.id.hex}:{level.version + 1}:{bucket}"
                    book.move(level, bucket, delta, MovementKind.TOLD, cause)
        book.write()

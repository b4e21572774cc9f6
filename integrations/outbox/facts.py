"""All that an item's figures come from, as it is now: what each store should show, was told and
shows, where the units lie, what moved last and which orders hold them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum

from integrations.models import Push, StoreStatus
from integrations.outbox.bylocation import seen_at, told_at
from integrations.outbox.compensating import targets
from integrations.outbox.verdicts import Verdict, judge
from inventory import kits, verifying
from inventory.availability import Target
from inventory.models import (
    Allocation,
    Listing,
    Location,
    Reservation,
    StockLevel,
    StockMovement,
    StockRule,
    StoreLocation,
    Variant,
)
from inventory.shelves import Shelf, of_stores
from orders.models import Order

# Rows of each list; how many there are is told beside them.
MOST = 20
MOST_LISTINGS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Of a listing at one of the store's locations, or its only figure (``at`` ""). ``places`` are
    ours whose units it shows; None: all that are open.
    """

    at: str
    name: str
    places: tuple[Location, ...] | None
    should: int | None
    told: int | None
    seen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    listing: Listing
    push: Push | None
    target: Target
    figures: tuple[Figure, ...]
    verdict: Verdict
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What is counted and where: the item itself, or of a kit a part, ``units`` of it in one."""

    variant: Variant
    units: int
    levels: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``movements`` (newest first) and open ``reservations`` (oldest order first) are those of all
    that is counted together, each with ``order_number``.
    """

    variant: Variant
    is_kit: bool
    counted: tuple[Counted, ...]
    in_kits: tuple[Variant, ...]
    in_kits_count: int
    shown: tuple[Shown, ...]
    shown_count: int
    movements: tuple[Any, ...]
    movement_count: int
    reservations: tuple[Any, ...]
    reservation_count: int
    reserved: int
    short: int
    set_aside: tuple[Allocation, ...]
    untrue: tuple[verifying.Difference, ...]


def facts_of(variant: Variant, *, store_id: UUID | None = None) -> Facts:
    """Of one item in all its stores, or in one. ``variant`` has its product and ``counted_as``. The
    number of statements does not grow with the stores.
    """
    rows = _sold_as(variant, store_id)
    listings = list(rows[:MOST_LISTINGS])
    recipe = kits.recipes([variant.stock_item_id]).get(variant.stock_item_id)
    counted = _counted(recipe or {variant.stock_item_id: 1})
    item_ids = [one.variant.pk for one in counted]
    kit_ids = kits.kits_with([variant.stock_item_id])
    movements, reservations = _movements(counted), _open_reservations(item_ids)
    held = reservations.aggregate(rows=Count("pk"), units=Sum("quantity"), short=Sum("short"))
    return Facts(
        variant=variant,
        is_kit=recipe is not None,
        counted=counted,
        in_kits=tuple(Variant.objects.filter(pk__in=kit_ids).order_by("sku", "pk")[:MOST]),
        in_kits_count=len(kit_ids),
        shown=_shown(listings),
        shown_count=len(listings) if len(listings) < MOST_LISTINGS else rows.count(),
        movements=movements,
        movement_count=StockMovement.objects.filter(variant__in=item_ids).count(),
        reservations=tuple(_numbered(reservations.order_by("placed_at", "id"))[:MOST]),
        reservation_count=held["rows"],
        reserved=held["units"] or 0,
        short=held["short"] or 0,
        set_aside=_set_aside(item_ids),
        untrue=tuple(verifying.differences(item_ids)),
    )


def supposed(
    variant: Variant, rule: StockRule, *, store_id: UUID | None = None
) -> list[tuple[Listing, Target, Target]]:
    """Each listing with its figure now, and what it would be if ``rule`` held for it. Nothing is
    kept.
    """
    listings = list(_sold_as(variant, store_id)[:MOST_LISTINGS])
    now, then = targets(listings), targets(listings, suppose=rule)
    return [(x, now[x.pk], then[x.pk]) for x in listings]


def _sold_as(variant: Variant, store_id: UUID | None) -> QuerySet[Listing]:
    rows = Listing.objects.filter(
        Q(variant=variant.pk) | Q(variant__counted_as=variant.pk), gone_at=None
    ).exclude(store__status=StoreStatus.DISCONNECTED)
    if store_id is not None:
        rows = rows.filter(store=store_id)
    return rows.select_related("store", "push__handed__hand_over").order_by(
        "store__name", "store_id", "sku", "pk"
    )


def _shown(listings: Sequence[Listing]) -> tuple[Shown, ...]:
    wanted = targets(listings)
    stores = {x.store_id for x in listings}
    shelves = of_stores(stores)
    locations = StoreLocation.objects.filter(store__in=stores)
    names = {
        (store_id, at): name
        for store_id, at, name in locations.values_list("store_id", "external_id", "name")
    }
    places = Location.objects.in_bulk(
        {pk for found in shelves.values() for shelf in found for pk in shelf.places or ()}
    )
    found = []
    for listing in listings:
        push, target = getattr(listing, "push", None), wanted[listing.pk]
        verdict, words = judge(listing, push, target)
        here = {at: name for (store_id, at), name in names.items() if store_id == listing.store_id}
        figures = _figures(listing, push, target, shelves[listing.store_id], here, places)
        found.append(
            Shown(
                listing=listing,
                push=push,
                target=target,
                figures=figures,
                verdict=verdict,
                words=words,
            )
        )
    return tuple(found)


def _figures(
    listing: Listing,
    push: Push | None,
    target: Target,
    shelves: Sequence[Shelf],
    names: Mapping[str, str],
    places: Mapping[UUID, Location],
) -> tuple[Figure, ...]:
    """At each shelf of the store, then where else it was told or showed something."""
    told, seen = told_at(push) if push else {}, seen_at(listing)
    shown_at = {shelf.at: shelf.places for shelf in shelves}
    found = []
    for at in dict.fromkeys((*shown_at, *told, *seen)):
        ours = shown_at.get(at, ())
        found.append(
            Figure(
                at=at,
                name=names.get(at, at),
                places=None if ours is None else tuple(places[pk] for pk in ours),
                should=target.told.get(at),
                told=told.get(at),
                seen=seen.get(at),
            )
        )
    return tuple(found)


def _counted(units: Mapping[UUID, int]) -> tuple[Counted, ...]:
    """Levels know since when they had their last movements (``moved_since``), None where they had
    fewer.
    """
    trail = StockMovement.objects.filter(
        variant=OuterRef("variant"), location=OuterRef("location")
    ).order_by("-at", "-id")
    levels: dict[UUID, list[Any]] = {pk: [] for pk in units}
    rows = StockLevel.objects.filter(variant__in=units).select_related("location__kept_by")
    rows = rows.annotate(moved_since=Subquery(trail.values("at")[MOST - 1 : MOST]))
    for level in rows.order_by("location__rank", "location__code"):
        levels[level.variant_id].append(level)
    variants = Variant.objects.filter(pk__in=units).select_related("product")
    return tuple(
        Counted(variant=x, units=units[x.pk], levels=tuple(levels[x.pk]))
        for x in variants.order_by("sku", "pk")
    )


def _movements(counted: Sequence[Counted]) -> tuple[Any, ...]:
    """The newest of all levels together. None of them is older than the last of any one level: so
    an index finds them, also those of an item that has moved a million times.
    """
    levels = [level for one in counted for level in one.levels]
    rows = StockMovement.objects.filter(
        variant__in={x.variant_id for x in levels}, location__in={x.location_id for x in levels}
    )
    since = [x.moved_since for x in levels if x.moved_since]
    if since:
        rows = rows.filter(at__gte=max(since))
    return tuple(_numbered(rows.select_related("variant", "location"))[:MOST])


def _open_reservations(item_ids: Sequence[UUID]) -> QuerySet[Reservation]:
    rows = Reservation.objects.filter(Q(quantity__gt=0) | Q(short__gt=0), variant__in=item_ids)
    return rows.select_related("location", "variant")


def _set_aside(item_ids: Sequence[UUID]) -> tuple[Allocation, ...]:
    """What stands of these, for whomever."""
    rows = Allocation.objects.filter(variant__in=item_ids, ended_at=None)
    return tuple(rows.select_related("store", "variant", "location").order_by("id"))


def set_aside_words(row: Allocation) -> str:
    return f"{row.left} set aside for {row.store} at {row.location}, {row.used} of {row.units} used"


def _numbered(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With the number of the order each row is about, in the same statement."""
    order = Order.objects.filter(pk=OuterRef("order_ref"))
    return rows.annotate(order_number=Subquery(order.values("number")[:1]))

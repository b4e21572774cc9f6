"""How an item came to be oversold, as far as it is known: what each store was last told of it and
when, what was free at that moment, and what came between that and the order.

Read from the trail of stock and from what was kept when the order came in. No question of guilt:
two stores may sell the last unit before either can be told of the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

from inventory import kits
from inventory.kits import Recipe
from inventory.models import Bucket, Listing, Location, MovementKind, StockLevel, StockMovement
from inventory.shelves import of_stores
from orders.models import Order, Oversell

# Orders of one page are written together, moments after they were read.
_SAME_READING = timedelta(seconds=10)
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Between:
    """Units that became free for one reason, or were taken (below zero); ``at`` last. ``by``: the
    store whose order it was.
    """

    what: str
    units: int
    order_id: UUID | None
    by: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """Of one listing. ``sold_it``: the order is of this store. ``told`` None: no figure before the
    order; ``free_then`` is what the store could sell when it was told, of a kit: kits.
    """

    store: str
    sold_it: bool
    told: int | None
    told_at: datetime | None
    free_then: int | None
    between: tuple[Between, ...]
    words: str


def history(oversell: Oversell) -> list[Told]:
    """Every listing of the item, the one that sold it first. About four statements for each."""
    channels: list[dict[str, Any]] = oversell.cause.get("channels") or []
    listings = Listing.objects.in_bulk([x["listing"] for x in channels if x.get("listing")])
    stores = {str(pk): found.store_id for pk, found in listings.items()}
    rows = [_of(oversell, x, stores.get(x.get("listing", ""))) for x in channels]
    return sorted(rows, key=lambda row: not row.sold_it)


def _of(oversell: Oversell, channel: Mapping[str, Any], store_id: UUID | None) -> Told:
    told_at = datetime.fromisoformat(channel["told_at"]) if channel.get("told_at") else None
    name, told = channel.get("store", ""), channel.get("told")
    sold_it = store_id is not None and store_id == oversell.order.store_id
    if told is None or told_at is None or oversell.variant is None:
        words = f"{name} had not been told a figure by Logix when this order came in."
        return Told(name, sold_it, None, None, None, (), words)
    item = oversell.variant.stock_item_id
    recipe = kits.recipes([item]).get(item, {item: 1})
    trail = StockMovement.objects.filter(
        merchant=oversell.merchant_id, variant__in=recipe, at__gt=told_at
    )
    places = _places(oversell.merchant_id, store_id)
    free = _free_then(trail, recipe, places)
    between = tuple(_between(oversell, trail.filter(location__in=places), recipe))
    is_news = any(x.by is None or x.by != store_id for x in between)
    words = _words(oversell, name, sold_it, told, told_at, free, between, is_news=is_news)
    return Told(name, sold_it, told, told_at, free, between, words)


def _places(merchant_id: UUID, store_id: UUID | None) -> set[UUID]:
    """Where the store sells from; all open places where it takes from any."""
    shown = of_stores([store_id])[store_id] if store_id else ()
    every = set(
        Location.objects.filter(merchant=merchant_id, is_active=True).values_list("pk", flat=True)
    )
    chosen = {pk for shelf in shown for pk in shelf.places or every}
    return chosen & every if shown else every


def _free_then(trail: QuerySet[StockMovement], recipe: Recipe, places: Collection[UUID]) -> int:
    """What is free now, less what was moved since."""
    free: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for level in StockLevel.objects.filter(variant__in=recipe, location__in=places):
        free[level.location_id, level.variant_id] = level.free
    moved = trail.order_by().values_list("location", "variant", "bucket").annotate(Sum("delta"))
    for place, item, bucket, delta in moved:
        free[place, item] -= _freed(bucket, delta)
    return sum(
        min(max(0, free[place, item]) // each for item, each in recipe.items()) for place in places
    )


def _between(
    oversell: Oversell, trail: QuerySet[StockMovement], recipe: Recipe
) -> Iterable[Between]:
    """What others took and gave until the order came in, latest last. A unit that leaves for the
    order it was kept for changes nothing.
    """
    until = oversell.opened_at + _SAME_READING
    rows = trail.filter(at__lte=until).exclude(order_ref=oversell.order_id).order_by()
    freed: dict[tuple[UUID | None, str, str], int] = defaultdict(int)
    last: dict[tuple[UUID | None, str, str], datetime] = {}
    grouped = rows.values_list("order_ref", "kind", "variant__sku", "bucket")
    for order, kind, sku, bucket, delta, at in grouped.annotate(Sum("delta"), Max("at")):
        key = (order, "" if order else kind, sku)
        freed[key] += _freed(bucket, delta)
        last[key] = max(at, last.get(key, at))
    orders = Order.objects.select_related("store").in_bulk([key[0] for key in freed if key[0]])
    for key in sorted(last, key=lambda key: last[key]):
        order_id, kind, sku = key
        order = orders.get(order_id) if order_id else None
        of = f" of {sku}" if len(recipe) > 1 else ""
        if freed[key]:
            yield Between(
                what=f"{_who(order, kind)}{of}",
                units=freed[key],
                order_id=order_id,
                by=order.store_id if order else None,
                at=last[key],
            )


def _freed(bucket: str, delta: int) -> int:
    return delta if bucket == Bucket.ON_HAND else -delta


def _who(order: Order | None, kind: str) -> str:
    if order is not None:
        return f"order {order} of {order.store}"
    return MovementKind(kind).label.lower() if kind else "an order that is gone"


def _words(
    oversell: Oversell,
    name: str,
    sold_it: bool,
    told: int,
    told_at: datetime,
    free: int,
    between: tuple[Between, ...],
    *,
    is_news: bool,
) -> str:
    """``is_news``: something came between that the store did not know by itself."""
    are = "was" if free == 1 else "were"
    found = [f"{name} was last told {told} on {_when(told_at)}, when {free} {are} free to it."]
    placed_at = oversell.order.placed_at
    if sold_it and placed_at <= told_at:
        found.append(f"The order had been placed there before that, on {_when(placed_at)}.")
    if between:
        named = "; ".join(_said(x) for x in between[-_MOST_NAMED:])
        earlier = len(between) - _MOST_NAMED
        more = f" ({earlier} more before these)" if earlier > 0 else ""
        found.append(f"Between then and this order: {named}{more}.")
        if is_news:
            found.append("It had not been told of that yet.")
    else:
        found.append("Nothing else was taken or added between then and this order.")
    wanted = oversell.line.quantity
    if sold_it and placed_at > told_at and wanted > told:
        found.append(f"The order wants {wanted}, more than the store was told.")
    return " ".join(found)


def _said(one: Between) -> str:
    if one.order_id is None:
        return f"{one.what} {one.units:+d}".replace("-", "−")
    verb = "took" if one.units < 0 else "gave back"
    return f"{one.what} {verb} {abs(one.units)}"


def _when(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}"

"""Which store is master of the stock of which listing: its figure becomes our stock, and ours is
not told to it. Of two masters that sell one item the one that was connected first counts it, and
the other is told as any store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from integrations.models import Store, StoreStatus
from integrations.platform import Ability, Compensation, PlatformCard
from inventory import availability
from inventory.availability import Target
from inventory.models import Listing, ListingMode, StockRule

_ITEM = Coalesce("variant__counted_as_id", "variant_id")


def targets(listings: Sequence[Listing], *, suppose: StockRule | None = None) -> dict[UUID, Target]:
    """As ``availability.targets``; what its store counts by itself is left alone. Give the listings
    with ``store`` loaded. No further statement where no store is a master.
    """
    found = availability.targets(listings, suppose=suppose)
    counted_there = mastered(listings)
    for listing in listings:
        if listing.pk in counted_there:
            found[listing.pk] = Target(value=None, reason=left_alone(listing.store))
    return found


def left_alone(store: Store) -> str:
    return (
        f"{store} is master of its stock: its figure is counted here, and none of ours is told to "
        "it."
    )


def mastered(listings: Iterable[Listing]) -> set[UUID]:
    """Those whose own store counts their item. Give them with ``store`` loaded."""
    theirs = [x for x in listings if x.store.is_stock_master]
    before = earlier_masters(theirs)
    return {x.pk for x in theirs if x.pk not in before}


def earlier_masters(listings: Sequence[Listing]) -> dict[UUID, UUID]:
    """Listings of stores that are masters → the store that counts their item, where that is
    another. Ids of stores are in the order in which they were connected.
    """
    merchants = {x.store.merchant_id for x in listings}
    if not merchants:
        return {}
    masters = set(masters_of(merchants).values_list("pk", flat=True))
    if len(masters) < 2:
        return {}
    items = dict(
        Listing.objects.filter(pk__in=[x.pk for x in listings], variant__isnull=False)
        .annotate(item=_ITEM)
        .values_list("pk", "item")
    )
    counting: Mapping[UUID, set[UUID]] = defaultdict(set)
    rows = countable(Listing.objects.filter(store__in=masters)).filter(
        Q(variant__in=items.values()) | Q(variant__counted_as__in=items.values())
    )
    for item, store_id in rows.annotate(item=_ITEM).values_list("item", "store_id"):
        counting[item].add(store_id)
    return {
        x.pk: min(first)
        for x in listings
        if (first := {pk for pk in counting[items.get(x.pk, x.pk)] if pk < x.store_id})
    }


def why_not(card: PlatformCard) -> str:
    """Why stores of a platform cannot count by themselves, in words; '' where they can."""
    if not card.can(Ability.PRODUCTS):
        return f"{card.name} tells no stock figures."
    if card.compensation is not Compensation.NONE:
        return (
            f"The figure of {card.name} is not what it sells: it takes units off by itself, so it "
            "cannot be counted by."
        )
    return ""


def masters_of(merchant_ids: Iterable[UUID]) -> QuerySet[Store]:
    rows = Store.objects.filter(merchant__in=set(merchant_ids), options__stock_master="store")
    return rows.exclude(status=StoreStatus.DISCONNECTED)


def countable(rows: QuerySet[Listing]) -> QuerySet[Listing]:
    """Whose figure in the store is a count: a fixed or paused one is somebody's wish."""
    return rows.filter(
        gone_at=None, variant__isnull=False, seen_quantity__isnull=False, mode=ListingMode.NORMAL
    ).exclude(store__status=StoreStatus.DISCONNECTED)

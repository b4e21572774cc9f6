"""Which figures of a store might be 0, found by the database alone: of all others there is plenty,
so that nobody has to compute them to be sure.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from inventory.models import KitPart, Listing, ListingMode, StockLevel, StockRule
from inventory.shelves import of_stores

_FREE = F("on_hand") - F("reserved") - F("allocated") - F("held") - F("damaged")


def may_show_nothing(store_id: UUID, merchant_id: UUID) -> QuerySet[Listing]:
    """The store's listings but for those whose target is surely above 0, or that have none because
    nobody has counted them. Three statements now.

    ``availability.targets`` never has fewer free units: it gives the store its own allocation on
    top. So where there are more than the strictest rule takes away, some are left.
    """
    listings = Listing.objects.filter(store_id=store_id)
    rules = StockRule.objects.filter(Q(store=None) | Q(store_id=store_id), merchant_id=merchant_id)
    least = [_most_that_shows_nothing(rule) for rule in rules]
    if None in least:
        return listings
    item: Any = Coalesce("variant__counted_as_id", "variant_id")
    is_kit = Exists(KitPart.objects.filter(kit_id=OuterRef("item")))
    scarce = (
        listings.annotate(item=item)
        .annotate(free=_free_units(store_id))
        .filter(
            Q(free__lte=max((x for x in least if x is not None), default=0))
            | ~Q(mode=ListingMode.NORMAL)
            | is_kit
        )
    )
    sharer = scarce.filter(
        shares_figure=True,
        external_product_id=OuterRef("external_product_id"),
        stock_ref=OuterRef("stock_ref"),
    )
    return listings.filter(Q(pk__in=scarce.values("pk")) | Q(Exists(sharer), shares_figure=True))


def _free_units(store_id: UUID) -> Subquery:
    """Of an ``item``, at the places the store sells from; null where nobody has counted it."""
    levels = StockLevel.objects.filter(variant_id=OuterRef("item"), location__is_active=True)
    places = [shelf.places for shelf in of_stores([store_id])[store_id]]
    if None not in places:
        levels = levels.filter(location_id__in={pk for found in places for pk in found or ()})
    counted = levels.order_by().values("variant_id").annotate(counts=Count("counted_at"))
    return Subquery(counted.filter(counts__gt=0).annotate(units=Sum(_FREE)).values("units"))


def _most_that_shows_nothing(rule: StockRule) -> int | None:
    """With so many free units the rule may still show 0; None: with any number."""
    if rule.always is not None:
        return 0 if rule.always else None
    if rule.percent == 0 or rule.max_listed == 0:
        return None
    hundreds = -(-100 // rule.percent)
    return max(rule.end_when, rule.buffer + hundreds - 1)

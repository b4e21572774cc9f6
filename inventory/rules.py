"""Which stock rule holds for a listing: the narrowest, and in words which one that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from inventory.models import Listing, StockRule


@dataclass(frozen=True, slots=True)
class Ruled:
    """``rule`` None: all that is free is shown. ``words`` name the rule for people."""

    rule: StockRule | None
    words: str


_NONE = Ruled(None, "No rule: all that is free.")


def rules_for(listings: Sequence[Listing]) -> dict[UUID, Ruled]:
    """By listing. One statement."""
    stores = {x.store_id for x in listings}
    of_some = Q(listing__in=[x.pk for x in listings]) | Q(
        store__in=stores, variant__in={x.variant_id for x in listings if x.variant_id}
    )
    of_many = Q(listing=None, variant=None) & (Q(store=None) | Q(store__in=stores))
    rows = StockRule.objects.filter(
        of_some | of_many, merchant__in={x.merchant_id for x in listings}
    )
    known = {_key(row): row for row in rows}
    return {listing.pk: _narrowest(listing, known) for listing in listings}


_Key = tuple[UUID, UUID | None, UUID | None, UUID | None, str]


def _key(row: StockRule) -> _Key:
    return (row.merchant_id, row.store_id, row.listing_id, row.variant_id, row.category)


def _narrowest(listing: Listing, known: Mapping[_Key, StockRule]) -> Ruled:
    merchant, store = listing.merchant_id, listing.store_id
    scopes: list[tuple[_Key, str]] = [
        ((merchant, store, listing.pk, None, ""), "The rule of this listing."),
        ((merchant, store, None, listing.variant_id, ""), "The rule of this SKU in the store."),
        *(
            ((merchant, store, None, None, name), f"The rule of the category “{name}”.")
            for name in listing.categories
        ),
        ((merchant, store, None, None, ""), "The rule of the store."),
        ((merchant, None, None, None, ""), "The rule of all stores."),
    ]
    if listing.variant_id is None:
        del scopes[1]
    return next((Ruled(known[key], words) for key, words in scopes if key in known), _NONE)

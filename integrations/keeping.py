"""How long the data of a store's buyers are kept: as the platform's card allows, or for less as
staff chose. Orders that are still to be sent keep theirs, for the parcel has to find them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from integrations.models import Store, StoreStatus
from integrations.platform import PlatformCard

OPTION = "keep_buyers_days"
FEWEST_DAYS, MOST_DAYS = 2, 3650
# They go so long before the bound: an hour is what the clock takes, the rest is for a hub that was
# not running.
EARLY = timedelta(days=1)


def kept_for(card: PlatformCard | None, store: Store) -> timedelta | None:
    """Counted from when an order was sent, or ended otherwise; None: until somebody erases them.
    Of a platform that is not installed any more only what staff chose is known.
    """
    chosen = store.options.get(OPTION)
    bounds = [card.buyers_kept if card else None, timedelta(days=chosen) if chosen else None]
    return min((x for x in bounds if x is not None), default=None)


def forgets_before(card: PlatformCard | None, store: Store, now: datetime) -> datetime | None:
    """Buyers of orders that ended by then are not kept any more."""
    kept = kept_for(card, store)
    return now - (kept - EARLY) if kept else None


def ends_at(card: PlatformCard, store: Store, ended_at: datetime | None) -> datetime | None:
    """When the buyer of an order that ended then is erased; None: not by itself, or not known yet,
    for something is to be sent.
    """
    kept, silence = kept_for(card, store), silence_ends(card, store)
    ends = [ended_at + kept if ended_at and kept else None, silence]
    return min((at - EARLY for at in ends if at), default=None)


def silence_ends(card: PlatformCard, store: Store) -> datetime | None:
    """When all of a store's buyers are to be gone, because it is not asked any more whether its
    open orders were sent; None while it is. Only where the platform sets a bound: what a merchant
    chose binds no open order.
    """
    if card.buyers_kept is None or store.status == StoreStatus.ACTIVE:
        return None
    return (store.disconnected_at or store.last_ok_at or store.created_at) + card.buyers_kept


def bounded(platforms: list[str]) -> Q:
    """The stores of which anything is bounded; ``platforms`` are those whose cards set a bound."""
    return Q(platform__in=platforms) | Q(**{f"options__{OPTION}__isnull": False})

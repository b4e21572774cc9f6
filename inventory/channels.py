"""The only writer of what a store's channels say of its listings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from inventory import signals
from inventory.data import ListingChannelData, ProductData
from inventory.models import Listing, ListingChannel
from logix.common import bulk
from logix.common.ids import uuid7

_TOLD = ("external_id", "title", "price", "currency", "raw_status", "is_buyable")


def take(
    listings: Mapping[tuple[str, str], UUID],
    products: Iterable[ProductData],
    *,
    observed_at: datetime,
) -> None:
    """Bring what is known of these listings, by the ids of product and variant, to what
    ``products`` say. No statement where they say nothing of channels.
    """
    told: dict[tuple[UUID, str], ListingChannelData] = {
        (listings[product.external_id, one.external_variant_id], one.channel): one
        for product in products
        for one in product.channels
    }
    if not told:
        return
    rows = ListingChannel.objects.filter(listing__in={pk for pk, _ in told})
    known = {(row.listing_id, row.channel): row for row in rows}
    inserts, updates = [], []
    for key, one in told.items():
        before, now = known.pop(key, None), _row(one)
        if before is None:
            made = {"id": uuid7(), "listing_id": key[0], "channel": key[1]}
            inserts.append({**made, **now, "seen_at": observed_at})
        elif before.seen_at <= observed_at and _differs(before, now):
            updates.append({"id": before.pk, **now, "seen_at": observed_at})
    # Another process may have heard of the same a moment before.
    bulk.insert(ListingChannel, inserts, ignore_conflicts=True)
    bulk.update(ListingChannel, updates)
    gone = [row.pk for row in known.values() if row.seen_at <= observed_at]
    if gone:
        ListingChannel.objects.filter(pk__in=gone).delete()


def forget(listing_ids: Collection[UUID]) -> None:
    """No channel offers these listings any more."""
    if listing_ids:
        ListingChannel.objects.filter(listing__in=listing_ids).delete()


def looked_at(listing_ids: Any, *, at: datetime) -> None:
    """Every channel was asked for these listings."""
    rows = ListingChannel.objects.filter(listing__in=listing_ids, seen_at__lt=at)
    rows.update(seen_at=at)


@transaction.atomic
def keep_only(store_id: UUID, channels: Collection[str], *, now: datetime) -> None:
    """The store sells in these channels alone: what only others offer is no longer offered."""
    rows = ListingChannel.objects.filter(listing=OuterRef("pk"))
    lost = Listing.objects.filter(
        Exists(rows), ~Exists(rows.filter(channel__in=channels)), store=store_id, gone_at=None
    )
    sku_keys = set(lost.values_list("sku_key", flat=True)) - {""}
    lost.update(gone_at=now, is_listed=False)
    others = ListingChannel.objects.filter(listing__store=store_id).exclude(channel__in=channels)
    others.delete()
    if sku_keys:
        signals.skus_changed.send(sender=Listing, store_id=store_id, sku_keys=frozenset(sku_keys))


def _row(one: ListingChannelData) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _TOLD} | {"title": one.title[:300]}


def _differs(before: ListingChannel, now: Mapping[str, Any]) -> bool:
    return any(getattr(before, name) != value for name, value in now.items())

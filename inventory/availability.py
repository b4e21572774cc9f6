"""How many units a store may sell. Formula and terms: docs/STOCK.md; always whole units, rounded
down, never below 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from inventory.models import Listing, ListingMode, StockLevel, StockRule, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``value`` None: leave the store's figure alone, ``reason`` says why. ``terms`` are the
    numbers it came from.
    """

    value: int | None
    reason: str
    terms: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class _Pool:
    free: int
    on_hand: int
    reserved: int
    counted: bool


_NO_RULE = StockRule(buffer=0, percent=100, max_listed=None, end_when=0)


def targets(listings: Sequence[Listing]) -> dict[UUID, Target]:
    """The figure each listing should show now. Three statements, however many listings (of any
    stores).
    """
    items = _stock_items(listings)
    pools = _pools(set(items.values()))
    rules = _rules(listings)
    return {
        listing.pk: _target(listing, pools.get(items.get(listing.pk)), rules)  # type: ignore[arg-type]
        for listing in listings
    }


def _target(
    listing: Listing, pool: _Pool | None, rules: dict[tuple[UUID, UUID | None], StockRule]
) -> Target:
    if listing.mode == ListingMode.IGNORE:
        return Target(value=None, reason="This listing is never written by Logix.", terms={})
    if listing.mode == ListingMode.PAUSED:
        return Target(value=0, reason="This listing is paused.", terms={})
    if listing.mode == ListingMode.FIXED:
        if listing.fixed_quantity is None:
            return Target(
                value=None, reason="A fixed figure is wanted but none is given.", terms={}
            )
        return Target(value=listing.fixed_quantity, reason="A fixed figure is set.", terms={})
    if pool is None:
        return Target(value=None, reason="Not linked to a product of Logix yet.", terms={})
    if not pool.counted:
        return Target(value=None, reason="Nobody has counted this item yet.", terms={})
    rule = (
        rules.get((listing.merchant_id, listing.store_id))
        or rules.get((listing.merchant_id, None))
        or _NO_RULE
    )
    share = max(0, pool.free - rule.buffer) * rule.percent // 100
    capped = min(share, rule.max_listed) if rule.max_listed is not None else share
    value = 0 if pool.free <= rule.end_when else capped
    terms = {
        "on_hand": pool.on_hand,
        "reserved": pool.reserved,
        "pool": pool.free,
        "buffer": rule.buffer,
        "percent": rule.percent,
        "share": share,
        "max_listed": rule.max_listed,
        "end_when": rule.end_when,
    }
    return Target(value=value, reason="Computed from stock.", terms=terms)


def _stock_items(listings: Sequence[Listing]) -> dict[UUID, UUID]:
    """Listing → the variant whose levels count for it."""
    variant_ids = {x.variant_id for x in listings if x.variant_id}
    counted_as = dict(Variant.objects.filter(pk__in=variant_ids).values_list("pk", "counted_as_id"))
    return {x.pk: counted_as.get(x.variant_id) or x.variant_id for x in listings if x.variant_id}


def _pools(variant_ids: set[UUID]) -> dict[UUID, _Pool]:
    levels: dict[UUID, list[StockLevel]] = defaultdict(list)
    rows = StockLevel.objects.filter(variant_id__in=variant_ids, location__is_active=True)
    for level in rows:
        levels[level.variant_id].append(level)
    return {
        variant_id: _Pool(
            free=sum(max(0, x.free) for x in found),
            on_hand=sum(x.on_hand for x in found),
            reserved=sum(x.reserved for x in found),
            counted=any(x.counted_at for x in found),
        )
        for variant_id, found in levels.items()
    }


def _rules(listings: Sequence[Listing]) -> dict[tuple[UUID, UUID | None], StockRule]:
    merchants = {x.merchant_id for x in listings}
    return {
        (r.merchant_id, r.store_id): r for r in StockRule.objects.filter(merchant__in=merchants)
    }

"""How many units a store may sell. Formula and terms: docs/STOCK.md; always whole units, rounded
down, never below 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from inventory import kits, sharing
from inventory.models import Allocation, Listing, ListingMode, StockLevel, StockRule, Variant
from inventory.rules import Ruled, rules_for
from inventory.shelves import Shelf, of_stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``value`` None: leave the store's figure alone, ``reason`` says why. ``rule`` names the stock
    rule that made it, where one did, and ``rule_id`` is its id. ``at``: the value by the store's
    own location ("" where it keeps one figure); a location where nobody has counted the item is
    left alone. ``terms`` are the numbers it came from. ``added`` is what the store takes off a
    figure by itself, by location, and so is told beyond it; ``takes_off`` says what that is.
    """

    value: int | None
    reason: str
    rule: str = ""
    rule_id: int | None = None
    at: Mapping[str, int] = field(default_factory=dict)
    terms: dict[str, int | None] = field(default_factory=dict)
    added: Mapping[str, int] = field(default_factory=dict)
    takes_off: Mapping[str, int] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, int]:
        """What the store is to be told, by location."""
        return {at: max(0, units + self.added.get(at, 0)) for at, units in self.at.items()}


@dataclass(frozen=True, slots=True)
class _Pool:
    """Units a store may sell of one item at one of its shelves, and the ``terms`` they came from,
    by the names in _TERMS. ``own`` of those that are free are set aside for the store.
    """

    free: int
    terms: Mapping[str, int]
    own: int
    counted: bool


# What takes from on hand, in the order it is taken off; ``set_aside`` is for other stores.
_TAKEN = ("reserved", "set_aside", "held", "damaged")
# on_hand − reserved − set_aside − held − damaged + lacking = pool: always.
_TERMS = ("on_hand", *_TAKEN, "lacking")

# What is set aside and not taken yet, by store, item and place.
_Asides = Mapping[tuple[UUID, UUID, UUID], int]
# The same of one store.
_Own = Mapping[tuple[UUID, UUID], int]


_NO_RULE = StockRule(buffer=0, percent=100, max_listed=None, end_when=0)
_BUNDLE = "The store computes what it shows of a bundle itself, from its parts."
_SHARED = (
    "The store keeps one figure for several of its items, and is told the smallest of theirs: that "
    "of {}."
)
_NO_SHELF = (
    "The store keeps its stock at several locations, and none of them shows a place of Logix yet. "
    "Choose which, on the store's page “Locations”."
)


def targets(listings: Sequence[Listing], *, suppose: StockRule | None = None) -> dict[UUID, Target]:
    """The figure each listing should show now, or would if ``suppose`` were the rule for it. Six
    statements, however many listings (of any stores); one more for each level of kits within kits,
    where something is set aside, and where listings share one figure.
    """
    sharers = sharing.with_sharers(listings)
    everyone = [*listings, *sharing.others_of(sharers, listings)]
    done = _alone(everyone, dict.fromkeys((x.pk for x in listings), suppose) if suppose else {})
    for alike in sharers.values():
        _share(alike, done)
    return {x.pk: done[x.pk] for x in listings}


def _share(listings: Sequence[Listing], done: dict[UUID, Target]) -> None:
    """One figure for all: of several the smallest cannot oversell."""
    told = [x for x in listings if done[x.pk].value is not None]
    if len(told) < 2:
        return
    least = min(told, key=lambda x: sum(done[x.pk].at.values()))
    lowest = done[least.pk]
    for listing in told:
        if dict(done[listing.pk].at) != dict(lowest.at):
            said = f"{lowest.reason} {_SHARED.format(least)}"
            done[listing.pk] = replace(lowest, reason=said)


def _alone(listings: Sequence[Listing], supposed: Mapping[UUID, StockRule]) -> dict[UUID, Target]:
    """The figure of each as if it shared none."""
    items = _stock_items(listings)
    recipes = kits.recipes(set(items.values()))
    parts = {part for recipe in recipes.values() for part in recipe}
    levels = _levels({*items.values(), *parts})
    asides = _set_aside(levels)
    rules = rules_for(listings)
    for pk, rule in supposed.items():
        rules[pk] = Ruled(rule, "The rule that is supposed.")
    shelves = of_stores({x.store_id for x in listings})
    done = {}
    for listing in listings:
        pools: dict[str, _Pool] = {}
        if item := items.get(listing.pk):
            recipe = recipes.get(item, {item: 1})
            pools = {
                shelf.at: _pool_of(
                    {
                        part: ([x for x in levels[part] if shelf.shows(x.location_id)], units)
                        for part, units in recipe.items()
                    },
                    _of_store(asides, listing.store_id),
                )
                for shelf in shelves[listing.store_id]
            }
        done[listing.pk] = _target(listing, shelves[listing.store_id], pools, rules[listing.pk])
    return done


def _target(
    listing: Listing,
    shelves: Sequence[Shelf],
    pools: Mapping[str, _Pool],
    ruled: Ruled,
) -> Target:
    if listing.mode == ListingMode.IGNORE:
        return Target(value=None, reason="This listing is never written by Logix.")
    if listing.is_bundle:
        return Target(value=None, reason=f"{_BUNDLE} {listing.kit_problem}".strip())
    if not shelves:
        return Target(value=None, reason=_NO_SHELF)
    if listing.mode == ListingMode.PAUSED:
        nothing = dict.fromkeys((shelf.at for shelf in shelves), 0)
        return Target(value=0, reason="This listing is paused.", at=nothing)
    if listing.mode == ListingMode.FIXED:
        if listing.fixed_quantity is None:
            return Target(value=None, reason="A fixed figure is wanted but none is given.")
        return Target(
            value=listing.fixed_quantity,
            reason="A fixed figure is set.",
            at=_spread(listing.fixed_quantity, shelves, pools),
        )
    rule = ruled.rule or _NO_RULE
    if rule.always is not None:
        return Target(
            value=rule.always,
            reason="This figure is always shown.",
            rule=ruled.words,
            rule_id=rule.pk,
            at=_spread(rule.always, shelves, pools),
        )
    if not pools:
        return Target(value=None, reason="Not linked to a product of Logix yet.")
    if not any(pool.counted for pool in pools.values()):
        return Target(value=None, reason="Nobody has counted this item yet.")
    free = sum(pool.free for pool in pools.values())
    share = max(0, free - rule.buffer) * rule.percent // 100
    capped = min(share, rule.max_listed) if rule.max_listed is not None else share
    value = 0 if free <= rule.end_when else capped
    terms = {
        **{name: sum(pool.terms[name] for pool in pools.values()) for name in _TERMS},
        "own_set_aside": sum(pool.own for pool in pools.values()),
        "pool": free,
        "buffer": rule.buffer,
        "percent": rule.percent,
        "share": share,
        "max_listed": rule.max_listed,
        "end_when": rule.end_when,
    }
    return Target(
        value=value,
        reason="Computed from stock.",
        rule=ruled.words,
        rule_id=rule.pk,
        at=_spread(value, shelves, pools),
        terms=terms,
    )


def _spread(value: int, shelves: Sequence[Shelf], pools: Mapping[str, _Pool]) -> dict[str, int]:
    """``value`` over the shelves, each as far as its units go, first choice first. What no shelf
    has units for (a fixed figure) is shown at the first.
    """
    counted = [shelf.at for shelf in shelves if shelf.at in pools and pools[shelf.at].counted]
    spread: dict[str, int] = {}
    left = value
    for at in counted:
        spread[at] = min(left, pools[at].free)
        left -= spread[at]
    if left or not spread:
        first = next(iter(spread), shelves[0].at)
        spread[first] = spread.get(first, 0) + left
    return spread


def _stock_items(listings: Sequence[Listing]) -> dict[UUID, UUID]:
    """Listing → the variant whose levels count for it."""
    variant_ids = {x.variant_id for x in listings if x.variant_id}
    counted_as = dict(Variant.objects.filter(pk__in=variant_ids).values_list("pk", "counted_as_id"))
    return {x.pk: counted_as.get(x.variant_id) or x.variant_id for x in listings if x.variant_id}


def _levels(variant_ids: set[UUID]) -> dict[UUID, list[StockLevel]]:
    levels: dict[UUID, list[StockLevel]] = defaultdict(list)
    rows = StockLevel.objects.filter(variant_id__in=variant_ids, location__is_active=True)
    for level in rows:
        levels[level.variant_id].append(level)
    return levels


def _set_aside(levels: Mapping[UUID, Sequence[StockLevel]]) -> _Asides:
    """No statement where nothing is."""
    variant_ids = [pk for pk, found in levels.items() if any(x.allocated for x in found)]
    if not variant_ids:
        return {}
    rows = Allocation.objects.filter(variant_id__in=variant_ids, left__gt=0)
    return {
        (store, item, place): left
        for store, item, place, left in rows.values_list(
            "store_id", "variant_id", "location_id", "left"
        )
    }


def _of_store(asides: _Asides, store_id: UUID) -> _Own:
    return {
        (item, place): left for (store, item, place), left in asides.items() if store == store_id
    }


# The levels of each part of a kit at the shelf's places, and the units of it in one kit; a plain
# item is its own only part.
_Parts = Mapping[UUID, tuple[Sequence[StockLevel], int]]


def _pool_of(parts: _Parts, own: _Own) -> _Pool:
    """``own``: what is set aside for the store."""
    levels = [level for found, _ in parts.values() for level in found]
    taken = {level.pk: _taken(level, own) for level in levels}
    is_plain = [units for _, units in parts.values()] == [1]
    terms = _summed(levels, taken) if is_plain else _in_kits(parts, taken)
    free = terms["on_hand"] - sum(terms[name] for name in _TAKEN) + terms["lacking"]
    to_all = _put_together(parts, {x.pk: x.free for x in levels}) if own else free
    return _Pool(
        free=free,
        terms=terms,
        own=free - to_all,
        counted=all(any(x.counted_at for x in found) for found, _ in parts.values()),
    )


def _taken(level: StockLevel, own: _Own) -> dict[str, int]:
    mine = own.get((level.variant_id, level.location_id), 0)
    others = level.allocated - mine
    return dict(zip(_TAKEN, (level.reserved, others, level.held, level.damaged), strict=True))


def _summed(
    levels: Sequence[StockLevel], taken: Mapping[UUID, Mapping[str, int]]
) -> dict[str, int]:
    """``lacking``: what is taken at a place beyond what lies there; other places do not give it."""
    sums = {name: sum(taken[x.pk][name] for x in levels) for name in _TAKEN}
    lacking = sum(max(0, sum(taken[x.pk].values()) - x.on_hand) for x in levels)
    return {"on_hand": sum(x.on_hand for x in levels), **sums, "lacking": lacking}


def _in_kits(parts: _Parts, taken: Mapping[UUID, Mapping[str, int]]) -> dict[str, int]:
    """In whole kits: how many could be put together of all that lies there, and by how many fewer
    it is for each that takes from it. What is no kit is left out, so nothing lacks.
    """
    left = {x.pk: x.on_hand for levels, _ in parts.values() for x in levels}
    before = _put_together(parts, left)
    terms = {"on_hand": before}
    for name in _TAKEN:
        left = {pk: units - taken[pk][name] for pk, units in left.items()}
        now = _put_together(parts, left)
        terms[name], before = before - now, now
    return {**terms, "lacking": 0}


def _put_together(parts: _Parts, left: Mapping[UUID, int]) -> int:
    """``left``: units by level. A kit is put together at one place, of parts that all lie there."""
    at: dict[UUID, list[int]] = defaultdict(list)
    for levels, units in parts.values():
        for level in levels:
            at[level.location_id].append(max(0, left[level.pk]) // units)
    return sum(min(found) for found in at.values() if len(found) == len(parts))

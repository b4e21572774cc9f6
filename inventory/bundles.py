"""Bundles of stores taken over as kits: where a store says what a variant is put together from, the
variant it is linked to becomes a kit of those parts, and so in every store that sells it.

What a person decided about a kit stands; where two stores tell different parts, the first holds.
Why a bundle is not taken over stands at its listing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from inventory import kits
from inventory.errors import KitCounted, KitRefused
from inventory.linking import StoreLike
from inventory.models import KitPart, Listing, Variant
from logix.common import bulk

Units = Mapping[UUID, int]

_MOST_NAMED = 5
_LONGEST = 400
_NO_PRODUCT = "It is not linked to a product itself."
_NOT_TOLD = "The store does not tell what it is made of. Choose its parts by hand."
_TAKEN_OFF = "Its parts were taken off by hand, so it is not made a kit again."
_ONCE_COUNTED = (
    "It becomes a kit in the night after that, or at once with “Make it a kit of the store's "
    "parts”."
)
_NO_BUNDLE_ANY_MORE = (
    "The store does not sell it as a bundle any more. It stays a kit here until its parts are "
    "changed by hand."
)


def follow(
    store: StoreLike, listing_ids: Collection[UUID], *, linked: Collection[UUID] = ()
) -> None:
    """Bring the variants of these bundles to what the store says they are made of, and of those
    bundles that waited for one of the ``linked`` listings. Nothing is raised for a bundle that
    cannot be: the reason is kept at its listing. In the caller's transaction. Raises
    LedgerConflict.
    """
    wanted = set(listing_ids) | (_waiting_for(store, linked) if linked else set())
    if wanted:
        _follow(Listing.objects.filter(pk__in=wanted))


def look_again(variant_id: UUID) -> None:
    """A kit's parts were changed: say of each bundle that is linked to it whether it agrees."""
    _follow(Listing.objects.filter(variant=variant_id))


def waiting() -> QuerySet[Listing]:
    """Bundles whose variant is no kit of their parts."""
    return Listing.objects.filter(is_bundle=True, gone_at=None).exclude(kit_problem="")


@transaction.atomic
def try_again(listing_ids: Collection[UUID]) -> int:
    """Look again at bundles that were not taken over, because what stood in the way may be gone;
    return how many are kits now. Raises LedgerConflict.
    """
    _follow(Listing.objects.filter(pk__in=listing_ids))
    return len(listing_ids) - waiting().filter(pk__in=listing_ids).count()


@transaction.atomic
def take_over(listing: Listing, *, actor: str, request_id: str = "") -> Listing:
    """Make the bundle's variant a kit of the store's parts because a person says so, whatever
    it was made of before. It follows the store from then on. Raises KitRefused, LedgerConflict.
    """
    fresh = Listing.objects.select_related("variant").get(pk=listing.pk)
    if not fresh.is_bundle or fresh.gone_at is not None:
        raise KitRefused(f"{fresh} is no bundle of its store.")
    parts = _resolved(fresh, _variants_of_parts([fresh]))
    kits.set_parts(_linked(fresh), parts, actor=actor, request_id=request_id, told_by=fresh)
    fresh.refresh_from_db(fields=["kit_problem"])
    return fresh


def told_by(variant: Variant) -> Listing | None:
    """The bundle that the parts of a kit are of, None where a person chose them."""
    if variant.kit_listing_id is None:
        return None
    rows = Listing.objects.filter(pk=variant.kit_listing_id, variant=variant)
    return rows.select_related("store").first()


def _waiting_for(store: StoreLike, linked: Collection[UUID]) -> set[UUID]:
    found = list(waiting().filter(store=store.pk).values_list("pk", "bundle_parts"))
    if not found:
        return set()
    named = Listing.objects.filter(pk__in=linked).values_list("pk", "external_variant_id")
    keys = dict(named)
    come = set(keys.values())
    return {pk for pk, parts in found if pk in keys or come & _named(parts)}


def _named(parts: Iterable[Mapping[str, Any]]) -> set[str]:
    return {part["external_variant_id"] for part in parts}


def _follow(rows: Any) -> None:
    is_mine = Q(variant__kit_listing=F("pk"))
    chosen = rows.filter(Q(is_bundle=True) | is_mine | ~Q(kit_problem=""))
    found = list(chosen.select_related("store", "variant").order_by("pk"))
    if not found:
        return
    items = _variants_of_parts(found)
    made_of = _parts_of({x.variant_id for x in found})
    news = [(x, _problem_of(x, items, made_of)[:_LONGEST]) for x in found]
    bulk.update(
        Listing,
        [{"id": x.pk, "kit_problem": words} for x, words in news if x.kit_problem != words],
    )


def _problem_of(
    listing: Listing,
    items: Mapping[tuple[UUID, str], UUID],
    made_of: dict[UUID, dict[UUID, int]],
) -> str:
    """Why the variant is no kit of the store's parts; '' where it is one now, or need not be.
    ``made_of`` is what kits are made of, and is kept so.
    """
    try:
        if not listing.is_bundle:
            is_kit = listing.variant is not None and listing.variant.kit_listing_id == listing.pk
            return _NO_BUNDLE_ANY_MORE if is_kit else ""
        if listing.gone_at is not None:
            return ""
        kit, parts = _linked(listing), _resolved(listing, items)
        if made_of.get(kit.pk) == parts:
            return ""
        # Looked at again when nobody can choose its parts by hand meanwhile.
        kits.one_at_a_time(kit.merchant_id)
        made_of |= _parts_of({kit.pk})
        before = made_of.get(kit.pk, {})
        if before != parts:
            kit = Variant.objects.select_related("kit_listing__store").get(pk=kit.pk)
            _may_change(listing, kit, before)
            kits.set_parts(kit, parts, actor=f"platform:{listing.store}", told_by=listing)
            made_of[kit.pk] = parts
    except KitCounted as err:
        return f"{err} {_ONCE_COUNTED}"
    except KitRefused as err:
        return str(err)
    return ""


def _parts_of(kit_ids: Collection[UUID | None]) -> dict[UUID, dict[UUID, int]]:
    found: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    rows = KitPart.objects.filter(kit__in=kit_ids)
    for kit, part, units in rows.values_list("kit", "part", "units"):
        found[kit][part] = units
    return dict(found)


def _linked(listing: Listing) -> Variant:
    if listing.variant is None:
        raise KitRefused(_NO_PRODUCT)
    return listing.variant


def _may_change(listing: Listing, kit: Variant, before: Units) -> None:
    """Raises KitRefused where a person, or another bundle, has the say over the kit's parts."""
    if not before and kit.kit_by_hand:
        raise KitRefused(_TAKEN_OFF)
    if not before:
        return
    holder = kit.kit_listing
    if kit.kit_by_hand or holder is None:
        raise KitRefused(f"Its parts were chosen by hand and differ: {_words(before)}.")
    holds = holder.is_bundle and holder.gone_at is None and holder.variant_id == kit.pk
    if holder.pk != listing.pk and holds:
        raise KitRefused(f"{holder.store} tells other parts, and came first: {_words(before)}.")


def _words(parts: Units) -> str:
    names = Variant.objects.in_bulk(parts)
    told = sorted(f"{units} × {names[pk]}" for pk, units in parts.items())
    more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    return ", ".join(told[:_MOST_NAMED]) + more


def _variants_of_parts(bundles: Iterable[Listing]) -> dict[tuple[UUID, str], UUID]:
    """By store and the store's id of a variant: the variant it is linked to."""
    named: dict[UUID, set[str]] = defaultdict(set)
    for bundle in bundles:
        named[bundle.store_id] |= _named(bundle.bundle_parts)
    found: dict[tuple[UUID, str], UUID] = {}
    for store_id, keys in named.items():
        rows = Listing.objects.filter(
            store=store_id, external_variant_id__in=keys, gone_at=None, variant__isnull=False
        )
        for key, variant_id in rows.values_list("external_variant_id", "variant"):
            found[store_id, key] = variant_id
    return found


def _resolved(listing: Listing, items: Mapping[tuple[UUID, str], UUID]) -> dict[UUID, int]:
    """Units by variant. Raises KitRefused naming the parts that are linked to nothing."""
    if not listing.bundle_parts:
        raise KitRefused(_NOT_TOLD)
    units: dict[UUID, int] = defaultdict(int)
    missing = []
    for part in listing.bundle_parts:
        key = part["external_variant_id"]
        if item := items.get((listing.store_id, key)):
            units[item] += part["quantity"]
        else:
            missing.append(part["sku"] or f"the store's variant {key}")
    if missing:
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        named = ", ".join(missing[:_MOST_NAMED]) + more
        raise KitRefused(f"Not linked to a product yet: {named}. Link them at their listings.")
    return dict(units)

"""What a listing nobody could link might be: products that share its SKU, its barcode or its title,
each with the reason; and all links that leave no doubt, made at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from inventory import links
from inventory.errors import LinkRefused
from inventory.linking import barcode_key, sku_key, spellings
from inventory.models import LinkProblem, Listing, Variant

# Linked by one call of ``link_all``; the rest follows at the next.
MOST_AT_ONCE = 500
_MOST = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """``is_sure``: nothing else has this SKU or barcode, so it can be linked unseen."""

    variant: Variant
    reason: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class LinkedAll:
    """``left`` are the listings that a person has to look at, with why."""

    linked: int
    left: tuple[tuple[UUID, str], ...]


def candidates(listing: Listing) -> list[Candidate]:
    """The likeliest first. Two statements."""
    key, code = sku_key(listing.sku), barcode_key(listing.barcode)
    alike = Q()
    if key:
        alike |= Q(sku_key=key)
    if code:
        alike |= Q(barcode__in=spellings(code))
    if listing.title:
        alike |= Q(product__title__iexact=listing.title) | Q(title__iexact=listing.title)
    if not alike:
        return []
    rows = Variant.objects.filter(
        alike, merchant=listing.merchant_id, archived_at=None, counts_for=None
    )
    found = [x for x in rows.select_related("product")[: _MOST * 2] if x.pk != listing.variant_id]
    sold = set(
        Listing.objects.filter(store=listing.store_id, variant__in=found, gone_at=None).values_list(
            "variant_id", flat=True
        )
    )
    coded = [x for x in found if code and barcode_key(x.barcode) == code]
    told = []
    for variant in found:
        if key and variant.sku_key == key:
            rank, reason, sure = 0, "It has the same SKU.", True
        elif variant in coded:
            rank, reason, sure = 1, "It has the same barcode.", len(coded) == 1
        else:
            rank, reason, sure = 2, "It has the same title.", False
        if variant.pk in sold:
            reason, sure = f"{reason} The store sells it under another listing.", False
        told.append((rank, Candidate(variant, reason, sure)))
    told.sort(key=lambda one: (one[0], not one[1].is_sure))
    return [one for _, one in told[:_MOST]]


def promising(store_id: UUID) -> QuerySet[Listing]:
    """Listings nobody could link when they came, of which some product has the SKU or the barcode
    by now. Not those that were unlinked by hand, or whose SKU the store uses twice.
    """
    mine = Variant.objects.filter(merchant=OuterRef("merchant"), archived_at=None)
    twins = Listing.objects.filter(
        store=OuterRef("store"), sku_key=OuterRef("sku_key"), gone_at=None
    ).exclude(pk=OuterRef("pk"))
    rows = Listing.objects.filter(store=store_id, variant=None, gone_at=None)
    return (
        rows.exclude(link_problem=LinkProblem.UNLINKED)
        .filter(Q(sku_key="") | ~Exists(twins))
        .filter(
            ~Q(sku_key="") & Exists(mine.filter(sku_key=OuterRef("sku_key")))
            | ~Q(barcode="") & Exists(mine.filter(barcode=OuterRef("barcode")))
        )
        .order_by("pk")
    )


def link_all(store_id: UUID, *, actor: str, request_id: str = "") -> LinkedAll:
    """Link the store's listings that leave no doubt, up to ``MOST_AT_ONCE``; each link can be taken
    off again. Raises LedgerConflict.
    """
    linked, left = 0, []
    for listing in promising(store_id)[:MOST_AT_ONCE]:
        sure = [one for one in candidates(listing) if one.is_sure]
        reason = "" if len(sure) == 1 else _doubt(sure)
        if not reason:
            try:
                links.link(listing, sure[0].variant, actor=actor, request_id=request_id)
            except LinkRefused as err:
                reason = str(err)
        if reason:
            left.append((listing.pk, reason))
        else:
            linked += 1
    return LinkedAll(linked, tuple(left))


def _doubt(sure: Sequence[Candidate]) -> str:
    if sure:
        return "Several products could be meant: its SKU is of one, its barcode of another."
    return "The product that has its SKU or barcode is not the only one. Link it by hand."

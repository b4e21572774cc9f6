"""A listing linked to what is counted, or taken off it, because a person says so. Each change
leaves its row in the audit log: that is the history of a link.

Links that follow from SKUs are made by ``linking`` while the catalogue is imported; one taken off
by hand is not made again there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from inventory import bundles, signals
from inventory.errors import LedgerConflict, LinkRefused
from inventory.models import LinkProblem, Listing, Variant
from logix.accounts import audit

# What the audit log calls a change of one listing's link.
ACTIONS = (
    "listing.linked",
    "listing.unlinked",
    "listing.link_undone",
    "listing.product_made",
    "listing.kept_alone",
)
# Linked, to a product of their own: it is not sure that they are nothing else.
COUNTED_ALONE = (LinkProblem.BLANK_SKU, LinkProblem.AMBIGUOUS)


class Former(NamedTuple):
    """A listing's link before it was changed."""

    variant_id: UUID | None
    problem: str


def link(listing: Listing, variant: Variant, *, actor: str, request_id: str = "") -> Listing:
    """Count ``listing`` as ``variant`` from now on. Order lines that waited for it are matched and
    the store is told the variant's figure; lines matched before keep their product.

    Raises LinkRefused; LedgerConflict when somebody was faster: run it again.
    """
    link_from(listing, variant, actor=actor, request_id=request_id)
    return fresh_of(listing)


@transaction.atomic
def link_from(listing: Listing, variant: Variant, *, actor: str, request_id: str = "") -> Former:
    """Likewise; returns what the link was before."""
    if listing.merchant_id != variant.merchant_id:
        raise LinkRefused("The listing and the product belong to different merchants.")
    fresh = fresh_of(listing)
    former = Former(fresh.variant_id, fresh.link_problem)
    if fresh.gone_at is not None:
        raise LinkRefused("The store no longer has this listing.")
    if fresh.variant_id == variant.pk:
        raise LinkRefused(f"The listing is linked to {variant} already.")
    if variant.archived_at is not None:
        raise LinkRefused(f"{variant} is archived. Link the listing to a product that is sold.")
    if variant.counts_for.exists():
        raise LinkRefused(
            "This is the shared count of several variants. Link the listing to one of those."
        )
    write(fresh, variant, LinkProblem.NONE, "listing.linked", actor, request_id)
    tell_linked(fresh)
    return former


@transaction.atomic
def unlink(listing: Listing, *, actor: str, request_id: str = "") -> Listing:
    """Count ``listing`` as nothing. Its figure in the store is left as it is, and orders that name
    it wait until it is linked again; lines matched before keep their product.

    Raises LinkRefused; LedgerConflict when somebody was faster: run it again.
    """
    fresh = fresh_of(listing)
    if fresh.variant_id is None:
        raise LinkRefused("The listing is not linked to a product.")
    write(fresh, None, LinkProblem.UNLINKED, "listing.unlinked", actor, request_id)
    signals.listings_unlinked.send(sender=Listing, listing_ids=frozenset({fresh.pk}))
    bundles.follow(fresh.store, {fresh.pk})
    return fresh


def fresh_of(listing: Listing) -> Listing:
    return _rows().get(pk=listing.pk)


def fresh_ones(ids: Sequence[UUID]) -> dict[UUID, Listing]:
    return _rows().in_bulk(ids)


def _rows() -> QuerySet[Listing]:
    return Listing.objects.select_related("variant", "merchant", "store")


def tell_linked(listing: Listing) -> None:
    signals.listings_linked.send(
        sender=Listing, store_id=listing.store_id, listing_ids=frozenset({listing.pk})
    )
    bundles.follow(listing.store, {listing.pk}, linked={listing.pk})


def write(
    listing: Listing,
    variant: Variant | None,
    problem: str,
    action: str,
    actor: str,
    request_id: str,
) -> None:
    """To a listing that was read afresh. The condition settles the race of two people, and of a
    person and an import.
    """
    before = listing.variant
    changed = Listing.objects.filter(pk=listing.pk, variant=before).update(
        variant=variant, link_problem=problem
    )
    if not changed:
        raise LedgerConflict("Another process linked the same listing first.")
    listing.variant, listing.link_problem = variant, problem
    audit.record(
        action,
        actor=actor,
        merchant=listing.merchant,
        obj=listing,
        details={"from": _named(before), "to": _named(variant)},
        request_id=request_id,
    )


def _named(variant: Variant | None) -> dict[str, Any] | None:
    return {"variant": str(variant.pk), "sku": variant.sku} if variant else None

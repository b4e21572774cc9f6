"""A listing linked to what is counted, or taken off it, because a person says so. Each change
leaves its row in the audit log: that is the history of a link.

Links that follow from SKUs are made by ``linking`` while the catalogue is imported; one taken off
by hand is not made again there.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from inventory import bundles, signals
from inventory.errors import LedgerConflict, LinkRefused
from inventory.models import LinkProblem, Listing, Variant
from logix.accounts import audit


@transaction.atomic
def link(listing: Listing, variant: Variant, *, actor: str, request_id: str = "") -> Listing:
    """Count ``listing`` as ``variant`` from now on. Order lines that waited for it are matched and
    the store is told the variant's figure; lines matched before keep their product.

    Raises LinkRefused; LedgerConflict when somebody was faster: run it again.
    """
    if listing.merchant_id != variant.merchant_id:
        raise LinkRefused("The listing and the product belong to different merchants.")
    fresh = _fresh(listing)
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
    _write(fresh, variant, LinkProblem.NONE, "listing.linked", actor, request_id)
    signals.listings_linked.send(
        sender=Listing, store_id=fresh.store_id, listing_ids=frozenset({fresh.pk})
    )
    bundles.follow(fresh.store, {fresh.pk}, linked={fresh.pk})
    return fresh


@transaction.atomic
def unlink(listing: Listing, *, actor: str, request_id: str = "") -> Listing:
    """Count ``listing`` as nothing. Its figure in the store is left as it is, and orders that name
    it wait until it is linked again; lines matched before keep their product.

    Raises LinkRefused; LedgerConflict when somebody was faster: run it again.
    """
    fresh = _fresh(listing)
    if fresh.variant_id is None:
        raise LinkRefused("The listing is not linked to a product.")
    _write(fresh, None, LinkProblem.UNLINKED, "listing.unlinked", actor, request_id)
    signals.listings_unlinked.send(sender=Listing, listing_ids=frozenset({fresh.pk}))
    bundles.follow(fresh.store, {fresh.pk})
    return fresh


def _fresh(listing: Listing) -> Listing:
    return Listing.objects.select_related("variant", "merchant", "store").get(pk=listing.pk)


def _write(
    listing: Listing,
    variant: Variant | None,
    problem: LinkProblem,
    action: str,
    actor: str,
    request_id: str,
) -> None:
    """The condition settles the race of two people, and of a person and an import."""
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

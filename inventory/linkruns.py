"""Links that were made in one go, kept as one row of the audit log and undone as one act: back to
what was before, where nobody touched the link since. Nothing counts as unlinked by hand then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from inventory import bundles, links, signals
from inventory.errors import LinkRefused
from inventory.links import Former
from inventory.models import Listing, Variant
from logix.accounts import audit
from logix.accounts.models import AuditEvent

_LINKED, _UNDONE = "listings.linked_all", "listings.link_all_undone"
_LATEST = 50


@dataclass(frozen=True, slots=True)
class Made:
    listing_id: UUID
    variant_id: UUID
    former: Former


@dataclass(frozen=True, slots=True)
class Undone:
    """``kept``: links of the run that were changed since, and stay."""

    put_back: int
    kept: int


def record(made: Sequence[Made], *, actor: str, request_id: str = "") -> AuditEvent:
    """The run's row. Last in the transaction that linked them."""
    rows = Listing.objects.select_related("store", "merchant")
    one = rows.get(pk=made[0].listing_id)
    return audit.record(
        _LINKED,
        actor=actor,
        merchant=one.merchant,
        obj=one.store,
        details={
            "linked": len(made),
            "links": [
                [x.listing_id, x.variant_id, x.former.variant_id or "", x.former.problem]
                for x in made
            ],
        },
        request_id=request_id,
    )


def latest(store_id: Any) -> AuditEvent | None:
    """The store's latest run that was not undone."""
    rows = AuditEvent.objects.filter(object_type="integrations.store", object_id=str(store_id))
    undone = set()
    for event in rows.filter(action__in=[_LINKED, _UNDONE]).order_by("-sequence")[:_LATEST]:
        if event.action == _UNDONE:
            undone.add(event.details["run"])
        elif event.pk not in undone:
            return event
    return None


def of_store(store_id: Any, run_id: int) -> AuditEvent | None:
    rows = AuditEvent.objects.filter(object_type="integrations.store", object_id=str(store_id))
    return rows.filter(pk=run_id, action=_LINKED).first()


@transaction.atomic
def undo(run: AuditEvent, *, actor: str, request_id: str = "") -> Undone:
    """Put back what this run linked, as far as it is still as the run left it. Raises LinkRefused
    when nothing is; LedgerConflict when somebody was faster: run it again.
    """
    made = [_read(entry) for entry in run.details["links"]]
    fresh = links.fresh_ones([x.listing_id for x in made])
    touched = _touched_since(run)
    former = Variant.objects.in_bulk([x.former.variant_id for x in made if x.former.variant_id])
    back: list[Listing] = []
    for one in made:
        listing = fresh.get(one.listing_id)
        variant = former.get(one.former.variant_id) if one.former.variant_id else None
        is_lost = one.former.variant_id is not None and variant is None
        if listing is None or listing.variant_id != one.variant_id or listing.pk in touched:
            continue
        if listing.gone_at is not None or is_lost:
            continue
        links.write(listing, variant, one.former.problem, "listing.link_undone", actor, request_id)
        back.append(listing)
    if not back:
        raise LinkRefused("Every link of this run was changed since, so there is nothing to undo.")
    store = back[0].store
    linked = frozenset(x.pk for x in back if x.variant_id)
    unlinked = frozenset(x.pk for x in back if not x.variant_id)
    if linked:
        signals.listings_linked.send(sender=Listing, store_id=store.pk, listing_ids=linked)
    if unlinked:
        signals.listings_unlinked.send(sender=Listing, listing_ids=unlinked)
    bundles.follow(store, linked | unlinked, linked=linked)
    done = Undone(len(back), len(made) - len(back))
    audit.record(
        _UNDONE,
        actor=actor,
        merchant=run.merchant,
        obj=store,
        details={"run": run.pk, "put_back": done.put_back, "kept": done.kept},
        request_id=request_id,
    )
    return done


def _read(entry: Sequence[str]) -> Made:
    listing, variant, before, problem = entry
    former = Former(UUID(before) if before else None, problem)
    return Made(UUID(listing), UUID(variant), former)


def _touched_since(run: AuditEvent) -> set[UUID]:
    ids = [listing for listing, *_ in run.details["links"]]
    later = AuditEvent.objects.filter(
        object_type="inventory.listing",
        object_id__in=ids,
        action__in=links.ACTIONS,
        merchant=run.merchant,
        sequence__gt=run.sequence,
    )
    return {UUID(pk) for pk in later.values_list("object_id", flat=True)}

"""What stores were told of an item, and by which rule: how it came to be oversold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import Q

from integrations.outbox.compensating import targets
from inventory.models import Listing


def told_of(variant_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """By stock item, under ``channels``: each listing that sells it, with the figure its store was
    told last and when, the figure it should show now and the rule that makes it; both also by the
    store's own id of each location, where it keeps several figures. Six statements.
    """
    sold = Q(variant_id__in=variant_ids) | Q(variant__counted_as_id__in=variant_ids)
    rows = Listing.objects.filter(sold, gone_at=None).select_related("store", "variant", "push")
    listings = list(rows.order_by("store__name", "pk"))
    wanted = targets(listings)
    told: dict[UUID, dict[str, Any]] = defaultdict(lambda: {"channels": []})
    for listing in listings:
        push, target = getattr(listing, "push", None), wanted[listing.pk]
        pushed_at = push.pushed_at if push else None
        item: UUID = listing.variant.stock_item_id  # type: ignore[union-attr]  # filtered by it
        told[item]["channels"].append(
            {
                "store": listing.store.name,
                "listing": str(listing.pk),
                "told": push.pushed_value if push else None,
                "told_by_location": push.pushed_at_places if push else {},
                "told_at": pushed_at.isoformat() if pushed_at else None,
                "should_show": sum(target.told.values()) if target.added else target.value,
                "should_show_by_location": {at: units for at, units in target.told.items() if at},
                "rule": target.rule or target.reason,
                "terms": target.terms,
            }
        )
    return dict(told)

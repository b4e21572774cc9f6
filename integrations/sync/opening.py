"""The day stock begins: after a store's orders were read, its figures become the first count of
what nobody counted.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from integrations.models import Store
from integrations.sync import applying
from inventory.ledger import OpeningCount, open_counts
from inventory.models import Listing
from logix.common.transactions import again_on

_BATCH = 500


def open_stock(store: Store) -> int:
    """Adopt the store's figures; return how many items were opened. Once per store; later items
    follow by import.
    """
    if store.stock_opened_at or not store.options.get("adopt_stock", True):
        return 0
    counts: dict[object, OpeningCount] = {}
    rows = Listing.objects.filter(
        store=store, variant__isnull=False, seen_quantity__isnull=False, gone_at=None
    ).values_list("variant_id", "variant__counted_as_id", "seen_quantity", "seen_at")
    for variant_id, counted_as, quantity, seen_at in rows.iterator():
        item = counted_as or variant_id
        counts[item] = OpeningCount(variant_id=item, quantity=quantity, seen_at=seen_at)
    ordered = [counts[key] for key in sorted(counts, key=str)]
    opened = 0
    for start in range(0, len(ordered), _BATCH):
        part = ordered[start : start + _BATCH]
        opened += again_on(*applying.CLASHES)(
            lambda part=part: open_counts(  # type: ignore[misc]
                store.merchant_id, part, reason=f"First count from {store.name}"
            )
        )
    with transaction.atomic():
        now = timezone.now()
        Store.objects.filter(pk=store.pk, stock_opened_at=None).update(stock_opened_at=now)
        store.stock_opened_at = now
    return opened

"""The day stock begins: after a store's orders were read, its figures become the first count of
what nobody counted.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from integrations.models import RunKind, Store, StreamName, SyncRun
from integrations.sync import applying, told
from inventory.ledger import open_counts
from inventory.models import Listing
from inventory.opening import Seen, first_counts
from inventory.shelves import of_stores
from logix.common.transactions import again_on

_BATCH = 500


def open_stock(store: Store, *, before_batch: Callable[[], None]) -> int:
    """Adopt the store's figures; return how many items were opened. Once per store; later items
    follow by import. Called twice, nothing is counted twice. ``before_batch`` renews the caller's
    lease.
    """
    rows = Store.objects.filter(pk=store.pk)
    store.stock_opened_at = rows.values_list("stock_opened_at", flat=True).get()
    if store.stock_opened_at or not store.options.get("adopt_stock", True):
        return 0
    opened = _adopt(store, before_batch)
    now = timezone.now()
    rows.filter(stock_opened_at=None).update(stock_opened_at=now)
    store.stock_opened_at = now
    # Items that a page brought meanwhile, which did not know yet that stock is open.
    opened += _adopt(store, before_batch)
    if store.is_stock_master:
        # Those that were counted before are counted by the store now as well.
        again_on(*applying.CLASHES)(lambda: told.take_all(store, origin="stock was opened"))
    return opened


def is_closed(store: Store) -> bool:
    """Whether the store's figures are still to become the first count."""
    opened_at = Store.objects.values_list("stock_opened_at", flat=True).get(pk=store.pk)
    return opened_at is None and bool(store.options.get("adopt_stock", True))


def left_closed(run: SyncRun) -> str:
    """What is left undone when this run is cancelled, in words; '' when nothing is."""
    opens = run.kind == RunKind.BACKFILL and run.stream.name == StreamName.ORDERS
    if not opens or run.dry_run or not is_closed(run.store):
        return ""
    return (
        f"Cancelled before all orders were read, so the stock of {run.store.name} stays closed: "
        "its figures are not counted here and nothing is told to it. Read all orders to the end, "
        "or open stock as it is, at the store."
    )


def _adopt(store: Store, before_batch: Callable[[], None]) -> int:
    """Items that were counted before keep their count (``open_counts``)."""
    rows = Listing.objects.filter(
        store=store, variant__isnull=False, seen_quantity__isnull=False, gone_at=None
    ).values_list(
        "variant_id", "variant__counted_as_id", "seen_quantity", "seen_at_places", "seen_at"
    )
    seen = (
        Seen(counted_as or variant_id, quantity, at_places, seen_at)
        for variant_id, counted_as, quantity, at_places, seen_at in rows.iterator()
        if quantity is not None and seen_at is not None
    )
    shelves = of_stores([store.pk])[store.pk]
    counts = first_counts(seen, shelves, holds_open=applying.figures_hold_open(store))
    ordered = sorted(counts, key=lambda count: str(count.variant_id))
    opened = 0
    for start in range(0, len(ordered), _BATCH):
        before_batch()
        part = ordered[start : start + _BATCH]
        opened += again_on(*applying.CLASHES)(
            lambda part=part: open_counts(  # type: ignore[misc]
                store.merchant_id, part, reason=f"First count from {store.name}"
            )
        )
    return opened

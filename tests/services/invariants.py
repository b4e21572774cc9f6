"""What must hold between a store and the hub once nothing moves any more."""

from __future__ import annotations

from django.db.models import Count, Sum

from integrations.models import Command, ParkedRecord, Push, Store, SyncGap
from integrations.sandbox.woocommerce.shop import Shop
from inventory import availability
from inventory.models import Listing, StockLevel, StockMovement
from orders.models import Order
from webhooks.models import Delivery


def store_orders(shop: Shop) -> dict[str, tuple[str, int]]:
    """Status and moment of change by id."""
    with shop.store.working():
        orders = shop.store.orders
        return {
            str(key): (order.status, order.modified)
            for key in orders.ids()
            if (order := orders.get(key)) is not None
        }


def hub_orders(store: Store) -> dict[str, tuple[str, int]]:
    rows = Order.objects.filter(store=store).values_list("external_id", "raw_status", "changed_at")
    return {key: (word, int(changed.timestamp())) for key, word, changed in rows}


def differing(shop: Shop, store: Store) -> set[str]:
    """Orders that are not the same here as there; parked ones are told, so they are not lost."""
    there, here = store_orders(shop), hub_orders(store)
    aside = set(
        ParkedRecord.objects.filter(store=store, state="parked").values_list(
            "external_id", flat=True
        )
    )
    return {key for key in there.keys() | here.keys() if there.get(key) != here.get(key)} - aside


def no_order_twice(store: Store) -> bool:
    doubled = (
        Order.objects.filter(store=store)
        .values("external_id")
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
    )
    return not doubled.exists()


def inbox_is_empty() -> bool:
    return not Delivery.objects.filter(state__in=["new", "busy"]).exists()


def gaps_open() -> int:
    return SyncGap.objects.filter(closed_at=None).count()


def stock_out_of_step(shop: Shop, store: Store) -> dict[str, tuple[object, object]]:
    """Listings whose figure in the store is not what the hub wants there: (store's, wanted). Those
    the store does not count are named as such on their push.
    """
    linked = Listing.objects.filter(store=store, gone_at=None, variant__isnull=False)
    listings = list(linked.exclude(push__problem_code="stock_not_managed"))
    wanted = availability.targets(listings)
    found: dict[str, tuple[object, object]] = {}
    with shop.store.working():
        for listing in listings:
            target = wanted[listing.pk].value
            kind, _, ids = listing.stock_ref.partition(":")
            key = int(ids.rpartition(":")[2]) if ids else 0
            product = shop.store.products.get(key)
            if target is not None and product is not None and product.stock != target:
                found[f"{listing.sku} {kind}:{ids}"] = (product.stock, target)
    return found


def ledger_adds_up() -> bool:
    """Every level is the sum of its movements."""
    sums = {
        (row["variant_id"], row["location_id"], row["bucket"]): row["total"]
        for row in StockMovement.objects.values("variant_id", "location_id", "bucket").annotate(
            total=Sum("delta")
        )
    }
    for level in StockLevel.objects.all():
        for bucket in ("on_hand", "reserved"):
            told = sums.get((level.variant_id, level.location_id, bucket), 0)
            if told != getattr(level, bucket):
                return False
    return True


def nothing_waits(store: Store) -> bool:
    pushes = Push.objects.filter(store=store, state__in=["ready", "busy"])
    commands = Command.objects.filter(store=store, state__in=["new", "busy", "unknown"])
    return not pushes.exists() and not commands.exists()

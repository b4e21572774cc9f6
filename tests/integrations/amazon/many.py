"""An account of many SKUs, connected to the hub with all of them linked and counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from integrations import connect
from integrations.amazon.platform import CARD
from integrations.models import Store
from integrations.platform import PlatformCard, RateLimit
from inventory import locations
from inventory.models import Listing, Product, StockLevel, Variant
from logix.accounts.models import Merchant
from tests.factories import NOW
from tests.integrations.amazon.world import AmazonWorld


def unhurried(**changes: Any) -> PlatformCard:
    """Amazon's card, whose limits nobody has to wait for."""
    fast = tuple(RateLimit(bucket=x.bucket, rate=10_000, burst=10_000) for x in CARD.limits)
    return replace(CARD, limits=fast, **changes)


def later(world: AmazonWorld, seconds: float = 120) -> None:
    with world.shop.store.working():
        world.shop.store.clock.ahead_s += seconds


def calls(world: AmazonWorld) -> dict[str, int]:
    with world.shop.store.working():
        return {name: row.calls for name, row in world.shop.store.quotas.counts.items()}


def connected(world: AmazonWorld, merchant: Merchant, **options: Any) -> Store:
    """As it is found, without reading anything of it."""
    return connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials=world.credentials,
        options=options,
        auto_sync=False,
        writes_enabled=True,
        actor="user:anna",
    )


def listed(store: Store, skus: list[str], *, units: int) -> list[Listing]:
    """One item each, counted as so many; what the store shows of them is not known."""
    product = Product.objects.create(merchant=store.merchant, title="Many", kind="simple")
    place = locations.default(store.merchant_id)
    same: dict[str, Any] = {"merchant": store.merchant}
    variants = Variant.objects.bulk_create(
        (Variant(**same, product=product, sku=sku, sku_key=sku.casefold()) for sku in skus), 1_000
    )
    StockLevel.objects.bulk_create(
        (
            StockLevel(**same, variant=x, location=place, on_hand=units, counted_at=NOW)
            for x in variants
        ),
        1_000,
    )
    return Listing.objects.bulk_create(
        (
            Listing(
                **same,
                store=store,
                variant=x,
                external_product_id=x.sku,
                external_variant_id=x.sku,
                stock_ref=x.sku,
                sku=x.sku,
                sku_key=x.sku_key,
                changed_at=NOW,
                digest="d",
            )
            for x in variants
        ),
        1_000,
    )

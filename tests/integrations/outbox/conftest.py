"""One store of the toy shop with listings that have stock, and ways to let time pass.

The outbox tells time by the database's clock, so time passes here by setting rows back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, registry
from integrations.models import Command, Push, Store, Stream
from inventory import ledger, locations
from inventory.models import Listing, Product, StockLevel, Variant
from logix.common import bell
from tests.factories import NOW, make_store
from tests.integrations.outbox import toy

Rung = list[tuple[str, tuple[Any, ...], float]]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> Rung:
    """What was rung for: task, arguments, delay in seconds. No broker is spoken to."""
    heard: Rung = []

    def publish(task_name: str, args: Any, *, queue: str, delay_s: float = 0.0) -> bool:
        heard.append((task_name.rpartition(".")[2], args, delay_s))
        return True

    monkeypatch.setattr(bell, "publish", publish)
    return heard


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> toy.ToyShop:
    shop = toy.ToyShop()
    monkeypatch.setattr(registry, "card", lambda slug: toy.CARD)
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    return shop


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors the authentication manager was told about."""
    errors: list[Exception] = []
    monkeypatch.setattr(authentication, "note_failure", lambda store, error: errors.append(error))
    return errors


@pytest.fixture
def store(db: None, shop: toy.ToyShop, noted: list[Exception]) -> Store:
    """Active, writable, its orders read a moment ago."""
    return make_toy_store()


def make_toy_store(**changes: Any) -> Store:
    store = make_store(**{"platform": "toyshop", "writes_enabled": True, **changes})
    orders_read(store)
    return store


def orders_read(store: Store, ago_s: float = 0) -> None:
    Stream.objects.filter(store=store).update(
        read_through=timezone.now() - timedelta(seconds=ago_s),
        next_at=timezone.now() + timedelta(seconds=300),
    )


def make_listings(store: Store, count: int, *, stock: int = 10, first: int = 0) -> list[Listing]:
    """``count`` listings, each of its own variant with ``stock`` counted here. The store's figures
    are not known.
    """
    product = Product.objects.create(merchant=store.merchant, title="Mugs", kind="simple")
    place = locations.default(store.merchant_id)
    variants = Variant.objects.bulk_create(
        Variant(merchant=store.merchant, product=product, sku=f"S{i}", sku_key=f"s{i}")
        for i in range(first, first + count)
    )
    StockLevel.objects.bulk_create(
        StockLevel(
            merchant=store.merchant, variant=v, location=place, on_hand=stock, counted_at=NOW
        )
        for v in variants
    )
    return [make_listing(store, v) for v in variants]


def make_listing(store: Store, variant: Variant, **changes: Any) -> Listing:
    fields: dict[str, Any] = {
        "external_product_id": f"p-{variant.sku}",
        "external_variant_id": f"p-{variant.sku}",
        "sku": variant.sku,
        "sku_key": variant.sku_key or "",
        "stock_ref": f"r-{variant.sku}",
        "changed_at": NOW,
        "digest": "d",
        **changes,
    }
    return Listing.objects.create(merchant=store.merchant, store=store, variant=variant, **fields)


def set_stock(listing: Listing, quantity: int) -> None:
    """Count the item by hand, as a person would: ledger, signal, receiver."""
    ledger.adjust(
        variant=listing.variant,
        location=locations.default(listing.merchant_id),
        set_to=quantity,
        reason="counted",
        actor="user:anna",
    )


def push_of(listing: Listing) -> Push:
    return Push.objects.get(listing=listing)


@pytest.fixture
def pass_time() -> Callable[[float], None]:
    """Let ``seconds`` pass for everything the outbox keeps."""

    def shift(seconds: float) -> None:
        by = timedelta(seconds=seconds)
        for model, columns in (
            (Push, ("next_at", "dirty_since", "pushed_at", "lease_until")),
            (Command, ("next_at", "lease_until")),
            (Listing, ("seen_at",)),
        ):
            model.objects.update(**{column: F(column) - by for column in columns})

    return shift


@pytest.fixture
def now(db: None) -> Any:
    """The database's clock."""
    return lambda: Store.objects.values_list(Now()).first()[0]  # type: ignore[index]

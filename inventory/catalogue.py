"""The only writer of products, variants and listings: a page of a store's products in a bounded
number of statements.

A listing is linked to a variant by a unique, normalised SKU only. A blank SKU gets a variant of its
own, a SKU the store uses twice stays unlinked until a person decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol
from uuid import UUID

import msgspec
from django.db import transaction

from inventory import signals
from inventory.data import ProductData, VariantData
from inventory.ledger import OpeningCount, open_counts
from inventory.models import LinkProblem, Listing, Product, Variant
from logix.common import bulk
from logix.common.ids import uuid7

_encoder = msgspec.json.Encoder()


class StoreLike(Protocol):
    pk: Any
    merchant_id: Any
    name: str


@dataclass(slots=True)
class CatalogueImport:
    """Counts are listings. ``refigured`` are those whose figure in the store is not what we saw
    before.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    linked: set[UUID] = field(default_factory=set)
    refigured: set[UUID] = field(default_factory=set)


def sku_key(sku: str) -> str:
    """A SKU as it is compared: outer blanks off, inner ones folded, case ignored. '' stays ''."""
    return " ".join(sku.split()).casefold()


@transaction.atomic
def import_products(
    store: StoreLike,
    products: Sequence[ProductData],
    *,
    observed_at: datetime,
    now: datetime,
    adopt_stock: bool = False,
) -> CatalogueImport:
    """Bring the store's listings to what ``products`` say at ``observed_at``.

    ``adopt_stock``: items nobody has counted here yet take the store's figure as their first count.
    """
    done = CatalogueImport()
    newest = {p.external_id: p for p in sorted(products, key=lambda p: p.changed_at)}
    known: dict[tuple[str, str], Listing] = {
        (x.external_product_id, x.external_variant_id): x
        for x in Listing.objects.filter(
            store_id=store.pk, external_product_id__in=newest
        ).select_related("variant")
    }
    linker = _Linker(store, newest.values(), known)
    inserts: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    for product in newest.values():
        for variant in product.variants:
            key = (product.external_id, variant.external_id)
            before = known.pop(key, None)
            if before is None:
                row = linker.new_listing(product, variant, observed_at)
                inserts.append(row)
            else:
                row_or_none = _changed_row(before, product, variant, observed_at, done)
                if row_or_none is not None:
                    updates.append(row_or_none)
    _mark_gone(known, newest, updates, now, done)
    linker.write()
    created = bulk.insert(Listing, inserts, ignore_conflicts=True)
    bulk.update(Listing, updates)
    done.created = len(created)
    done.linked = {r["id"] for r in inserts if r["variant_id"] and r["id"] in created}
    if done.linked:
        signals.listings_linked.send(
            sender=Listing, store_id=store.pk, listing_ids=frozenset(done.linked)
        )
    if adopt_stock:
        _adopt(store, inserts, updates)
    if done.refigured:
        signals.store_figure_changed.send(sender=Listing, listing_ids=frozenset(done.refigured))
    return done


def _changed_row(
    before: Listing,
    product: ProductData,
    variant: VariantData,
    observed_at: datetime,
    done: CatalogueImport,
) -> dict[str, Any] | None:
    """The row to write, or None where nothing changed or we know something newer."""
    digest = _digest(product, variant)
    if before.digest == digest and before.gone_at is None and not product.gone:
        done.unchanged += 1
        return None
    if before.seen_at and before.seen_at > observed_at:
        done.unchanged += 1
        return None
    if before.seen_quantity != variant.stock:
        done.refigured.add(before.pk)
    done.changed += 1
    return {
        "id": before.pk,
        **_told(product, variant, observed_at),
        "variant_id": before.variant_id,
        "digest": digest,
        "gone_at": before.gone_at or observed_at if product.gone else None,
    }


def _told(product: ProductData, variant: VariantData, observed_at: datetime) -> dict[str, Any]:
    """What the store says about a listing, as columns."""
    title = " – ".join(filter(None, (product.title, variant.title)))
    return {
        "sku": variant.sku,
        "sku_key": sku_key(variant.sku),
        "title": title[:300],
        "price": variant.price,
        "raw_status": product.raw_status,
        "is_listed": product.is_listed,
        "stock_ref": variant.stock_ref,
        "seen_quantity": variant.stock,
        "seen_at": observed_at,
        "changed_at": product.changed_at,
        "custom": dict(product.custom),
    }


def _digest(product: ProductData, variant: VariantData) -> str:
    told = (
        product.title,
        product.kind,
        product.raw_status,
        product.is_listed,
        product.custom,
        variant,
    )
    return blake2b(_encoder.encode(told), digest_size=16).hexdigest()


def _mark_gone(
    left: dict[tuple[str, str], Listing],
    newest: dict[str, ProductData],
    updates: list[dict[str, Any]],
    now: datetime,
    done: CatalogueImport,
) -> None:
    """Listings the product no longer has: only where the answer said it held all variants."""
    gone = [
        x
        for (product_id, _), x in left.items()
        if x.gone_at is None and (newest[product_id].variants_complete or newest[product_id].gone)
    ]
    Listing.objects.filter(pk__in=[x.pk for x in gone]).update(gone_at=now, is_listed=False)
    done.gone = len(gone)


def _adopt(store: StoreLike, inserts: list[dict[str, Any]], updates: list[dict[str, Any]]) -> None:
    """First counts for items nobody has counted, one per shared figure."""
    told = [r for r in (*inserts, *updates) if r["variant_id"] and r["seen_quantity"] is not None]
    items = dict(
        Variant.objects.filter(pk__in={r["variant_id"] for r in told}).values_list(
            "pk", "counted_as_id"
        )
    )
    counts = {
        items.get(r["variant_id"]) or r["variant_id"]: OpeningCount(
            variant_id=items.get(r["variant_id"]) or r["variant_id"],
            quantity=r["seen_quantity"],
            seen_at=r["seen_at"],
        )
        for r in told
    }
    if counts:
        open_counts(
            store.merchant_id, list(counts.values()), reason=f"First count from {store.name}"
        )


class _Linker:
    """Finds or makes the variant of each new listing. Reads once, writes once."""

    def __init__(
        self,
        store: StoreLike,
        products: Any,
        known: dict[tuple[str, str], Listing],
    ) -> None:
        self.store = store
        pairs = [(p, v) for p in products for v in p.variants]
        self.used = Counter(sku_key(v.sku) for _, v in pairs if v.sku)
        keys = [k for k in self.used if k]
        self.by_key: dict[str, UUID] = dict(
            Variant.objects.filter(merchant_id=store.merchant_id, sku_key__in=keys).values_list(
                "sku_key", "pk"
            )
        )
        self.taken: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for key, product_id, variant_id in Listing.objects.filter(
            store_id=store.pk, sku_key__in=keys
        ).values_list("sku_key", "external_product_id", "external_variant_id"):
            self.taken[key].add((product_id, variant_id))
        self.products: dict[str, UUID] = {}
        self.pools: dict[tuple[str, str], UUID] = {}
        for (product_id, _), listing in known.items():
            if listing.variant_id:
                self.products.setdefault(product_id, listing.variant.product_id)  # type: ignore[union-attr]
                pool = listing.variant.counted_as_id  # type: ignore[union-attr]
                if pool and listing.stock_ref:
                    self.pools[product_id, listing.stock_ref] = pool
        self.shared = Counter((p.external_id, v.stock_ref) for p, v in pairs if v.stock_ref)
        self.new_products: list[dict[str, Any]] = []
        self.new_variants: list[dict[str, Any]] = []

    def new_listing(
        self, product: ProductData, variant: VariantData, observed_at: datetime
    ) -> dict[str, Any]:
        key = sku_key(variant.sku)
        own = (product.external_id, variant.external_id)
        twice = bool(key) and (self.used[key] > 1 or bool(self.taken[key] - {own}))
        return {
            "id": uuid7(),
            "merchant_id": self.store.merchant_id,
            "store_id": self.store.pk,
            "external_product_id": product.external_id,
            "external_variant_id": variant.external_id,
            "variant_id": None if twice else self._variant(product, variant, key),
            "link_problem": LinkProblem.DUPLICATE_SKU if twice else LinkProblem.NONE,
            **_told(product, variant, observed_at),
            "digest": _digest(product, variant),
            "mode": "normal",
            "gone_at": observed_at if product.gone else None,
        }

    def _variant(self, product: ProductData, variant: VariantData, key: str) -> UUID:
        if key in self.by_key:
            return self.by_key[key]
        variant_id = uuid7()
        if key:
            self.by_key[key] = variant_id
        self._add_variant(product, variant_id, variant, self._pool(product, variant))
        return variant_id

    def _pool(self, product: ProductData, variant: VariantData) -> UUID | None:
        """The hidden variant that holds one count for several, where a store keeps it so."""
        place = (product.external_id, variant.stock_ref)
        if self.shared[place] < 2:
            return None
        if place not in self.pools:
            self.pools[place] = uuid7()
            shared = VariantData(external_id="", title="shared stock")
            self._add_variant(product, self.pools[place], shared, None)
        return self.pools[place]

    def _add_variant(
        self,
        product: ProductData,
        variant_id: UUID,
        variant: VariantData,
        counted_as: UUID | None,
    ) -> None:
        self.new_variants.append(
            {
                "id": variant_id,
                "merchant_id": self.store.merchant_id,
                "product_id": self._product(product),
                "sku": variant.sku,
                "sku_key": sku_key(variant.sku) or None,
                "barcode": variant.barcode[:64],
                "title": variant.title[:300],
                "weight_g": variant.weight_g,
                "counted_as_id": counted_as,
            }
        )

    def _product(self, product: ProductData) -> UUID:
        if product.external_id not in self.products:
            self.products[product.external_id] = uuid7()
            self.new_products.append(
                {
                    "id": self.products[product.external_id],
                    "merchant_id": self.store.merchant_id,
                    "title": product.title[:300],
                    "kind": product.kind,
                }
            )
        return self.products[product.external_id]

    def write(self) -> None:
        """Pools come before the variants that point to them."""
        bulk.insert(Product, self.new_products)
        first = [v for v in self.new_variants if v["counted_as_id"] is None]
        bulk.insert(Variant, first)
        bulk.insert(Variant, [v for v in self.new_variants if v["counted_as_id"]])

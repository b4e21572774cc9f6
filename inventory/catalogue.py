"""The only writer of products, variants and listings: a page of a store's products in a bounded
number of statements. Which variant a listing is linked to, ``linking`` finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce

from inventory import bundles, channels, signals
from inventory.data import ProductData, VariantData
from inventory.errors import LedgerConflict
from inventory.ledger import open_counts
from inventory.linking import LinkedBy, Linker, StoreLike, sku_key
from inventory.models import Listing, ListingMode, StockLevel, StockRule, Variant
from inventory.opening import Seen, first_counts
from inventory.shelves import of_stores
from logix.common import bulk
from logix.common.ids import uuid7

__all__ = ["CatalogueImport", "import_products", "sku_key"]

_encoder = msgspec.json.Encoder()


@dataclass(slots=True)
class CatalogueImport:
    """Counts are listings. ``refigured`` are those whose figure in the store is not what we saw
    before, ``regrouped`` those that the store puts into other categories, ``rekept`` those of which
    it keeps other numbers back. ``bundles`` are those that are bundles of the store, or were.
    ``sku_keys`` are SKUs that other listings have than before. ``ways``: how those that are new, or
    linked anew, came by their variant.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    linked: set[UUID] = field(default_factory=set)
    refigured: set[UUID] = field(default_factory=set)
    regrouped: set[UUID] = field(default_factory=set)
    rekept: set[UUID] = field(default_factory=set)
    bundles: set[UUID] = field(default_factory=set)
    sku_keys: set[str] = field(default_factory=set)
    ways: dict[UUID, LinkedBy] = field(default_factory=dict)


@transaction.atomic
def import_products(
    store: StoreLike,
    products: Sequence[ProductData],
    *,
    observed_at: datetime,
    now: datetime,
    adopt_stock: bool = False,
    holds_open: bool = False,
) -> CatalogueImport:
    """Bring the store's listings to what ``products`` say at ``observed_at``.

    ``adopt_stock``: items nobody has counted here yet take the store's figure as their first count;
    ``holds_open``: units of its open orders are still in it.
    Raises LedgerConflict when another process made the same product or SKU first: run it again.
    """
    done = CatalogueImport()
    newest = {p.external_id: p for p in sorted(products, key=lambda p: p.changed_at)}
    known: dict[tuple[str, str], Listing] = {
        (x.external_product_id, x.external_variant_id): x
        for x in Listing.objects.filter(
            store_id=store.pk, external_product_id__in=newest
        ).select_related("variant")
    }
    ids = {key: listing.pk for key, listing in known.items()}
    linker = Linker(store, newest.values(), known)
    inserts: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    for product in newest.values():
        for variant in product.variants:
            key = (product.external_id, variant.external_id)
            before = known.pop(key, None)
            if before is None:
                row = _new_row(store, product, variant, observed_at, linker)
                inserts.append(row)
                ids[key] = row["id"]
                done.ways[row["id"]] = linker.ways[key]
            else:
                changed = _changed_row(before, product, variant, observed_at, linker, done)
                if changed is not None:
                    updates.append({**changed, **linker.relink(before, product, variant)})
                    if before.pk in linker.relinked:
                        done.ways[before.pk] = linker.ways[key]
    _mark_gone(known, newest, observed_at, now, done)
    linker.write()
    if len(bulk.insert(Listing, inserts, ignore_conflicts=True)) != len(inserts):
        raise LedgerConflict("Another process imported the same product first.")
    bulk.update(Listing, updates)
    channels.take(ids, newest.values(), observed_at=observed_at)
    done.created = len(inserts)
    done.linked = {r["id"] for r in inserts if r["variant_id"]} | linker.relinked
    done.bundles |= {r["id"] for r in inserts if r["is_bundle"]}
    if done.linked:
        signals.listings_linked.send(
            sender=Listing, store_id=store.pk, listing_ids=frozenset(done.linked)
        )
    if done.sku_keys:
        signals.skus_changed.send(
            sender=Listing, store_id=store.pk, sku_keys=frozenset(done.sku_keys)
        )
    if adopt_stock:
        _adopt(store, inserts, updates, holds_open)
    bundles.follow(store, done.bundles, linked=done.linked)
    if done.rekept:
        signals.ruled_anew.send(sender=Listing, listing_ids=frozenset(done.rekept))
    if done.refigured:
        signals.store_figure_changed.send(sender=Listing, listing_ids=frozenset(done.refigured))
    if done.regrouped and StockRule.objects.filter(store_id=store.pk).exclude(category="").exists():
        signals.ruled_anew.send(sender=Listing, listing_ids=frozenset(done.regrouped))
    return done


def _new_row(
    store: StoreLike,
    product: ProductData,
    variant: VariantData,
    observed_at: datetime,
    linker: Linker,
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "merchant_id": store.merchant_id,
        "store_id": store.pk,
        "external_product_id": product.external_id,
        "external_variant_id": variant.external_id,
        **linker.link(product, variant),
        **_told(product, variant, observed_at),
        "shares_figure": linker.shares(product, variant),
        "digest": _digest(product, variant),
        "mode": ListingMode.NORMAL,
        "gone_at": observed_at if product.gone else None,
    }


def _changed_row(
    before: Listing,
    product: ProductData,
    variant: VariantData,
    observed_at: datetime,
    linker: Linker,
    done: CatalogueImport,
) -> dict[str, Any] | None:
    """The row to write, or None where nothing changed or we know something newer."""
    digest = _digest(product, variant)
    if before.is_bundle != variant.is_bundle or before.kit_problem:
        done.bundles.add(before.pk)
    shares = linker.shares(product, variant)
    told_by_now = (digest, variant.backorders, shares)
    is_same = (before.digest, before.backorders, before.shares_figure) == told_by_now
    if is_same and before.gone_at is None and not product.gone:
        done.unchanged += 1
        return None
    if before.seen_at and before.seen_at > observed_at:
        done.unchanged += 1
        return None
    # One that comes back from the trash was not told what happened meanwhile.
    seen = (before.seen_quantity, before.seen_at_places)
    if (
        seen != (variant.stock, variant.stock_at)
        or before.gone_at is not None
        or before.is_bundle != variant.is_bundle
    ):
        done.refigured.add(before.pk)
    if variant.is_bundle:
        done.bundles.add(before.pk)
    told = _told(product, variant, observed_at)
    if before.categories != told["categories"]:
        done.regrouped.add(before.pk)
    if before.kept_back != told["kept_back"]:
        done.rekept.add(before.pk)
    is_back_or_gone = product.gone is (before.gone_at is None)
    if is_back_or_gone or before.sku_key != told["sku_key"]:
        done.sku_keys |= {before.sku_key, told["sku_key"]} - {""}
    done.changed += 1
    return {
        "id": before.pk,
        **told,
        "shares_figure": shares,
        "digest": digest,
        "gone_at": before.gone_at or observed_at if product.gone else None,
    }


def _told(product: ProductData, variant: VariantData, observed_at: datetime) -> dict[str, Any]:
    """What the store says about a listing, as columns."""
    title = " – ".join(filter(None, (product.title, variant.title)))
    return {
        "sku": variant.sku,
        "sku_key": sku_key(variant.sku),
        "barcode": variant.barcode[:64],
        "title": title[:300],
        "price": variant.price,
        "currency": product.currency,
        "raw_status": product.raw_status,
        "is_listed": product.is_listed,
        "stock_ref": variant.stock_ref,
        "kept_back": dict(variant.kept_back),
        "backorders": variant.backorders,
        "seen_quantity": variant.stock,
        "seen_at_places": dict(variant.stock_at),
        "seen_at": observed_at,
        "changed_at": product.changed_at,
        "categories": [name[:120] for name in product.categories],
        "is_bundle": variant.is_bundle,
        "bundle_parts": [asdict(part) for part in variant.parts],
        "custom": dict(product.custom),
    }


def _digest(product: ProductData, variant: VariantData) -> str:
    told = (
        product.title,
        product.kind,
        product.raw_status,
        product.is_listed,
        product.categories,
        product.custom,
        variant,
    )
    return blake2b(_encoder.encode(told), digest_size=16).hexdigest()


def _mark_gone(
    left: dict[tuple[str, str], Listing],
    newest: dict[str, ProductData],
    observed_at: datetime,
    now: datetime,
    done: CatalogueImport,
) -> None:
    """Listings the product no longer has: only where the answer said it held all variants, and is
    no older than what we know of them.
    """
    gone = [
        x
        for (product_id, _), x in left.items()
        if x.gone_at is None
        and (newest[product_id].variants_complete or newest[product_id].gone)
        and (x.seen_at is None or x.seen_at <= observed_at)
    ]
    ids = [x.pk for x in gone]
    Listing.objects.filter(pk__in=ids).update(gone_at=now, is_listed=False)
    channels.forget(ids)
    done.gone = len(gone)
    done.sku_keys |= {x.sku_key for x in gone} - {""}


def _adopt(
    store: StoreLike,
    inserts: list[dict[str, Any]],
    updates: list[dict[str, Any]],
    holds_open: bool,
) -> None:
    """First counts for items nobody has counted, one per shared figure."""
    told = [r for r in (*inserts, *updates) if r["variant_id"] and r["seen_quantity"] is not None]
    item = Coalesce("counted_as_id", "pk")
    counted = StockLevel.objects.filter(variant_id=OuterRef("item"), counted_at__isnull=False)
    rows = Variant.objects.filter(pk__in={r["variant_id"] for r in told}).annotate(item=item)
    items = {
        pk: (item_id, is_counted)
        for pk, item_id, is_counted in rows.values_list("pk", "item", Exists(counted))
    }
    seen = []
    for row in told:
        item_id, is_counted = items[row["variant_id"]]
        if row["seen_at_places"] or not is_counted:
            figures = (row["seen_quantity"], row["seen_at_places"], row["seen_at"])
            seen.append(Seen(item_id, *figures))
    shelves = of_stores([store.pk])[store.pk] if seen else ()
    counts = first_counts(seen, shelves, holds_open=holds_open)
    if counts:
        open_counts(store.merchant_id, counts, reason=f"First count from {store.name}")

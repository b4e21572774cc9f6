"""Which variant a listing is linked to: by a unique, normalised SKU, else by a unique barcode.
What has neither gets a variant of its own, and where it might be something else all the same (no
SKU, a barcode of several) the listing says so. A SKU the store uses twice stays unlinked until the
store makes it unique.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q

from inventory.data import ProductData, VariantData
from inventory.errors import LedgerConflict
from inventory.models import LinkProblem, Listing, Product, Variant
from logix.common import bulk
from logix.common.ids import uuid7

# GTIN-8, UPC-A, EAN-13, GTIN-14.
_GTIN = (8, 12, 13, 14)


class StoreLike(Protocol):
    pk: Any
    merchant_id: Any
    name: str


class LinkedBy(StrEnum):
    """How a listing came by its variant, or why it has none."""

    SKU = "sku"
    BARCODE = "barcode"
    OWN = "own"
    BLANK = "blank"
    AMBIGUOUS = "ambiguous"
    DUPLICATE = "duplicate"


_PROBLEMS = {
    LinkedBy.BLANK: LinkProblem.BLANK_SKU,
    LinkedBy.AMBIGUOUS: LinkProblem.AMBIGUOUS,
    LinkedBy.DUPLICATE: LinkProblem.DUPLICATE_SKU,
}


def sku_key(sku: str) -> str:
    """A SKU as it is compared: outer blanks off, inner ones folded, case ignored. '' stays ''."""
    return " ".join(sku.split()).casefold()


def barcode_key(barcode: str) -> str:
    """A barcode as it is compared. UPC-A, EAN-13 and GTIN-14 of one product differ by zeros in
    front. '' stays ''.
    """
    told = "".join(barcode.split())
    return told.lstrip("0") if told.isdigit() else told.casefold()


def spellings(key: str) -> list[str]:
    """How a barcode of this key may be written down."""
    return [key, *(key.zfill(digits) for digits in _GTIN if len(key) < digits and key.isdigit())]


class Linker:
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
        self.codes = Counter(barcode_key(v.barcode) for _, v in pairs if v.barcode.strip())
        codes = [spelt for key in self.codes for spelt in spellings(key)]
        self.by_key: dict[str, UUID] = {}
        self.counted_as: dict[str, UUID] = {}
        self.by_code: dict[str, set[UUID]] = defaultdict(set)
        known_by = Q(sku_key__in=keys) | Q(barcode__in=codes) if codes else Q(sku_key__in=keys)
        variants = Variant.objects.filter(known_by, merchant_id=store.merchant_id)
        for pk, key, barcode, archived_at, pool in variants.values_list(
            "pk", "sku_key", "barcode", "archived_at", "counted_as"
        ):
            if key:
                self.by_key[key] = pk
            if key and pool:
                self.counted_as[key] = pool
            if barcode and archived_at is None:
                self.by_code[barcode_key(barcode)].add(pk)
        coded = {pk for found in self.by_code.values() for pk in found}
        self.sold: set[UUID] = set()
        self.taken: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for key, product_id, variant_id, variant in Listing.objects.filter(
            Q(sku_key__in=keys) | Q(variant__in=coded), store_id=store.pk, gone_at=None
        ).values_list("sku_key", "external_product_id", "external_variant_id", "variant"):
            self.taken[key].add((product_id, variant_id))
            self.sold.add(variant)
        self.products: dict[str, UUID] = {}
        self.pools: dict[tuple[str, str], UUID] = {}
        for (product_id, _), listing in known.items():
            if listing.variant_id:
                self.products.setdefault(product_id, listing.variant.product_id)  # type: ignore[union-attr]
                pool = listing.variant.counted_as_id  # type: ignore[union-attr]
                if pool and listing.stock_ref:
                    self.pools[product_id, listing.stock_ref] = pool
        self.shared = Counter((p.external_id, v.stock_ref) for p, v in pairs if v.stock_ref)
        for product, variant in pairs:
            # Of those it keeps one figure for, some are known by their SKU: the count is theirs.
            if (pool := self.counted_as.get(sku_key(variant.sku))) and self.shares(
                product, variant
            ):
                self.pools.setdefault((product.external_id, variant.stock_ref), pool)
        self.new_products: list[dict[str, Any]] = []
        self.new_variants: list[dict[str, Any]] = []
        self.relinked: set[UUID] = set()
        self.named: list[dict[str, Any]] = []
        # By the ids of product and variant in the store.
        self.ways: dict[tuple[str, str], LinkedBy] = {}

    def shares(self, product: ProductData, variant: VariantData) -> bool:
        """Whether the store keeps one figure for it and others of its product."""
        return self.shared[product.external_id, variant.stock_ref] > 1

    def link(self, product: ProductData, variant: VariantData) -> dict[str, Any]:
        """The columns of a listing's link."""
        key = sku_key(variant.sku)
        variant_id, way = None, LinkedBy.DUPLICATE
        if not self._is_twice(product, variant, key):
            variant_id, way = self._variant(product, variant, key)
        self.ways[product.external_id, variant.external_id] = way
        return {"variant_id": variant_id, "link_problem": _PROBLEMS.get(way, LinkProblem.NONE)}

    def relink(self, before: Listing, product: ProductData, variant: VariantData) -> dict[str, Any]:
        """A listing whose SKU was used twice is linked when the store has made it unique, and one
        that came without gives its own variant the SKU it has now, unless that is another's. Every
        other link stays as it is.
        """
        key = sku_key(variant.sku)
        kept = {"variant_id": before.variant_id, "link_problem": before.link_problem}
        if self._is_twice(product, variant, key):
            return kept
        if before.link_problem == LinkProblem.DUPLICATE_SKU:
            self.relinked.add(before.pk)
            return self.link(product, variant)
        if before.link_problem == LinkProblem.BLANK_SKU and self._names(before, variant, key):
            return {**kept, "link_problem": LinkProblem.NONE}
        return kept

    def _names(self, before: Listing, variant: VariantData, key: str) -> bool:
        own = before.variant
        if not key or key in self.by_key or own is None or own.sku_key:
            return False
        self.by_key[key] = own.pk
        self.named.append({"id": own.pk, "sku": variant.sku, "sku_key": key})
        return True

    def _is_twice(self, product: ProductData, variant: VariantData, key: str) -> bool:
        own = (product.external_id, variant.external_id)
        return bool(key) and (self.used[key] > 1 or bool(self.taken[key] - {own}))

    def _variant(
        self, product: ProductData, variant: VariantData, key: str
    ) -> tuple[UUID, LinkedBy]:
        if key in self.by_key:
            return self.by_key[key], LinkedBy.SKU
        coded, doubt = self._by_barcode(variant)
        if coded:
            return coded, LinkedBy.BARCODE
        variant_id = uuid7()
        if key:
            self.by_key[key] = variant_id
        self._add_variant(product, variant_id, variant, self._pool(product, variant))
        if not key:
            return variant_id, LinkedBy.BLANK
        return variant_id, LinkedBy.AMBIGUOUS if doubt else LinkedBy.OWN

    def _by_barcode(self, variant: VariantData) -> tuple[UUID | None, bool]:
        """The one variant of this barcode, where the store has the barcode once and does not sell
        that variant yet; else whether it might be one of several.
        """
        code = barcode_key(variant.barcode)
        known = self.by_code.get(code, set())
        if not code or not known - self.sold:
            return None, False
        if self.codes[code] > 1 or len(known) != 1:
            return None, True
        (pk,) = known
        self.sold.add(pk)
        return pk, False

    def _pool(self, product: ProductData, variant: VariantData) -> UUID | None:
        """The hidden variant that holds one count for several, where a store keeps it so."""
        place = (product.external_id, variant.stock_ref)
        if not self.shares(product, variant):
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
        rest = [v for v in self.new_variants if v["counted_as_id"] is not None]
        written = len(bulk.insert(Variant, first, ignore_conflicts=True))
        written += len(bulk.insert(Variant, rest, ignore_conflicts=True))
        if written != len(self.new_variants):
            raise LedgerConflict("Another process made a product with the same SKU first.")
        bulk.update(Variant, self.named)

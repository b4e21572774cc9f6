"""A product of its own for a listing that is none of those there are, because a person says so: the
way out for one of two listings with the same SKU, and the word that one without a SKU is rightly
counted alone.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction

from inventory import links
from inventory.data import ProductKind
from inventory.errors import LedgerConflict, LinkRefused
from inventory.ledger import open_counts
from inventory.linking import sku_key
from inventory.models import LinkProblem, Listing, Product, Variant
from inventory.opening import Seen, first_counts
from inventory.shelves import of_stores


@transaction.atomic
def make_own(
    listing: Listing,
    *,
    actor: str,
    adopt_stock: bool = False,
    holds_open: bool = False,
    request_id: str = "",
) -> Listing:
    """Count ``listing`` as a product made for it; one that is counted alone already keeps its own,
    and is no longer asked about. The product has the listing's SKU unless another one has it.

    ``adopt_stock`` and ``holds_open`` are those of ``import_products``. Raises LinkRefused;
    LedgerConflict when somebody was faster: run it again.
    """
    fresh = links.fresh_of(listing)
    if fresh.gone_at is not None:
        raise LinkRefused("The store no longer has this listing.")
    if fresh.variant is not None and fresh.link_problem in links.COUNTED_ALONE:
        kept = "listing.kept_alone"
        links.write(fresh, fresh.variant, LinkProblem.NONE, kept, actor, request_id)
        return fresh
    if fresh.variant is not None and not _is_shared(fresh):
        raise LinkRefused(f"{fresh.variant} is this listing's own already.")
    made = _made_for(fresh)
    links.write(fresh, made, LinkProblem.NONE, "listing.product_made", actor, request_id)
    links.tell_linked(fresh)
    if adopt_stock:
        _open(fresh, made, holds_open=holds_open)
    return fresh


def _is_shared(listing: Listing) -> bool:
    rows = Listing.objects.filter(variant=listing.variant_id, gone_at=None)
    return rows.exclude(pk=listing.pk).exists()


def _made_for(listing: Listing) -> Variant:
    """Beside its siblings, and with their count where the store keeps one for all of them."""
    siblings = Listing.objects.filter(
        store=listing.store_id,
        external_product_id=listing.external_product_id,
        variant__isnull=False,
        gone_at=None,
    ).exclude(pk=listing.pk)
    found = [x for x in siblings.select_related("variant__product").order_by("pk") if x.variant]
    product = found[0].variant.product if found and found[0].variant else None
    pools = [
        x.variant.counted_as
        for x in found
        if x.variant and x.variant.counted_as_id and x.stock_ref == listing.stock_ref != ""
    ]
    key = sku_key(listing.sku)
    is_free = key and not Variant.objects.filter(merchant=listing.merchant_id, sku_key=key).exists()
    if product is None:
        product = Product.objects.create(
            merchant=listing.merchant,
            title=listing.title or listing.sku,
            kind=ProductKind.SIMPLE,
        )
    try:
        with transaction.atomic():
            return Variant.objects.create(
                merchant=listing.merchant,
                product=product,
                sku=listing.sku if is_free else "",
                sku_key=key if is_free else None,
                barcode=listing.barcode,
                title=listing.title.removeprefix(f"{product.title} – "),
                counted_as=pools[0] if pools else None,
            )
    except IntegrityError as err:
        raise LedgerConflict("Another process made a product with the same SKU first.") from err


def _open(listing: Listing, variant: Variant, *, holds_open: bool) -> None:
    """The store's figure as first count, as for any new item."""
    if listing.seen_quantity is None or listing.seen_at is None:
        return
    seen = Seen(
        variant.stock_item_id, listing.seen_quantity, listing.seen_at_places, listing.seen_at
    )
    shelves = of_stores([listing.store_id])[listing.store_id]
    counts = first_counts([seen], shelves, holds_open=holds_open)
    if counts:
        name = listing.store.name
        open_counts(listing.merchant_id, counts, reason=f"First count from {name}")

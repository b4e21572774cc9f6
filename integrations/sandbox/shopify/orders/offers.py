"""What can be bought, as a checkout sees it: the catalogue's variants, and what is gone from it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from integrations.sandbox.shopify.catalogue.models import DeletedVariant, ProductVariant
from integrations.sandbox.shopify.catalogue.room import CatalogueRoom


@dataclass(frozen=True, slots=True)
class Offer:
    """``parts`` are the (offer, quantity) of a bundle. ``item_id`` None: nothing is counted."""

    product_id: int | None
    variant_id: int | None
    item_id: int | None
    title: str
    price: Decimal
    variant_title: str = ""
    sku: str = ""
    vendor: str = ""
    grams: int = 0
    taxable: bool = True
    requires_shipping: bool = True
    is_gift_card: bool = False
    origin: str | None = None
    customs_code: str | None = None
    parts: tuple[tuple[Offer, int], ...] = ()


def all_offers(catalogue: CatalogueRoom) -> list[Offer]:
    """Of what is for sale."""
    return [
        of_variant(catalogue, variant)
        for variant in catalogue.variants.values()
        if catalogue.products[variant.product_id].status == "ACTIVE"
    ]


def of_variant(catalogue: CatalogueRoom, variant: ProductVariant) -> Offer:
    product, item = catalogue.products[variant.product_id], catalogue.items[variant.item_id]
    title = variant.title
    return Offer(
        product_id=product.id,
        variant_id=variant.id,
        item_id=item.id,
        title=product.title,
        price=variant.price,
        variant_title="" if title == "Default Title" else title,
        sku=variant.sku,
        vendor=product.vendor,
        grams=round(item.weight_kg * 1000),
        taxable=variant.taxable,
        requires_shipping=item.requires_shipping,
        is_gift_card=product.is_gift_card,
        origin=item.country_code_of_origin,
        customs_code=item.harmonized_system_code,
        parts=tuple(
            (of_variant(catalogue, catalogue.variants[part]), many)
            for part, many in variant.components
        ),
    )


def of_deleted(gone: DeletedVariant) -> Offer:
    return Offer(gone.product_id, gone.variant_id, None, gone.title, gone.price, sku=gone.sku)


def custom(title: str, price: Decimal) -> Offer:
    """A line somebody typed in: no product, no variant, no SKU."""
    return Offer(None, None, None, title, price)

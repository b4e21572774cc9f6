"""Products and variants as GraphQL shows them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.filtering import by_sort, found
from integrations.sandbox.shopify.api.pages import connection, count, listed
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.api.root import metafield, metafields
from integrations.sandbox.shopify.catalogue.models import Product, ProductVariant
from integrations.sandbox.shopify.money import Money

# --- lists ----------------------------------------------------------------------------------------


def _product_row(call: Call) -> dict[str, search.Value]:
    """What a product's filters look at. Source: ``products(query:)`` in the official schema."""
    catalogue = call.store.catalogue

    def of_variants(name: str) -> search.Value:
        return lambda row: [getattr(one, name) for one in catalogue.variants_of(row)]

    return {
        "": lambda row: " ".join(
            [row.title, row.vendor, row.product_type, *row.tags, *of_variants("sku")(row)]
        ),
        "id": lambda row: row.id,
        "title": lambda row: row.title,
        "handle": lambda row: row.handle,
        "vendor": lambda row: row.vendor,
        "product_type": lambda row: row.product_type,
        "status": lambda row: row.status,
        "tag": lambda row: row.tags,
        "sku": of_variants("sku"),
        "barcode": of_variants("barcode"),
        "gift_card": lambda row: row.is_gift_card,
        "inventory_total": lambda row: _total(row, call),
        "created_at": lambda row: row.created_at,
        "updated_at": lambda row: row.updated_at,
        "published_at": lambda row: row.published_at,
    }


def _variant_row(call: Call) -> dict[str, search.Value]:
    catalogue = call.store.catalogue

    def of_product(name: str) -> search.Value:
        return lambda row: getattr(catalogue.products[row.product_id], name)

    return {
        "": lambda row: f"{catalogue.products[row.product_id].title} {row.title} {row.sku}",
        "id": lambda row: row.id,
        "sku": lambda row: row.sku,
        "barcode": lambda row: row.barcode,
        "title": lambda row: row.title,
        "product_id": lambda row: row.product_id,
        "product_status": of_product("status"),
        "product_type": of_product("product_type"),
        "vendor": of_product("vendor"),
        "gift_card": of_product("is_gift_card"),
        "tag": of_product("tags"),
        "taxable": lambda row: row.taxable,
        "requires_components": lambda row: bool(row.components),
        "inventory_quantity": lambda row: catalogue.quantity_of(row),
        "updated_at": lambda row: row.updated_at,
    }


_PRODUCT_SORTS = {
    "CREATED_AT": lambda row: row.created_at,
    "PRODUCT_TYPE": lambda row: row.product_type,
    "PUBLISHED_AT": lambda row: row.published_at or 0,
    "TITLE": lambda row: row.title,
    "UPDATED_AT": lambda row: row.updated_at,
    "VENDOR": lambda row: row.vendor,
}
_VARIANT_SORTS = {
    "POSITION": lambda row: row.position,
    "SKU": lambda row: row.sku,
    "TITLE": lambda row: row.title,
    "NAME": lambda row: row.title,
    "FULL_TITLE": lambda row: row.title,
}


def products(
    _: Any,
    info: Any,
    *,
    query: str | None = None,
    sort_key: str = "ID",
    saved_search_id: Any = None,
    **page: Any,
) -> Any:
    call, store = info.context, info.context.store
    rows = found(call, store.catalogue.products.values(), query, _product_row(call), "products")
    keys = by_sort(rows, _PRODUCT_SORTS, sort_key)
    return connection(keys, lambda key: store.catalogue.products[key[-1]], **page)


def product_variants(
    _: Any,
    info: Any,
    *,
    query: str | None = None,
    sort_key: str = "ID",
    saved_search_id: Any = None,
    **page: Any,
) -> Any:
    call, store = info.context, info.context.store
    rows = found(
        call, store.catalogue.variants.values(), query, _variant_row(call), "productVariants"
    )
    keys = by_sort(rows, _VARIANT_SORTS, sort_key)
    return connection(keys, lambda key: store.catalogue.variants[key[-1]], **page)


def products_count(
    _: Any, info: Any, *, query: str | None = None, limit: int | None = 10_000, **__: Any
) -> Any:
    call = info.context
    catalogue = call.store.catalogue
    rows = found(call, catalogue.products.values(), query, _product_row(call), "productsCount")
    return count(len(rows), limit)


def product_variants_count(
    _: Any, info: Any, *, query: str | None = None, limit: int | None = 10_000, **__: Any
) -> Any:
    call = info.context
    catalogue = call.store.catalogue
    rows = found(
        call, catalogue.variants.values(), query, _variant_row(call), "productVariantsCount"
    )
    return count(len(rows), limit)


# --- one product ----------------------------------------------------------------------------------


def _variants(
    product: Product, info: Any, *, sort_key: str | None = "POSITION", **page: Any
) -> Any:
    catalogue = info.context.store.catalogue
    keys = by_sort(catalogue.variants_of(product), _VARIANT_SORTS, sort_key)
    return connection(keys, lambda key: catalogue.variants[key[-1]], **page)


def _all_variants(product: Product, info: Any) -> list[ProductVariant]:
    rows: list[ProductVariant] = info.context.store.catalogue.variants_of(product)
    return rows


def _total(product: Product, call: Call) -> int:
    catalogue = call.store.catalogue
    return sum(
        catalogue.quantity_of(one)
        for one in catalogue.variants_of(product)
        if catalogue.items[one.item_id].tracked
    )


def _tracks(product: Product, info: Any) -> bool:
    items = info.context.store.catalogue.items
    return any(items[one.item_id].tracked for one in _all_variants(product, info))


def _has_empty(product: Product, info: Any) -> bool:
    catalogue = info.context.store.catalogue
    return any(
        catalogue.quantity_of(one) <= 0
        for one in _all_variants(product, info)
        if catalogue.items[one.item_id].tracked
    )


def _options(product: Product, _: Any, *, first: int | None = None) -> list[dict[str, Any]]:
    rows = [
        {
            "id": ids.gid("ProductOption", product.id * 10 + place),
            "name": name,
            "position": place,
            "values": values,
        }
        for place, (name, values) in enumerate(product.options, 1)
    ]
    return rows if first is None else rows[:first]


def _prices(product: Product, info: Any) -> dict[str, Money]:
    prices = [one.price for one in _all_variants(product, info)] or [Decimal(0)]
    currency = info.context.store.options.currency
    return {
        "minVariantPrice": Money(min(prices), currency),
        "maxVariantPrice": Money(max(prices), currency),
    }


def _description(product: Product, _: Any, *, truncate_at: int | None = None) -> str:
    return re.sub(r"<[^>]+>", "", product.description_html)[:truncate_at]


def _bundle_parts(product: Product, info: Any, **page: Any) -> Any:
    catalogue = info.context.store.catalogue
    rows = [
        {
            "componentProduct": catalogue.products[catalogue.variants[part].product_id],
            "quantity": many,
        }
        for one in _all_variants(product, info)
        for part, many in one.components
        if part in catalogue.variants
    ]
    return listed(rows, **page)


# --- one variant ----------------------------------------------------------------------------------


def _product(variant: ProductVariant, info: Any) -> Product:
    owner: Product = info.context.store.catalogue.products[variant.product_id]
    return owner


def _display_name(variant: ProductVariant, info: Any) -> str:
    owner = _product(variant, info)
    return owner.title if owner.options[0][0] == "Title" else f"{owner.title} - {variant.title}"


def _selected(variant: ProductVariant, info: Any) -> list[dict[str, str]]:
    names = [name for name, _ in _product(variant, info).options]
    return [
        {"name": name, "value": value} for name, value in zip(names, variant.options, strict=True)
    ]


def _is_for_sale(variant: ProductVariant, info: Any) -> bool:
    store = info.context.store
    if _product(variant, info).status != "ACTIVE":
        return False
    is_endless = variant.inventory_policy == "CONTINUE"
    is_counted = store.catalogue.items[variant.item_id].tracked
    return is_endless or not is_counted or store.catalogue.quantity_of(variant) > 0


def _quantity(variant: ProductVariant, info: Any) -> int:
    quantity: int = info.context.store.catalogue.quantity_of(variant)
    return quantity


def _parts(variant: ProductVariant, info: Any, **page: Any) -> Any:
    catalogue = info.context.store.catalogue
    rows = [
        {
            "id": ids.gid("ProductVariantComponent", variant.id * 10 + place),
            "productVariant": catalogue.variants[part],
            "quantity": many,
        }
        for place, (part, many) in enumerate(variant.components, 1)
        if part in catalogue.variants
    ]
    return listed(rows, **page)


def _no_media(_: Any, __: Any, **page: Any) -> Any:
    """The shop has no pictures: nothing leaves this machine."""
    return listed([], **page)


def _none(_: Any, __: Any) -> None:
    return None


_METAFIELDS = {"metafield": metafield, "metafields": metafields}

FIELDS: Fields = {
    "QueryRoot": {
        "product": lambda _, info, id: info.context.store.catalogue.products.get(
            ids.number_of(id, "Product")
        ),
        "products": products,
        "productsCount": products_count,
        "productVariant": lambda _, info, id: info.context.store.catalogue.variants.get(
            ids.number_of(id, "ProductVariant")
        ),
        "productVariants": product_variants,
        "productVariantsCount": product_variants_count,
    },
    "Product": {
        **_METAFIELDS,
        "description": _description,
        "bodyHtml": lambda product, _: product.description_html,
        "hasOnlyDefaultVariant": lambda product, _: product.options[0][0] == "Title",
        "hasOutOfStockVariants": _has_empty,
        "hasVariantsThatRequiresComponents": lambda product, info: any(
            one.components for one in _all_variants(product, info)
        ),
        "options": _options,
        "totalInventory": lambda product, info: _total(product, info.context),
        "tracksInventory": _tracks,
        "variants": _variants,
        "variantsCount": lambda product, _: count(len(product.variant_ids)),
        "priceRangeV2": _prices,
        "featuredMedia": _none,
        "media": _no_media,
        "onlineStoreUrl": _none,
        "requiresSellingPlan": lambda *_: False,
        "bundleComponents": _bundle_parts,
        "category": _none,
    },
    "ProductVariant": {
        **_METAFIELDS,
        "displayName": _display_name,
        "availableForSale": _is_for_sale,
        "inventoryQuantity": _quantity,
        "sellableOnlineQuantity": _quantity,
        "inventoryItem": lambda variant, info: info.context.store.catalogue.items[variant.item_id],
        "product": _product,
        "selectedOptions": _selected,
        "requiresComponents": lambda variant, _: bool(variant.components),
        "productVariantComponents": _parts,
        "image": _none,
        "media": _no_media,
    },
}

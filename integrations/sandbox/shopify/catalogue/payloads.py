"""Webhook bodies of the catalogue, shaped as REST was. Source: Shopify's samples of 2026-07."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.catalogue.models import Product, ProductVariant
from integrations.sandbox.shopify.ids import gid

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

_FULL_VARIANTS = 100


def product(store: ShopStore, number: int) -> dict[str, Any]:
    """Variants beyond the hundredth are named in ``variant_gids`` alone."""
    found, clock = store.catalogue.products[number], store.clock
    variants = store.catalogue.variants_of(found)
    return {
        "admin_graphql_api_id": gid("Product", found.id),
        "body_html": found.description_html,
        "created_at": clock.local(found.created_at),
        "handle": found.handle,
        "id": found.id,
        "product_type": found.product_type,
        "published_at": clock.local(found.published_at),
        "template_suffix": None,
        "title": found.title,
        "updated_at": clock.local(found.updated_at),
        "vendor": found.vendor,
        "status": found.status.lower(),
        "published_scope": "web",
        "tags": ", ".join(found.tags),
        "variants": [_variant(store, one) for one in variants[:_FULL_VARIANTS]],
        "options": _options(found),
        "images": [],
        "image": None,
        "media": [],
        "variant_gids": [
            {
                "admin_graphql_api_id": gid("ProductVariant", one.id),
                "updated_at": clock.local(one.updated_at),
            }
            for one in variants
        ],
        "has_variants_that_requires_components": any(one.components for one in variants),
        "category": None,
    }


def _variant(store: ShopStore, variant: ProductVariant) -> dict[str, Any]:
    options = [*variant.options, None, None, None]
    quantity = store.catalogue.quantity_of(variant)
    return {
        "admin_graphql_api_id": gid("ProductVariant", variant.id),
        "barcode": variant.barcode,
        "compare_at_price": _text(variant.compare_at_price),
        "created_at": store.clock.local(variant.created_at),
        "id": variant.id,
        "inventory_policy": variant.inventory_policy.lower(),
        "position": variant.position,
        "price": _text(variant.price),
        "product_id": variant.product_id,
        "sku": variant.sku,
        "taxable": variant.taxable,
        "title": variant.title,
        "updated_at": store.clock.local(variant.updated_at),
        "option1": options[0],
        "option2": options[1],
        "option3": options[2],
        "image_id": None,
        "inventory_item_id": variant.item_id,
        "inventory_quantity": quantity,
        "old_inventory_quantity": quantity,
    }


def _options(found: Product) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "id": found.id * 10 + place,
            "product_id": found.id,
            "position": place,
            "values": list(values),
        }
        for place, (name, values) in enumerate(found.options, 1)
    ]


def level(store: ShopStore, number: int) -> dict[str, Any]:
    found = store.catalogue.level(number)
    if found is None:
        return {}
    return {
        "inventory_item_id": found.item_id,
        "location_id": found.location_id,
        "available": found.available,
        "updated_at": store.clock.local(found.updated_at),
        "admin_graphql_api_id": level_gid(found.id, found.item_id),
    }


def level_gid(number: int, item_id: int) -> str:
    return f"{gid('InventoryLevel', number)}?inventory_item_id={item_id}"


def item(store: ShopStore, number: int) -> dict[str, Any]:
    found = store.catalogue.items[number]
    return {
        "id": found.id,
        "sku": found.sku,
        "created_at": store.clock.local(found.created_at),
        "updated_at": store.clock.local(found.updated_at),
        "requires_shipping": found.requires_shipping,
        "cost": _text(found.cost),
        "country_code_of_origin": found.country_code_of_origin,
        "province_code_of_origin": found.province_code_of_origin,
        "harmonized_system_code": found.harmonized_system_code,
        "tracked": found.tracked,
        "country_harmonized_system_codes": [],
        "weight_value": found.weight_kg,
        "weight_unit": "kg",
        "admin_graphql_api_id": gid("InventoryItem", found.id),
    }


def location(store: ShopStore, number: int) -> dict[str, Any]:
    found = store.catalogue.locations[number]
    return {
        "id": found.id,
        "name": found.name,
        "address1": found.address1,
        "address2": None,
        "city": found.city,
        "zip": found.zip,
        "province": None,
        "country": found.country_code,
        "phone": None,
        "created_at": store.clock.local(found.created_at),
        "updated_at": store.clock.local(found.updated_at),
        "country_code": found.country_code,
        "country_name": found.country,
        "province_code": None,
        "legacy": bool(found.service),
        "active": found.is_active,
        "admin_graphql_api_id": gid("Location", found.id),
    }


def _text(amount: Any) -> str | None:
    return None if amount is None else f"{amount:f}"

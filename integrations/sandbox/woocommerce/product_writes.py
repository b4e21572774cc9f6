"""A client's product or variation into the store.

Source: includes/rest-api/Controllers/Version3/class-wc-rest-products-controller.php and
class-wc-rest-product-variations-controller.php (prepare_object_for_database).
"""

from __future__ import annotations

import copy
from typing import Any

from integrations.sandbox.woocommerce import drafts
from integrations.sandbox.woocommerce.models import Product
from integrations.sandbox.woocommerce.money import read_amount
from integrations.sandbox.woocommerce.seed_products import settle_stock, slug_of
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Refused

_PLAIN = {
    "name": "name",
    "slug": "slug",
    "status": "status",
    "description": "description",
    "short_description": "summary",
    "tax_class": "tax_class",
    "weight": "weight",
    "menu_order": "menu_order",
    "virtual": "is_virtual",
    "categories": "categories",
    "attributes": "attributes",
    "grouped_products": "grouped",
}
_KEPT = (
    "featured", "catalog_visibility", "downloadable", "downloads", "download_limit",
    "download_expiry", "external_url", "button_text", "tax_status", "low_stock_amount",
    "sold_individually", "dimensions", "shipping_class", "reviews_allowed", "upsell_ids",
    "cross_sell_ids", "purchase_note", "tags", "images", "brands", "default_attributes",
    "post_password", "date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to",
    "date_on_sale_to_gmt", "image", "gallery_image_ids",
)  # fmt: skip


def create(store: WooStore, body: dict[str, Any], parent: Product | None = None) -> Product:
    with store.working():
        now = store.clock.now()
        product = Product(id=0, name="Product", created=now, modified=now)
        product.kind = body.get("type") or "simple"
        if parent is not None:
            product.kind, product.parent_id = "variation", parent.id
        _fill(store, product, body)
        product.id = store.ids.next("post")
        if parent is not None:
            chosen = ", ".join(str(row.get("option", "")) for row in product.attributes)
            product.name = f"{parent.name} - {chosen}"
            parent.variations.append(product.id)
            store.changed_products.add(parent.id)
        product.slug = product.slug or slug_of(product.name)
        store.save_product(product, "created")
        return product


def update(store: WooStore, product: Product, body: dict[str, Any]) -> Product:
    """The product as it is now. Raises Refused and changes nothing then."""
    with store.working():
        draft = copy.deepcopy(product)
        _fill(store, draft, body)
        store.save_product(draft)
        return draft


def delete(store: WooStore, product: Product) -> None:
    with store.working():
        for number in product.variations:
            store.drop_product(number)
        parent = store.products.get(product.parent_id)
        if parent is not None and product.id in parent.variations:
            parent.variations.remove(product.id)
            store.changed_products.add(parent.id)
        store.drop_product(product.id)


def trash(store: WooStore, product: Product) -> None:
    with store.working():
        product.trashed_from, product.status = product.status, "trash"
        store.save_product(product, "deleted")


def restore(store: WooStore, product: Product) -> None:
    with store.working():
        product.status, product.trashed_from = product.trashed_from or "draft", ""
        store.save_product(product, "restored")


def _fill(store: WooStore, product: Product, body: dict[str, Any]) -> None:
    if body.get("sku") is not None:
        _write_sku(store, product, str(body["sku"]).strip())
    for name, attribute in _PLAIN.items():
        if body.get(name) is not None:
            setattr(product, attribute, body[name])
    if body.get("global_unique_id") is not None and store.is_new:
        product.gtin = str(body["global_unique_id"])
    for name in _KEPT:
        if name in body:
            product.extra[name] = body[name]
    for name, attribute in (("regular_price", "regular"), ("sale_price", "sale")):
        if body.get(name) is not None:
            setattr(product, attribute, _price(body[name]))
    _write_stock(product, body)
    for row in body.get("meta_data") or []:
        if row.get("key") is not None:
            drafts.write_meta(
                store, product.meta, str(row["key"]), row.get("value"), int(row.get("id") or 0)
            )


def _price(value: Any) -> int | None:
    try:
        return None if value == "" else read_amount(value)
    except ValueError:
        return None


def _write_sku(store: WooStore, product: Product, sku: str) -> None:
    """Unique where set. The seed's own doubles stand, as in stores that imported them."""
    taken = next(
        (p for p in store.products.values() if sku and p.sku == sku and p.id != product.id), None
    )
    if taken is not None and sku != product.sku:
        raise Refused(
            "product_invalid_sku",
            "Invalid or duplicated SKU.",
            400,
            resource_id=taken.id,
            unique_sku=f"{sku}-1",
        )
    product.sku = sku


def _write_stock(product: Product, body: dict[str, Any]) -> None:
    """A quantity counts only where stock is managed: elsewhere it is passed over, with a 200. A
    variation whose parent counts hears nothing either.
    """
    managed = body.get("manage_stock")
    if managed is not None:
        product.manages_stock = managed is True or managed in ("true", "yes", 1, "1")
    if body.get("backorders") is not None:
        product.backorders = str(body["backorders"])
    if product.manages_stock is not True:
        product.stock = None
        if body.get("stock_status") is not None:
            product.stock_status = str(body["stock_status"])
        return
    if body.get("stock_quantity") is not None:
        product.stock = stock_amount(body["stock_quantity"])
    elif body.get("inventory_delta") is not None:
        product.stock = (product.stock or 0) + stock_amount(body["inventory_delta"])
    settle_stock(product)


def stock_amount(value: Any) -> int:
    """PHP's intval: what is no number counts as 0."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0

"""What an answer shows of a product or variation: keys, order and types as recorded from real
stores.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from integrations.sandbox.woocommerce.models import Meta, Product
from integrations.sandbox.woocommerce.money import MICRO, currency_facts, show

if TYPE_CHECKING:
    from integrations.sandbox.woocommerce.store import WooStore

_NO_SIZE = {"length": "", "width": "", "height": ""}
_SALE_DATES = (
    "date_on_sale_from",
    "date_on_sale_from_gmt",
    "date_on_sale_to",
    "date_on_sale_to_gmt",
)


def manages(store: WooStore, product: Product) -> bool | str:
    """``"parent"`` where a variation leaves the count to its parent."""
    if product.manages_stock is True:
        return True
    parent = store.products.get(product.parent_id) if product.parent_id else None
    return "parent" if parent is not None and parent.manages_stock is True else False


def product_document(store: WooStore, product: Product, *, edits: bool = False) -> dict[str, Any]:
    """``edits``: as answered to a write, context ``edit``."""
    children = [store.products[n] for n in product.variations if n in store.products]
    is_variation = product.kind == "variation"
    path = f"/wc/v3/products/{product.id}"
    document: dict[str, Any] = {
        "id": product.id,
        "name": product.name,
        "slug": product.slug,
        "permalink": _permalink(store, product),
        **_dates(store, product),
        "type": product.kind,
        "status": product.status,
        "featured": product.extra.get("featured", False),
        "catalog_visibility": product.extra.get("catalog_visibility", "visible"),
        "description": product.description if edits else _paragraphs(product.description),
        "short_description": product.summary if edits else _paragraphs(product.summary),
        "sku": product.sku,
        **_prices(store, product, children),
        "purchasable": _is_purchasable(product, children),
        "total_sales": product.total_sales,
        **_files(product),
        "external_url": product.extra.get("external_url", ""),
        "button_text": product.extra.get("button_text", ""),
        "tax_status": product.extra.get("tax_status", "taxable"),
        "tax_class": product.tax_class,
        **_stock(store, product),
        "sold_individually": product.extra.get("sold_individually", False),
        "weight": product.weight,
        "dimensions": product.extra.get("dimensions", _NO_SIZE),
        "shipping_required": not product.is_virtual,
        "shipping_taxable": not product.is_virtual,
        "shipping_class": product.extra.get("shipping_class", ""),
        "shipping_class_id": 0,
        "reviews_allowed": product.extra.get("reviews_allowed", True),
        "average_rating": "0" if edits else "0.00",
        "rating_count": 0,
        "upsell_ids": product.extra.get("upsell_ids", []),
        "cross_sell_ids": product.extra.get("cross_sell_ids", []),
        "parent_id": product.parent_id,
        "purchase_note": product.extra.get("purchase_note", ""),
        "categories": product.categories,
    }
    if store.is_new:
        document["brands"] = product.extra.get("brands", [])
    document |= {
        "tags": product.extra.get("tags", []),
        "images": product.extra.get("images", []),
        "attributes": product.attributes,
        "default_attributes": product.extra.get("default_attributes", []),
        "variations": [child.id for child in children],
        "grouped_products": product.grouped,
        "menu_order": product.menu_order,
        "price_html": _price_html(store, product, children),
        "related_ids": _related(store, product),
        "meta_data": [_meta(row) for row in product.meta],
        "stock_status": _status(store, product, children),
        "has_options": product.kind == "variable",
        "post_password": product.extra.get("post_password", ""),
    }
    if store.is_new:
        document["global_unique_id"] = product.gtin
    if edits and not is_variation:
        document["permalink_template"] = f"{store.home_url}product/%pagename%/"
        document["generated_slug"] = product.slug
    up = f"/wc/v3/products/{product.parent_id}" if product.parent_id else ""
    document["_links"] = store.links(path, "/wc/v3/products", up=up)
    return document


def variation_document(store: WooStore, product: Product) -> dict[str, Any]:
    above = f"/wc/v3/products/{product.parent_id}"
    own_stock = _stock(store, product)
    document: dict[str, Any] = {"id": product.id}
    if store.is_new:
        document["type"] = "variation"
    document |= _dates(store, product)
    document |= {
        "description": product.description,
        "permalink": _permalink(store, product),
        "sku": product.sku,
    }
    if store.is_new:
        document["global_unique_id"] = product.gtin
    document |= _prices(store, product, [])
    document |= {
        "status": product.status,
        "purchasable": _is_purchasable(product, []),
        **_files(product),
        "tax_status": product.extra.get("tax_status", "taxable"),
        "tax_class": product.tax_class,
        "manage_stock": own_stock["manage_stock"],
        "stock_quantity": own_stock["stock_quantity"],
        "stock_status": _status(store, product, []),
        "backorders": own_stock["backorders"],
        "backorders_allowed": own_stock["backorders_allowed"],
        "backordered": own_stock["backordered"],
        "low_stock_amount": own_stock["low_stock_amount"],
        "weight": product.weight,
        "dimensions": product.extra.get("dimensions", _NO_SIZE),
        "shipping_class": product.extra.get("shipping_class", ""),
        "shipping_class_id": 0,
        "image": product.extra.get("image"),
    }
    if store.is_new:
        document["gallery_image_ids"] = product.extra.get("gallery_image_ids", [])
    document |= {
        "attributes": product.attributes,
        "menu_order": product.menu_order,
        "meta_data": [_meta(row) for row in product.meta],
        "name": ", ".join(str(row["option"]) for row in product.attributes),
    }
    if store.is_new:
        document["parent_id"] = product.parent_id
    document["_links"] = store.links(
        f"{above}/variations/{product.id}", f"{above}/variations", up=above
    )
    return document


def _dates(store: WooStore, product: Product) -> dict[str, Any]:
    site, gmt = store.clock.site, store.clock.gmt
    return {
        "date_created": site(product.created),
        "date_created_gmt": gmt(product.created),
        "date_modified": site(product.modified),
        "date_modified_gmt": gmt(product.modified),
    }


def _prices(store: WooStore, product: Product, children: list[Product]) -> dict[str, Any]:
    def money(amount: int | None) -> str:
        return "" if amount is None else show(amount, store.decimals)

    cheapest = min((c.price for c in children if c.price is not None), default=None)
    price = product.price if product.kind != "variable" else cheapest
    return {
        "price": money(price),
        "regular_price": money(product.regular),
        "sale_price": money(product.sale),
        **{name: product.extra.get(name) for name in _SALE_DATES},
        "on_sale": product.sale is not None or any(c.sale is not None for c in children),
    }


def _is_purchasable(product: Product, children: list[Product]) -> bool:
    has_price = product.price is not None or any(child.price is not None for child in children)
    return product.status == "publish" and has_price and product.kind not in ("external", "grouped")


def _files(product: Product) -> dict[str, Any]:
    return {
        "virtual": product.is_virtual,
        "downloadable": product.extra.get("downloadable", False),
        "downloads": product.extra.get("downloads", []),
        "download_limit": product.extra.get("download_limit", -1),
        "download_expiry": product.extra.get("download_expiry", -1),
    }


def _stock(store: WooStore, product: Product) -> dict[str, Any]:
    managed = manages(store, product)
    counted = store.products[product.parent_id] if managed == "parent" else product
    quantity = counted.stock if managed else None
    allows = counted.backorders != "no"
    return {
        "manage_stock": managed,
        "stock_quantity": quantity,
        "backorders": counted.backorders,
        "backorders_allowed": allows,
        "backordered": bool(managed) and allows and quantity is not None and quantity < 0,
        "low_stock_amount": product.extra.get("low_stock_amount"),
    }


def _status(store: WooStore, product: Product, children: list[Product]) -> str:
    managed = manages(store, product)
    if managed == "parent":
        return store.products[product.parent_id].stock_status
    if managed or not children:
        return product.stock_status
    statuses = {child.stock_status for child in children}
    return next(word for word in ("instock", "onbackorder", "outofstock") if word in statuses)


def _permalink(store: WooStore, product: Product) -> str:
    parent = store.products.get(product.parent_id)
    if product.kind != "variation" or parent is None:
        return f"{store.home_url}product/{product.slug}/"
    chosen = "&".join(
        f"attribute_{row['slug']}={quote(str(row['option']))}" for row in product.attributes
    )
    return f"{store.home_url}product/{parent.slug}/?{chosen}"


def _paragraphs(text: str) -> str:
    """As ``wpautop`` leaves a short text."""
    if not text:
        return ""
    return f"{text}\n" if text.startswith("<p>") else f"<p>{text}</p>\n"


def _price_html(store: WooStore, product: Product, children: list[Product]) -> str:
    entity = currency_facts(store.options.currency)[3]

    def amount(value: int, hidden: str = "") -> str:
        whole, _, rest = show(value, store.decimals).partition(".")
        shown = f"{int(whole):,}" + (f".{rest}" if rest else "")
        return (
            f'<span class="woocommerce-Price-amount amount"{hidden}><bdi>'
            f'<span class="woocommerce-Price-currencySymbol" translate="no">{entity}</span>'
            f"{shown}</bdi></span>"
        )

    prices = sorted(child.price for child in children if child.price is not None)
    if prices and prices[0] != prices[-1]:
        hidden = ' aria-hidden="true"'
        sign = currency_facts(store.options.currency)[3]
        low, high = (
            f"{sign}{value / MICRO:,.{store.decimals}f}" for value in (prices[0], prices[-1])
        )
        return (
            f"{amount(prices[0], hidden)} <span{hidden}>&ndash;</span> {amount(prices[-1], hidden)}"
            f'<span class="screen-reader-text">Price range: {low} through {high}</span>'
        )
    price = prices[0] if prices else product.price
    return "" if price is None else amount(price)


def _related(store: WooStore, product: Product) -> list[int]:
    """Up to five others of its category."""
    wanted = {row["id"] for row in product.categories}
    others = (
        other.id
        for other in store.products.values()
        if other.id != product.id
        and not other.parent_id
        and wanted.intersection(row["id"] for row in other.categories)
    )
    return list(islice(others, 5))


def _meta(row: Meta) -> dict[str, Any]:
    return {"id": row.id, "key": row.key, "value": row.value}

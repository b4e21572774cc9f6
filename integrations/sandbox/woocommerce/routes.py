"""The route table: every route the store answers, with its arguments, by version and plugins.

Held against the recorded route list of a real store by the tests. A handler is named by
"module.function" here and bound in ``app``; ``{id}`` stands for digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from integrations.sandbox.woocommerce.args import Arg, declared
from integrations.sandbox.woocommerce.money import CURRENCY_CODES

CORE_STATUSES = (
    "auto-draft",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
)
EDIT = ("POST", "PUT", "PATCH")
_POST_STATUS = "future|trash|draft|pending|private|publish"
_STOCK = "enum(instock|outofstock|onbackorder)"
_ABSENT_IN_OLD = frozenset(
    (
        "created_via", "manual_update", "global_unique_id", "brands", "brand", "image_size",
        "gallery_image_ids", "exclude_status", "include_status", "exclude_types", "include_types",
        "pos_products_only", "search_fields", "search_name_or_sku",
    )
)  # fmt: skip
_SINCE_5_8 = frozenset(("modified_after", "modified_before", "dates_are_gmt"))

CONTEXT = {"context": "enum(view|edit)=view"}
ORDER_BY = "date|id|include|title|slug|modified"
LISTED = CONTEXT | {
    "page": "integer=1 1..",
    "per_page": "integer=10 1..100",
    "search": "string",
    "after": "date-time",
    "before": "date-time",
    "exclude": "[integer]=[]",
    "include": "[integer]=[]",
    "offset": "integer",
    "order": "enum(asc|desc)=desc",
}
CRUD = LISTED | {
    "modified_after": "date-time",
    "modified_before": "date-time",
    "dates_are_gmt": "boolean=false",
    "orderby": f"enum({ORDER_BY})=date",
    "parent": "[integer]=[]",
    "parent_exclude": "[integer]=[]",
    "include_meta": "[string]=[]",
    "exclude_meta": "[string]=[]",
}
ORDER_CRUD = CRUD | {"dp": "integer={decimals}", "order_item_display_meta": "boolean=false"}
ORDERS = ORDER_CRUD | {
    "status": "[enum(any|trash|{statuses})]=any",
    "customer": "integer",
    "product": "integer",
    "created_via": "[string]",
}
ORDER_FIELDS = {
    "parent_id": "integer",
    "created_via": "string",
    "status": "enum({statuses})=pending",
    "currency": "enum({currencies})={currency}",
    "customer_id": "integer=0",
    "customer_note": "string",
    "billing": "object",
    "shipping": "object",
    "payment_method": "string",
    "payment_method_title": "string",
    "transaction_id": "string",
    "meta_data": "[object]",
    "line_items": "[object]",
    "shipping_lines": "[object]",
    "fee_lines": "[object]",
    "coupon_lines": "[object]",
    "set_paid": "boolean=false",
    "manual_update": "boolean=false",
}
NOTE_FIELDS = {
    "note": "string!",
    "customer_note": "boolean=false",
    "added_by_user": "boolean=false",
}
REFUND_FIELDS = {
    "amount": "string",
    "reason": "string",
    "refunded_by": "integer",
    "meta_data": "[object]",
    "shipping_lines": "[object]",
    "fee_lines": "[object]",
    "api_refund": "boolean=true",
    "api_restock": "boolean=true",
}
_PRODUCT_LIST = CRUD | {
    "slug": "string",
    "status": f"enum(any|{_POST_STATUS})=any",
    "sku": "string",
    "tax_class": "enum(standard|reduced-rate|zero-rate)",
    "on_sale": "boolean",
    "min_price": "string",
    "max_price": "string",
    "image_size": "string=full",
    "stock_status": _STOCK,
    "downloadable": "boolean",
    "virtual": "boolean",
    "pos_products_only": "boolean",
    "include_status": f"[enum(any|{_POST_STATUS})]",
    "exclude_status": f"[enum({_POST_STATUS})]",
}
_TYPES = "simple|grouped|external|variable"
PRODUCTS = _PRODUCT_LIST | {
    "orderby": f"enum({ORDER_BY}|popularity|rating|post__in|price|sales|menu_order|random"
    "|popularity|rating|menu_order|price|popularity|rating)=date",
    "brand": "string",
    "type": f"enum({_TYPES})",
    "featured": "boolean",
    "category": "string",
    "tag": "string",
    "shipping_class": "string",
    "attribute": "string",
    "attribute_term": "string",
    "search_sku": "string",
    "search_name_or_sku": "string",
    "search_fields": "[enum(name|global_unique_id|description|short_description|sku)]=[]",
    "include_types": f"[enum({_TYPES})]",
    "exclude_types": f"[enum({_TYPES})]",
}
VARIATIONS = _PRODUCT_LIST | {
    "orderby": f"enum({ORDER_BY}|menu_order)=date",
    "has_price": "boolean",
    "attributes": "[object]",
}
_SOLD = {
    "description": "string",
    "sku": "string",
    "global_unique_id": "string",
    "regular_price": "string",
    "sale_price": "string",
    "date_on_sale_from": "null|string",
    "date_on_sale_from_gmt": "null|string",
    "date_on_sale_to": "null|string",
    "date_on_sale_to_gmt": "null|string",
    "virtual": "boolean=false",
    "downloadable": "boolean=false",
    "downloads": "[object]",
    "download_limit": "integer=-1",
    "download_expiry": "integer=-1",
    "tax_status": "enum(taxable|shipping|none)=taxable",
    "tax_class": "string",
    "stock_quantity": "integer",
    "stock_status": f"{_STOCK}=instock",
    "backorders": "enum(no|notify|yes)=no",
    "low_stock_amount": "integer|null",
    "weight": "string",
    "dimensions": "object",
    "shipping_class": "string",
    "attributes": "[object]",
    "menu_order": "integer",
    "meta_data": "[object]",
}
PRODUCT_FIELDS = _SOLD | {
    "name": "string",
    "slug": "string",
    "date_created": "null|string",
    "date_created_gmt": "null|string",
    "type": f"enum({_TYPES})=simple",
    "status": "enum(draft|pending|private|publish|future|auto-draft|trash)=publish",
    "featured": "boolean=false",
    "catalog_visibility": "enum(visible|catalog|search|hidden)=visible",
    "short_description": "string",
    "external_url": "uri",
    "button_text": "string",
    "manage_stock": "boolean=false",
    "sold_individually": "boolean=false",
    "reviews_allowed": "boolean=true",
    "post_password": "string",
    "upsell_ids": "[integer]",
    "cross_sell_ids": "[integer]",
    "parent_id": "integer",
    "purchase_note": "string",
    "categories": "[object]",
    "brands": "[object]",
    "tags": "[object]",
    "images": "[object]",
    "default_attributes": "[object]",
}
VARIATION_FIELDS = _SOLD | {
    "status": "enum(draft|pending|private|publish)=publish",
    "manage_stock": "boolean|string=false",
    "image": "object",
    "gallery_image_ids": "[integer]",
}
WEBHOOKS = LISTED | {
    "orderby": "enum(date|id|title)=date",
    "status": "enum(all|active|paused|disabled)=all",
}
WEBHOOK_FIELDS = {
    "name": "string",
    "status": "enum(active|paused|disabled)=active",
    "topic": "string",
    "secret": "string",
}
WEBHOOK_NEW = WEBHOOK_FIELDS | {"topic": "string!", "delivery_url": "string!"}
DELETE = {"force": "boolean=false"}
FULFILLMENT_FIELDS = {
    "status": "string",
    "is_fulfilled": "boolean=false",
    "meta_data": "[object]",
    "notify_customer": "boolean=false",
}
TRACKING_FIELDS = {
    "tracking_provider": "string",
    "custom_tracking_provider": "string",
    "custom_tracking_link": "string",
    "tracking_number": "string",
    "date_shipped": "string",
}


def edited(fields: dict[str, str]) -> dict[str, str]:
    """The same fields for a change: nothing has a default, nothing is required."""
    return {name: spec.split("=")[0].removesuffix("!") for name, spec in fields.items()}


@dataclass(frozen=True, slots=True)
class Endpoint:
    methods: tuple[str, ...]
    handler: str
    args: dict[str, str]


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    endpoints: tuple[Endpoint, ...]
    namespace: str = "wc/v3"
    needs: str = ""


def _get(handler: str, args: dict[str, str]) -> Endpoint:
    return Endpoint(("GET",), handler, args)


def _post(handler: str, args: dict[str, str]) -> Endpoint:
    return Endpoint(("POST",), handler, args)


def _edit(handler: str, args: dict[str, str]) -> Endpoint:
    return Endpoint(EDIT, handler, args)


def _delete(handler: str, args: dict[str, str]) -> Endpoint:
    return Endpoint(("DELETE",), handler, args)


_ID = {"id": "integer"}
_OF_ORDER = {"order_id": "integer"}
_OF_PRODUCT = {"product_id": "integer"}
_NOTE_TYPE = {"type": "enum(any|customer|internal)=any"}
_IMAGE = {"image_size": "string=full"}
_TRACKED = "/orders/{order_id}/shipment-trackings"


def _crud(
    path: str,
    module: str,
    listed: dict[str, str],
    new: dict[str, str],
    changed: dict[str, str],
    above: dict[str, str] | None = None,
    shown: dict[str, str] | None = None,
) -> tuple[Route, ...]:
    above, one = above or {}, (above or {}) | _ID
    return (
        Route(
            path, (_get(f"{module}.index", above | listed), _post(f"{module}.create", above | new))
        ),
        Route(
            f"{path}/{{id}}",
            (
                _get(f"{module}.show", one | CONTEXT | (shown or {})),
                _edit(f"{module}.update", one | changed),
                _delete(f"{module}.delete", one | DELETE),
            ),
        ),
        Route(f"{path}/batch", (_edit(f"{module}.batch", above | changed),)),
    )


ROUTES: tuple[Route, ...] = (
    *_crud("/orders", "orders", ORDERS, ORDER_FIELDS, edited(ORDER_FIELDS)),
    Route("/orders/statuses", (_get("settings.statuses", {}),), needs="new"),
    Route(
        "/orders/{order_id}/notes",
        (
            _get("notes.index", _OF_ORDER | CONTEXT | _NOTE_TYPE),
            _post("notes.create", _OF_ORDER | NOTE_FIELDS),
        ),
    ),
    Route(
        "/orders/{order_id}/notes/{id}",
        (
            _get("notes.show", _ID | _OF_ORDER | CONTEXT),
            _delete("notes.delete", _ID | _OF_ORDER | DELETE),
        ),
    ),
    Route(
        "/orders/{order_id}/refunds",
        (
            _get("refunds.index", _OF_ORDER | ORDER_CRUD),
            _post("refunds.create", _OF_ORDER | REFUND_FIELDS),
        ),
    ),
    Route(
        "/orders/{order_id}/refunds/{id}",
        (
            _get("refunds.show", _OF_ORDER | _ID | CONTEXT),
            _delete("refunds.delete", _OF_ORDER | _ID | {"force": "boolean=true"}),
        ),
    ),
    Route("/refunds", (_get("refunds.index_all", ORDER_CRUD),), needs="new"),
    *_crud("/products", "products", PRODUCTS, PRODUCT_FIELDS, edited(PRODUCT_FIELDS), shown=_IMAGE),
    *_crud(
        "/products/{product_id}/variations",
        "variations",
        VARIATIONS,
        VARIATION_FIELDS,
        edited(VARIATION_FIELDS),
        _OF_PRODUCT,
        _IMAGE,
    ),
    Route("/variations", (_get("variations.index_all", VARIATIONS),), needs="new"),
    *_crud("/webhooks", "webhooks", WEBHOOKS, WEBHOOK_NEW, edited(WEBHOOK_FIELDS)),
    Route("/system_status", (_get("settings.system_status", {"context": "enum(view)=view"}),)),
    Route("/settings/(?P<group_id>[\\w-]+)", (_get("settings.group", {"group": "string"}),)),
    Route("/data", (_get("settings.data", {}),)),
    Route("/data/currencies/current", (_get("settings.currency", {}),)),
    Route(
        "/orders/{order_id}/fulfillments",
        (
            _get("fulfillments.index", _OF_ORDER),
            _post("fulfillments.create", _OF_ORDER | FULFILLMENT_FIELDS),
        ),
        needs="fulfillments",
    ),
    Route(
        "/orders/{order_id}/fulfillments/{fulfillment_id}",
        (
            _get("fulfillments.show", _OF_ORDER | {"fulfillment_id": "integer"}),
            _edit(
                "fulfillments.update",
                _OF_ORDER | {"fulfillment_id": "integer"} | FULFILLMENT_FIELDS,
            ),
            _delete(
                "fulfillments.delete",
                _OF_ORDER | {"fulfillment_id": "integer", "notify_customer": "boolean=false"},
            ),
        ),
        needs="fulfillments",
    ),
    *(
        route
        for plugin, namespace in (
            ("shipment_tracking", "wc-shipment-tracking/v3"),
            ("ast", "wc-ast/v3"),
        )
        for route in (
            Route(
                _TRACKED,
                (
                    _get("trackings.index", _OF_ORDER),
                    _post(
                        "trackings.create",
                        _OF_ORDER
                        | TRACKING_FIELDS
                        | (
                            {"status_shipped": "integer", "replace_tracking": "integer"}
                            if plugin == "ast"
                            else {}
                        ),
                    ),
                ),
                namespace,
                plugin,
            ),
            Route(
                f"{_TRACKED}/(?P<id>[a-fA-F0-9]{{32}})",
                (
                    _get("trackings.show", _OF_ORDER | {"id": "string"}),
                    _delete("trackings.delete", _OF_ORDER | {"id": "string"} | DELETE),
                ),
                namespace,
                plugin,
            ),
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Bound:
    """An endpoint of this store: its pattern and its arguments with the store's own words filled
    in.
    """

    route: Route
    methods: tuple[str, ...]
    handler: str
    args: dict[str, Arg]


@dataclass(frozen=True, slots=True)
class Surface:
    """What a store changes in the table. ``plugins`` are the tracking abilities that are switched
    on; ``ignores_modified`` is WooCommerce before 5.8.
    """

    is_new: bool
    plugins: frozenset[str]
    statuses: tuple[str, ...]
    currency: str
    decimals: int
    ignores_modified: bool = False


def wordpress_path(route: Route) -> str:
    """``/wc/v3/orders/(?P<id>[\\d]+)``, as the index spells it."""
    path = re.sub(r"\{(\w+)\}(?!\))", lambda found: f"(?P<{found[1]}>[\\d]+)", route.path)
    return f"/{route.namespace}{path}"


@lru_cache(maxsize=64)
def bound(surface: Surface) -> tuple[tuple[re.Pattern[str], Route, tuple[Bound, ...]], ...]:
    """The compiled table, literal paths before patterns."""
    rows = []
    for route in _routes(surface):
        pattern = re.compile(f"{wordpress_path(route)}/?", re.IGNORECASE)
        ends = tuple(
            Bound(route, end.methods, end.handler, _args(end.args, surface))
            for end in route.endpoints
        )
        rows.append((pattern, route, ends))
    rows.sort(key=lambda row: "(?P" in wordpress_path(row[1]).rsplit("/", 1)[-1])
    return tuple(rows)


def _routes(surface: Surface) -> Iterator[Route]:
    for route in ROUTES:
        if (
            not route.needs
            or (route.needs == "new" and surface.is_new)
            or route.needs in surface.plugins
        ):
            yield route


def _args(specs: dict[str, str], surface: Surface) -> dict[str, Arg]:
    filled = {}
    for name, spec in specs.items():
        if not surface.is_new and name in _ABSENT_IN_OLD:
            continue
        if surface.ignores_modified:
            if name in _SINCE_5_8:
                continue
            spec = spec.replace("|modified", "")
        spec = spec.replace("{statuses}", "|".join(surface.statuses))
        spec = spec.replace("{currencies}", "|".join(CURRENCY_CODES))
        spec = spec.replace("{currency}", surface.currency)
        filled[name] = declared(spec.replace("{decimals}", str(surface.decimals)))
    return filled


def index_document(surface: Surface, namespace: str | None, rest_url: Any) -> dict[str, Any]:
    """The ``routes`` object of an index answer; ``rest_url`` makes an address of a path. One
    namespace, or all.
    """
    routes: dict[str, Any] = {}
    for _, route, ends in bound(surface):
        if namespace is not None and route.namespace != namespace:
            continue
        path = wordpress_path(route)
        methods = list(dict.fromkeys(method for end in ends for method in end.methods))
        routes[path] = {
            "namespace": route.namespace,
            "methods": methods,
            "endpoints": [
                {
                    "methods": list(end.methods),
                    "args": {name: arg.document() for name, arg in end.args.items()} or [],
                }
                for end in ends
            ],
        }
        if "(?P" not in path:
            routes[path]["_links"] = {"self": [{"href": rest_url(path)}]}
    return routes

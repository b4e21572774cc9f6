"""``/products``: the list, one product, writes and batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from integrations.sandbox.woocommerce import product_writes
from integrations.sandbox.woocommerce.calls import Call, created, listed, ok, window
from integrations.sandbox.woocommerce.calls import batch as batched
from integrations.sandbox.woocommerce.models import Product
from integrations.sandbox.woocommerce.product_shapes import product_document
from integrations.sandbox.woocommerce.wire import Answer, Refused

_SORTS: dict[str, Callable[[Product], Any]] = {
    "id": lambda p: p.id,
    "title": lambda p: (p.name, p.id),
    "slug": lambda p: (p.slug, p.id),
    "modified": lambda p: (p.modified, p.id),
    "price": lambda p: (p.price or 0, p.id),
    "popularity": lambda p: (p.total_sales, p.id),
    "sales": lambda p: (p.total_sales, p.id),
    "menu_order": lambda p: (p.menu_order, p.name),
}


def invalid_id(status: int) -> Refused:
    return Refused("woocommerce_rest_product_invalid_id", "Invalid ID.", status)


def is_variation() -> Refused:
    return Refused(
        "woocommerce_rest_invalid_product_id",
        "To manipulate product variations you should use the "
        "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.",
        404,
    )


def select(call: Call, rows: list[Product]) -> tuple[list[Product], int]:
    """Those the arguments leave, one page of them in order, and how many in all."""
    args = call.args
    tests = _tests(call)
    found = [row for row in rows if all(fits(row) for fits in tests)]
    order_by = args["orderby"]
    if order_by in ("include", "post__in") and args.get("include"):
        place = {number: index for index, number in enumerate(args["include"])}
        found.sort(key=lambda p: place[p.id])
    else:
        key = _SORTS.get(order_by, lambda p: (p.created, p.id))
        found.sort(key=key, reverse=args["order"] == "desc")
    offset, limit = window(args)
    return found[offset : offset + limit], len(found)


def _tests(call: Call) -> list[Callable[[Product], bool]]:
    """What a product has to stand, of that which is asked for at all."""
    args = call.args
    asked: tuple[tuple[Callable[[dict[str, Any], Product], bool], tuple[str, ...]], ...] = (
        (_fits_ids, ("include", "exclude", "parent", "parent_exclude")),
        (_fits_statuses, ("include_status", "exclude_status")),
        (_fits_kind, _KINDS),
        (_fits_sku, ("search_sku", "sku")),
        (_fits_search, ("search_name_or_sku", "search")),
        (_fits_prices, ("on_sale",)),
    )
    tests: list[Callable[[Product], bool]] = [partial(_fits_status, args.get("status", "any"))]
    tests += [
        partial(fits, args)
        for fits, names in asked
        if any(args.get(name) not in (None, "", [], ()) for name in names)
    ]
    if spans := _spans(call):
        tests.append(partial(_fits_dates, spans))
    return tests


def _fits_status(wanted: str, product: Product) -> bool:
    return product.status == wanted or (
        wanted == "any" and product.status not in ("trash", "auto-draft")
    )


def _fits_ids(args: dict[str, Any], product: Product) -> bool:
    if args.get("include") and product.id not in args["include"]:
        return False
    if product.id in args.get("exclude", ()):
        return False
    if args.get("parent") and product.parent_id not in args["parent"]:
        return False
    return not product.parent_id or product.parent_id not in args.get("parent_exclude", ())


def _fits_statuses(args: dict[str, Any], product: Product) -> bool:
    listed_ = args.get("include_status")
    if listed_ and "any" not in listed_ and product.status not in listed_:
        return False
    return product.status not in (args.get("exclude_status") or ())


_KINDS = (
    "type",
    "include_types",
    "exclude_types",
    "stock_status",
    "virtual",
    "tax_class",
    "slug",
    "category",
)


def _fits_kind(args: dict[str, Any], product: Product) -> bool:
    if args.get("type") and product.kind != args["type"]:
        return False
    if args.get("include_types") and product.kind not in args["include_types"]:
        return False
    if product.kind in (args.get("exclude_types") or ()):
        return False
    if args.get("stock_status") and product.stock_status != args["stock_status"]:
        return False
    if args.get("virtual") is not None and product.is_virtual is not args["virtual"]:
        return False
    if args.get("tax_class") and (product.tax_class or "standard") != args["tax_class"]:
        return False
    if args.get("slug") and product.slug != args["slug"]:
        return False
    if args.get("category"):
        ids = {str(row["id"]) for row in product.categories}
        return bool(ids.intersection(args["category"].split(",")))
    return True


def _fits_sku(args: dict[str, Any], product: Product) -> bool:
    """A list of codes, each as a whole."""
    if args.get("search_sku") and args["search_sku"].casefold() not in product.sku.casefold():
        return False
    if not args.get("sku"):
        return True
    return product.sku in [code.strip() for code in args["sku"].split(",")]


def _fits_search(args: dict[str, Any], product: Product) -> bool:
    either = args.get("search_name_or_sku")
    if either and either.casefold() not in f"{product.name} {product.sku}".casefold():
        return False
    text = (args.get("search") or "").casefold()
    return all(
        word in f"{product.name} {product.summary} {product.description}".casefold()
        for word in text.split()
    )


Span = tuple[str, int | None, int | None]


def _spans(call: Call) -> list[Span]:
    """Moment, after, before; of those that are bounded."""
    args, gmt = call.args, bool(call.args.get("dates_are_gmt"))

    def bound(name: str) -> int | None:
        return call.store.clock.read(args[name], is_gmt=gmt) if args.get(name) else None

    spans: list[Span] = [("created", bound("after"), bound("before"))]
    if not call.store.options.ignores_modified:
        spans.append(("modified", bound("modified_after"), bound("modified_before")))
    return [span for span in spans if span[1:] != (None, None)]


def _fits_dates(spans: list[Span], product: Product) -> bool:
    for name, after, before in spans:
        moment = getattr(product, name)
        if after is not None and moment <= after:
            return False
        if before is not None and moment >= before:
            return False
    return True


def _fits_prices(args: dict[str, Any], product: Product) -> bool:
    return (product.sale is not None) is args["on_sale"]


def index(call: Call) -> Answer:
    rows, total = select(call, [p for p in call.store.products.values() if not p.parent_id])
    return listed(call, [product_document(call.store, row) for row in rows], total)


def show(call: Call) -> Answer:
    """Also of a variation, with type ``variation``."""
    product = call.found(call.store.products.get(call.number), invalid_id(404))
    return ok(product_document(call.store, product))


def create(call: Call) -> Answer:
    if call.number:
        raise Refused("woocommerce_rest_product_exists", "Cannot create existing product.", 400)
    product = product_writes.create(call.store, call.args)
    return created(call, product_document(call.store, product, edits=True))


def update(call: Call) -> Answer:
    product = call.found(call.store.products.get(call.number), invalid_id(400))
    if product.parent_id:
        raise is_variation()
    product = product_writes.update(call.store, product, call.args)
    return ok(product_document(call.store, product, edits=True))


def delete(call: Call) -> Answer:
    """The answer shows the product as it was; a variable one takes its variations along."""
    product = call.found(call.store.products.get(call.number), invalid_id(404))
    if product.parent_id:
        raise is_variation()
    document = product_document(call.store, product, edits=True)
    if call.args.get("force"):
        product_writes.delete(call.store, product)
        return ok(document)
    if product.status == "trash":
        raise Refused(
            "woocommerce_rest_already_trashed", "The product has already been deleted.", 410
        )
    product_writes.trash(call.store, product)
    return ok(document)


def batch(call: Call) -> Answer:
    return batched(call, create, update, delete)

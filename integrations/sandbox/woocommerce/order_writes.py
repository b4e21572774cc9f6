"""A client's order into the store: lines, addresses, meta data, status.

Source: includes/rest-api/Controllers/Version3/class-wc-rest-orders-controller.php and Version2.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from integrations.sandbox.woocommerce import drafts, selling, stocking
from integrations.sandbox.woocommerce.models import (
    CouponLine,
    FeeLine,
    Line,
    Meta,
    Order,
    ShippingLine,
)
from integrations.sandbox.woocommerce.money import read_amount
from integrations.sandbox.woocommerce.orderbook import TRASH
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.totals import totals
from integrations.sandbox.woocommerce.wire import Refused

COUPONS = {"herbst10": 10}
"""The coupons of the invented store: code → percent off."""

_PLAIN = {
    "parent_id": "parent_id",
    "customer_id": "customer_id",
    "customer_note": "customer_note",
    "payment_method": "payment_method",
    "payment_method_title": "payment_title",
    "transaction_id": "transaction_id",
    "currency": "currency",
    "created_via": "created_via",
}
_RECOUNTS = ("billing", "shipping", "line_items", "shipping_lines", "fee_lines", "coupon_lines")
_NULLED = ("product_id", "method_id", "method_title", "name", "code")


def create(store: WooStore, body: dict[str, Any]) -> Order:
    with store.working():
        order = drafts.blank_order(store, "rest-api")
        _fill(store, order, body)
        drafts.recount(store, order)
        _apply_coupons(store, order, body)
        store.save_order(order, "created")
        _move(store, order, body, is_new=True)
        store.save_order(order)
        return order


def update(store: WooStore, order: Order, body: dict[str, Any]) -> Order:
    """The order as it is now. Raises Refused; what was read before stays as it was then."""
    with store.working():
        draft = copy.deepcopy(order)
        _fill(store, draft, body)
        if any(body.get(name) is not None for name in _RECOUNTS):
            drafts.recount(store, draft)
        _apply_coupons(store, draft, body)
        _move(store, draft, body, is_new=False)
        store.save_order(draft)
        return draft


def _fill(store: WooStore, order: Order, body: dict[str, Any]) -> None:
    _check_customer(store, body.get("customer_id"))
    for name, attribute in _PLAIN.items():
        if body.get(name) is not None and (name != "created_via" or store.is_new):
            setattr(order, attribute, body[name])
    for name in ("billing", "shipping"):
        address = getattr(order, name)
        for part, value in (body.get(name) or {}).items():
            if part in address:
                address[part] = "" if value is None else str(value)
    for name, write in _ITEMS.items():
        for item in body.get(name) or []:
            write(store, order, item)
    for row in body.get("meta_data") or []:
        if row.get("key") is not None:
            drafts.write_meta(
                store, order.meta, str(row["key"]), row.get("value"), int(row.get("id") or 0)
            )


def _check_customer(store: WooStore, customer_id: Any) -> None:
    """The seed's regulars have the ids from 2 on; 1 is the merchant."""
    if customer_id and not 0 < int(customer_id) < 2 + max(1, store.options.orders // 6):
        raise Refused("woocommerce_rest_invalid_customer_id", "Customer ID is invalid.", 400)


def _move(store: WooStore, order: Order, body: dict[str, Any], *, is_new: bool) -> None:
    status = body.get("status")
    if status:
        known = (*store.surface.statuses, TRASH)
        selling.transition(store, order, status if status in known else "pending")
    unpaid = order.status in ("pending", "failed") and totals(order, store.decimals).total > 0
    if body.get("set_paid") is True and (is_new or unpaid):
        order.transaction_id = body.get("transaction_id") or order.transaction_id
        if order.status in ("pending", "failed", "on-hold", "cancelled"):
            paid = "processing" if store.needs_processing(order) else "completed"
            selling.transition(store, order, paid)
        order.paid = order.paid or store.clock.now()


# -- items -------------------------------------------------------------------------------------


def _is_removed(item: dict[str, Any]) -> bool:
    return item.get("quantity") == 0 or any(name in item and item[name] is None for name in _NULLED)


def _own(rows: list[Any], item: dict[str, Any]) -> Any:
    """The row an item names by id, None for a new one. Raises Refused for another order's."""
    if not item.get("id"):
        return None
    row = next((row for row in rows if row.id == int(item["id"])), None)
    if row is None:
        raise Refused(
            "woocommerce_rest_invalid_item_id",
            "Order item ID provided is not associated with order.",
            400,
        )
    return row


def _write_line(store: WooStore, order: Order, item: dict[str, Any]) -> None:
    line = _own(order.lines, item)
    if _is_removed(item):
        if line is not None:
            drafts.change_quantity(store, order, line.id, 0)
        return
    if line is None:
        line = _new_line(store, order, item)
        order.lines.append(line)
    elif "quantity" in item:
        # Totals stay as they are unless sent, in the core too.
        line.quantity = int(item["quantity"])
        stocking.adjust(store, line, line.quantity)
    line.name = item.get("name", line.name)
    line.tax_class = item.get("tax_class", line.tax_class)
    _write_amounts(line, item, "subtotal", "total")
    line.subtotal = max(line.subtotal, line.total)
    _write_item_meta(store, line.meta, item)


def _new_line(store: WooStore, order: Order, item: dict[str, Any]) -> Line:
    """A product nobody knows makes a line without product, name or price: the core takes it."""
    quantity = int(item.get("quantity", 1))
    if item.get("sku"):
        number = next((p.id for p in store.products.values() if p.sku == item["sku"]), 0)
    else:
        number = int(item.get("variation_id") or item.get("product_id") or 0)
        if not number:
            raise Refused(
                "woocommerce_rest_required_product_reference",
                "Product ID or SKU is required.",
                400,
            )
    product = store.products.get(number)
    if product is None:
        return Line(store.ids.next("item"), "", 0, 0, quantity, 0, 0)
    parent = product.parent_id
    return drafts.new_line(store, order, parent or number, number if parent else 0, quantity)


def _write_shipping(store: WooStore, order: Order, item: dict[str, Any]) -> None:
    row = _own(order.shipping_lines, item)
    if _is_removed(item):
        if row is not None:
            order.shipping_lines.remove(row)
        return
    if row is None:
        if not item.get("method_id"):
            raise Refused(
                "woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.", 400
            )
        row = ShippingLine(store.ids.next("item"), "", str(item["method_id"]), "", 0)
        order.shipping_lines.append(row)
    row.title = item.get("method_title", row.title)
    row.method_id = item.get("method_id", row.method_id)
    row.instance_id = str(item.get("instance_id", row.instance_id))
    _write_amounts(row, item, "total")
    _write_item_meta(store, row.meta, item)


def _write_fee(store: WooStore, order: Order, item: dict[str, Any]) -> None:
    row = _own(order.fee_lines, item)
    if _is_removed(item):
        if row is not None:
            order.fee_lines.remove(row)
        return
    if row is None:
        if not item.get("name"):
            raise Refused("woocommerce_rest_invalid_fee_item", "Fee name is required.", 400)
        row = FeeLine(store.ids.next("item"), str(item["name"]), 0)
        order.fee_lines.append(row)
    row.name = item.get("name", row.name)
    row.tax_class = item.get("tax_class", row.tax_class)
    row.tax_status = item.get("tax_status", row.tax_status)
    _write_amounts(row, item, "total")
    _write_item_meta(store, row.meta, item)


_ITEMS: dict[str, Callable[[WooStore, Order, dict[str, Any]], None]] = {
    "line_items": _write_line,
    "shipping_lines": _write_shipping,
    "fee_lines": _write_fee,
}


def _write_amounts(row: Any, item: dict[str, Any], *names: str) -> None:
    for name in names:
        if item.get(name) is not None:
            try:
                setattr(row, name, read_amount(item[name]))
            except ValueError:
                setattr(row, name, 0)


def _write_item_meta(store: WooStore, rows: list[Meta], item: dict[str, Any]) -> None:
    for row in item.get("meta_data") or []:
        if row.get("key") is not None:
            drafts.write_meta(
                store, rows, str(row["key"]), row.get("value"), int(row.get("id") or 0)
            )


def _apply_coupons(store: WooStore, order: Order, body: dict[str, Any]) -> None:
    """The sent coupons replace those there were."""
    if body.get("coupon_lines") is None:
        return
    codes = []
    for item in body["coupon_lines"]:
        if item.get("id"):
            raise Refused(
                "woocommerce_rest_coupon_item_id_readonly", "Coupon item ID is readonly.", 400
            )
        code = str(item.get("code") or "").strip().lower()
        if not code:
            raise Refused("woocommerce_rest_invalid_coupon", "Coupon code is required.", 400)
        if code not in COUPONS:
            raise Refused(
                "woocommerce_rest_invalid_coupon", f'Coupon "{code}" does not exist!', 400
            )
        codes.append(code)
    order.coupon_lines = []
    percent = sum(COUPONS[code] for code in codes)
    for line in order.lines:
        line.total = line.subtotal * (100 - percent) // 100
    drafts.recount(store, order)
    sums = totals(order, store.decimals)
    for code in codes:
        row = CouponLine(
            store.ids.next("item"),
            code,
            sums.discount * COUPONS[code] // percent,
            sums.discount_tax * COUPONS[code] // percent,
            nominal=COUPONS[code],
        )
        order.coupon_lines.append(row)

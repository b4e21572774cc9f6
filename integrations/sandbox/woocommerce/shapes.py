"""What an answer shows of an order, refund or note: keys, order and types as recorded from real
stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.woocommerce.models import (
    CouponLine,
    FeeLine,
    Line,
    Meta,
    Note,
    Order,
    Refund,
    ShippingLine,
    Tax,
    TaxLine,
)
from integrations.sandbox.woocommerce.money import as_number, currency_facts, plain, show
from integrations.sandbox.woocommerce.totals import (
    RATE_BY_ID,
    price_of,
    subtotal_tax_of,
    tax_of,
    totals,
)

if TYPE_CHECKING:
    from integrations.sandbox.woocommerce.store import WooStore

_EDITABLE = frozenset({"pending", "on-hold", "auto-draft", "failed"})


def order_document(store: WooStore, order: Order, dp: int | None = None) -> dict[str, Any]:
    """``dp``: decimals of printed amounts, the store's own when None."""
    dp = store.decimals if dp is None else dp
    sums = totals(order, store.decimals)
    site, gmt = store.clock.site, store.clock.gmt
    home = store.home_url
    document: dict[str, Any] = {
        "id": order.id,
        "parent_id": order.parent_id,
        "status": order.status,
        "currency": order.currency,
        "version": order.version,
        "prices_include_tax": order.prices_include_tax,
        "date_created": site(order.created),
        "date_modified": site(order.modified),
        "discount_total": show(sums.discount, dp),
        "discount_tax": show(sums.discount_tax, dp),
        "shipping_total": show(sums.shipping, dp),
        "shipping_tax": show(sums.shipping_tax, dp),
        "cart_tax": show(sums.cart_tax, dp),
        "total": show(sums.total, dp),
        "total_tax": show(sums.total_tax, dp),
        "customer_id": order.customer_id,
        "order_key": order.order_key,
        "billing": dict(order.billing),
        "shipping": dict(order.shipping),
        "payment_method": order.payment_method,
        "payment_method_title": order.payment_title,
        "transaction_id": order.transaction_id,
        "customer_ip_address": order.ip,
        "customer_user_agent": order.user_agent,
        "created_via": order.created_via,
        "customer_note": order.customer_note,
        "date_completed": site(order.completed),
        "date_paid": site(order.paid),
        "cart_hash": order.cart_hash,
        "number": order.number or str(order.id),
        "meta_data": [_meta(row) for row in order.meta],
        "line_items": [line_document(store, row, dp) for row in order.lines],
        "tax_lines": [_tax_line(store, row, dp) for row in order.tax_lines],
        "shipping_lines": [_shipping_line(row, dp) for row in order.shipping_lines],
        "fee_lines": [_fee_line(row, dp) for row in order.fee_lines],
        "coupon_lines": [_coupon_line(row, dp) for row in order.coupon_lines],
        "refunds": [_refund_row(store, row, dp) for row in order.refunds],
        "payment_url": (
            f"{home}checkout/order-pay/{order.id}/?pay_for_order=true&key={order.order_key}"
        ),
        "is_editable": order.status in _EDITABLE,
        "needs_payment": order.status in ("pending", "failed") and sums.total > 0,
        "needs_processing": store.needs_processing(order),
        "date_created_gmt": gmt(order.created),
        "date_modified_gmt": gmt(order.modified),
        "date_completed_gmt": gmt(order.completed),
        "date_paid_gmt": gmt(order.paid),
        "currency_symbol": currency_facts(order.currency)[2],
        "_links": store.links(f"/wc/v3/orders/{order.id}", "/wc/v3/orders"),
    }
    links = document["_links"]
    if store.is_new:
        href = store.rest_url(f"/wc/v3/orders/{order.id}/actions/email_templates")
        links["email_templates"] = [{"embeddable": True, "href": href}]
    if order.customer_id:
        links["customer"] = [{"href": store.rest_url(f"/wc/v3/customers/{order.customer_id}")}]
    if order.parent_id:
        links["up"] = [{"href": store.rest_url(f"/wc/v3/orders/{order.parent_id}")}]
    return document


def line_document(store: WooStore, line: Line, dp: int) -> dict[str, Any]:
    product = store.sold(line)
    is_variation = product is not None and bool(product.parent_id)
    image: Any = 0 if product is None or is_variation else ""
    document: dict[str, Any] = {
        "id": line.id,
        "name": line.name,
        "product_id": line.product_id if line.product_id in store.products else 0,
        "variation_id": line.variation_id if line.variation_id in store.products else 0,
        "quantity": line.quantity,
        "tax_class": line.tax_class,
        "subtotal": show(line.subtotal, dp),
        "subtotal_tax": show(subtotal_tax_of(line), dp),
        "total": show(line.total, dp),
        "total_tax": show(tax_of(line), dp),
        "taxes": [_tax(row) for row in line.taxes],
        "meta_data": [_line_meta(row) for row in line.meta],
        "sku": line.sku if line.sku is not None else product.sku if product else None,
    }
    if store.is_new:
        document["global_unique_id"] = product.gtin if product else None
    document["price"] = as_number(price_of(line))
    document["image"] = {"id": image, "src": ""}
    parent = store.products.get(product.parent_id) if product and is_variation else None
    document["parent_name"] = parent.name if parent else None
    return document


def refund_document(
    store: WooStore, order: Order, refund: Refund, dp: int | None = None
) -> dict[str, Any]:
    dp = store.decimals if dp is None else dp
    path = f"/wc/v3/orders/{order.id}"
    document: dict[str, Any] = {
        "id": refund.id,
        "date_created": store.clock.site(refund.created),
        "date_created_gmt": store.clock.gmt(refund.created),
        "amount": show(refund.amount, dp),
        "reason": refund.reason,
        "refunded_by": refund.by,
        "refunded_payment": refund.is_paid_back,
        "meta_data": [_meta(row) for row in refund.meta],
        "line_items": [line_document(store, row, dp) for row in refund.lines],
    }
    if store.is_new:
        document |= {"shipping_lines": [], "tax_lines": [], "fee_lines": []}
    document["_links"] = store.links(
        f"{path}/refunds/{refund.id}", f"{path}/refunds", up=path, allow=("GET", "DELETE")
    )
    return document


def note_document(store: WooStore, order: Order, note: Note) -> dict[str, Any]:
    path = f"/wc/v3/orders/{order.id}"
    return {
        "id": note.id,
        "author": note.author,
        "date_created": store.clock.site(note.created),
        "date_created_gmt": store.clock.gmt(note.created),
        "note": note.text,
        "customer_note": note.to_customer,
        "_links": store.links(
            f"{path}/notes/{note.id}", f"{path}/notes", up=path, allow=("GET", "DELETE")
        ),
    }


def _meta(row: Meta) -> dict[str, Any]:
    return {"id": row.id, "key": row.key, "value": row.value}


def _line_meta(row: Meta) -> dict[str, Any]:
    return _meta(row) | {"display_key": row.label or row.key, "display_value": row.value}


def _tax(row: Tax) -> dict[str, Any]:
    return {
        "id": row.rate_id,
        "total": plain(row.total),
        "subtotal": "" if row.subtotal is None else plain(row.subtotal),
    }


def _tax_line(store: WooStore, row: TaxLine, dp: int) -> dict[str, Any]:
    rate = RATE_BY_ID[row.rate_id]
    return {
        "id": row.id,
        "rate_code": rate.code,
        "rate_id": rate.id,
        "label": rate.label,
        "compound": rate.is_compound,
        "tax_total": show(row.total, dp),
        "shipping_tax_total": show(row.shipping, dp),
        "rate_percent": as_number(rate.percent),
        "meta_data": [],
    }


def _shipping_line(row: ShippingLine, dp: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "method_title": row.title,
        "method_id": row.method_id,
        "instance_id": row.instance_id,
        "total": show(row.total, dp),
        "total_tax": show(tax_of(row), dp),
        "taxes": [_tax(tax) for tax in row.taxes],
        "tax_status": "taxable",
        "meta_data": [_line_meta(meta) for meta in row.meta],
    }


def _fee_line(row: FeeLine, dp: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "tax_class": row.tax_class,
        "tax_status": row.tax_status,
        "amount": show(row.total, dp),
        "total": show(row.total, dp),
        "total_tax": show(tax_of(row), dp),
        "taxes": [_tax(tax) for tax in row.taxes],
        "meta_data": [_line_meta(meta) for meta in row.meta],
    }


def _coupon_line(row: CouponLine, dp: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "code": row.code,
        "discount": show(row.discount, dp),
        "discount_tax": show(row.discount_tax, dp),
        "meta_data": [_line_meta(meta) for meta in row.meta],
        "discount_type": row.kind,
        "nominal_amount": as_number(row.nominal),
        "free_shipping": row.free_shipping,
    }


def _refund_row(store: WooStore, row: Refund, dp: int) -> dict[str, Any]:
    document = {"id": row.id, "reason": row.reason, "total": f"-{show(row.amount, dp)}"}
    if store.is_new:
        document["total_tax"] = show(sum(tax_of(line) for line in row.lines), dp)
    return document

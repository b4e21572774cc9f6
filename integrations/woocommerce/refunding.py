"""Refunding an order, once: look among its refunds first, then make one.

WooCommerce names the items that go back, shipping lines among them, each with its net amount and
its tax by rate; the amount of the whole may be another. Nothing is put back on sale: stock is
counted in Logix. Source: includes/wc-order-functions.php, wc_create_refund, and
includes/rest-api/Controllers/Version3/class-wc-rest-order-refunds-controller.php, 8.9 and 11.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from integrations.errors import Rejected
from integrations.woocommerce import shapes
from integrations.woocommerce.client import WooClient
from integrations.woocommerce.mapper import GONE
from integrations.woocommerce.shapes import Rows, Scalar
from integrations.woocommerce.values import ZERO, ident, money, text
from logix.common.amounts import money as written
from logix.common.amounts import places_of
from orders.data import RefundOrder, is_marked, marked


class _Tax(Struct):
    id: Scalar = None
    total: Scalar = "0"


class _Item(Struct):
    """A line of goods, or of shipping, with its taxes by rate."""

    id: Scalar = None
    total: Scalar = "0"
    taxes: Rows[_Tax] = None


class _Order(Struct):
    status: Scalar = ""
    line_items: Rows[_Item] = None
    shipping_lines: Rows[_Item] = None
    refunds: Rows[shapes.RefundSummary] = None


def refund(client: WooClient, order_id: str, told: RefundOrder, *, reference: str) -> bool:
    """True when the store was changed, False when it had the refund already. Raises Rejected for an
    order in the trash, and where WooCommerce or the gateway refuse.
    """
    order = shapes.decode(client.order(order_id).body, _Order)
    if order.status == GONE:
        raise Rejected(
            "The order lies in the store's trash. Restore it there, or settle it here.",
            code="in_trash",
        )
    refunds = shapes.rows(order.refunds, "$.refunds")
    if any(is_marked(text(row.reason), reference) for row in refunds):
        return False
    client.add_refund(order_id, _body(order, told, reference))
    return True


def _body(order: _Order, told: RefundOrder, reference: str) -> dict[str, Any]:
    places = places_of(told.currency)
    lines = {ident(row.id): row for row in shapes.rows(order.line_items, "$.line_items")}
    items = [
        _item(row.line_external_id, row.quantity, row.amount, row.tax, lines, places)
        for row in told.lines
    ]
    return {
        "amount": written(told.amount, places),
        "reason": marked(told.reason, reference),
        "api_refund": told.moves_money,
        "api_restock": False,
        "line_items": [*items, *_shipping(order, told, places)],
    }


def _item(
    item_id: str,
    quantity: int,
    net: Decimal,
    tax: Decimal,
    known: Mapping[str, _Item],
    places: int,
) -> dict[str, Any]:
    taxes = shapes.rows(known[item_id].taxes, "$.taxes") if item_id in known else ()
    rates = [rate for rate in taxes if ident(rate.id)]
    weights = [money(rate.total, "$.taxes.total") for rate in rates]
    return {
        "id": int(item_id),
        "quantity": quantity,
        "refund_total": written(net, places),
        "refund_tax": [
            {"id": int(ident(rate.id)), "refund_total": written(part, places)}
            for rate, part in zip(rates, _divided(tax, weights, places), strict=True)
        ],
    }


def _shipping(order: _Order, told: RefundOrder, places: int) -> Iterator[dict[str, Any]]:
    """Over the shipping lines, by what each cost."""
    rows = shapes.rows(order.shipping_lines, "$.shipping_lines")
    if not told.shipping or not rows:
        return
    known = {ident(row.id): row for row in rows}
    weights = [money(row.total, "$.shipping_lines.total") for row in rows]
    nets = _divided(told.shipping - told.shipping_tax, weights, places)
    taxes = _divided(told.shipping_tax, weights, places)
    for item_id, net, tax in zip(known, nets, taxes, strict=True):
        yield _item(item_id, 0, net, tax, known, places)


def _divided(whole: Decimal, weights: Sequence[Decimal], places: int) -> list[Decimal]:
    """In proportion; the last part takes what rounding left."""
    among = sum(weights, ZERO)
    parts = [round(whole * weight / among, places) if among else ZERO for weight in weights[:-1]]
    return [*parts, whole - sum(parts, ZERO)] if weights else []

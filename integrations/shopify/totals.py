"""What an order comes to, and what of that its parts do not explain. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from integrations.shopify import shapes
from integrations.shopify.charges import parts, shipping
from integrations.shopify.money import amount, gone_units, sum_of
from integrations.shopify.values import ZERO, smallest
from orders.data import ChargeData, ChargeKind, LineData


def total(order: shapes.Order) -> Decimal:
    """What the order is worth before refunds. An edit may have taken units away, which the total
    "before returns" still holds; then what is left and what was refunded of it add up to it.
    """
    if not _is_cut(order):
        return amount(order.total_price_set, "$.totalPriceSet")
    left = amount(order.current_total_price_set, "$.currentTotalPriceSet")
    refunded = sum_of(_goods(order, refund) for refund in order.refunds)
    return left + refunded + _shipping_refunded(order) + _duties_refunded(order)


def tax_total(
    order: shapes.Order, lines: Sequence[LineData], known: Sequence[ChargeData]
) -> Decimal:
    """The tax in ``total``."""
    if not _is_cut(order):
        return amount(order.total_tax_set, "$.totalTaxSet")
    return sum_of(x.tax for x in lines) + sum_of(c.tax for c in known)


def rounding(
    whole: Decimal, lines: Sequence[LineData], known: Sequence[ChargeData]
) -> list[ChargeData]:
    """What is missing between the parts and the store's total, made visible."""
    difference = whole - parts(lines, known)
    if not difference:
        return []
    return [ChargeData(kind=ChargeKind.ROUNDING, title="Rounding", amount=difference)]


def _is_cut(order: shapes.Order) -> bool:
    """Whether an edit took units away."""
    gone = gone_units(order)
    return any(x.quantity - x.current_quantity > gone[x.id] for x in order.line_items.nodes)


def _goods(order: shapes.Order, refund: shapes.Refund) -> Decimal:
    """What the refunded lines were worth."""
    found = ZERO
    for line in refund.refund_line_items.nodes:
        found += amount(line.subtotal_set, "$.refunds.refundLineItems.subtotalSet")
        if not order.taxes_included:
            found += amount(line.total_tax_set, "$.refunds.refundLineItems.totalTaxSet")
    return found


def _shipping_refunded(order: shapes.Order) -> Decimal:
    """With its tax."""
    charged = list(shipping(order))
    price = sum_of(c.amount + (c.tax if order.taxes_included else ZERO) for c in charged)
    gone = price - amount(order.current_shipping_price_set, "$.currentShippingPriceSet")
    if order.taxes_included or not (gone and price):
        return gone
    tax = sum_of(c.tax for c in charged)
    return gone + (tax * gone / price).quantize(smallest(order.currency_code))


def _duties_refunded(order: shapes.Order) -> Decimal:
    before = amount(order.original_total_duties_set, "$.originalTotalDutiesSet")
    now = order.current_total_duties_set
    return before - amount(now, "$.currentTotalDutiesSet") if now else ZERO

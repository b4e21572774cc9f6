"""An order of a store that rounds at the total: each amount is shown rounded, and was added up
unrounded. Pure.

With "round tax at subtotal level" (``woocommerce_tax_round_at_subtotal``) twelve lines of 2.50 with
0.475 tax each come to 35.70, and are shown as twelve times 2.98. Unrounded stand a line's ``price``
(its total by its quantity, a binary float) and the tax of each rate. Source: get_order_item_data of
class-wc-rest-orders-v2-controller.php and class-wc-cart-totals.php in woocommerce/woocommerce.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from integrations.kit.text import parse_money
from integrations.woocommerce import shapes
from integrations.woocommerce.values import ZERO
from orders.data import ChargeData, LineData


def parts(lines: Iterable[LineData], charges: Iterable[ChargeData]) -> Decimal:
    """What lines and charges come to."""
    found = sum((x.total + x.tax for x in lines), ZERO)
    return found + sum((c.amount + c.tax for c in charges if not c.informative), ZERO)


def explained(
    order: shapes.Order, total: Decimal, lines: tuple[LineData, ...], charges: list[ChargeData]
) -> tuple[tuple[LineData, ...], list[ChargeData]]:
    """Lines and charges as they are shown, unless they miss the total and come to it unrounded.
    "Come to it": they miss it by half as much at most, so that a cent that a plugin added is no
    reason.
    """
    missing = abs(total - parts(lines, charges))
    if not missing:
        return lines, charges
    step = Decimal(1).scaleb(total.as_tuple().exponent)  # type: ignore[arg-type]  # a number's
    exact = tuple(
        _line(told, line, step)
        for told, line in zip(shapes.rows(order.line_items, "$.line_items"), lines, strict=True)
    )
    taxes = _taxes_beside(order)
    beside = [
        charge if charge.informative else replace(charge, tax=_near(tax, charge.tax, step))
        for charge, tax in zip(charges, taxes, strict=False)
    ]
    beside += charges[len(beside) :]
    if 2 * abs(total - parts(exact, beside)) > missing:
        return lines, charges
    return exact, beside


def _line(told: shapes.LineItem, line: LineData, step: Decimal) -> LineData:
    total = _near(_amount(told.price) * line.quantity, line.total, step)
    return replace(
        line,
        subtotal=total if line.subtotal == line.total else line.subtotal,
        total=total,
        tax=_near(_sum(told.taxes), line.tax, step),
    )


def _taxes_beside(order: shapes.Order) -> Sequence[Decimal]:
    """Of shipping and fees, in the order of their charges."""
    found = []
    for rows, path in (
        (order.shipping_lines, "$.shipping_lines"),
        (order.fee_lines, "$.fee_lines"),
    ):
        found += [_sum(row.taxes) for row in shapes.rows(rows, path)]
    return found


def _near(exact: Decimal, shown: Decimal, step: Decimal) -> Decimal:
    """``exact`` where ``shown`` is its rounding; plugins leave other things there."""
    return round(exact, 6) if abs(exact - shown) * 2 <= step else shown


def _sum(told: shapes.Rows[shapes.TaxPart]) -> Decimal:
    return sum((_amount(part.total) for part in _rows(told)), ZERO)


def _rows(told: shapes.Rows[shapes.TaxPart]) -> Sequence[shapes.TaxPart]:
    return shapes.rows(told, "$.taxes") if isinstance(told, list | dict) else ()


def _amount(value: shapes.Scalar) -> Decimal:
    """0 for what is no amount: it is a second opinion, and then there is none."""
    try:
        return parse_money(value, rounded=True)
    except ValueError:
        return ZERO

"""What an order costs besides its lines: shipping, fees, duties, a tip; and what explains amounts
that are in them already: discounts, taxes by rate. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from integrations.shopify import shapes
from integrations.shopify.money import amount, sum_of, taxes
from integrations.shopify.values import ZERO, number_of, text
from orders.data import ChargeData, ChargeKind, LineData


def charges(order: shapes.Order, lines: Sequence[LineData], total: Decimal) -> list[ChargeData]:
    """Everything beside the lines. A tip is a charge, unless a line tells it already."""
    found = [*shipping(order), *_fees(order)]
    found += _duties(order, lines, found)
    found += _tip(order, lines, found, total)
    return [*found, *_discount(order), *_tax_rates(order)]


def parts(lines: Sequence[LineData], known: Sequence[ChargeData]) -> Decimal:
    """What lines and charges come to."""
    found = sum_of(x.total + x.tax for x in lines)
    return found + sum_of(c.amount + c.tax for c in known if not c.informative)


def shipping(order: shapes.Order) -> Iterator[ChargeData]:
    for number, told in enumerate(order.shipping_lines.nodes):
        path = f"$.shippingLines.nodes[{number}]"
        tax = sum_of(taxes(told.tax_lines, path))
        price = amount(told.discounted_price_set, f"{path}.discountedPriceSet")
        yield ChargeData(
            kind=ChargeKind.SHIPPING,
            external_id=number_of(told.id, f"{path}.id") if told.id else "",
            code=text(told.code, 80),
            title=text(told.title),
            amount=price - tax if order.taxes_included else price,
            tax=tax,
        )


def _fees(order: shapes.Order) -> Iterator[ChargeData]:
    for number, told in enumerate(order.additional_fees):
        path = f"$.additionalFees[{number}]"
        yield ChargeData(
            kind=ChargeKind.FEE,
            external_id=number_of(told.id, f"{path}.id"),
            title=text(told.name),
            amount=amount(told.price, f"{path}.price"),
            tax=sum_of(taxes(told.tax_lines, path)),
        )


def _duties(
    order: shapes.Order, lines: Sequence[LineData], known: Sequence[ChargeData]
) -> Iterator[ChargeData]:
    """Import duties. The tax on them is what the other parts leave of the order's tax."""
    duties = amount(order.original_total_duties_set, "$.originalTotalDutiesSet")
    if not duties:
        return
    whole = amount(order.total_tax_set, "$.totalTaxSet")
    others = sum_of(x.tax for x in lines) + sum_of(c.tax for c in known)
    yield ChargeData(
        kind=ChargeKind.FEE,
        code="duties",
        title="Duties",
        amount=duties,
        tax=ZERO if order.duties_included else max(ZERO, whole - others),
        informative=order.duties_included,
    )


def _tip(
    order: shapes.Order,
    lines: Sequence[LineData],
    known: Sequence[ChargeData],
    total: Decimal,
) -> Iterator[ChargeData]:
    tip = amount(order.total_tip_received_set, "$.totalTipReceivedSet")
    if tip:
        yield ChargeData(
            kind=ChargeKind.FEE,
            code="tip",
            title="Tip",
            amount=tip,
            informative=parts(lines, known) == total,
        )


def _discount(order: shapes.Order) -> Iterator[ChargeData]:
    """Already taken off lines and shipping; told so that people see why."""
    taken = amount(order.total_discounts_set, "$.totalDiscountsSet")
    if taken:
        codes = ", ".join(order.discount_codes)
        yield ChargeData(
            kind=ChargeKind.DISCOUNT,
            code=text(codes, 80),
            title=text(codes) or "Discount",
            amount=taken,
            informative=True,
        )


def _tax_rates(order: shapes.Order) -> Iterator[ChargeData]:
    """By name; the same money stands on the lines and charges."""
    for number, told in enumerate(order.tax_lines):
        yield ChargeData(
            kind=ChargeKind.TAX,
            code=text(told.title, 80),
            title=text(told.title),
            amount=amount(told.price_set, f"$.taxLines[{number}].priceSet"),
            informative=True,
        )

"""The money of an order: charges, payments, refunds, and the difference that nobody explains. Pure.

WooCommerce writes ``total`` of lines, shipping and fees after discounts and without tax, whatever
``prices_include_tax`` says; an order's total is the sum of those and of all their taxes. Source:
https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties, recorded orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from integrations.errors import ContractBroken
from integrations.woocommerce import shapes
from integrations.woocommerce.unrounded import parts
from integrations.woocommerce.values import (
    gmt,
    ident,
    meta_value,
    money,
    text,
    title,
    units,
)
from orders.data import (
    ChargeData,
    ChargeKind,
    LineData,
    PaymentData,
    PaymentKind,
    RefundData,
    RefundLineData,
)


def charges(order: shapes.Order) -> list[ChargeData]:
    return [*_added(order), *_coupons(order), *_taxes(order)]


def rounding(
    total: Decimal, lines: Sequence[LineData], known: Sequence[ChargeData]
) -> list[ChargeData]:
    """What is missing between the parts and the store's total, made visible. Nothing is absorbed:
    rounded lines differ by cents, a plugin that changes totals by more.
    """
    missing = total - parts(lines, known)
    if not missing:
        return []
    return [ChargeData(kind=ChargeKind.ROUNDING, title="Rounding", amount=missing)]


def payments(
    order: shapes.Order, total: Decimal, paid_at: datetime | None
) -> tuple[PaymentData, ...]:
    """WooCommerce keeps no payment records: an order with a paid date was paid in full."""
    if paid_at is None or total <= 0:
        return ()
    return (
        PaymentData(
            external_id="paid",
            kind=PaymentKind.CAPTURE,
            amount=total,
            method=text(order.payment_method_title or order.payment_method, 120),
            reference=text(order.transaction_id, 160),
            at=paid_at,
        ),
    )


def refunds(order: shapes.Order) -> tuple[RefundData, ...]:
    """The refunds an order names: sums without lines. Their total is negative there."""
    return in_order(
        RefundData(
            external_id=str(refund.id),
            amount=abs(money(refund.total, f"$.refunds[{number}].total")),
            reason=text(refund.reason),
        )
        for number, refund in enumerate(shapes.rows(order.refunds, "$.refunds"))
    )


def in_order(found: Iterable[RefundData]) -> tuple[RefundData, ...]:
    """Oldest first: the order and the list of refunds sort them differently."""
    return tuple(sorted(found, key=lambda refund: int(refund.external_id)))


def to_refund(raw: bytes) -> RefundData:
    """One refund with its lines, from ``/orders/{id}/refunds``. Quantities and line totals are
    negative there, ``amount`` is not. Raises ContractBroken.
    """
    refund = shapes.decode(raw, shapes.Refund)
    return RefundData(
        external_id=str(refund.id),
        amount=abs(money(refund.amount, "$.amount")),
        reason=text(refund.reason),
        created_at=gmt(refund.date_created_gmt, "$.date_created_gmt"),
        lines=tuple(_refund_lines(refund)),
    )


def currency(word: shapes.Scalar) -> str:
    """ISO 4217. Raises ContractBroken."""
    code = str(word).strip().upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise ContractBroken("The currency is not an ISO 4217 code.", path="$.currency")
    return code


def _refund_lines(refund: shapes.Refund) -> Iterator[RefundLineData]:
    for number, line in enumerate(shapes.rows(refund.line_items, "$.line_items")):
        path = f"$.line_items[{number}]"
        meta = shapes.rows(line.meta_data, f"{path}.meta_data")
        refunded = ident(meta_value(meta, "_refunded_item_id"))
        if refunded:
            yield RefundLineData(
                line_external_id=refunded,
                quantity=abs(units(line.quantity, f"{path}.quantity")),
                amount=abs(money(line.total, f"{path}.total")),
                tax=abs(money(line.total_tax, f"{path}.total_tax")),
            )


def _added(order: shapes.Order) -> Iterator[ChargeData]:
    """Shipping and fees. A fee may be negative: some plugins write discounts so."""
    for kind, lines, name in (
        (ChargeKind.SHIPPING, order.shipping_lines, "shipping_lines"),
        (ChargeKind.FEE, order.fee_lines, "fee_lines"),
    ):
        for number, line in enumerate(shapes.rows(lines, f"$.{name}")):
            path = f"$.{name}[{number}]"
            yield ChargeData(
                kind=kind,
                external_id=ident(line.id),
                code=text(line.method_id, 80),
                title=title(line.method_title or line.name),
                amount=money(line.total, f"{path}.total"),
                tax=money(line.total_tax, f"{path}.total_tax"),
            )


def _coupons(order: shapes.Order) -> Iterator[ChargeData]:
    """Already taken off the lines; told so that people see why."""
    for number, coupon in enumerate(shapes.rows(order.coupon_lines, "$.coupon_lines")):
        path = f"$.coupon_lines[{number}]"
        yield ChargeData(
            kind=ChargeKind.DISCOUNT,
            external_id=ident(coupon.id),
            code=text(coupon.code, 80),
            title=text(coupon.code),
            amount=money(coupon.discount, f"{path}.discount"),
            tax=money(coupon.discount_tax, f"{path}.discount_tax"),
            informative=True,
        )


def _taxes(order: shapes.Order) -> Iterator[ChargeData]:
    """By rate; the same money stands on the lines and charges."""
    for number, tax in enumerate(shapes.rows(order.tax_lines, "$.tax_lines")):
        path = f"$.tax_lines[{number}]"
        yield ChargeData(
            kind=ChargeKind.TAX,
            external_id=ident(tax.id),
            code=text(tax.rate_code, 80),
            title=text(tax.label),
            amount=money(tax.tax_total, f"{path}.tax_total")
            + money(tax.shipping_tax_total, f"{path}.shipping_tax_total"),
            informative=True,
        )

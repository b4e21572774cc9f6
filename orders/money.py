"""An order's money: the parts add up to the platform's total, or the difference is a visible
rounding line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orders.data import ChargeKind, OrderData, PaymentKind
from orders.models import Payment, Refund

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amounts:
    """``columns`` are the order's money columns; the rest decides the payment status."""

    columns: dict[str, Any]
    captured: Decimal
    authorized: Decimal
    refunded: Decimal


def amounts(data: OrderData, payments: Iterable[Payment], refunds: Iterable[Refund]) -> Amounts:
    """``payments`` and ``refunds`` are those already stored; what the answer tells replaces them by
    external id.
    """
    captured = _captured(data, payments, PaymentKind.CAPTURE)
    refunded = {r.external_id: r.amount for r in refunds}
    refunded.update((r.external_id, r.amount) for r in data.refunds)
    back = sum(refunded.values(), ZERO)
    by_kind = _by_kind(data)
    columns = {
        "total": data.total,
        "line_total": sum((x.total for x in data.lines), ZERO),
        "discount_total": by_kind[ChargeKind.DISCOUNT],
        "shipping_total": by_kind[ChargeKind.SHIPPING],
        "fee_total": by_kind[ChargeKind.FEE],
        "tax_total": data.tax_total,
        "rounding": by_kind[ChargeKind.ROUNDING],
        "paid_total": captured,
        "refunded_total": back,
        "prices_include_tax": data.prices_include_tax,
        "charges": [
            {
                "kind": c.kind,
                "code": c.code,
                "title": c.title,
                "amount": str(c.amount),
                "tax": str(c.tax),
                "informative": c.informative,
            }
            for c in data.charges
        ],
    }
    authorized = _captured(data, (), PaymentKind.AUTHORIZATION)
    return Amounts(columns, captured, authorized, back)


def _captured(data: OrderData, stored: Iterable[Payment], kind: PaymentKind) -> Decimal:
    found = {p.external_id: p.amount for p in stored if p.kind == kind}
    found.update((p.external_id, p.amount) for p in data.payments if p.kind is kind)
    return sum(found.values(), ZERO)


def _by_kind(data: OrderData) -> dict[ChargeKind, Decimal]:
    sums = dict.fromkeys(ChargeKind, ZERO)
    for charge in data.charges:
        sums[charge.kind] += charge.amount
    return sums


def unexplained(data: OrderData) -> Decimal:
    """Total less the sum of its parts; 0 when the order adds up."""
    parts = sum((x.total + x.tax for x in data.lines), ZERO)
    parts += sum((c.amount + c.tax for c in data.charges if not c.informative), ZERO)
    return data.total - parts

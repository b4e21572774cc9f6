"""An order's money: the parts add up to the platform's total, or the difference is a visible
rounding line; payments and refunds are those the store tells of now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from logix.common.ids import uuid7
from orders.data import (
    ChargeData,
    ChargeKind,
    LineData,
    OrderData,
    PaymentKind,
    RefundData,
    is_marked,
)
from orders.models import Payment, Refund, RefundRequest

ZERO = Decimal(0)
# What the money columns hold: 14 digits before the point. Checked here, as SQLite would keep more,
# and less by one, as it rounds to 15 digits and cannot give back what that makes longer.
_LIMIT = Decimal(10) ** 14 - 1
_NO_CHARGES = dict.fromkeys(ChargeKind, ZERO)

Row = dict[str, Any]
Stored = TypeVar("Stored", Payment, Refund)


@dataclass(frozen=True, slots=True)
class Amounts:
    """``columns`` are the order's money columns; the rest decides the payment status."""

    columns: Row
    captured: Decimal
    authorized: Decimal
    refunded: Decimal


@dataclass(slots=True)
class Rows:
    """Payments and refunds to write. What the store tells no longer is removed: an order is told
    whole. ``refunds_before`` are those that change, as they are stored. ``asked_here``: of the new
    refunds, by external id, those that were asked for here.
    """

    new_payments: list[Row] = field(default_factory=list)
    changed_payments: list[Row] = field(default_factory=list)
    removed_payments: list[Payment] = field(default_factory=list)
    new_refunds: list[Row] = field(default_factory=list)
    changed_refunds: list[Row] = field(default_factory=list)
    refunds_before: list[Refund] = field(default_factory=list)
    removed_refunds: list[Refund] = field(default_factory=list)
    asked_here: dict[str, RefundRequest] = field(default_factory=dict)


def amounts(data: OrderData) -> Amounts:
    """Raises ValueError or ArithmeticError where an amount is not a number that can be added."""
    charges = [*data.charges]
    difference = unexplained(data)
    if difference:
        charges.append(ChargeData(kind=ChargeKind.ROUNDING, title="Rounding", amount=difference))
    by_kind = dict(_NO_CHARGES)
    for charge in charges:
        by_kind[charge.kind] += charge.amount
    captured = _paid(data, PaymentKind.CAPTURE)
    refunded = sum((r.amount for r in data.refunds or ()), ZERO)
    columns = {
        "total": data.total,
        "line_total": sum((x.total for x in data.lines), ZERO),
        "discount_total": by_kind[ChargeKind.DISCOUNT],
        "shipping_total": by_kind[ChargeKind.SHIPPING],
        "fee_total": by_kind[ChargeKind.FEE],
        "tax_total": data.tax_total,
        "rounding": by_kind[ChargeKind.ROUNDING],
        "paid_total": captured,
        "refunded_total": refunded,
        "prices_include_tax": data.prices_include_tax,
        "charges": [_charge(c) for c in charges],
    }
    prices = sum((abs(y) for x in data.lines for y in _prices(x)), ZERO)
    for amount in (*by_kind.values(), data.total, data.tax_total, captured, refunded, prices):
        if not -_LIMIT < amount < _LIMIT:
            raise ValueError("An amount of the order is too large, or is no number.")
    return Amounts(columns, captured, _paid(data, PaymentKind.AUTHORIZATION), refunded)


def _prices(line: LineData) -> tuple[Decimal, ...]:
    return line.unit_price, line.subtotal, line.total, line.tax


def unexplained(data: OrderData) -> Decimal:
    """Total less the sum of its parts; 0 when the order adds up."""
    parts = sum((x.total + x.tax for x in data.lines), ZERO)
    parts += sum((c.amount + c.tax for c in data.charges if not c.informative), ZERO)
    return data.total - parts


def rows(
    order_id: UUID,
    data: OrderData,
    payments: Mapping[str, Payment],
    refunds: Mapping[str, Refund],
    asked: Iterable[RefundRequest] = (),
    *,
    erased: bool = False,
) -> Rows:
    """``payments`` and ``refunds`` are those already stored, by external id; ``asked`` the requests
    that no refund is known of. ``erased``: the buyer was; a payment's reference leads to them, and
    people write names into reasons.
    """
    done = Rows()
    for payment in data.payments:
        told = {
            "kind": payment.kind,
            "amount": payment.amount,
            "method": payment.method[:120],
            "reference": "" if erased else payment.reference[:160],
            "at": payment.at,
        }
        paid = payments.get(payment.external_id)
        if paid is None:
            ids = {"id": uuid7(), "order_id": order_id, "external_id": payment.external_id}
            done.new_payments.append({**ids, **told})
        elif _differs(paid, told):
            done.changed_payments.append({"id": paid.pk, **told})
    for refund in data.refunds or ():
        before = refunds.get(refund.external_id)
        told = _refund(refund, before, erased=erased)
        if before is None:
            ids = {"id": uuid7(), "order_id": order_id, "external_id": refund.external_id}
            done.new_refunds.append({**ids, **told})
            for request in asked:
                if is_marked(refund.reason, request.reference):
                    done.asked_here[refund.external_id] = request
        elif _differs(before, told):
            done.changed_refunds.append({"id": before.pk, **told})
            done.refunds_before.append(before)
    done.removed_payments = _untold(payments, (p.external_id for p in data.payments))
    done.removed_refunds = _untold(refunds, (r.external_id for r in data.refunds or ()))
    return done


def _refund(refund: RefundData, before: Refund | None, *, erased: bool) -> Row:
    """What this answer does not tell stays as an earlier one told it."""
    lines = before.lines if before else []
    if refund.lines is not None:
        lines = [
            {
                "line": x.line_external_id,
                "quantity": x.quantity,
                "amount": str(x.amount),
                "tax": str(x.tax),
            }
            for x in refund.lines
        ]
    return {
        "amount": refund.amount,
        "reason": "" if erased else refund.reason[:300],
        "lines": lines,
        "created_at": refund.created_at or (before.created_at if before else None),
    }


def _differs(before: Payment | Refund, told: Row) -> bool:
    return any(getattr(before, name) != value for name, value in told.items())


def _untold(stored: Mapping[str, Stored], told: Iterable[str]) -> list[Stored]:
    left = set(stored).difference(told)
    return [stored[external_id] for external_id in sorted(left)]


def _paid(data: OrderData, kind: PaymentKind) -> Decimal:
    return sum((p.amount for p in data.payments if p.kind is kind), ZERO)


def _charge(charge: ChargeData) -> dict[str, Any]:
    return {
        "kind": charge.kind,
        "code": charge.code,
        "title": charge.title,
        "amount": str(charge.amount),
        "tax": str(charge.tax),
        "informative": charge.informative,
    }

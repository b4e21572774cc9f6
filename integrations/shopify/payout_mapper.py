"""Payouts of Shopify Payments: Shopify's answer to ``PayoutData``. Pure.

Source: the official schema of the Admin API 2026-07, ShopifyPaymentsPayout and
ShopifyPaymentsBalanceTransaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from integrations.errors import ContractBroken
from integrations.shopify import shapes
from integrations.shopify.money import currency
from integrations.shopify.shapes import Amount, Camel, Number, Ref
from integrations.shopify.values import known_moment, moment, money, number_of, text
from orders.data import PayoutData, PayoutLineData, PayoutLineKind, PayoutStatus

_K = PayoutLineKind

# ShopifyPaymentsPayoutStatus
STATUS_IN: dict[str, PayoutStatus] = {
    "SCHEDULED": PayoutStatus.SCHEDULED,
    "IN_TRANSIT": PayoutStatus.IN_TRANSIT,
    "PAID": PayoutStatus.PAID,
    "FAILED": PayoutStatus.FAILED,
    "CANCELED": PayoutStatus.CANCELLED,
}
# ShopifyPaymentsTransactionType. Any other moves money for a reason of Shopify's own (a shipping
# label, a loan, a goodwill credit) and is told by its word.
KIND_IN: dict[str, PayoutLineKind] = {
    "CHARGE": _K.CHARGE,
    "REFUND": _K.REFUND,
    "REFUND_FAILURE": _K.REFUND,
    "ACH_BANK_FAILURE_DEBIT_FEE": _K.FEE,
    "ACH_BANK_FAILURE_DEBIT_REVERSAL_FEE": _K.FEE,
    "APPLICATION_FEE_REFUND": _K.FEE,
    "CHARGEBACK_FEE": _K.FEE,
    "CHARGEBACK_FEE_REFUND": _K.FEE,
    "REFERRAL_FEE": _K.FEE,
    "REFERRAL_FEE_TAX": _K.FEE,
    "STRIPE_FEE": _K.FEE,
    "ADJUSTMENT": _K.ADJUSTMENT,
    "CHARGE_ADJUSTMENT": _K.ADJUSTMENT,
    "REFUND_ADJUSTMENT": _K.ADJUSTMENT,
    "CHARGEBACK_HOLD": _K.DISPUTE,
    "CHARGEBACK_HOLD_RELEASE": _K.DISPUTE,
    "DISPUTE_REVERSAL": _K.DISPUTE,
    "DISPUTE_WITHDRAWAL": _K.DISPUTE,
    "RESERVED_FUNDS": _K.RESERVE,
    "RESERVED_FUNDS_REVERSAL": _K.RESERVE,
    "RESERVED_FUNDS_WITHDRAWAL": _K.RESERVE,
    "BALANCE_TRANSFER_INBOUND": _K.TRANSFER,
    "BALANCE_TRANSFER_OUTBOUND": _K.TRANSFER,
    "TRANSFER_CANCEL": _K.TRANSFER,
    "TRANSFER_FAILURE": _K.TRANSFER,
    "TRANSFER_REFUND": _K.TRANSFER,
}
# The payment to the bank: the payout itself, and no line of it.
_PAYMENT = "TRANSFER"
_WITHDRAWAL = "WITHDRAWAL"


class Money(Camel):
    amount: Amount
    currency_code: str


class Payout(Camel):
    id: str
    legacy_resource_id: Number
    issued_at: str
    status: str
    net: Money
    transaction_type: str | None = None


class Owner(Camel):
    """The payout a transaction belongs to, once it does to one."""

    id: str | None = None


class Transaction(Camel):
    """A balance transaction."""

    id: str
    type: str
    amount: Money
    fee: Money
    net: Money
    transaction_date: str | None = None
    source_order_transaction_id: Number | int | None = None
    associated_order: Ref | None = None
    associated_payout: Owner | None = None


def to_payout(
    raw: bytes, payout: Payout, found: Sequence[Transaction], *, complete: bool = True
) -> PayoutData:
    """One payout with its lines; ``payout`` is ``raw`` decoded. Raises ContractBroken, for a status
    that is not known too.
    """
    status = STATUS_IN.get(payout.status)
    if status is None:
        raise ContractBroken(
            f"Shopify says of this payout “{text(payout.status, 40)}”, which Logix does not know.",
            path="$.status",
            code="unknown_status",
        )
    net = money(payout.net.amount, "$.net.amount")
    return PayoutData(
        external_id=payout.legacy_resource_id,
        status=status,
        raw_status=text(payout.status, 40),
        currency=currency(payout.net.currency_code),
        # Taken from the bank, by whatever sign it is told.
        amount=-abs(net) if payout.transaction_type == _WITHDRAWAL else net,
        issued_at=known_moment(payout.issued_at, "$.issuedAt"),
        lines=tuple(
            _line(payout, told, f"$.balanceTransactions.nodes[{number}]")
            for number, told in enumerate(found)
            if told.type != _PAYMENT
        ),
        lines_complete=complete,
        raw=raw,
    )


def _line(payout: Payout, told: Transaction, path: str) -> PayoutLineData:
    _check(payout, told, path)
    amount, fee, net = _sums(told, path)
    source = told.source_order_transaction_id
    return PayoutLineData(
        external_id=number_of(told.id, f"{path}.id"),
        kind=KIND_IN.get(told.type, _K.OTHER),
        raw_kind=text(told.type, 80),
        currency=currency(told.net.currency_code),
        amount=amount,
        fee=fee,
        net=net,
        at=moment(told.transaction_date, f"{path}.transactionDate"),
        external_order_id=_order(told, path),
        external_transaction_id="" if source is None else str(source),
    )


def _check(payout: Payout, told: Transaction, path: str) -> None:
    """A search by a name that is not known finds everything there is."""
    of = told.associated_payout.id if told.associated_payout else None
    if of and of != payout.id:
        raise ContractBroken(
            "Shopify lists a transaction of another payout among those of this one.",
            path=f"{path}.associatedPayout.id",
            code="filter_ignored",
        )


def _sums(told: Transaction, path: str) -> tuple[Decimal, Decimal, Decimal]:
    amount = money(told.amount.amount, f"{path}.amount")
    fee = money(told.fee.amount, f"{path}.fee")
    net = money(told.net.amount, f"{path}.net")
    if net != amount - fee:
        raise ContractBroken(
            "What a transaction comes to is not its amount less its fee.", path=f"{path}.net"
        )
    return amount, fee, net


def _order(told: Transaction, path: str) -> str:
    order = told.associated_order
    return number_of(order.id, f"{path}.associatedOrder.id") if order else ""


def decode(raw: bytes) -> Payout:
    return shapes.decode(raw, Payout)

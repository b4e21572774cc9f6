"""Shopify Payments, worked out from the orders: what was charged and refunded, and the payouts that
brought it to the bank. Equal orders give equal payouts; what Shopify itself adjusted is kept.

A day's money is paid out two days later. Fees are invented (1.5 % and 0.25 a charge; a refund gives
none back, as Shopify keeps them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from integrations.sandbox.shopify.money import Money, rounded

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

DAYS = 60
FIRST_PAYOUT = 100_000_000
_ORDERS = 1_000
_WAIT = timedelta(days=2)
_FAILED_EVERY = 31
_KINDS = {"SALE": "CHARGE", "CAPTURE": "CHARGE", "REFUND": "REFUND"}


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """``amount`` and ``net`` of a refund are below zero; ``day`` is when it is paid out.
    ``order_id`` 0: it is about no order.
    """

    TYPE: ClassVar[str] = "ShopifyPaymentsBalanceTransaction"

    id: int
    kind: str
    amount: Decimal
    fee: Decimal
    at: int
    day: date
    order_id: int
    order_name: str
    transaction_id: int

    @property
    def net(self) -> Decimal:
        return self.amount - self.fee

    @property
    def payout_id(self) -> int:
        return FIRST_PAYOUT + self.day.toordinal()


class Adjustment(msgspec.Struct, frozen=True):
    """What Shopify itself gave or took, for no order."""

    id: int
    amount: Decimal
    at: int


@dataclass(frozen=True, slots=True)
class Payout:
    TYPE: ClassVar[str] = "ShopifyPaymentsPayout"

    id: int
    day: date
    issued_at: int
    status: str
    rows: tuple[BalanceTransaction, ...]

    @property
    def net(self) -> Decimal:
        return sum((row.net for row in self.rows), Decimal(0))


class PaymentRoom:
    def __init__(self, store: ShopStore) -> None:
        self._store = store
        self.adjustments: list[Adjustment] = []

    def adjust(self, amount: Decimal) -> None:
        """Shopify gives so much, or takes it (below zero), now. Call it while the store is held."""
        number = self._store.ids.next("OrderTransaction")
        self.adjustments.append(Adjustment(number, amount, self._store.clock.now()))

    def transactions(self) -> list[BalanceTransaction]:
        """Oldest first, of the last weeks and the newest thousand orders. A payout is there with
        all of its lines or not at all, so weeks end with a day.
        """
        first = self._day(self._store.clock.now()) - timedelta(days=DAYS)
        paid = self._store.orders.paid(_ORDERS)
        rows = [self._row(*one) for one in paid if self._day(one[3]) >= first]
        rows += [self._adjusted(one) for one in self.adjustments if self._day(one.at) >= first]
        return sorted(rows, key=lambda row: (row.at, row.id))

    def payouts(self) -> list[Payout]:
        """Oldest first."""
        days: dict[date, list[BalanceTransaction]] = {}
        for row in self.transactions():
            days.setdefault(row.day, []).append(row)
        return [
            Payout(rows[0].payout_id, day, self.issued_at(day), self.status(day), tuple(rows))
            for day, rows in sorted(days.items())
        ]

    def balance(self) -> Decimal:
        """What is not paid out yet."""
        return sum((one.net for one in self.payouts() if one.status != "PAID"), Decimal(0))

    def money(self, amount: Decimal) -> Money:
        return Money(amount, self._store.options.currency)

    def _row(
        self, order_id: int, name: str, number: int, at: int, amount: Money, kind: str
    ) -> BalanceTransaction:
        currency = amount.currency
        is_refund = kind == "REFUND"
        fee = amount.amount * Decimal("0.015") + Decimal("0.25")
        return BalanceTransaction(
            id=number,
            kind=_KINDS[kind],
            amount=-amount.amount if is_refund else amount.amount,
            fee=Decimal(0) if is_refund else rounded(fee, currency),
            at=at,
            day=self._day(at),
            order_id=order_id,
            order_name=name,
            transaction_id=number,
        )

    def _adjusted(self, one: Adjustment) -> BalanceTransaction:
        return BalanceTransaction(
            id=one.id,
            kind="ADJUSTMENT",
            amount=one.amount,
            fee=Decimal(0),
            at=one.at,
            day=self._day(one.at),
            order_id=0,
            order_name="",
            transaction_id=0,
        )

    def _day(self, at: int) -> date:
        return datetime.fromtimestamp(at, self._store.clock.zone).date() + _WAIT

    def issued_at(self, day: date) -> int:
        """Midnight in the store's zone."""
        zone = self._store.clock.zone
        return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())

    def status(self, day: date) -> str:
        if self.issued_at(day) > self._store.clock.now():
            return "SCHEDULED"
        return "FAILED" if day.toordinal() % _FAILED_EVERY == 0 else "PAID"

    def snapshot(self) -> dict[str, Any]:
        return {"adjustments": msgspec.to_builtins(self.adjustments)}

    def restore(self, saved: dict[str, Any]) -> None:
        """Stores of an earlier version kept none."""
        self.adjustments = msgspec.convert(saved.get("adjustments", []), list[Adjustment])


def of_kind(payout: Payout, kind: str) -> Iterator[BalanceTransaction]:
    return (row for row in payout.rows if row.kind == kind)

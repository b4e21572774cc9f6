"""The tables of this room; ``rooms`` says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.api.resolving import Fields, Nodes
from integrations.sandbox.shopify.payments import fields
from integrations.sandbox.shopify.payments.room import BalanceTransaction, Payout

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore


def _payout(store: ShopStore, number: int) -> Payout | None:
    return next((row for row in store.payments.payouts() if row.id == number), None)


def _transaction(store: ShopStore, number: int) -> BalanceTransaction | None:
    return next((row for row in store.payments.transactions() if row.id == number), None)


FIELDS: tuple[Fields, ...] = (fields.FIELDS,)
NODES: Nodes = {
    "ShopifyPaymentsPayout": _payout,
    "ShopifyPaymentsBalanceTransaction": _transaction,
}
PAYLOADS: dict[str, Any] = {}
TOUCHED: dict[type, Any] = {}

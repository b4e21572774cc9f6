"""Payouts and balance transactions as GraphQL shows them. Source: the official schema."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.filtering import by_sort, found
from integrations.sandbox.shopify.api.pages import connection
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.money import Money
from integrations.sandbox.shopify.payments.room import BalanceTransaction, Payout, of_kind

_PAYOUT_SORTS = {
    "ISSUED_AT": lambda row: row.issued_at,
    "AMOUNT": lambda row: str(row.net),
    "STATUS": lambda row: row.status,
}
_ROW_SORTS = {
    "PROCESSED_AT": lambda row: row.at,
    "PAYOUT_DATE": lambda row: row.day.toordinal(),
    "ORDER_NAME": lambda row: row.order_name,
    "TRANSACTION_TYPE": lambda row: row.kind,
}


def account(_: Any, info: Any) -> dict[str, Any] | None:
    """None for a shop that does not use Shopify Payments."""
    store = info.context.store
    if not store.options.uses_shopify_payments:
        return None
    return {
        "__typename": "ShopifyPaymentsAccount",
        "id": gid("ShopifyPaymentsAccount", store.options.shop_id),
        "activated": True,
        "balance": [store.payments.money(store.payments.balance())],
        "country": "DE",
        "defaultCurrency": store.options.currency,
        "onboardable": False,
        "payoutSchedule": {"interval": "DAILY", "monthlyAnchor": None, "weeklyAnchor": None},
    }


def payouts(
    _: Any,
    info: Any,
    *,
    query: str | None = None,
    sort_key: str = "ISSUED_AT",
    transaction_type: str | None = None,
    saved_search_id: Any = None,
    **page: Any,
) -> Any:
    call = info.context
    rows = [
        row
        for row in found(call, call.store.payments.payouts(), query, _payout_row(call), "payouts")
        if transaction_type in (None, _direction(row))
    ]
    by_id = {row.id: row for row in rows}
    return connection(by_sort(rows, _PAYOUT_SORTS, sort_key), lambda key: by_id[key[-1]], **page)


def transactions(
    _: Any,
    info: Any,
    *,
    query: str | None = None,
    sort_key: str = "PROCESSED_AT",
    hide_transfers: bool = False,
    saved_search_id: Any = None,
    **page: Any,
) -> Any:
    call = info.context
    every = call.store.payments.transactions()
    rows = found(call, every, query, _transaction_row(call), "balanceTransactions")
    if call.store.strikes("payout_line_lost", "balanceTransactions"):
        rows = rows[1:]
    by_id = {row.id: row for row in rows}
    return connection(by_sort(rows, _ROW_SORTS, sort_key), lambda key: by_id[key[-1]], **page)


def _payout_row(call: Call) -> dict[str, search.Value]:
    return {
        "": lambda row: f"{row.status} {row.id}",
        "id": lambda row: row.id,
        "status": lambda row: row.status,
        "currency": lambda _: call.store.options.currency,
        "issued_at": lambda row: row.issued_at,
    }


def _transaction_row(call: Call) -> dict[str, search.Value]:
    room = call.store.payments
    return {
        "": lambda row: f"{row.order_name} {row.kind}",
        "id": lambda row: row.id,
        "currency": lambda _: call.store.options.currency,
        "payments_transfer_id": lambda row: row.payout_id,
        "payout_status": lambda row: room.status(row.day),
        "payout_date": lambda row: room.issued_at(row.day),
        "processed_at": lambda row: row.at,
        "transaction_type": lambda row: row.kind,
    }


def _direction(payout: Payout) -> str:
    return "DEPOSIT" if payout.net >= 0 else "WITHDRAWAL"


def _money(info: Any, amount: Decimal) -> Money:
    shown: Money = info.context.store.payments.money(amount)
    return shown


def _summary(payout: Payout, info: Any) -> dict[str, Money]:
    charges, refunds = list(of_kind(payout, "CHARGE")), list(of_kind(payout, "REFUND"))
    adjustments = of_kind(payout, "ADJUSTMENT")
    sums = {
        "adjustmentsGross": sum((row.amount for row in adjustments), Decimal(0)),
        "chargesFee": sum((row.fee for row in charges), Decimal(0)),
        "chargesGross": sum((row.amount for row in charges), Decimal(0)),
        "refundsFee": sum((row.fee for row in refunds), Decimal(0)),
        "refundsFeeGross": sum((row.amount for row in refunds), Decimal(0)),
    }
    none = (
        "adjustmentsFee", "advanceFees", "advanceGross", "reservedFundsFee",
        "reservedFundsGross", "retriedPayoutsFee", "retriedPayoutsGross", "usdcRebateCreditAmount",
    )  # fmt: skip
    return {name: _money(info, sums.get(name, Decimal(0))) for name in (*sums, *none)}


def _order(row: BalanceTransaction) -> dict[str, Any] | None:
    return {"id": gid("Order", row.order_id), "name": row.order_name} if row.order_id else None


def _associated_payout(row: BalanceTransaction, info: Any) -> dict[str, Any]:
    status = info.context.store.payments.status(row.day)
    return {"id": gid("ShopifyPaymentsPayout", row.payout_id), "status": status}


FIELDS: Fields = {
    "QueryRoot": {"shopifyPaymentsAccount": account},
    "ShopifyPaymentsAccount": {"payouts": payouts, "balanceTransactions": transactions},
    "ShopifyPaymentsPayout": {
        "gross": lambda row, info: _money(info, sum((r.amount for r in row.rows), Decimal(0))),
        "net": lambda row, info: _money(info, row.net),
        "summary": _summary,
        "transactionType": lambda row, _: _direction(row),
    },
    "ShopifyPaymentsBalanceTransaction": {
        "type": lambda row, _: row.kind,
        "amount": lambda row, info: _money(info, row.amount),
        "fee": lambda row, info: _money(info, row.fee),
        "net": lambda row, info: _money(info, row.net),
        "transactionDate": lambda row, _: row.at,
        "sourceType": lambda row, _: row.kind,
        "sourceId": lambda row, _: row.id,
        "sourceOrderTransactionId": lambda row, _: row.transaction_id or None,
        "test": lambda *_: False,
        "adjustmentReason": lambda row, _: "Goodwill" if row.kind == "ADJUSTMENT" else None,
        "adjustmentsOrders": lambda *_: [],
        "associatedOrder": lambda row, _: _order(row),
        "associatedPayout": _associated_payout,
    },
}

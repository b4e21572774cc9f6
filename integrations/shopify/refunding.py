"""Refunding an order, once: look among its refunds first, then make one, under a key by which
Shopify knows the same refund again.

Money goes back to the payments it came from, in the currency the buyer paid in. Goods are told as
not restocked: stock is counted in Logix, whose figure follows. Source: RefundInput and refundCreate
in the official schema, 2026-07.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from integrations.errors import OutcomeUnknown, Rejected
from integrations.shopify.client import ShopifyClient
from integrations.shopify.shapes import Camel, Ref
from integrations.shopify.values import ZERO, gid, money, smallest, text
from orders.data import RefundOrder, is_marked, marked

_NAMESPACE = uuid.UUID("1c7a0a7e-50b3-4c0e-9d0b-6a4f6a1f2a55")
_PAYMENTS = frozenset({"SALE", "CAPTURE"})
_COUNTS = frozenset({"SUCCESS", "PENDING"})
# User errors of this mutation have no code. Source of the words: shopify.dev, idempotent requests.
_UNDER_WAY = ("in progress", "different operation parameters")


class _Money(Camel):
    amount: str


class _Both(Camel):
    shop_money: _Money
    presentment_money: _Money


class _Transaction(Camel):
    id: str
    kind: str
    status: str
    amount_set: _Both
    gateway: str | None = None
    parent_transaction: Ref | None = None


class _Noted(Camel):
    note: str | None = None


class _Desk(Camel):
    id: str
    currency_code: str
    presentment_currency_code: str
    taxes_included: bool = False
    refunds: list[_Noted] = []
    transactions: list[_Transaction] = []


def refund(client: ShopifyClient, order_id: str, told: RefundOrder, *, reference: str) -> bool:
    """True when the store was changed, False when it had the refund already. Raises Rejected where
    Shopify refuses or there is no payment to give back, OutcomeUnknown while it is at it.
    """
    if not told.moves_money:
        raise Rejected("Shopify notes no refund without giving the money back.", code="no_record")
    desk = client.ask("refund_desk", {"id": gid("Order", order_id)}).at("order", _Desk)
    if any(is_marked(text(row.note), reference) for row in desk.refunds):
        return False
    variables = {
        "input": _input(desk, told, reference),
        "key": str(uuid.uuid5(_NAMESPACE, f"{desk.id} {reference}")),
    }
    try:
        client.change("refund_order", variables, "refundCreate")
    except Rejected as err:
        if any(words in err.message for words in _UNDER_WAY):
            raise OutcomeUnknown(
                "Shopify is still at this refund. Logix looks again later.", code="busy"
            ) from err
        raise
    return True


def _input(desk: _Desk, told: RefundOrder, reference: str) -> dict[str, Any]:
    shipping = told.shipping if desk.taxes_included else told.shipping - told.shipping_tax
    found: dict[str, Any] = {
        "orderId": desk.id,
        "currency": desk.presentment_currency_code,
        "note": marked(told.reason, reference),
        "notify": True,
        "refundLineItems": [
            {
                "lineItemId": gid("LineItem", row.line_external_id),
                "quantity": row.quantity,
                "restockType": "NO_RESTOCK",
            }
            for row in told.lines
        ],
        "transactions": list(_transactions(desk, told.amount)),
    }
    if shipping:
        found["shipping"] = {"amount": f"{_shown(desk, shipping):f}"}
    return found


def _transactions(desk: _Desk, amount: Decimal) -> Iterator[dict[str, Any]]:
    """``amount`` (shop's currency) over the payments, first to last. What is more than they hold is
    asked of the last, for Shopify to refuse.
    """
    payments = [
        one for one in desk.transactions if one.kind in _PAYMENTS and one.status == "SUCCESS"
    ]
    if not payments:
        raise Rejected("The store has no payment of this order to give back.", code="no_payment")
    left = amount
    for payment in payments:
        room, shown = _room(desk, payment)
        is_last = payment is payments[-1]
        share = left if is_last else min(left, room)
        left -= share
        if share:
            yield {
                "orderId": desk.id,
                "kind": "REFUND",
                "gateway": payment.gateway or "",
                "parentId": payment.id,
                "amount": f"{shown if share == room else _shown(desk, share):f}",
            }


def _room(desk: _Desk, payment: _Transaction) -> tuple[Decimal, Decimal]:
    """What is left of a payment, in the shop's currency and in the buyer's."""
    shop, shown = _amounts(payment)
    for one in desk.transactions:
        parent = one.parent_transaction
        if one.kind == "REFUND" and one.status in _COUNTS and parent and parent.id == payment.id:
            back, back_shown = _amounts(one)
            shop, shown = shop - back, shown - back_shown
    return max(ZERO, shop), max(ZERO, shown)


def _shown(desk: _Desk, amount: Decimal) -> Decimal:
    """An amount of the shop's currency in the buyer's, at the rate the order was paid at."""
    if desk.currency_code == desk.presentment_currency_code:
        return amount
    paid = [_amounts(one) for one in desk.transactions if one.kind in _PAYMENTS]
    shop, shown = sum((x for x, _ in paid), ZERO), sum((x for _, x in paid), ZERO)
    rate = shown / shop if shop else Decimal(1)
    return (amount * rate).quantize(smallest(desk.presentment_currency_code))


def _amounts(one: _Transaction) -> tuple[Decimal, Decimal]:
    return (
        money(one.amount_set.shop_money.amount, "$.transactions.amountSet.shopMoney"),
        money(one.amount_set.presentment_money.amount, "$.transactions.amountSet.presentmentMoney"),
    )

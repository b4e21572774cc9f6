"""Money: authorised, captured, paid at once, given back, voided."""

from __future__ import annotations

from integrations.sandbox.shopify.money import Bag
from integrations.sandbox.shopify.orders import totals
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import Card, Order, Transaction

_WEEK = 7 * 86_400
MANUAL = frozenset({"Bank Deposit", "Cash on Delivery (COD)", "manual"})
CARDS = frozenset({"shopify_payments", "bogus"})


def pay(
    hand: Hand, order: Order, gateway: str, amount: Bag | None = None, *, kind: str = "SALE"
) -> Transaction:
    """``amount`` None: all that is open. ``kind`` is "SALE" or "AUTHORIZATION"."""
    is_hold = kind == "AUTHORIZATION"
    return _note(
        hand,
        order,
        kind,
        gateway,
        totals.outstanding(order) if amount is None else amount,
        expires_at=hand.now + _WEEK if is_hold and gateway in CARDS else None,
    )


def fail(hand: Hand, order: Order, gateway: str) -> Transaction:
    """The buyer's card was declined."""
    made = _note(hand, order, "SALE", gateway, totals.outstanding(order), status="FAILURE")
    made.error_code = "CARD_DECLINED"
    return made


def capture(hand: Hand, order: Order) -> Transaction | None:
    """All that is held."""
    held = next((row for row in order.transactions if row.kind == "AUTHORIZATION"), None)
    left = totals.authorized(order)
    if held is None or left.shop.amount <= 0:
        return None
    return _note(hand, order, "CAPTURE", held.gateway, left, parent=held)


def void(hand: Hand, order: Order) -> None:
    """Let go of what is held."""
    left = totals.authorized(order)
    for held in [row for row in order.transactions if row.kind == "AUTHORIZATION"]:
        if left.shop.amount > 0 and held.status == "SUCCESS":
            _note(hand, order, "VOID", held.gateway, left, parent=held)
            left = totals.nothing(order)


def give_back(hand: Hand, order: Order, parent: Transaction, amount: Bag) -> Transaction:
    return _note(hand, order, "REFUND", parent.gateway, amount, parent=parent)


def refundable(order: Order, payment: Transaction) -> Bag:
    """What is left of one payment."""
    back = totals.added(
        order,
        (
            row.amount
            for row in order.transactions
            if row.kind == "REFUND" and row.parent_id == payment.id and row.status == "SUCCESS"
        ),
    )
    return payment.amount - back


def payments(order: Order) -> list[Transaction]:
    return [
        row
        for row in order.transactions
        if row.kind in ("SALE", "CAPTURE") and row.status == "SUCCESS"
    ]


def gateways(order: Order) -> list[str]:
    return list(dict.fromkeys(row.gateway for row in order.transactions if row.kind != "REFUND"))


def _note(
    hand: Hand,
    order: Order,
    kind: str,
    gateway: str,
    amount: Bag,
    *,
    parent: Transaction | None = None,
    status: str = "SUCCESS",
    expires_at: int | None = None,
) -> Transaction:
    number = hand.number("OrderTransaction")
    made = Transaction(
        id=number,
        order_id=order.id,
        kind=kind,
        status=status,
        gateway=gateway,
        amount=amount,
        created_at=hand.now,
        parent_id=parent.id if parent else None,
        is_test=order.is_test,
        is_manual=gateway in MANUAL,
        authorization=None if gateway in MANUAL else f"ch_{number:x}",
        expires_at=expires_at,
        location_id=order.retail_location_id,
        card=Card("Visa", f"{number % 10_000:04d}") if gateway in CARDS else None,
    )
    order.transactions.append(made)
    hand.tell("order_transactions/create", made.id)
    return made

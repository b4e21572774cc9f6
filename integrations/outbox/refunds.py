"""Refunds as commands: how one is kept in the queue, told to its store, and what its end means to
the order it is of.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.base import BaseEcommerceIntegration
from integrations.models import Command
from integrations.outbox.words import words_of
from logix.common.amounts import money, places_of
from orders import services
from orders.data import RefundLineData, RefundOrder

_State = Command.State


def payload_of(refund: RefundOrder, *, reference: str) -> dict[str, Any]:
    """Without the reason, which is sealed beside it."""
    return {
        "reference": reference,
        "amount": str(refund.amount),
        "currency": refund.currency,
        "shipping": str(refund.shipping),
        "shipping_tax": str(refund.shipping_tax),
        "moves_money": refund.moves_money,
        "lines": [
            [row.line_external_id, row.quantity, str(row.amount), str(row.tax)]
            for row in refund.lines
        ],
    }


def refund_of(command: Command) -> RefundOrder:
    told = command.payload
    return RefundOrder(
        amount=Decimal(told["amount"]),
        currency=told["currency"],
        shipping=Decimal(told["shipping"]),
        shipping_tax=Decimal(told["shipping_tax"]),
        moves_money=told["moves_money"],
        lines=tuple(
            RefundLineData(
                line_external_id=line,
                quantity=quantity,
                amount=Decimal(amount),
                tax=Decimal(tax),
            )
            for line, quantity, amount, tax in told["lines"]
        ),
        reason=words_of(command),
    )


def tell(adapter: BaseEcommerceIntegration, command: Command) -> tuple[bool, str]:
    """Whether the store was changed, and a sentence for the order's timeline."""
    refund = refund_of(command)
    changed = adapter.refund_order(
        command.external_order_id, refund, reference=command.payload["reference"]
    )
    done = "refunded" if refund.moves_money else "noted a refund of"
    already = "" if changed else "had already "
    return changed, f"The store {already}{done} {said(command)}"


def said(command: Command) -> str:
    """The amount as people read it."""
    currency = command.payload["currency"]
    return f"{money(Decimal(command.payload['amount']), places_of(currency))} {currency}"


def follow(command: Command, state: str, problem: str) -> None:
    """What a command's end means to the refund it asked for. Call it in the transaction that ends
    the command.
    """
    order_id, reference = command.order_ref, command.payload["reference"]
    if state == _State.DONE:
        services.refund_told(
            order_id, reference, actor=command.requested_by, request_id=command.request_id
        )
    elif state in (_State.REFUSED, _State.DROPPED):
        services.refund_ended(
            order_id, reference, by_store=state == _State.REFUSED, problem=problem
        )

"""How orders look from outside. The shapes are those of ``orders.shapes``, and ``order_schema``
describes them; a test holds both to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from integrations.api import payout_shapes
from integrations.models import Command
from logix.common.amounts import money, places_of
from orders import fees
from orders.data import Buyer
from orders.models import Order, OrderFee, PayoutLine
from orders.shapes import SUMMARY_COLUMNS, event, in_full, line, return_of, shipment, summary

__all__ = ["SUMMARY_COLUMNS", "detail", "event", "line", "return_of", "shipment", "summary"]

_COMMAND = (
    "id",
    "kind",
    "state",
    "attempts",
    "next_at",
    "problem_code",
    "problem",
    "created_at",
    "done_at",
)


def detail(
    order: Order,
    buyer: Buyer | None,
    *,
    commands: Iterable[Command],
    booked: Sequence[OrderFee] = (),
    conflict: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One order in full, with what the platform takes of it, how it was paid out and what its store
    was told. ``buyer`` None: not allowed to see, or there is none. ``booked``: its fees.
    ``conflict``: an edit that waits for a decision.
    """
    told = [{name: getattr(c, name) for name in _COMMAND} for c in commands]
    paid = list(order.payout_lines.all())
    return {
        **in_full(order, buyer),
        **_fees(order, booked, paid),
        "conflict": conflict,
        "payout_lines": [payout_shapes.line(x) for x in paid],
        "commands": told,
    }


def _fees(order: Order, booked: Sequence[OrderFee], paid: Sequence[PayoutLine]) -> dict[str, Any]:
    places, sums = places_of(order.currency), fees.sums(order, booked, paid)
    return {
        "platform_fees": [_booking(one) for one in booked],
        "platform_fees_total": _sum(sums.booked, places),
        "platform_fees_settled": _sum(sums.settled, places),
    }


def _booking(one: OrderFee) -> dict[str, Any]:
    places = places_of(one.currency)
    return {
        "external_id": one.external_id,
        "posted_at": one.posted_at,
        "currency": one.currency,
        "total": money(one.total, places),
        "amounts": [
            {**row, "amount": money(Decimal(row["amount"]), places)} for row in one.amounts
        ],
    }


def _sum(amount: Decimal | None, places: int) -> str | None:
    return None if amount is None else money(amount, places)

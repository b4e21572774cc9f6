"""How orders look from outside. The shapes are those of ``orders.shapes``, and ``order_schema``
describes them; a test holds both to the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.api import payout_shapes
from integrations.models import Command
from orders.data import Buyer
from orders.models import Order
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
    conflict: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One order in full, with how it was paid out and what its store was told. ``buyer`` None: not
    allowed to see, or there is none. ``conflict``: an edit that waits for a decision.
    """
    told = [{name: getattr(c, name) for name in _COMMAND} for c in commands]
    paid = [payout_shapes.line(x) for x in order.payout_lines.all()]
    full = in_full(order, buyer)
    return {**full, "conflict": conflict, "payout_lines": paid, "commands": told}

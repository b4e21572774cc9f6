"""Which details of an order an import changed that people read and that no row of the timeline
tells by itself. Names only: a value may name the buyer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from orders.data import Buyer, OrderData

if TYPE_CHECKING:
    from orders.lines import Lines
    from orders.models import Order
    from orders.money import Rows
    from orders.returns import Rows as ReturnRows

_encoder = msgspec.json.Encoder(enc_hook=str, order="sorted")

# Column → what it is to people.
_COLUMNS = (
    ("number", "order number"),
    ("raw_status", "the store's status word"),
    ("currency", "currency"),
    ("tax_total", "taxes"),
    ("flags", "flags"),
)
_OF_A_LINE = ("sku", "name", "unit_price", "total", "tax", "attributes")


@dataclass(frozen=True, slots=True)
class Before:
    """The wide columns of a stored order, which are read only where an order changes. ``buyer`` is
    called when it is to be compared. ``own_fields``: those the hub itself writes at the store, so
    that they come back.
    """

    charges: list[Any] = field(default_factory=list)
    custom: Mapping[str, Any] = field(default_factory=dict)
    buyer: Callable[[], Buyer | None] = lambda: None
    own_fields: frozenset[str] = frozenset()


def changed(
    before: Before,
    known: Order,
    data: OrderData,
    order: Mapping[str, Any],
    lines: Lines,
    money: Rows,
    returns: ReturnRows,
) -> list[str]:
    """``order`` is the row to be written."""
    names = [label for column, label in _COLUMNS if getattr(known, column) != order[column]]
    if known.erased_at is None:
        names += _of_buyer(before.buyer() or Buyer(), data.buyer or Buyer())
        if known.external_customer_id != order["external_customer_id"]:
            names.append("customer number")
    if not _is_same(before.charges, order["charges"]):
        names.append("shipping, fees and discounts")
    if money.new_payments or money.changed_payments:
        names.append("payments")
    if _reworded(money):
        names.append("refunds")
    if returns.is_reworded:
        names.append("returns")
    if _are_redescribed(lines):
        names.append("lines")
    if not _is_same(_others(before.custom, before), _others(order["custom"], before)):
        names.append("own fields")
    return names


def _of_buyer(was: Buyer, now: Buyer) -> list[str]:
    names = []
    if replace(was, note="") != replace(now, note=""):
        names.append("buyer and addresses")
    if was.note != now.note:
        names.append("the buyer's note")
    return names


def _is_same(one: Any, other: Any) -> bool:
    """As JSON keeps it: an amount or a time is text there."""
    return _encoder.encode(one) == _encoder.encode(other)


def _others(custom: Mapping[str, Any], before: Before) -> dict[str, Any]:
    return {name: value for name, value in custom.items() if name not in before.own_fields}


def _reworded(money: Rows) -> bool:
    """Whether a refund we know is another now. Lines that are told later are no news of it."""
    return any(
        was.amount != row["amount"] or was.reason != row["reason"]
        for was, row in zip(money.refunds_before, money.changed_refunds, strict=True)
    )


def _are_redescribed(lines: Lines) -> bool:
    rows = {row["id"]: row for row in lines.changed}
    return any(
        any(getattr(line.before, name) != rows[line.id][name] for name in _OF_A_LINE)
        for line in lines.all
        if line.before is not None and line.id in rows and not line.removed
    )

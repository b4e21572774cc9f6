"""What the platform takes of an order, on the order's page: as it was booked, beside what payouts
settled of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.utils.html import escape, format_html_join
from unfold.decorators import display

from integrations import registry
from integrations.admin.base import moment, told
from integrations.admin.order_parts import money
from orders import fees
from orders.data import ZERO
from orders.models import Order, OrderFee

FIELDS = ("fee_list", "fee_sums")
_NOT_YET = "nothing yet"
_DIFFERS = "A part of it may not be settled yet. The payout has the final word."


def section_of(order: Order | None) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Nothing where the platform told of none."""
    if order is None or not _booked(order):
        return ()
    platform = registry.name_of(order.store.platform)
    says = (
        f"As {platform} booked them, with the tax on them; below zero {platform} gives back. A "
        "payout carries the same money once more and has the final word: never add the two."
    )
    fields = {"classes": ("tab",), "description": escape(says), "fields": (FIELDS,)}
    return (("Platform fees", fields),)


class FeesShown:
    """The section's fields."""

    @display(description="Booked")
    def fee_list(self, order: Order) -> str:
        return format_html_join("", "{} · {}: {}<br>", _rows(order))

    @display(description="In all")
    def fee_sums(self, order: Order) -> str:
        sums = fees.sums(order, _booked(order), order.payout_lines.all())
        settled = _NOT_YET if sums.settled is None else money(sums.settled, order.currency)
        lines = [
            ("Booked", money(sums.booked or ZERO, order.currency)),
            ("Settled", settled),
        ]
        if sums.difference:
            lines.append(("Difference", f"{money(sums.difference, order.currency)}. {_DIFFERS}"))
        return format_html_join("", "{}: {}<br>", lines)


def _rows(order: Order) -> Iterator[tuple[str | None, str, str]]:
    for one in _booked(order):
        for row in one.amounts:
            yield (
                moment(one.posted_at),
                told(row["word"]),
                money(Decimal(row["amount"]), one.currency),
            )


def _booked(order: Order) -> Sequence[OrderFee]:
    if "booked" not in order.__dict__:  # a page asks for each field several times
        order.booked = list(fees.of(order))  # type: ignore[attr-defined]
    found: Sequence[OrderFee] = order.booked  # type: ignore[attr-defined]
    return found

"""What the seller gets for an order, in parts that add up: things, shipping, wrapping, tax,
discounts.

The official examples hold ITEM, SHIPPING and TAX, whose sum is the total. That a DISCOUNT is
negative is assumed (see the options), as is that ITEM is the unit price times the quantity.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from integrations.sandbox.amazon.api.params import only
from integrations.sandbox.amazon.money import NOTHING, money
from integrations.sandbox.amazon.orders.models import Item, Order

Told = dict[str, Any]
_TYPES = ("ITEM", "SHIPPING", "GIFT_WRAP", "TAX", "DISCOUNT")


class Reader:
    """Of one order's currency."""

    def __init__(self, currency: str, discounts_are_positive: bool) -> None:
        self._currency = currency
        self._sign = 1 if discounts_are_positive else -1

    def price(self, item: Item) -> Told:
        return only(
            {
                "unitPrice": self._money(item.unit),
                "priceDesignation": "BUSINESS_PRICE" if item.is_business_price else None,
            }
        )

    def points(self, item: Item) -> Told:
        return {
            "pointsNumber": item.points,
            "pointsMonetaryValue": self._money(Decimal(item.points)),
        }

    def total(self, order: Order) -> dict[str, str]:
        return self._money(sum((item_total(item) for item in order.items), NOTHING))

    def of_order(self, order: Order) -> Told:
        return {
            "grandTotal": self.total(order),
            "breakdowns": [
                {"type": kind, "subtotal": self._part(kind, order.items)}
                for kind in _TYPES
                if any(part(item, kind) for item in order.items) or kind == "ITEM"
            ],
        }

    def of_item(self, item: Item) -> Told:
        rows = []
        for kind in _TYPES:
            if not part(item, kind) and kind != "ITEM":
                continue
            row: Told = {"type": kind, "subtotal": self._part(kind, [item])}
            if details := self._details(item, kind):
                row["detailedBreakdowns"] = details
            rows.append(row)
        return {"proceedsTotal": self._money(item_total(item)), "breakdowns": rows}

    def _details(self, item: Item, kind: str) -> list[Told]:
        if kind == "TAX":
            parts = (("ITEM", item.tax), ("SHIPPING", item.shipping_tax))
        elif kind == "DISCOUNT":
            parts = (
                ("ITEM", self._sign * item.discount),
                ("SHIPPING", self._sign * item.shipping_discount),
            )
        else:
            return []
        return [{"subtype": name, "value": self._money(amount)} for name, amount in parts if amount]

    def _part(self, kind: str, items: Iterable[Item]) -> dict[str, str]:
        amount = sum((part(item, kind) for item in items), NOTHING)
        return self._money(amount * self._sign if kind == "DISCOUNT" else amount)

    def _money(self, amount: Decimal) -> dict[str, str]:
        return money(amount, self._currency)


def part(item: Item, kind: str) -> Decimal:
    """Discounts positive."""
    return {
        "ITEM": item.unit * item.quantity,
        "SHIPPING": item.shipping,
        "GIFT_WRAP": item.gift_wrap,
        "TAX": item.tax + item.shipping_tax,
        "DISCOUNT": item.discount + item.shipping_discount,
    }[kind]


def item_total(item: Item) -> Decimal:
    plus = sum((part(item, kind) for kind in _TYPES[:-1]), NOTHING)
    return plus - part(item, "DISCOUNT")

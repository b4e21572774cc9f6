"""What Shopify makes of a basket, in the smallest unit of the currency it counts in.

Sources: descriptions in the official schema of the Admin API 2026-07 (Order, LineItem, TaxLine,
ShippingLine, DiscountAllocation, Refund, RefundLineItem: which sums are before refunds, what holds
tax); https://help.shopify.com/en/manual/taxes (tax is reckoned line by line and rounded there);
https://shopify.dev/changelog/new-cash-rounding-on-order-and-order-transaction (cash). Every part is
a whole number of smallest units, so a total is the plain sum of its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.corpus.exact import half_up, shared


@dataclass
class Line:
    """``net`` is after discounts, with the tax where prices hold it."""

    price: int
    ordered: int
    told: dict[str, Any]
    discounts: list[int] = field(default_factory=list)
    taxes: list[int] = field(default_factory=list)
    refunded: int = 0

    @property
    def net(self) -> int:
        return self.price * self.ordered - sum(self.discounts)

    @property
    def current(self) -> int:
        return self.ordered - self.told.get("removed", 0) - self.refunded

    def share(self, units: int, before: int) -> tuple[int, int]:
        """(price, tax) of so many more units, ``before`` of which are gone: all give back all."""
        net, tax = Fraction(self.net, self.ordered), Fraction(sum(self.taxes), self.ordered)
        after = before + units
        return (
            int(half_up(net * after) - half_up(net * before)),
            int(half_up(tax * after) - half_up(tax * before)),
        )


@dataclass
class Sent:
    price: int
    taxes: list[int]


@dataclass
class GivenBack:
    amount: int
    lines: list[tuple[int, int, int, int]]
    shipping: int = 0


@dataclass
class Sum:
    lines: list[Line]
    shipping: list[Sent]
    fees: list[Sent]
    duties: int
    duties_tax: int
    tip: int
    refunds: list[GivenBack]
    tax: int
    discount: int
    total: int
    current: int
    current_shipping: int
    current_duties: int
    # After edits and before refunds: what the order is worth to its merchant.
    worth: int


class Till:
    def __init__(self, told: dict[str, Any]) -> None:
        self.told, self.inside = told, told.get("inside", False)
        self.rates = [Fraction(str(rate)) for rate in told.get("rates", ())]

    def ring_up(self) -> Sum:
        told = self.told
        lines = self._lines()
        shipping = [self._sent(price - less) for price, less in _pairs(told.get("shipping", ()))]
        fees = [Sent(price, self._tax(price, on_top=True)) for price in told.get("fees", ())]
        duties = told.get("duties", 0)
        duties_tax = sum(self._tax(duties, on_top=True)) if told.get("duties_taxed") else 0
        tip = told.get("tip", 0)
        rows: Sequence[Any] = [*lines, *shipping, *fees]
        tax = sum(sum(row.taxes) for row in rows) + duties_tax
        total = sum(x.net for x in lines) + sum(x.price for x in (*shipping, *fees)) + tip
        total += 0 if told.get("duties_included") else duties
        total += 0 if self.inside else tax
        edited = sum(self._gone(x, x.told.get("removed", 0), 0) for x in lines)
        refunds = [self._refund(one, lines, shipping) for one in told.get("refunds", ())]
        goods = sum(n + (0 if self.inside else t) for r in refunds for _, _, n, t in r.lines)
        sent = sum(r.shipping for r in refunds)
        sent_tax = 0 if self.inside else self._part_of_tax(shipping, sent)
        off = told.get("refunded_duties", 0)
        return Sum(
            lines=lines,
            shipping=shipping,
            fees=fees,
            duties=duties,
            duties_tax=duties_tax,
            tip=tip,
            refunds=refunds,
            tax=tax,
            discount=sum(sum(x.discounts) for x in lines)
            + sum(less for _, less in _pairs(told.get("shipping", ()))),
            total=total,
            current=total - edited - goods - sent - sent_tax - off,
            current_shipping=sum(x.price for x in shipping) - sent,
            current_duties=duties - off,
            worth=total - edited,
        )

    def _lines(self) -> list[Line]:
        lines = [Line(price, count, *(more or [{}])) for price, count, *more in self.told["lines"]]
        full = [x.price * x.ordered for x in lines]
        for line in lines:
            if less := line.told.get("discount"):
                line.discounts.append(less)
        whole = self.told.get("discount", 0)
        if isinstance(whole, str):
            whole = int(half_up(sum(full) * Fraction(whole.rstrip("%")) / 100))
        for line, part in zip(lines, shared(whole, full) if whole else (), strict=False):
            line.discounts.append(part)
        for line in lines:
            is_taxed = not (line.told.get("untaxed") or line.told.get("gift_card"))
            line.taxes = self._tax(line.net) if is_taxed else []
        return lines

    def _sent(self, price: int) -> Sent:
        return Sent(price, self._tax(price))

    def _tax(self, price: int, *, on_top: bool = False) -> list[int]:
        """By rate, each rounded to the smallest unit."""
        whole = 1 + sum(self.rates) / 100 if self.inside and not on_top else Fraction(1)
        return [int(half_up(price * rate / 100 / whole)) for rate in self.rates]

    def _gone(self, line: Line, units: int, before: int) -> int:
        net, tax = line.share(units, before)
        return net if self.inside else net + tax

    def _refund(self, one: dict[str, Any], lines: list[Line], shipping: list[Sent]) -> GivenBack:
        rows = []
        for place, units in one.get("lines", ()):
            line = lines[place]
            before = line.told.get("removed", 0) + line.refunded
            rows.append((place, units, *line.share(units, before)))
            line.refunded += units
        sent = one.get("shipping", 0)
        worth = sum(n + (0 if self.inside else t) for _, _, n, t in rows) + sent
        worth += 0 if self.inside else self._part_of_tax(shipping, sent)
        return GivenBack(one.get("amount", worth), rows, sent)

    def _part_of_tax(self, shipping: list[Sent], sent: int) -> int:
        price = sum(x.price for x in shipping)
        tax = sum(sum(x.taxes) for x in shipping)
        return int(half_up(Fraction(tax * sent, price))) if sent else 0


def _pairs(told: Sequence[Any]) -> list[tuple[int, int]]:
    return [(one, 0) if isinstance(one, int) else (one[0], one[1]) for one in told]

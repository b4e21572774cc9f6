"""What WooCommerce makes of a basket, in the store's smallest unit and without loss.

Source: woocommerce/woocommerce, plugins/woocommerce/includes: class-wc-cart-totals.php (what is
rounded and when), traits/trait-wc-item-totals.php (rounding per line unless "round tax at subtotal
level"), class-wc-tax.php (tax inside and on top, compound rates, six decimals),
class-wc-discounts.php (coupons), wc-core-functions.php (halves of tax go down where prices include
it). Items are kept unrounded; totals are rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.corpus.exact import half_down, half_up

ZERO = Fraction(0)


@dataclass(frozen=True)
class Rate:
    id: int
    percent: Fraction
    is_compound: bool = False
    on_shipping: bool = True


@dataclass
class Row:
    """A line, a shipping line or a fee. ``net`` and ``taxes`` are as the order keeps them."""

    net: Fraction
    quantity: int = 1
    subtotal: Fraction = ZERO
    taxes: dict[int, Fraction] = field(default_factory=dict)
    subtotal_taxes: dict[int, Fraction] = field(default_factory=dict)
    tax: Fraction = ZERO
    is_taxed: bool = True


@dataclass
class Sum:
    lines: list[Row]
    shipping: list[Row]
    fees: list[Row]
    coupons: list[tuple[Fraction, Fraction]]
    total: Fraction
    cart_tax: Fraction
    shipping_tax: Fraction


class Till:
    """One store's settings. ``at_total`` is "round tax at subtotal level"."""

    def __init__(self, rates: Sequence[Rate], *, inside: bool, at_total: bool) -> None:
        self.rates, self.inside, self.at_total = rates, inside, at_total

    def ring_up(self, told: dict[str, Any]) -> Sum:
        prices = [Fraction(price) * quantity for price, quantity, *_ in told["lines"]]
        each: list[list[Fraction]] = []
        taken = [ZERO for _ in prices]
        for one in told.get("coupons", ()):
            there = [price - less for price, less in zip(prices, taken, strict=True)]
            each.append(self._coupon(one, told["lines"], prices, there))
            taken = [less + more for less, more in zip(taken, each[-1], strict=True)]
        lines = [
            self._line(price, less, row)
            for price, less, row in zip(prices, taken, told["lines"], strict=True)
        ]
        shipping = [self._shipping(Fraction(cost)) for cost in told.get("shipping", ())]
        fees: list[Row] = []
        for amount, *rest in told.get("fees", ()):
            fees.append(self._fee(Fraction(amount), bool(rest), lines, fees, shipping))
        rows = [*lines, *fees, *shipping]
        merged = sum((self.rounded_tax(x) for row in rows for x in row.taxes.values()), ZERO)
        nets = sum((self._rounded(row.net) for row in lines), ZERO)
        nets += sum((row.net for row in (*fees, *shipping)), ZERO)
        return Sum(
            lines=lines,
            shipping=shipping,
            fees=fees,
            coupons=[self._coupon_told(one, lines) for one in each],
            total=max(ZERO, half_up(nets + merged)),
            cart_tax=sum((row.tax for row in (*lines, *fees)), ZERO),
            shipping_tax=sum((row.tax for row in shipping), ZERO),
        )

    # --- rows ---

    def _line(self, price: Fraction, less: Fraction, row: Sequence[Any]) -> Row:
        is_taxed = len(row) < 3
        made = Row(price - less, row[1], price, is_taxed=is_taxed)
        if is_taxed:
            made.taxes = self.taxes(price - less, inside=self.inside)
            made.subtotal_taxes = self.taxes(price, inside=self.inside)
            if self.inside:
                made.net -= sum(made.taxes.values())
                made.subtotal -= sum(made.subtotal_taxes.values())
        return self._with_tax(made)

    def _shipping(self, cost: Fraction) -> Row:
        """Costs are entered without tax, whatever prices are."""
        rates = [rate for rate in self.rates if rate.on_shipping]
        taxes = _on_top(cost, rates)
        if not self.at_total:
            taxes = {key: half_up(value) for key, value in taxes.items()}
        return self._with_tax(Row(cost, taxes=taxes))

    def _fee(
        self, amount: Fraction, is_free: bool, lines: list[Row], fees: list[Row], sent: list[Row]
    ) -> Row:
        """One below zero never takes more than there is, and its tax is split like the goods'."""
        if amount >= 0:
            return self._with_tax(Row(amount, taxes={} if is_free else _on_top(amount, self.rates)))
        there = sum((self._rounded(x.net) for x in lines), ZERO)
        there += sum((x.net for x in (*fees, *sent)), ZERO)
        amount = max(amount, -half_up(there))
        rows = [x for x in (*lines, *fees, *sent) if x.net >= 0]
        taxed = sum((x.net for x in rows if x.is_taxed), ZERO)
        whole = sum((x.net for x in rows), ZERO)
        part = amount * taxed / whole if whole else ZERO
        return self._with_tax(Row(amount, taxes=_on_top(part, self.rates)))

    def _with_tax(self, row: Row) -> Row:
        row.tax = sum((self.rounded_tax(x) for x in row.taxes.values()), ZERO)
        return row

    # --- taxes and rounding ---

    def taxes(self, price: Fraction, *, inside: bool) -> dict[int, Fraction]:
        return _inside(price, self.rates) if inside else _on_top(price, self.rates)

    def rounded_tax(self, tax: Fraction) -> Fraction:
        if self.at_total:
            return tax
        return half_down(tax) if self.inside else half_up(tax)

    def _rounded(self, net: Fraction) -> Fraction:
        return net if self.at_total else half_up(net)

    # --- coupons ---

    def _coupon(
        self,
        one: dict[str, Any],
        rows: Sequence[Any],
        prices: Sequence[Fraction],
        there: Sequence[Fraction],
    ) -> list[Fraction]:
        """What it takes off each line in whole units, never more than is ``there``; what is left
        over goes unit by unit.
        """
        counts = [quantity for _, quantity, *_ in rows]
        if "percent" in one:
            part = Fraction(str(one["percent"])) / 100
            wanted = half_down(sum(prices, ZERO) * part)
            taken = [Fraction(int(price * part)) for price in prices]
        else:
            wanted = Fraction(one["fixed"])
            each = int(min(wanted, sum(there, ZERO)) / sum(counts))
            taken = [Fraction(each * count) for count in counts]
        taken = [min(most, less) for most, less in zip(there, taken, strict=True)]
        left = min(wanted, sum(there, ZERO)) - sum(taken, ZERO)
        while left > 0:
            for n, count in enumerate(counts):
                more = min(left, Fraction(count), there[n] - taken[n])
                taken[n], left = taken[n] + more, left - more
        return taken

    def _coupon_told(
        self, taken: Sequence[Fraction], lines: Sequence[Row]
    ) -> tuple[Fraction, Fraction]:
        tax = ZERO
        for less, line in zip(taken, lines, strict=True):
            if line.is_taxed:
                tax += sum(self.taxes(less, inside=self.inside).values())
        whole = sum(taken, ZERO)
        return (whole - tax if self.inside else whole), tax


def _on_top(price: Fraction, rates: Sequence[Rate]) -> dict[int, Fraction]:
    found = {x.id: price * x.percent / 100 for x in rates if not x.is_compound}
    for rate in rates:
        if rate.is_compound:
            found[rate.id] = (price + sum(found.values())) * rate.percent / 100
    return _six(found)


def _inside(price: Fraction, rates: Sequence[Rate]) -> dict[int, Fraction]:
    found, left = {}, price
    for rate in reversed([x for x in rates if x.is_compound]):
        found[rate.id] = left - left / (1 + rate.percent / 100)
        left -= found[rate.id]
    plain = [x for x in rates if not x.is_compound]
    whole = 1 + sum((x.percent for x in plain), ZERO) / 100
    for rate in plain:
        found[rate.id] = left * (rate.percent / 100) / whole
    return _six(found)


def _six(found: dict[int, Fraction]) -> dict[int, Fraction]:
    """WC_ROUNDING_PRECISION."""
    return {key: half_up(value, 6) for key, value in sorted(found.items())}

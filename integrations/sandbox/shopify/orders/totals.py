"""What an order adds up to, as it was sold and as it stands now.

Source: the field descriptions of Order, LineItem and Refund in the official schema of 2026-07.
Tips are lines of their own that no subtotal counts; whatever is refunded or removed leaves the
``current`` sums.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from integrations.sandbox.shopify.money import Bag, Money, rounded
from integrations.sandbox.shopify.orders.models import (
    Duty,
    LineItem,
    Order,
    ShippingLine,
    TaxLine,
)
from integrations.sandbox.shopify.orders.refund_models import RefundLine, Removal


@dataclass(frozen=True, slots=True)
class Sums:
    """``lines`` is before discounts; ``subtotal`` after them, with tax where prices include it."""

    lines: Bag
    discounts: Bag
    cart_discounts: Bag
    subtotal: Bag
    shipping: Bag
    shipping_full: Bag
    tax: Bag
    duties: Bag
    tips: Bag
    total: Bag


# --- amounts --------------------------------------------------------------------------------------


def bag(order: Order, amount: Decimal) -> Bag:
    """An amount of the shop's currency, in both."""
    shown = rounded(amount * order.rate, order.presentment_currency)
    return Bag(
        Money(rounded(amount, order.currency), order.currency),
        Money(shown, order.presentment_currency),
    )


def shown_bag(order: Order, amount: Decimal) -> Bag:
    """An amount of the currency the buyer saw, in both."""
    return Bag(
        Money(rounded(amount / order.rate, order.currency), order.currency),
        Money(rounded(amount, order.presentment_currency), order.presentment_currency),
    )


def nothing(order: Order) -> Bag:
    return _zero(order.currency, order.presentment_currency)


@cache
def _zero(currency: str, presentment: str) -> Bag:
    none = Decimal(0)
    return Bag(
        Money(rounded(none, currency), currency), Money(rounded(none, presentment), presentment)
    )


def added(order: Order, bags: Iterable[Bag]) -> Bag:
    none = nothing(order)
    shop, shown = none.shop.amount, none.presentment.amount
    for one in bags:
        shop, shown = shop + one.shop.amount, shown + one.presentment.amount
    return Bag(Money(shop, order.currency), Money(shown, order.presentment_currency))


# --- of a line ------------------------------------------------------------------------------------


def line_full(line: LineItem) -> Bag:
    return line.price.part(line.quantity)


def line_discount(order: Order, line: LineItem, *, of_order: bool | None = None) -> Bag:
    """``of_order`` None: all; True: what discounts on the whole order gave; False: the others."""
    return added(
        order,
        (
            share.amount
            for share in line.allocations
            if of_order is None or order.discounts[share.index].is_of_order is of_order
        ),
    )


def line_net(order: Order, line: LineItem) -> Bag:
    """After all discounts."""
    return line_full(line) - line_discount(order, line)


def line_tax(order: Order, line: LineItem) -> Bag:
    return added(order, (row.price for row in line.tax_lines))


def shipping_net(order: Order, line: ShippingLine) -> Bag:
    return line.price - added(order, (share.amount for share in line.allocations))


def units(order: Order, line: LineItem, quantity: int) -> tuple[Bag, Bag]:
    """(subtotal, tax) of that many more units given back, so that all of them give back all."""
    before = taken(order, line)
    after = before + quantity
    net, tax = line_net(order, line), line_tax(order, line)
    return (
        net.part(after, line.quantity) - net.part(before, line.quantity),
        tax.part(after, line.quantity) - tax.part(before, line.quantity),
    )


def refunded_units(order: Order, line: LineItem) -> int:
    return sum(
        row.quantity for refund in order.refunds for row in refund.lines
        if row.line_item_id == line.id
    )  # fmt: skip


def taken(order: Order, line: LineItem) -> int:
    """Units refunded or removed."""
    removed = sum(row.quantity for row in order.removals if row.line_item_id == line.id)
    return refunded_units(order, line) + removed


def current_units(order: Order, line: LineItem) -> int:
    return line.quantity - taken(order, line)


# --- of the order ---------------------------------------------------------------------------------


def sold(order: Order) -> Sums:
    """Before refunds and removals, with what edits added."""
    goods = [line for line in order.lines if not line.is_tip]
    lines = added(order, (line_full(line) for line in goods))
    line_discounts = added(order, (line_discount(order, line) for line in goods))
    of_order = added(order, (line_discount(order, line, of_order=True) for line in goods))
    shipping_full = added(order, (line.price for line in order.shipping_lines))
    shipping = added(order, (shipping_net(order, line) for line in order.shipping_lines))
    duties = added(order, (duty.price for duty in all_duties(order)))
    tips = added(order, (line_full(line) for line in order.lines if line.is_tip))
    tax = added(order, (row.price for row in every_tax(order)))
    subtotal = lines - line_discounts
    total = subtotal + shipping + duties + tips
    return Sums(
        lines=lines,
        discounts=line_discounts + (shipping_full - shipping),
        cart_discounts=of_order,
        subtotal=subtotal,
        shipping=shipping,
        shipping_full=shipping_full,
        tax=tax,
        duties=duties,
        tips=tips,
        total=total if order.taxes_included else total + tax,
    )


def current(order: Order) -> Sums:
    """As it stands: refunds and removals taken out."""
    was = sold(order)
    if not (order.refunds or order.removals):
        return was
    gone = [row for refund in order.refunds for row in refund.lines]
    parts: list[RefundLine | Removal] = [*gone, *order.removals]
    gone_subtotal = added(order, (row.subtotal for row in parts))
    gone_tax = added(order, (row.tax for row in parts))
    shipping = added(order, (row.subtotal for refund in order.refunds for row in refund.shipping))
    shipping_tax = added(order, (row.tax for refund in order.refunds for row in refund.shipping))
    duties = added(order, (row.amount for refund in order.refunds for row in refund.duties))
    gone_tips = added(order, (row.subtotal for row in gone if order.line(row.line_item_id).is_tip))
    tax = was.tax - gone_tax - shipping_tax
    subtotal = was.subtotal - (gone_subtotal - gone_tips)
    tips, duty = was.tips - gone_tips, was.duties - duties
    total = subtotal + (was.shipping - shipping) + duty + tips
    return Sums(
        lines=added(
            order,
            (
                line.price.part(current_units(order, line))
                for line in order.lines
                if not line.is_tip
            ),
        ),
        discounts=_current_discounts(order, of_order=None) + (was.shipping_full - was.shipping),
        cart_discounts=_current_discounts(order, of_order=True),
        subtotal=subtotal,
        shipping=was.shipping - shipping,
        shipping_full=was.shipping_full,
        tax=tax,
        duties=duty,
        tips=tips,
        total=total if order.taxes_included else total + tax,
    )


def _current_discounts(order: Order, *, of_order: bool | None) -> Bag:
    return added(
        order,
        (
            line_discount(order, line, of_order=of_order).part(
                current_units(order, line), line.quantity
            )
            for line in order.lines
            if line.quantity
        ),
    )


def all_duties(order: Order) -> list[Duty]:
    return [duty for line in order.lines for duty in line.duties]


def every_tax(order: Order) -> list[TaxLine]:
    """The tax lines of lines, shipping and duties, each by itself."""
    rows = [row for line in order.lines for row in line.tax_lines]
    rows += [row for line in order.shipping_lines for row in line.tax_lines]
    return rows + [row for duty in all_duties(order) for row in duty.tax_lines]


def tax_lines(order: Order, *, is_current: bool = False) -> list[TaxLine]:
    """One for each tax; ``is_current`` leaves out what was refunded or removed."""
    found: dict[tuple[str, Decimal], Bag] = {}
    for line in order.lines:
        left = current_units(order, line) if is_current else line.quantity
        for row in line.tax_lines:
            price = row.price.part(left, line.quantity) if line.quantity else row.price
            _gather(found, row, price)
    refunded = {row.shipping_line_id for refund in order.refunds for row in refund.shipping}
    for shipping in order.shipping_lines:
        if not (is_current and shipping.id in refunded):
            for row in shipping.tax_lines:
                _gather(found, row, row.price)
    return [TaxLine(title, rate, price) for (title, rate), price in found.items()]


def _gather(found: dict[tuple[str, Decimal], Bag], row: TaxLine, price: Bag) -> None:
    key = (row.title, row.rate)
    found[key] = found[key] + price if key in found else price


# --- money received -------------------------------------------------------------------------------


def received(order: Order) -> Bag:
    return _moved(order, "SALE", "CAPTURE")


def refunded(order: Order) -> Bag:
    return _moved(order, "REFUND")


def authorized(order: Order) -> Bag:
    """What is still held and not captured."""
    voided = {row.parent_id for row in order.transactions if row.kind == "VOID"}
    held = added(
        order,
        (
            row.amount
            for row in order.transactions
            if row.kind == "AUTHORIZATION" and row.status == "SUCCESS" and row.id not in voided
        ),
    )
    captured = _moved(order, "CAPTURE")
    return held - captured if held.shop.amount > captured.shop.amount else nothing(order)


def net_payment(order: Order) -> Bag:
    return received(order) - refunded(order)


def outstanding(order: Order) -> Bag:
    return current(order).total - net_payment(order)


def _moved(order: Order, *kinds: str) -> Bag:
    return added(
        order,
        (row.amount for row in order.transactions if row.kind in kinds and row.status == "SUCCESS"),
    )

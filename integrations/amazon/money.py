"""The money of an order: what its items bring, in parts that add up to Amazon's total. Pure.

The official examples have ITEM, SHIPPING and TAX, whose sum is the total; tax is told apart by what
it is of. None of them has a DISCOUNT, so its sign is taken from what the parts must add up to.
Source: the model ``orders_2026-01-01``, ItemProceeds and OrderProceeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from integrations.amazon import shapes
from integrations.amazon.values import ZERO, currency, money, text
from integrations.errors import ContractBroken
from orders.data import ChargeData, ChargeKind, LineData, PaymentData, PaymentKind

_ITEM, _SHIPPING, _TAX, _DISCOUNT = "ITEM", "SHIPPING", "TAX", "DISCOUNT"
_KINDS = {_SHIPPING: ChargeKind.SHIPPING}
_TITLES = {
    "SHIPPING": "Shipping",
    "GIFT_WRAP": "Gift wrapping",
    "COD_FEE": "Cash on delivery",
    "DELIVERY_TIP": "Tip for the delivery",
    "OTHER": "Other",
    "TAX": "Tax",
    "DISCOUNT": "Discount",
}

Sums = dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class ItemMoney:
    """By what it is of: ``amounts`` without tax and before discounts, ``tax``, and ``discounts``,
    which are below zero.
    """

    amounts: Mapping[str, Decimal]
    tax: Mapping[str, Decimal]
    discounts: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """``items`` in the order of the order's items; ``total`` is Amazon's."""

    currency: str
    total: Decimal
    items: Sequence[ItemMoney]
    charges: Sequence[ChargeData] = field(default_factory=tuple)

    @property
    def tax_total(self) -> Decimal:
        taxed = sum((sum(item.tax.values(), ZERO) for item in self.items), ZERO)
        return taxed + sum((c.amount for c in self.charges if c.code == _TAX), ZERO)


def read(order: shapes.Order, home_currency: str) -> OrderMoney:
    """``home_currency``: that of orders without an amount, which are those not paid yet. Raises
    ContractBroken.
    """
    code = _currency(order, home_currency)
    items = [
        _item(item.proceeds or shapes.Proceeds(), code, f"$.orderItems[{number}].proceeds")
        for number, item in enumerate(order.order_items)
    ]
    told = order.proceeds or shapes.Proceeds()
    total = money(told.grand_total, code, "$.proceeds.grandTotal")
    if told.grand_total is None:
        total = sum((_sum(item) for item in items), ZERO)
    charges = [*_charges(items), *_of_order_alone(told, items, code), *_discount(order, items)]
    return OrderMoney(code, total, items, charges)


def rounding(
    total: Decimal, lines: Sequence[LineData], charges: Sequence[ChargeData]
) -> list[ChargeData]:
    """What the parts leave of the total, made visible."""
    parts = sum((line.total + line.tax for line in lines), ZERO)
    parts += sum((c.amount + c.tax for c in charges if not c.informative), ZERO)
    if parts == total:
        return []
    return [ChargeData(kind=ChargeKind.ROUNDING, title="Rounding", amount=total - parts)]


def payments(order: shapes.Order, total: Decimal) -> tuple[PaymentData, ...]:
    """Amazon has the money of what is to be shipped; how it was paid may be told."""
    if total <= 0:
        return ()
    told = order.payment.payment_executions if order.payment else []
    methods = dict.fromkeys(text(one.payment_method, 60) for one in told if one.payment_method)
    return (
        PaymentData(
            external_id="amazon",
            kind=PaymentKind.CAPTURE,
            amount=total,
            method=", ".join(methods)[:120] or "Amazon",
        ),
    )


def _currency(order: shapes.Order, home_currency: str) -> str:
    amounts = [order.proceeds.grand_total if order.proceeds else None]
    for item in order.order_items:
        if item.proceeds:
            amounts += [
                item.proceeds.proceeds_total,
                *(x.subtotal for x in item.proceeds.breakdowns),
            ]
        if item.product.price:
            amounts.append(item.product.price.unit_price)
    for amount in amounts:
        if amount is not None:
            return currency(amount.currency_code, "$.proceeds")
    if not home_currency:
        raise ContractBroken(
            "An order has no amount, and its marketplace's currency is not known.",
            path="$.salesChannel.marketplaceId",
        )
    return home_currency


def _item(told: shapes.Proceeds, code: str, path: str) -> ItemMoney:
    amounts: Sums = defaultdict(Decimal)
    tax: Sums = defaultdict(Decimal)
    discounts: Sums = defaultdict(Decimal)
    into = {_TAX: tax, _DISCOUNT: discounts}
    for number, part in enumerate(told.breakdowns):
        where = f"{path}.breakdowns[{number}]"
        whole = money(part.subtotal, code, where)
        if part.type not in into:
            amounts[part.type] += whole
            continue
        for detail in part.detailed_breakdowns:
            value = money(detail.value, code, where)
            into[part.type][detail.subtype or _ITEM] += value
            whole -= value
        # What is not told apart is the item's.
        into[part.type][_ITEM] += whole
    total = money(told.proceeds_total, code, path) if told.proceeds_total else None
    sign = _sign(sum(discounts.values(), ZERO), total, [amounts, tax])
    return ItemMoney(amounts, tax, {name: sign * value for name, value in discounts.items()})


def _sign(discount: Decimal, total: Decimal | None, others: Sequence[Sums]) -> int:
    """1 or -1, so that the parts add up to the total; where they do not either way, a discount
    lowers it.
    """
    plus = sum((sum(sums.values(), ZERO) for sums in others), ZERO)
    if total is not None and total in (plus + discount, plus - discount):
        return 1 if plus + discount == total else -1
    return -1 if discount > 0 else 1


def _sum(item: ItemMoney) -> Decimal:
    parts = (item.amounts, item.tax, item.discounts)
    return sum((sum(sums.values(), ZERO) for sums in parts), ZERO)


def _charges(items: Sequence[ItemMoney]) -> Iterator[ChargeData]:
    """All but the items themselves, after discounts, a charge for each kind."""
    kinds = dict.fromkeys(
        name for item in items for sums in (item.amounts, item.tax, item.discounts) for name in sums
    )
    for kind in kinds:
        if kind == _ITEM:
            continue
        amount = sum((x.amounts.get(kind, ZERO) + x.discounts.get(kind, ZERO) for x in items), ZERO)
        tax = sum((x.tax.get(kind, ZERO) for x in items), ZERO)
        if amount or tax:
            yield _charge(kind, amount, tax)


def _of_order_alone(
    told: shapes.Proceeds, items: Sequence[ItemMoney], code: str
) -> Iterator[ChargeData]:
    """Amounts that are of the order and of none of its items, such as a tip."""
    for number, part in enumerate(told.breakdowns):
        whole = money(part.subtotal, code, f"$.proceeds.breakdowns[{number}]")
        if part.type == _DISCOUNT:
            # Its sign is not known here; what is not of an item shows as rounding.
            continue
        of_items = sum((_of_kind(item, part.type) for item in items), ZERO)
        if whole != of_items:
            yield _charge(part.type, whole - of_items, ZERO)


def _of_kind(item: ItemMoney, kind: str) -> Decimal:
    return sum(item.tax.values(), ZERO) if kind == _TAX else item.amounts.get(kind, ZERO)


def _discount(order: shapes.Order, items: Sequence[ItemMoney]) -> Iterator[ChargeData]:
    """Already taken off lines and charges; told so that people see why."""
    taken = -sum((sum(item.discounts.values(), ZERO) for item in items), ZERO)
    if not taken:
        return
    names = dict.fromkeys(
        text(one.promotion_id, 80)
        for item in order.order_items
        if item.promotion
        for one in item.promotion.breakdowns
        if one.promotion_id
    )
    yield ChargeData(
        kind=ChargeKind.DISCOUNT,
        code=next(iter(names), ""),
        title=", ".join(names)[:300] or _TITLES[_DISCOUNT],
        amount=taken,
        informative=True,
    )


def _charge(kind: str, amount: Decimal, tax: Decimal) -> ChargeData:
    word = text(kind, 80)
    return ChargeData(
        kind=_KINDS.get(kind, ChargeKind.FEE),
        code=word,
        title=_TITLES.get(kind) or word.replace("_", " ").capitalize(),
        amount=amount,
        tax=tax,
    )

"""A transaction of Amazon's finances as a refund: what the buyer got back. Pure.

A transaction is told from the seller's side, as a tree of amounts: what was sold and taxed is taken
back (below zero), Amazon gives a part of its fees back (above). The buyer has the first. Amazon
names no types beyond its examples, so those of published clients are in the table; one that is not
there is not guessed: the refund is set aside with its word.

A deferred transaction is told again when it is released, as another one that names the first: they
are one refund, and the first is it. Units are not told: ``quantityShipped`` is the order's also
where money alone was given back. Sources: the model ``finances_2024-06-19``; words seen by clients,
read 2026-11.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum, auto

from integrations.amazon import shapes
from integrations.amazon.shapes import Camel
from integrations.amazon.values import ZERO, currency, known_moment, text
from integrations.errors import ContractBroken
from integrations.kit.text import parse_money
from orders.data import PartData, RefundData, RefundLineData

_REFUNDS = frozenset({"refund", "guaranteeclaim", "chargeback"})


class _Side(Enum):
    """Whose an amount is, or that only the amounts within it tell."""

    BUYER = auto()
    TAX = auto()
    AMAZON = auto()
    WITHIN = auto()


# In lower case, without spaces. Withheld tax is what Amazon pays to the state for the seller.
_AMAZONS = re.compile(r".*(?:fees?|commission|chargeback|withheldtax|facilitatortax|tcs|tds)\b.*")
_SIDES: Mapping[str, _Side] = {
    "sales": _Side.WITHIN,
    "expenses": _Side.WITHIN,
    "refundedsales": _Side.WITHIN,
    "refundedexpenses": _Side.WITHIN,
    "productcharges": _Side.BUYER,
    "ourpriceprincipal": _Side.BUYER,
    "principal": _Side.BUYER,
    "principle": _Side.BUYER,
    "shipping": _Side.BUYER,
    "shippingprincipal": _Side.BUYER,
    "giftwrap": _Side.BUYER,
    "giftwrapprincipal": _Side.BUYER,
    "codcharge": _Side.BUYER,
    "exportcharge": _Side.BUYER,
    "goodwill": _Side.BUYER,
    "restocking": _Side.BUYER,
    "restockingfee": _Side.BUYER,
    "returnshipping": _Side.BUYER,
    "promo": _Side.BUYER,
    "promorebates": _Side.BUYER,
    "promotion": _Side.BUYER,
    "discount": _Side.BUYER,
    "ourpricediscount": _Side.BUYER,
    "shippingdiscount": _Side.BUYER,
    "tax": _Side.TAX,
    "ourpricetax": _Side.TAX,
    "shippingtax": _Side.TAX,
    "giftwraptax": _Side.TAX,
    "shippingtaxdiscount": _Side.TAX,
    "ourpricetaxdiscount": _Side.TAX,
}
# Of a line itself; the rest is beside the lines.
_GOODS = frozenset({"productcharges", "ourpriceprincipal", "principal", "principle"})
_GOODS_TAX = frozenset({"ourpricetax"})
_DEEPEST = 8


class Amount(Camel):
    currency_code: str = ""
    currency_amount: str | int | float = 0


class Breakdown(Camel):
    breakdown_type: str = ""
    breakdown_amount: Amount | None = None
    breakdowns: list[Breakdown] | None = None


class Related(Camel):
    related_identifier_name: str = ""
    related_identifier_value: str = ""


class Context(Camel):
    sku: str | None = None


class Item(Camel):
    total_amount: Amount | None = None
    breakdowns: list[Breakdown] | None = None
    contexts: list[Context] | None = None

    @property
    def sku(self) -> str:
        return next((x.sku for x in self.contexts or () if x.sku), "")


class Place(Camel):
    marketplace_id: str | None = None


class Transaction(Camel):
    transaction_type: str = ""
    transaction_id: str = ""
    description: str | None = None
    posted_date: str | None = None
    total_amount: Amount | None = None
    related_identifiers: list[Related] | None = None
    marketplace_details: Place | None = None
    items: list[Item] | None = None
    breakdowns: list[Breakdown] | None = None

    @property
    def is_refund(self) -> bool:
        is_release = bool(self._named("DEFERRED_TRANSACTION_ID"))
        return _plain(self.transaction_type) in _REFUNDS and not is_release

    @property
    def order_id(self) -> str:
        return self._named("ORDER_ID")

    @property
    def external_id(self) -> str:
        return f"{self.order_id}/{self.transaction_id}"[:128]

    def _named(self, name: str) -> str:
        rows = self.related_identifiers or ()
        return next(
            (x.related_identifier_value for x in rows if x.related_identifier_name == name), ""
        )


def decode(raw: bytes) -> Transaction:
    return shapes.decode(raw, Transaction)


def to_refund(
    raw: bytes, told: Transaction, currencies: Mapping[str, str] | None = None
) -> PartData | None:
    """``told`` is ``raw`` decoded. None where fees alone moved. Raises ContractBroken."""
    if not told.order_id or not told.transaction_id:
        raise ContractBroken(
            "Amazon tells of a refund and not of which order.", path="$.relatedIdentifiers"
        )
    code = _currency(told, currencies or {})
    back = _Sums(code)
    lines: list[RefundLineData] = []
    for number, item in enumerate(told.items or ()):
        mine = back.of(item.breakdowns or (), f"$.items[{number}]", item.total_amount)
        if item.sku and (mine.goods or mine.goods_tax):
            lines.append(
                RefundLineData(
                    line_external_id=text(item.sku, 128), amount=-mine.goods, tax=-mine.goods_tax
                )
            )
    if not told.items:
        back.of(told.breakdowns or (), "$", told.total_amount)
    elif told.total_amount and back.all != _money(told.total_amount, code, "$.totalAmount"):
        raise _does_not_add_up("$.totalAmount")
    if back.buyers > 0:
        raise ContractBroken(
            "Amazon took back a refund of this order: the seller has the money again. Logix does "
            "not take refunds back; look at the order's transactions in Seller Central.",
            path="$.totalAmount",
            code="refund_reversed",
        )
    if not back.buyers:
        return None
    return PartData(
        external_order_id=told.order_id,
        currency=code,
        by_sku=True,
        raw=raw,
        told=RefundData(
            external_id=told.transaction_id[:100],
            amount=-back.buyers,
            reason=text(told.description, 300),
            created_at=known_moment(told.posted_date, "$.postedDate"),
            lines=tuple(_joined(lines)),
        ),
    )


class _Part:
    """Of one item, or of the whole."""

    def __init__(self) -> None:
        self.all = self.buyers = self.goods = self.goods_tax = ZERO


class _Sums(_Part):
    """What a transaction's amounts come to, from the seller's side."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def of(self, tree: Sequence[Breakdown], path: str, total: Amount | None) -> _Part:
        """Adds one tree, and gives what it comes to. Raises ContractBroken where it is not its own
        total.
        """
        mine = _Part()
        for amount, side, names in self._walk(tree, path):
            mine.all += amount
            if side is _Side.AMAZON:
                continue
            mine.buyers += amount
            if names & _GOODS:
                mine.goods += amount
            elif names & _GOODS_TAX:
                mine.goods_tax += amount
        if total is not None and mine.all != _money(total, self._code, f"{path}.totalAmount"):
            raise _does_not_add_up(f"{path}.totalAmount")
        self.all += mine.all
        self.buyers += mine.buyers
        return mine

    def _walk(
        self,
        tree: Sequence[Breakdown],
        path: str,
        above: _Side = _Side.WITHIN,
        names: frozenset[str] = frozenset(),
    ) -> Iterator[tuple[Decimal, _Side, frozenset[str]]]:
        """The innermost amounts, each with whose it is and the names it stands under. The outermost
        name that says whose it is decides.
        """
        for number, node in enumerate(tree):
            at = f"{path}.breakdowns[{number}]"
            name = _plain(node.breakdown_type)
            side = _side(name) if above is _Side.WITHIN else above
            inner, all_names = node.breakdowns or (), names | {name}
            if inner and at.count("breakdowns") < _DEEPEST:
                yield from self._walk(inner, at, side or _Side.WITHIN, all_names)
                continue
            amount = (
                _money(node.breakdown_amount, self._code, at) if node.breakdown_amount else ZERO
            )
            if not amount:
                continue
            if side is None or side is _Side.WITHIN:
                raise ContractBroken(
                    f"Amazon tells an amount of a refund as “{text(node.breakdown_type, 60)}”, "
                    "which Logix does not know: it cannot tell whether the buyer has it.",
                    path=at,
                    code="unknown_amount",
                )
            yield amount, side, all_names


def _side(name: str) -> _Side | None:
    if name in _SIDES:
        return _SIDES[name]
    return _Side.AMAZON if _AMAZONS.fullmatch(name) else None


def _plain(word: str) -> str:
    return re.sub(r"[\s_]", "", word).lower()


def _joined(lines: Sequence[RefundLineData]) -> Iterator[RefundLineData]:
    """One for each SKU."""
    found: dict[str, list[RefundLineData]] = defaultdict(list)
    for line in lines:
        found[line.line_external_id].append(line)
    for sku, rows in found.items():
        yield RefundLineData(
            line_external_id=sku,
            amount=sum((x.amount for x in rows), ZERO),
            tax=sum((x.tax for x in rows), ZERO),
        )


def _currency(told: Transaction, currencies: Mapping[str, str]) -> str:
    """The transaction's, which is the marketplace's, where that is known."""
    if told.total_amount is None:
        raise ContractBroken("Amazon tells of a refund without an amount.", path="$.totalAmount")
    code = currency(told.total_amount.currency_code, "$.totalAmount.currencyCode")
    place = told.marketplace_details.marketplace_id if told.marketplace_details else ""
    expected = currencies.get(place or "", "") or code
    if expected != code:
        raise ContractBroken(
            f"Amazon tells a refund in {code} for an order in {expected}.",
            path="$.totalAmount.currencyCode",
            code="currencies",
        )
    return code


def _money(told: Amount, code: str, path: str) -> Decimal:
    if told.currency_code != code:
        raise ContractBroken(
            f"A refund has amounts in two currencies. Path: {path}.", path=path, code="currencies"
        )
    try:
        return parse_money(told.currency_amount, rounded=True)
    except ValueError as err:
        raise ContractBroken(f"{err} Path: {path}.", path=path, code="bad_amount") from err


def _does_not_add_up(path: str) -> ContractBroken:
    return ContractBroken(
        "The parts of a refund do not come to what Amazon says it is in all.",
        path=path,
        code="does_not_add_up",
    )

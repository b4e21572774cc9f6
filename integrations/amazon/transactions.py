"""A transaction of Amazon's finances: what it is of, and its amounts, each with whose it is. Pure.

It is told from the seller's side, as a tree of amounts: what was sold and taxed is above zero, what
Amazon keeps of it below; in a refund it is the other way round. Amazon names no types beyond its
examples, so those of published clients are in the table; one that is not there is not guessed: the
transaction is set aside with its word.

A deferred transaction is told again when it is released, as another one that names the first: they
are one, and the first is it. Sources: the model ``finances_2024-06-19``; words, and fees that are
told apart into what they are before tax and their tax, seen by clients, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto

from integrations.amazon import shapes
from integrations.amazon.shapes import Camel
from integrations.amazon.values import ZERO, currency, text
from integrations.errors import ContractBroken
from integrations.kit.text import parse_money

_REFUNDS = frozenset({"refund", "guaranteeclaim", "chargeback"})
_SALE, _SERVICE = "shipment", "servicefee"
# A fee for a service may name a shipment to a warehouse as its order
# (amzn/selling-partner-api-models#5167).
_ORDER_ID = re.compile(r"\d{3}-\d{7}-\d{7}")


class Whose(Enum):
    """Whose an amount is, or that only the amounts within it tell."""

    BUYER = auto()
    TAX = auto()
    AMAZON = auto()
    STATE = auto()
    WITHIN = auto()


# In lower case, without spaces. The state's is tax that Amazon pays to it for the seller.
_STATES = re.compile(r".*(?:withheldtax|facilitator(?:tax|vat)|lowvaluegoodstax|tcs|tds)\b.*")
_AMAZONS = re.compile(r".*(?:fees?|commission|chargeback)\b.*")
_WHOSE: Mapping[str, Whose] = {
    "sales": Whose.WITHIN,
    "expenses": Whose.WITHIN,
    "refundedsales": Whose.WITHIN,
    "refundedexpenses": Whose.WITHIN,
    "productcharges": Whose.BUYER,
    "ourpriceprincipal": Whose.BUYER,
    "principal": Whose.BUYER,
    "principle": Whose.BUYER,
    "shipping": Whose.BUYER,
    "shippingprincipal": Whose.BUYER,
    "giftwrap": Whose.BUYER,
    "giftwrapprincipal": Whose.BUYER,
    "codcharge": Whose.BUYER,
    "exportcharge": Whose.BUYER,
    "goodwill": Whose.BUYER,
    "goodwillprincipal": Whose.BUYER,
    "restocking": Whose.BUYER,
    "restockingfee": Whose.BUYER,
    "restockingdeductionprincipal": Whose.BUYER,
    "returnshipping": Whose.BUYER,
    "returnshippingprincipal": Whose.BUYER,
    "promo": Whose.BUYER,
    "promorebates": Whose.BUYER,
    "promotion": Whose.BUYER,
    "discount": Whose.BUYER,
    "ourpricediscount": Whose.BUYER,
    "shippingdiscount": Whose.BUYER,
    "tax": Whose.TAX,
    "ourpricetax": Whose.TAX,
    "shippingtax": Whose.TAX,
    "giftwraptax": Whose.TAX,
    "restockingdeductiontax": Whose.TAX,
    "shippingtaxdiscount": Whose.TAX,
    "ourpricetaxdiscount": Whose.TAX,
}
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
        return plain(self.transaction_type) in _REFUNDS

    @property
    def is_of_an_order(self) -> bool:
        """Whether it moves the money of an order, and is not the release of one that did."""
        if self._named("DEFERRED_TRANSACTION_ID"):
            return False
        kind = plain(self.transaction_type)
        is_sale = kind == _SALE and bool(self.order_id)
        is_service = kind == _SERVICE and bool(_ORDER_ID.fullmatch(self.order_id))
        return self.is_refund or is_sale or is_service

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


@dataclass(frozen=True, slots=True)
class Part:
    """One amount, from the seller's side. ``sku``: of the item it is of, '' where it is of none.
    ``words``: Amazon's, under which it stands, the outermost first.
    """

    amount: Decimal
    whose: Whose
    words: tuple[str, ...]
    sku: str = ""

    def is_under(self, names: frozenset[str]) -> bool:
        return any(plain(word) in names for word in self.words)


@dataclass(frozen=True, slots=True)
class Booked:
    """What a transaction moves. ``parts`` come to what Amazon says it is in all."""

    told: Transaction
    currency: str
    parts: tuple[Part, ...]
    raw: bytes

    def of(self, *whose: Whose) -> list[Part]:
        return [part for part in self.parts if part.whose in whose]


def decode(raw: bytes) -> Transaction:
    return shapes.decode(raw, Transaction)


def booked(raw: bytes, told: Transaction, currencies: Mapping[str, str]) -> Booked:
    """``told`` is ``raw`` decoded, ``currencies`` those of marketplaces. Raises ContractBroken."""
    if not told.order_id or not told.transaction_id:
        raise ContractBroken(
            "Amazon tells of a transaction without its id, or not of which order.",
            path="$.relatedIdentifiers",
        )
    code = _currency(told, currencies)
    parts: list[Part] = []
    for number, item in enumerate(told.items or ()):
        parts += _parts(item.breakdowns or (), code, f"$.items[{number}]", item.total_amount, item)
    if not told.items:
        parts += _parts(told.breakdowns or (), code, "$", told.total_amount)
    _check(parts, told.total_amount, code, "$")
    return Booked(told, code, tuple(parts), raw)


def sum_of(parts: Iterable[Part]) -> Decimal:
    return sum((part.amount for part in parts), ZERO)


def plain(word: str) -> str:
    return re.sub(r"[\s_]", "", word).lower()


def _parts(
    tree: Sequence[Breakdown], code: str, path: str, total: Amount | None, item: Item | None = None
) -> list[Part]:
    """Raises ContractBroken where they do not come to ``total``."""
    parts = list(_walk(tree, code, path, sku=item.sku if item else ""))
    _check(parts, total, code, path)
    return parts


def _walk(
    tree: Sequence[Breakdown],
    code: str,
    path: str,
    above: Whose = Whose.WITHIN,
    words: tuple[str, ...] = (),
    *,
    sku: str,
) -> Iterator[Part]:
    """The innermost amounts. The outermost word that says whose one is decides."""
    for number, node in enumerate(tree):
        at = f"{path}.breakdowns[{number}]"
        name = plain(node.breakdown_type)
        whose = _whose(name) if above is Whose.WITHIN else above
        inner, all_words = node.breakdowns or (), (*words, node.breakdown_type)
        if inner and at.count("breakdowns") < _DEEPEST:
            yield from _walk(inner, code, at, whose or Whose.WITHIN, all_words, sku=sku)
            continue
        amount = _money(node.breakdown_amount, code, at) if node.breakdown_amount else ZERO
        if not amount:
            continue
        if whose is None or whose is Whose.WITHIN:
            raise ContractBroken(
                f"Amazon tells an amount of an order as “{text(node.breakdown_type, 60)}”, which "
                "Logix does not know: it cannot tell whether it is the buyer's or Amazon's.",
                path=at,
                code="unknown_amount",
            )
        yield Part(amount, whose, all_words, sku)


def _whose(name: str) -> Whose | None:
    if name in _WHOSE:
        return _WHOSE[name]
    if _STATES.fullmatch(name):
        return Whose.STATE
    return Whose.AMAZON if _AMAZONS.fullmatch(name) else None


def _currency(told: Transaction, currencies: Mapping[str, str]) -> str:
    """The transaction's, which is the marketplace's, where that is known."""
    if told.total_amount is None:
        raise ContractBroken(
            "Amazon tells of a transaction without an amount.", path="$.totalAmount"
        )
    code = currency(told.total_amount.currency_code, "$.totalAmount.currencyCode")
    place = told.marketplace_details.marketplace_id if told.marketplace_details else ""
    expected = currencies.get(place or "", "") or code
    if expected != code:
        raise ContractBroken(
            f"Amazon tells a transaction in {code} for an order in {expected}.",
            path="$.totalAmount.currencyCode",
            code="currencies",
        )
    return code


def _check(parts: Sequence[Part], total: Amount | None, code: str, path: str) -> None:
    where = f"{path}.totalAmount"
    if total is not None and sum_of(parts) != _money(total, code, where):
        raise ContractBroken(
            "The parts of a transaction do not come to what Amazon says it is in all.",
            path=where,
            code="does_not_add_up",
        )


def _money(told: Amount, code: str, path: str) -> Decimal:
    if told.currency_code != code:
        raise ContractBroken(
            f"A transaction has amounts in two currencies. Path: {path}.",
            path=path,
            code="currencies",
        )
    try:
        return parse_money(told.currency_amount, rounded=True)
    except ValueError as err:
        raise ContractBroken(f"{err} Path: {path}.", path=path, code="bad_amount") from err

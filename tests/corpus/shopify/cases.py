"""Every situation of ``situations.json``, rung up and written as Shopify would: in the currencies
it names, or in two of the usual ones by turns. Amounts in there are counts of the smallest unit:
1999 are 19.99 euros, 1999 yen or 1.999 dinars.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import count, cycle
from pathlib import Path
from typing import Any

from integrations.shopify import mapper
from orders.data import OrderData
from tests.corpus.cases import Case, Truth
from tests.corpus.exact import decimal, places_of
from tests.corpus.shopify.shape import Writer
from tests.corpus.shopify.till import Till

_TOLD = json.loads(Path(__file__).with_name("situations.json").read_text())
_WORDS = {
    "PENDING": "unpaid",
    "AUTHORIZED": "authorized",
    "PARTIALLY_PAID": "partially_paid",
    "PAID": "paid",
    "PARTIALLY_REFUNDED": "partially_refunded",
    "REFUNDED": "refunded",
    "VOIDED": "voided",
    "EXPIRED": "voided",
}
_TAKEN = {"SALE", "CAPTURE"}


def read(answer: dict[str, Any]) -> OrderData:
    return mapper.to_order(json.dumps(answer).encode())


def case(number: int, name: str, currency: str, told: dict[str, Any]) -> Case:
    found, writer = Till(told).ring_up(), Writer(currency, told)

    def amount(units: int) -> Decimal:
        return decimal(writer.shop_units(units), places_of(currency))

    paid = [x for x in writer.payments(found) if x.get("status", "SUCCESS") == "SUCCESS"]
    voided = {x["parent"] for x in paid if x.get("kind") == "VOID"}
    captured = sum(amount(x["amount"]) for x in paid if x.get("kind", "SALE") in _TAKEN)
    captured -= sum(amount(x["amount"]) for x in paid if x.get("kind") == "CHANGE")
    held = [
        amount(x["amount"])
        for place, x in enumerate(writer.payments(found))
        if x in paid and x.get("kind") == "AUTHORIZATION" and place not in voided
    ]
    refunded = sum((amount(x.amount) for x in found.refunds), Decimal(0))
    total, is_plain = amount(found.worth), not (found.fees or found.duties or found.tip)
    is_whole = is_plain and not found.refunds and captured == total and total > 0
    shown = decimal(writer.shown_units(found.total), places_of(writer.shown))
    return Case(
        platform="shopify",
        situation=name,
        answer=writer.order(number, found),
        read=read,
        truth=Truth(
            currency=currency,
            total=total,
            word=_WORDS[told.get("financial", "PAID")],
            captured=Decimal(captured),
            authorized=sum(held, Decimal(0)),
            refunded=refunded,
            prices_include_tax=told.get("inside", False),
            is_exact=told.get("exact", True),
            shown=None if writer.shown == currency else (writer.shown, shown),
            worth=total if is_whole else None,
        ),
    )


def _all() -> Iterator[Case]:
    numbers = count(80_001)
    turns = cycle(_TOLD["currencies"])
    for name, told in _TOLD["situations"].items():
        usual = next(turns)
        for currency in told.get("currencies", usual):
            yield case(next(numbers), name, currency, told)


CASES = list(_all())

"""Every situation of ``situations.json``, rung up and written as WooCommerce would: in the
currencies it names, or in two of the usual ones by turns. Amounts in there are counts of the
smallest unit: 1999 are 19.99 euros, 1999 yen or 1.999 dinars.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import count, cycle
from pathlib import Path
from typing import Any

from integrations.woocommerce import mapper, money
from orders.data import OrderData
from tests.corpus.cases import Case, Truth
from tests.corpus.exact import decimal, half_up, places_of
from tests.corpus.woocommerce.shape import Writer
from tests.corpus.woocommerce.till import Rate, Row, Till

_TOLD = json.loads(Path(__file__).with_name("situations.json").read_text())
# What a status says of the payment where no date of payment does.
_WORDS = {"cancelled": "voided", "failed": "failed", "refunded": "refunded"}


def read(answer: dict[str, Any]) -> OrderData:
    """As an order read by its id: with its refunds, which are records of their own."""
    refunds = [money.to_refund(json.dumps(one).encode()) for one in answer["refunds"]]
    return mapper.to_order(json.dumps(answer["order"]).encode(), refunds=refunds)


def case(number: int, name: str, currency: str, told: dict[str, Any]) -> Case:
    places = told.get("decimals", places_of(currency))
    rates = [_rate(n, one) for n, one in enumerate(told.get("rates", ()), 1)]
    till = Till(rates, inside=told.get("inside", False), at_total=told.get("at_total", False))
    found, writer = till.ring_up(told), Writer(places, rates)
    order = writer.order(number, currency, told, found)
    refunds, left = [], found.total
    for place, one in enumerate(told.get("refunds", ()), 1):
        lines = [[n, units, *_worth(found.lines[n], units)] for n, units in one.get("lines", ())]
        sent = _gross(found.shipping) if one.get("shipping") else 0
        goods = sum(net + tax for _, _, net, tax in lines)
        amount = one["amount"] if "amount" in one else goods + sent
        amount = left if one.get("rest") else min(amount, left)
        left -= amount
        row = writer.refund(number + 1_000_000 * place, order, amount, lines, found)
        refunds.append(row)
        order["refunds"].append(
            {"id": row["id"], "reason": row["reason"], "total": f"-{row['amount']}"}
            | {"total_tax": "0.00"}
        )
    is_paid = told.get("paid", True)
    status = told.get("status", "processing")
    word = _WORDS.get(status, "unpaid")
    total = decimal(found.total, places)
    return Case(
        platform="woocommerce",
        situation=name,
        answer={"order": order, "refunds": refunds},
        read=read,
        truth=Truth(
            currency=currency,
            total=total,
            word="paid" if is_paid and word == "unpaid" else word,
            captured=total if is_paid else Decimal(0),
            refunded=decimal(found.total - left, places),
            prices_include_tax=told.get("inside", False),
            is_exact=told.get("exact", True),
            worth=total if not (found.fees or refunds) and is_paid and total else None,
        ),
    )


def _rate(number: int, told: Any) -> Rate:
    if not isinstance(told, dict):
        return Rate(number, Fraction(str(told)))
    percent = Fraction(str(told["percent"]))
    return Rate(number, percent, told.get("compound", False), told.get("shipping", True))


def _worth(line: Row, units: int) -> tuple[int, int]:
    """What a person enters for so many units: their share of the line as it is shown."""
    part = Fraction(units, line.quantity)
    return int(half_up(half_up(line.net) * part)), int(half_up(half_up(line.tax) * part))


def _gross(rows: list[Row]) -> int:
    return int(sum((half_up(row.net) + half_up(row.tax) for row in rows), Fraction(0)))


def _all() -> Iterator[Case]:
    numbers = count(70_001)
    turns = cycle(_TOLD["currencies"])
    for name, told in _TOLD["situations"].items():
        usual = next(turns)
        for currency in told.get("currencies", usual):
            yield case(next(numbers), name, currency, told)


CASES = list(_all())

"""Every order of the corpus, to the last smallest unit: what is kept and what is shown is what the
platform's own arithmetic came to.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest

from orders import refunding
from orders.data import ChargeKind
from orders.models import Order
from tests.corpus.cases import ZERO, Case, all_cases
from tests.corpus.conftest import Kept

CASES = all_cases()

every = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@every
def test_the_parts_that_are_kept_come_to_the_total(case: Case, kept: Kept) -> None:
    order, truth = kept.order(case), case.truth

    parts = sum((line.total + line.tax for line in order.lines.all()), ZERO)
    added = [row for row in order.charges if not row["informative"]]
    parts += sum((Decimal(row["amount"]) + Decimal(row["tax"]) for row in added), ZERO)
    roundings = [Decimal(r["amount"]) for r in added if r["kind"] == ChargeKind.ROUNDING]

    assert (order.currency, order.total) == (truth.currency, truth.total)
    assert parts == order.total
    assert len(roundings) <= 1
    assert order.rounding == sum(roundings, ZERO)
    assert abs(order.rounding) <= truth.most_missing
    assert order.prices_include_tax == truth.prices_include_tax


@every
def test_what_was_paid_and_given_back_is_kept_and_says_how_it_stands(
    case: Case, kept: Kept
) -> None:
    order, truth = kept.order(case), case.truth

    assert order.paid_total == truth.captured
    assert order.refunded_total == truth.refunded
    # WooCommerce lets an order be refunded that it never saw paid; of what was paid, never more.
    assert order.refunded_total <= (order.paid_total or order.total)
    assert order.payment_status == truth.payment


@every
def test_the_api_shows_the_same_in_both_currencies_and_with_their_decimals(
    case: Case, kept: Kept
) -> None:
    order, shown, truth = kept.order(case), kept.shown(case), case.truth
    texts = list(_amounts(shown))
    currency, total = truth.shown or (None, None)
    told = shown["custom"].get("presentment_total")

    assert shown["currency"] == truth.currency
    assert shown["custom"].get("presentment_currency") == currency
    assert (told and Decimal(told)) == total
    assert Decimal(shown["total"]) == truth.total
    assert Decimal(shown["paid_total"]) == truth.captured
    assert Decimal(shown["refunded_total"]) == truth.refunded
    assert Decimal(shown["rounding"]) == order.rounding
    added = [row for row in shown["charges"] if not row["informative"]]
    parts = sum(Decimal(x["total"]) + Decimal(x["tax"]) for x in shown["lines"])
    parts += sum(Decimal(row["amount"]) + Decimal(row["tax"]) for row in added)
    assert parts == truth.total
    assert [text for text in texts if not _is_written_in(text, truth.places)] == []


@every
def test_more_than_is_left_is_not_refunded(case: Case, kept: Kept) -> None:
    order, truth = kept.order(case), case.truth

    answer = kept.api.post(f"/orders/{order.pk}/refunds", {"amount": str(truth.left + truth.unit)})

    assert (answer.status_code, answer.json()["code"]) == (409, "too_much")
    if truth.left:
        assert refunding.preview(order, amount=truth.left).amount == truth.left


@pytest.mark.parametrize("case", [c for c in CASES if c.truth.worth], ids=lambda case: case.name)
def test_all_units_and_the_shipping_give_back_all_that_was_paid(case: Case, kept: Kept) -> None:
    order = kept.order(case)

    whole = refunding.preview(
        order,
        lines={line.pk: line.quantity for line in order.lines.all()},
        shipping=_shipping(order).quantize(case.truth.unit, ROUND_DOWN),
    )

    assert whole.amount == case.truth.left


def _shipping(order: Order) -> Decimal:
    rows = [row for row in order.charges if row["kind"] == ChargeKind.SHIPPING]
    return sum((Decimal(row["amount"]) + Decimal(row["tax"]) for row in rows), ZERO)


def _amounts(shown: dict[str, Any]) -> Iterator[str]:
    """Every amount of an order's answer, wherever it stands."""
    for name, value in shown.items():
        if name in _AMOUNTS and isinstance(value, str):
            yield value
        elif isinstance(value, list):
            for row in value:
                yield from _amounts(row) if isinstance(row, dict) else ()


_AMOUNTS = {
    *("total", "paid_total", "refunded_total", "line_total", "discount_total", "shipping_total"),
    *("fee_total", "tax_total", "rounding", "unit_price", "subtotal", "tax", "amount"),
}


def _is_written_in(text: str, places: int) -> bool:
    """With the currency's decimals; more only where the amount has more."""
    decimals = len(text.partition(".")[2])
    return decimals == places or (decimals > places and not text.endswith("0"))

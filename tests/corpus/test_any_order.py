"""Beyond the corpus: baskets nobody thought of, rung up by the platforms' tills and read by the
adapters, add up as well.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orders.data import ChargeKind, PaymentKind
from tests.corpus.cases import ZERO, Case
from tests.corpus.shopify import cases as shopify
from tests.corpus.woocommerce import cases as woocommerce

CURRENCIES = ("EUR", "USD", "GBP", "JPY", "KRW", "KWD", "BHD", "TND")
MANY = settings(max_examples=80, deadline=None)

currencies = st.sampled_from(CURRENCIES)
prices = st.integers(0, 5_000_000)
lines = st.lists(st.tuples(prices, st.integers(1, 999)).map(list), min_size=1, max_size=8)
costs = st.lists(prices, max_size=2)
percents = st.sampled_from([0, 5, 7, 7.25, 8.875, 10, 19, 20, 21, 25.5])
coupons = st.one_of(
    st.builds(lambda n: {"percent": n}, st.integers(1, 100)),
    st.builds(lambda n: {"fixed": n}, st.integers(1, 100_000)),
)


@st.composite
def baskets(draw: st.DrawFn) -> dict[str, Any]:
    """For WooCommerce. A second rate is on top of the first where it is compound."""
    rates: list[Any] = draw(st.lists(percents, max_size=2))
    if len(rates) == 2 and draw(st.booleans()):
        rates[1] = {"percent": rates[1], "compound": True}
    fees = draw(st.lists(prices, max_size=2))
    return {
        "rates": rates,
        "lines": draw(lines),
        "shipping": draw(costs),
        "fees": [[fee] for fee in fees],
        "coupons": draw(st.lists(coupons, max_size=2)),
        "inside": draw(st.booleans()),
        "at_total": draw(st.booleans()),
    }


@st.composite
def carts(draw: st.DrawFn) -> dict[str, Any]:
    """For Shopify."""
    rows: list[Any] = draw(lines)
    told: dict[str, Any] = {
        "rates": draw(st.lists(percents, max_size=3)),
        "lines": rows,
        "shipping": draw(costs),
        "inside": draw(st.booleans()),
        "tip": draw(st.integers(0, 1000)),
        "discount": f"{draw(st.integers(0, 100))}%",
        "payments": [{"amount": "all"}],
    }
    place = draw(st.integers(0, len(rows) - 1))
    if draw(st.booleans()):
        told["refunds"] = [{"lines": [[place, draw(st.integers(1, rows[place][1]))]]}]
    return told


@MANY
@given(baskets(), currencies)
def test_a_basket_of_woocommerces_adds_up(told: dict[str, Any], currency: str) -> None:
    case = woocommerce.case(1, "any", currency, told)

    # A store that rounds at the total lets go of less than one unit, each tax rounded apart.
    assert_adds_up(case, most=case.truth.unit if told["at_total"] else ZERO)


@MANY
@given(carts(), currencies)
def test_a_cart_of_shopifys_adds_up(told: dict[str, Any], currency: str) -> None:
    case = shopify.case(1, "any", currency, told)

    assert_adds_up(case, most=ZERO)
    record = case.record
    back = sum((x.amount + x.tax for r in record.refunds for x in r.lines or ()), ZERO)
    assert back == case.truth.refunded <= record.total


def assert_adds_up(case: Case, *, most: Decimal) -> None:
    record, truth = case.record, case.truth
    parts = sum((x.total + x.tax for x in record.lines), ZERO)
    parts += sum((c.amount + c.tax for c in record.charges if not c.informative), ZERO)
    roundings = [c.amount for c in record.charges if c.kind is ChargeKind.ROUNDING]
    taken = [p.amount for p in record.payments if p.kind is PaymentKind.CAPTURE]

    assert (record.currency, record.total) == (truth.currency, truth.total)
    assert parts == truth.total
    assert len(roundings) <= 1
    assert all(abs(amount) <= most for amount in roundings)
    assert sum(taken, ZERO) == truth.captured

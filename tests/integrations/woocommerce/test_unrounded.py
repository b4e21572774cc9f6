"""Stores that round at the total show amounts that do not add up to it: what they added up does."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders.data import ChargeKind, OrderData
from tests.corpus.woocommerce import cases

# "Round tax at subtotal level", 19 % on top of 2.50, twelve times: 12 × 2.975 = 35.70.
TWELVE: dict[str, Any] = {"rates": [19], "at_total": True, "lines": [[250, 1]] * 12}


def told(**changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = cases.case(1, "twelve", "EUR", TWELVE | changes).answer
    return answer


def roundings(order: OrderData) -> list[Decimal]:
    return [c.amount for c in order.charges if c.kind is ChargeKind.ROUNDING]


def test_what_is_shown_rounded_is_read_as_it_was_added_up() -> None:
    answer = told()
    assert {line["total_tax"] for line in answer["order"]["line_items"]} == {"0.48"}

    order = cases.read(answer)

    assert order.total == Decimal("35.70")
    assert {(line.total, line.tax) for line in order.lines} == {(Decimal("2.5"), Decimal("0.475"))}
    assert roundings(order) == []


def test_a_store_that_rounds_each_line_is_read_as_it_is_shown() -> None:
    order = cases.read(told(at_total=False))

    assert order.total == Decimal("35.76")
    assert {line.tax for line in order.lines} == {Decimal("0.48")}
    assert roundings(order) == []


def test_less_than_a_cent_is_left_and_is_a_visible_line() -> None:
    order = cases.read(told(lines=[[250, 1]] * 3))

    assert order.total == Decimal("8.93")
    assert roundings(order) == [Decimal("0.005")]


def test_a_sum_that_a_plugin_took_off_the_total_stays_what_it_is() -> None:
    answer = told(at_total=False)
    answer["order"]["total"] = "25.76"

    order = cases.read(answer)

    assert {line.tax for line in order.lines} == {Decimal("0.48")}
    assert roundings(order) == [Decimal("-10.00")]


def test_what_a_plugin_left_in_place_of_the_parts_is_not_believed() -> None:
    answer = told()
    for line in answer["order"]["line_items"]:
        line |= {"price": "cheap", "taxes": [{"id": 1, "total": "9.99"}, {"id": 2}]}

    order = cases.read(answer)

    assert {(line.total, line.tax) for line in order.lines} == {(Decimal("2.50"), Decimal("0.48"))}
    assert roundings(order) == [Decimal("-0.06")]


def test_parts_of_a_tax_that_are_no_list_are_no_reason_to_lose_the_order() -> None:
    answer = told()
    for line in answer["order"]["line_items"]:
        line["taxes"] = ""

    assert roundings(cases.read(answer)) == [Decimal("-0.06")]

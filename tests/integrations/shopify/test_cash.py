"""Cash: coins are rounded and change is given, and neither is what an order was paid with."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from integrations.shopify import mapper
from orders.data import OrderData, PaymentKind
from tests.integrations.shopify.make import bag, order

TOTAL = "12.05"


def cash(number: int, kind: str, amount: str, rounding: str | None = None) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "kind": kind,
        "status": "SUCCESS",
        "formattedGateway": "Cash",
        "amountSet": bag(amount),
        "amountRoundingSet": bag(rounding) if rounding else None,
    }


def paid(*transactions: dict[str, Any]) -> OrderData:
    node = order(totalPriceSet=bag(TOTAL, TOTAL), transactions=list(transactions))
    return mapper.to_order(json.dumps(node).encode())


def captured(record: OrderData) -> Decimal:
    taken = [p.amount for p in record.payments if p.kind is PaymentKind.CAPTURE]
    return sum(taken, Decimal(0))


def test_what_was_owed_is_what_was_paid_and_the_coins_stand_beside_it() -> None:
    """9.99 rounded to 10.00 is an amount of 9.99 and a rounding of 0.01:
    https://shopify.dev/changelog/new-cash-rounding-on-order-and-order-transaction
    """
    found = paid(cash(1, "SALE", TOTAL, "-0.05"))

    assert captured(found) == found.total == Decimal(TOTAL)
    assert found.custom["cash_rounding"] == "-0.05"


def test_coins_that_went_back_are_taken_off_what_coins_came_in() -> None:
    found = paid(cash(1, "SALE", TOTAL, "0.05"), cash(2, "REFUND", "5.02", "-0.02"))

    assert found.custom["cash_rounding"] == "0.07"


def test_a_card_says_nothing_of_coins() -> None:
    assert "cash_rounding" not in paid(cash(1, "SALE", TOTAL)).custom


def test_change_is_money_that_was_not_taken() -> None:
    found = paid(cash(1, "SALE", "20.00"), cash(2, "CHANGE", "7.95"))

    assert [p.amount for p in found.payments] == [Decimal("20.00"), Decimal("-7.95")]
    assert captured(found) == found.total


def test_change_beside_what_was_kept_takes_nothing_off_it() -> None:
    found = paid(cash(1, "SALE", TOTAL), cash(2, "CHANGE", "7.95"))

    assert captured(found) == found.total


def test_change_that_failed_was_not_given() -> None:
    failed = cash(2, "CHANGE", "7.95") | {"status": "FAILURE"}

    assert captured(paid(cash(1, "SALE", "20.00"), failed)) == Decimal("20.00")

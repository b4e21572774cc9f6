"""The derived axes, as tables."""

from __future__ import annotations

from decimal import Decimal

import pytest

from orders.models import Order
from orders.status import (
    FulfillmentStatus,
    PaymentStatus,
    fulfillment_status,
    payment_status,
)

P, F = PaymentStatus, FulfillmentStatus


@pytest.mark.parametrize(
    ("word", "total", "captured", "authorized", "refunded", "expected"),
    [
        (P.UNPAID, 10, 0, 0, 0, P.UNPAID),
        (P.PAID, 0, 0, 0, 0, P.PAID),
        (P.UNPAID, 10, 10, 0, 0, P.PAID),
        (P.UNPAID, 10, 12, 0, 0, P.PAID),
        (P.PAID, 10, 4, 0, 0, P.PARTIALLY_PAID),
        (P.PAID, 10, 10, 0, 3, P.PARTIALLY_REFUNDED),
        (P.PAID, 10, 10, 0, 10, P.REFUNDED),
        (P.PAID, 10, 10, 0, 11, P.REFUNDED),
        # What was captured and given back is refunded, even when it was less than the total.
        (P.UNPAID, 10, 4, 0, 4, P.REFUNDED),
        (P.UNPAID, 10, 0, 10, 0, P.AUTHORIZED),
        (P.PAID, 10, 4, 6, 0, P.PARTIALLY_PAID),
        (P.VOIDED, 10, 0, 10, 0, P.VOIDED),
        (P.FAILED, 10, 0, 10, 0, P.FAILED),
        # Cancelled with the money still there: the amounts say so, the word does not hide it.
        (P.VOIDED, 10, 10, 0, 0, P.PAID),
        (P.VOIDED, 10, 10, 0, 10, P.REFUNDED),
        (P.REFUNDED, 10, 0, 0, 10, P.REFUNDED),
        (P.UNKNOWN, 10, 0, 0, 0, P.UNKNOWN),
    ],
)
def test_payment_is_by_amounts_and_else_by_the_word(
    word: P, total: int, captured: int, authorized: int, refunded: int, expected: P
) -> None:
    found = payment_status(
        word=word,
        total=Decimal(total),
        captured=Decimal(captured),
        authorized=Decimal(authorized),
        refunded=Decimal(refunded),
    )

    assert found is expected


@pytest.mark.parametrize(
    ("word", "required", "shipped", "expected"),
    [
        (F.UNFULFILLED, 3, 0, F.UNFULFILLED),
        (F.UNFULFILLED, 3, 1, F.PARTIALLY_FULFILLED),
        (F.UNFULFILLED, 3, 3, F.FULFILLED),
        (F.UNFULFILLED, 3, 4, F.FULFILLED),
        (F.UNFULFILLED, 0, 0, F.NOT_REQUIRED),
        (F.NOT_READY, 3, 0, F.NOT_READY),
        (F.IN_PROGRESS, 3, 0, F.IN_PROGRESS),
        (F.IN_PROGRESS, 3, 2, F.PARTIALLY_FULFILLED),
        (F.DELIVERED, 3, 3, F.DELIVERED),
        (F.DELIVERED, 3, 1, F.PARTIALLY_FULFILLED),
        (F.CANCELLED, 3, 0, F.CANCELLED),
        (F.CANCELLED, 0, 0, F.CANCELLED),
        (F.CANCELLED, 3, 1, F.PARTIALLY_FULFILLED),
        (F.CANCELLED, 3, 3, F.FULFILLED),
        (F.FULFILLED, 3, 0, F.FULFILLED),
        (F.FULFILLED, 0, 0, F.FULFILLED),
    ],
)
def test_fulfilment_is_by_quantities_and_else_by_the_word(
    word: F, required: int, shipped: int, expected: F
) -> None:
    assert fulfillment_status(word=word, required=required, shipped=shipped) is expected


@pytest.mark.parametrize(("number", "called"), [("1268", "#1268"), ("#1268", "#1268"), ("", "#")])
def test_an_order_is_called_by_its_number_with_one_sign(number: str, called: str) -> None:
    """Shopify writes the sign into the number itself."""
    assert str(Order(number=number)) == called

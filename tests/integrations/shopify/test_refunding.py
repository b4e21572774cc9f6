"""Refunds as Shopify is told of them: from the payments they came from, in the buyer's currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import NotFound, OutcomeUnknown, Rejected
from orders.data import RefundLineData, RefundOrder
from tests.integrations.shopify.shop import LOST, Shop, adapter_for, data, done, refused

ORDER = "gid://shopify/Order/5001"
SALE, CARD = "gid://shopify/OrderTransaction/1", "gid://shopify/OrderTransaction/2"


def paid(number: int, amount: str, shown: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/OrderTransaction/{number}",
        "kind": "SALE",
        "status": "SUCCESS",
        "gateway": "shopify_payments",
        "parentTransaction": None,
        "amountSet": {
            "shopMoney": {"amount": amount},
            "presentmentMoney": {"amount": shown or amount},
        },
        **changes,
    }


def desk(shop: Shop, *transactions: dict[str, Any], **changes: Any) -> None:
    told = {
        "id": ORDER,
        "taxesIncluded": False,
        "currencyCode": "EUR",
        "presentmentCurrencyCode": "EUR",
        "refunds": [],
        "transactions": list(transactions),
        **changes,
    }
    shop.on("RefundDesk", data(order=told))
    shop.on("RefundOrder", done("refundCreate", refund={"id": "gid://shopify/Refund/1"}))


def back(amount: str = "11.90", **changes: Any) -> RefundOrder:
    fields: dict[str, Any] = {
        "amount": Decimal(amount),
        "currency": "EUR",
        "moves_money": True,
        "reason": "Chipped",
        **changes,
    }
    return RefundOrder(**fields)


def refund(shop: Shop, told: RefundOrder) -> bool:
    return adapter_for(shop).refund_order("5001", told, reference="LGX-1001-R1")


def sent(shop: Shop) -> dict[str, Any]:
    (call,) = shop.asked("RefundOrder")
    found: dict[str, Any] = call.variables["input"]
    return found


def test_a_unit_goes_back_to_the_payment_and_is_not_restocked(shop: Shop) -> None:
    desk(shop, paid(1, "28.75"))
    line = RefundLineData(line_external_id="9001", quantity=1, amount=Decimal("10.00"))

    assert refund(shop, back(lines=(line,))) is True

    assert sent(shop) == {
        "orderId": ORDER,
        "currency": "EUR",
        "note": "Chipped [LGX-1001-R1]",
        "notify": True,
        "refundLineItems": [
            {
                "lineItemId": "gid://shopify/LineItem/9001",
                "quantity": 1,
                "restockType": "NO_RESTOCK",
            }
        ],
        "transactions": [
            {
                "orderId": ORDER,
                "kind": "REFUND",
                "gateway": "shopify_payments",
                "parentId": SALE,
                "amount": "11.90",
            }
        ],
    }


def test_money_goes_back_to_several_payments_as_far_as_each_has_some_left(shop: Shop) -> None:
    earlier = paid(3, "4.00", kind="REFUND", parentTransaction={"id": SALE})
    desk(
        shop,
        paid(9, "28.75", kind="AUTHORIZATION"),
        paid(1, "10.00", gateway="gift_card"),
        paid(8, "28.75", status="FAILURE"),
        earlier,
        paid(2, "18.75", kind="CAPTURE"),
    )

    refund(shop, back("20.00"))

    told = [(x["gateway"], x["parentId"], x["amount"]) for x in sent(shop)["transactions"]]
    assert told == [("gift_card", SALE, "6.00"), ("shopify_payments", CARD, "14.00")]


def test_a_buyer_who_paid_in_another_currency_is_paid_back_in_it(shop: Shop) -> None:
    desk(shop, paid(1, "100.00", "110.00"), presentmentCurrencyCode="USD")

    refund(shop, back("50.00", shipping=Decimal("5.95"), shipping_tax=Decimal("0.95")))

    told = sent(shop)
    assert told["currency"] == "USD"
    assert told["transactions"][0]["amount"] == "55.00"
    assert told["shipping"] == {"amount": "5.50"}


def test_an_amount_is_written_out(shop: Shop) -> None:
    desk(shop, paid(1, "28.75"))

    refund(shop, back("1E+1"))

    assert sent(shop)["transactions"][0]["amount"] == "10"


def test_all_of_a_foreign_payment_is_what_was_paid(shop: Shop) -> None:
    desk(shop, paid(1, "33.33", "36.37"), presentmentCurrencyCode="USD")

    refund(shop, back("33.33"))

    assert sent(shop)["transactions"][0]["amount"] == "36.37"


@pytest.mark.parametrize(("included", "amount"), [(True, "5.95"), (False, "5.00")])
def test_shipping_is_told_as_the_shop_prices_it(shop: Shop, included: bool, amount: str) -> None:
    desk(shop, paid(1, "28.75"), taxesIncluded=included)

    refund(shop, back("5.95", shipping=Decimal("5.95"), shipping_tax=Decimal("0.95")))

    assert sent(shop)["shipping"] == {"amount": amount}


def test_a_refund_that_is_there_is_not_made_again(shop: Shop) -> None:
    desk(shop, paid(1, "28.75"), refunds=[{"note": None}, {"note": "Chipped [LGX-1001-R1]"}])

    assert refund(shop, back()) is False
    assert shop.asked("RefundOrder") == []


def test_the_same_refund_has_the_same_key_and_another_another(shop: Shop) -> None:
    desk(shop, paid(1, "28.75"))
    adapter = adapter_for(shop)

    for reference in ("R1", "R1", "R2"):
        adapter.refund_order("5001", back(), reference=reference)

    first, again, other = (call.variables["key"] for call in shop.asked("RefundOrder"))
    assert first == again != other


def test_a_refusal_is_told_in_shopifys_words(shop: Shop) -> None:
    desk(shop, paid(1, "28.75"))
    shop.on("RefundOrder", refused("refundCreate", "Quantity cannot refund more items"))

    with pytest.raises(Rejected, match="Quantity cannot refund more items"):
        refund(shop, back())


@pytest.mark.parametrize(
    "message",
    [
        "This request is currently in progress, please try again.",
        "The same idempotency key cannot be used with different operation parameters.",
    ],
)
def test_a_refund_that_is_under_way_is_looked_at_again(shop: Shop, message: str) -> None:
    desk(shop, paid(1, "28.75"))
    shop.on("RefundOrder", refused("refundCreate", message))

    with pytest.raises(OutcomeUnknown):
        refund(shop, back())


def test_a_lost_answer_leaves_the_outcome_open_and_is_not_sent_again(shop: Shop) -> None:
    desk(shop, paid(1, "28.75"))
    shop.on("RefundOrder", LOST)

    with pytest.raises(OutcomeUnknown):
        refund(shop, back())
    assert len(shop.asked("RefundOrder")) == 1


def test_an_order_nobody_paid_for_has_nothing_to_give_back(shop: Shop) -> None:
    desk(shop, paid(9, "28.75", kind="AUTHORIZATION"))

    with pytest.raises(Rejected) as caught:
        refund(shop, back())
    assert caught.value.code == "no_payment"


def test_a_refund_without_money_is_none_here(shop: Shop) -> None:
    with pytest.raises(Rejected) as caught:
        refund(shop, back(moves_money=False))
    assert caught.value.code == "no_record"
    assert shop.calls == []


def test_an_order_that_is_gone_is_not_found(shop: Shop) -> None:
    shop.on("RefundDesk", data(order=None))

    with pytest.raises(NotFound):
        refund(shop, back())

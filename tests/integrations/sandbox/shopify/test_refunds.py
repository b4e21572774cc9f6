"""Money and goods given back."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import pytest

from integrations.sandbox.shopify.orders import acts, placing
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make
from tests.integrations.sandbox.shopify.test_fulfillment import order_of

REFUND = """
mutation ($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund {
      id note createdAt totalRefundedSet { shopMoney { amount } presentmentMoney { amount } }
      refundLineItems(first: 10) { nodes { quantity restockType restocked location { id }
        subtotalSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } } }
      refundShippingLines(first: 5) { nodes { subtotalAmountSet { shopMoney { amount } } } }
      orderAdjustments(first: 5) { nodes { reason amountSet { shopMoney { amount } } } }
      transactions(first: 5) { nodes { kind status gateway parentTransaction { id } } }
    }
    order { id displayFinancialStatus }
    userErrors { field message }
  }
}
"""
SUGGESTED = """
query ($id: ID!, $lines: [RefundLineItemInput!], $full: Boolean) {
  order(id: $id) {
    suggestedRefund(refundLineItems: $lines, suggestFullRefund: $full) {
      amountSet { shopMoney { amount } presentmentMoney { amount } }
      subtotalSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } }
      maximumRefundableSet { shopMoney { amount } }
      refundLineItems { id quantity lineItem { id } }
      shipping { amountSet { shopMoney { amount } } }
      suggestedTransactions { gateway kind parentTransaction { id }
                              amountSet { presentmentMoney { amount } } }
    }
  }
}
"""
ORDER = """
query ($id: ID!) {
  order(id: $id) {
    displayFinancialStatus displayFulfillmentStatus
    lineItems(first: 5) { nodes { id quantity currentQuantity refundableQuantity
                                  unfulfilledQuantity } }
    transactions { id kind gateway amountSet { presentmentMoney { amount } } }
    refunds { id }
    totalRefundedSet { shopMoney { amount } }
  }
}
"""


def read(shop: Client, gid: str) -> dict[str, Any]:
    order: dict[str, Any] = shop.ask(ORDER, id=gid)["order"]
    return order


def back(order: dict[str, Any], gid: str, quantity: int, **more: Any) -> dict[str, Any]:
    row = {"lineItemId": order["lineItems"]["nodes"][0]["id"], "quantity": quantity} | more
    return {"orderId": gid, "refundLineItems": [row]}


def paid(order: dict[str, Any], gid: str, amount: str) -> list[dict[str, Any]]:
    payment = order["transactions"][0]
    return [
        {
            "orderId": gid,
            "parentId": payment["id"],
            "gateway": payment["gateway"],
            "kind": "REFUND",
            "amount": amount,
        }
    ]


@pytest.fixture
def home(make_store: Make) -> Client:
    """A store whose buyers all pay in its own currency."""
    return make_store(orders=0, presentment_currency="")


# --- goods ----------------------------------------------------------------------------------------


def test_unshipped_units_are_cancelled_and_sold_again(home: Client) -> None:
    gid, level = order_of(home)
    order = read(home, gid)
    before = (level.available, level.committed)

    refund = home.change(
        REFUND, key="a", input=back(order, gid, 2, restockType="CANCEL") | {"note": "Öl"}
    )["refund"]

    (line,) = read(home, gid)["lineItems"]["nodes"]
    (row,) = refund["refundLineItems"]["nodes"]
    assert refund["note"] == "Öl"
    assert (row["restockType"], row["restocked"]) == ("CANCEL", True)
    assert (line["quantity"], line["currentQuantity"], line["unfulfilledQuantity"]) == (3, 1, 1)
    assert (level.available, level.committed) == (before[0] + 2, before[1] - 2)


def test_shipped_units_come_back_where_the_refund_says(home: Client) -> None:
    gid, level = order_of(home)
    acts.act(home.store, "ship", int(gid.rsplit("/", 1)[1]))
    order = read(home, gid)
    before = level.available
    place = f"gid://shopify/Location/{level.location_id}"

    refund = home.change(
        REFUND, key="a", input=back(order, gid, 1, restockType="RETURN", locationId=place)
    )["refund"]

    assert refund["refundLineItems"]["nodes"][0]["location"] == {"id": place}
    assert level.available == before + 1
    assert read(home, gid)["displayFulfillmentStatus"] == "FULFILLED"


def test_units_not_restocked_are_gone(home: Client) -> None:
    gid, level = order_of(home)
    before = (level.available, level.on_hand)

    home.change(REFUND, key="a", input=back(read(home, gid), gid, 1))

    assert (level.available, level.on_hand) == (before[0], before[1] - 1)


@pytest.mark.parametrize(
    ("quantity", "more"),
    [(0, {}), (4, {}), (1, {"locationId": "gid://shopify/Location/1"})],
)
def test_what_cannot_be_given_back_is_refused(
    home: Client, quantity: int, more: dict[str, Any]
) -> None:
    gid, _ = order_of(home)

    assert home.refusal(REFUND, key="a", input=back(read(home, gid), gid, quantity, **more))
    assert read(home, gid)["refunds"] == []


def test_shipped_units_cannot_be_cancelled(home: Client) -> None:
    gid, _ = order_of(home)
    acts.act(home.store, "ship", int(gid.rsplit("/", 1)[1]))

    assert home.refusal(REFUND, key="a", input=back(read(home, gid), gid, 1, restockType="CANCEL"))


# --- money ----------------------------------------------------------------------------------------


def test_a_suggestion_can_be_given_back_as_it_is(home: Client) -> None:
    gid, _ = order_of(home)
    order = read(home, gid)
    line = order["lineItems"]["nodes"][0]["id"]
    suggestion = home.ask(SUGGESTED, id=gid, lines=[{"lineItemId": line, "quantity": 1}])["order"][
        "suggestedRefund"
    ]
    (wanted,) = suggestion["suggestedTransactions"]
    assert suggestion["refundLineItems"] == [{"id": None, "quantity": 1, "lineItem": {"id": line}}]
    amount = wanted["amountSet"]["presentmentMoney"]["amount"]
    given = back(order, gid, 1) | {"transactions": paid(order, gid, amount)}

    made = home.change(REFUND, key="a", input=given)

    refund = made["refund"]
    assert refund["totalRefundedSet"]["presentmentMoney"]["amount"] == amount
    assert refund["orderAdjustments"]["nodes"] == []
    assert refund["transactions"]["nodes"] == [
        {
            "kind": "REFUND",
            "status": "SUCCESS",
            "gateway": order["transactions"][0]["gateway"],
            "parentTransaction": {"id": order["transactions"][0]["id"]},
        }
    ]
    assert made["order"]["displayFinancialStatus"] == "PARTIALLY_REFUNDED"


def test_all_of_it_given_back_is_refunded(home: Client) -> None:
    gid, _ = order_of(home)
    order = read(home, gid)
    suggestion = home.ask(SUGGESTED, id=gid, full=True)["order"]["suggestedRefund"]
    amount = suggestion["amountSet"]["presentmentMoney"]["amount"]
    given = back(order, gid, 3) | {
        "shipping": {"fullRefund": True},
        "transactions": paid(order, gid, amount),
    }

    made = home.change(REFUND, key="a", input=given)

    assert suggestion["amountSet"]["shopMoney"] == suggestion["maximumRefundableSet"]["shopMoney"]
    assert made["order"]["displayFinancialStatus"] == "REFUNDED"
    assert made["refund"]["refundShippingLines"]["nodes"]


def test_money_that_differs_from_the_goods_is_told_apart(home: Client) -> None:
    gid, _ = order_of(home)
    order = read(home, gid)

    refund = home.change(
        REFUND, key="a", input={"orderId": gid, "transactions": paid(order, gid, "1.00")}
    )["refund"]

    assert refund["orderAdjustments"]["nodes"] == [
        {"reason": "REFUND_DISCREPANCY", "amountSet": {"shopMoney": {"amount": "-1.0"}}}
    ]


def test_more_than_was_paid_is_refused_unless_allowed(home: Client) -> None:
    gid, _ = order_of(home)
    order = read(home, gid)
    whole = Decimal(order["transactions"][0]["amountSet"]["presentmentMoney"]["amount"])
    given = {"orderId": gid, "transactions": paid(order, gid, str(whole + 1))}

    assert home.refusal(REFUND, key="a", input=given) == [(["transactions", "0"], None)]
    home.change(REFUND, key="b", input=given | {"allowOverRefunding": True})


def test_the_currency_must_be_named_where_the_buyer_paid_in_another(make_store: Make) -> None:
    shop = make_store(orders=0)
    (number,) = placing.place(shop.store, Random(3), kind="zero_decimal")
    gid = f"gid://shopify/Order/{number}"
    order = read(shop, gid)
    given = {"orderId": gid, "transactions": paid(order, gid, "100")}

    assert shop.refusal(REFUND, key="a", input=given) == [(["currency"], None)]
    refund = shop.change(REFUND, key="b", input=given | {"currency": "JPY"})["refund"]
    assert refund["totalRefundedSet"]["presentmentMoney"]["amount"] == "100.0"
    assert refund["totalRefundedSet"]["shopMoney"]["amount"] == "0.62"


DUTIES = """
query ($id: ID!) {
  order(id: $id) {
    presentmentCurrencyCode
    lineItems(first: 20) { nodes { id quantity
      duties { id price { presentmentMoney { amount } } } } }
    currentTotalDutiesSet { presentmentMoney { amount } }
    transactions { id gateway }
    suggestedRefund(suggestFullRefund: true) {
      totalDutiesSet { presentmentMoney { amount } } amountSet { presentmentMoney { amount } }
      maximumRefundableSet { presentmentMoney { amount } }
      refundDuties { amountSet { presentmentMoney { amount } } originalDuty { id } }
    }
  }
}
"""


def dutiable(shop: Client) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """(order, what is asked of it, its first line with duties)."""
    (number,) = placing.place(shop.store, Random(3), kind="foreign")
    gid = f"gid://shopify/Order/{number}"
    order = shop.ask(DUTIES, id=gid)["order"]
    return gid, order, next(row for row in order["lineItems"]["nodes"] if row["duties"])


def test_a_whole_refund_is_suggested_with_its_duties(make_store: Make) -> None:
    _, order, _ = dutiable(make_store(orders=0))

    suggestion = order["suggestedRefund"]

    assert suggestion["totalDutiesSet"] == order["currentTotalDutiesSet"]
    assert suggestion["amountSet"] == suggestion["maximumRefundableSet"]
    assert {row["originalDuty"]["id"] for row in suggestion["refundDuties"]} == {
        duty["id"] for row in order["lineItems"]["nodes"] for duty in row["duties"]
    }


def test_duties_go_back_in_full_once_or_for_the_units_that_go_back(make_store: Make) -> None:
    shop = make_store(orders=0)
    gid, order, line = dutiable(shop)
    duty = line["duties"][0]
    given = {
        "orderId": gid,
        "currency": order["presentmentCurrencyCode"],
        "refundDuties": [{"dutyId": duty["id"], "refundType": "FULL"}],
    }
    before = Decimal(order["currentTotalDutiesSet"]["presentmentMoney"]["amount"])

    shop.change(REFUND, key="a", input=given)

    after = shop.ask(DUTIES, id=gid)["order"]["currentTotalDutiesSet"]["presentmentMoney"]
    price = Decimal(duty["price"]["presentmentMoney"]["amount"])
    assert Decimal(after["amount"]) == before - price
    assert shop.refusal(REFUND, key="b", input=given) == [(["refundDuties", "0"], None)]


def test_a_share_of_the_duties_goes_back_with_its_units(make_store: Make) -> None:
    shop = make_store(orders=0)
    gid, order, line = dutiable(shop)
    duty = line["duties"][0]

    shop.change(
        REFUND,
        key="a",
        input={
            "orderId": gid,
            "currency": order["presentmentCurrencyCode"],
            "refundLineItems": [{"lineItemId": line["id"], "quantity": 1}],
            "refundDuties": [{"dutyId": duty["id"], "refundType": "PROPORTIONAL"}],
        },
    )

    after = shop.ask(DUTIES, id=gid)["order"]
    gone = Decimal(order["currentTotalDutiesSet"]["presentmentMoney"]["amount"]) - Decimal(
        after["currentTotalDutiesSet"]["presentmentMoney"]["amount"]
    )
    price = Decimal(duty["price"]["presentmentMoney"]["amount"])
    assert gone == (price / line["quantity"]).quantize(Decimal("0.01"), ROUND_HALF_UP)


# --- once -----------------------------------------------------------------------------------------


def test_without_a_key_a_refund_is_refused(home: Client) -> None:
    gid, _ = order_of(home)
    query = REFUND.replace(" @idempotent(key: $key)", "").replace(", $key: String!", "")

    error = home.error(query, input=back(read(home, gid), gid, 1))

    assert "@idempotent" in error["message"]


def test_the_same_key_gives_back_once_and_answers_the_same(home: Client) -> None:
    gid, _ = order_of(home)
    given = back(read(home, gid), gid, 1)

    first = home.change(REFUND, key="k", input=given)
    second = home.change(REFUND, key="k", input=given)

    assert first["refund"] == second["refund"]
    assert len(read(home, gid)["refunds"]) == 1


def test_the_same_key_for_something_else_is_refused(home: Client) -> None:
    gid, _ = order_of(home)
    order = read(home, gid)
    home.change(REFUND, key="k", input=back(order, gid, 1))

    document = home.document(REFUND, key="k", input=back(order, gid, 2))

    told = document.get("errors") or document["data"]["refundCreate"]["userErrors"]
    assert "idempotency key" in told[0]["message"]
    assert len(read(home, gid)["refunds"]) == 1


def test_a_refund_without_an_order_is_a_user_error(home: Client) -> None:
    assert home.refusal(REFUND, key="a", input={"orderId": "gid://shopify/Order/1"}) == [
        (["orderId"], None)
    ]


def test_a_refund_needs_the_scope_to_write_orders(make_store: Make) -> None:
    shop = make_store(orders=1, scopes=("read_orders", "read_all_orders"))
    gid = f"gid://shopify/Order/{shop.store.orders.ids()[0]}"

    error = shop.error(REFUND, key="a", input={"orderId": gid})

    assert error["extensions"]["code"] == "ACCESS_DENIED"

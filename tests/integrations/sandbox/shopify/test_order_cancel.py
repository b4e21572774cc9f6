"""Orders called off, closed, opened, paid."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from integrations.sandbox.shopify.orders import acts, placing
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.test_orders import gid, place

CANCEL = """
mutation ($id: ID!, $restock: Boolean!, $method: OrderCancelRefundMethodInput) {
  orderCancel(orderId: $id, reason: CUSTOMER, restock: $restock, refundMethod: $method,
              staffNote: "rief an") {
    job { id done }
    orderCancelUserErrors { field message code }
    userErrors { field message }
  }
}
"""
CANCELLED = """
query ($id: ID!) {
  order(id: $id) {
    cancelledAt cancelReason cancellation { staffNote } closed displayFinancialStatus
    displayFulfillmentStatus
    currentTotalPriceSet { shopMoney { amount } } totalRefundedSet { shopMoney { amount } }
    totalReceivedSet { shopMoney { amount } }
    lineItems(first: 10) { nodes { quantity currentQuantity unfulfilledQuantity } }
    fulfillmentOrders(first: 5) { nodes { status } }
    refunds { refundLineItems(first: 10) { nodes { quantity restockType } } }
  }
}
"""


def test_a_cancellation_is_a_job_that_ends_a_moment_later(shop: Client) -> None:
    (number,) = place(shop)
    job = shop.change(
        CANCEL, id=gid(number), restock=True, method={"originalPaymentMethodsRefund": True}
    )["job"]
    order = shop.ask(CANCELLED, id=gid(number))["order"]
    assert job["done"] is False
    assert order["cancelledAt"] is None

    shop.wait(2)

    order = shop.ask(CANCELLED, id=gid(number))["order"]
    done = shop.ask("query ($id: ID!) { job(id: $id) { done } }", id=job["id"])
    assert done["job"]["done"] is True
    assert order["cancelReason"] == "CUSTOMER"
    assert order["cancellation"] == {"staffNote": "rief an"}
    assert order["closed"] is True
    assert order["displayFinancialStatus"] == "REFUNDED"
    assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "0.0"
    assert order["totalRefundedSet"] == order["totalReceivedSet"]
    assert {line["currentQuantity"] for line in order["lineItems"]["nodes"]} == {0}
    assert {work["status"] for work in order["fulfillmentOrders"]["nodes"]} == {"CLOSED"}
    assert {topic for topic, of in shop.events if of == number} >= {
        "orders/create",
        "orders/cancelled",
        "orders/updated",
    }


def test_a_cancellation_without_a_refund_keeps_the_money(shop: Client) -> None:
    (number,) = place(shop)

    shop.change(CANCEL, id=gid(number), restock=False, method=None)
    shop.wait(2)

    order = shop.ask(CANCELLED, id=gid(number))["order"]
    assert order["displayFinancialStatus"] == "PAID"
    assert order["totalRefundedSet"]["shopMoney"]["amount"] == "0.0"


def test_what_was_only_held_is_let_go_of(shop: Client) -> None:
    (number,) = place(shop, "authorized")

    shop.change(CANCEL, id=gid(number), restock=True, method=None)
    shop.wait(2)

    assert shop.ask(CANCELLED, id=gid(number))["order"]["displayFinancialStatus"] == "VOIDED"


def test_restocking_puts_committed_units_back_on_sale(shop: Client) -> None:
    number, level = _counted(shop)
    before = (level.available, level.committed, level.on_hand)

    shop.change(CANCEL, id=gid(number), restock=True, method=None)
    shop.wait(2)

    assert (level.available, level.committed, level.on_hand) == (
        before[0] + 2,
        before[1] - 2,
        before[2],
    )


def _counted(shop: Client) -> tuple[int, Any]:
    """An order of two units of something that is counted, and its level."""
    store = shop.store
    item = next(one for one in store.catalogue.items.values() if one.tracked and one.sku)
    number = placing.place_with(store, Random(1), [(item.sku, 2)])
    order = store.orders.existing(number)
    place_id = order.fulfillment_orders[0].location_id
    return number, store.catalogue.levels[item.id, place_id]


@pytest.mark.parametrize("verb", ["cancel", "ship"])
def test_what_cannot_be_cancelled_is_refused_at_once(shop: Client, verb: str) -> None:
    (number,) = place(shop)
    acts.act(shop.store, verb, number)

    assert shop.refusal(CANCEL, id=gid(number), restock=True) == [(["orderId"], "INVALID")]


def test_an_order_shipped_before_the_job_runs_stays_as_it_is(shop: Client) -> None:
    (number,) = place(shop)
    job = shop.change(CANCEL, id=gid(number), restock=True)["job"]
    acts.act(shop.store, "ship", number)

    shop.wait(2)

    assert shop.ask("query ($id: ID!) { job(id: $id) { done } }", id=job["id"])["job"]["done"]
    assert shop.ask(CANCELLED, id=gid(number))["order"]["cancelledAt"] is None


def test_an_order_is_closed_opened_and_paid(shop: Client) -> None:
    (number,) = place(shop, "unpaid")
    fields = "order { closed displayFinancialStatus } userErrors { field message }"

    def run(name: str, kind: str) -> dict[str, Any]:
        query = f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {fields} }} }}"
        order: dict[str, Any] = shop.change(query, input={"id": gid(number)})["order"]
        return order

    assert run("orderClose", "OrderCloseInput")["closed"] is True
    assert run("orderOpen", "OrderOpenInput")["closed"] is False
    assert run("orderMarkAsPaid", "OrderMarkAsPaidInput")["displayFinancialStatus"] == "PAID"
    assert ("orders/paid", number) in shop.events


def test_goods_of_a_deactivated_location_go_nowhere(shop: Client) -> None:
    (paid,), (unpaid,) = place(shop), place(shop, "unpaid")
    for number in (paid, unpaid):
        for work in shop.store.orders.existing(number).fulfillment_orders:
            shop.store.catalogue.locations[work.location_id].is_active = False

    assert shop.refusal(CANCEL, id=gid(paid), restock=True) == [(["restock"], "INVALID")]
    shop.change(CANCEL, id=gid(paid), restock=False)
    shop.change(CANCEL, id=gid(unpaid), restock=True)
    shop.wait(2)

    order = shop.ask(CANCELLED, id=gid(unpaid))["order"]
    rows = order["refunds"][0]["refundLineItems"]["nodes"]
    assert {row["restockType"] for row in rows} == {"NO_RESTOCK"}

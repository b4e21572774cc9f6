"""Goods coming back."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify.orders import acts
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.test_fulfillment import order_of

RETURN = """
fragment shown on Return {
  id name status totalQuantity closedAt order { id returnStatus }
  returnLineItems(first: 5) { nodes { id quantity processedQuantity unprocessedQuantity
    refundedQuantity returnReason returnReasonDefinition { handle name } returnReasonNote
    ... on ReturnLineItem { fulfillmentLineItem { id } } } }
  reverseFulfillmentOrders(first: 2) { nodes { id status lineItems(first: 5) { nodes { id } } } }
  refunds(first: 5) { nodes { id return { id } totalRefundedSet { shopMoney { amount } } } }
}
"""
CREATE = (
    RETURN
    + """
mutation ($input: ReturnInput!) {
  returnCreate(returnInput: $input) { return { ...shown } userErrors { field message code } }
}
"""
)
PROCESS = (
    RETURN
    + """
mutation ($input: ReturnProcessInput!) {
  returnProcess(input: $input) { return { ...shown } userErrors { field message code } }
}
"""
)
CANCEL = """
mutation ($id: ID!) {
  returnCancel(id: $id) { return { status } userErrors { field message code } }
}
"""
CLOSE = CANCEL.replace("returnCancel", "returnClose")
SHIPPED = """
query ($id: ID!) {
  order(id: $id) {
    fulfillments { fulfillmentLineItems(first: 5) { nodes { id quantity } } }
    transactions { id kind amountSet { shopMoney { amount currencyCode } } }
    returns(first: 5) { nodes { id status } }
    lineItems(first: 5) { nodes { currentQuantity } }
  }
}
"""


def shipped(shop: Client) -> tuple[str, str, Any]:
    """(order, its shipped line, the level it came from): three units."""
    gid, level = order_of(shop)
    acts.act(shop.store, "ship", int(gid.rsplit("/", 1)[1]))
    order = shop.ask(SHIPPED, id=gid)["order"]
    return gid, order["fulfillments"][0]["fulfillmentLineItems"]["nodes"][0]["id"], level


def create(shop: Client, gid: str, line: str, quantity: int) -> dict[str, Any]:
    rows = [
        {
            "fulfillmentLineItemId": line,
            "quantity": quantity,
            "returnReason": "SIZE_TOO_SMALL",
            "returnReasonNote": "zwickt",
        }
    ]
    made: dict[str, Any] = shop.change(CREATE, input={"orderId": gid, "returnLineItems": rows})
    return dict(made["return"])


def processed(one: dict[str, Any], quantity: int, **more: Any) -> dict[str, Any]:
    line = one["returnLineItems"]["nodes"][0]["id"]
    return {"returnId": one["id"], "returnLineItems": [{"id": line, "quantity": quantity} | more]}


def test_a_return_is_opened_for_shipped_units(shop: Client) -> None:
    gid, line, _ = shipped(shop)

    one = create(shop, gid, line, 2)

    (row,) = one["returnLineItems"]["nodes"]
    assert one["status"] == "OPEN"
    assert one["name"].endswith("-R1")
    assert one["order"]["returnStatus"] == "IN_PROGRESS"
    assert (row["quantity"], row["returnReason"], row["returnReasonNote"]) == (
        2,
        "SIZE_TOO_SMALL",
        "zwickt",
    )
    assert row["returnReasonDefinition"] == {
        "handle": "size-too-small",
        "name": "Size was too small",
    }
    assert row["fulfillmentLineItem"]["id"] == line


def test_more_than_was_shipped_cannot_come_back(shop: Client) -> None:
    gid, line, _ = shipped(shop)
    create(shop, gid, line, 2)
    rows = [{"fulfillmentLineItemId": line, "quantity": 2}]

    assert shop.refusal(CREATE, input={"orderId": gid, "returnLineItems": rows}) == [
        (["returnLineItems", "0", "quantity"], "INVALID")
    ]


def test_what_was_never_shipped_cannot_come_back(shop: Client) -> None:
    gid, _ = order_of(shop)
    rows = [{"fulfillmentLineItemId": "gid://shopify/FulfillmentLineItem/1", "quantity": 1}]

    assert shop.refusal(CREATE, input={"orderId": gid, "returnLineItems": rows}) == [
        (["returnLineItems", "0", "fulfillmentLineItemId"], "NOT_FOUND")
    ]


def test_units_that_arrived_go_on_the_shelf_and_money_goes_back(shop: Client) -> None:
    gid, line, level = shipped(shop)
    before = level.available
    one = create(shop, gid, line, 2)
    payment = shop.ask(SHIPPED, id=gid)["order"]["transactions"][0]
    spot = {
        "reverseFulfillmentOrderLineItemId": one["reverseFulfillmentOrders"]["nodes"][0][
            "lineItems"
        ]["nodes"][0]["id"],
        "dispositionType": "RESTOCKED",
        "locationId": f"gid://shopify/Location/{level.location_id}",
        "quantity": 1,
    }
    transfer = {
        "issueRefund": {
            "orderTransactions": [
                {
                    "parentId": payment["id"],
                    "transactionAmount": {
                        "amount": "5.00",
                        "currencyCode": payment["amountSet"]["shopMoney"]["currencyCode"],
                    },
                }
            ]
        }
    }

    half = shop.change(
        PROCESS,
        input=processed(one, 1, dispositions=[spot]) | {"financialTransfer": transfer},
    )["return"]
    whole = shop.change(PROCESS, input=processed(one, 1))["return"]

    (row,) = half["returnLineItems"]["nodes"]
    assert (row["processedQuantity"], row["unprocessedQuantity"]) == (1, 1)
    assert half["status"] == "OPEN"
    assert half["refunds"]["nodes"][0]["totalRefundedSet"]["shopMoney"]["amount"] == "5.0"
    assert half["refunds"]["nodes"][0]["return"] == {"id": one["id"]}
    assert level.available == before + 1
    assert whole["status"] == "CLOSED"
    assert whole["order"]["returnStatus"] == "RETURNED"
    order = shop.ask(SHIPPED, id=gid)["order"]
    assert order["lineItems"]["nodes"] == [{"currentQuantity": 1}]
    assert order["returns"]["nodes"] == [{"id": one["id"], "status": "CLOSED"}]


def test_no_more_is_processed_than_was_announced(shop: Client) -> None:
    gid, line, _ = shipped(shop)
    one = create(shop, gid, line, 1)

    assert shop.refusal(PROCESS, input=processed(one, 2)) == [
        (["returnLineItems", "0", "quantity"], "INVALID")
    ]


def test_a_return_is_called_off_or_closed_once(shop: Client) -> None:
    gid, line, _ = shipped(shop)
    first, second = create(shop, gid, line, 1), create(shop, gid, line, 1)

    assert shop.change(CANCEL, id=first["id"])["return"] == {"status": "CANCELED"}
    assert shop.change(CLOSE, id=second["id"])["return"] == {"status": "CLOSED"}
    assert shop.refusal(CANCEL, id=first["id"]) == [(["id"], "INVALID_STATE")]
    assert shop.refusal(CLOSE, id="gid://shopify/Return/1") == [(["id"], "NOT_FOUND")]


def test_an_order_with_an_open_return_cannot_be_cancelled(shop: Client) -> None:
    gid, line, _ = shipped(shop)
    create(shop, gid, line, 1)
    cancel = """
    mutation ($id: ID!) {
      orderCancel(orderId: $id, reason: OTHER, restock: false) {
        job { id } orderCancelUserErrors { field message code }
      }
    }
    """

    assert shop.refusal(cancel, id=gid) == [(["orderId"], "INVALID")]

"""Lists inside an order that are longer than a page shows of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from orders.data import ChargeKind
from tests.integrations.shopify import make
from tests.integrations.shopify.shelves import an_order, at, ids_of, lean, shelf_of
from tests.integrations.shopify.shop import Call, Shop, adapter_for, data, nodes

DONE = {"status": "CLOSED", "lineItems": nodes([], "l")}


def test_an_order_with_more_lines_than_shown_is_completed(shop: Shop) -> None:
    rows = [make.line(n, quantity=1, currentQuantity=1, taxLines=[]) for n in range(1, 331)]
    shown = an_order(1, 1, lineItems=nodes(rows[:10], "10"))

    def more(call: Call) -> bytes:
        start, size = int(call.variables["after"]), call.variables["first"]
        part = rows[start : start + size]
        rest = str(start + size) if start + size < len(rows) else None
        return data(requested=size, actual=size, order={"lineItems": nodes(part, rest)})

    shelf_of(shop, [shown])
    shop.on("OrderLines", more)
    found = adapter_for(shop).read_order("1")

    assert [x.external_id for x in found.lines] == [str(n) for n in range(1, 331)]
    assert json.loads(found.raw) == shown


def test_an_order_with_more_shipping_lines_than_shown_is_completed(shop: Shop) -> None:
    node = make.order(1, createdAt=at(1), updatedAt=at(1))
    (first,) = node["shippingLines"]["nodes"]
    price = make.bag("2.50")
    rows = [
        {**first, "id": f"gid://shopify/ShippingLine/{n}", "discountedPriceSet": price}
        for n in range(301, 306)
    ]
    more = sum(Decimal("2.50") for _ in rows) - Decimal(
        first["discountedPriceSet"]["shopMoney"]["amount"]
    )
    taxes = sum(Decimal(x["priceSet"]["shopMoney"]["amount"]) for x in first["taxLines"])
    total = Decimal(node["totalPriceSet"]["shopMoney"]["amount"]) + more + 4 * taxes
    node["totalPriceSet"] = make.bag(str(total))
    node["shippingLines"] = nodes(rows[:3], "c")
    shelf_of(shop, [node])
    shop.on("OrderShippingLines", data(order={"shippingLines": nodes(rows[3:])}))

    found = adapter_for(shop).read_order("1")

    shipping = [c for c in found.charges if c.kind is ChargeKind.SHIPPING]
    assert [c.external_id for c in shipping] == ["301", "302", "303", "304", "305"]
    assert ChargeKind.ROUNDING not in {c.kind for c in found.charges}
    (call,) = shop.asked("OrderShippingLines")
    assert (call.variables["id"], call.variables["after"]) == ("gid://shopify/Order/1", "c")


def test_long_parcels_and_refunds_are_completed(shop: Shop) -> None:
    node = json.loads(make.raw("order_partially_refunded"))
    parcel, refund = node["fulfillments"][0], node["refunds"][0]
    parcel_lines = parcel["fulfillmentLineItems"]["nodes"]
    refund_lines = refund["refundLineItems"]["nodes"]
    parcel["fulfillmentLineItems"] = nodes(parcel_lines, "c")
    refund["refundLineItems"] = nodes(refund_lines, "c")
    shelf_of(shop, [node])
    shop.on("FulfillmentLines", data(fulfillment={"fulfillmentLineItems": nodes(parcel_lines)}))
    shop.on("RefundLines", data(refund={"refundLineItems": nodes(refund_lines)}))

    found = adapter_for(shop).read_order("5005")

    assert found.shipments is not None
    assert [x.quantity for x in found.shipments[0].lines] == [3, 3]
    assert found.refunds[0].lines is not None
    assert len(found.refunds[0].lines) == 2
    assert shop.asked("RefundLines")[0].variables["id"] == "gid://shopify/Refund/501"


def test_an_order_with_more_returns_than_shown_is_completed(shop: Shop) -> None:
    node = json.loads(make.raw("order_returned"))
    one, other = node["returns"]["nodes"]
    (line,) = other["returnLineItems"]["nodes"]
    more = [{**line, "id": f"gid://shopify/ReturnLineItem/{n}"} for n in range(901, 904)]
    long = {**other, "returnLineItems": nodes([line], "l")}
    shelf_of(shop, [{**node, "returns": nodes([one], "r")}])
    shop.on("OrderReturns", data(order={"returns": nodes([long])}))
    shop.on("ReturnLines", data(**{"return": {"returnLineItems": nodes(more)}}))

    found = adapter_for(shop).read_order("5018").returns

    assert found is not None
    assert [(x.name, len(x.lines)) for x in found] == [("#1018-R1", 4), ("#1018-R2", 2)]
    (first,), (second,) = shop.asked("OrderReturns"), shop.asked("ReturnLines")
    assert (first.variables["id"], first.variables["after"]) == ("gid://shopify/Order/5018", "r")
    assert (second.variables["id"], second.variables["after"]) == ("gid://shopify/Return/801", "l")


def test_an_order_of_more_work_than_shown_is_completed(shop: Shop) -> None:
    shown = [make.work(1, "61", {101: 1}), make.work(2, "62", {}, lineItems=nodes([], "l"))]
    shelf_of(shop, [an_order(1, 1, fulfillmentOrders=nodes(shown, "c"))])
    rest = nodes([make.work(3, "61", {101: 1}), make.work(4, "63", {}, **DONE)])
    lines = make.work(2, "62", {101: 5})["lineItems"]
    shop.on("OrderAssignments", data(order={"fulfillmentOrders": rest}))
    shop.on("FulfillmentOrderLines", data(fulfillmentOrder={"lineItems": lines}))

    found = adapter_for(shop, locations=("61", "62")).read_order("1")

    assert found.lines[0].assigned == {"61": 2, "62": 5}
    (call,) = shop.asked("OrderAssignments")
    assert (call.variables["id"], call.variables["after"]) == ("gid://shopify/Order/1", "c")
    (call,) = shop.asked("FulfillmentOrderLines")
    assert call.variables["id"] == "gid://shopify/FulfillmentOrder/2"


@pytest.mark.parametrize(
    "changes",
    [
        {"displayFulfillmentStatus": "FULFILLED"},
        {"displayFulfillmentStatus": "RESTOCKED"},
        {"cancelledAt": "2026-11-07T10:00:00Z"},
    ],
)
def test_of_what_is_done_with_no_more_work_is_read(shop: Shop, changes: dict[str, Any]) -> None:
    work = nodes([make.work(1, "61", {}, **DONE)], "c")
    shelf_of(shop, [an_order(1, 1, fulfillmentOrders=work, **changes)])

    found = adapter_for(shop, locations=("61", "62")).read_order("1")

    assert found.lines[0].assigned == {}
    assert [call.name for call in shop.calls] == ["OrdersById"]


def test_an_order_that_goes_while_it_is_completed_is_set_aside(shop: Shop) -> None:
    rows = [an_order(1, 1), an_order(2, 2, lineItems=nodes([make.line(5)], "c"))]
    shelf_of(shop, rows)
    shop.on("OrderLines", data(order=None))

    (page,) = adapter_for(shop).read_orders(lean(50))

    assert ids_of([page]) == ["1"]
    assert [bad.code for bad in page.unreadable] == ["not_found"]

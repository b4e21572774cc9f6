"""Lists inside an order that are longer than a page shows of them."""

from __future__ import annotations

import json
from decimal import Decimal

from orders.data import ChargeKind
from tests.integrations.shopify import make
from tests.integrations.shopify.shelves import an_order, at, ids_of, lean, shelf_of
from tests.integrations.shopify.shop import Call, Shop, adapter_for, data, nodes


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


def test_an_order_that_goes_while_it_is_completed_is_set_aside(shop: Shop) -> None:
    rows = [an_order(1, 1), an_order(2, 2, lineItems=nodes([make.line(5)], "c"))]
    shelf_of(shop, rows)
    shop.on("OrderLines", data(order=None))

    (page,) = adapter_for(shop).read_orders(lean(50))

    assert ids_of([page]) == ["1"]
    assert [bad.code for bad in page.unreadable] == ["not_found"]

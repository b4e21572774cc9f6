"""What happens to an order by REST and by the merchant's and the customers' hands."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from integrations.sandbox.woocommerce import selling
from tests.integrations.sandbox.client import NOW, Client, make_client

EVERYWHERE = {"first_name": "Zoë", "country": "DE", "email": "z@kunden.example"}


def a_product(client: Client, **query: Any) -> dict[str, Any]:
    """A simple product whose stock is counted and that costs something."""
    rows = client.get("products", type="simple", stock_status="instock", per_page=100, **query)
    found: dict[str, Any] = next(
        row for row in rows if row["manage_stock"] is True and row["stock_quantity"] > 50
    )
    return found


def an_order(client: Client, quantity: int = 3, **body: Any) -> dict[str, Any]:
    product = a_product(client)
    order: dict[str, Any] = client.post(
        "orders",
        {
            "status": "processing",
            "billing": EVERYWHERE,
            "payment_method": "stripe",
            "line_items": [{"product_id": product["id"], "quantity": quantity}],
        }
        | body,
    )
    return order


def stock(client: Client, product_id: int) -> int:
    return int(client.get(f"products/{product_id}")["stock_quantity"])


def notes(client: Client, number: int) -> list[str]:
    return [row["note"] for row in client.get(f"orders/{number}/notes")]


# -- creation and status -----------------------------------------------------------------------


def test_a_new_order_costs_its_lines_with_tax_and_is_announced(shop: Client) -> None:
    product = a_product(shop)
    order = an_order(shop, 2)

    net = Decimal(product["price"]) * 2
    assert order["created_via"] == "rest-api"
    assert order["number"] == str(order["id"])
    assert Decimal(order["line_items"][0]["total"]) == net
    assert Decimal(order["total"]) == net + Decimal(order["total_tax"])
    assert order["tax_lines"][0]["label"].startswith("MwSt.")
    assert order["date_paid_gmt"] == order["date_created_gmt"] == "2026-11-18T11:06:40"
    assert ("order.created", order["id"]) in shop.events
    answer = shop.call("POST", "orders", {})
    assert answer.header("Location") == (
        f"https://shop.example/wp-json/wc/v3/orders/{answer.document['id']}"
    )


def test_a_change_moves_the_date_and_is_told_once_per_request(shop: Client) -> None:
    number = next(shop.store.orders.ids())
    shop.events.clear()
    shop.clock.moment += 5

    changed = shop.put(f"orders/{number}", {"customer_note": "x", "status": "cancelled"})

    assert changed["date_modified_gmt"] == shop.store.clock.gmt(NOW + 5)
    assert shop.events.count(("order.updated", number)) == 1
    assert shop.get("orders", orderby="modified", per_page=1)[0]["id"] == number


def test_completing_sets_both_dates_and_writes_a_note(shop: Client) -> None:
    order = an_order(shop, status="on-hold")
    assert order["date_paid"] is None

    shop.clock.moment += 60
    done = shop.put(f"orders/{order['id']}", {"status": "completed"})

    assert done["date_paid_gmt"] == done["date_completed_gmt"] == shop.store.clock.gmt(NOW + 60)
    assert "Order status changed from On hold to Completed." in notes(shop, order["id"])


def test_the_day_an_order_was_paid_stays_when_it_is_completed_later(shop: Client) -> None:
    order = an_order(shop)
    shop.clock.moment += 3_600

    done = shop.put(f"orders/{order['id']}", {"status": "completed"})

    assert done["date_paid_gmt"] == order["date_paid_gmt"] == shop.store.clock.gmt(NOW)
    assert done["date_completed_gmt"] == shop.store.clock.gmt(NOW + 3_600)


def test_set_paid_moves_a_pending_order_on(shop: Client) -> None:
    order = an_order(shop, status="pending")

    body = {"set_paid": True, "transaction_id": "txn_1"}
    paid = shop.put(f"orders/{order['id']}", body)

    assert (paid["status"], paid["transaction_id"]) == ("processing", "txn_1")
    assert paid["date_paid"] is not None


def test_an_unknown_status_is_refused_alone_but_becomes_pending_in_a_batch(shop: Client) -> None:
    number = an_order(shop)["id"]
    body = {"status": "shipped"}

    assert shop.refusal("PUT", f"orders/{number}", body) == (400, "rest_invalid_param")
    answer = shop.post("orders/batch", {"update": [body | {"id": number}]}, status=200)
    assert answer["update"][0]["status"] == "pending"


# -- stock -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["processing", "on-hold", "completed"])
def test_stock_is_taken_once_when_an_order_becomes_real(shop: Client, status: str) -> None:
    product = a_product(shop)

    order = an_order(shop, 3, status=status)
    shop.put(f"orders/{order['id']}", {"status": "completed"})

    before = product["stock_quantity"]
    assert stock(shop, product["id"]) == before - 3
    assert f"Stock levels reduced: {product['name']} ({before}&rarr;{before - 3})" in notes(
        shop, order["id"]
    )
    meta = shop.get(f"orders/{order['id']}")["line_items"][0]["meta_data"]
    assert [(row["key"], row["value"]) for row in meta] == [("_reduced_stock", "3")]


@pytest.mark.parametrize("status", ["pending", "failed", "checkout-draft"])
def test_an_order_that_may_never_be_takes_no_stock(shop: Client, status: str) -> None:
    product = a_product(shop)

    an_order(shop, 3, status=status)

    assert stock(shop, product["id"]) == product["stock_quantity"]


@pytest.mark.parametrize("status", ["cancelled", "pending"])
def test_a_cancelled_order_gives_its_stock_back_once(shop: Client, status: str) -> None:
    product = a_product(shop)
    number = an_order(shop, 3)["id"]

    for _ in range(2):
        shop.put(f"orders/{number}", {"status": status})
        shop.put(f"orders/{number}", {"status": status})

    assert stock(shop, product["id"]) == product["stock_quantity"]
    assert shop.get(f"orders/{number}")["line_items"][0]["meta_data"] == []

    shop.put(f"orders/{number}", {"status": "processing"})
    assert stock(shop, product["id"]) == product["stock_quantity"] - 3


def test_what_an_order_takes_moves_the_product_and_tells_of_it(shop: Client) -> None:
    product = a_product(shop)
    shop.clock.moment += 30

    an_order(shop, 1)

    after = shop.get(f"products/{product['id']}")
    assert after["date_modified_gmt"] == shop.store.clock.gmt(NOW + 30)
    assert ("product.updated", product["id"]) in shop.events


def test_a_changed_quantity_moves_the_difference(shop: Client) -> None:
    product = a_product(shop)
    order = an_order(shop, 3)
    line = order["line_items"][0]["id"]

    shop.put(f"orders/{order['id']}", {"line_items": [{"id": line, "quantity": 5}]})
    assert stock(shop, product["id"]) == product["stock_quantity"] - 5

    edited = selling.edit_order(shop.store, order["id"], quantities={line: 1})
    assert stock(shop, product["id"]) == product["stock_quantity"] - 1
    assert edited.lines[0].quantity == 1


def test_trash_and_deletion_leave_the_stock_alone(shop: Client) -> None:
    product = a_product(shop)
    number = an_order(shop, 3)["id"]

    shop.call("DELETE", f"orders/{number}")
    shop.call("DELETE", f"orders/{number}", force="true")

    assert stock(shop, product["id"]) == product["stock_quantity"] - 3


# -- refunds -----------------------------------------------------------------------------------


def refund_body(order: dict[str, Any], quantity: int, **extra: Any) -> dict[str, Any]:
    line = order["line_items"][0]
    share = Decimal(line["total"]) / line["quantity"] * quantity
    return {
        "reason": "Zu groß",
        "api_refund": False,
        "line_items": [{"id": line["id"], "quantity": quantity, "refund_total": str(share)}],
    } | extra


def test_a_partial_refund_restocks_keeps_the_status_and_shows_on_the_order(shop: Client) -> None:
    product = a_product(shop)
    order = an_order(shop, 3, status="completed")
    shop.clock.moment += 9

    made = shop.post(f"orders/{order['id']}/refunds", refund_body(order, 1))
    after = shop.get(f"orders/{order['id']}")

    assert Decimal(made["amount"]) == Decimal(product["price"])
    assert made["refunded_payment"] is False
    assert [(line["quantity"], line["total"]) for line in made["line_items"]] == [
        (-1, f"-{product['price']}")
    ]
    assert made["meta_data"][0]["value"] == "partial"
    assert after["status"] == "completed"
    assert after["refunds"] == [
        {
            "id": made["id"],
            "reason": "Zu groß",
            "total": f"-{made['amount']}",
            "total_tax": "0.00",
        }
    ]
    assert after["date_modified_gmt"] == shop.store.clock.gmt(NOW + 9)
    assert stock(shop, product["id"]) == product["stock_quantity"] - 2
    assert {m["key"]: m["value"] for m in after["line_items"][0]["meta_data"]} == {
        "_reduced_stock": "2",
        "_restock_refunded_items": "1",
    }


def test_a_refund_of_the_rest_makes_the_order_refunded(shop: Client) -> None:
    order = an_order(shop, 3)
    shop.post(f"orders/{order['id']}/refunds", {"amount": "1.00", "api_refund": False})

    rest = str(Decimal(order["total"]) - 1)
    shop.post(f"orders/{order['id']}/refunds", {"amount": rest, "api_refund": False})

    assert shop.get(f"orders/{order['id']}")["status"] == "refunded"
    amounts = {row["amount"] for row in shop.get(f"orders/{order['id']}/refunds")}
    assert amounts == {"1.00", rest}


def test_the_status_refunded_makes_a_refund_of_what_is_left(shop: Client) -> None:
    order = an_order(shop, 3)

    after = shop.put(f"orders/{order['id']}", {"status": "refunded"})

    assert [row["total"] for row in after["refunds"]] == [f"-{order['total']}"]
    assert after["refunds"][0]["reason"] == "Order fully refunded."


def test_more_than_was_paid_is_refused_with_a_bare_500(shop: Client) -> None:
    order = an_order(shop, 1)
    body = {"amount": "99999", "api_refund": False}

    answer = shop.call("POST", f"orders/{order['id']}/refunds", body)

    assert answer.status == 500
    assert answer.document == {
        "code": "woocommerce_rest_cannot_create_order_refund",
        "message": "Invalid refund amount.",
        "data": 500,
    }


def test_money_goes_back_by_itself_unless_told_not_to(shop: Client) -> None:
    order = an_order(shop, 1)
    paid_by_hand = an_order(shop, 1, payment_method="bacs")

    made = shop.post(f"orders/{order['id']}/refunds", {"amount": "1"})
    refused = shop.call("POST", f"orders/{paid_by_hand['id']}/refunds", {"amount": "1"})

    assert made["refunded_payment"] is True
    assert refused.document["message"] == (
        "The payment gateway for this order does not support automatic refunds."
    )


@pytest.mark.parametrize("currency", ["EUR", "JPY"])
def test_a_merchant_refunds_pieces_with_their_tax_in_whole_coins(currency: str) -> None:
    shop = make_client(orders=60, currency=currency, prices_include_tax=True)
    order = an_order(shop, 3)
    line = order["line_items"][0]["id"]

    for _ in range(2):
        selling.refund(shop.store, order["id"], lines={line: 1})
    selling.refund(shop.store, order["id"])

    after = shop.get(f"orders/{order['id']}")
    parts = [Decimal(row["total"]) for row in after["refunds"]]
    assert after["status"] == "refunded"
    assert -sum(parts) == Decimal(order["total"])
    assert all(-part <= Decimal(order["total"]) / 2 for part in parts)
    with pytest.raises(selling.Impossible):
        selling.refund(shop.store, order["id"], amount=1_000_000)


def test_a_deleted_refund_leaves_the_order_as_if_untouched(shop: Client) -> None:
    order = an_order(shop, 2)
    path = f"orders/{order['id']}/refunds"
    made = shop.post(path, {"amount": "1", "api_refund": False})
    before = shop.get(f"orders/{order['id']}")
    shop.events.clear()
    shop.clock.moment += 60

    assert shop.call("DELETE", f"{path}/{made['id']}", force="true").status == 200

    after = shop.get(f"orders/{order['id']}")
    assert after["refunds"] == []
    assert after["date_modified_gmt"] == before["date_modified_gmt"]
    assert shop.events == []


# -- edits -------------------------------------------------------------------------------------


def test_lines_fees_and_shipping_are_added_changed_and_removed(shop: Client) -> None:
    order = an_order(shop, 1)
    line = order["line_items"][0]["id"]
    body: dict[str, Any] = {
        "fee_lines": [{"name": "Gift wrap", "total": "2.50"}],
        "shipping_lines": [{"method_id": "flat_rate", "method_title": "DHL", "total": "4.95"}],
    }
    more = shop.put(f"orders/{order['id']}", body)
    assert [row["total"] for row in more["fee_lines"]] == ["2.50"]
    assert more["shipping_total"] == "4.95"
    assert Decimal(more["total"]) > Decimal(order["total"])

    fee = more["fee_lines"][0]["id"]
    less = shop.put(
        f"orders/{order['id']}",
        {"fee_lines": [{"id": fee, "name": None}], "line_items": [{"id": line, "quantity": 0}]},
    )
    assert less["fee_lines"] == less["line_items"] == []
    assert Decimal(less["total"]) == Decimal("4.95") + Decimal(less["total_tax"])


def test_a_line_is_found_by_its_sku_and_a_variation_by_its_id(shop: Client) -> None:
    product = a_product(shop)
    parent = shop.get("products", type="variable", per_page=1)[0]
    lines = [
        {"sku": product["sku"], "quantity": 2},
        {"product_id": parent["id"], "variation_id": parent["variations"][0]},
    ]

    first, second = shop.post("orders", {"line_items": lines})["line_items"]

    assert (first["product_id"], first["sku"]) == (product["id"], product["sku"])
    assert (second["variation_id"], second["parent_name"]) == (
        parent["variations"][0], parent["name"],
    )  # fmt: skip
    assert [row["key"] for row in second["meta_data"]] == ["grose"]


def test_shipping_is_changed_and_removed(shop: Client) -> None:
    line = {"method_id": "flat_rate", "method_title": "DHL", "total": "4.95"}
    order = an_order(shop, 1, shipping_lines=[line])
    number = order["shipping_lines"][0]["id"]

    dearer = {"id": number, "total": "9.90", "meta_data": [{"key": "zone", "value": "EU"}]}
    changed = shop.put(f"orders/{order['id']}", {"shipping_lines": [dearer]})
    assert changed["shipping_total"] == "9.90"
    assert changed["shipping_lines"][0]["meta_data"][0]["value"] == "EU"

    gone = {"shipping_lines": [{"id": number, "method_id": None}]}
    assert shop.put(f"orders/{order['id']}", gone)["shipping_lines"] == []


def test_the_merchant_ships_with_tracking_as_meta_data(shop: Client) -> None:
    number = an_order(shop)["id"]

    selling.ship(shop.store, number, "DHL", "0034")

    after = shop.get(f"orders/{number}")
    assert after["status"] == "completed"
    assert ("_tracking_number", "0034") in [(m["key"], m["value"]) for m in after["meta_data"]]


def test_the_merchant_adds_goods_and_a_fee_and_both_move_what_they_must(shop: Client) -> None:
    order = an_order(shop, 1)
    product = a_product(shop)

    selling.edit_order(
        shop.store,
        order["id"],
        add=[(product["id"], 0, 2)],
        fee=("Express", 5_000_000),
        shipping={"city": "Wien"},
    )

    after = shop.get(f"orders/{order['id']}")
    assert [line["quantity"] for line in after["line_items"]] == [1, 2]
    assert after["fee_lines"][0]["total"] == "5.00"
    assert after["shipping"]["city"] == "Wien"
    assert stock(shop, product["id"]) == product["stock_quantity"] - 2


def test_a_line_of_an_unknown_product_is_taken_without_name_and_price(shop: Client) -> None:
    made = shop.post("orders", {"line_items": [{"product_id": 999999, "quantity": 2}]})

    (line,) = made["line_items"]
    assert (line["product_id"], line["name"], line["quantity"]) == (0, "", 2)
    assert made["total"] == "0.00"


def test_a_new_address_changes_the_tax(shop: Client) -> None:
    order = an_order(shop, 1)

    abroad = shop.put(f"orders/{order['id']}", {"billing": {"country": "GB"}})

    assert order["total_tax"] != "0.00"
    assert abroad["total_tax"] == "0.00"
    assert abroad["billing"]["first_name"] == "Zoë", "what is not sent stays"


def test_meta_data_is_changed_by_id_or_key_and_may_be_anything(shop: Client) -> None:
    number = an_order(shop)["id"]
    made = shop.put(f"orders/{number}", {"meta_data": [{"key": "a", "value": {"b": [1, None]}}]})
    row = made["meta_data"][0]
    assert row["value"] == {"b": [1, None]}

    again = shop.put(f"orders/{number}", {"meta_data": [{"key": "a", "value": "x"}]})
    assert again["meta_data"] == [row | {"value": "x"}]

    renamed = {"id": row["id"], "key": "z", "value": False}
    assert shop.put(f"orders/{number}", {"meta_data": [renamed]})["meta_data"] == [renamed]


def test_a_coupon_takes_its_share_and_goes_again(shop: Client) -> None:
    order = an_order(shop, 2)

    less = shop.put(f"orders/{order['id']}", {"coupon_lines": [{"code": "HERBST10"}]})
    assert (
        Decimal(less["discount_total"])
        == (Decimal(order["line_items"][0]["subtotal"]) / 10).quantize(Decimal("0.01"))
        or Decimal(less["discount_total"]) > 0
    )
    assert [row["code"] for row in less["coupon_lines"]] == ["herbst10"]

    back = shop.put(f"orders/{order['id']}", {"coupon_lines": []})
    assert back["total"] == order["total"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"line_items": [{"quantity": 1}]}, "woocommerce_rest_required_product_reference"),
        ({"line_items": [{"id": 1, "quantity": 1}]}, "woocommerce_rest_invalid_item_id"),
        ({"fee_lines": [{"total": "1"}]}, "woocommerce_rest_invalid_fee_item"),
        ({"shipping_lines": [{"total": "1"}]}, "woocommerce_rest_invalid_shipping_item"),
        ({"coupon_lines": [{"code": "nope"}]}, "woocommerce_rest_invalid_coupon"),
        ({"customer_id": 99999}, "woocommerce_rest_invalid_customer_id"),
    ],
)
def test_a_bad_edit_is_refused_and_changes_nothing(
    shop: Client, body: dict[str, Any], code: str
) -> None:
    order = an_order(shop)
    before = shop.get(f"orders/{order['id']}")

    answer = shop.refusal("PUT", f"orders/{order['id']}", body | {"customer_note": "half done"})

    assert answer == (400, code)
    assert shop.get(f"orders/{order['id']}") == before


# -- the end of an order -----------------------------------------------------------------------


def test_trash_tells_and_deletion_for_good_tells_nobody(shop: Client) -> None:
    first, second = (an_order(shop)["id"] for _ in range(2))
    shop.events.clear()

    shown = shop.call("DELETE", f"orders/{first}")
    shop.call("DELETE", f"orders/{second}", force="true")

    assert shown.document["status"] == "processing", "the answer shows it as it was"
    assert shop.events == [("order.deleted", first)]
    assert shop.store.payload("order.deleted", first) == {"id": first}
    assert shop.refusal("DELETE", f"orders/{first}") == (410, "woocommerce_rest_already_trashed")
    assert shop.call("GET", f"orders/{second}").status == 404


def test_a_seeded_order_deleted_for_good_stays_away(shop: Client) -> None:
    number = next(shop.store.orders.ids())

    shop.call("DELETE", f"orders/{number}", force="true")

    assert shop.call("GET", f"orders/{number}").status == 404
    assert number not in [row["id"] for row in shop.get("orders", per_page=100)]


def test_a_webhooks_document_is_the_order_as_it_is_when_it_is_sent(shop: Client) -> None:
    number = an_order(shop)["id"]
    shop.put(f"orders/{number}", {"customer_note": "later"})

    assert shop.store.payload("order.created", number) == shop.get(f"orders/{number}")


# -- batches -----------------------------------------------------------------------------------


def test_a_batch_does_each_item_and_tells_failures_in_their_places(shop: Client) -> None:
    first, second = (an_order(shop)["id"] for _ in range(2))
    body = {
        "create": [{"status": "on-hold"}, {"coupon_lines": [{"code": "nope"}]}],
        "update": [{"id": first, "status": "completed"}, {"id": 424242, "status": "completed"}],
        "delete": [second, 434343],
    }

    answer = shop.post("orders/batch", body, status=200)

    assert list(answer) == ["create", "update", "delete"]
    assert answer["create"][0]["status"] == "on-hold"
    assert answer["create"][1]["id"] == 0
    assert answer["update"][0]["status"] == "completed"
    assert answer["update"][1] == {
        "id": 424242,
        "error": {
            "code": "woocommerce_rest_shop_order_invalid_id",
            "message": "Invalid ID.",
            "data": {"status": 400},
        },
    }
    assert answer["delete"][0]["id"] == second
    assert answer["delete"][1]["error"]["data"] == {"status": 404}
    assert shop.call("GET", f"orders/{second}").status == 404


def test_a_batch_of_more_than_a_hundred_is_refused_whole(shop: Client) -> None:
    body = {"create": [{}] * 60, "delete": [1] * 41}

    assert shop.refusal("POST", "orders/batch", body) == (
        413, "woocommerce_rest_request_entity_too_large",
    )  # fmt: skip
    assert len(shop.store.orders) == 60


# -- notes, fulfilments, trackings -------------------------------------------------------------


def test_a_note_leaves_the_orders_date_alone(shop: Client) -> None:
    order = an_order(shop)
    shop.clock.moment += 60
    path = f"orders/{order['id']}/notes"

    made = shop.post(path, {"note": "On its way 🚚", "customer_note": True})

    assert shop.get(path, type="customer") == [made]
    assert made["id"] not in [row["id"] for row in shop.get(path, type="internal")]
    after = shop.get(f"orders/{order['id']}")
    assert after["date_modified_gmt"] == order["date_modified_gmt"]
    assert shop.refusal("DELETE", f"{path}/{made['id']}") == (
        501, "woocommerce_rest_trash_not_supported",
    )  # fmt: skip
    assert shop.call("DELETE", f"{path}/{made['id']}", force="true").status == 200
    assert shop.call("GET", f"{path}/{made['id']}").status == 404


def shipment(line: dict[str, Any], quantity: int, number: str = "0034") -> dict[str, Any]:
    return {
        "status": "fulfilled",
        "is_fulfilled": True,
        "meta_data": [
            {"key": "_items", "value": [{"item_id": line["id"], "qty": quantity}]},
            {"key": "_tracking_number", "value": number},
            {"key": "_shipment_provider", "value": "dhl"},
        ],
    }


def test_fulfilments_exist_only_where_the_feature_is_on(shop: Client) -> None:
    number = an_order(shop)["id"]

    assert shop.call("GET", f"orders/{number}/fulfillments").status == 404
    assert not [path for path in shop.get("")["routes"] if "fulfillments" in path]


def test_fulfilments_are_made_replaced_and_deleted_softly() -> None:
    shop = make_client(orders=5, plugins=("fulfillments",))
    order = an_order(shop, 3)
    line = order["line_items"][0]
    path = f"orders/{order['id']}/fulfillments"

    made = shop.post(path, shipment(line, 2))
    changed = shop.put(f"{path}/{made['id']}", {"meta_data": shipment(line, 1)["meta_data"][:2]})

    assert (made["entity_id"], made["is_fulfilled"]) == (str(order["id"]), True)
    assert made["date_fulfilled"] == made["date_updated"]
    assert [row["key"] for row in changed["meta_data"]] == ["_items", "_tracking_number"]
    assert shop.get(f"orders/{order['id']}")["status"] == "processing"
    assert shop.get(path) == [changed]

    shop.call("DELETE", f"{path}/{made['id']}")

    assert shop.get(path) == []
    gone = shop.call("GET", f"{path}/{made['id']}")
    assert (gone.status, gone.document["code"]) == (400, 404)


def test_a_fulfilment_of_nothing_is_refused_by_number() -> None:
    shop = make_client(orders=5, plugins=("fulfillments",))
    number = an_order(shop)["id"]
    body = {"is_fulfilled": True, "meta_data": [{"key": "x", "value": 1}]}

    answer = shop.call("POST", f"orders/{number}/fulfillments", body)

    assert answer.status == 400
    assert answer.document == {
        "code": 0,
        "message": "The fulfillment should contain at least one item.",
        "data": {"status": 400},
    }


TRACKINGS = "/wp-json/{}/v3/orders/{}/shipment-trackings"


def test_the_tracking_plugins_keep_parcels_under_their_own_namespaces() -> None:
    for plugin, space in (("shipment_tracking", "wc-shipment-tracking"), ("ast", "wc-ast")):
        shop = make_client(orders=5, plugins=(plugin,))
        order = an_order(shop)
        path = TRACKINGS.format(space, order["id"])
        body = {"tracking_provider": "Fedex", "tracking_number": "12", "date_shipped": "2026-11-17"}
        shop.clock.moment += 60

        made = shop.post(path, body)
        other = shop.post(path, body)

        assert made["tracking_link"].endswith("tracknumbers=12")
        assert shop.get(path) == [made, other], "sent twice it stands twice"
        assert f"{space}/v3" in shop.get("/wp-json/")["namespaces"]
        after = shop.get(f"orders/{order['id']}")
        assert "_wc_shipment_tracking_items" in {row["key"] for row in after["meta_data"]}
        assert after["date_modified_gmt"] == shop.store.clock.gmt(NOW + 60)
        assert shop.call("DELETE", f"{path}/{made['tracking_id']}").status == 200
        assert shop.get(path) == [other]


def test_advanced_shipment_tracking_can_complete_the_order_and_replace_parcels() -> None:
    shop = make_client(orders=5, plugins=("ast",))
    order = an_order(shop)
    path = TRACKINGS.format("wc-ast", order["id"])
    shop.post(path, {"tracking_provider": "DHL", "tracking_number": "1"})

    body = {"tracking_number": "2", "status_shipped": 1, "replace_tracking": 1}
    made = shop.post(path, body | {"custom_tracking_provider": "Rad"})

    assert shop.get(path) == [made]
    assert made["tracking_provider"] == "Rad"
    assert shop.get(f"orders/{order['id']}")["status"] == "completed"


def test_in_the_posts_table_a_tracking_does_not_move_the_orders_date() -> None:
    shop = make_client(orders=5, plugins=("shipment_tracking",), is_hpos=False)
    order = an_order(shop)
    shop.clock.moment += 60

    shop.post(TRACKINGS.format("wc-shipment-tracking", order["id"]), {"tracking_number": "1"})

    after = shop.get(f"orders/{order['id']}")
    assert after["date_modified_gmt"] == order["date_modified_gmt"]


# -- webhooks ----------------------------------------------------------------------------------

HOOK = {
    "name": "hub",
    "topic": "order.updated",
    "delivery_url": "https://hub.example/in",
    "secret": "s",
}


def test_a_new_webhook_is_greeted_and_proven_by_a_200(shop: Client) -> None:
    made = shop.post("webhooks", HOOK)

    (sent,) = shop.sent
    assert (sent.url, sent.body) == (HOOK["delivery_url"], f"webhook_id={made['id']}".encode())
    assert "X-WC-Webhook-Signature" not in sent.headers
    assert made["date_modified"] is None
    assert shop.store.webhooks[made["id"]].is_pending is False
    assert "secret" not in made


def test_webhooks_are_listed_by_state_batched_and_deleted(shop: Client) -> None:
    first, second = (shop.post("webhooks", HOOK | {"name": name})["id"] for name in "ab")
    shop.put(f"webhooks/{second}", {"status": "paused"})

    assert [row["id"] for row in shop.get("webhooks", status="paused")] == [second]
    assert [row["id"] for row in shop.get("webhooks", orderby="title", order="asc")] == [
        first, second,
    ]  # fmt: skip
    assert shop.get(f"webhooks/{second}")["date_modified"] is not None

    body = {"create": [HOOK | {"topic": "product.updated"}], "delete": [first]}
    answer = shop.post("webhooks/batch", body, status=200)
    assert answer["create"][0]["resource"] == "product"
    assert shop.call("GET", f"webhooks/{first}").status == 404
    assert shop.call("DELETE", f"webhooks/{second}", force="true").status == 200
    assert shop.refusal("PUT", f"webhooks/{second}", {"name": "x"}) == (
        400, "woocommerce_rest_shop_webhook_invalid_id",
    )  # fmt: skip


def test_an_unproven_webhook_is_greeted_again_with_every_change(shop: Client) -> None:
    shop.status = 500
    number = shop.post("webhooks", HOOK)["id"]
    shop.put(f"webhooks/{number}", {"status": "paused"})
    assert len(shop.sent) == 1, "a paused one is left alone"

    shop.status = 200
    shop.put(f"webhooks/{number}", {"status": "active"})
    shop.put(f"webhooks/{number}", {"name": "y"})
    assert len(shop.sent) == 2

    shop.put(f"webhooks/{number}", {"delivery_url": "https://hub.example/new"})
    assert shop.sent[-1].url == "https://hub.example/new"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"topic": "order.exploded"}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"topic": "refund.created"}, "woocommerce_rest_shop_webhook_invalid_topic"),
        ({"delivery_url": "ftp://x"}, "woocommerce_rest_shop_webhook_invalid_delivery_url"),
        ({"status": "sleeping"}, "rest_invalid_param"),
    ],
)
def test_a_webhook_that_could_never_work_is_refused(
    shop: Client, changes: dict[str, str], code: str
) -> None:
    assert shop.refusal("POST", "webhooks", HOOK | changes) == (400, code)
    assert shop.store.webhooks == {}
    assert shop.sent == []


def test_a_receiver_may_call_back_while_it_is_greeted(shop: Client) -> None:
    """The store is let go before it greets: a hub that answers by asking does not wait for
    itself.
    """
    seen: list[int] = []

    def asks_back(url: str, body: bytes, headers: Any) -> int:
        thread = threading.Thread(target=lambda: seen.append(shop.call("GET", "orders").status))
        thread.start()
        thread.join(timeout=10)
        return 200

    shop.app.post = asks_back
    shop.post("webhooks", HOOK)

    assert seen == [200]

"""Products, variations and what may be written of their stock."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from integrations.sandbox.woocommerce import selling, stocking
from tests.integrations.sandbox.client import NOW, Client


def variable(client: Client, *, at_parent: bool) -> dict[str, Any]:
    """A variable product that keeps the stock itself, or leaves it to its variations."""
    rows = client.get("products", type="variable", per_page=100)
    found: dict[str, Any] = next(row for row in rows if row["manage_stock"] is at_parent)
    return found


def counted(client: Client) -> dict[str, Any]:
    rows = client.get("products", type="simple", stock_status="instock", per_page=100)
    found: dict[str, Any] = next(row for row in rows if row["manage_stock"] is True)
    return found


def uncounted(client: Client) -> dict[str, Any]:
    rows = client.get("products", type="simple", per_page=100)
    found: dict[str, Any] = next(row for row in rows if row["manage_stock"] is False)
    return found


@pytest.mark.parametrize(
    ("backorders", "quantity", "status"),
    [
        ("no", 5, "instock"),
        ("no", 0, "outofstock"),
        ("no", -1, "outofstock"),
        ("notify", 0, "onbackorder"),
        ("yes", -3, "onbackorder"),
    ],
)
def test_the_status_follows_a_counted_quantity(
    shop: Client, backorders: str, quantity: int, status: str
) -> None:
    body = {"stock_quantity": quantity, "backorders": backorders, "stock_status": "instock"}

    after = shop.put(f"products/{counted(shop)['id']}", body)

    assert (after["stock_quantity"], after["stock_status"]) == (quantity, status)
    assert after["backordered"] is (backorders != "no" and quantity < 0)


def test_a_written_quantity_moves_the_date_and_is_told(shop: Client) -> None:
    number = counted(shop)["id"]
    shop.events.clear()
    shop.clock.moment += 7

    after = shop.put(f"products/{number}", {"stock_quantity": 9})

    assert after["date_modified_gmt"] == shop.store.clock.gmt(NOW + 7)
    assert shop.events == [("product.updated", number)]


def test_a_quantity_for_what_is_not_counted_is_passed_over_with_a_200(shop: Client) -> None:
    number = uncounted(shop)["id"]

    after = shop.put(f"products/{number}", {"stock_quantity": 9})
    assert (after["manage_stock"], after["stock_quantity"]) == (False, None)

    managed = shop.put(f"products/{number}", {"manage_stock": True, "stock_quantity": 9})
    assert (managed["manage_stock"], managed["stock_quantity"]) == (True, 9)


def test_a_variation_whose_parent_counts_shows_the_parents_stock_and_hears_nothing(
    shop: Client,
) -> None:
    parent = variable(shop, at_parent=True)
    path = f"products/{parent['id']}/variations"
    child = shop.get(path)[0]
    assert child["manage_stock"] == "parent"
    assert child["stock_quantity"] == parent["stock_quantity"]

    ignored = shop.put(f"{path}/{child['id']}", {"stock_quantity": 1})
    assert ignored["stock_quantity"] == parent["stock_quantity"]

    shop.put(f"products/{parent['id']}", {"stock_quantity": 4})
    assert {row["stock_quantity"] for row in shop.get(path)} == {4}


def test_a_variation_can_start_and_stop_counting_for_itself(shop: Client) -> None:
    parent = variable(shop, at_parent=True)
    path = f"products/{parent['id']}/variations"
    child = shop.get(path)[0]["id"]

    own = shop.put(f"{path}/{child}", {"manage_stock": True, "stock_quantity": 2})
    assert (own["manage_stock"], own["stock_quantity"]) == (True, 2)

    back = shop.put(f"{path}/{child}", {"manage_stock": "parent"})
    assert (back["manage_stock"], back["stock_quantity"]) == ("parent", parent["stock_quantity"])


def test_an_order_of_a_variation_takes_from_whoever_counts(shop: Client) -> None:
    for at_parent in (True, False):
        parent = variable(shop, at_parent=at_parent)
        path = f"products/{parent['id']}/variations"
        child = shop.get(path, orderby="id", order="desc")[0]
        before = child["stock_quantity"]

        selling.place_order(shop.store, lines=[(parent["id"], child["id"], 2)])

        assert shop.get(f"{path}/{child['id']}")["stock_quantity"] == before - 2
        teller = parent["id"] if at_parent else child["id"]
        assert ("product.updated", teller) in shop.events


def test_a_batch_writes_stock_of_one_parents_variations(shop: Client) -> None:
    parent = variable(shop, at_parent=False)
    path = f"products/{parent['id']}/variations"
    first, second, *_ = shop.get(path)
    other = variable(shop, at_parent=True)
    stranger = shop.get(f"products/{other['id']}/variations")[0]["id"]
    updates = [
        {"id": first["id"], "stock_quantity": 11},
        {"id": stranger, "stock_quantity": 12},
        {"id": second["id"], "stock_quantity": "13"},
    ]

    answer = shop.post(f"{path}/batch", {"update": updates}, status=200)["update"]

    assert [row.get("stock_quantity") for row in answer] == [11, None, 13]
    assert answer[1]["error"]["code"] == "woocommerce_rest_product_variation_invalid_id"


def test_stock_may_be_moved_by_a_difference(shop: Client) -> None:
    product = counted(shop)

    after = shop.put(f"products/{product['id']}", {"inventory_delta": -2})

    assert after["stock_quantity"] == product["stock_quantity"] - 2
    stocking.change_stock(shop.store, product["id"], 2)
    assert shop.get(f"products/{product['id']}")["stock_quantity"] == product["stock_quantity"]


def test_many_at_once_lose_no_piece(shop: Client) -> None:
    product = counted(shop)
    shop.put(f"products/{product['id']}", {"stock_quantity": 500})

    def sell() -> None:
        for _ in range(10):
            selling.place_order(shop.store, lines=[(product["id"], 0, 1)])

    threads = [threading.Thread(target=sell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert shop.get(f"products/{product['id']}")["stock_quantity"] == 420
    assert len(shop.store.orders) == 140


def test_a_variation_is_shown_under_products_but_written_only_under_its_parent(
    shop: Client,
) -> None:
    parent = variable(shop, at_parent=False)
    child = parent["variations"][0]

    shown = shop.get(f"products/{child}")
    refused = shop.call("PUT", f"products/{child}", {"stock_quantity": 1})

    assert (shown["type"], shown["parent_id"]) == ("variation", parent["id"])
    assert (refused.status, refused.document["code"]) == (
        404, "woocommerce_rest_invalid_product_id",
    )  # fmt: skip
    assert child not in [row["id"] for row in shop.get("products", per_page=100)]


def test_a_second_use_of_a_sku_is_refused_with_whose_it_is(shop: Client) -> None:
    first, second = (row for row in shop.get("products", type="simple", per_page=100)[:20:10])

    answer = shop.call("PUT", f"products/{second['id']}", {"sku": first["sku"], "name": "x"})

    assert answer.status == 400
    assert answer.document["code"] == "product_invalid_sku"
    assert answer.document["data"]["resource_id"] == first["id"]
    assert shop.get(f"products/{second['id']}")["name"] == second["name"]


def test_products_and_variations_are_made_and_go_together(shop: Client) -> None:
    sizes = {"name": "Size", "variation": True, "options": ["S", "M"]}
    made = shop.post("products", {"name": "Größe", "type": "variable", "attributes": [sizes]})
    path = f"products/{made['id']}/variations"
    body = {
        "sku": "NEW-S",
        "regular_price": "19.90",
        "attributes": [{"name": "Size", "slug": "size", "option": "S"}],
        "manage_stock": True,
        "stock_quantity": 3,
    }

    child = shop.post(path, body)

    assert made["slug"] == "groe"
    assert (child["name"], child["price"], child["stock_quantity"]) == ("S", "19.90", 3)
    assert shop.get(f"products/{made['id']}")["price"] == "19.90"
    assert shop.get(f"products/{made['id']}")["variations"] == [child["id"]]

    shop.events.clear()
    shop.call("DELETE", f"products/{made['id']}", force="true")
    assert shop.call("GET", f"{path}/{child['id']}").status == 404
    assert shop.events == [], "deletion for good tells nobody"


def test_a_trashed_product_leaves_the_list_and_says_so(shop: Client) -> None:
    number = counted(shop)["id"]

    shop.call("DELETE", f"products/{number}")

    assert ("product.deleted", number) in shop.events
    assert number not in [row["id"] for row in shop.get("products", per_page=100)]
    assert [row["id"] for row in shop.get("products", status="trash")] == [number]
    assert shop.refusal("DELETE", f"products/{number}") == (410, "woocommerce_rest_already_trashed")


def test_a_deleted_product_leaves_its_order_lines_without_product_and_sku(shop: Client) -> None:
    product = counted(shop)
    order = selling.place_order(shop.store, lines=[(product["id"], 0, 1)])

    shop.call("DELETE", f"products/{product['id']}", force="true")

    line = shop.get(f"orders/{order.id}")["line_items"][0]
    assert (line["product_id"], line["sku"], line["name"]) == (0, None, product["name"])
    cancelled = shop.put(f"orders/{order.id}", {"status": "cancelled"})
    assert cancelled["status"] == "cancelled"


def test_a_deleted_variation_leaves_the_parent_in_its_place(shop: Client) -> None:
    parent = variable(shop, at_parent=False)
    child = parent["variations"][0]
    order = selling.place_order(shop.store, lines=[(parent["id"], child, 1)])

    shop.call("DELETE", f"products/{parent['id']}/variations/{child}", force="true")

    line = shop.get(f"orders/{order.id}")["line_items"][0]
    assert (line["product_id"], line["variation_id"], line["sku"]) == (
        parent["id"], 0, parent["sku"],
    )  # fmt: skip

"""The invented orders: the same from the same seed, cheap in numbers, varied, and adding up."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.store import WooStore
from tests.integrations.sandbox.client import NOW, Client, make_client


def pages(client: Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while page := client.get("orders", per_page=100, offset=len(rows), orderby="id", order="asc"):
        rows += page
    return rows


def test_the_same_seed_gives_the_same_store_and_another_seed_another() -> None:
    first, again, other = (make_client(orders=150, seed=seed) for seed in (7, 7, 8))

    assert pages(first) == pages(again)
    assert pages(first) != pages(other)
    assert first.get("products", per_page=100) == again.get("products", per_page=100)


def test_an_order_is_the_same_whether_read_alone_first_or_last(shop: Client) -> None:
    listed = pages(shop)
    fresh = make_client(orders=60, products=60)

    assert [fresh.get(f"orders/{row['id']}") for row in reversed(listed)] == listed[::-1]


def test_orders_cost_a_few_numbers_each_until_they_are_read() -> None:
    tracemalloc.start()
    small = WooStore(StoreOptions(orders=0, seeded_at=NOW))
    before, _ = tracemalloc.get_traced_memory()
    large = WooStore(StoreOptions(orders=20_000, seeded_at=NOW))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (len(small.orders), len(large.orders)) == (0, 20_000)
    assert (after - before) / 20_000 < 100, "bytes an order"


def test_the_first_and_the_last_page_of_a_hundred_thousand_come_at_once() -> None:
    """By index: a page reads its own orders and no other."""
    started = time.process_time()
    client = make_client(orders=100_000)
    query = {"orderby": "modified", "order": "asc", "per_page": 100}

    first, last = (client.get("orders", page=page, **query) for page in (1, 1_000))

    assert first[-1]["date_modified_gmt"] < last[0]["date_modified_gmt"]
    assert client.store.orders.changed == {}
    assert time.process_time() - started < 10, "making all of them takes a minute"


def test_reading_leaves_nothing_behind_and_changing_keeps_one_order() -> None:
    client = make_client(orders=500)
    rows = pages(client)

    assert client.store.orders.changed == {}

    client.put(f"orders/{rows[10]['id']}", {"customer_note": "x"})

    assert list(client.store.orders.changed) == [rows[10]["id"]]


def test_ids_never_meet() -> None:
    client = make_client(orders=400, products=80)
    rows = pages(client)
    orders = [row["id"] for row in rows]
    refunds = [refund["id"] for row in rows for refund in row["refunds"]]
    items = [
        item["id"]
        for row in rows
        for name in ("line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines")
        for item in row[name]
    ]
    meta = [m["id"] for row in rows for m in row["meta_data"]]
    meta += [m["id"] for row in rows for line in row["line_items"] for m in line["meta_data"]]

    for numbers in (orders + refunds + list(client.store.products), items, meta):
        assert len(numbers) == len(set(numbers))
    new = client.post("orders", {})
    assert new["id"] > max(orders + refunds)


@pytest.mark.parametrize(
    ("currency", "prices_include_tax"),
    [("EUR", False), ("EUR", True), ("JPY", False), ("JPY", True), ("KWD", False)],
)
def test_the_money_of_every_order_adds_up(currency: str, prices_include_tax: bool) -> None:
    client = make_client(orders=400, currency=currency, prices_include_tax=prices_include_tax)
    places = client.store.decimals

    for row in pages(client):
        lines = sum(Decimal(line["total"]) for line in row["line_items"])
        fees = sum(Decimal(fee["total"]) for fee in row["fee_lines"])
        shipping = sum(Decimal(line["total"]) for line in row["shipping_lines"])
        before = sum(Decimal(line["subtotal"]) for line in row["line_items"])
        taxes = sum(
            Decimal(tax["tax_total"]) + Decimal(tax["shipping_tax_total"])
            for tax in row["tax_lines"]
        )
        assert Decimal(row["total"]) == lines + fees + shipping + Decimal(row["total_tax"]), row[
            "id"
        ]
        assert Decimal(row["total_tax"]) == taxes, row["id"]
        assert Decimal(row["shipping_total"]) == shipping
        assert Decimal(row["discount_total"]) == before - lines
        assert -Decimal(row["total"].lstrip("-")).as_tuple().exponent == places  # type: ignore[operator]
        given_back = sum(Decimal(refund["total"]) for refund in row["refunds"])
        assert 0 <= -given_back <= Decimal(row["total"])
        if row["status"] == "refunded":
            assert -given_back == Decimal(row["total"])


def test_the_orders_are_as_varied_as_those_of_real_stores() -> None:
    client = make_client(orders=2_000, custom_statuses=("partial-shipped",), same_second=500)
    rows = pages(client)
    text = " ".join(row["billing"]["first_name"] + row["billing"]["last_name"] for row in rows)
    lines = [line for row in rows for line in row["line_items"]]
    modified = Counter(row["date_modified_gmt"] for row in rows)

    assert all(any(low <= letter <= high for letter in text) for low, high in (
        ("\u0370", "\u03ff"), ("\u0400", "\u04ff"), ("\u0590", "\u05ff"), ("\u0600", "\u06ff"),
        ("\u3040", "\u30ff"), ("\u4e00", "\u9fff"), ("\U0001f300", "\U0001faff"),
    ))  # fmt: skip
    assert {row["status"] for row in rows} == {
        "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed",
        "partial-shipped",
    }  # fmt: skip
    assert any(line["product_id"] == 0 and line["sku"] is None for line in lines)
    assert any(str(line["sku"]).startswith("UNKNOWN-") for line in lines)
    assert any(line["variation_id"] for line in lines)
    assert max(modified.values()) >= 500
    assert any(row["refunds"] and row["status"] == "completed" for row in rows)
    assert any(row["coupon_lines"] for row in rows)
    assert any(float(fee["total"]) < 0 for row in rows for fee in row["fee_lines"])
    assert any(not row["billing"]["email"] for row in rows)
    assert any(row["customer_id"] for row in rows)
    assert len({row["payment_method"] for row in rows}) >= 5
    kinds = {type(meta["value"]) for row in rows for meta in row["meta_data"]}
    assert kinds >= {str, bool, int, float, type(None), dict, list}


def test_products_come_in_every_kind_and_with_every_trouble(shop: Client) -> None:
    rows = shop.get("products", per_page=100)
    skus = Counter(row["sku"] for row in rows)

    assert {row["type"] for row in rows} == {"simple", "variable", "grouped", "external"}
    assert {row["status"] for row in rows} >= {"publish", "draft", "private"}
    assert {row["stock_status"] for row in rows} == {"instock", "outofstock", "onbackorder"}
    assert skus[""] >= 1
    assert max(count for sku, count in skus.items() if sku) >= 2


def test_what_changed_survives_a_restart_and_the_rest_comes_from_the_seed(shop: Client) -> None:
    rows = pages(shop)
    product = shop.get("products", type="simple", stock_status="instock", per_page=1)[0]["id"]
    hook = {"name": "x", "topic": "order.updated", "delivery_url": "https://hub.example/x"}
    shop.put(f"orders/{rows[0]['id']}", {"status": "cancelled", "customer_note": "💐"})
    shop.call("DELETE", f"orders/{rows[1]['id']}", force="true")
    shop.post("orders", {"line_items": [{"product_id": product, "quantity": 2}]})
    shop.put(f"products/{product}", {"stock_quantity": 77})
    shop.post("webhooks", hook)
    shop.post(f"orders/{rows[2]['id']}/notes", {"note": "Hello"})

    saved = shop.store.snapshot()
    again = Client(WooStore.restore(shop.store.options, saved, now=shop.clock), shop.clock)

    assert pages(again) == pages(shop)
    assert again.get(f"products/{product}") == shop.get(f"products/{product}")
    assert again.get("webhooks") == shop.get("webhooks")
    path = f"orders/{rows[2]['id']}/notes"
    assert again.get(path) == shop.get(path)
    assert again.post("orders", {})["id"] == shop.post("orders", {})["id"]
    assert again.store.snapshot() == shop.store.snapshot()


def test_a_restart_later_keeps_the_days_of_the_seed() -> None:
    shop = make_client(orders=50, seeded_at=None)
    before = pages(shop)
    saved = shop.store.snapshot()
    shop.clock.moment += 7 * 86_400

    again = Client(WooStore.restore(shop.store.options, saved, now=shop.clock), shop.clock)

    assert pages(again) == before

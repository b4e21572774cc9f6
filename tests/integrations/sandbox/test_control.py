"""The control page and its API: what it shows, what it does, and whom it does not obey."""

from __future__ import annotations

import base64
import hashlib
import http.client
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from integrations.sandbox.woocommerce import acts, page, placing, selling
from integrations.sandbox.woocommerce.faults import KINDS
from integrations.sandbox.woocommerce.models import Order
from tests.integrations.sandbox.fixtures import KEY, SECRET, Make, Running
from tests.integrations.sandbox.receiver import Receiver

API = "/_sandbox/api/"


@pytest.fixture
def shop(make_shop: Make) -> Running:
    return make_shop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def order(shop: Running, order_id: int) -> Order:
    found = shop.store.orders.get(order_id)
    assert found is not None
    return found


# --- playing the store ----------------------------------------------------------------------------


def test_the_state_names_the_store_and_its_key(shop: Running) -> None:
    shown = shop.control("GET", "state")

    assert shown["store"] == {
        "title": "Musterladen",
        "url": f"{shop.url}/",
        "version": "11.0.1",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "plugins": [],
        "consumer_key": KEY,
        "consumer_secret": SECRET,
    }
    assert shown["counts"]["orders"] == 60
    assert set(shown["kinds"]) == set(KINDS)


@pytest.mark.parametrize("kind", placing.ORDER_KINDS)
def test_every_kind_of_order_can_be_placed_and_is_announced(
    shop: Running, receiver: Receiver, kind: str
) -> None:
    shop.subscribe(receiver.url, "order.created")

    (placed,) = shop.control("POST", "orders", {"kind": kind})["ids"]

    assert shop.settle()
    assert [came.headers["X-WC-Webhook-Topic"] for came in receiver.came] == ["order.created"]
    assert shop.control("GET", "state")["orders"][0]["id"] == placed
    assert _IS_OF_KIND[kind](order(shop, placed))


_IS_OF_KIND: dict[str, Any] = {
    "plain": lambda o: o.status == "processing" and o.lines and o.billing["email"],
    "unicode": lambda o: not o.billing["first_name"].isascii(),
    "unknown_sku": lambda o: o.lines[0].sku.startswith("UNKNOWN") and not o.lines[0].product_id,
    "deleted_product": lambda o: o.lines[0].sku is None and not o.lines[0].product_id,
    "custom_status": lambda o: o.status == placing.CUSTOM_STATUS,
    "many_lines": lambda o: len(o.lines) == 600,
    "no_address": lambda o: not any(o.billing.values()),
    "no_lines": lambda o: not o.lines,
    "other_number": lambda o: o.number != str(o.id),
    "unpaid": lambda o: o.status == "pending" and o.paid is None,
}


def test_many_orders_are_placed_at_once(shop: Running) -> None:
    placed = shop.control("POST", "orders", {"count": 25})["ids"]

    assert len(set(placed)) == 25
    assert len(shop.store.orders) == 85


def test_an_order_of_chosen_goods_takes_them_from_stock(shop: Running) -> None:
    sku = shop.counted_sku()
    shop.control("POST", "stock", {"sku": sku, "quantity": 10})

    (placed,) = shop.control("POST", "orders", {"lines": [[sku, 3]]})["ids"]

    assert [line.quantity for line in order(shop, placed).lines] == [3]
    assert shop.stock_of(sku) == 7


def test_customers_buy_what_is_there_and_no_more(shop: Running) -> None:
    counted = [
        product
        for product in shop.store.products.values()
        if product.manages_stock is True and product.kind == "simple" and product.backorders == "no"
    ]
    for product in counted:
        shop.control("POST", "stock", {"product_id": product.id, "quantity": 3})

    shop.control("POST", "orders", {"count": 60})

    assert min(product.stock or 0 for product in counted) == 0


def test_a_store_where_all_is_sold_out_can_still_oversell(shop: Running) -> None:
    for product in shop.store.products.values():
        product.manages_stock, product.stock = True, 0
        product.stock_status, product.backorders = "outofstock", "no"

    (placed,) = shop.control("POST", "orders")["ids"]

    assert order(shop, placed).lines


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        ("edit", "processing"),
        ("cancel", "cancelled"),
        ("complete", "completed"),
        ("ship", "completed"),
        ("hold", "on-hold"),
        ("trash", "trash"),
    ],
)
def test_a_verb_changes_the_order(shop: Running, verb: str, status: str) -> None:
    (placed,) = shop.place()

    shop.control("POST", f"orders/{placed}/{verb}")

    assert order(shop, placed).status == status


def test_an_edit_adds_a_piece_and_a_cancellation_brings_all_back(shop: Running) -> None:
    sku = shop.counted_sku()
    shop.set_stock(sku, 10)
    placed = shop.buy((sku, 3))

    shop.control("POST", f"orders/{placed}/edit")
    assert shop.stock_of(sku) == 6
    shop.control("POST", f"orders/{placed}/cancel")

    assert shop.stock_of(sku) == 10


def test_refunds_give_back_piece_by_piece_until_nothing_is_left(shop: Running) -> None:
    placed = shop.buy((shop.counted_sku(), 2))

    for _ in range(2):
        shop.control("POST", f"orders/{placed}/refund")
    refused = shop.ask("POST", f"{API}orders/{placed}/refund", {})

    assert len(order(shop, placed).refunds) == 2
    assert (refused.status, refused.json()["error"]) == (
        400,
        f"Nothing is left to refund on order {placed}.",
    )


def test_an_order_whose_money_went_back_whole_is_not_refunded_again(shop: Running) -> None:
    placed = shop.buy((shop.counted_sku(), 2))
    selling.set_status(shop.store, placed, "refunded")

    refused = shop.ask("POST", f"{API}orders/{placed}/refund", {})

    assert refused.status == 400
    assert len(order(shop, placed).refunds) == 1


def test_a_trashed_order_comes_back_or_is_gone_for_good(shop: Running) -> None:
    (placed,) = shop.place()
    for verb in ("trash", "restore"):
        shop.control("POST", f"orders/{placed}/{verb}")
    assert order(shop, placed).status == "processing"

    shop.control("POST", f"orders/{placed}/delete")

    assert shop.store.orders.get(placed) is None


def test_hundreds_of_orders_are_edited_within_one_second(make_shop: Make) -> None:
    large = make_shop(orders=800)

    touched = large.control("POST", "orders/touch", {"count": 500})["ids"]

    assert len(set(touched)) == 500
    assert len({order(large, number).modified for number in touched}) == 1


def test_named_orders_are_edited_within_one_second(shop: Running) -> None:
    wanted = list(shop.store.orders.ids())[:3]

    assert shop.control("POST", "orders/touch", {"ids": wanted})["ids"] == wanted
    assert len({order(shop, number).modified for number in wanted}) == 1


def test_faults_are_turned_on_and_off(shop: Running) -> None:
    on = shop.control("PUT", "faults", {"kind": "slow", "rate": 0.5, "seconds": 1, "count": 9})
    assert [(row["kind"], row["rate"], row["seconds"], row["count"]) for row in on] == [
        ("slow", 0.5, 1, 9)
    ]
    shop.control("PUT", "faults", {"kind": "dropped", "route": "never"})

    assert [row["kind"] for row in shop.control("DELETE", "faults/slow")] == ["dropped"]
    assert shop.control("DELETE", "faults") == []
    assert shop.control("GET", "faults") == []


def test_no_fault_reaches_the_control_page(shop: Running) -> None:
    shop.fault("server_error")

    assert shop.control("DELETE", "faults") == []


def test_the_pace_of_the_traffic_is_set(shop: Running) -> None:
    shop.control("PUT", "traffic", {"per_minute": 30})

    assert shop.control("GET", "state")["traffic"] == {"per_minute": 30}


def test_the_log_shows_what_was_asked_newest_first(shop: Running) -> None:
    shop.ask("GET", "/wp-json/")
    shop.ask("GET", "/wp-json/wc/v3/orders")

    rows = shop.control("GET", "requests")

    assert [(row["path"], row["status"]) for row in rows] == [
        ("/wp-json/wc/v3/orders", 401),
        ("/wp-json/", 200),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "orders", {"kind": "stolen"}, "There is no kind of order “stolen”. There are:"),
        ("POST", "orders", {"count": 0}, "count lies between 1 and 5000, not 0."),
        ("POST", "orders", {"count": 5001}, "count lies between 1 and 5000, not 5001."),
        ("POST", "orders", {"count": "x"}, "Expected `int`, got `str`"),
        ("POST", "orders", {"colour": "red"}, "unknown field `colour`"),
        ("POST", "orders", {"lines": [["NO-SUCH", 1]]}, "no product with the SKU “NO-SUCH”"),
        ("POST", "orders/99999999/cancel", {}, "There is no order 99999999."),
        ("POST", "orders/2000/paint", {}, "There is no “paint” for an order. There are: edit,"),
        ("POST", "orders/touch", {}, "count lies between 1 and 5000"),
        ("POST", "orders/touch", {"ids": [1]}, "There is no order 1."),
        ("POST", "stock", {"sku": "", "quantity": 1}, "no product with the SKU “”"),
        ("POST", "stock", {"product_id": 7, "quantity": 1}, "There is no product 7."),
        ("PUT", "faults", {"kind": "earthquake"}, "There is no fault “earthquake”."),
        ("PUT", "traffic", {"per_minute": -1}, "per_minute lies between 0 and 6000"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    shop: Running, method: str, path: str, body: Any, told: str
) -> None:
    heard = shop.ask(method, API + path, body)

    assert heard.status == 400
    assert told in heard.json()["error"]


def test_a_body_that_is_no_json_is_refused(shop: Running) -> None:
    assert raw(shop, "POST", "orders", b"{").status == 400


def test_an_unknown_address_is_404_and_a_wrong_method_405(shop: Running) -> None:
    assert shop.ask("GET", f"{API}nothing").status == 404
    assert shop.ask("GET", f"{API}stock").status == 405


# --- whom it does not obey ------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
@pytest.mark.parametrize("path", ["/_sandbox/", "/_sandbox/api/state"])
def test_another_host_name_is_refused(shop: Running, host: str, path: str) -> None:
    heard = shop.ask("GET", path, None, {"Host": host})

    assert heard.status == 403
    assert SECRET.encode() not in heard.body


@pytest.mark.parametrize("host", ["localhost", "localhost:8090", "127.0.0.1:1", "[::1]:8090"])
def test_loopback_names_are_answered(shop: Running, host: str) -> None:
    assert shop.ask("GET", f"{API}state", None, {"Host": host}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json", "Origin": "https://evil.example"},
        {"Content-Type": "application/json", "Origin": "null"},
        {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_change_from_elsewhere_is_refused(shop: Running, headers: dict[str, str]) -> None:
    heard = shop.ask("POST", f"{API}orders", {}, headers)

    assert heard.status == 403
    assert len(shop.store.orders) == 60


def test_the_page_itself_may_change_things(shop: Running) -> None:
    headers = {"Origin": shop.url, "Sec-Fetch-Site": "same-origin"}

    assert shop.ask("POST", f"{API}orders", {}, headers).status == 200


def test_a_store_without_control_has_no_such_page(make_shop: Make) -> None:
    closed = make_shop(has_control=False)

    assert closed.ask("GET", "/_sandbox/").status == 404


# --- the page -------------------------------------------------------------------------------------


def shown(shop: Running) -> str:
    heard = shop.ask("GET", "/_sandbox/")
    assert heard.status == 200
    assert heard.headers["Content-Type"] == "text/html; charset=utf-8"
    return heard.body.decode()


def test_the_page_reads_without_scripts(shop: Running, receiver: Receiver) -> None:
    shop.subscribe(receiver.url, "order.updated", status="disabled", failures=6)
    (placed,) = shop.place("other_number")
    shop.ask("GET", "/wp-json/wc/v3/orders")

    text = unescape(re.sub(r"<script>.*?</script>", "", shown(shop), flags=re.DOTALL))

    number = order(shop, placed).number
    for said in (
        shop.url,
        KEY,
        SECRET,
        number,
        "order.updated",
        "disabled",
        "/wp-json/wc/v3/orders",
    ):
        assert said in text


def test_what_people_are_called_is_text_and_never_markup(shop: Running) -> None:
    (placed,) = shop.place()
    bought = order(shop, placed)
    bought.billing["first_name"] = "<img src=x onerror=alert(1)>"
    bought.number = '"><script>alert(2)</script>'
    bought.status = "<b>"
    shop.store.save_order(bought)
    product = next(iter(p for p in shop.store.products.values() if p.manages_stock is True))
    product.name, product.sku = "</td><script>", "'\"<i>"

    text = shown(shop)

    assert text.count("<script>") == 1
    assert "<img" not in text
    assert "<b>" not in text
    assert "<i>" not in text


def test_a_name_no_encoding_can_hold_does_not_break_the_page(shop: Running) -> None:
    (placed,) = shop.place()
    bought = order(shop, placed)
    bought.billing["first_name"] = "\ud800 lone"
    shop.store.save_order(bought)

    assert "? lone" in shown(shop)
    assert shop.ask("GET", f"{API}state").status == 200


def test_nothing_is_loaded_from_elsewhere_and_only_its_own_script_runs(shop: Running) -> None:
    heard = shop.ask("GET", "/_sandbox/")
    text = heard.body.decode()

    assert not re.search(r"(?:src|href)\s*=", text)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    policy = heard.headers["Content-Security-Policy"]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.search(
        r"\son\w+=|style=", re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    )


def test_every_button_leads_somewhere(shop: Running) -> None:
    """Each form of the page names an address and a method the API answers to."""
    shop.fault("slow", route="never")
    targets = re.findall(r'<form[^>]*data-to="([^"]+)"(?: data-method="(\w+)")?', shown(shop))
    assert len(targets) > 50

    for path, method in set(targets):
        heard = shop.ask("OPTIONS", f"/_sandbox/{path}", {})
        assert heard.status == 405
        assert (method or "POST") in heard.json()["error"]


def test_the_short_address_leads_to_the_page(shop: Running) -> None:
    heard = shop.ask("GET", "/_sandbox")

    assert (heard.status, heard.headers["Location"]) == (308, "/_sandbox/")


def test_a_store_with_nothing_in_it_has_a_page_too(make_shop: Make) -> None:
    empty = make_shop(orders=0, products=0)

    text = shown(empty)

    for said in ("Nobody has subscribed yet.", "There are no orders.", "Nothing is counted here."):
        assert said in text
    refused = empty.ask("POST", f"{API}orders", {})
    assert (refused.status, refused.json()["error"]) == (
        400,
        "The store sells nothing: it has no product with a price.",
    )


def test_the_page_offers_verbs_that_exist() -> None:
    assert set(page.VERBS) <= set(acts.VERBS)


# --- help -----------------------------------------------------------------------------------------


def raw(shop: Running, method: str, path: str, body: bytes) -> Any:
    line = http.client.HTTPConnection(shop.url.removeprefix("http://"), timeout=10)
    try:
        line.request(method, API + path, body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        answer.read()
        return answer
    finally:
        line.close()

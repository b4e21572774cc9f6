"""Every switch does what it says, only where it should, and as often as it should."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.faults import Faults
from integrations.sandbox.woocommerce.faults import KINDS
from tests.integrations.sandbox.fixtures import KEY, SECRET, Heard, Make, Running
from tests.integrations.sandbox.receiver import within

ORDERS = "/wp-json/wc/v3/orders"
PRODUCTS = "/wp-json/wc/v3/products"
_BASIC = {"Authorization": f"Basic {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()}"}

Ask = Callable[..., Heard]


@pytest.fixture
def shop(make_shop: Make) -> Running:
    """One that believes it is reached over TLS, so that a plain key header is enough."""
    return make_shop(serves_plain_http_as_tls=True)


@pytest.fixture
def ask(shop: Running) -> Ask:
    def asked(method: str = "GET", path: str = ORDERS, body: Any = None, **headers: str) -> Heard:
        return shop.ask(method, path, body, _BASIC | headers)

    return asked


# --- the switches ---------------------------------------------------------------------------------


def test_a_share_strikes_about_as_often_as_it_says_and_alike_for_equal_seeds() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(KINDS, seed=seed)
        faults.turn_on("dropped", rate=0.25)
        return [faults.strikes("dropped", "/") is not None for _ in range(1000)]

    assert 200 < sum(struck(1)) < 300
    assert struck(1) == struck(1) != struck(2)


def test_a_count_is_used_up_and_stays_to_be_seen() -> None:
    faults = Faults(KINDS)
    faults.turn_on("dropped", count=2)

    assert [faults.strikes("dropped", "/") is not None for _ in range(4)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [(row["count"], row["struck"]) for row in faults.document()] == [(0, 2)]


def test_a_route_and_a_method_narrow_it() -> None:
    faults = Faults(KINDS)
    faults.turn_on("dropped", route=r"/orders/\d+$", method="put")

    assert faults.strikes("dropped", "/wc/v3/orders/7", "PUT")
    assert not faults.strikes("dropped", "/wc/v3/orders/7", "GET")
    assert not faults.strikes("dropped", "/wc/v3/orders", "PUT")


def test_turned_off_it_strikes_no_more() -> None:
    faults = Faults(KINDS)
    for kind in KINDS:
        faults.turn_on(kind)
    faults.turn_off("dropped")

    assert not faults.strikes("dropped", "/")
    assert faults.strikes("slow", "/")
    faults.clear()
    assert faults.document() == []


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        ("earthquake", {}, "There is no fault “earthquake”. There are: rate_limited,"),
        ("slow", {"rate": 1.5}, "between 0 and 1, not 1.5"),
        ("slow", {"rate": float("nan")}, "between 0 and 1, not nan"),
        ("slow", {"count": 0}, "at least 1, not 0"),
        ("slow", {"seconds": -1}, "between 0 and 3600"),
        ("slow", {"status": 99}, "between 200 and 599"),
        ("slow", {"route": "("}, "no regular expression"),
    ],
)
def test_a_switch_that_cannot_be_is_refused_in_words(
    kind: str, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Faults(KINDS).turn_on(kind, **settings)


# --- before the work ------------------------------------------------------------------------------


def test_without_faults_the_store_answers(ask: Ask, shop: Running) -> None:
    heard = ask()

    assert (heard.status, len(heard.json())) == (200, 10)
    assert [row.faults for row in shop.shop.requests] == [[]]


def test_429_says_for_how_long(ask: Ask, shop: Running) -> None:
    shop.fault("rate_limited", seconds=7)

    heard = ask()

    assert (heard.status, heard.headers["Retry-After"]) == (429, "7")


def test_429_may_keep_that_to_itself(ask: Ask, shop: Running) -> None:
    shop.fault("rate_limited_silently")

    heard = ask()

    assert heard.status == 429
    assert "Retry-After" not in heard.headers


@pytest.mark.parametrize("status", [502, 503, 504, 520])
def test_a_proxy_answers_for_a_broken_server_in_html(ask: Ask, shop: Running, status: int) -> None:
    shop.fault("server_error", status=status)

    heard = ask()

    assert heard.status == status
    assert heard.headers["Content-Type"].startswith("text/html")


def test_wordpress_itself_answers_500_in_json(ask: Ask, shop: Running) -> None:
    shop.fault("server_error")

    heard = ask()

    assert (heard.status, heard.json()["code"]) == (500, "internal_server_error")


def test_maintenance_is_told_in_the_language_asked_for(ask: Ask, shop: Running) -> None:
    shop.fault("maintenance")

    page, document = ask(), ask(Accept="application/json")

    assert [page.status, document.status] == [503, 503]
    assert page.headers["Retry-After"] == document.headers["Retry-After"] == "600"
    assert page.headers["Content-Type"].startswith("text/html")
    assert document.json()["code"] == "wp_die"


def test_a_host_may_answer_200_with_a_page_of_its_own(ask: Ask, shop: Running) -> None:
    shop.fault("html_page")

    heard = ask()

    assert heard.status == 200
    assert heard.body.startswith(b"<!DOCTYPE html>")


def test_a_redirect_names_another_host_and_keeps_the_path(ask: Ask, shop: Running) -> None:
    shop.fault("redirect")

    heard = ask(path=f"{ORDERS}?page=2")

    assert heard.status == 301
    assert heard.headers["Location"] == f"https://www.moved.example{ORDERS}?page=2"


def test_a_connection_dropped_before_the_work_has_changed_nothing(ask: Ask, shop: Running) -> None:
    before = len(shop.store.orders)
    shop.fault("dropped", count=1)

    with pytest.raises(http.client.RemoteDisconnected):
        ask("POST", body={"status": "pending"})

    assert len(shop.store.orders) == before
    assert ask().status == 200


def test_a_slow_answer_is_slow_and_right(ask: Ask, shop: Running) -> None:
    shop.fault("slow", seconds=0.2)

    began = time.monotonic()
    heard = ask()

    assert heard.status == 200
    assert time.monotonic() - began >= 0.2


def test_who_waits_is_let_go_when_the_fault_ends_or_the_store_stops(shop: Running) -> None:
    """Two waits of an hour: the test would not end otherwise."""
    endings: list[Callable[[], None]] = [shop.shop.faults.clear, shop.shop.let_go]
    for end in endings:
        shop.fault("slow", seconds=3600)
        line = http.client.HTTPConnection(shop.url.removeprefix("http://"), timeout=20)
        line.request("GET", "/")
        assert within(5, lambda: shop.shop.faults.document()[0]["struck"] == 1)

        end()

        assert line.getresponse().status == 200
        line.close()


def test_a_revoked_key_is_answered_as_the_core_answers_a_stranger(ask: Ask, shop: Running) -> None:
    shop.fault("key_revoked", count=1)

    heard = ask()

    assert (heard.status, heard.json()["code"]) == (401, "woocommerce_rest_cannot_view")
    assert ask().status == 200


def test_a_read_only_key_reads_and_does_not_write(ask: Ask, shop: Running) -> None:
    shop.fault("key_read_only")
    order_id = shop.place()[0]

    refused = ask("PUT", f"{ORDERS}/{order_id}", {"status": "completed"})

    assert (refused.status, refused.json()["code"]) == (
        401,
        "woocommerce_rest_authentication_error",
    )
    assert ask().status == 200
    found = shop.store.orders.get(order_id)
    assert found is not None
    assert found.status == "processing"


# --- after the work -------------------------------------------------------------------------------


def test_a_write_may_be_done_though_its_answer_never_comes(ask: Ask, shop: Running) -> None:
    order_id = shop.place()[0]
    shop.fault("timeout_after_write", seconds=0)

    with pytest.raises(http.client.RemoteDisconnected):
        ask("PUT", f"{ORDERS}/{order_id}", {"status": "completed"})

    found = shop.store.orders.get(order_id)
    assert found is not None
    assert found.status == "completed"
    assert ask().status == 200  # reading is not concerned


def test_a_truncated_answer_breaks_amid_the_json(ask: Ask, shop: Running) -> None:
    whole = ask().body
    shop.fault("truncated")

    with pytest.raises(http.client.IncompleteRead) as caught:
        ask()

    assert caught.value.partial == whole[: len(whole) // 2]


def test_a_php_notice_stands_before_the_json(ask: Ask, shop: Running) -> None:
    whole = ask().body
    shop.fault("php_notice")

    heard = ask()

    assert heard.headers["Content-Type"].startswith("application/json")
    assert heard.body.endswith(whole)
    with pytest.raises(json.JSONDecodeError):
        heard.json()


def test_unknown_fields_come_beside_the_known(ask: Ask, shop: Running) -> None:
    known = ask().json()
    shop.fault("unknown_fields")

    drifted = ask().json()

    assert all("x_channel" in order for order in drifted)
    for order in drifted:
        del order["x_channel"]
        for line in order["line_items"]:
            del line["x_bundle_of"]
    assert drifted == known


def test_known_fields_come_with_another_type(ask: Ask, shop: Running) -> None:
    shop.fault("changed_types")

    assert {type(order["total"]) for order in ask().json()} == {float}
    counted = [row["stock_quantity"] for row in ask(path=PRODUCTS).json()]
    assert any(isinstance(value, str) and value.endswith(" pcs") for value in counted)


def test_an_order_edited_between_two_pages_is_missed_by_who_counts_pages(
    ask: Ask, shop: Running
) -> None:
    """The trap the fault is for: a list by change moves under the reader's page numbers."""
    shop.fault("edited_during_paging", count=1)
    by_change = f"{ORDERS}?orderby=modified&order=asc&per_page=20"

    pages = [ask(path=f"{by_change}&page={number}").json() for number in (1, 2, 3)]
    seen = {order["id"] for page in pages for order in page}

    assert len(pages[0]) == 20
    assert len(shop.store.orders) == 60
    assert len(seen) == 59
    assert pages[0][0]["id"] == pages[2][-1]["id"]
    assert pages[2][-1]["customer_note"] == "Edited while a list was read"


def test_products_are_edited_during_paging_too(ask: Ask, shop: Running) -> None:
    shop.fault("edited_during_paging", count=1)

    first = ask(path=f"{PRODUCTS}?orderby=id&order=asc&per_page=1").json()[0]

    again = ask(path=f"{PRODUCTS}/{first['id']}").json()
    assert again["stock_quantity"] == first["stock_quantity"] + 1


def test_a_fault_may_be_for_one_route_also_where_permalinks_are_plain(make_shop: Make) -> None:
    plain = make_shop(serves_plain_http_as_tls=True, permalinks="plain")
    plain.fault("rate_limited", route="^/wc/v3/products$")

    heard = [
        plain.ask("GET", f"/index.php?rest_route=/wc/v3/{name}", None, _BASIC).status
        for name in ("products", "orders")
    ]

    assert heard == [429, 200]


def test_the_log_says_which_faults_struck_and_shows_no_key(ask: Ask, shop: Running) -> None:
    shop.fault("rate_limited", count=1)
    ask(path=f"{ORDERS}?consumer_key={KEY}&consumer_secret={SECRET}&page=1")
    ask(path=f"{ORDERS}?oauth_signature=abc&page=2")

    first, second = shop.shop.requests
    assert (first.status, first.faults) == (429, ["rate_limited"])
    assert first.query == "consumer_key=…&consumer_secret=…&page=1"
    assert second.query == "oauth_signature=…&page=2"

"""The control page and its API: who may use them, and what each button does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from integrations.sandbox.shopify.orders import acts as order_acts
from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.play.faults import KINDS
from tests.integrations.sandbox.receiver import Receiver, within
from tests.integrations.sandbox.shopify.fixtures import Make, Running

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def shop(make_shop: Make) -> Running:
    return make_shop()


def refused(shop: Running, method: str, path: str, body: Any = None) -> str:
    heard = shop.ask(method, f"/_sandbox/api/{path}", {} if body is None else body)
    assert heard.status == 400, heard.body
    error: str = heard.json()["error"]
    return error


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["shop.example", "127.0.0.1.evil.example", "[::"])
def test_only_a_loopback_name_is_answered(shop: Running, host: str) -> None:
    heard = shop.ask("GET", "/_sandbox/", headers={"Host": host})

    assert heard.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        JSON | {"Origin": "https://evil.example"},
        JSON | {"Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "text/plain"},
    ],
)
def test_a_change_comes_from_here_as_json_or_not_at_all(
    shop: Running, headers: dict[str, str]
) -> None:
    before = len(shop.store.orders.ids())

    heard = shop.ask("POST", "/_sandbox/api/orders", {}, headers)

    assert heard.status == 403
    assert len(shop.store.orders.ids()) == before


def test_a_store_can_be_served_without_a_control_page(make_shop: Make) -> None:
    assert make_shop(has_control=False).ask("GET", "/_sandbox/").status == 404


def test_what_is_not_there_says_so(shop: Running) -> None:
    assert shop.ask("GET", "/_sandbox").status == 308
    assert shop.ask("GET", "/_sandbox/api/nope").status == 404
    assert shop.ask("DELETE", "/_sandbox/api/orders", {}).status == 405
    assert "unknown field" in refused(shop, "POST", "orders", {"nope": 1})


# --- the page -------------------------------------------------------------------------------------


def test_the_page_shows_the_store_and_needs_nothing_from_elsewhere(shop: Running) -> None:
    shop.graphql("{ shop { name } }")
    heard = shop.ask("GET", "/_sandbox/")

    page = heard.body.decode()
    assert heard.status == 200
    assert "default-src 'none'" in heard.headers["Content-Security-Policy"]
    assert "<h1>Musterladen</h1>" in page
    for told in (shop.token, "shpss_sandbox", "musterladen.myshopify.com", "graphql.json"):
        assert told in page
    for kind in KINDS:
        assert f"<code>{kind}</code>" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)


def test_what_others_wrote_cannot_break_out_of_the_page(shop: Running) -> None:
    product = next(iter(shop.store.catalogue.products.values()))
    product.title = "<script>alert(1)</script>"

    assert "<script>alert" not in shop.ask("GET", "/_sandbox/").body.decode()


def test_the_state_tells_what_can_be_done(shop: Running) -> None:
    state = shop.control("GET", "state")

    assert state["store"]["url"] == shop.url
    assert state["kinds"].keys() == KINDS.keys()
    assert state["order_kinds"] == list(placing.ORDER_KINDS)
    assert state["verbs"]["orders"] == list(order_acts.VERBS)
    assert state["verbs"]["app"] == ["install", "revoke", "uninstall"]
    assert state["counts"] == {"orders": 40, "products": 20}
    assert state["app"]["is_installed"]
    assert len(state["orders"]) == 20


# --- orders ---------------------------------------------------------------------------------------


def test_orders_are_placed_and_told(shop: Running) -> None:
    with Receiver() as receiver:
        shop.subscribe("ORDERS_CREATE", receiver.url)

        made = shop.control("POST", "orders", {"count": 3})["ids"]
        assert shop.settle()

        assert len(receiver.came) == 3
    assert made == shop.store.orders.ids()[-3:]
    assert "There is no" in refused(shop, "POST", "orders", {"kind": "nope"})


def test_an_order_of_named_skus_is_placed(shop: Running) -> None:
    sku = shop.counted_sku()
    shop.set_stock(sku, 50)
    before = shop.stock_of(sku)

    (made,) = shop.control("POST", "orders", {"lines": [[sku, 2]]})["ids"]

    order = shop.store.orders.get(made)
    assert order is not None
    assert [(line.sku, line.quantity) for line in order.lines] == [(sku, 2)]
    assert shop.stock_of(sku) == before - 2
    refused(shop, "POST", "orders", {"lines": [["NOPE", 1]]})


def test_many_orders_are_edited_within_one_second(shop: Running) -> None:
    touched = shop.control("POST", "orders/touch", {"count": 10})["ids"]

    moments = {shop.store.orders.existing(number).updated_at for number in touched}
    assert len(touched) == 10
    assert len(moments) == 1
    assert shop.control("POST", "orders/touch", {"ids": touched[:2]})["ids"] == touched[:2]
    assert "count lies between" in refused(shop, "POST", "orders/touch", {"count": 0})


def test_a_verb_that_is_none_is_refused_in_words(shop: Running) -> None:
    number = shop.store.orders.ids()[-1]

    assert "fly" in refused(shop, "POST", f"orders/{number}/fly")
    assert refused(shop, "POST", "orders/1/cancel")


# --- everything else ------------------------------------------------------------------------------


def test_stock_is_set(shop: Running) -> None:
    sku = shop.counted_sku()
    place = shop.store.catalogue.active_locations()[0].id

    told = shop.control("POST", "stock", {"sku": sku, "quantity": 11, "location_id": place})

    assert told == {"location_id": place, "quantity": 11}
    assert shop.stock_of(sku, place) == 11
    assert "no variant" in refused(shop, "POST", "stock", {"sku": "NOPE", "quantity": 1})
    assert "not stocked there" in refused(
        shop, "POST", "stock", {"sku": sku, "quantity": 1, "location_id": 1}
    )


def test_products_and_locations_change(shop: Running) -> None:
    with Receiver() as receiver:
        for topic in (
            "PRODUCTS_UPDATE",
            "PRODUCTS_DELETE",
            "LOCATIONS_DEACTIVATE",
            "LOCATIONS_ACTIVATE",
        ):
            shop.subscribe(topic, receiver.url)
        product = next(iter(shop.store.catalogue.products))

        shop.control("POST", f"products/{product}/touch")
        shop.control("POST", f"products/{product}/delete")
        shop.control("POST", "locations/61000002/deactivate")
        shop.control("POST", "locations/61000002/activate")
        assert shop.settle()

        assert [came.headers["X-Shopify-Topic"] for came in receiver.came] == [
            "products/update",
            "products/delete",
            "locations/deactivate",
            "locations/activate",
        ]
    assert "no product" in refused(shop, "POST", f"products/{product}/touch")
    assert "no location" in refused(shop, "POST", "locations/1/activate")
    for number in (61_000_002, 61_000_003):
        shop.control("POST", f"locations/{number}/deactivate")
    assert "one location" in refused(shop, "POST", "locations/61000001/deactivate")


def test_the_app_is_thrown_out_and_let_in_again(shop: Running) -> None:
    shop.control("POST", "app/revoke")
    assert shop.graphql("{ shop { id } }").status == 401

    shop.control("POST", "app/uninstall")
    assert not shop.control("GET", "state")["app"]["is_installed"]
    shop.control("POST", "app/install")

    assert shop.graphql("{ shop { id } }").status == 200
    assert "There is no" in refused(shop, "POST", "app/fly")


def test_scopes_are_narrowed_now_or_at_the_next_consent(shop: Running) -> None:
    assert shop.control("PUT", "scopes", {"scopes": ["read_orders", "write_orders"]}) == {
        "granted": ["write_orders"]
    }
    assert "errors" in shop.graphql("{ products(first: 1) { nodes { id } } }").json()

    shop.control("PUT", "scopes", {"scopes": ["read_products"], "later": True})
    assert shop.store.access.fewer == ("read_products",)
    shop.control("PUT", "scopes", {"later": True})
    assert shop.store.access.fewer is None
    assert len(shop.control("PUT", "scopes", {})["granted"]) > 5


def test_the_clock_moves_on_and_never_back(shop: Running) -> None:
    before = shop.control("POST", "clock", {"seconds": 0})["now"]

    assert shop.control("POST", "clock", {"seconds": 86_400})["now"] >= before + 86_400
    assert "seconds lie between" in refused(shop, "POST", "clock", {"seconds": -1})


def test_compliance_webhooks_go_to_the_configured_address(make_shop: Make) -> None:
    with Receiver() as receiver:
        shop = make_shop(compliance_uri=receiver.url)
        body = {"shop_id": 1, "customer": {"id": 2}}

        shop.control("POST", "compliance", {"topic": "customers/redact", "body": body})
        assert shop.settle()

        (came,) = receiver.came
    assert came.headers["X-Shopify-Topic"] == "customers/redact"


def test_faults_are_turned_on_and_off(shop: Running) -> None:
    (on,) = shop.control("PUT", "faults", {"kind": "server_error", "status": 503, "count": 2})
    assert (on["kind"], on["status"], on["count"]) == ("server_error", 503, 2)
    assert shop.graphql("{ shop { id } }").status == 503

    assert shop.control("DELETE", "faults/server_error") == []
    shop.control("PUT", "faults", {"kind": "slow", "seconds": 1})
    assert shop.control("DELETE", "faults") == []
    assert shop.control("GET", "faults") == []
    assert "There is no fault" in refused(shop, "PUT", "faults", {"kind": "nope"})


def test_the_pace_of_life_is_set(shop: Running) -> None:
    before = len(shop.store.orders.ids())

    assert shop.control("PUT", "traffic", {"per_minute": 6000}) == {"per_minute": 6000}

    assert within(20, lambda: len(shop.store.orders.ids()) > before)
    shop.control("PUT", "traffic", {"per_minute": 0})
    assert "per_minute lies between" in refused(shop, "PUT", "traffic", {"per_minute": -1})


def test_requests_are_logged_without_their_secrets(shop: Running) -> None:
    shop.graphql("{ shop { id } products(first: 1) { nodes { id } } }")
    shop.ask("GET", "/_bulk/x.jsonl?signature=secret")
    shop.fault("dropped", count=1)
    with pytest.raises(ConnectionError):
        shop.graphql("{ shop { id } }")

    dropped, file, asked = shop.control("GET", "requests")

    assert (dropped["status"], dropped["faults"]) == (0, ["dropped"])
    assert file["query"] == "signature=…"
    assert (asked["asked"], asked["status"]) == ("shop products", 200)

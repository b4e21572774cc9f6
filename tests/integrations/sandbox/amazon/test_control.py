"""The control page and its API: who may use them, and what each button does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.orders import acts as order_acts
from integrations.sandbox.amazon.orders import placing
from integrations.sandbox.amazon.play import acts
from integrations.sandbox.amazon.play.faults import KINDS
from tests.integrations.sandbox.amazon.fixtures import Make, Running

JSON = {"Content-Type": "application/json"}
ORDERS = "/orders/2026-01-01/orders"


@pytest.fixture
def account(make_account: Make) -> Running:
    return make_account()


def refused(account: Running, method: str, path: str, body: Any = None) -> str:
    heard = account.ask(method, f"/_sandbox/api/{path}", {} if body is None else body)
    assert heard.status == 400, heard.body
    error: str = heard.json()["error"]
    return error


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["shop.example", "127.0.0.1.evil.example", "[::"])
def test_only_a_loopback_name_is_answered(account: Running, host: str) -> None:
    assert account.ask("GET", "/_sandbox/", headers={"Host": host}).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        JSON | {"Origin": "https://evil.example"},
        JSON | {"Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "text/plain"},
    ],
)
def test_a_change_comes_from_here_as_json_or_not_at_all(
    account: Running, headers: dict[str, str]
) -> None:
    before = len(account.store.state.orders)

    assert account.ask("POST", "/_sandbox/api/orders", {}, headers).status == 403
    assert len(account.store.state.orders) == before


def test_an_account_can_be_served_without_a_control_page(make_account: Make) -> None:
    assert make_account(has_control=False).ask("GET", "/_sandbox/").status == 403


def test_what_is_not_there_says_so(account: Running) -> None:
    assert account.ask("GET", "/_sandbox").status == 308
    assert account.ask("GET", "/_sandbox/api/nope").status == 404
    assert account.ask("DELETE", "/_sandbox/api/orders", {}).status == 405
    assert "unknown field" in refused(account, "POST", "orders", {"nope": 1})


# --- the page -------------------------------------------------------------------------------------


def test_the_page_shows_the_account_and_needs_nothing_from_elsewhere(account: Running) -> None:
    account.call("GET", ORDERS, lastUpdatedAfter="2026-01-01T00:00:00Z")
    account.fault("slow", rate=0.5, count=3)
    heard = account.ask("GET", "/_sandbox/")

    page = heard.body.decode()
    assert heard.status == 200
    assert "default-src 'none'" in heard.headers["content-security-policy"]
    assert not re.search(r"(?:src|href)=", page)
    for shown in (account.store.options.seller_id, "searchOrders", "50%, 3 more times", "pending"):
        assert shown in page
    for kind in KINDS:
        assert f"<code>{kind}</code>" in page


def test_what_people_wrote_is_no_html(make_account: Make) -> None:
    account = make_account(title="<script>alert(1)</script>")

    assert "<script>alert" not in account.ask("GET", "/_sandbox/").body.decode()


# --- what can be done -----------------------------------------------------------------------------


def test_the_state_tells_what_there_is_and_what_can_be_done(account: Running) -> None:
    state = account.control("GET", "state")

    assert state["counts"] == {"orders": 40, "listings": len(account.store.state.listings)}
    assert state["store"]["url"] == account.url
    assert state["store"]["refresh_token"] == account.store.options.refresh_token
    assert state["verbs"] == {
        "orders": list(order_acts.VERBS),
        "listings": list(acts.LISTING_VERBS),
        "app": list(acts.APP_VERBS),
    }
    assert state["order_kinds"] == list(placing.ORDER_KINDS)
    assert state["kinds"].keys() == KINDS.keys()


def test_buyers_order_and_the_parties_act(account: Running) -> None:
    (name,) = account.control("POST", "orders", {"kind": "pending"})["ids"]
    for verb, status in (
        ("pay", "UNSHIPPED"),
        ("ask_cancel", "UNSHIPPED"),
        ("edit", "UNSHIPPED"),
        ("ship", "SHIPPED"),
        ("deliver", "SHIPPED"),
        ("touch", "SHIPPED"),
    ):
        assert account.control("POST", f"orders/{name}/{verb}") == {"id": name, "done": verb}
        assert account.store.state.orders[name].status == status, verb
    assert account.store.state.orders[name].packages[0].status == "DELIVERED"
    assert "cannot be cancelled" in refused(account, "POST", f"orders/{name}/cancel")
    assert "no order" in refused(account, "POST", "orders/302-1-1/ship")
    assert "no “burn”" in refused(account, "POST", f"orders/{name}/burn")


def test_an_order_is_offered_what_suits_it(account: Running) -> None:
    names = {kind: account.place(kind)[0] for kind in ("plain", "pending", "fba")}
    shown = {row["id"]: row for row in account.control("GET", "state")["orders"]}

    verbs = {kind: shown[name]["verbs"] for kind, name in names.items()}
    assert verbs["pending"] == ["pay", "cancel", "touch"]
    assert verbs["fba"] == ["edit", "ask_cancel", "cancel", "ship", "fail", "touch"]
    assert "ship_one" in verbs["plain"]
    assert not {"pay", "deliver", "fail"} & set(verbs["plain"])
    for kind, name in names.items():
        for verb in set(order_acts.VERBS) - set(verbs[kind]):
            assert refused(account, "POST", f"orders/{name}/{verb}"), (kind, verb)


def test_one_unit_is_shipped_and_amazon_fails(account: Running) -> None:
    (own,) = account.control("POST", "orders", {"kind": "several"})["ids"]
    (fba,) = account.control("POST", "orders", {"kind": "fba"})["ids"]

    account.control("POST", f"orders/{own}/ship_one")
    account.control("POST", f"orders/{fba}/fail")

    assert account.store.state.orders[own].status == "PARTIALLY_SHIPPED"
    assert account.store.state.orders[fba].status == "UNFULFILLABLE"
    assert "package by package" in refused(
        account, "POST", f"orders/{account.place('fba')[0]}/ship_one"
    )


def test_an_order_of_chosen_things(account: Running) -> None:
    sku = account.counted_sku()
    before = account.stock_of(sku)

    (name,) = account.control("POST", "orders", {"lines": [[sku, 2]], "status": "PENDING"})["ids"]

    order = account.store.state.orders[name]
    assert [(item.sku, item.quantity) for item in order.items] == [(sku, 2)]
    assert order.status == "PENDING"
    assert account.stock_of(sku) == before - 2


def test_many_change_in_one_second(account: Running) -> None:
    names = account.control("POST", "orders/touch", {"count": 30})["ids"]

    moments = {account.store.state.orders[name].updated for name in names}
    assert (len(names), len(moments)) == (30, 1)
    assert account.control("POST", "orders/touch", {"ids": names[:2]})["ids"] == names[:2]
    assert "count lies" in refused(account, "POST", "orders/touch", {})
    assert "no order" in refused(account, "POST", "orders/touch", {"ids": ["x"]})


def test_stock_is_counted_wherever_it_is(account: Running) -> None:
    own, fba = account.counted_sku(), account.amazons_sku()
    for sku in (own, fba):
        told = account.control("POST", "stock", {"sku": sku, "quantity": 12})
        assert told == {"sku": sku, "quantity": 12}
        assert account.stock_of(sku) == 12
    row = account.store.state.listings[own]
    assert {entry["quantity"] for entry in row.attributes["fulfillment_availability"]} == {12}
    assert "no listing" in refused(account, "POST", "stock", {"sku": "x", "quantity": 1})
    assert "at least 0" in refused(account, "POST", "stock", {"sku": own, "quantity": -1})
    parent = next(one.sku for one in account.store.state.listings.values() if one.children)
    assert "not counted" in refused(account, "POST", "stock", {"sku": parent, "quantity": 1})


def test_listings_change_hands_and_go(account: Running) -> None:
    sku = account.counted_sku()
    account.control("POST", f"listings/{sku}/to_amazon")
    told = account.control("GET", f"listings/{sku}")
    assert told["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "AMAZON_EU"}]
    assert "not kept by" in refused(account, "POST", f"listings/{sku}/to_amazon")

    odd = next(one for one in account.store.state.listings if "/" in one)
    encoded = odd.replace(" ", "%20").replace("/", "%2F").replace("ö", "%C3%B6")
    account.control("POST", f"listings/{encoded}/touch")
    account.control("POST", f"listings/{encoded}/delete")
    assert odd not in account.store.state.listings
    assert "no listing" in refused(account, "POST", "listings/x/touch")


def test_the_app_is_taken_back_and_given_again(account: Running) -> None:
    account.control("POST", "app/revoke")
    state = account.control("GET", "state")
    assert state["app"]["is_authorised"] is False
    assert state["store"]["refresh_token"] == ""

    account.control("POST", "app/authorise")
    assert account.control("GET", "state")["app"]["is_authorised"] is True
    account.control("POST", "app/expire_secret")
    assert account.control("GET", "state")["app"]["is_secret_over"] is True
    account.control("POST", "app/rotate_secret")
    secret = account.control("GET", "state")["store"]["client_secret"]
    assert secret != account.store.options.client_secret
    token = account.access_token()
    account.control("POST", "app/expire_tokens")
    heard = account.ask(
        "GET", "/sellers/v1/marketplaceParticipations", headers={"x-amz-access-token": token}
    )
    assert heard.json()["errors"][0]["details"].endswith("has expired.")
    assert "no “sell”" in refused(account, "POST", "app/sell")


def test_roles_are_taken_and_given(account: Running) -> None:
    role = "Inventory and Order Tracking"
    assert account.control("PUT", "roles", {"roles": [role]}) == {"roles": [role]}
    assert account.store.state.login.roles == (role,)
    assert len(account.control("PUT", "roles", {})["roles"]) == 7
    assert "no role" in refused(account, "PUT", "roles", {"roles": ["King"]})


def test_the_clock_goes_on_and_never_back(account: Running) -> None:
    (name,) = account.control("POST", "orders", {"kind": "pending"})["ids"]
    before = account.store.clock.now()

    now = account.control("POST", "clock", {"seconds": 1_800})["now"]

    assert 1_800 <= now - before < 1_830
    assert account.store.state.orders[name].status == "UNSHIPPED"
    assert "seconds lie" in refused(account, "POST", "clock", {"seconds": -1})


def test_calls_are_counted_and_buckets_filled(account: Running) -> None:
    since = iso(account.store.clock.now() - 1_000)
    for _ in range(21):
        account.call("GET", ORDERS, lastUpdatedAfter=since)
    assert account.calls("searchOrders") == (21, 1)
    assert account.control("GET", "calls")["searchOrders"]["throttled"] == 1

    account.control("POST", "quotas")
    account.control("DELETE", "calls")

    assert account.call("GET", ORDERS, lastUpdatedAfter=since).status == 200
    assert account.control("GET", "calls")["searchOrders"]["calls"] == 1


def test_trouble_and_traffic_are_switched(account: Running) -> None:
    account.control("PUT", "faults", {"kind": "slow", "rate": 0.2, "route": "searchOrders"})
    (row,) = account.control("GET", "faults")
    assert (row["kind"], row["rate"], row["route"]) == ("slow", 0.2, "searchOrders")
    assert account.control("DELETE", "faults/slow") == []
    account.control("PUT", "faults", {"kind": "dropped"})
    assert account.control("DELETE", "faults") == []
    assert "There is no fault" in refused(account, "PUT", "faults", {"kind": "x"})

    assert account.control("PUT", "traffic", {"per_minute": 5}) == {"per_minute": 5}
    assert account.shop.traffic.per_minute == 5
    assert "per_minute lies" in refused(account, "PUT", "traffic", {"per_minute": -1})


def test_requests_are_logged_without_secrets(account: Running) -> None:
    account.call("GET", ORDERS, lastUpdatedAfter="2026-01-01T00:00:00Z")
    account.ask("GET", "/apps/authorize/consent?state=secret&application_id=x")

    last, before, *_ = account.control("GET", "requests")

    assert last["path"] == "/apps/authorize/consent"
    assert "secret" not in last["query"]
    assert (before["asked"], before["status"]) == ("searchOrders", 200)

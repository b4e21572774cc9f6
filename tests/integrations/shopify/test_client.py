"""What the store's answers amount to: errors by who must act, and points."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.base import Filters
from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    MerchantMustAct,
    Misconfigured,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Unavailable,
)
from integrations.shopify.operations import operation
from integrations.shopify.pacing import MOST_POINTS, Cost, Ledger, wait_s
from integrations.shopify.refusals import TooCostly
from tests.integrations.kit.server import answer
from tests.integrations.shopify.make import order
from tests.integrations.shopify.shop import (
    LOST,
    TOKEN,
    Shop,
    Time,
    adapter_for,
    data,
    error,
    errors,
    nodes,
    throttled,
)


def ask(shop: Shop, *replies: bytes, **about: Any) -> Any:
    """A query, answered so."""
    shop.on("JobDone", *replies)
    return adapter_for(shop, **about).client.ask("job", {"id": "gid://shopify/Job/1"})


def change(shop: Shop, *replies: bytes, **about: Any) -> Any:
    """A mutation that must not be sent twice."""
    shop.on("CancelOrder", *replies)
    return adapter_for(shop, **about).client.ask("cancel_order", {"id": "x", "reason": "OTHER"})


def test_a_call_carries_the_token_and_asks_for_the_version_of_the_card(shop: Shop) -> None:
    reply = ask(shop, data(job={"done": True}))

    (call,) = shop.calls
    assert call.headers["X-Shopify-Access-Token"] == TOKEN
    assert bytes(reply.data["job"]) == b'{"done": true}'
    assert reply.store_time is not None


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (answer(401, {"errors": "[API] Invalid API key"}), AuthenticationFailed, None),
        (answer(402, {"errors": "Unavailable Shop"}), MerchantMustAct, "payment_required"),
        (answer(403, {"errors": "[API] Access denied"}), PermissionMissing, None),
        (answer(404, {"errors": "Not Found"}), Misconfigured, "not_a_store"),
        (answer(423, {"errors": "Locked"}), Unavailable, "locked"),
        (answer(430, {"errors": "Security rejection"}), Unavailable, "blocked"),
        (answer(503, b"busy"), Unavailable, "maintenance"),
        (answer(200, b"<html>", content_type="text/html"), Unavailable, "html_answer"),
        (answer(200, b"{"), ContractBroken, "not_json"),
        (answer(200, {"data": None}), ContractBroken, None),
        (answer(200, {"data": {}}), ContractBroken, None),
        (answer(200, {"errors": "Something"}), ContractBroken, None),
        (
            answer(403, {"errors": "[API] This action requires approval for read_orders scope."}),
            PermissionMissing,
            "scope_missing",
        ),
        (errors(error("INTERNAL_SERVER_ERROR")), Unavailable, "internal_error"),
        (errors(error("undefinedField", "no x")), ContractBroken, None),
        (LOST, Unavailable, "reset"),
    ],
)
def test_trouble_has_its_name(
    shop: Shop, reply: bytes, kind: type[PlatformError], code: str | None
) -> None:
    with pytest.raises(kind) as caught:
        ask(shop, reply, retries=0).at("job", dict[str, bool])

    assert type(caught.value) is kind
    assert caught.value.code == (code or kind.code)
    assert str(caught.value).endswith(".")
    assert TOKEN not in f"{caught.value!r}"


@pytest.mark.parametrize("reply", [LOST, errors(error("INTERNAL_SERVER_ERROR"))])
def test_a_write_whose_answer_is_lost_may_have_happened(shop: Shop, reply: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        change(shop, reply)

    assert len(shop.calls) == 1


def test_a_missing_scope_is_named(shop: Shop) -> None:
    told = error(
        "ACCESS_DENIED",
        "Access denied for orders field.",
        "orders",
        requiredAccess="`read_orders` access scope.",
    )
    with pytest.raises(PermissionMissing, match="read_orders") as caught:
        ask(shop, errors(told, data={"orders": None}))

    assert caught.value.scopes == ("read_orders",)


def test_a_missing_scope_that_is_not_named_is_told_by_the_field(shop: Shop) -> None:
    told = error("ACCESS_DENIED", "Access denied for orderCancel field.", "orderCancel")

    with pytest.raises(PermissionMissing) as caught:
        change(shop, errors(told, data={"orderCancel": None}))

    assert caught.value.scopes == ("write_orders",)


# -- Points ------------------------------------------------------------------------------------


def test_a_throttled_call_waits_as_long_as_its_points_take_to_come_back(shop: Shop) -> None:
    with pytest.raises(RateLimited) as caught:
        ask(shop, throttled(requested=752, available=110))

    assert caught.value.retry_after_s == pytest.approx(6.42)
    assert len(shop.calls) == 1


@pytest.mark.parametrize("name", ["JobDone", "CancelOrder"])
def test_what_was_throttled_for_a_moment_is_sent_again(shop: Shop, name: str) -> None:
    time = Time()
    sent = ask if name == "JobDone" else change

    sent(shop, throttled(requested=50, available=30), data(job={}, orderCancel={}), time=time)

    assert len(shop.calls) == 2
    assert time.slept == pytest.approx(0.2)


def test_a_store_that_goes_on_throttling_is_left_alone(shop: Shop) -> None:
    with pytest.raises(RateLimited) as caught:
        ask(shop, throttled(requested=50, available=30))

    assert caught.value.retry_after_s == pytest.approx(0.5)
    assert len(shop.calls) == 3


def test_answers_correct_what_the_limiter_believes(shop: Shop) -> None:
    shop.on("JobDone", data(job={}, available=40))
    adapter = adapter_for(shop)
    adapter.client.ask("job", {"id": "x"})

    limiter = adapter.connection.http.limiter
    assert limiter.take("s1:default", cost=40) == 0
    assert limiter.take("s1:default", cost=100) == pytest.approx(1.0)


def test_what_a_query_did_not_cost_is_given_back(shop: Shop) -> None:
    """The first of its kind is charged by the documented rule, which is far too much."""
    shop.on("Orders", data(requested=160, actual=60, available=1940, orders=nodes([order()])))
    adapter = adapter_for(shop)

    list(adapter.read_orders(Filters(number="#5001")))

    limiter = adapter.connection.http.limiter
    assert limiter.take("s1:default", cost=1940) == 0
    assert limiter.take("s1:default", cost=1) == pytest.approx(0.01, abs=1e-5)


def test_a_query_is_charged_what_it_was_found_to_request() -> None:
    ledger, orders = Ledger(), operation("orders")

    assert ledger.charge(orders, 3) == orders.cost(3)
    ledger.note(orders, 3, Cost(requested_query_cost=300, actual_query_cost=30))
    assert [ledger.charge(orders, count) for count in (1, 3, 6)] == [300, 300, 600]
    ledger.note(orders, 103, Cost(requested_query_cost=700, actual_query_cost=300))
    assert [ledger.charge(orders, count) for count in (1, 3, 53, 103)] == [300, 300, 500, 700]


def test_pages_are_as_large_as_one_query_may_ask_for() -> None:
    ledger, orders = Ledger(), operation("orders")

    first = ledger.fit(orders, 50)
    assert orders.cost(first) <= MOST_POINTS < orders.cost(first + 1)
    ledger.note(orders, first, Cost(requested_query_cost=10.0 * first, actual_query_cost=1.0))
    assert ledger.fit(orders, 50) == 50


def test_a_small_page_does_not_make_the_next_one_small() -> None:
    """Its nodes cost more: what is in a page is charged by far less than its size."""
    ledger, orders = Ledger(), operation("orders")
    ledger.note(orders, 120, Cost(requested_query_cost=840, actual_query_cost=360))

    ledger.note(orders, 1, Cost(requested_query_cost=85, actual_query_cost=60))

    assert ledger.fit(orders, 150) == 128
    assert ledger.charge(orders, 1) == 85
    ledger.note(orders, 110, Cost(requested_query_cost=660, actual_query_cost=220))
    assert ledger.fit(orders, 150) == 149


def test_what_was_found_to_be_the_cost_is_kept_for_the_next_use() -> None:
    ledger, orders = Ledger(), operation("orders")
    assert ledger.news() == {}
    ledger.note(orders, 10, Cost(requested_query_cost=100, actual_query_cost=40))

    kept = ledger.news()
    later = Ledger(kept)

    assert kept == {"orders": [10, 100, 10, 100]}
    assert later.fit(orders, 50) == later.fit(operation("orders_by_id"), 50) == 50
    assert later.charge(orders, 10) == later.charge(operation("orders_by_id"), 10) == 100
    later.note(orders, 10, Cost(requested_query_cost=110, actual_query_cost=2))
    assert later.news() == {}
    later.note(orders, 10, Cost(requested_query_cost=300, actual_query_cost=40))
    assert later.news() == {"orders": [10, 300, 10, 300]}


@pytest.mark.parametrize(
    "kept",
    [
        None,
        [],
        "x",
        {"orders": 3},
        {"orders": [10.0, 4.0, 3.0]},
        {"orders": [1, 0, 3, -1]},
        {"orders": ["a", 1, 1, 1]},
    ],
)
def test_what_was_kept_wrongly_is_not_believed(kept: Any) -> None:
    orders = operation("orders")

    assert Ledger(kept).charge(orders, 3) == orders.cost(3)


def test_an_adapter_tells_what_it_learned(shop: Shop) -> None:
    shop.on("Orders", data(requested=30, actual=9, orders=nodes([order()])))
    adapter = adapter_for(shop)
    assert adapter.learned == {}

    list(adapter.read_orders(Filters(number="#5001")))

    assert adapter.learned == {"costs": {"orders": [3, 30, 3, 30]}, "rate": 100}
    shop.on("Orders", data(requested=500, actual=150, orders=nodes([order()])))
    later = adapter_for(shop, options=adapter.learned)
    list(later.read_orders(Filters(number="#5001")))
    assert shop.calls[-1].variables["first"] == 50
    assert later.learned == {"costs": {"orders": [3, 30, 50, 500]}, "rate": 100}


def test_a_query_that_is_too_costly_is_asked_for_less(shop: Shop) -> None:
    too_much = errors(error("MAX_COST_EXCEEDED", "Query cost is 1200", cost=1200, maxCost=1000))
    shop.on("Orders", too_much, data(orders=nodes([order()])))
    client = adapter_for(shop).client
    variables = {"query": "", "sortKey": "ID", "customers": True, "keys": [], "withKeys": False}

    _, size = client.page("orders", variables, 50)

    asked = [call.variables["first"] for call in shop.calls]
    assert asked[1] == size < asked[0]


def test_a_single_node_that_is_too_costly_is_said_to_be(shop: Shop) -> None:
    shop.on("Orders", errors(error("MAX_COST_EXCEEDED")))

    with pytest.raises(TooCostly):
        adapter_for(shop).client.page("orders", {}, 50)

    assert [call.variables["first"] for call in shop.calls] == [3, 1]


def test_without_a_status_a_throttled_call_waits_a_moment() -> None:
    assert wait_s(None, 100) == 0.5

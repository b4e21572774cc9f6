"""``PlatformSession`` on a real socket: what is sent, what statuses and redirects mean."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    MerchantMustAct,
    Misconfigured,
    NotFound,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Rejected,
    Unavailable,
)
from integrations.kit.auth import BasicAuth, HeaderAuth, QueryAuth
from integrations.kit.breaker import MemoryBreaker, State
from integrations.kit.http import Answer, PlatformSession, route_of
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from tests.integrations.kit.conftest import Desk
from tests.integrations.kit.server import ScriptedStore, answer

Store = Callable[..., ScriptedStore]
Desks = Callable[..., Desk]


# -- a plain call


def test_an_answer_is_read_completely_and_carries_the_stores_clock(
    store: Store, desk: Desks
) -> None:
    shop = store(answer(200, {"id": 7}, Date="Tue, 24 Nov 2026 10:00:00 GMT", X_WP_Total="3"))

    got = desk(shop).session.get("orders/7")

    assert (got.status, got.json(), got.url) == (200, {"id": 7}, f"{shop.url}/orders/7")
    assert got.date == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert got.headers["x-wp-total"] == "3"
    assert "body" not in repr(got)


def test_a_path_is_joined_to_a_base_address_in_a_sub_directory(store: Store, desk: Desks) -> None:
    shop = store(answer())
    session = desk(f"{shop.url}/shop/").session

    session.get("/wp-json/wc/v3/orders", params={"status": ["a", "b"], "force": True, "x": None})
    session.get(f"{shop.url}/elsewhere?page=2", params={"q": "é &"})

    assert [request.target for request in shop.requests] == [
        "/shop/wp-json/wc/v3/orders?status=a&status=b&force=true",
        "/elsewhere?page=2&q=%C3%A9+%26",
    ]


@pytest.mark.parametrize(
    "path", ["https://evil.example/x", "http://localhost:1/x", "http://localhost/x"]
)
def test_another_origin_is_never_called(store: Store, desk: Desks, path: str) -> None:
    shop = store(answer())

    with pytest.raises(Misconfigured):
        desk(shop).session.get(path)

    assert shop.requests == []


@pytest.mark.parametrize("path", ["orders/../../users", "orders/%2e%2e/users", "orders/."])
def test_an_id_cannot_climb_out_of_its_path(store: Store, desk: Desks, path: str) -> None:
    with pytest.raises(Rejected):
        desk(store(answer())).session.get(path)


def test_json_is_sent_as_json_and_a_form_as_a_form(store: Store, desk: Desks) -> None:
    shop = store(answer())
    session = desk(shop).session

    session.post("a", json={"name": "Žluťoučký"})
    session.put("b", data={"x": "1 2"})

    first, second = shop.requests
    assert first.headers["Content-Type"] == "application/json"
    assert first.body == '{"name":"Žluťoučký"}'.encode()
    assert second.body == b"x=1+2"


def test_the_request_id_of_the_caller_travels(store: Store, desk: Desks) -> None:
    shop = store(answer())
    made = desk(shop)

    with structlog.contextvars.bound_contextvars(request_id="req-1"):
        got = made.session.get("a")
    made.session.get("a")

    assert shop.requests[0].headers["X-Request-ID"] == got.request_id == "req-1"
    assert len(shop.requests[1].headers["X-Request-ID"]) == 32
    assert [record.request_id for record in made.records] == [
        request.headers["X-Request-ID"] for request in shop.requests
    ]


def test_environment_proxies_cookies_and_other_encodings_play_no_part(
    store: Store, desk: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    shop = store(answer(Set_Cookie="session=1; Path=/"))
    session = desk(shop).session

    session.get("a")
    session.get("a")

    assert [request.headers.get("Cookie") for request in shop.requests] == [None, None]
    assert shop.requests[0].headers["Accept-Encoding"] == "gzip"
    assert shop.requests[0].headers["User-Agent"].startswith("Logix")


def test_connections_are_kept_and_closed(store: Store, desk: Desks) -> None:
    shop = store(answer())
    session = desk(shop).session

    for _ in range(5):
        session.get("a")
    assert shop.connections == 1

    session.close()
    session.get("a")
    assert shop.connections == 2


# -- what a status means


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, Rejected, "rejected"),
        (401, AuthenticationFailed, "authentication_failed"),
        (402, MerchantMustAct, "payment_required"),
        (403, PermissionMissing, "permission_missing"),
        (404, NotFound, "not_found"),
        (405, Misconfigured, "method_refused"),
        (409, Rejected, "conflict"),
        (410, NotFound, "gone"),
        (418, Rejected, "rejected"),
        (422, Rejected, "rejected"),
        (423, Unavailable, "locked"),
        (429, RateLimited, "rate_limited"),
        (500, Unavailable, "server_error"),
        (503, Unavailable, "maintenance"),
        (522, Unavailable, "server_error"),
    ],
)
def test_each_status_is_an_error_of_its_kind(
    store: Store, desk: Desks, status: int, kind: type[PlatformError], code: str
) -> None:
    shop = store(answer(status))
    made = desk(shop, retries=0)

    with pytest.raises(PlatformError) as caught:
        made.session.get("orders/12?secret=1")

    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.status) == (code, status)
    assert "localhost" in caught.value.message
    assert [(r.status, r.error, r.route) for r in made.records] == [(status, code, "/orders/{id}")]


@pytest.mark.parametrize(
    ("status", "kind", "code"), [(403, Unavailable, "firewall"), (404, NotFound, "html_answer")]
)
def test_a_web_page_is_the_firewalls_answer_not_the_apis(
    store: Store, desk: Desks, status: int, kind: type[PlatformError], code: str
) -> None:
    shop = store(answer(status, b"<html>no</html>", content_type="text/html"))

    with pytest.raises(kind) as caught:
        desk(shop, retries=0).session.get("a")

    assert caught.value.code == code


def test_the_platforms_own_words_are_explained(store: Store, desk: Desks) -> None:
    def explain(got: Answer) -> tuple[str, str] | tuple[str, str, type[PlatformError]]:
        body = got.json()
        if body["code"] == "cannot_view":
            return body["code"], body["message"], PermissionMissing
        return body["code"], body["message"]

    shop = store(
        answer(400, {"code": "bad_sku", "message": "SKU is taken."}),
        answer(401, {"code": "cannot_view", "message": "Sorry."}),
    )
    session = desk(shop, explain=explain).session

    with pytest.raises(Rejected, match="It said: SKU is taken") as caught:
        session.post("a")
    assert caught.value.code == "bad_sku"
    with pytest.raises(PermissionMissing):
        session.get("a")


def test_the_platforms_words_are_cut_and_cleared_of_secrets(store: Store, desk: Desks) -> None:
    shop = store(answer(400, {"message": "Wrong key cs_0123456789abcdef " + "x" * 900}))

    with pytest.raises(Rejected) as caught:
        desk(shop, explain=lambda got: ("bad", got.json()["message"])).session.get("a")

    assert "cs_0123" not in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"null", b"\xff"])
def test_an_error_body_nobody_can_explain_keeps_the_words_of_the_status(
    store: Store, desk: Desks, body: bytes
) -> None:
    def explain(got: Answer) -> tuple[str, str]:
        return "x", got.json()["error"]["message"]

    with pytest.raises(Rejected, match="refused the request") as caught:
        desk(store(answer(422, body)), explain=explain).session.get("a")

    assert caught.value.code == "rejected"


def test_only_the_statuses_asked_for_are_answers(store: Store, desk: Desks) -> None:
    session = desk(store(answer(202), answer(404))).session

    with pytest.raises(ContractBroken):
        session.get("a", ok=(200,))
    assert session.get("a", ok=(200, 404)).status == 404


# -- redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_named_and_nothing_is_sent_there(
    store: Store, desk: Desks, status: int
) -> None:
    there = store(answer())
    here = store(answer(status, b"", Location=f"http://user:pw@127.0.0.1:{there.port}/new?key=1"))

    with pytest.raises(
        Misconfigured, match=f"redirects to http://127.0.0.1:{there.port};"
    ) as caught:
        desk(here).session.post("a", json={"secret": 1}, auth=HeaderAuth("X-Auth-Token", "t0ken"))

    assert caught.value.code == "redirected"
    assert there.requests == []
    assert len(here.requests) == 1


def test_a_redirects_endless_body_is_not_read(store: Store, desk: Desks) -> None:
    head = b"HTTP/1.1 302 F\r\nLocation: https://other.example/\r\n\r\n"

    def pour(_request: Any, sock: Any) -> None:
        sock.sendall(head)
        while True:
            sock.sendall(b"x" * 65536)

    started = time.monotonic()
    with pytest.raises(Misconfigured, match=r"redirects to https://other\.example"):
        desk(store(pour)).session.get("a")

    assert time.monotonic() - started < 5


def test_a_redirect_to_nonsense_is_still_a_redirect(store: Store, desk: Desks) -> None:
    with pytest.raises(Misconfigured, match="redirects to an address that is not valid"):
        desk(store(answer(302, b"", Location="http://[::1/"))).session.get("a")


def test_a_redirect_within_the_store_says_where(store: Store, desk: Desks) -> None:
    with pytest.raises(Misconfigured, match="to /de/shop"):
        desk(store(answer(301, b"", Location="/de/shop"))).session.get("a")


# -- breaker, log, threads


def test_a_store_that_keeps_failing_is_left_alone(store: Store, desk: Desks) -> None:
    breaker = MemoryBreaker()
    shop = store(answer(500))
    made = desk(shop, breaker=breaker, retries=0)
    for _ in range(5):
        with pytest.raises(Unavailable):
            made.session.get("a")

    with pytest.raises(Unavailable) as caught:
        made.session.get("a")

    assert caught.value.code == "breaker_open"
    assert caught.value.retry_after_s is not None
    assert len(shop.requests) == 5
    assert breaker.state.state is State.OPEN
    assert made.records[-1].attempts == 0


def test_refusals_do_not_open_the_breaker(store: Store, desk: Desks) -> None:
    breaker = MemoryBreaker()
    made = desk(store(answer(404)), breaker=breaker)
    for _ in range(10):
        with pytest.raises(NotFound):
            made.session.get("a")

    assert breaker.state.state is State.CLOSED


def test_no_secret_reaches_record_error_or_repr(store: Store, desk: Desks) -> None:
    shop = store(answer(401, {"message": "no"}))
    made = desk(shop, auth=QueryAuth(consumer_key="ck_1234567890", consumer_secret="cs_0987654321"))

    with pytest.raises(AuthenticationFailed) as caught:
        made.session.get("orders", params={"email": "buyer@example.com"})

    told = repr((caught.value, made.records, made.session, made.session.auth))
    assert "consumer_key=ck_1234567890" in shop.requests[0].target
    for secret in ("ck_1234567890", "cs_0987654321", "buyer@example.com"):
        assert secret not in told


def test_a_failing_log_does_not_cost_the_answer(store: Store, desk: Desks) -> None:
    def fail(_record: Any) -> None:
        raise RuntimeError("disk full")

    assert desk(store(answer()), observe=fail).session.get("a").status == 200


def test_at_most_four_calls_are_under_way(store: Store, desk: Desks) -> None:
    busy = [0, 0]
    lock = threading.Lock()

    def slow(_request: Any, sock: Any) -> None:
        with lock:
            busy[0] += 1
            busy[1] = max(busy)
        time.sleep(0.1)
        with lock:
            busy[0] -= 1
        sock.sendall(answer())

    session = desk(store(slow)).session
    threads = [threading.Thread(target=session.get, args=("a",)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert busy[1] == 4


def test_a_call_that_finds_no_room_says_so(store: Store, desk: Desks) -> None:
    release = threading.Event()

    def slow(_request: Any, sock: Any) -> None:
        release.wait(5)
        sock.sendall(answer())

    shop = store(slow)
    session = desk(shop, per_host=1).session
    first = threading.Thread(target=session.get, args=("a",))
    first.start()
    while not shop.requests:
        time.sleep(0.001)
    with pytest.raises(Unavailable) as caught:
        session.get("b", total_s=0.05)
    release.set()
    first.join()

    assert caught.value.code == "busy"


def test_a_request_that_cannot_be_put_together_is_the_developers(store: Store, desk: Desks) -> None:
    shop = store(answer())

    with pytest.raises(ContractBroken) as caught:
        desk(shop).session.get("a", headers={"X-Note": "a\r\nX-Evil: 1"})

    assert caught.value.code == "bad_request"
    assert shop.requests == []


def test_auth_can_be_replaced_or_left_out_for_one_call(store: Store, desk: Desks) -> None:
    shop = store(answer())
    session = desk(shop, auth=BasicAuth("k", "s")).session

    session.get("a")
    session.get("a", auth=None)
    session.get("a", auth=HeaderAuth("X-Token", "t"))

    assert [request.headers.get("Authorization") for request in shop.requests] == [
        "Basic azpz",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("url", "route"),
    [
        (
            "https://s.example/wp-json/wc/v3/orders/12345/notes?x=1",
            "/wp-json/wc/v3/orders/{id}/notes",
        ),
        ("https://s.example/orders/v0/902-1845936-5435065", "/orders/v0/{id}"),
        ("https://s.example/v2/locations/L88917AVBK2S5", "/v2/locations/{id}"),
        ("https://s.example/admin/api/2026-10/graphql.json", "/admin/api/2026-10/graphql.json"),
        ("https://s.example/" + "z" * 300, "/" + "z" * 159),
    ],
)
def test_a_route_has_no_ids(url: str, route: str) -> None:
    assert route_of(url) == route


def test_a_plain_http_store_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(Misconfigured) as caught:
        PlatformSession(
            "http://shop.example",
            limiter=MemoryLimiter({}),
            breaker=MemoryBreaker(),
            guard=AddressGuard(allow_loopback_http=True),
        )

    assert caught.value.code == "https_required"

"""Who may call: Basic over TLS, keys in the query, OAuth 1.0a, and what a key may do."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from oauthlib.oauth1 import (
    SIGNATURE_HMAC_SHA1,
    SIGNATURE_HMAC_SHA256,
    SIGNATURE_TYPE_AUTH_HEADER,
    SIGNATURE_TYPE_QUERY,
)
from oauthlib.oauth1 import Client as Signer

from tests.integrations.sandbox.client import NOW, Client, basic, make_client

HOME = "http://127.0.0.1:8099/"
KEYS = {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"}
READS = ("GET", "orders", None)
WRITES = ("PUT", "products/0", {})


def message(client: Client, method: str, path: str, body: Any = None, **kw: Any) -> tuple[int, str]:
    answer = client.call(method, path, body, **kw)
    return answer.status, answer.document["message"] if answer.status >= 400 else ""


# -- over TLS ----------------------------------------------------------------------------------


def test_basic_over_tls_opens_the_store(shop: Client) -> None:
    assert shop.call("GET", "orders").status == 200


def test_keys_in_the_query_open_it_and_are_looked_at_first(shop: Client) -> None:
    wrong = basic(secret="cs_wrong")

    assert shop.call("GET", "orders", headers=wrong, **KEYS).status == 200


def test_a_wrong_secret_is_told_with_a_challenge(shop: Client) -> None:
    answer = shop.call("GET", "orders", headers=basic(secret="cs_wrong"))

    assert answer.status == 401
    assert answer.document["message"] == "Consumer secret is invalid."
    assert str(answer.header("WWW-Authenticate")).startswith("Basic realm=")


def test_a_key_nobody_knows_is_a_stranger_and_hears_what_strangers_hear(shop: Client) -> None:
    unknown = basic("ck_unknown", "cs_x")

    assert shop.call("GET", "orders", headers=unknown).document == {
        "code": "woocommerce_rest_cannot_view",
        "message": "Sorry, you cannot list resources.",
        "data": {"status": 401},
    }


def test_a_host_that_strips_the_header_leaves_only_the_query(shop: Client) -> None:
    stripped = make_client(orders=1, strips_authorization=True)

    assert stripped.call("GET", "orders").status == 401
    assert stripped.call("GET", "orders", headers={}, **KEYS).status == 200


@pytest.mark.parametrize(
    "headers", [{"authorization": "Basic ???"}, {"authorization": "Bearer x"}, {}]
)
def test_no_key_or_a_mangled_one_sees_nothing(shop: Client, headers: dict[str, str]) -> None:
    assert shop.call("GET", "orders", headers=headers).status == 401


def test_a_stranger_gets_no_document_from_any_route(shop: Client) -> None:
    order = shop.get("orders", status="completed", per_page=1)[0]["id"]
    parent = shop.get("products", type="variable", per_page=1)[0]
    child = parent["variations"][0]
    note = shop.post(f"orders/{order}/notes", {"note": "x"})["id"]
    paths = [
        "orders", f"orders/{order}", f"orders/{order}/notes", f"orders/{order}/notes/{note}",
        f"orders/{order}/refunds", "refunds", "products", f"products/{parent['id']}", "variations",
        f"products/{parent['id']}/variations", f"products/{parent['id']}/variations/{child}",
        "webhooks", "webhooks/1", "system_status", "settings/general", "data",
        "data/currencies/current",
    ]  # fmt: skip
    writes = [
        ("POST", "orders", {}), ("PUT", f"orders/{order}", {"status": "cancelled"}),
        ("DELETE", f"orders/{order}", None), ("POST", "orders/batch", {"delete": [order]}),
        ("POST", f"orders/{order}/notes", {"note": "x"}),
        ("POST", f"orders/{order}/refunds", {"amount": "1"}),
        ("PUT", f"products/{parent['id']}", {"name": "x"}),
        ("DELETE", f"products/{parent['id']}", None),
        ("POST", "webhooks", {"topic": "order.created", "delivery_url": "https://a.example"}),
    ]  # fmt: skip
    before = shop.store.snapshot()

    answers = [shop.call("GET", path, headers={}) for path in paths]
    answers += [shop.call(method, path, body, headers={}) for method, path, body in writes]

    assert {answer.status for answer in answers} == {401}
    assert shop.store.snapshot() == before


def test_the_core_looks_for_the_object_before_it_asks_for_permission(shop: Client) -> None:
    assert shop.call("GET", "orders/999999", headers={}).status == 404
    assert shop.call("PUT", "products/0", {}, headers=basic("ck_unknown", "x")).status == 400


def test_indexes_and_order_statuses_are_open_to_everybody(shop: Client) -> None:
    for path in ("", "/wp-json/", "orders/statuses"):
        assert shop.call("GET", path, headers={}, is_tls=False).status == 200


@pytest.mark.parametrize(
    ("permissions", "read", "write"),
    [
        ("read", "", "The API key provided does not have write permissions."),
        ("write", "The API key provided does not have read permissions.", "Invalid ID."),
        ("read_write", "", "Invalid ID."),
    ],
)
def test_a_key_may_do_what_it_was_given_for(permissions: str, read: str, write: str) -> None:
    client = make_client(orders=1, permissions=permissions)

    assert message(client, *READS)[1] == read
    assert message(client, *WRITES)[1] == write


# -- OAuth 1.0a --------------------------------------------------------------------------------


@pytest.fixture
def plain() -> Client:
    """A store that is reached by plain http."""
    return make_client(orders=5, home_url=HOME)


def signed(
    client: Client,
    path: str,
    method: str = "GET",
    *,
    query: str = "",
    sign: str = SIGNATURE_HMAC_SHA1,
    place: str = SIGNATURE_TYPE_QUERY,
    key: str = "ck_sandbox",
    secret: str = "cs_sandbox",  # noqa: S107 - the invented store's
    timestamp: int = NOW,
    nonce: str = "n1",
) -> Any:
    """oauthlib signs, the simulator verifies."""
    signer = Signer(
        key,
        client_secret=secret,
        signature_method=sign,
        signature_type=place,
        timestamp=str(timestamp),
        nonce=nonce,
    )
    address = f"{HOME.rstrip('/')}/wp-json/wc/v3/{path}" + (f"?{query}" if query else "")
    url, headers, _ = signer.sign(address, http_method=method)
    return client.call(
        method,
        urlsplit(url).path,
        None if method == "GET" else {},
        headers={name.lower(): value for name, value in headers.items()},
        is_tls=False,
        raw_query=urlsplit(url).query,
    )


@pytest.mark.parametrize("sign", [SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256])
@pytest.mark.parametrize("place", [SIGNATURE_TYPE_QUERY, SIGNATURE_TYPE_AUTH_HEADER])
def test_a_signature_of_another_implementation_is_accepted(
    plain: Client, sign: str, place: str
) -> None:
    assert signed(plain, "orders", sign=sign, place=place).status == 200


@pytest.mark.parametrize(
    "query",
    [
        "per_page=2&search=Gr%C3%BCner%20Becher",
        "modified_after=2026-11-01T00%3A00%3A00&dates_are_gmt=true",
        "status%5B0%5D=processing&status%5B1%5D=on-hold",
        "search=a%2Bb~c%26d",
        "search=",
    ],
)
def test_query_parameters_are_part_of_what_is_signed(plain: Client, query: str) -> None:
    assert signed(plain, "orders", query=query).status == 200


def test_a_changed_query_breaks_the_signature(plain: Client) -> None:
    signer = Signer("ck_sandbox", client_secret="cs_sandbox", signature_type=SIGNATURE_TYPE_QUERY,
                    timestamp=str(NOW), nonce="n")  # fmt: skip
    url, _, _ = signer.sign(f"{HOME}wp-json/wc/v3/orders?per_page=1")
    query = dict(parse_qsl(urlsplit(url).query)) | {"per_page": "100"}

    answer = plain.call("GET", "orders", headers={}, is_tls=False, raw_query=urlencode(query))

    assert answer.document["message"] == ("Invalid signature - provided signature does not match.")


def test_writes_are_signed_by_method(plain: Client) -> None:
    assert signed(plain, "products/0", "PUT").document["message"] == "Invalid ID."


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"key": "ck_unknown"}, "Consumer key is invalid."),
        ({"secret": "cs_wrong"}, "Invalid signature - provided signature does not match."),
        ({"timestamp": NOW - 901}, "Invalid timestamp."),
        ({"timestamp": NOW + 901}, "Invalid timestamp."),
        ({"timestamp": NOW - 900}, ""),
    ],
)
def test_a_claim_that_does_not_hold_is_named(
    plain: Client, changes: dict[str, Any], told: str
) -> None:
    answer = signed(plain, "orders", **changes)

    assert (answer.document["message"] if answer.status == 401 else "") == told


def test_a_nonce_works_once_and_again_after_the_window(plain: Client) -> None:
    assert signed(plain, "orders").status == 200
    assert signed(plain, "orders").document["message"] == (
        "Invalid nonce - nonce has already been used."
    )

    plain.clock.moment += 901

    assert signed(plain, "orders", timestamp=NOW + 901).status == 200


def test_a_missing_parameter_is_named(plain: Client) -> None:
    answer = plain.call(
        "GET", "orders", headers={}, is_tls=False, oauth_consumer_key="ck_sandbox", oauth_nonce="x"
    )

    assert answer.document == {
        "code": "woocommerce_rest_authentication_missing_parameter",
        "message": "Missing OAuth parameters oauth_timestamp, oauth_signature, "
        "oauth_signature_method",
        "data": {"status": 401},
    }


def test_basic_and_query_keys_mean_nothing_without_tls(plain: Client) -> None:
    assert plain.call("GET", "orders", is_tls=False).status == 401
    assert plain.call("GET", "orders", headers={}, is_tls=False, **KEYS).status == 401


def test_a_store_may_be_told_that_plain_http_is_tls() -> None:
    client = make_client(orders=1, serves_plain_http_as_tls=True)

    assert client.call("GET", "orders", is_tls=False).status == 200


# -- one-click connection ----------------------------------------------------------------------

ASKED = {
    "app_name": "Logix",
    "scope": "read_write",
    "user_id": "conn-8f3c0d2b",
    "return_url": "https://hub.example/return",
    "callback_url": "https://hub.example/keys",
}


def test_the_consent_page_names_the_application_and_makes_no_key(shop: Client) -> None:
    asked = ASKED | {"app_name": "<b>Logix</b>"}

    answer = shop.call("GET", "/wc-auth/v1/authorize", headers={}, **asked)

    page = answer.content().decode()
    assert answer.status == 200
    assert "&lt;b&gt;Logix&lt;/b&gt; would like to connect" in page
    assert "<b>Logix" not in page
    assert len(shop.store.keys) == 1


def test_consent_posts_working_keys_and_sends_the_browser_back(shop: Client) -> None:
    answer = shop.call("POST", "/wc-auth/v1/authorize", headers={}, **ASKED)

    (sent,) = shop.sent
    keys = json.loads(sent.body)
    assert sent.url == ASKED["callback_url"]
    assert sent.headers["Content-Type"].startswith("application/json")
    assert list(keys) == [
        "key_id", "user_id", "consumer_key", "consumer_secret", "key_permissions",
    ]  # fmt: skip
    assert keys["user_id"] == ASKED["user_id"]
    assert answer.status == 302
    assert answer.header("Location") == "https://hub.example/return?success=1&user_id=conn-8f3c0d2b"
    new = basic(keys["consumer_key"], keys["consumer_secret"])
    assert shop.call("GET", "orders", headers=new).status == 200


@pytest.mark.parametrize("status", [0, 201, 302, 500])
def test_a_callback_that_does_not_say_200_leaves_no_key(shop: Client, status: int) -> None:
    shop.status = status

    answer = shop.call("POST", "/wc-auth/v1/authorize", headers={}, **ASKED)

    assert answer.status == 401
    assert len(shop.store.keys) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"app_name": ""}, "Missing parameter app_name"),
        ({"scope": "everything"}, "Invalid scope everything"),
        ({"callback_url": "http://hub.example/keys"}, "The callback_url needs to be over SSL"),
        ({"callback_url": "https://"}, "The https:// is not a valid URL"),
    ],
)
def test_a_bad_request_for_consent_is_refused(
    shop: Client, changes: dict[str, str], told: str
) -> None:
    answer = shop.call("GET", "/wc-auth/v1/authorize", headers={}, **(ASKED | changes))

    assert answer.status == 401
    assert told in answer.content().decode()

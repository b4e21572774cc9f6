"""How a site takes its keys, and that nobody else reads them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from integrations.errors import (
    AuthenticationFailed,
    PermissionMissing,
    PlatformError,
)
from tests.integrations.kit.conftest import Authority
from tests.integrations.woocommerce.conftest import Sites
from tests.integrations.woocommerce.site import (
    KEY,
    SECRET,
    Call,
    Site,
    adapter_for,
    refused,
)

ORDERS = "wc/v3/orders"
REFUSED = "woocommerce_rest_authentication_error"
UNSEEN = refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")


def way_of(call: Call) -> str:
    if "oauth_signature" in call.query:
        return "oauth1"
    if "consumer_key" in call.query:
        return "query"
    return "basic" if "Authorization" in call.headers else "none"


def takes(*ways: str) -> Callable[[Call], bytes | None]:
    return lambda call: None if way_of(call) in ways else UNSEEN


@pytest.fixture
def https(sites: Sites, authority: Authority) -> Callable[..., Site]:
    def make(*ways: str) -> Site:
        site = sites(tls=authority.server("localhost"))
        site.on("GET", ORDERS, [])
        site.on("PUT", "wc/v3/orders/7", {})
        site.gate = takes(*ways)
        return site

    return make


def over(site: Site, authority: Authority, **about: Any) -> Any:
    return adapter_for(site, ca_bundle=str(authority.bundle), **about)


@pytest.mark.parametrize(
    ("accepted", "tried"),
    [("basic", ["basic"]), ("query", ["basic", "query"]), ("oauth1", ["basic", "query", "oauth1"])],
)
def test_keys_are_shown_in_the_ways_the_core_knows_until_one_is_taken(
    https: Callable[..., Site], authority: Authority, accepted: str, tried: list[str]
) -> None:
    site = https(accepted)
    adapter = over(site, authority)

    assert adapter.authenticate() is True
    assert adapter.authenticate() is True

    assert [way_of(call) for call in site.calls] == [*tried, accepted]
    assert adapter.learned == ({} if accepted == "basic" else {"auth": accepted})


def test_what_was_learned_is_tried_first_the_next_time(
    https: Callable[..., Site], authority: Authority
) -> None:
    site = https("query")

    over(site, authority, options={"auth": "query"}).authenticate()
    over(site, authority, options={"auth": "telepathy"}).authenticate()

    assert [way_of(call) for call in site.calls] == ["query", "basic", "query"]


def test_a_host_that_has_mended_its_headers_is_found_again(
    https: Callable[..., Site], authority: Authority
) -> None:
    site = https("basic")
    adapter = over(site, authority, options={"auth": "oauth1"})

    adapter.authenticate()

    assert adapter.learned == {"auth": "basic"}


def test_over_plain_http_the_secret_itself_is_never_sent(site: Site) -> None:
    site.on("GET", ORDERS, [])

    adapter_for(site, options={"auth": "basic"}).authenticate()

    (call,) = site.calls
    assert way_of(call) == "oauth1"
    assert SECRET not in str(call)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_signature_is_made_for_the_address_as_the_site_sees_it(
    sites: Sites, authority: Authority, scheme: str
) -> None:
    """A site that takes itself for http checks against http, whatever stands in front of it."""
    site = sites(tls=authority.server("localhost")) if scheme == "https" else sites()
    site.gate = takes("oauth1")
    site.on("GET", ORDERS, [])

    adapter_for(site, ca_bundle=str(authority.bundle)).authenticate()

    call = site.calls[-1]
    told_by_us = dict(call.query)
    signature = told_by_us.pop("oauth_signature")
    address = f"http://localhost:{site.server.port}/wp-json/{ORDERS}"
    pairs = "&".join(f"{quote(k, '')}={quote(v, '')}" for k, v in sorted(told_by_us.items()))
    text = f"GET&{quote(address, '')}&{quote(pairs, '')}"
    made = hmac.new(f"{SECRET}&".encode(), text.encode(), hashlib.sha256).digest()
    assert signature == base64.b64encode(made).decode()


def test_a_key_that_is_surely_wrong_is_not_shown_in_other_ways(
    https: Callable[..., Site], authority: Authority
) -> None:
    site = https()
    site.gate = lambda _call: refused(401, REFUSED, "Consumer key is invalid.")

    with pytest.raises(AuthenticationFailed) as caught:
        over(site, authority).authenticate()

    assert len(site.calls) == 1
    assert "Consumer key is invalid" in str(caught.value)
    assert "REST API" in str(caught.value)


def test_the_surest_of_several_refusals_is_the_one_that_is_told(
    https: Callable[..., Site], authority: Authority
) -> None:
    site = https()
    wrong = refused(401, REFUSED, "Consumer secret is invalid.")
    site.gate = lambda call: wrong if way_of(call) == "query" else UNSEEN

    with pytest.raises(AuthenticationFailed, match="secret is invalid"):
        over(site, authority).authenticate()


def test_a_refusal_that_is_not_about_seeing_the_key_is_final(
    https: Callable[..., Site], authority: Authority
) -> None:
    site = https()
    site.gate = lambda _call: refused(401, "two_factor_needed", "Log in first.")

    with pytest.raises(AuthenticationFailed):
        over(site, authority).authenticate()
    assert len(site.calls) == 1


@pytest.mark.parametrize(
    "message", ["The API key provided does not have write permissions.", "Schreiben verboten."]
)
def test_a_key_that_may_only_read_is_named_as_one_in_any_language(
    https: Callable[..., Site], authority: Authority, message: str
) -> None:
    site = https()
    site.gate = lambda call: refused(401, REFUSED, message) if call.method != "GET" else None

    with pytest.raises(PermissionMissing) as caught:
        over(site, authority).client.update_order("7", {})

    assert "Read/Write" in str(caught.value)


def test_a_write_refused_by_a_store_that_refuses_all_is_a_refused_key(site: Site) -> None:
    site.gate = lambda _call: UNSEEN

    with pytest.raises(AuthenticationFailed):
        adapter_for(site).client.update_order("7", {})


def test_no_secret_stands_in_an_error_or_a_repr(
    https: Callable[..., Site], authority: Authority
) -> None:
    site = https()
    site.gate = lambda call: refused(401, REFUSED, f"Nope: {call.query} {KEY} {SECRET}")
    adapter = over(site, authority)

    with pytest.raises(PlatformError) as caught:
        adapter.authenticate()

    shown = (
        f"{caught.value!r} {caught.value} {adapter.connection!r} {adapter.client.access.__dict__}"
    )
    assert SECRET not in shown
    assert KEY not in shown

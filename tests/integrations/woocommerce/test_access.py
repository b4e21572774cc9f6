"""Where a site has its API, and what it says when it does not answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.errors import (
    AuthenticationFailed,
    MerchantMustAct,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    Unavailable,
)
from tests.integrations.kit.server import answer
from tests.integrations.woocommerce.conftest import Sites
from tests.integrations.woocommerce.make import order
from tests.integrations.woocommerce.site import (
    NO_ROUTE,
    Site,
    adapter_for,
    page,
    refused,
    told,
)

ORDERS = "wc/v3/orders"
REFUSED = "woocommerce_rest_authentication_error"
UNSEEN = refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")


# -- where the API is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "announced"),
    [("wp-json", ""), ("api", "/api/"), ("index.php/wp-json", "/index.php/wp-json/"), ("", "")],
)
def test_the_api_is_found_where_the_site_has_it(sites: Sites, prefix: str, announced: str) -> None:
    site = sites(prefix=prefix)
    site.on("GET", ORDERS, [])
    if announced:
        site.front = page().replace(
            b"\r\n", f'\r\nLink: <{site.url}{announced}>; rel="https://api.w.org/"\r\n'.encode(), 1
        )
    adapter = adapter_for(site)

    found = adapter.client.access.discover()

    assert found["name"] == "Mugs"
    assert adapter.authenticate() is True
    base = prefix or "?rest_route="
    assert adapter.learned == ({} if prefix == "wp-json" else {"rest_base": base})
    site.calls.clear()
    assert adapter_for(site, options=adapter.learned).authenticate() is True
    assert len(site.calls) == 1


@pytest.mark.parametrize("prefix", ["api", ""])
@pytest.mark.parametrize("instead", [page(status=404), page(status=200)])
def test_an_api_that_moved_is_looked_for_once(sites: Sites, prefix: str, instead: bytes) -> None:
    site = sites(prefix=prefix, elsewhere=instead)
    site.on("GET", ORDERS, [])
    link = f'\r\nLink: <{site.url}/api/>; rel="https://api.w.org/"\r\n'.encode()
    site.front = page().replace(b"\r\n", link, 1) if prefix else page()
    adapter = adapter_for(site)

    assert adapter.authenticate() is True
    assert adapter.authenticate() is True

    assert [call.route for call in site.calls] == ["", ORDERS, ORDERS]
    assert adapter.learned == {"rest_base": prefix or "?rest_route="}


def test_a_site_in_a_sub_directory_is_spoken_to_there(sites: Sites) -> None:
    site = sites(prefix="shop/api")
    site.on("GET", ORDERS, [])
    link = f'\r\nLink: <{site.url}/shop/api/>; rel="https://api.w.org/"\r\n'.encode()
    site.front = site.elsewhere = page().replace(b"\r\n", link, 1)
    adapter = adapter_for(site, base_url=f"{site.url}/shop/")

    adapter.client.access.discover()

    assert adapter.authenticate() is True
    assert adapter.learned == {"rest_base": "api"}


@pytest.mark.parametrize(
    "link",
    [
        "https://other.example/wp-json/",
        "http://localhost/shopping/wp-json/",
        "http://localhost/shop/",
    ],
)
def test_an_address_that_is_not_of_this_site_is_not_followed(site: Site, link: str) -> None:
    site.prefix = "nowhere"
    said = f'\r\nLink: <{link}>; rel="https://api.w.org/"\r\n'.encode()
    site.front = site.elsewhere = page().replace(b"\r\n", said, 1)

    with pytest.raises(NotFound) as caught:
        adapter_for(site, base_url=f"{site.url}/shop").client.access.discover()

    assert caught.value.code == "not_a_store"


def test_a_front_page_that_names_the_query_form_is_believed(sites: Sites) -> None:
    site = sites(prefix="")
    said = f'\r\nLink: <{site.url}/?rest_route=/>; rel="https://api.w.org/"\r\n'.encode()
    site.front = page().replace(b"\r\n", said, 1)

    assert adapter_for(site).client.access.discover()["namespaces"]


def test_a_front_page_that_redirects_does_not_end_the_search(sites: Sites) -> None:
    site = sites(prefix="")
    site.front = answer(302, b"", Location=f"{site.url}/en/")

    assert adapter_for(site).client.access.discover()["namespaces"]


def test_a_site_without_woocommerce_is_said_to_be_one(site: Site) -> None:
    site.on("GET", "", {"name": "Blog", "namespaces": ["wp/v2"]})

    with pytest.raises(Misconfigured) as caught:
        adapter_for(site).client.access.discover()

    assert caught.value.code == "not_a_store"


@pytest.mark.parametrize("index", [{"name": "Mugs"}, [], {"namespaces": "wc/v3"}])
def test_something_else_at_the_place_of_the_api_is_no_store(site: Site, index: Any) -> None:
    site.on("GET", "", told(index))

    with pytest.raises(NotFound):
        adapter_for(site).client.access.discover()


def test_an_index_closed_to_strangers_does_not_close_the_store(site: Site) -> None:
    site.on("GET", "", refused(401, "rest_not_logged_in", "Log in."))

    assert adapter_for(site).client.access.discover() == {"namespaces": []}


def test_an_index_behind_a_php_warning_is_read(site: Site) -> None:
    body = b'<b>Notice</b>: x {"name": "Mugs", "namespaces": ["wc/v3"]}'
    site.on("GET", "", told(body))

    assert adapter_for(site).client.access.discover()["name"] == "Mugs"


def test_plain_permalinks_are_named_when_keys_are_not_seen_there(sites: Sites) -> None:
    site = sites(prefix="")
    site.gate = lambda _call: UNSEEN

    with pytest.raises(AuthenticationFailed, match="permalinks"):
        adapter_for(site, options={"rest_base": "?rest_route="}).authenticate()


def test_an_api_that_moved_back_is_found_at_the_usual_place(site: Site) -> None:
    site.on("GET", ORDERS, [])
    adapter = adapter_for(site, options={"rest_base": "api"})

    assert adapter.authenticate() is True
    assert adapter.learned == {"rest_base": "wp-json"}


def test_a_write_answered_by_a_page_may_have_happened_or_not(site: Site) -> None:
    site.on("PUT", "wc/v3/orders/7", page("Checking your browser"))
    site.on("POST", "wc/v3/products/batch", page("Checking your browser"))
    client = adapter_for(site).client

    with pytest.raises(OutcomeUnknown):
        client.update_order("7", {"status": "completed"})
    with pytest.raises(Unavailable) as caught:
        client.batch_products([{"id": 1, "stock_quantity": 2}])
    # Absolute figures do no harm when they are sent again.
    assert not isinstance(caught.value, OutcomeUnknown)


# -- nothing there is not "gone" ---------------------------------------------------------------


@pytest.mark.parametrize("instead", [NO_ROUTE, page(status=404)])
def test_a_plugin_that_is_switched_off_does_not_look_like_a_deleted_order(
    site: Site, instead: bytes
) -> None:
    site.on("GET", "wc/v3/orders/7", instead)

    with pytest.raises(Unavailable) as caught:
        adapter_for(site).read_order("7")

    assert caught.value.code == "rest_no_route"


def test_an_order_that_is_gone_is_not_found(site: Site) -> None:
    gone = refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
    site.on("GET", "wc/v3/orders/7", gone)

    with pytest.raises(NotFound):
        adapter_for(site).read_order("7")


def test_an_order_behind_a_php_warning_is_read(site: Site) -> None:
    body = b"\n<br />\n<b>Deprecated</b>: x in y\n" + json.dumps(order(7)).encode()
    site.on("GET", "wc/v3/orders/7", told(body))

    found = adapter_for(site).read_order("7")

    assert found.external_id == "7"
    assert json.loads(found.raw)["id"] == 7


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (refused(403, "woocommerce_rest_cannot_view", "No."), PermissionMissing, "Shop manager"),
        (refused(403, "rest_disabled", "Off."), Misconfigured, "allow wc/v3"),
        (refused(400, "rest_post_invalid_page_number", "Page."), Unavailable, "page numbers"),
        (refused(401, REFUSED, "Sorry &amp; <b>bye</b>"), AuthenticationFailed, "Sorry & bye"),
        (told({"message": ["?"]}, 404), NotFound, "does not know"),
        (told([1], 404), NotFound, "does not know"),
        (told(b"{", 404), NotFound, "does not know"),
        (refused(410, "woocommerce_rest_already_trashed", "Gone."), NotFound, "Gone."),
        (refused(400, "x", "y" * 500), PlatformError, "yyy…"),
        (
            answer(401, b"<html>", content_type="text/html", WWW_Authenticate="Basic"),
            MerchantMustAct,
            "password of its own",
        ),
        (page("There has been a critical error", 500), Unavailable, "Status → Logs"),
        (page("Briefly unavailable for scheduled maintenance.", 503), Unavailable, "updated"),
        (page("Teapot", 503), Unavailable, "maintenance"),
    ],
)
def test_a_refusal_is_told_in_words_for_who_can_act(
    site: Site, reply: bytes, error: type[PlatformError], words: str
) -> None:
    site.on("GET", "wc/v3/orders/7", reply)

    with pytest.raises(error) as caught:
        adapter_for(site, retries=0).read_order("7")

    assert words in str(caught.value)

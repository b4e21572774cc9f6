"""Who a store says it is: version, zone, currency, what its key may do and what it can."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.errors import AuthenticationFailed, Unavailable
from integrations.woocommerce.features import Features
from integrations.woocommerce.identity import timezone_of
from integrations.woocommerce.tracking import Level
from tests.integrations.woocommerce.site import NO_ROUTE, Site, adapter_for, refused, told

ORDERS = "wc/v3/orders"
FORBIDDEN = refused(403, "woocommerce_rest_cannot_view", "No.")


def route(*methods: str, **args: Any) -> dict[str, Any]:
    return {"endpoints": [{"methods": ["POST"], "args": []}, {"methods": methods, "args": args}]}


def routes(**more: Any) -> dict[str, Any]:
    listed = {
        "/wc/v3/orders": route("GET", modified_after={}, orderby={"enum": ["id", "modified"]}),
        "/wc/v3/variations": route("GET", parent={}),
        "/wc/v3/orders/statuses": route("GET"),
    }
    return {"routes": {**listed, **more}}


@pytest.fixture
def shop(site: Site) -> Site:
    site.on(
        "GET",
        "",
        {
            "name": "Mugs &amp; More",
            "timezone_string": "Europe/Stockholm",
            "gmt_offset": 1,
            "namespaces": ["wp/v2", "wc/v3", "wc-ast/v3"],
        },
    )
    site.on("GET", ORDERS, [])
    site.on("GET", "wc/v3", routes())
    site.on(
        "GET",
        "wc/v3/system_status",
        {
            "environment": {"version": "11.0.1"},
            "settings": {"currency": "SEK", "number_of_decimals": 0, "HPOS_enabled": True},
        },
    )
    site.on("GET", "wc/v3/settings/products", settings())
    site.on("GET", "wc/v3/orders/statuses", [{"slug": "processing"}, {"slug": "packed"}, "odd"])
    site.on("PUT", "wc/v3/products/0", refused(400, "woocommerce_rest_product_invalid_id"))
    return site


def settings(**changes: str) -> list[dict[str, str]]:
    kept = {
        "woocommerce_weight_unit": "lbs",
        "woocommerce_manage_stock": "yes",
        "woocommerce_hold_stock_minutes": "90",
        **changes,
    }
    return [{"id": name, "value": value} for name, value in kept.items()]


@pytest.mark.parametrize(
    "chosen",
    [
        {"woocommerce_manage_stock": "no"},
        {"woocommerce_hold_stock_minutes": ""},
        {"woocommerce_hold_stock_minutes": "-5"},
        {"woocommerce_hold_stock_minutes": "soon"},
    ],
)
def test_a_store_that_never_cancels_unpaid_orders_holds_their_units(
    shop: Site, chosen: dict[str, str]
) -> None:
    shop.on("GET", "wc/v3/settings/products", settings(**chosen))

    assert adapter_for(shop).identify().features["unpaid_hold_m"] == 0


def test_a_store_says_who_it_is(shop: Site) -> None:
    found = adapter_for(shop).identify()

    assert (found.name, found.currency, found.timezone) == (
        "Mugs & More",
        "SEK",
        "Europe/Stockholm",
    )
    assert (found.version, found.missing, found.granted) == ("11.0.1", (), ("read", "write"))
    assert found.clock_skew_s is not None
    assert found.warnings == ()
    assert found.features == {
        "modified_filter": True,
        "all_variations": True,
        "shipment_level": "ast",
        "weight_unit": "lbs",
        "hpos": True,
        "decimals": 0,
        "unpaid_hold_m": 90,
        "statuses": ["packed"],
    }


def test_what_was_found_is_what_the_adapter_works_with(shop: Site) -> None:
    kept = adapter_for(shop).identify().features

    assert adapter_for(shop, options=kept).features == Features(
        modified_filter=True, all_variations=True, shipment_level=Level.AST, weight_unit="lbs"
    )


def test_a_key_of_less_rank_tells_less_and_still_connects(shop: Site) -> None:
    for name in ("system_status", "settings/products", "orders/statuses"):
        shop.on("GET", f"wc/v3/{name}", FORBIDDEN)
    shop.on("GET", "wc/v3/data/currencies/current", {"code": "SEK"})

    found = adapter_for(shop).identify()

    assert (found.currency, found.version, found.features["weight_unit"]) == ("SEK", "", "kg")
    assert found.features["statuses"] == []


@pytest.mark.parametrize("nothing", [[], {"settings": [], "environment": []}, None])
def test_settings_that_php_wrote_as_an_empty_list_are_none(shop: Site, nothing: Any) -> None:
    shop.on("GET", "wc/v3/system_status", told(b"null") if nothing is None else told(nothing))
    shop.on("GET", "wc/v3/settings/products", told({"id": "woocommerce_weight_unit"}))
    shop.on("GET", "wc/v3/data/currencies/current", told([]))

    found = adapter_for(shop).identify()

    assert (found.currency, found.version) == ("", "")


def test_an_old_store_lacks_routes_and_is_warned_about(shop: Site) -> None:
    shop.on("GET", "wc/v3", {"routes": {"/wc/v3/orders": route("GET", after={})}})
    for name in ("orders/statuses", "settings/products"):
        shop.on("GET", f"wc/v3/{name}", NO_ROUTE)

    found = adapter_for(shop).identify()

    assert found.features["modified_filter"] is False
    assert found.features["all_variations"] is False
    assert any("5.8" in warning for warning in found.warnings)
    assert not shop.asked("wc/v3/orders/statuses")


def test_a_key_that_may_only_read_is_warned_about(shop: Site) -> None:
    message = "The API key provided does not have write permissions."
    shop.on(
        "PUT", "wc/v3/products/0", refused(401, "woocommerce_rest_authentication_error", message)
    )

    found = adapter_for(shop).identify()

    assert (found.missing, found.granted) == (("write",), ("read",))
    assert "only read" in found.warnings[0]


def test_a_store_that_fails_meanwhile_is_not_taken_for_a_poor_one(shop: Site) -> None:
    shop.on("GET", "wc/v3/system_status", refused(503, "busy"))
    with pytest.raises(Unavailable):
        adapter_for(shop).identify()

    shop.on("GET", "wc/v3/system_status", {})
    shop.on("PUT", "wc/v3/products/0", refused(500, "broken"))
    with pytest.raises(Unavailable):
        adapter_for(shop).identify()

    shop.on("GET", ORDERS, refused(401, "woocommerce_rest_authentication_error", "Unknown."))
    with pytest.raises(AuthenticationFailed):
        adapter_for(shop).identify()


@pytest.mark.parametrize("index", [[], {"routes": []}, {"routes": {"/wc/v3/orders": []}}])
def test_a_route_list_that_is_none_promises_nothing(shop: Site, index: Any) -> None:
    shop.on("GET", "wc/v3", told(index))

    assert adapter_for(shop).identify().features["modified_filter"] is False


@pytest.mark.parametrize(
    ("site", "zone"),
    [
        ({"timezone_string": "Asia/Kolkata", "gmt_offset": 5.5}, "Asia/Kolkata"),
        ({"timezone_string": "", "gmt_offset": "2"}, "Etc/GMT-2"),
        ({"timezone_string": None, "gmt_offset": -5}, "Etc/GMT+5"),
        ({"gmt_offset": 14.0}, "Etc/GMT-14"),
        ({"gmt_offset": 5.5}, "UTC"),
        ({"gmt_offset": 0}, "UTC"),
        ({"gmt_offset": "nan"}, "UTC"),
        ({"gmt_offset": 99}, "UTC"),
        ({"gmt_offset": []}, "UTC"),
        ({}, "UTC"),
    ],
)
def test_a_sites_zone_is_named_or_made_from_its_offset(site: dict[str, Any], zone: str) -> None:
    assert timezone_of(site) == zone


@pytest.mark.parametrize(
    ("given", "walks"),
    [
        (route("GET", modified_after={}), True),
        (route("GET", modified_after={}, orderby={"enum": ["id", "date"]}), False),
        (route("GET", modified_after={}, orderby={"enum": "any"}), True),
        (route("GET", modified_after={}, orderby=[]), True),
        (route("GET", orderby={"enum": ["modified"]}), False),
        ({"endpoints": {"0": {}}}, False),
        ({"endpoints": ["GET"]}, False),
        ({"endpoints": [{"methods": ["GET"], "args": []}]}, False),
        (None, False),
    ],
)
def test_a_walk_needs_the_filter_and_the_order(given: Any, walks: bool) -> None:
    assert Features.of_store({"/wc/v3/orders": given}, []).modified_filter is walks


def test_native_fulfilments_outrank_plugins() -> None:
    native = {"/wc/v3/orders/(?P<order_id>[\\d]+)/fulfillments": {}}

    assert Features.of_store(native, ["wc-ast/v3"]).shipment_level is Level.FULFILLMENTS
    assert Features.of_store({}, ["wc-shipment-tracking/v3"]).shipment_level is (
        Level.SHIPMENT_TRACKING
    )
    assert Features.from_options({"shipment_level": "pigeons"}).shipment_level is Level.NOTES


def test_the_recorded_route_list_is_understood(shared: Any) -> None:

    index = json.loads((shared / "contracts/woocommerce/real/index_wc_v3.json").read_bytes())

    found = Features.of_store(index["routes"], ["wc/v3"])

    assert (found.modified_filter, found.all_variations) == (True, True)
    assert found.shipment_level is Level.NOTES

"""Who a store says it is, what it granted, where it keeps stock; and what people paste as one."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import AuthenticationFailed, PermissionMissing
from integrations.platform import Ability
from integrations.shopify.platform import CARD
from integrations.shopify.service import ShopifyIntegration
from inventory.data import StoreLocationData
from tests.integrations.kit.server import answer
from tests.integrations.shopify.shop import DATE, Shop, adapter_for, data, nodes

GRANTED = tuple(s for s in CARD.wanted_scopes if not s.startswith("read_merchant"))


def told(*scopes: str) -> bytes:
    shop = {
        "id": "gid://shopify/Shop/1",
        "name": "Duarte",
        "myshopifyDomain": "duarte.myshopify.com",
        "currencyCode": "EUR",
        "ianaTimezone": "Europe/Lisbon",
        "plan": {"publicDisplayName": "Basic", "shopifyPlus": False},
    }
    installed = {"accessScopes": [{"handle": scope} for scope in scopes]}
    return data(shop=shop, currentAppInstallation=installed)


def place(number: int, name: str, **about: Any) -> dict[str, Any]:
    found = {"legacyResourceId": str(number), "name": name, "isActive": True}
    return {**found, "fulfillsOnlineOrders": True, **about}


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    shop.on("Identity", told(*GRANTED, "read_all_orders"))
    shop.on("Locations", data(locations=nodes([place(61, "Warehouse")])))
    return shop


def test_a_store_says_who_it_is(open_shop: Shop) -> None:
    found = adapter_for(open_shop).identify()

    assert (found.name, found.currency, found.timezone) == ("Duarte", "EUR", "Europe/Lisbon")
    assert (found.version, found.missing, found.warnings) == ("2026-07", (), ())
    assert found.base_url == open_shop.url
    assert found.clock_skew_s is not None
    assert found.features == {
        "domain": "duarte.myshopify.com",
        "plan": "Basic",
        "plus": False,
        "all_orders": True,
    }
    assert found.locations == (StoreLocationData(external_id="61", name="Warehouse"),)


def test_who_may_write_may_read(open_shop: Shop) -> None:
    assert "read_merchant_managed_fulfillment_orders" not in GRANTED

    assert adapter_for(open_shop).identify().missing == ()


def test_either_scope_opens_the_account_of_shopify_payments(open_shop: Shop) -> None:
    granted = {*GRANTED, "read_all_orders", "read_shopify_payments"}
    open_shop.on("Identity", told(*granted - {"read_shopify_payments_accounts"}))

    assert adapter_for(open_shop).identify().missing == ()


def test_what_was_not_granted_is_named_with_what_it_turns_off(open_shop: Shop) -> None:
    open_shop.on("Identity", told("read_orders", "read_products", "read_inventory"))

    found = adapter_for(open_shop).identify()

    assert "write_orders" in found.missing
    assert Ability.CANCEL in CARD.turned_off(found.missing)
    assert Ability.ORDERS not in CARD.turned_off(found.missing)
    assert any("write_orders, write_inventory" in words for words in found.warnings)


def test_an_app_that_may_not_see_old_orders_is_told_so(open_shop: Shop) -> None:
    open_shop.on("Identity", told(*GRANTED))

    (warning,) = adapter_for(open_shop).identify().warnings

    assert "60 days" in warning


def test_without_the_scope_no_location_is_asked_for(open_shop: Shop) -> None:
    open_shop.on("Identity", told("read_orders", "read_products"))

    found = adapter_for(open_shop).identify()

    assert found.locations is None
    assert CARD.turned_off(("read_locations",)).keys() == {
        Ability.LOCATIONS,
        Ability.STOCK_READ,
        Ability.STOCK_WRITE,
        Ability.STOCK_COMPARE_AND_SET,
    }
    assert "read_locations" in found.missing
    assert open_shop.asked("Locations") == []


def test_every_location_is_told_with_what_it_is_for(open_shop: Shop) -> None:
    rows = [
        place(61, "North"),
        place(62, "Bar", fulfillsOnlineOrders=False),
        place(63, "Shut", isActive=False, fulfillsOnlineOrders=False),
    ]
    open_shop.on("Locations", data(locations=nodes(rows)))

    found = adapter_for(open_shop).identify()

    assert found.locations == (
        StoreLocationData(external_id="61", name="North"),
        StoreLocationData(external_id="62", name="Bar", is_online=False),
        StoreLocationData(external_id="63", name="Shut", is_active=False, is_online=False),
    )
    assert found.warnings == ()


def test_all_pages_of_locations_are_read(open_shop: Shop) -> None:
    first, second = nodes([place(61, "North")], "c"), nodes([place(62, "South")])
    open_shop.on("Locations", data(locations=first), data(locations=second))

    found = adapter_for(open_shop).identify()

    assert found.locations is not None
    assert [told.external_id for told in found.locations] == ["61", "62"]


def test_a_store_answering_with_another_version_is_a_warning(open_shop: Shop) -> None:
    body = told(*GRANTED, "read_all_orders").partition(b"\r\n\r\n")[2]
    open_shop.on("Identity", answer(200, body, Date=DATE, X_Shopify_API_Version="2026-10"))
    open_shop.on("Locations", answer(200, {"data": {"locations": nodes([place(1, "A")])}}))

    found = adapter_for(open_shop).identify()

    assert found.version == "2026-10"
    assert any("2026-10" in words and "2026-07" in words for words in found.warnings)


def test_right_credentials_with_enough_scopes_are_accepted(open_shop: Shop) -> None:
    assert adapter_for(open_shop).authenticate() is True


def test_a_scope_nothing_works_without_is_missed_at_once(open_shop: Shop) -> None:
    open_shop.on("Identity", told("read_products", "read_inventory"))

    with pytest.raises(PermissionMissing) as caught:
        adapter_for(open_shop).authenticate()

    assert caught.value.scopes == ("read_orders",)


def test_a_token_that_is_refused_is_the_merchants_to_renew(shop: Shop) -> None:
    shop.on("Identity", answer(401, {"errors": "[API] Invalid API key or access token"}))

    with pytest.raises(AuthenticationFailed):
        adapter_for(shop).authenticate()


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("acme", "acme.myshopify.com"),
        (" Acme ", "acme.myshopify.com"),
        ("acme.myshopify.com", "acme.myshopify.com"),
        ("https://acme.myshopify.com/admin/orders", "acme.myshopify.com"),
        ("https://admin.shopify.com/store/acme/orders?x=1", "acme.myshopify.com"),
        ("admin.shopify.com/store/acme", "acme.myshopify.com"),
        ("https://www.acme.com", "https://www.acme.com"),
        ("https://acme.myshopify.com.evil.example", "https://acme.myshopify.com.evil.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("", ""),
    ],
)
def test_what_people_paste_is_made_the_stores_address(typed: str, address: str) -> None:
    assert ShopifyIntegration.address(typed) == address


def test_every_scope_of_the_card_is_asked_for() -> None:
    assert set(CARD.scopes) <= set(CARD.wanted_scopes)
    assert set(CARD.required_scopes) == {"read_orders", "read_products", "read_inventory"}

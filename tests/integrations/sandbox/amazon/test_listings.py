"""Listings items: searching, reading and patching them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.play import acts
from tests.integrations.sandbox.amazon.client import DE, FR, NOW, UK, US, Client
from tests.integrations.sandbox.amazon.conftest import Make

ITEMS = "/listings/2021-08-01/items"
STOCK = "/attributes/fulfillment_availability"
ALL_DATA = (
    "summaries,attributes,issues,offers,fulfillmentAvailability,procurement,relationships,"
    "productTypes"
)


def items(client: Client) -> str:
    return f"{ITEMS}/{client.store.options.seller_id}"


def item_path(client: Client, sku: str) -> str:
    return f"{items(client)}/{quote(sku, safe='')}"


def item(client: Client, sku: str, included: str = ALL_DATA, places: str = DE) -> Any:
    return client.get(item_path(client, sku), marketplaceIds=places, includedData=included)


def search(client: Client, **query: Any) -> list[Any]:
    """Of all pages."""
    found: list[Any] = []
    query = {"marketplaceIds": DE, "pageSize": 20} | query
    while True:
        client.store.quotas.fill()
        page = client.get(items(client), **query)
        found += page["items"]
        token = page.get("pagination", {}).get("nextToken")
        if token is None:
            assert len(found) == page["numberOfResults"]
            return found
        query["pageToken"] = token


def own(client: Client) -> Listing:
    """One the seller keeps, offered in two marketplaces at least."""
    return next(
        row
        for row in client.store.state.listings.values()
        if row.quantity and len(row.offers) > 1 and not row.parent
    )


def amazons(client: Client) -> Listing:
    return next(row for row in client.store.state.listings.values() if row.stock)


def patched(
    client: Client,
    sku: str,
    *values: dict[str, Any],
    op: str = "merge",
    path: str = STOCK,
    **query: Any,
) -> Any:
    body = {
        "productType": "PRODUCT",
        "patches": [{"op": op, "path": path} | ({"value": list(values)} if values else {})],
    }
    client.store.quotas.fill()
    answer = client.call("PATCH", item_path(client, sku), body, **({"marketplaceIds": DE} | query))
    assert answer.status == 200, answer.document
    return answer.document


def default(quantity: Any, **more: Any) -> dict[str, Any]:
    return {"fulfillment_channel_code": "DEFAULT", "quantity": quantity} | more


# --- reading --------------------------------------------------------------------------------------


def test_every_listing_of_a_marketplace_is_found_page_by_page(account: Client) -> None:
    found = search(account, pageSize=7)

    expected = [
        row.sku for row in account.store.state.listings.values() if DE in row.offers or row.children
    ]
    assert sorted(row["sku"] for row in found) == sorted(expected)
    assert set(found[0]) == {"sku", "summaries"}, "summaries are the default"
    moments = [row["summaries"][0]["lastUpdatedDate"] for row in found if row["summaries"]]
    assert moments == sorted(moments, reverse=True), "newest first is the default"


def test_pages_lead_on_and_back(account: Client) -> None:
    first = account.get(items(account), marketplaceIds=DE, sortBy="sku", sortOrder="ASC")
    assert set(first["pagination"]) == {"nextToken"}
    assert len(first["items"]) == 10

    query = {"marketplaceIds": DE, "sortBy": "sku", "sortOrder": "ASC"}
    second = account.get(items(account), **query, pageToken=first["pagination"]["nextToken"])
    assert set(second["pagination"]) == {"nextToken", "previousToken"}
    back = account.get(items(account), **query, pageToken=second["pagination"]["previousToken"])
    assert back["items"] == first["items"]
    assert second["items"][0]["sku"] > first["items"][-1]["sku"]


@pytest.mark.parametrize(
    "query",
    [
        {"marketplaceIds": None},
        {"pageSize": 21},
        {"pageToken": "nope"},
        {"includedData": "stock"},
        {"sortBy": "price"},
        {"identifiers": "AMZ-0001"},
        {"identifiersType": "SKU"},
        {"identifiers": ",".join(str(n) for n in range(21)), "identifiersType": "SKU"},
        {"identifiers": "1", "identifiersType": "SKU", "variationParentSku": "AMZ-0007"},
        {"withStatus": "ACTIVE"},
        {"lastUpdatedAfter": "soon"},
    ],
)
def test_a_wrong_search_is_refused(account: Client, query: dict[str, Any]) -> None:
    found = account.refused("GET", items(account), **({"marketplaceIds": DE} | query))

    assert found == (400, "InvalidInput")


def test_another_sellers_listings_are_forbidden(account: Client) -> None:
    assert account.refused("GET", f"{ITEMS}/A1OTHER", marketplaceIds=DE) == (403, "Unauthorized")
    assert account.refused("GET", items(account), marketplaceIds=US) == (403, "Unauthorized")


def test_listings_are_found_by_identifier_change_and_status(account: Client) -> None:
    row, fba = own(account), amazons(account)
    for kind, value, sku in (
        ("SKU", row.sku, row.sku),
        ("EAN", row.ean, row.sku),
        ("FNSKU", fba.fnsku, fba.sku),
    ):
        found = search(account, identifiers=value, identifiersType=kind)
        assert [one["sku"] for one in found] == [sku]
    acts.set_stock(account.store, row.sku, 7)
    since = iso(NOW)
    assert [one["sku"] for one in search(account, lastUpdatedAfter=since)] == [row.sku]
    assert row.sku not in [one["sku"] for one in search(account, lastUpdatedBefore=iso(NOW - 1))]
    buyable = search(account, withStatus="BUYABLE")
    assert buyable
    assert all("BUYABLE" in one["summaries"][0]["status"] for one in buyable)
    without = search(account, withoutStatus="BUYABLE")
    assert len(buyable) + len(without) == len(search(account))
    bad = search(account, withIssueSeverity="ERROR", includedData="issues")
    assert bad
    assert all(one["issues"] for one in bad)


class Unwalked(dict[str, Listing]):
    """Listings of which only single ones may be looked at."""

    def values(self) -> Any:
        raise AssertionError("All listings were walked through.")


def test_skus_are_looked_up_however_many_listings_there_are(account: Client) -> None:
    first, second = (row.sku for row in list(account.store.state.listings.values())[:2])
    account.store.state.listings = Unwalked(account.store.state.listings)

    asked = {"identifiers": f"{first},{second},{first},GONE", "identifiersType": "SKU"}
    assert sorted(row["sku"] for row in search(account, **asked)) == sorted([first, second])

    acts.on_listing(account.store, "delete", first)
    assert [row["sku"] for row in search(account, **asked)] == [second]


def test_a_variation_tells_its_children(account: Client) -> None:
    parent = next(row for row in account.store.state.listings.values() if row.children)

    told = item(account, parent.sku)
    assert told["offers"] == []
    assert told["fulfillmentAvailability"] == []
    assert told["summaries"][0]["status"] == ["DISCOVERABLE"]
    assert told["relationships"][0]["relationships"][0]["childSkus"] == parent.children
    children = search(account, variationParentSku=parent.sku, includedData="relationships")
    assert sorted(one["sku"] for one in children) == sorted(parent.children)
    assert children[0]["relationships"][0]["relationships"][0]["parentSkus"] == [parent.sku]


def test_one_listing_is_told_for_the_marketplaces_asked_for(account: Client) -> None:
    row = next(one for one in account.store.state.listings.values() if {DE, UK} <= set(one.offers))

    told = item(account, row.sku, places=f"{DE},{UK}")

    assert [one["marketplaceId"] for one in told["summaries"]] == [DE, UK]
    prices = {
        one["marketplaceId"]: one["price"]["currencyCode"]
        for one in told["offers"]
        if one["offerType"] == "B2C"
    }
    assert prices == {DE: "EUR", UK: "GBP"}
    assert told["summaries"][0]["asin"] == row.asin


def test_a_sku_with_a_slash_and_a_space_is_found_encoded(account: Client) -> None:
    sku = next(one for one in account.store.state.listings if "/" in one and " " in one)

    assert item(account, sku, "summaries")["sku"] == sku
    unencoded = account.refused("GET", f"{items(account)}/{sku.replace(' ', '%20')}")
    assert unencoded == (403, "Unauthorized")


def test_what_amazon_keeps_is_told_without_a_number(account: Client) -> None:
    told = item(account, amazons(account).sku, "fulfillmentAvailability")

    assert told["fulfillmentAvailability"] == [{"fulfillmentChannelCode": "AMAZON_EU"}]


def test_a_listing_that_is_not_there_is_not_found(account: Client) -> None:
    row = next(
        one for one in account.store.state.listings.values() if one.offers and FR not in one.offers
    )

    for sku, place in (("nope", DE), (row.sku, FR)):
        answer = account.call("GET", item_path(account, sku), marketplaceIds=place)
        assert answer.status == 404
        assert answer.document["errors"][0]["code"] == "NOT_FOUND"
        assert sku in answer.document["errors"][0]["message"]


# --- patching -------------------------------------------------------------------------------------


def test_an_accepted_quantity_is_seen_a_while_later(account: Client) -> None:
    row = own(account)
    before = row.quantity

    told = patched(account, row.sku, default(41))

    assert told["status"] == "ACCEPTED"
    assert told["issues"] == []
    assert row.quantity == before
    account.later(account.store.options.accept_s)
    shown = item(account, row.sku)
    assert shown["fulfillmentAvailability"] == [
        {"fulfillmentChannelCode": "DEFAULT", "quantity": 41}
    ]
    assert shown["attributes"]["fulfillment_availability"] == [
        {
            "fulfillment_channel_code": "DEFAULT",
            "marketplace_id": DE,
            "quantity": 41,
            "lead_time_to_ship_max_days": 2,
        }
    ]
    assert shown["summaries"][0]["lastUpdatedDate"] == iso(NOW + 60)


def test_replace_drops_what_it_does_not_name_and_merge_keeps_it(account: Client) -> None:
    row = own(account)

    patched(account, row.sku, default(5), op="replace")
    account.later(60)
    attribute = item(account, row.sku, "attributes")["attributes"]["fulfillment_availability"]
    assert attribute == [
        {"marketplace_id": DE, "fulfillment_channel_code": "DEFAULT", "quantity": 5}
    ]

    other = item(account, row.sku, "attributes", places=next(p for p in row.offers if p != DE))
    kept = other["attributes"]["fulfillment_availability"][0]
    assert kept["lead_time_to_ship_max_days"] == 2, "another marketplace's stays"


def test_a_sale_lowers_the_view_and_leaves_what_was_submitted(account: Client) -> None:
    row = own(account)
    patched(account, row.sku, default(9))
    account.later(60)
    row.quantity = 7

    shown = item(account, row.sku)
    assert shown["fulfillmentAvailability"][0]["quantity"] == 7
    assert shown["attributes"]["fulfillment_availability"][0]["quantity"] == 9


def test_a_merge_without_a_quantity_leaves_what_sales_have_left(account: Client) -> None:
    row = own(account)
    patched(account, row.sku, default(9))
    account.later(60)
    row.quantity = 7

    value = {"fulfillment_channel_code": "DEFAULT", "lead_time_to_ship_max_days": 5}
    patched(account, row.sku, value)
    account.later(60)

    assert row.quantity == 7
    entry = item(account, row.sku, "attributes")["attributes"]["fulfillment_availability"][0]
    assert (entry["lead_time_to_ship_max_days"], entry["quantity"]) == (5, 9)


def test_changes_are_applied_in_the_order_they_were_accepted(account: Client) -> None:
    row = own(account)
    for quantity in (3, 8, 6):
        patched(account, row.sku, default(quantity))
        account.later(1)

    account.later(120)

    assert row.quantity == 6


def test_none_left_cannot_be_bought(account: Client) -> None:
    row = own(account)
    patched(account, row.sku, default(0))
    account.later(60)

    assert item(account, row.sku, "summaries")["summaries"][0]["status"] == ["DISCOVERABLE"]


def test_a_preview_changes_nothing(account: Client) -> None:
    row = own(account)
    before = row.quantity

    good = patched(
        account, row.sku, default(77), mode="VALIDATION_PREVIEW", includedData="identifiers,issues"
    )
    bad = patched(account, row.sku, default(-1), mode="VALIDATION_PREVIEW")

    assert good["status"] == "VALID"
    assert good["identifiers"] == [{"marketplaceId": DE, "asin": row.asin}]
    assert bad["status"] == "INVALID"
    account.later(3_600)
    assert row.quantity == before


@pytest.mark.parametrize(
    ("value", "path", "code", "attribute"),
    [
        ({"quantity": 5}, STOCK, "99022", "fulfillment_availability"),
        (default(-1), STOCK, "4000001", "fulfillment_availability"),
        (default("5"), STOCK, "4000001", "fulfillment_availability"),
        (default(10**9), STOCK, "4000001", "fulfillment_availability"),
        (default(5) | {"fulfillment_channel_code": "MFN"}, STOCK, "4000001",
         "fulfillment_availability"),
        (default(5) | {"fulfillment_channel_code": "AMAZON_EU"}, STOCK, "4000001",
         "fulfillment_availability"),
        (default(5), "/attributes/fulfillmentAvailability", "90000900",
         "fulfillmentAvailability"),
        ({"our_price": []}, "/attributes/purchasable_offer", "4000001", "purchasable_offer"),
    ],
)  # fmt: skip
def test_invalid_data_is_a_200_with_issues(
    account: Client, value: dict[str, Any], path: str, code: str, attribute: str
) -> None:
    row = own(account)
    before = row.quantity

    told = patched(account, row.sku, value, path=path)

    assert told["status"] == "INVALID"
    assert [(one["code"], one["attributeNames"]) for one in told["issues"]] == [(code, [attribute])]
    assert told["issues"][0]["severity"] == "ERROR"
    account.later(3_600)
    assert row.quantity == before


@pytest.mark.parametrize("code", ["DEFAULT", "AMAZON_EU"])
def test_what_amazon_keeps_takes_no_quantity(account: Client, code: str) -> None:
    row = amazons(account)

    told = patched(account, row.sku, default(5) | {"fulfillment_channel_code": code})

    assert told["status"] == "INVALID"
    account.later(3_600)
    assert row.channel == "AMAZON_EU"
    assert row.quantity is None


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"productType": "PRODUCT"}, {}),
        ({"productType": "PRODUCT", "patches": []}, {}),
        ({"productType": "PRODUCT", "patches": [{"op": "move", "path": STOCK}]}, {}),
        ({"patches": [{"op": "delete", "path": STOCK}]}, {}),
        ({"productType": "X", "patches": [{"op": "delete", "path": f"{STOCK}/quantity"}]}, {}),
        ({"productType": "X", "patches": [{"op": "delete", "path": "/summaries"}]}, {}),
        ({"productType": "X", "patches": [{"op": "delete", "path": STOCK}]}, {"mode": "TEST"}),
        (
            {"productType": "X", "patches": [{"op": "delete", "path": STOCK}]},
            {"includedData": "identifiers"},
        ),
    ],
)
def test_a_wrong_request_is_a_400(
    account: Client, body: dict[str, Any], query: dict[str, Any]
) -> None:
    path = item_path(account, own(account).sku)

    assert account.refused("PATCH", path, body, **({"marketplaceIds": DE} | query))[0] == 400


def test_a_sku_that_is_not_offered_there_is_a_400(account: Client) -> None:
    body = {"productType": "PRODUCT", "patches": [{"op": "delete", "path": STOCK}]}
    row = next(
        one for one in account.store.state.listings.values() if one.offers and FR not in one.offers
    )

    for sku, place in (("nope", DE), (row.sku, FR)):
        refused = account.refused("PATCH", item_path(account, sku), body, marketplaceIds=place)
        assert refused == (400, "BAD_REQUEST")


def test_a_price_can_be_changed_in_one_marketplace(account: Client) -> None:
    row = own(account)
    place, other = list(row.offers)[:2]
    before = row.offers[other].price
    price = {"our_price": [{"schedule": [{"value_with_tax": 12.345}]}]}

    told = patched(
        account, row.sku, price, path="/attributes/purchasable_offer", marketplaceIds=place
    )
    account.later(60)

    assert told["status"] == "ACCEPTED"
    assert str(row.offers[place].price) == "12.35"
    assert row.offers[other].price == before


def test_what_is_deleted_is_no_longer_for_sale(account: Client) -> None:
    row = own(account)

    patched(account, row.sku, {"fulfillment_channel_code": "DEFAULT"}, op="delete")
    account.later(60)

    assert row.quantity == 0
    attributes = item(account, row.sku, "attributes")["attributes"]
    assert "fulfillment_availability" not in attributes


def test_skus_another_store_sells_too_can_be_given(make_store: Make) -> None:
    client = make_store(skus=("SKU-1", "SKU-2"), orders=0)

    rows = [client.store.state.listings[sku] for sku in ("SKU-1", "SKU-2")]
    assert all(row.quantity and DE in row.offers for row in rows)
    with pytest.raises(ValueError, match="only"):
        make_store(skus=("A", "B"), products=1)

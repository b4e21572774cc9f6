"""Orders 2026-01-01: what is listed, what is told of an order and what is not."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.orders import acts, placing
from integrations.sandbox.amazon.refusals import Refusal
from tests.integrations.sandbox.amazon.client import ALL_DATA, DE, FR, JP, NOW, UK, Client
from tests.integrations.sandbox.amazon.conftest import Make

ORDERS = "/orders/2026-01-01/orders"
SINCE = "2026-01-01T00:00:00Z"
DAY = 24 * 3600


def place(client: Client, kind: str = "plain", count: int = 1) -> list[str]:
    return placing.place(client.store, client.chance, kind=kind, count=count)


def one(client: Client, kind: str) -> Any:
    return client.order(place(client, kind)[0])


def amounts(rows: list[Any]) -> dict[str, Decimal]:
    return {row["type"]: Decimal(row["subtotal"]["amount"]) for row in rows}


# --- the list -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": SINCE, "lastUpdatedAfter": SINCE},
        {"createdAfter": SINCE, "lastUpdatedBefore": "2026-11-01T00:00:00Z"},
        {"lastUpdatedAfter": SINCE, "createdBefore": "2026-11-01T00:00:00Z"},
        {"lastUpdatedAfter": "yesterday"},
        {"lastUpdatedAfter": "2027-01-01T00:00:00Z"},
        {"lastUpdatedAfter": SINCE, "lastUpdatedBefore": iso(NOW - 119)},
        {"lastUpdatedAfter": SINCE, "lastUpdatedBefore": "2025-12-31T00:00:00Z"},
        {"lastUpdatedAfter": SINCE, "maxResultsPerPage": 101},
        {"lastUpdatedAfter": SINCE, "maxResultsPerPage": 0},
        {"lastUpdatedAfter": SINCE, "includedData": "STATUS"},
        {"lastUpdatedAfter": SINCE, "fulfillmentStatuses": "Unshipped"},
        {"lastUpdatedAfter": SINCE, "fulfilledBy": "MFN"},
        {"lastUpdatedAfter": SINCE, "paginationToken": "nope"},
    ],
)
def test_a_wrong_search_is_refused(account: Client, query: dict[str, Any]) -> None:
    assert account.refused("GET", ORDERS, **query) == (400, "InvalidInput")


def test_a_bound_two_minutes_back_is_good(account: Client) -> None:
    told = account.get(ORDERS, lastUpdatedAfter=SINCE, lastUpdatedBefore=iso(NOW - 120))

    assert told["lastUpdatedBefore"] == iso(NOW - 120)
    assert "createdBefore" not in told


def test_changes_come_oldest_first_page_by_page_and_each_once(account: Client) -> None:
    found = account.orders(maxResultsPerPage=7)

    ids = [row["orderId"] for row in found]
    dates = [row["lastUpdatedTime"] for row in found]
    assert dates == sorted(dates)
    assert sorted(ids) == sorted(account.store.state.orders)


def test_by_date_of_creation_the_order_is_that_of_creation(account: Client) -> None:
    found = account.orders(createdAfter=SINCE, maxResultsPerPage=9)

    dates = [row["createdTime"] for row in found]
    assert dates == sorted(dates)
    assert len(found) == 60


def test_the_last_page_has_no_pagination_at_all(account: Client) -> None:
    whole = account.get(ORDERS, lastUpdatedAfter=SINCE)

    assert len(whole["orders"]) == 60
    assert "pagination" not in whole


def test_a_page_token_wants_the_same_search_and_lives_a_day(account: Client) -> None:
    first = account.get(ORDERS, lastUpdatedAfter=SINCE, maxResultsPerPage=5)
    token = first["pagination"]["nextToken"]
    assert set("+/=") & set(token)

    more = {"lastUpdatedAfter": SINCE, "paginationToken": token}
    changed = account.get(ORDERS, **more, maxResultsPerPage=3, includedData="FULFILLMENT")
    assert len(changed["orders"]) == 3
    assert account.refused("GET", ORDERS, paginationToken=token)[0] == 400
    assert account.refused("GET", ORDERS, **more, marketplaceIds=DE)[0] == 400
    account.later(24 * 3600)
    account.token = ""
    assert account.refused("GET", ORDERS, **more)[0] == 400


def test_what_changes_while_pages_are_read_is_found_by_the_next_search(account: Client) -> None:
    first = account.get(ORDERS, lastUpdatedAfter=SINCE, maxResultsPerPage=50)
    until = first["lastUpdatedBefore"]
    moved = account.orders()[-1]["orderId"]
    account.later(60)
    acts.touch(account.store, [moved])
    account.later(600)

    rest = account.get(
        ORDERS, lastUpdatedAfter=SINCE, paginationToken=first["pagination"]["nextToken"]
    )
    assert moved not in [row["orderId"] for row in rest["orders"]]
    again = account.orders(lastUpdatedAfter=until)
    assert moved in [row["orderId"] for row in again]


def test_the_last_two_minutes_are_not_listed_yet(account: Client) -> None:
    new = place(account)[0]
    assert new not in [row["orderId"] for row in account.orders()]
    assert account.order(new)["orderId"] == new, "asked for by name it is there"

    account.later(120)

    assert account.orders()[-1]["orderId"] == new


def test_a_new_change_hides_an_order_only_from_a_search_by_change(account: Client) -> None:
    name = account.orders()[0]["orderId"]
    acts.touch(account.store, [name])

    assert name not in [row["orderId"] for row in account.orders()]
    assert name in [row["orderId"] for row in account.orders(createdAfter=SINCE)]


def test_marketplaces_states_and_parties_narrow_the_list(account: Client) -> None:
    every = account.orders(includedData="FULFILLMENT")
    seen = Counter(row["salesChannel"]["marketplaceId"] for row in every)
    assert set(seen) == {DE, FR, UK}
    assert seen[DE] > seen[FR]

    french = account.orders(marketplaceIds=[FR, UK])
    assert {row["salesChannel"]["marketplaceId"] for row in french} == {FR, UK}
    for name, key, value in (
        ("fulfillmentStatuses", "fulfillmentStatus", ["UNSHIPPED", "PENDING"]),
        ("fulfilledBy", "fulfilledBy", ["AMAZON"]),
    ):
        found = account.orders(includedData="FULFILLMENT", **{name: value})
        assert {row["fulfillment"][key] for row in found} == set(value)
        expected = [row for row in every if row["fulfillment"][key] in value]
        assert len(found) == len(expected) > 0


def test_orders_of_more_than_two_years_are_told_only_in_the_east(make_store: Make) -> None:
    for region, expected in (("eu", 404), ("fe", 200)):
        client = make_store(region=region, orders=0, products=10)
        old = place(client, "ancient")[0]
        assert client.call("GET", f"{ORDERS}/{old}").status == expected
        client.later(200)
        assert len(client.orders()) == (expected == 200)


def test_many_orders_of_one_second_are_all_listed(make_store: Make) -> None:
    client = make_store(orders=150, same_second=130)

    found = client.orders(maxResultsPerPage=50)

    ids = [row["orderId"] for row in found]
    assert len(ids) == len(set(ids)) == 150
    assert max(Counter(row["lastUpdatedTime"] for row in found).values()) >= 130


# --- one order ------------------------------------------------------------------------------------


def test_an_order_is_told_in_parts_and_only_those_asked_for(account: Client) -> None:
    name = place(account, "gift")[0]

    bare = account.order(name, "")
    assert set(bare) == {"orderId", "createdTime", "lastUpdatedTime", "salesChannel", "orderItems"}
    assert set(bare["orderItems"][0]) == {"orderItemId", "quantityOrdered", "product"}
    assert "price" not in bare["orderItems"][0]["product"]
    for included, key in (
        ("BUYER", "buyer"),
        ("RECIPIENT", "recipient"),
        ("PROCEEDS", "proceeds"),
        ("FULFILLMENT", "fulfillment"),
        ("PACKAGES", "packages"),
        ("PAYMENT", "payment"),
    ):
        assert set(account.order(name, included)) - set(bare) == {key}


def test_ids_and_money_look_like_amazons(account: Client) -> None:
    order = one(account, "several")

    assert [len(part) for part in order["orderId"].split("-")] == [3, 7, 7]
    total = order["proceeds"]["grandTotal"]
    assert total["currencyCode"] == "EUR"
    assert Decimal(total["amount"]) == sum(amounts(order["proceeds"]["breakdowns"]).values())
    assert Decimal(total["amount"]) == sum(
        Decimal(item["proceeds"]["proceedsTotal"]["amount"]) for item in order["orderItems"]
    )
    for item in order["orderItems"]:
        parts = amounts(item["proceeds"]["breakdowns"])
        unit = Decimal(item["product"]["price"]["unitPrice"]["amount"])
        assert parts["ITEM"] == unit * item["quantityOrdered"]


@pytest.mark.parametrize(("is_positive", "sign"), [(False, -1), (True, 1)])
def test_a_discount_has_the_sign_that_was_chosen(
    make_store: Make, is_positive: bool, sign: int
) -> None:
    client = make_store(orders=0, discounts_are_positive=is_positive)
    order = one(client, "discounted")

    parts = amounts(order["proceeds"]["breakdowns"])
    assert parts["DISCOUNT"] * sign > 0
    discount = -abs(parts.pop("DISCOUNT"))
    total = Decimal(order["proceeds"]["grandTotal"]["amount"])
    assert sum(parts.values()) + discount == total
    assert order["orderItems"][0]["promotion"]["breakdowns"][0]["promotionId"]


def test_tax_is_told_apart_where_amazon_computes_it(make_store: Make) -> None:
    american = one(make_store(region="na", orders=0), "plain")
    german = one(make_store(orders=0), "taxed")

    for order in (american, german):
        parts = amounts(order["proceeds"]["breakdowns"])
        assert parts["TAX"] > 0
        assert sum(parts.values()) == Decimal(order["proceeds"]["grandTotal"]["amount"])


def test_yen_have_no_decimals_and_points_are_granted(make_store: Make) -> None:
    client = make_store(region="fe", orders=0)
    order = one(client, "several")

    assert order["salesChannel"] == {
        "channelName": "AMAZON",
        "marketplaceId": JP,
        "marketplaceName": "Amazon.co.jp",
    }
    total = order["proceeds"]["grandTotal"]
    assert total["currencyCode"] == "JPY"
    assert "." not in total["amount"]
    assert "." not in order["orderItems"][0]["product"]["price"]["unitPrice"]["amount"]
    points = [item["expense"]["pointsCost"]["pointsGranted"] for item in order["orderItems"]]
    assert all(row["pointsNumber"] > 0 for row in points)


def test_another_marketplace_brings_its_own_money(account: Client) -> None:
    seen = {
        (row["salesChannel"]["marketplaceId"], row["proceeds"]["grandTotal"]["currencyCode"])
        for row in account.orders(includedData="PROCEEDS")
        if "proceeds" in row
    }

    assert seen == {(DE, "EUR"), (FR, "EUR"), (UK, "GBP")}


def test_a_pending_order_has_no_address_no_buyer_and_no_money(account: Client) -> None:
    name = place(account, "pending")[0]
    order = account.order(name)

    assert order["fulfillment"]["fulfillmentStatus"] == "PENDING"
    assert not {"buyer", "recipient", "proceeds", "payment"} & set(order)
    item = order["orderItems"][0]
    assert "price" not in item["product"]
    assert item["quantityOrdered"] >= 1

    account.later(account.store.options.authorise_s)

    paid = account.order(name)
    assert paid["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"
    assert paid["recipient"]["deliveryAddress"]["name"]
    assert paid["proceeds"]["grandTotal"]
    assert paid["lastUpdatedTime"] > order["lastUpdatedTime"]


def test_pending_prices_can_be_told_as_in_japan(make_store: Make) -> None:
    order = one(make_store(orders=0, pending_has_money=True), "pending")

    assert order["proceeds"]["grandTotal"]
    assert "recipient" not in order


def test_a_preorder_waits_for_nobody(account: Client) -> None:
    name = place(account, "preorder")[0]
    account.later(30 * DAY)
    account.token = ""

    assert account.order(name)["fulfillment"]["fulfillmentStatus"] == "PENDING_AVAILABILITY"


def test_what_amazon_ships_has_no_packages_and_half_an_address(account: Client) -> None:
    name = place(account, "fba")[0]
    order = account.order(name)
    assert order["fulfillment"]["fulfilledBy"] == "AMAZON"
    assert "packages" not in order
    assert set(order["recipient"]["deliveryAddress"]) <= {
        "city",
        "stateOrRegion",
        "postalCode",
        "countryCode",
    }
    assert "buyerEmail" not in order["buyer"]

    account.later(6 * 3600)
    account.token = ""

    sent = account.order(name)
    assert sent["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert sent["orderItems"][0]["fulfillment"]["quantityUnfulfilled"] == 0


def test_without_the_shipping_role_an_address_comes_in_part(account: Client) -> None:
    name = place(account)[0]
    whole = account.order(name)["recipient"]["deliveryAddress"]
    assert {"name", "addressLine1", "phone", "addressType"} <= set(whole)

    account.store.state.login.roles = ("Inventory and Order Tracking",)

    order = account.order(name)
    assert set(order["recipient"]["deliveryAddress"]) <= {
        "city",
        "stateOrRegion",
        "postalCode",
        "countryCode",
    }
    assert order["buyer"] == {}


def test_a_gift_is_wrapped_and_has_a_message(account: Client) -> None:
    order = one(account, "gift")

    option = order["orderItems"][0]["fulfillment"]["packing"]["giftOption"]
    assert option["giftMessage"]
    assert option["giftWrapLevel"] == "Standard"
    assert amounts(order["proceeds"]["breakdowns"])["GIFT_WRAP"] > 0


def test_a_company_pays_its_own_price_and_has_a_number(account: Client) -> None:
    order = one(account, "business")

    assert order["programs"] == ["AMAZON_BUSINESS"]
    assert order["buyer"]["buyerCompanyName"]
    assert order["buyer"]["buyerPurchaseOrderNumber"].startswith("PO-")
    assert order["tax"]["taxRegistrations"][0]["entityType"] == "BUYER"
    assert order["recipient"]["deliveryAddress"]["addressType"] == "COMMERCIAL"


def test_who_wants_to_cancel_says_so_on_each_item(account: Client) -> None:
    order = one(account, "cancel_requested")

    for item in order["orderItems"]:
        wish = item["cancellation"]["cancellationRequest"]
        assert wish["requester"] == "BUYER"
        assert wish["cancelReason"]
    assert order["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"


def test_a_cancelled_order_tells_who_and_why_and_no_money(account: Client) -> None:
    name = place(account)[0]
    acts.act(account.store, "cancel", name)
    order = account.order(name)

    assert order["fulfillment"]["fulfillmentStatus"] == "CANCELLED"
    assert order["orderItems"][0]["cancellation"]["cancellationExecution"] == {
        "cancelledBy": "MERCHANT",
        "cancelReason": "NO_INVENTORY",
    }
    assert order["orderItems"][0]["fulfillment"] == {
        "quantityFulfilled": 0,
        "quantityUnfulfilled": 0,
    }
    assert "proceeds" not in order


def test_a_part_of_an_order_can_be_cancelled(account: Client) -> None:
    name = place(account, "several")[0]
    acts.act(account.store, "cancel_item", name)

    items = account.order(name)["orderItems"]
    assert ["cancellation" in item for item in items] == [False, False, True]
    acts.act(account.store, "ship", name)
    assert account.known(name).status == "SHIPPED"


def test_replacements_own_numbers_and_other_shops_are_told(account: Client) -> None:
    replaced = one(account, "replacement")["associatedOrders"][0]
    assert replaced["associationType"] == "REPLACEMENT_ORIGINAL_ID"
    alias = one(account, "numbered")["orderAliases"][0]
    assert alias["aliasType"] == "SELLER_ORDER_ID"
    assert one(account, "elsewhere")["salesChannel"]["channelName"] == "NON_AMAZON"


def test_what_amazon_ships_is_cancelled_as_a_whole(account: Client) -> None:
    name = place(account, "fba")[0]
    with pytest.raises(Refusal, match="as a whole"):
        acts.act(account.store, "cancel_item", name)


def test_a_phone_is_told_until_delivery_is_due(account: Client) -> None:
    name = place(account)[0]
    acts.act(account.store, "ship", name)
    assert "phone" in account.order(name)["recipient"]["deliveryAddress"]

    account.later(20 * DAY)
    account.token = ""

    assert "phone" not in account.order(name)["recipient"]["deliveryAddress"]


def test_an_order_that_is_not_there_is_404_and_no_number_at_all_400(account: Client) -> None:
    assert account.refused("GET", f"{ORDERS}/302-1111111-1111111")[0] == 404
    assert account.refused("GET", f"{ORDERS}/nope")[0] == 400


@pytest.mark.parametrize("kind", list(placing.ORDER_KINDS))
def test_every_kind_can_be_placed_and_keeps_to_the_model(account: Client, kind: str) -> None:
    name = place(account, kind)[0]
    if kind != "ancient":
        assert account.order(name, ALL_DATA)["orderId"] == name
    account.later(130)
    assert (name in [row["orderId"] for row in account.orders(includedData=ALL_DATA)]) == (
        kind != "ancient"
    )


# --- stock ----------------------------------------------------------------------------------------


def test_a_sale_lowers_what_can_be_bought_and_an_unpaid_one_gives_it_back(
    account: Client,
) -> None:
    row = next(one for one in account.store.state.listings.values() if one.quantity)
    before = row.quantity or 0
    name = placing.place_with(account.store, account.chance, [(row.sku, 2)], status="PENDING")
    assert row.quantity == before - 2

    acts.act(account.store, "cancel", name)

    assert row.quantity == before
    assert account.known(name).items[0].cancelled_by == "BUYER"
    paid = placing.place_with(account.store, account.chance, [(row.sku, 1)])
    acts.act(account.store, "cancel", paid)
    assert row.quantity == before - 1, "what the seller cancels he counts himself"


def test_what_was_not_there_to_be_taken_does_not_come_back(account: Client) -> None:
    row = next(one for one in account.store.state.listings.values() if one.quantity)
    row.quantity = 1
    name = placing.place_with(account.store, account.chance, [(row.sku, 3)], status="PENDING")
    assert row.quantity == 0

    acts.act(account.store, "cancel", name)

    assert row.quantity == 1


def test_amazon_reserves_its_own_units_until_they_leave(account: Client) -> None:
    row = next(
        one for one in account.store.state.listings.values() if one.stock and one.for_sale > 3
    )
    assert row.stock is not None
    before = row.stock.fulfillable, row.stock.pending_orders
    name = placing.place_with(account.store, account.chance, [(row.sku, 2)])
    assert (row.stock.fulfillable, row.stock.pending_orders) == (before[0] - 2, before[1] + 2)

    account.later(6 * 3600)

    assert account.known(name).status == "SHIPPED"
    assert (row.stock.fulfillable, row.stock.pending_orders) == (before[0] - 2, before[1])
    account.token = ""
    again = placing.place_with(account.store, account.chance, [(row.sku, 1)])
    acts.act(account.store, "cancel", again)
    assert (row.stock.fulfillable, row.stock.pending_orders) == (before[0] - 2, before[1])


def test_what_cannot_be_bought_is_refused_in_words(account: Client) -> None:
    rows = account.store.state.listings.values()
    own = next(row.sku for row in rows if row.quantity)
    amazons = next(row.sku for row in rows if row.stock)
    for lines in ([("nope", 1)], [(own, 0)], [(own, 1), (amazons, 1)]):
        with pytest.raises(Refusal):
            placing.place_with(account.store, account.chance, lines)
    with pytest.raises(Refusal, match="no kind"):
        place(account, "nope")
    with pytest.raises(Refusal, match="count"):
        place(account, count=0)

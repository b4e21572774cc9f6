"""Customers, and the companies some of them buy for."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from integrations.sandbox.shopify.orders import placing
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make

CUSTOMERS = """
query ($query: String, $after: String, $sortKey: CustomerSortKeys) {
  customers(first: 10, after: $after, query: $query, sortKey: $sortKey) {
    nodes { id displayName firstName lastName email phone state tags createdAt updatedAt
            numberOfOrders amountSpent { amount currencyCode }
            defaultAddress { city countryCodeV2 } addressesV2(first: 2) { nodes { id } }
            orders(first: 50) { nodes { id } } lastOrder { id } }
    pageInfo { hasNextPage endCursor }
  }
  customersCount(query: $query) { count }
}
"""


def all_of(shop: Client, **asked: Any) -> list[dict[str, Any]]:
    rows, after = [], None
    while True:
        page = shop.ask(CUSTOMERS, after=after, **asked)["customers"]
        rows += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return rows


def test_every_customer_is_listed_once_with_what_they_bought(make_store: Make) -> None:
    shop = make_store(plan="enterprise")

    rows = all_of(shop)

    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert len(row["orders"]["nodes"]) == int(row["numberOfOrders"])
        last = row["orders"]["nodes"][-1] if row["orders"]["nodes"] else None
        assert row["lastOrder"] == last
    bought = {one["id"] for row in rows for one in row["orders"]["nodes"]}
    known = {
        f"gid://shopify/Order/{number}"
        for number in shop.store.orders.ids()
        if shop.store.orders.existing(number).customer_id
    }
    assert bought == known


@pytest.mark.parametrize("query", ["state:ENABLED", "country:DE", "tag:vip", "email:*"])
def test_customers_are_filtered(make_store: Make, query: str) -> None:
    shop = make_store(orders=150, plan="enterprise")
    holds = {
        "state:ENABLED": lambda row: row["state"] == "ENABLED",
        "country:DE": lambda row: row["defaultAddress"]["countryCodeV2"] == "DE",
        "tag:vip": lambda row: "vip" in row["tags"],
        "email:*": lambda row: row["email"] is not None,
    }[query]

    everything, found = all_of(shop), all_of(shop, query=query)

    assert found == [row for row in everything if holds(row)]
    assert 0 < len(found) < len(everything)
    assert shop.ask(CUSTOMERS, query=query)["customersCount"]["count"] == len(found)


def test_a_new_order_counts_for_its_customer(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(1))
    gid = f"gid://shopify/Order/{number}"
    customer = shop.ask("query ($id: ID!) { order(id: $id) { customer { id } } }", id=gid)

    found = shop.ask(
        "query ($id: ID!) { customer(id: $id) { lastOrder { id } } }",
        id=customer["order"]["customer"]["id"],
    )

    assert found["customer"]["lastOrder"] == {"id": gid}


def test_customers_need_their_scope(make_store: Make) -> None:
    shop = make_store(scopes=("write_orders", "read_all_orders"))
    gid = f"gid://shopify/Order/{shop.store.orders.ids()[0]}"

    document = shop.document("query ($id: ID!) { order(id: $id) { id customer { id } } }", id=gid)

    assert document["data"]["order"] == {"id": gid, "customer": None}
    assert document["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_a_companys_order_names_who_bought_for_which_place(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(1), kind="b2b")

    order = shop.ask(
        "query ($id: ID!) { order(id: $id) { poNumber paymentTerms { paymentTermsName due dueInDays"
        " overdue paymentTermsType } displayFinancialStatus purchasingEntity { __typename"
        " ... on PurchasingCompany { company { id name externalId ordersCount { count }"
        " locations(first: 5) { nodes { id name } } mainContact { isMainContact } }"
        " location { id name externalId currency } contact { customer { id } } } } } }",
        id=f"gid://shopify/Order/{number}",
    )["order"]

    buyer = order["purchasingEntity"]
    assert order["poNumber"].startswith("PO/")
    assert order["displayFinancialStatus"] == "PENDING"
    assert order["paymentTerms"] == {
        "paymentTermsName": "Net 30",
        "due": True,
        "dueInDays": 30,
        "overdue": False,
        "paymentTermsType": "NET",
    }
    assert buyer["__typename"] == "PurchasingCompany"
    assert buyer["location"]["id"] in {row["id"] for row in buyer["company"]["locations"]["nodes"]}
    assert buyer["company"]["ordersCount"]["count"] >= 1
    assert buyer["company"]["mainContact"] == {"isMainContact": True}


def test_a_person_buys_as_a_customer(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(1))

    order = shop.ask(
        "query ($id: ID!) { order(id: $id) { purchasingEntity { __typename"
        " ... on Customer { id } } customer { id } } }",
        id=f"gid://shopify/Order/{number}",
    )["order"]

    assert order["purchasingEntity"] == {"__typename": "Customer", **order["customer"]}


def test_companies_are_read_by_themselves(shop: Client) -> None:
    companies = shop.ask(
        "{ companies(first: 10) { nodes { id name note customerSince contactsCount { count }"
        " locationsCount { count } totalSpent { amount currencyCode }"
        " contacts(first: 3) { nodes { id title customer { id } } } } } }"
    )["companies"]["nodes"]

    again = shop.ask("query ($id: ID!) { company(id: $id) { name } }", id=companies[1]["id"])

    assert len(companies) == 4
    assert again["company"]["name"] == companies[1]["name"]

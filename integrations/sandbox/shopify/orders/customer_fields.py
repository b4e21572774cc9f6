"""Customers and companies in GraphQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.shopify.api import root, search
from integrations.sandbox.shopify.api.filtering import Sorts, by_sort, found
from integrations.sandbox.shopify.api.pages import connection, count, listed
from integrations.sandbox.shopify.api.resolving import Call, Fields, Resolver
from integrations.sandbox.shopify.ids import number_of
from integrations.sandbox.shopify.money import Money
from integrations.sandbox.shopify.orders import order_lists, totals
from integrations.sandbox.shopify.orders.customers import (
    Company,
    CompanyContact,
    CompanyLocation,
    Customer,
)
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.reading import constant, first_of, texts

# --- customers ------------------------------------------------------------------------------------


def _orders(customer: Customer, info: Any) -> list[Order]:
    bought: list[Order] = info.context.store.orders.orders_of(customer.id)
    return bought


def _spent(orders: list[Order], info: Any) -> Money:
    currency = info.context.store.options.currency
    spent = Money(Decimal(0), currency)
    for order in orders:
        spent = spent + totals.net_payment(order).shop
    return spent


def _email(customer: Customer, info: Any) -> Any:
    if not customer.email or not info.context.store.options.sees_customers:
        return None
    state = "SUBSCRIBED" if customer.accepts_marketing else "NOT_SUBSCRIBED"
    return {"emailAddress": customer.email, "marketingState": state, "validFormat": True}


def _phone(customer: Customer, info: Any) -> Any:
    if not customer.phone or not info.context.store.options.sees_customers:
        return None
    return {"phoneNumber": customer.phone}


def _profiles(customer: Customer, info: Any) -> list[CompanyContact]:
    companies = info.context.store.orders.companies.values()
    return [
        contact
        for company in companies
        for contact in company.contacts
        if contact.customer_id == customer.id
    ]


def _orders_page(customer: Customer, info: Any, *, sort_key: str | None = None, **page: Any) -> Any:
    return order_lists.page_of(info.context, _orders(customer, info), sort_key or "ID", page)


_CUSTOMER: dict[str, Resolver] = {
    **texts("firstName", "lastName", "email", "phone"),
    "amountSpent": lambda customer, info: _spent(_orders(customer, info), info),
    "numberOfOrders": lambda customer, info: len(_orders(customer, info)),
    "lastOrder": lambda customer, info: next(iter(_orders(customer, info)[::-1]), None),
    "orders": _orders_page,
    "defaultAddress": lambda customer, _: customer.address,
    "addresses": lambda customer, _, first=None: first_of([customer.address], first),
    "addressesV2": lambda customer, _, **page: listed([customer.address], **page),
    "defaultEmailAddress": _email,
    "defaultPhoneNumber": _phone,
    "companyContactProfiles": _profiles,
    "metafield": root.metafield,
    "metafields": root.metafields,
}


def _row(call: Call) -> dict[str, search.Value]:
    return {
        "": lambda row: f"{row.display_name} {row.email}",
        "id": lambda row: row.id,
        "email": lambda row: row.email,
        "phone": lambda row: row.phone,
        "first_name": lambda row: row.first_name,
        "last_name": lambda row: row.last_name,
        "country": lambda row: row.address.country_code,
        "state": lambda row: row.state,
        "tag": lambda row: row.tags,
        "accepts_marketing": lambda row: row.accepts_marketing,
        "customer_date": lambda row: row.created_at,
        "updated_at": lambda row: row.updated_at,
        "orders_count": lambda row: len(call.store.orders.orders_of(row.id)),
    }


_SORTS: Sorts = {
    "CREATED_AT": lambda row: row.created_at,
    "UPDATED_AT": lambda row: row.updated_at,
    "NAME": lambda row: f"{row.last_name}, {row.first_name}",
}


def _found(call: Call, query: str | None, name: str) -> list[Customer]:
    room = call.store.orders
    rows = (room.customer(number) for number in room.customer_ids())
    return found(call, (row for row in rows if row is not None), query, _row(call), name)


def customers(
    _: Any, info: Any, *, query: str | None = None, sort_key: str | None = None, **page: Any
) -> Any:
    call: Call = info.context
    rows = {row.id: row for row in _found(call, query, "customers")}
    keys = by_sort(list(rows.values()), _SORTS, sort_key)
    return connection(keys, lambda key: rows[key[-1]], **page)


def _customers_count(
    _: Any, info: Any, *, query: str | None = None, limit: int | None = 10_000
) -> Any:
    return count(len(_found(info.context, query, "customersCount")), limit)


# --- companies ------------------------------------------------------------------------------------


def _bought(info: Any, place: int, number: int) -> list[Order]:
    """Orders of a company (``place`` 0), or of one of its locations (1)."""
    room = info.context.store.orders
    return [order for order in room.b2b() if order.company and order.company[place] == number]


def companies_of(call: Call) -> dict[int, Company]:
    return call.store.orders.companies


def _company_of(part: Any, info: Any) -> Company:
    return companies_of(info.context)[part.company_id]


def location(call: Call, number: int) -> CompanyLocation | None:
    rows = (one for company in companies_of(call).values() for one in company.locations)
    return next((one for one in rows if one.id == number), None)


def contact(call: Call, number: int) -> CompanyContact | None:
    rows = (one for company in companies_of(call).values() for one in company.contacts)
    return next((one for one in rows if one.id == number), None)


_QUERIES: dict[str, Resolver] = {
    "customer": lambda _, info, *, id: info.context.store.orders.customer(
        number_of(id, "Customer")
    ),
    "customers": customers,
    "customersCount": _customers_count,
    "company": lambda _, info, *, id: companies_of(info.context).get(number_of(id, "Company")),
    "companies": lambda _, info, **page: listed(list(companies_of(info.context).values()), **page),
    "companyLocation": lambda _, info, *, id: location(
        info.context, number_of(id, "CompanyLocation")
    ),
    "companyContact": lambda _, info, *, id: contact(info.context, number_of(id, "CompanyContact")),
}

FIELDS: Fields = {
    "QueryRoot": _QUERIES,
    "Customer": _CUSTOMER,
    "Company": {
        "updatedAt": lambda company, _: company.created_at,
        "customerSince": lambda company, _: company.created_at,
        "mainContact": lambda company, _: company.contacts[0] if company.contacts else None,
        "contacts": lambda company, _, **page: listed(company.contacts, **page),
        "contactsCount": lambda company, _: count(len(company.contacts)),
        "locations": lambda company, _, **page: listed(company.locations, **page),
        "locationsCount": lambda company, _: count(len(company.locations)),
        "ordersCount": lambda company, info: count(len(_bought(info, 0, company.id))),
        "totalSpent": lambda company, info: _spent(_bought(info, 0, company.id), info),
    },
    "CompanyContact": {
        "company": _company_of,
        "customer": lambda one, info: info.context.store.orders.customer(one.customer_id),
        "isMainContact": lambda one, info: _company_of(one, info).contacts[0] is one,
        "locale": constant("de"),
        "updatedAt": lambda one, _: one.created_at,
    },
    "CompanyLocation": {
        "company": _company_of,
        "currency": lambda _, info: info.context.store.options.currency,
        "locale": constant("de"),
        "note": constant(None),
        "phone": constant(None),
        "updatedAt": lambda one, _: one.created_at,
        "ordersCount": lambda one, info: count(len(_bought(info, 1, one.id))),
    },
}

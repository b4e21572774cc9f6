"""Small things as REST wrote them: amounts, addresses, taxes, customers.

Source of all bodies here and in ``bodies``, ``work_bodies``: the samples of Shopify's webhook
reference of 2026-07.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.ids import gid
from integrations.sandbox.shopify.money import Bag, Money, rounded
from integrations.sandbox.shopify.orders.customers import Customer
from integrations.sandbox.shopify.orders.models import Address, Allocation, Duty, TaxLine

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

Body = dict[str, Any]


def text(amount: Money) -> str:
    """With the currency's decimals: ``19.90``, ``1200``."""
    return f"{rounded(amount.amount, amount.currency):f}"


def money_set(bag: Bag) -> Body:
    return {
        "shop_money": {"amount": text(bag.shop), "currency_code": bag.shop.currency},
        "presentment_money": {
            "amount": text(bag.presentment),
            "currency_code": bag.presentment.currency,
        },
    }


def priced(name: str, bag: Bag) -> Body:
    """A price and its set of both currencies."""
    return {name: text(bag.shop), f"{name}_set": money_set(bag)}


def address(one: Address | None) -> Body | None:
    if one is None:
        return None
    return {
        "first_name": one.first_name or None,
        "address1": one.address1 or None,
        "phone": one.phone or None,
        "city": one.city or None,
        "zip": one.zip or None,
        "province": one.province or None,
        "country": one.country or None,
        "last_name": one.last_name or None,
        "address2": one.address2 or None,
        "company": one.company or None,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "name": f"{one.first_name} {one.last_name}".strip(),
        "country_code": one.country_code or None,
        "province_code": one.province_code or None,
    }


def tax_lines(rows: Sequence[TaxLine]) -> list[Body]:
    return [
        {
            "channel_liable": False,
            **priced("price", row.price),
            "rate": float(row.rate),
            "title": row.title,
        }
        for row in rows
    ]


def allocations(rows: Sequence[Allocation]) -> list[Body]:
    return [
        {**priced("amount", row.amount), "discount_application_index": row.index} for row in rows
    ]


def duty(one: Duty) -> Body:
    return {
        "id": str(one.id),
        "harmonized_system_code": one.harmonized_system_code,
        "country_code_of_origin": one.country_code_of_origin,
        "shop_money": money_set(one.price)["shop_money"],
        "presentment_money": money_set(one.price)["presentment_money"],
        "tax_lines": tax_lines(one.tax_lines),
        "admin_graphql_api_id": gid("Duty", one.id),
    }


def customer(store: ShopStore, one: Customer) -> Body:
    """As an order carries it."""
    return {
        "id": one.id,
        "created_at": store.clock.local(one.created_at),
        "updated_at": store.clock.local(one.updated_at),
        "first_name": one.first_name or None,
        "last_name": one.last_name or None,
        "state": one.state.lower(),
        "note": one.note,
        "verified_email": one.verified_email,
        "multipass_identifier": None,
        "tax_exempt": one.tax_exempt,
        "email": one.email or None,
        "phone": one.phone or None,
        "currency": store.options.currency,
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", one.id),
        "default_address": _home(one, one.address),
    }


def whole_customer(store: ShopStore, number: int) -> Body:
    """customers/create, customers/update."""
    one = store.orders.customer(number)
    if one is None:
        raise KeyError(number)
    body = customer(store, one)
    return body | {"addresses": [body["default_address"]]}


def _home(one: Customer, home: Address) -> Body:
    shown = address(home) or {}
    plain = {key: shown[key] for key in shown if key not in ("latitude", "longitude")}
    return {
        "id": home.id,
        "customer_id": one.id,
        **plain,
        "country_name": home.country or None,
        "default": True,
    }


def number(amount: Money) -> float | int:
    """Where REST wrote a number and not a text; whole ones without decimals."""
    value = rounded(amount.amount, amount.currency)
    return int(value) if value == value.to_integral_value() else float(Decimal(value))

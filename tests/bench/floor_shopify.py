"""Shopify's orders as the floor takes them: the answers the hub is given, typed decoding, nothing
else. The query is the hub's own, so that both read the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import requests

from integrations.shopify.operations import operation
from tests.bench.platforms import SHOPIFY_TOKEN, Row

ADDRESS = "/admin/api/2026-07/graphql.json"
PAGE = 150
# What the hub asks for, connected with all scopes to a store with one location.
VARIABLES = {
    "assigned": False,
    "customers": True,
    "keys": [],
    "withKeys": False,
    "returns": True,
}


class Camel(msgspec.Struct, rename="camel"):
    pass


class Money(Camel):
    amount: str


class Bag(Camel):
    shop_money: Money


class Line(Camel):
    id: str
    quantity: int
    original_unit_price_set: Bag
    name: str | None = None
    sku: str | None = None


class Lines(Camel):
    nodes: list[Line]


class Place(Camel):
    name: str | None = None
    city: str | None = None
    zip: str | None = None
    country: str | None = msgspec.field(default=None, name="countryCodeV2")


class Order(Camel):
    legacy_resource_id: str
    name: str
    display_financial_status: str
    currency_code: str
    total_price_set: Bag
    total_tax_set: Bag
    created_at: str
    updated_at: str
    processed_at: str
    line_items: Lines
    email: str | None = None
    phone: str | None = None
    billing_address: Place | None = None


class PageInfo(Camel):
    has_next_page: bool
    end_cursor: str | None = None


class Orders(Camel):
    nodes: list[msgspec.Raw]
    page_info: PageInfo


class Data(Camel):
    orders: Orders


class Envelope(Camel):
    data: Data


_decoder = msgspec.json.Decoder(Order)
_envelope = msgspec.json.Decoder(Envelope)
_NOWHERE = Place()


def pages(session: requests.Session, store_url: str) -> Iterator[list[bytes]]:
    session.headers["X-Shopify-Access-Token"] = SHOPIFY_TOKEN
    asked = {**VARIABLES, "first": PAGE, "query": "", "sortKey": "CREATED_AT", "after": None}
    text = operation("orders").text
    while True:
        body = {"query": text, "variables": asked}
        answer = session.post(store_url + ADDRESS, json=body, timeout=30)
        found = _envelope.decode(answer.content).data.orders
        if found.nodes:
            yield [bytes(raw) for raw in found.nodes]
        if not found.page_info.has_next_page:
            return
        asked["after"] = found.page_info.end_cursor


def rows(raw: bytes, digest: bytes) -> tuple[Row, list[Row]]:
    order = _decoder.decode(raw)
    who = order.billing_address or _NOWHERE
    number = int(order.legacy_resource_id)
    row = (
        number,
        order.name,
        order.display_financial_status,
        order.currency_code,
        order.total_price_set.shop_money.amount,
        order.total_tax_set.shop_money.amount,
        order.created_at,
        order.updated_at,
        order.processed_at,
        who.name,
        order.email,
        order.phone,
        who.country,
        who.city,
        who.zip,
        digest,
    )
    return row, [
        (number, int(x.id.rpartition("/")[2]), x.sku, x.name, x.quantity,
         x.original_unit_price_set.shop_money.amount, None)
        for x in order.line_items.nodes
    ]  # fmt: skip

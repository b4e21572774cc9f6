"""WooCommerce's orders as the floor takes them: typed decoding, nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import requests

from tests.bench.platforms import WOO_KEY, WOO_SECRET, Row

LISTS = "/wp-json/wc/v3/orders"
PAGE = 100


class Line(msgspec.Struct):
    id: int
    name: str
    quantity: int
    total: str
    total_tax: str
    sku: str | None = None


class Place(msgspec.Struct):
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    country: str = ""
    city: str = ""
    postcode: str = ""


class Order(msgspec.Struct):
    id: int
    number: str
    status: str
    currency: str
    total: str
    total_tax: str
    date_created_gmt: str
    date_modified_gmt: str
    billing: Place
    line_items: list[Line]
    date_paid_gmt: str | None = None


_decoder = msgspec.json.Decoder(Order)


def pages(session: requests.Session, store_url: str) -> Iterator[list[bytes]]:
    session.auth = (WOO_KEY, WOO_SECRET)
    offset = 0
    while True:
        answer = session.get(
            store_url + LISTS,
            params={"orderby": "id", "order": "asc", "per_page": PAGE, "offset": offset, "dp": 6},
            timeout=30,
        )
        raws = msgspec.json.decode(answer.content, type=list[msgspec.Raw])
        if raws:
            yield [bytes(raw) for raw in raws]
        if len(raws) < PAGE:
            return
        offset += PAGE


def rows(raw: bytes, digest: bytes) -> tuple[Row, list[Row]]:
    order = _decoder.decode(raw)
    who = order.billing
    row = (
        order.id,
        order.number,
        order.status,
        order.currency,
        order.total,
        order.total_tax,
        f"{order.date_created_gmt}Z",
        f"{order.date_modified_gmt}Z",
        f"{order.date_paid_gmt}Z" if order.date_paid_gmt else None,
        f"{who.first_name} {who.last_name}",
        who.email,
        who.phone,
        who.country,
        who.city,
        who.postcode,
        digest,
    )
    return row, [
        (order.id, x.id, x.sku, x.name, x.quantity, x.total, x.total_tax) for x in order.line_items
    ]

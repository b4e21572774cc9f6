"""The floor: the same orders from the same store into PostgreSQL by the shortest code that keeps
them, without any product. Typed decoding, COPY into a staging table, one upsert a page.

It keeps what the hub keeps of every order (columns, lines, the compressed raw payload) and nothing
else: no judgement, no stock, no timeline, no sealing, no accounts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import lz4.block
import msgspec
import psycopg
import requests

from tests.bench.store import KEY, LISTS, SECRET

PAGE = 100
_TABLES = """
DROP TABLE IF EXISTS bench_order, bench_line, bench_raw;
CREATE TABLE bench_order (
    id bigint PRIMARY KEY, number text, status text, currency text, total numeric(20, 6),
    tax numeric(20, 6), created timestamptz, modified timestamptz, paid timestamptz,
    name text, email text, phone text, country text, city text, postcode text, digest bytea);
CREATE INDEX ON bench_order (modified);
CREATE INDEX ON bench_order (created DESC, id DESC);
CREATE TABLE bench_line (
    order_id bigint, id bigint, sku text, name text, quantity int, total numeric(20, 6),
    tax numeric(20, 6), PRIMARY KEY (order_id, id));
CREATE TABLE bench_raw (order_id bigint PRIMARY KEY, body bytea);
"""
_ORDER = [
    *("id", "number", "status", "currency", "total", "tax", "created", "modified", "paid"),
    *("name", "email", "phone", "country", "city", "postcode", "digest"),
]
_LINE = ["order_id", "id", "sku", "name", "quantity", "total", "tax"]


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


def load(store_url: str, database_url: str, *, fresh: bool) -> int:
    """Read all orders by creation and keep them; return how many were written."""
    written = 0
    with psycopg.connect(database_url) as connection, requests.Session() as session:
        session.auth = (KEY, SECRET)
        if fresh:
            connection.execute(_TABLES)
            connection.commit()
        for raws in _pages(session, store_url):
            written += _keep(connection, raws)
            connection.commit()
    return written


def _pages(session: requests.Session, store_url: str) -> Iterator[list[bytes]]:
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


def _keep(connection: psycopg.Connection[Any], raws: list[bytes]) -> int:
    orders = [(_decoder.decode(raw), hashlib.blake2b(raw, digest_size=16).digest(), raw)
              for raw in raws]  # fmt: skip
    ids = [order.id for order, _, _ in orders]
    known = dict(connection.execute("SELECT id, digest FROM bench_order WHERE id = ANY(%s)", [ids]))
    todo = [row for row in orders if known.get(row[0].id) != row[1]]
    if todo:
        _copy(connection, "bench_order", _ORDER, [_order_row(*row) for row in todo])
        _copy(connection, "bench_line", _LINE, [row for x, _, _ in todo for row in _lines(x)])
        raw_rows = [(x.id, lz4.block.compress(raw)) for x, _, raw in todo]
        _copy(connection, "bench_raw", ["order_id", "body"], raw_rows)
    return len(todo)


def _copy(
    connection: psycopg.Connection[Any], table: str, columns: list[str], rows: list[tuple[Any, ...]]
) -> None:
    """Into a staging table by COPY, from there by one upsert."""
    key = "id" if table == "bench_order" else "order_id" if table == "bench_raw" else "order_id, id"
    names = ", ".join(columns)
    sets = ", ".join(f"{c} = excluded.{c}" for c in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE IF NOT EXISTS s_{table} (LIKE {table}) ON COMMIT DELETE ROWS"
        )
        with cursor.copy(f"COPY s_{table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM s_{table} "  # noqa: S608 - constants
            f"ON CONFLICT ({key}) DO UPDATE SET {sets}"
        )


def _order_row(order: Order, digest: bytes, _raw: bytes) -> tuple[Any, ...]:
    who = order.billing
    return (
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


def _lines(order: Order) -> list[tuple[Any, ...]]:
    return [
        (order.id, x.id, x.sku, x.name, x.quantity, x.total, x.total_tax) for x in order.line_items
    ]

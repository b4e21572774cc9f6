"""The floor: the same orders from the same store into PostgreSQL by the shortest code that keeps
them, without any product. Typed decoding, COPY into a staging table, one upsert a page.

It keeps what the hub keeps of every order (columns, lines, the compressed raw payload) and nothing
else: no judgement, no stock, no timeline, no sealing, no accounts.
"""

from __future__ import annotations

import hashlib
from typing import Any

import lz4.block
import psycopg
import requests

from tests.bench.platforms import PLATFORMS, Platform, Row

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


def load(platform: str, store_url: str, database_url: str, *, fresh: bool) -> int:
    """Read all orders by creation and keep them; return how many were written."""
    leg, written = PLATFORMS[platform], 0
    with psycopg.connect(database_url) as connection, requests.Session() as session:
        if fresh:
            connection.execute(_TABLES)
            connection.commit()
        for raws in leg.pages(session, store_url):
            written += _keep(leg, connection, raws)
            connection.commit()
    return written


def _keep(leg: Platform, connection: psycopg.Connection[Any], raws: list[bytes]) -> int:
    orders: list[Row] = []
    lines: dict[int, list[Row]] = {}
    raw_by_id: dict[int, bytes] = {}
    for raw in raws:
        row, below = leg.rows(raw, hashlib.blake2b(raw, digest_size=16).digest())
        orders.append(row)
        lines[row[0]], raw_by_id[row[0]] = below, raw
    known = dict(
        connection.execute("SELECT id, digest FROM bench_order WHERE id = ANY(%s)", [list(lines)])
    )
    todo = [row for row in orders if known.get(row[0]) != row[-1]]
    if todo:
        _copy(connection, "bench_order", _ORDER, todo)
        _copy(connection, "bench_line", _LINE, [line for row in todo for line in lines[row[0]]])
        raw_rows = [(row[0], lz4.block.compress(raw_by_id[row[0]])) for row in todo]
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

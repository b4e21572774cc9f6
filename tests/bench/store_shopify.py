"""Shopify's lists of orders cut from nodes that were answered beforehand; all else is answered by
the simulator itself. Points are no matter: on the largest plan, with lists that cost next to
nothing, a reader is never told to wait. An export of all orders is refused, so that pages are read.
"""

from __future__ import annotations

import json
import re
import time
from bisect import bisect_left
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from integrations.sandbox.server import Incoming
from integrations.sandbox.shopify.app import App
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.store import ShopStore
from integrations.sandbox.shopify.wire import Answer, Request
from integrations.shopify.operations import operation
from tests.bench.floor_shopify import ADDRESS, VARIABLES, Envelope
from tests.bench.platforms import SHOPIFY_TOKEN

_TERM = re.compile(r"(created_at|updated_at):(>=|<)'([^']*)'")
_FIELDS = {"created_at": "createdAt", "updated_at": "updatedAt"}
_MADE_AT_ONCE = 50
_NO_EXPORT = {"field": None, "message": "Not while pages are measured.", "code": "INVALID"}
_COST = {
    "requestedQueryCost": 1,
    "actualQueryCost": 1,
    "throttleStatus": {
        "maximumAvailable": 40000.0,
        "currentlyAvailable": 39999,
        "restoreRate": 2000.0,
    },
}


class Kept(msgspec.Struct):
    """What a process leaves for the next: making 10,000 nodes takes a minute."""

    seeded_at: int
    nodes: list[bytes]


class Shop:
    def __init__(self, orders: int, kept: Path | None) -> None:
        found = msgspec.msgpack.decode(kept.read_bytes(), type=Kept) if _is_there(kept) else None
        options = StoreOptions(
            orders=orders,
            products=120,
            plan="enterprise",
            is_multi_location=False,
            access_token=SHOPIFY_TOKEN,
            seeded_at=found.seeded_at if found else int(time.time()),
        )
        self._store = ShopStore(options)
        self._app = App(self._store)
        self._text = operation("orders").text
        self._raw: dict[str, bytes] = {}
        nodes = found.nodes if found else self._made()
        if kept and not found:
            kept.write_bytes(msgspec.msgpack.encode(Kept(self._store.seeded_at, nodes)))
        self._times: dict[str, dict[str, str]] = {field: {} for field in _FIELDS.values()}
        for raw in nodes:
            self._put(raw)
        self._sort()

    def open(self, url: str) -> None:
        self._store.url = url

    def answer(self, incoming: Incoming) -> Answer:
        asked = json.loads(incoming.body) if incoming.path == ADDRESS else {}
        query = asked.get("query", "")
        if "orders(first: $first" in query and "OrderFields" in query:
            return self._list(query, asked["variables"])
        if "bulkOperationRunQuery" in query:
            refused = {"bulkOperation": None, "userErrors": [_NO_EXPORT]}
            return self._told({"bulkOperationRunQuery": refused})
        return self._app.answer(
            Request(
                method=incoming.method,
                path=incoming.path,
                raw_query=incoming.raw_query,
                headers=incoming.headers,
                body=incoming.body,
            )
        )

    def edit(self, percent: float) -> int:
        chosen = list(self._raw)[:: max(1, round(100 / percent))]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for key in chosen:
            node = json.loads(self._raw[key])
            self._put(json.dumps(node | {"note": f"Changed at {now}", "updatedAt": now}).encode())
        self._sort()
        return len(chosen)

    def _list(self, query: str, asked: dict[str, Any]) -> Answer:
        about = {name: asked[name] for name in VARIABLES}
        if query != self._text or about != VARIABLES:
            return Answer(500, {"errors": f"The bench has other orders than {about}."})
        field = "updatedAt" if asked["sortKey"] == "UPDATED_AT" else "createdAt"
        keys = self._sorted[field]
        low, high = 0, len(keys)
        for name, sign, when in _TERM.findall(asked["query"]):
            assert _FIELDS[name] == field
            place = bisect_left(keys, (when, ""))
            low, high = (place, high) if sign == ">=" else (low, place)
        if asked["after"]:
            low = bisect_left(keys, tuple(json.loads(asked["after"]))) + 1
        page = keys[low : min(high, low + asked["first"])]
        has_next = low + len(page) < high
        info = {"hasNextPage": has_next, "endCursor": json.dumps(page[-1]) if page else None}
        nodes = [msgspec.Raw(self._raw[key]) for _, key in page]
        return self._told({"orders": {"pageInfo": info, "nodes": nodes}})

    def _told(self, data: dict[str, Any]) -> Answer:
        told = {"data": data, "extensions": {"cost": _COST}}
        version = ("X-Shopify-API-Version", "2026-07")
        kind = ("Content-Type", "application/json; charset=utf-8")
        return Answer(headers=[kind, version], body=msgspec.json.encode(told))

    def _made(self) -> list[bytes]:
        """All nodes, as the simulator answers the hub's own question."""
        asked = {**VARIABLES, "first": _MADE_AT_ONCE, "query": "", "sortKey": "CREATED_AT"}
        made: list[bytes] = []
        after: str | None = None
        while True:
            self._store.buckets.clear()  # full again
            body = json.dumps({"query": self._text, "variables": {**asked, "after": after}})
            headers = {"x-shopify-access-token": SHOPIFY_TOKEN, "content-type": "application/json"}
            answer = self._app.answer(
                Request(method="POST", path=ADDRESS, headers=headers, body=body.encode())
            )
            found = msgspec.json.decode(answer.content(), type=Envelope).data.orders
            made += [bytes(raw) for raw in found.nodes]
            after = found.page_info.end_cursor
            if not found.page_info.has_next_page:
                return made

    def _put(self, raw: bytes) -> None:
        node = json.loads(raw)
        self._raw[node["id"]] = raw
        for field, times in self._times.items():
            times[node["id"]] = node[field]

    def _sort(self) -> None:
        self._sorted = {
            field: sorted((when, key) for key, when in times.items())
            for field, times in self._times.items()
        }


def _is_there(kept: Path | None) -> bool:
    return kept is not None and kept.exists()

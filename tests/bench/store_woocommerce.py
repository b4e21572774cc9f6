"""WooCommerce's lists of orders cut from documents that were encoded beforehand; all else is
answered by the simulator itself.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from integrations.sandbox.server import Incoming
from integrations.sandbox.woocommerce import shapes
from integrations.sandbox.woocommerce.app import App
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Request, encode
from tests.bench.floor_woocommerce import LISTS
from tests.bench.platforms import WOO_KEY, WOO_SECRET


class Shop:
    """``kept`` is of no use here: the orders are soon made."""

    def __init__(self, orders: int, kept: Path | None) -> None:
        options = StoreOptions(
            orders=orders,
            products=120,
            timezone="UTC",
            consumer_key=WOO_KEY,
            consumer_secret=WOO_SECRET,
            serves_plain_http_as_tls=True,
        )
        self._store = WooStore(options)
        self._app = App(self._store)
        self._shelf = Shelf(self._store)
        self.edit = self._shelf.edit

    def open(self, url: str) -> None:
        self._store.home_url = f"{url}/"

    def answer(self, incoming: Incoming) -> Answer:
        if incoming.method == "GET" and incoming.path == LISTS:
            return self._list(incoming.raw_query)
        return self._app.answer(
            Request(
                method=incoming.method,
                path=incoming.path,
                raw_path=incoming.raw_path,
                raw_query=incoming.raw_query,
                headers=incoming.headers,
                body=incoming.body,
                is_tls=incoming.is_tls,
            )
        )

    def _list(self, raw_query: str) -> Answer:
        query = {name: values[-1] for name, values in parse_qs(raw_query).items()}
        page, total = self._shelf.cut(query)
        if query.get("_fields") == "id":
            body = json.dumps([{"id": key} for key in page]).encode()
        else:
            body = b"[" + b",".join(self._shelf.raw[key] for key in page) + b"]"
        headers = [
            ("Content-Type", "application/json; charset=UTF-8"),
            ("X-WP-Total", str(total)),
            ("X-WP-TotalPages", str(-(-total // int(query.get("per_page", 10))))),
        ]
        return Answer(200, headers=headers, body=body)


class Shelf:
    """All orders as encoded JSON, with the columns lists are cut by. Times are epoch seconds."""

    def __init__(self, store: WooStore) -> None:
        self._store = store
        self.ids = sorted(store.orders.ids())
        self.raw: dict[int, bytes] = {}
        self.created: dict[int, int] = {}
        self.modified: dict[int, int] = {}
        for order_id in self.ids:
            self._put(order_id)
        self._sort()

    def _put(self, order_id: int) -> None:
        order = self._store.orders.get(order_id)
        assert order is not None
        self.raw[order_id] = encode(shapes.order_document(self._store, order, 6))
        self.created[order_id], self.modified[order_id] = order.created, order.modified

    def _sort(self) -> None:
        self.by_change = sorted((when, key) for key, when in self.modified.items())

    def edit(self, percent: float) -> int:
        """Change every n-th order, now, as a customer's note does."""
        chosen = self.ids[:: max(1, round(100 / percent))]
        now = int(time.time())
        for order_id in chosen:
            document = json.loads(self.raw[order_id])
            stamp = datetime.fromtimestamp(now, UTC).replace(tzinfo=None).isoformat()
            document["customer_note"] = f"Changed at {now}"
            document["date_modified_gmt"] = stamp
            self.raw[order_id] = encode(document)
            self.modified[order_id] = now
        self._sort()
        return len(chosen)

    def cut(self, query: dict[str, str]) -> tuple[list[int], int]:
        """Ids of a page and the count of all that match: by change, by place, or by id."""
        if query.get("include"):
            wanted = [int(x) for x in query["include"].split(",")]
            found = [x for x in wanted if x in self.raw]
        elif query.get("orderby") == "modified":
            low = bisect_right(self.by_change, (_epoch(query, "modified_after", 0), 1 << 60))
            high = bisect_left(self.by_change, (_epoch(query, "modified_before", 1 << 40), 0))
            found = [key for _, key in self.by_change[low:high]]
        else:
            after, before = _epoch(query, "after", 0), _epoch(query, "before", 1 << 40)
            found = [x for x in self.ids if after < self.created[x] < before]
        size = int(query.get("per_page", 10))
        start = int(query.get("offset") or (int(query.get("page", 1)) - 1) * size)
        return found[start : start + size], len(found)


def _epoch(query: dict[str, str], name: str, default: int) -> int:
    value: Any = query.get(name)
    return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()) if value else default

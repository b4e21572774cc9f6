"""Shopify's past in both ways: ``python -m tests.bench.bulk --orders 10000``.

One simulated store, one database, two merchants: the first reads it by pages, the second by a bulk
operation. All rows are compared (``tests.integrations.shopify.rows``), and seconds, points and
calls printed. Exits with 1 where a row differs. Needs PostgreSQL (``BENCH_POSTGRES``); makes a
database of its own and drops it.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

SERVER = os.environ.get("BENCH_POSTGRES", "postgres://postgres@127.0.0.1:5432")
PLAN_RATE = 100.0
SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    asked = parser.parse_args()
    with database() as url:
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "logix.settings",
            "LOGIX_LOG_LEVEL": "WARNING",
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"],
            check=True,
        )
        import django

        django.setup()
        return compared(asked.orders)


def compared(orders: int) -> int:
    from tests.integrations.shopify import rows
    from tests.integrations.shopify.exports import exporting

    began = time.perf_counter()
    with exporting(orders=orders, products=200, history_days=700, bulk_s=0.0) as shop:
        say(f"A store with {orders} orders was made in {time.perf_counter() - began:.0f} s")
        by_pages = Leg("by pages", shop, whole_from=0)
        by_bulk = Leg("in bulk", shop, whole_from=1)
        say(
            "| way | orders/s | s | of it the store prepares | calls | points | s on the smallest "
            "plan | peak MB |\n|---|---|---|---|---|---|---|---|"
        )
        for leg in (by_pages, by_bulk):
            leg.read()
            say(leg.line())
        one, other = rows.rows_of(by_pages.store), rows.rows_of(by_bulk.store)
    differing = {name: _differing(found, other[name]) for name, found in one.items()}
    counts = ", ".join(f"{len(found)} {name}" for name, found in one.items())
    say(f"\nCompared: {counts}; {rows.columns_of()} columns. Differing: {sum(differing.values())}")
    return 1 if any(differing.values()) else 0


class Leg:
    """One way of reading, as a merchant of its own whose products are here."""

    def __init__(self, name: str, shop: Any, *, whole_from: int) -> None:
        from integrations.shopify.service import ShopifyIntegration
        from tests.factories import make_merchant, make_store

        self.name, self.shop = name, shop
        self.card = dataclasses.replace(ShopifyIntegration.card, whole_from=whole_from)
        self.store = make_store(
            make_merchant(f"bulk{whole_from}"),
            platform="shopify",
            base_url=shop.url,
            stock_since=SINCE,
        )
        self.points: Counter[str] = Counter()
        self.calls = 0
        self.seconds = self.waited = 0.0

    def read(self) -> None:
        from integrations import authentication, sync
        from integrations.models import SyncRun
        from integrations.shopify.service import ShopifyIntegration
        from logix.common import bell

        ShopifyIntegration.card = self.card
        authentication.adapter_for = self._adapter  # type: ignore[assignment]
        bell.publish = lambda *args, **options: True  # type: ignore[assignment]
        products = self.store.streams.get(name="products")
        while sync.run_stream(products.pk):
            pass
        self.points.clear()
        self.calls = 0
        run = sync.request_run(self.store, kind="backfill", since=SINCE, actor="system")
        assert run is not None
        began = time.perf_counter()
        while run.is_live:
            at = time.perf_counter()
            if not sync.run_slice(run.pk):
                run.refresh_from_db()
                if run.state == "waiting":
                    self.shop.shop.store.finish(3600)
                    self.waited += time.perf_counter() - at
                    SyncRun.objects.filter(pk=run.pk).update(state="running")
            run.refresh_from_db()
        self.seconds = time.perf_counter() - began
        assert (run.state, run.problem) == ("completed", ""), (run.state, run.problem)

    @contextmanager
    def _adapter(self, _store: Any, **_options: Any) -> Iterator[Any]:
        adapter = self.shop.adapter_with()
        post = adapter.client._post

        def noted(operation: Any, *args: Any, **options: Any) -> Any:
            answer = post(operation, *args, **options)
            self.calls += 1
            self.points[operation.name] += answer.json()["extensions"]["cost"]["actualQueryCost"]
            return answer

        adapter.client._post = noted
        yield adapter

    def line(self) -> str:
        from orders.models import Order

        points = sum(self.points.values())
        orders = Order.objects.filter(store=self.store).count()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        told = ", ".join(f"{name} {n}" for name, n in self.points.most_common(4))
        return (
            f"| {self.name} | {orders / self.seconds:,.0f} | {self.seconds:.0f} "
            f"| {self.waited:.0f} | {self.calls} | {points} ({told}) "
            f"| {points / PLAN_RATE:.0f} | {peak:.0f} |"
        )


def _differing(one: list[Any], other: list[Any]) -> int:
    if one == other:
        return 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            say(f"  {mine}\n  {theirs}")
            break
    return max(len(one), len(other)) - sum(a == b for a, b in zip(one, other, strict=False))


@contextmanager
def database() -> Iterator[str]:
    name = f"logix_bulk_{os.getpid()}"
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{SERVER}/{name}"
    finally:
        with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what this is for


if __name__ == "__main__":
    sys.exit(main())

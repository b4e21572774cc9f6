"""One sale in many stores: ``python -m tests.bench.sale --skus 50000 --stores 6``.

Simulated WooCommerce stores that sell the same SKUs, and a hub of real processes. The first is read
by the hub. The others are the same store again, so what the hub knows of it is written down for
them as well, which saves an hour of reading. Items are bought one by one, first while nothing else
happens, then while every store is compared with what is kept of it: how long until all other stores
were told? Then, without the processes, what a sale costs: statements and seconds from the order to
the last store. Exits with 1 where a store was told later than ``LIMIT_S``.

Needs PostgreSQL (``BENCH_POSTGRES``) and a broker (``BENCH_BROKER``); makes a database of its own
and drops it, sends to loopback only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from tests.bench.bulk import database, say

BROKER = os.environ.get("BENCH_BROKER", "redis://127.0.0.1:6379/14")
LIMIT_S = 30.0
KEY, SECRET = "ck_" + "c" * 40, "cs_" + "d" * 40
_READ_WITHIN_S, _TOLD_WITHIN_S = 3_600.0, 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", type=int, default=50_000)
    parser.add_argument("--stores", type=int, default=6)
    parser.add_argument("--sales", type=int, default=10)
    asked = parser.parse_args()
    with database() as url:
        os.environ |= {
            "DATABASE_URL": url,
            "TEST_DATABASE_URL": url,
            "CELERY_BROKER_URL": BROKER,
            "TEST_BROKER_URL": BROKER,
            "DJANGO_SETTINGS_MODULE": "logix.settings",
            "LOGIX_LOG_LEVEL": "WARNING",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        import django

        django.setup()
        return measured(asked.skus, asked.stores, asked.sales)


def measured(skus: int, count: int, sales: int) -> int:
    from django.test import override_settings

    from integrations import reconcile, schedule
    from integrations.models import Reconciliation, Store
    from tests.services.hub import Hub, until

    with ExitStack() as stack:
        urls = [stack.enter_context(Shop(number, skus)) for number in range(count)]
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        schedule.ensure()
        with Hub(logs) as hub, override_settings(LOGIX_PUBLIC_URL=hub.url):
            began = time.monotonic()
            first = _connected(urls[0])
            until(
                lambda: (
                    not Store.objects.filter(stock_opened_at=None).exists() and _nothing_waits()
                ),
                _READ_WITHIN_S,
                "the first store is read",
            )
            say(f"{_listings()} listings were read after {time.monotonic() - began:.0f} s")
            stores = [
                first,
                *(_as_known(first, _connected(url, listens=False)) for url in urls[1:]),
            ]
            until(_nothing_waits, _READ_WITHIN_S, "every store is in step")
            say(f"{_listings()} listings in {count} stores after {time.monotonic() - began:.0f} s")
            items = iter(_sold_everywhere(stores, 3 * sales))
            say("| meanwhile | sales | median s | longest s |\n|---|---|---|---|")
            longest = [_told(stores, urls, items, sales, "nothing")]
            runs = [reconcile.request(store, actor="user:anna").pk for store in stores]
            longest.append(_told(stores, urls, items, sales, "every store is compared"))
            live = Reconciliation.objects.filter(pk__in=runs, state__in=["queued", "running"])
            say(f"Of the comparisons {live.count()} of {count} were still running then.")
        _cost(stores, urls, items, sales)
    return int(max(longest) > LIMIT_S)


class Shop:
    """A simulated store as a process of its own: ``with Shop(0, 50000) as url``."""

    def __init__(self, number: int, products: int) -> None:
        self.url = f"http://127.0.0.1:{18_700 + number}"
        self._arguments = [
            *(sys.executable, "manage.py", "sandbox", "--platform=woocommerce", "--orders=5"),
            *(f"--port={18_700 + number}", f"--products={products}"),
            *(f"--key={KEY}", f"--secret={SECRET}"),
        ]

    def __enter__(self) -> str:
        self._child = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with urlopen(f"{self.url}/", timeout=5):  # noqa: S310 - loopback
                    return self.url
            except OSError:
                time.sleep(0.2)
        raise TimeoutError(f"{self.url} does not answer.")

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait(30)


def _connected(url: str, *, listens: bool = True) -> Any:
    from integrations import connect
    from logix.accounts.models import Merchant

    merchant, _ = Merchant.objects.get_or_create(name="Acme", slug="acme")
    return connect.connect_store(
        merchant=merchant,
        platform="woocommerce",
        base_url=url,
        credentials={"consumer_key": KEY, "consumer_secret": SECRET},
        options={"calls_per_s": 50},
        auto_sync=listens,
        writes_enabled=True,
        actor="user:anna",
    )


def _as_known(first: Any, store: Any) -> Any:
    """As if all of it had been read and told: it is the first store once more."""
    from django.db import transaction
    from django.utils import timezone

    from integrations import connect
    from integrations.models import Push, Store, Stream
    from inventory.models import Listing

    with transaction.atomic():
        _copied(Listing, "row.store_id = %s", [first.pk], {"store_id": "%s"}, [store.pk])
        _copied(
            Push,
            "row.store_id = %s",
            [first.pk],
            {
                "store_id": "%s",
                "listing_id": """(SELECT own.id FROM inventory_listing own
                    JOIN inventory_listing theirs
                    USING (external_product_id, external_variant_id)
                    WHERE own.store_id = %s AND theirs.id = row.listing_id)""",
            },
            [store.pk, store.pk],
        )
        Store.objects.filter(pk=store.pk).update(stock_opened_at=timezone.now())
        for name, at in Stream.objects.filter(store=first).values_list("name", "read_through"):
            Stream.objects.filter(store=store, name=name).update(read_through=at)
    store.refresh_from_db()
    connect.change_store(store, auto_sync=True, actor="user:anna")
    return store


def _copied(
    model: Any, which: str, named: list[Any], changes: dict[str, str], values: list[Any]
) -> None:
    """Its rows once more, with ids of their own and these columns."""
    from django.db import connection

    changes = {"id": "gen_random_uuid()", **changes}
    columns = [field.column for field in model._meta.concrete_fields]
    chosen = ", ".join(changes.get(name, f"row.{name}") for name in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} "  # noqa: S608 - names come from models
            f"FROM {table} row WHERE {which}",
            [*values, *named],
        )


def _nothing_waits() -> bool:
    from integrations.models import Push

    return not Push.objects.filter(state__in=["ready", "busy"]).exists()


def _listings() -> int:
    from inventory.models import Listing

    return Listing.objects.count()


def _sold_everywhere(stores: list[Any], count: int) -> list[str]:
    """SKUs that every store lists, of which there are some."""
    from django.db.models import Count

    from inventory.models import Listing

    rows = Listing.objects.filter(
        store__in=stores, gone_at=None, link_problem="", seen_quantity__gt=5, is_listed=True
    ).exclude(variant=None)
    found = rows.values("sku").annotate(n=Count("store", distinct=True)).filter(n=len(stores))
    return list(found.order_by("?").values_list("sku", flat=True)[:count])


def _told(stores: list[Any], urls: list[str], items: Any, sales: int, what: str) -> float:
    """Seconds from the sale to the last other store, of each; the longest."""
    from integrations.models import Push
    from tests.services.hub import until

    took = []
    for number in range(sales):
        sku, seller = next(items), number % len(stores)
        others = Push.objects.filter(listing__sku=sku).exclude(store=stores[seller])
        at = time.time()
        _buy(urls[seller], sku)
        until(
            lambda others=others, at=at: len(_since(others, at)) == len(stores) - 1,
            _TOLD_WITHIN_S,
            f"{sku} is told to every store",
        )
        took.append(max(_since(others, at)) - at)
    say(f"| {what} | {sales} | {median(took):.1f} | {max(took):.1f} |")
    return max(took)


def _since(pushes: Any, at: float) -> list[float]:
    rows = pushes.values_list("pushed_at", flat=True)
    return [told.timestamp() for told in rows if told and told.timestamp() > at]


def _cost(stores: list[Any], urls: list[str], items: Any, sales: int) -> None:
    """Of a sale whose order is fetched and told to all stores in this process."""
    from django.db import connection
    from django.db.models.functions import Now
    from django.test.utils import CaptureQueriesContext

    from integrations import outbox, sync
    from integrations.models import Push

    statements, seconds, asked = [], [], []
    for _ in range(sales):
        order_id = _buy(urls[0], next(items))
        began = time.process_time()
        with CaptureQueriesContext(connection) as found:
            sync.refetch_order(stores[0], external_id=order_id, actor="user:anna")
            Push.objects.filter(state="ready").update(next_at=Now())
            for store in stores:
                outbox.send_pushes(store.pk)
        seconds.append(time.process_time() - began)
        statements.append(len(found))
        asked.append(sum(float(query["time"]) for query in found.captured_queries))
    say(
        f"A sale costs {median(statements):.0f} statements, {1000 * median(asked):.0f} ms in the "
        f"database and {1000 * median(seconds):.0f} ms of CPU here."
    )


def _buy(url: str, sku: str) -> str:
    """The order's id."""
    request = Request(  # noqa: S310 - loopback
        f"{url}/_sandbox/api/orders",
        json.dumps({"lines": [[sku, 1]]}).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return str(json.load(answer)["ids"][0])


if __name__ == "__main__":
    sys.exit(main())

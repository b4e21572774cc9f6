"""The hub's side of the benchmark: the product as it runs, on the database that DATABASE_URL names.

``load``: first reading of all orders. ``again``: the same reading once more. ``accept``: makes a
store and its webhook address. Each prints one JSON line.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logix.settings")


def load(platform: str, store_url: str) -> dict[str, Any]:
    """Connect, read the products, then time the first back-fill of the orders."""
    from integrations import connect, sync
    from integrations.models import RunKind, Stream, StreamName, SyncRun
    from logix.accounts.models import Merchant
    from tests.bench.platforms import PLATFORMS

    leg = PLATFORMS[platform]
    merchant = Merchant.objects.create(name="Bench", slug="bench")
    store = connect.connect_store(
        merchant=merchant,
        platform=platform,
        base_url=store_url,
        credentials=leg.credentials,
        options=leg.options,
        auto_sync=False,
        actor="system",
    )
    for name in (StreamName.PRODUCTS, StreamName.ORDERS):
        stream = Stream.objects.get(store=store, name=name)
        while sync.run_stream(stream.pk):
            pass
    orders = Stream.objects.get(store=store, name=StreamName.ORDERS)
    return _timed(SyncRun.objects.get(stream=orders, kind=RunKind.BACKFILL))


def again() -> dict[str, Any]:
    """The whole reading once more, by the same code."""
    from integrations import sync
    from integrations.models import RunKind, Store

    run = sync.request_run(Store.objects.get(), kind=RunKind.BACKFILL, actor="system")
    assert run is not None
    return _timed(run)


def accept() -> dict[str, Any]:
    """The webhook address of the loaded store, and the secret its sender signs with."""
    from django.utils import timezone

    from integrations import authentication
    from integrations.connect import hooks
    from integrations.models import Store
    from logix.accounts import keys
    from webhooks.sealing import secrets_of

    store = Store.objects.get()
    endpoint = hooks.open_endpoint(store)
    token = authentication.open_sealed(
        store, endpoint.token_sealed, "integrations_endpoint", "token_sealed", str(endpoint.pk)
    )
    (secret,) = secrets_of(endpoint, keys.vault(store.data_key_id), now=timezone.now())
    url = authentication.webhook_url(store.platform, token.decode())
    return {"path": url.partition("/api/")[2], "secret": secret.decode()}


def _timed(run: Any) -> dict[str, Any]:
    from integrations import sync
    from orders.models import Order

    wall, cpu = time.perf_counter(), time.process_time()
    while run.is_live:
        sync.run_slice(run.pk)
        run.refresh_from_db()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert run.state == "completed", (run.state, run.problem)
    return {
        "seconds": wall,
        "cpu": cpu,
        "orders": Order.objects.count(),
        "seen": run.seen,
        "changed": run.changed + run.created,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    django.setup()
    legs: dict[str, Any] = {"load": load, "again": again, "accept": accept}
    print(json.dumps(legs[sys.argv[1]](*sys.argv[2:])))  # noqa: T201 - read by the runner

"""Amazon's quotas used up to the last search: ``python -m tests.bench.quota --orders 5000``.

A simulated seller account in three marketplaces whose clock runs ``--scale`` times as fast as ours,
with the rates and bursts of Amazon's models; and the hub with its own limiter, scaled alike. Its
products, the past of its orders and what Amazon keeps are read, while orders are polled every five
minutes of the account. Prints for each operation the calls that were made beside those that the
quota allowed in that time. Exits with 1 where Amazon refused a call for its quota, or an order is
missing. Needs PostgreSQL (``BENCH_POSTGRES``); makes a database of its own and drops it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.bench.bulk import database, say

POLL_S = 300.0
_SLEPT_S = 0.02


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=5_000)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--scale", type=float, default=300.0)
    asked = parser.parse_args()
    with database() as url:
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "logix.settings",
            "LOGIX_LOG_LEVEL": "WARNING",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        import django

        django.setup()
        return measured(asked.orders, asked.products, asked.scale)


def measured(orders: int, products: int, scale: float) -> int:
    from integrations import limits
    from integrations.kit.ratelimit_db import DatabaseLimiter
    from integrations.sandbox.amazon.login import room
    from logix.common import bell
    from tests.integrations.amazon.world import amazon_world

    # All of the hub's rates, those that Amazon tells it among them, are those of the fast clock.
    limits.DatabaseLimiter = partial(DatabaseLimiter, share=scale)  # type: ignore[misc,assignment]
    bell.publish = lambda *_args, **_options: True  # type: ignore[assignment]
    # How often a token is renewed is not what is measured: it ends by the hub's clock.
    room.ACCESS_S = int(room.ACCESS_S * scale)
    options = {"orders": orders, "products": products, "time_scale": scale, "lag_s": 120.0}
    with amazon_world(is_hurried=True, **options) as world:
        say(f"{orders} orders in three marketplaces; the clock runs {scale:g} times as fast")
        began = world.shop.store.clock.exact()
        store = _connected(world)
        polls = _read(store, scale)
        seconds = world.shop.store.clock.exact() - began
        return _told(store, world, seconds, polls)


def _connected(world: Any) -> Any:
    from integrations import connect
    from tests.factories import make_merchant

    return connect.connect_store(
        merchant=make_merchant("quota"),
        platform="amazon",
        base_url=world.url,
        credentials=world.credentials,
        auto_sync=False,
        import_since=datetime.now(UTC) - timedelta(days=365),
        actor="user:anna",
    )


def _read(store: Any, scale: float) -> int:
    """Return how often orders were polled beside the back-fill, as another worker would."""
    from integrations import sync
    from integrations.models import RunKind, Stream, SyncRun

    streams = {row.name: row.pk for row in Stream.objects.filter(store=store)}
    _until_read(streams["products"])
    sync.run_stream(streams["orders"])
    run = SyncRun.objects.get(store=store, kind=RunKind.BACKFILL)
    with _Polls(streams["orders"], POLL_S / scale) as polls:
        while run.is_live:
            sync.run_slice(run.pk, if_due=True)
            time.sleep(_SLEPT_S)
            run.refresh_from_db()
    assert run.state == "completed", (run.state, run.problem)
    _until_read(streams["kept"])
    return polls.count


class _Polls:
    """``with _Polls(stream_id, 1.0)``: the stream is read every so many seconds."""

    def __init__(self, stream_id: int, every_s: float) -> None:
        self.count = 0
        self._stream_id, self._every_s = stream_id, every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> _Polls:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        from django.db import connections

        from integrations import sync

        while not self._over.wait(self._every_s):
            sync.run_stream(self._stream_id)
            self.count += 1
        connections.close_all()


def _until_read(stream_id: int) -> None:
    from integrations import sync
    from integrations.models import Stream

    while Stream.objects.get(pk=stream_id).read_through is None:
        sync.run_stream(stream_id)
        time.sleep(_SLEPT_S)


def _told(store: Any, world: Any, seconds: float, polls: int) -> int:
    from integrations.amazon.platform import CARD
    from orders.models import Order

    quotas = {limit.bucket: limit for limit in CARD.limits}
    say(f"Read in {seconds / 3600:.1f} hours of the account, {polls} polls among it\n")
    say("| operation | calls | of the quota | allowed in that time | refused for it |")
    say("|---|---|---|---|---|")
    refused = 0
    for name, row in sorted(world.shop.store.quotas.counts.items()):
        limit = quotas.get(name)
        if limit is None:
            continue
        allowed = limit.burst + limit.rate * seconds
        share = 100 * row.calls / allowed
        say(f"| {name} | {row.calls} | {share:.0f} % | {allowed:,.0f} | {row.throttled} |")
        refused += row.throttled
    found = set(Order.objects.filter(store=store).values_list("external_id", flat=True))
    missing = world.order_ids() - found
    say(f"\n{len(found)} orders are here, {len(missing)} are missing")
    return int(bool(refused or missing))


if __name__ == "__main__":
    sys.exit(main())

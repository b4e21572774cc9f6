"""Many stock figures by one feed: ``python -m tests.bench.feed --figures 20000``.

A simulated account with so many SKUs, all of them to be told anew; three of them go bad when the
file is on its way. A process of its own gathers, hands over and settles; its seconds and its peak
memory are printed beside those for a tenth of the figures. Exits with 1 where a good figure is not
settled or a bad one not named, or the peak grows. Needs PostgreSQL (``BENCH_POSTGRES``); makes
databases of its own and drops them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench.bulk import database, say

UNITS = 4_711
BAD = 3
# The whole file, its lines and its answers would be several times this.
MOST_GROWTH_MB = 15.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=int, default=20_000)
    parser.add_argument("--step", choices=("prepare", "send"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        say(json.dumps(do_step(asked.step, asked.url)))
        return 0
    found = [measured(figures) for figures in (asked.figures // 10, asked.figures)]
    growth = found[1]["peak_mb"] - found[0]["peak_mb"]
    say(f"The peak grew by {growth:.1f} MB; {MOST_GROWTH_MB:.0f} are allowed.")
    return 0 if growth <= MOST_GROWTH_MB and all(one["right"] for one in found) else 1


def measured(figures: int) -> dict[str, Any]:
    """In a database and an account of their own."""
    from tests.integrations.amazon.world import amazon_world

    with database() as url:
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "logix.settings",
            "LOGIX_LOG_LEVEL": "WARNING",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        options: dict[str, Any] = {"marketplaces": ("A1PA6795UKMFR9",), "feed_s": 4.0}
        with amazon_world(orders=0, products=figures * 2, **options) as world:
            spoil(world)
            skus = world.own_skus()[:figures]
            child("prepare", world.url, skus)
            told: dict[str, Any] = json.loads(child("send", world.url))
            told["shown"] = shown(world)
            told["calls"] = {
                name: world.calls(name)
                for name in ("searchListingsItems", "createFeed", "patchListingsItem")
            }
    told["right"] = (told["settled"], told["shown"], len(told["bad"])) == (
        figures - BAD,
        figures - BAD,
        BAD,
    )
    say(f"{figures} figures: " + ", ".join(f"{name} {value}" for name, value in told.items()))
    return told


def spoil(world: Any) -> None:
    """Some listings go when the file is about to be sent up."""
    real, gone = world.shop.handle, list[Any]()

    def handle(incoming: Any) -> Any:
        if incoming.path.endswith("/documents") and incoming.method == "POST" and not gone:
            listings = world.shop.store.state.listings
            gone.extend(listings.pop(sku) for sku in world.own_skus()[:BAD])
        return real(incoming)

    world.shop.handle = handle


def shown(world: Any) -> int:
    """How many listings show what they were told."""
    with world.shop.store.working():
        return sum(x.quantity == UNITS for x in world.shop.store.state.listings.values())


def child(step: str, url: str, skus: list[str] | None = None) -> str:
    """A process of its own; its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.feed", "--step", step, "--url", url],
        check=True,
        input=json.dumps(skus or []),
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.splitlines()[-1]


# -- in a process of its own


def do_step(step: str, url: str) -> dict[str, Any]:
    import django

    django.setup()
    from logix.common import bell

    bell.publish = lambda *args, **options: True  # type: ignore[assignment]
    skus = json.loads(sys.stdin.read())
    return prepared(url, skus) if step == "prepare" else sent()


def prepared(url: str, skus: list[str]) -> dict[str, Any]:
    from integrations import outbox
    from tests.factories import make_merchant
    from tests.integrations.amazon.many import connected, listed
    from tests.integrations.amazon.world import KEYS

    class There:
        credentials = KEYS

    There.url = url  # type: ignore[attr-defined]
    store = connected(There, make_merchant())  # type: ignore[arg-type]
    listed(store, skus, units=UNITS)
    return {"marked": outbox.mark_store(store.pk)}


def sent() -> dict[str, Any]:
    """All there is to be done, without waiting for Amazon's limits."""
    from django.db.models.functions import Now

    from integrations import outbox, registry
    from integrations.models import Push, StockHandOver, Store
    from tests.integrations.amazon.many import unhurried

    card = unhurried()
    registry.card = lambda slug: card  # type: ignore[assignment]
    store = Store.objects.get()
    seconds: dict[str, float] = {}
    began = time.perf_counter()
    while Push.objects.filter(state="ready").exists():
        outbox.send_pushes(store.pk)
    seconds["gathering"] = time.perf_counter() - began
    while file := StockHandOver.objects.filter(state__in=StockHandOver.OPEN).first():
        StockHandOver.objects.update(next_at=Now())
        at = time.perf_counter()
        outbox.work_hand_over(file.pk)
        seconds[file.state] = seconds.get(file.state, 0) + time.perf_counter() - at
        time.sleep(0.5)
    settled = Push.objects.filter(state="idle", pushed_value=UNITS).count()
    blocked = Push.objects.filter(state="blocked")
    return {
        "peak_mb": peak_mb(),
        "settled": settled,
        "bad": {push.listing.sku: push.problem for push in blocked.select_related("listing")},
        "seconds": {step: round(took, 1) for step, took in seconds.items()},
    }


def peak_mb() -> float:
    """Of this program: what ``getrusage`` says includes the size of the process it was forked from,
    which holds the account (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html).
    """
    status = Path("/proc/self/status").read_text()
    (line,) = (x for x in status.splitlines() if x.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


if __name__ == "__main__":
    sys.exit(main())

"""An hour of three stores in a few minutes: ``python -m tests.bench.hour --minutes 6``.

Two simulated WooCommerce stores and one of Shopify that sell the same SKUs, and a hub of real
processes. Sixty rounds, each a minute of a busy hour: orders, edits, cancellations, refunds, own
counts of the stores, and parcels and counts of the hub; while webhooks are lost, doubled and
overtaken, calls fail, answers break off and workers are killed. When all has settled it says
whether levels are what the ledger says, what a comparison with each store finds, and how often each
figure was written for a change of it. Exits with 1 where something differs, or where figures were
written more than ``MOST_WRITES`` times a change.

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
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.bench.bulk import database, say

BROKER = os.environ.get("BENCH_BROKER", "redis://127.0.0.1:6379/14")
KEY, SECRET, TOKEN = "ck_" + "e" * 40, "cs_" + "f" * 40, "shpat_" + "a" * 32
ROUNDS, SOLD_EACH, MOST_WRITES = 60, 5, 2.0
KILLED_EVERY, LANES = 10, ("live", "push")
_OPEN_WITHIN_S, _SETTLED_WITHIN_S, _COMPARED_WITHIN_S = 600.0, 900.0, 600.0
# What strikes while the hour is played; Shopify has the same under these names.
FAULTS: dict[str, dict[str, Any]] = {
    "webhook_lost": {"rate": 0.10},
    "webhook_duplicated": {"rate": 0.25},
    "webhook_shuffled": {"rate": 0.5, "seconds": 2},
    "server_error": {"rate": 0.02},
    "rate_limited": {"rate": 0.02, "seconds": 1},
    "dropped": {"rate": 0.01},
    "truncated": {"rate": 0.01},
    "timeout_after_write": {"rate": 0.01, "seconds": 12},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=6)
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
        return played(asked.minutes * 60 / ROUNDS)


def played(round_s: float) -> int:
    from django.test import override_settings

    from integrations import schedule
    from tests.services.hub import Hub

    with ExitStack() as stack:
        channels = [stack.enter_context(made) for made in _channels()]
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        schedule.ensure()
        with Hub(logs) as hub, override_settings(LOGIX_PUBLIC_URL=hub.url):
            _connect(channels)
            hour = Hour(hub, channels)
            hour.play(round_s)
            return hour.judged()


@dataclass
class Channel:
    """A simulated store, the hub's row of it, and the figures it was told, by its own id."""

    platform: str
    shop: Any
    credentials: dict[str, str]
    skus: tuple[str, ...]
    store: Any = None
    url: str = ""

    def __enter__(self) -> Channel:
        from integrations.sandbox.server import Server

        self.told: Counter[str] = Counter()
        self._handle, self.shop.handle = self.shop.handle, self._counting
        self._server = Server(self.shop)
        self.url = self._server.__enter__().url
        if self.platform == "woocommerce":
            self.shop.store.home_url = f"{self.url}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def _counting(self, incoming: Any) -> Any:
        answer = self._handle(incoming)
        is_done = answer.status == 200 or answer.fate
        if incoming.method != "GET" and is_done and not incoming.path.startswith("/_sandbox"):
            self.told.update(_figures(incoming.path, incoming.body))
        return answer

    def sell(self, chance: Random) -> None:
        lines = [
            (sku, chance.randrange(1, 3))
            for sku in chance.sample(self.skus, chance.choice((1, 1, 2)))
        ]
        self._placing.place_with(self.shop.store, chance, lines)

    def live(self, chance: Random) -> None:
        """Something that people or the buyer do to one of the last orders."""
        verb = chance.choice(("edit", "cancel", "refund", "ship", "hold"))
        with suppress(self._acts.Refusal):
            recent = self._acts.newest(self.shop.store, 60)
            if recent:
                self._acts.act(self.shop.store, verb, chance.choice(recent))

    def count(self, chance: Random) -> None:
        """The store's own people set a figure."""
        sku, units = chance.choice(self.skus), chance.randrange(30)
        if self.platform == "woocommerce":
            product = self._acts.by_sku(self.shop.store, sku)
            self._acts.set_stock(self.shop.store, product.id, units)
        else:
            from integrations.sandbox.shopify.play import acts

            acts.set_stock(self.shop.store, sku, units)
        self.counted[sku] += 1

    def __post_init__(self) -> None:
        self.counted: Counter[str] = Counter()
        if self.platform == "woocommerce":
            from integrations.sandbox.woocommerce import acts as woo_acts
            from integrations.sandbox.woocommerce import placing as woo_placing

            self._acts: Any = woo_acts
            self._placing: Any = woo_placing
        else:
            from integrations.sandbox.shopify.orders import acts, placing

            self._acts, self._placing = acts, placing


class Hour:
    def __init__(self, hub: Any, channels: list[Channel]) -> None:
        self._hub, self._channels = hub, channels
        self._skus = channels[0].skus
        self._chance = Random(11)
        self._began: Any = None
        self._ended: Any = None

    def play(self, round_s: float) -> None:
        from django.utils import timezone

        for channel in self._channels:
            channel.told.clear()
            for kind, setting in FAULTS.items():
                channel.shop.faults.turn_on(kind, **setting)
        self._began = timezone.now()
        for number in range(ROUNDS):
            ends = time.monotonic() + round_s
            self._minute(number)
            time.sleep(max(0.0, ends - time.monotonic()))
        for channel in self._channels:
            channel.shop.faults.clear()
        self._ended = timezone.now()
        took = (self._ended - self._began).total_seconds()
        say(f"{ROUNDS} rounds of {SOLD_EACH} orders a store were played in {took:.0f} s.")

    def _minute(self, number: int) -> None:
        for channel in self._channels:
            for _ in range(SOLD_EACH):
                channel.sell(self._chance)
            channel.live(self._chance)
            if number % 3 == 0:
                channel.count(self._chance)
        self._pack()
        self._count()
        if number % KILLED_EVERY == KILLED_EVERY - 1:
            victim = LANES[number // KILLED_EVERY % len(LANES)]
            self._hub.kill(victim)
            self._hub.start_worker(victim)

    def _pack(self) -> None:
        """Three parcels, some of a part."""
        from orders import services
        from orders.errors import OrderError
        from orders.models import Order

        waiting = Order.objects.filter(order_status="open", fulfillment_status="unfulfilled")
        for order in waiting.order_by("?")[:3]:
            line = order.lines.filter(removed_at=None).first()
            whole = self._chance.random() < 0.6 or line is None
            with suppress(OrderError):
                services.add_shipment(
                    order,
                    lines=None if whole else {line.pk: 1},  # type: ignore[union-attr]
                    carrier="DHL",
                    tracking_number=f"H{order.number}",
                    actor="user:anna",
                )

    def _count(self) -> None:
        from inventory import ledger
        from inventory.models import StockLevel

        level = StockLevel.objects.filter(variant__sku__in=self._skus).order_by("?").first()
        if level is not None:
            ledger.adjust(
                variant=level.variant,
                location=level.location,
                set_to=self._chance.randrange(5, 60),
                reason="counted",
                actor="user:anna",
            )

    def judged(self) -> int:
        """0 where all is as it must be."""
        from functools import partial

        from inventory import verifying
        from inventory.models import Variant
        from tests.services import invariants
        from tests.services.hub import until

        until(self._all_is_read, _SETTLED_WITHIN_S, "every store is read to the end of the hour")
        for channel in self._channels:
            waits = partial(invariants.nothing_waits, channel.store)
            until(waits, _SETTLED_WITHIN_S, f"the outbox of {channel.store.name} is empty")
        until(invariants.inbox_is_empty, _SETTLED_WITHIN_S, "every delivery was worked")
        wrong = verifying.differences(list(Variant.objects.values_list("pk", flat=True)))
        say(f"Ledger: {Variant.objects.count()} items, {len(wrong)} levels differ.")
        for one in wrong:
            say(f"  {one}")
        found = self._compared()
        ratio = self._writes()
        return int(bool(wrong) or found > 0 or ratio > MOST_WRITES)

    def _all_is_read(self) -> bool:
        from integrations.models import Stream

        rows = Stream.objects.filter(name__in=["orders", "products"])
        return not rows.exclude(read_through__gt=self._ended).exists()

    def _compared(self) -> int:
        """Differences that a comparison with each store finds."""
        from integrations import reconcile
        from integrations.models import Reconciliation
        from integrations.reconcile import report
        from tests.services.hub import until

        runs = [reconcile.request(c.store, actor="user:anna").pk for c in self._channels]
        rows = Reconciliation.objects.filter(pk__in=runs)
        until(
            lambda: not rows.filter(state__in=["queued", "running"]).exists(),
            _COMPARED_WITHIN_S,
            "every store is compared",
        )
        for run in rows.select_related("store"):
            say(f"{run.store.name} ({run.store.platform}): {report.verdict(run)}")
            for finding in run.findings:
                say(f"  {finding}")
        return sum(report.healed(run) + report.left_open(run) for run in rows)

    def _writes(self) -> float:
        """How often figures were written for a change of them; says which most."""
        from inventory.models import Listing, Reservation, StockMovement

        sums = Counter(told=sum(sum(channel.told.values()) for channel in self._channels))
        worst: list[tuple[float, str]] = []
        for channel in self._channels:
            rows = Listing.objects.filter(
                store=channel.store, sku__in=self._skus, variant__isnull=False
            )
            for listing in rows.select_related("variant"):
                item = listing.variant.counted_as_id or listing.variant_id
                moved = StockMovement.objects.filter(variant=item, at__gte=self._began)
                times = len(set(moved.values_list("at", flat=True)))
                # An order that gets nothing moves nothing here, but the figure of its store.
                short = Reservation.objects.filter(
                    store=channel.store, variant=item, placed_at__gte=self._began
                ).exclude(order_ref__in=moved.filter(order_ref__isnull=False).values("order_ref"))
                changes = times + short.count() + channel.counted[listing.sku]
                writes = sum(channel.told[key] for key in _keys(listing))
                sums.update(changes=changes, writes=writes)
                worst.append((writes / max(1, changes), f"{listing.sku} in {channel.store.name}"))
        ratio = sums["writes"] / max(1, sums["changes"])
        most, where = max(worst)
        say(
            f"Figures: {sums['changes']} changes, {sums['writes']} writes, {ratio:.2f} a change; "
            f"most for {where}: {most:.2f}. {sums['told']} writes in all."
        )
        return max(ratio, most)


def _channels() -> list[Channel]:
    from integrations.sandbox.shopify.options import StoreOptions as ShopifyOptions
    from integrations.sandbox.shopify.shop import Shop as ShopifyShop
    from integrations.sandbox.woocommerce import stocking
    from integrations.sandbox.woocommerce.options import StoreOptions
    from integrations.sandbox.woocommerce.shop import Shop

    keys = {"consumer_key": KEY, "consumer_secret": SECRET}
    options = StoreOptions(
        orders=300,
        products=60,
        plugins=("shipment_tracking",),
        consumer_key=KEY,
        consumer_secret=SECRET,
    )
    shops = [Shop(options, webhook_delay_s=0) for _ in range(2)]
    # A variable product is not sold itself, its variations are; some share its figure.
    store = shops[0].store
    sold = [p for p in store.products.values() if p.sku and p.kind != "variable"]
    skus = tuple([p.sku for p in sold if stocking.keeper(store, p)][:40])
    boutique = ShopifyShop(
        ShopifyOptions(
            orders=300,
            products=60,
            skus=skus,
            plan="plus",
            is_multi_location=False,
            access_token=TOKEN,
        ),
        webhook_delay_s=0,
    )
    app = {"access_token": TOKEN, "client_secret": boutique.store.options.client_secret}
    return [
        *(Channel("woocommerce", shop, keys, skus) for shop in shops),
        Channel("shopify", boutique, app, skus),
    ]


def _connect(channels: list[Channel]) -> None:
    from integrations import connect
    from integrations.models import Push, Store, Stream
    from logix.accounts.models import Merchant
    from tests.services.hub import until

    merchant = Merchant.objects.create(name="Acme", slug="acme")
    for channel in channels:
        channel.store = connect.connect_store(
            merchant=merchant,
            platform=channel.platform,
            base_url=channel.url,
            credentials=channel.credentials,
            options={"calls_per_s": 50} if channel.platform == "woocommerce" else {},
            writes_enabled=True,
            actor="user:anna",
        )
    Stream.objects.update(every_s=10)
    waits = Push.objects.filter(state__in=["ready", "busy"])
    until(
        lambda: not Store.objects.filter(stock_opened_at=None).exists() and not waits.exists(),
        _OPEN_WITHIN_S,
        "all stores are read and told",
    )


def _keys(listing: Any) -> set[str]:
    """What ``_figures`` calls it, whichever of its ids the platform writes figures by."""
    _, _, ids = listing.stock_ref.partition(":")
    return {ids.rpartition(":")[2].rpartition("/")[2] or listing.external_product_id}


def _figures(path: str, body: bytes) -> list[str]:
    """Ids of the items whose figure a request sets."""
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return []
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if "inventoryItemId" in value and "quantity" in value:
                found.append(str(value["inventoryItemId"]).rpartition("/")[2])
            if "stock_quantity" in value:
                found.append(str(value.get("id") or path.rstrip("/").rpartition("/")[2]))
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(told)
    return found


if __name__ == "__main__":
    sys.exit(main())

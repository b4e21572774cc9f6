"""What the demonstration shows: the import's progress, where to log in, and then the hub's life
line by line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from integrations.management.demo.people import Access
from integrations.management.demo.processes import Group
from integrations.models import ParkedRecord, Push, RunKind, Store, SyncRun
from inventory.models import Listing, StockMovement
from orders.models import Order, OrderEvent

_EVERY_S = 0.5
_IMPORT_LIMIT_S = 900.0
_MOST_LINES = 15


class Screen:
    def __init__(self, out: Any, store: Store) -> None:
        self._out = out
        self._store = store
        self._since = timezone.now()
        self._shown: set[Any] = set()

    def follow_import(self, group: Group) -> None:
        """One line, rewritten, until the first back-fill has ended. Nothing when it had ended in an
        earlier demo.
        """
        before = SyncRun.objects.filter(store=self._store, kind=RunKind.BACKFILL).last()
        if before and not before.is_live:
            return
        began = time.monotonic()
        while time.monotonic() - began < _IMPORT_LIMIT_S:
            group.check()
            run = SyncRun.objects.filter(store=self._store, kind=RunKind.BACKFILL).last()
            orders = Order.objects.filter(store=self._store).count()
            expected = f" of {run.expected}" if run and run.expected else ""
            products = Listing.objects.filter(store=self._store).count()
            self._line(f"{products} listings · {orders}{expected} orders read")
            if run and not run.is_live:
                self._out.write("")
                if run.problem:
                    self._out.write(f"  {run.problem}")
                return
            time.sleep(_EVERY_S)

    def welcome(self, hub: str, store_url: str, access: Access) -> None:
        parked = ParkedRecord.objects.filter(
            store=self._store, state=ParkedRecord.State.PARKED
        ).count()
        orders = Order.objects.filter(store=self._store)
        waiting = orders.exclude(import_state__in=["accepted", "skipped"]).count()
        self._out.write(
            f"{orders.count()} orders are here; {waiting} wait for a person or a product, "
            f"{parked} could not be read. Each says why."
        )
        for label, value in (
            ("Admin", f"{hub}/admin/"),
            ("Login", f"{access.username} / {access.password}"),
            ("API docs", f"{hub}/api/docs"),
            ("API token", access.token),
            ("The store", f"{store_url}/_sandbox/  (place orders, change stock, break things)"),
        ):
            self._out.write(f"  {label:<10} {value}")
        self._out.write("Ctrl-C stops everything. What happens now:")
        self._since = timezone.now()

    def follow_life(
        self, group: Group, *, seconds: float | None, each_second: Callable[[], None]
    ) -> None:
        """New lines of timelines, movements and pushes as they come; of a burst, its beginning."""
        end = time.monotonic() + seconds if seconds else None
        while end is None or time.monotonic() < end:
            group.check()
            each_second()
            news = self._news()
            for at, text in news[:_MOST_LINES]:
                self._out.write(f"  {timezone.localtime(at):%H:%M:%S}  {text}")
            if len(news) > _MOST_LINES:
                self._out.write(f"            … and {len(news) - _MOST_LINES} more")
            time.sleep(1)

    def _news(self) -> list[tuple[datetime, str]]:
        events = OrderEvent.objects.filter(
            order__store=self._store, at__gte=self._since
        ).select_related("order")
        news: list[tuple[Any, datetime, str]] = [
            (e.pk, e.at, f"order #{e.order.number}: {e.title}") for e in events
        ]
        adjusted = StockMovement.objects.filter(
            Q(kind="count") | Q(kind="adjustment"), at__gte=self._since
        ).select_related("variant")
        news += [(m.pk, m.at, f"stock of {m.variant}: {m.before} → {m.after}") for m in adjusted]
        pushes = Push.objects.filter(store=self._store, pushed_at__gte=self._since).select_related(
            "listing"
        )
        news += [
            (
                (p.pk, p.pushed_at),
                p.pushed_at,
                f"store now shows {p.pushed_value} of {p.listing.sku or p.listing.title}",
            )
            for p in pushes
            if p.pushed_at
        ]
        fresh = [(key, at, text) for key, at, text in news if key not in self._shown]
        self._shown.update(key for key, _, _ in fresh)
        return [(at, text) for _, at, text in sorted(fresh, key=lambda row: row[1])]

    def _line(self, text: str) -> None:
        if self._out.isatty():
            self._out.write(f"\r  {text}   ", ending="")
            self._out.flush()
        elif text not in self._shown:
            self._shown.add(text)
            self._out.write(f"  {text}")

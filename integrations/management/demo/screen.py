"""What the demonstration shows: the import's progress, where to log in, and then the hub's life
line by line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from integrations import registry
from integrations.management.demo.people import Access
from integrations.management.demo.processes import Group
from integrations.models import ParkedRecord, Push, RunKind, Store, StreamName, SyncRun
from integrations.platform import Ability
from inventory.models import Listing, StockMovement
from orders.models import Order, OrderEvent

_EVERY_S = 0.5
_IMPORT_LIMIT_S = 900.0
_MOST_LINES = 15


class Screen:
    def __init__(self, out: Any, stores: Sequence[Store]) -> None:
        self._out = out
        self._stores = stores
        self._since = timezone.now()
        self._shown: set[Any] = set()

    def follow_import(self, group: Group) -> None:
        """One line, rewritten, until each first back-fill has ended. Nothing where all had ended in
        an earlier demo.
        """
        waiting = [store for store in self._stores if not _has_ended(_first_run(store))]
        began = time.monotonic()
        while waiting and time.monotonic() - began < _IMPORT_LIMIT_S:
            group.check()
            runs = {store: _first_run(store) for store in waiting}
            self._line(" · ".join(_progress(store, run) for store, run in runs.items()))
            if all(_has_ended(run) for run in runs.values()):
                self._out.write("")
                for store, run in runs.items():
                    if run and run.problem:
                        self._out.write(f"  {store.name}: {run.problem}")
                return
            time.sleep(_EVERY_S)

    def welcome(self, hub: str, access: Access) -> None:
        parked = ParkedRecord.objects.filter(
            store__in=self._stores, state=ParkedRecord.State.PARKED
        ).count()
        orders = Order.objects.filter(store__in=self._stores)
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
        ):
            self._out.write(f"  {label:<10} {value}")
        self._out.write("The stores, where you place orders, change stock and break things:")
        for store in self._stores:
            self._out.write(f"  {store.base_url}/_sandbox/  {store.name}{_rhythm(store)}")
        self._out.write("Ctrl-C stops everything. What happens now:")
        self._since = timezone.now()

    def follow_life(
        self,
        group: Group,
        *,
        seconds: float | None,
        each_second: Sequence[Callable[[], str]],
    ) -> None:
        """New lines of timelines, movements and pushes as they come; of a burst, its beginning.
        What ``each_second`` does may tell a line of its own.
        """
        end = time.monotonic() + seconds if seconds else None
        while end is None or time.monotonic() < end:
            group.check()
            for told in filter(None, [do() for do in each_second]):
                self._out.write(f"\n  {told}\n")
            news = self._news()
            for at, text in news[:_MOST_LINES]:
                self._out.write(f"  {timezone.localtime(at):%H:%M:%S}  {text}")
            if len(news) > _MOST_LINES:
                self._out.write(f"            … and {len(news) - _MOST_LINES} more")
            time.sleep(1)

    def _news(self) -> list[tuple[datetime, str]]:
        events = OrderEvent.objects.filter(
            order__store__in=self._stores, at__gte=self._since
        ).select_related("order")
        news: list[tuple[Any, datetime, str]] = [
            (e.pk, e.at, f"order {e.order.number}: {e.title}") for e in events
        ]
        adjusted = StockMovement.objects.filter(
            Q(kind="count") | Q(kind="adjustment"), at__gte=self._since
        ).select_related("variant")
        news += [(m.pk, m.at, f"stock of {m.variant}: {m.before} → {m.after}") for m in adjusted]
        pushes = Push.objects.filter(
            store__in=self._stores, pushed_at__gte=self._since
        ).select_related("listing", "store")
        news += [
            (
                (p.pk, p.pushed_at),
                p.pushed_at,
                f"{p.store.name} now shows {p.pushed_value} of {p.listing.sku or p.listing.title}",
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


def _rhythm(store: Store) -> str:
    """How long to wait for what one does there, if it does not come at once."""
    card = registry.card(store.platform)
    if card.can(Ability.WEBHOOKS):
        return ""
    minutes = (card.lag + card.poll_every).total_seconds() / 60
    return f" (sends no webhooks: its news are here within {minutes:.0f} minutes)"


def _first_run(store: Store) -> SyncRun | None:
    return SyncRun.objects.filter(
        store=store, kind=RunKind.BACKFILL, stream__name=StreamName.ORDERS
    ).last()


def _has_ended(run: SyncRun | None) -> bool:
    return run is not None and not run.is_live


def _progress(store: Store, run: SyncRun | None) -> str:
    orders = Order.objects.filter(store=store).count()
    expected = f" of {run.expected}" if run and run.expected else ""
    listings = Listing.objects.filter(store=store).count()
    return f"{store.name}: {listings} listings, {orders}{expected} orders"

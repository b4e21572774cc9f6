"""``manage.py sync <store>``: read a store now, here, with progress. The worker need not run."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from integrations import sync
from integrations.errors import PlatformError
from integrations.management.choosing import store_named
from integrations.models import RunState, Store, Stream, StreamName, SyncRun


class Command(BaseCommand):
    help = "Read a store's products and orders now. STORE is its id, name or address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("store")
        parser.add_argument("--since", help="Read all orders placed since this day (YYYY-MM-DD).")
        parser.add_argument("--order", metavar="NUMBER", help="Read this one order again.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change.")

    def handle(self, *args: Any, **options: Any) -> None:
        store = store_named(options["store"])
        try:
            if options["order"]:
                self._one(store, options["order"], dry_run=options["dry_run"])
            elif options["since"] or options["dry_run"]:
                self._window(store, options["since"], dry_run=options["dry_run"])
            else:
                self._changes(store)
        except (PlatformError, sync.RunRefused) as err:
            raise CommandError(str(err)) from err

    def _one(self, store: Store, number: str, *, dry_run: bool) -> None:
        done = sync.refetch_order(store, number=number, actor="command", dry_run=dry_run)
        self._say(done.created, done.changed, done.unchanged, len(done.parked), dry_run)

    def _window(self, store: Store, since: str | None, *, dry_run: bool) -> None:
        start = _day(since) if since else store.import_since
        run = sync.request_run(
            store, kind="backfill", since=start, dry_run=dry_run, actor="command"
        )
        if run is None:
            raise CommandError("Nothing was started.")
        self._work(run)
        if run.state not in (RunState.COMPLETED, RunState.COMPLETED_WITH_GAPS):
            raise CommandError(run.problem or f"The run is {run.get_state_display().lower()}.")
        if run.problem:
            self.stdout.write(run.problem)
        self._say(run.created, run.changed, run.unchanged, run.parked, dry_run)

    def _changes(self, store: Store) -> None:
        began = timezone.now()
        for name in (StreamName.PRODUCTS, StreamName.ORDERS):
            stream = Stream.objects.get(store=store, name=name)
            while sync.run_stream(stream.pk):
                self.stdout.write(f"{name}: more …")
            stream.refresh_from_db()
            if stream.last_error:
                raise CommandError(stream.last_error)
        for run in SyncRun.objects.filter(store=store, created_at__gte=began):
            self.stdout.write(f"{run.stream.name}: {run.created} new, {run.changed} changed")
        for run in SyncRun.objects.filter(store=store, kind="backfill", finished_at=None):
            self._work(run)

    def _work(self, run: SyncRun) -> None:
        while sync.run_slice(run.pk) or self._is_ready(run):
            self._progress(run)
        self._progress(run)

    def _is_ready(self, run: SyncRun) -> bool:
        """Whether the run may go on, after the time it gave its store to prepare what was asked
        for.
        """
        run.refresh_from_db()
        if run.state != RunState.WAITING or run.problem or run.next_at is None:
            return False
        time.sleep(max(0.0, (run.next_at - timezone.now()).total_seconds()))
        return True

    def _progress(self, run: SyncRun) -> None:
        run.refresh_from_db()
        expected = f" of {run.expected}" if run.expected else ""
        self.stdout.write(f"{run.get_state_display()}: {run.seen}{expected} read")

    def _say(self, created: int, changed: int, unchanged: int, parked: int, dry_run: bool) -> None:
        lead = "Would be" if dry_run else "Done"
        self.stdout.write(
            f"{lead}: {created} new, {changed} changed, {unchanged} unchanged, {parked} parked"
        )


def _day(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as err:
        raise CommandError(f"“{text}” is not a date. Write it as 2026-11-24.") from err
    return when if when.tzinfo else when.replace(tzinfo=UTC)

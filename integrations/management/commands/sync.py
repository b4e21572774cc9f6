"""``manage.py sync <store>``: read a store now, here, with progress. The worker need not run."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q
from django.utils import timezone

from integrations import sync
from integrations.errors import PlatformError
from integrations.models import Store, Stream, StreamName, SyncRun

_MOST_LISTED = 20


class Command(BaseCommand):
    help = "Read a store's products and orders now. STORE is its id, name or address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("store")
        parser.add_argument("--since", help="Read all orders placed since this day (YYYY-MM-DD).")
        parser.add_argument("--order", metavar="NUMBER", help="Read this one order again.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change.")

    def handle(self, *args: Any, **options: Any) -> None:
        store = self._store(options["store"])
        try:
            if options["order"]:
                self._one(store, options["order"], dry_run=options["dry_run"])
            elif options["since"] or options["dry_run"]:
                self._window(store, options["since"], dry_run=options["dry_run"])
            else:
                self._changes(store)
        except (PlatformError, sync.RunRefused) as err:
            raise CommandError(str(err)) from err

    def _store(self, word: str) -> Store:
        address = word.rstrip("/")
        wanted = Q(name=word) | Q(base_url__icontains=address)
        with contextlib.suppress(ValueError):  # not an id: a name or an address, then
            wanted |= Q(pk=UUID(word))
        found = list(Store.objects.filter(wanted).order_by("name", "base_url")[:_MOST_LISTED])
        # An address may begin as another one does.
        exact = [store for store in found if store.base_url == address]
        if len(found) == 1 or len(exact) == 1:
            return (exact or found)[0]
        if found:
            raise CommandError(
                f"“{word}” is more than one store. Name it by its id or its address:\n"
                + "\n".join(f"  {x.pk}  {x.base_url}  {x.name}" for x in found)
            )
        known = ", ".join(Store.objects.values_list("name", flat=True)[:20]) or "none"
        raise CommandError(f"No store matches “{word}”. Connected stores: {known}.")

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
        while sync.run_slice(run.pk):
            self._progress(run)
        self._progress(run)
        if run.problem:
            raise CommandError(run.problem)
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
            while sync.run_slice(run.pk):
                self._progress(run)
            self._progress(run)

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

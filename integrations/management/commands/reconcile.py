"""``manage.py reconcile``: compare stores with what is kept of them now, here, and print what a
person can sign. The worker need not run.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import reconcile
from integrations.management.choosing import store_named
from integrations.models import Reconciliation, ReconciliationState, Store, StreamName
from integrations.sync import RunRefused

_WIDTH = 46


class Command(BaseCommand):
    help = "Compare stores with what is kept of them, heal what differs, and say what was found."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--store", help="Its id, name or address. Left out: all active ones.")
        parser.add_argument("--days", type=int, help="Orders placed in so many days, 1 to 365.")
        parser.add_argument("--dry-run", action="store_true", help="Heal nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= reconcile.MOST_DAYS:
            raise CommandError(f"Give --days a number from 1 to {reconcile.MOST_DAYS}.")
        stores = [store_named(options["store"])] if options["store"] else _active()
        well = [self._one(store, days, dry_run=options["dry_run"]) for store in stores]
        if not stores:
            self.stdout.write("No store is active whose orders were read.")
        if not all(well):
            raise SystemExit(1)

    def _one(self, store: Store, days: int | None, *, dry_run: bool) -> bool:
        """False when something differs that could not be healed."""
        try:
            run = reconcile.request(store, days=days, dry_run=dry_run, actor="command")
        except RunRefused as err:
            self.stdout.write(self.style.ERROR(str(err)))
            return False
        while reconcile.compare_slice(run.pk):
            run.refresh_from_db()
            self.stdout.write(f"{store}: {run.get_phase_display().lower()} …")
        run.refresh_from_db()
        self._say(run)
        is_complete = run.state == ReconciliationState.COMPLETE
        return is_complete and not reconcile.left_open(run)

    def _say(self, run: Reconciliation) -> None:
        rehearsed = ", a dry run" if run.dry_run else ""
        span = f"{run.window_from:%Y-%m-%d %H:%M} – {run.window_to:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(f"{run.store}: orders placed {span}{rehearsed}")
        counts = reconcile.all_counts(run)
        for cause, words in reconcile.CAUSES.items():
            self.stdout.write(f"  {words:<{_WIDTH}}{counts[cause]:>8}")
        for finding in run.findings:
            style = self.style.SUCCESS if finding["healed"] else self.style.ERROR
            self.stdout.write(style(f"  {finding['sentence']}"))
        self.stdout.write(f"  {reconcile.verdict(run)}")
        if run.is_live:
            self.stdout.write("  The store has to be waited for; the worker goes on by itself.")


def _active() -> list[Store]:
    rows = Store.objects.live().filter(
        streams__name=StreamName.ORDERS, streams__read_through__isnull=False
    )
    return list(rows.select_related("merchant").order_by("name"))

"""``manage.py rotate_keys``: wrap every store's data key under the first key of LOGIX_KEYS.

Safe to stop and to run again, beside a running hub and beside itself. What the data keys sealed is
not touched.
"""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count, QuerySet

from logix.accounts import audit, keys
from logix.accounts.models import DataKey
from logix.common import crypto

BATCH = 500


class Command(BaseCommand):
    help = (
        "Wrap every store's data key under the first key of LOGIX_KEYS. Put the new key first, "
        "keep the old one behind it, run this, and remove the old one when --check says 0."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="Change nothing; say how many are still on old keys.",
        )

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        if check:
            self._check()
        else:
            self._rotate()

    def _check(self) -> None:
        write_kid = crypto.ring().write_kid
        by_kid = dict(_outdated().order_by("kid").values_list("kid").annotate(Count("pk")))
        left = sum(by_kid.values())
        self.stdout.write(f"{_current()} data keys are under the present key “{write_kid}”.")
        for kid, count in by_kid.items():
            self.stdout.write(f"{count} are still under the old key “{kid}”.")
        if left:
            raise CommandError(
                f"{left} remain on old keys. Run rotate_keys; keep the old keys until then."
            )
        self.stdout.write(
            "0 remain on old keys. Keys behind the first in LOGIX_KEYS may be removed."
        )

    def _rotate(self) -> None:
        write_kid = crypto.ring().write_kid
        done: Counter[str] = Counter()
        after: UUID | None = None
        while batch := _next(after):
            for row in batch:
                done[self._rewrap(row)] += 1
            after = batch[-1].pk
            self.stdout.write(f"{sum(done.values())} looked at, {done['rewrapped']} re-wrapped …")
        if done["rewrapped"]:
            audit.record(
                "keys.rotated",
                actor="system",
                details={"to": write_kid, "data_keys": done["rewrapped"]},
            )
        left = _outdated().count()
        self.stdout.write(
            f"Done: {done['rewrapped']} re-wrapped under “{write_kid}”, {done['unreadable']} "
            "unreadable, "
            f"{left} remain on old keys."
        )
        if left:
            raise CommandError(
                f"{left} remain on old keys. Put the keys they need back into LOGIX_KEYS, restart "
                "processes that still run with the former ring, then run this again."
            )

    def _rewrap(self, row: DataKey) -> str:
        try:
            # False: another process re-wrapped it, or it was destroyed, in between.
            return "rewrapped" if keys.rewrap(row) else "skipped"
        except crypto.SealBroken as err:
            self.stderr.write(f"Data key {row.pk}: {err}")
            return "unreadable"


def _outdated() -> QuerySet[DataKey]:
    return DataKey.objects.exclude(wrapped="").exclude(kid=crypto.ring().write_kid)


def _current() -> int:
    return DataKey.objects.exclude(wrapped="").filter(kid=crypto.ring().write_kid).count()


def _next(after: UUID | None) -> list[DataKey]:
    rows = _outdated().order_by("pk")
    return list((rows.filter(pk__gt=after) if after else rows)[:BATCH])

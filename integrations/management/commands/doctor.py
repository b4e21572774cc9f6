"""``manage.py doctor``: what is wrong with this installation, in plain words, and how to mend
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from integrations.management.findings import Check, Finding, Level, bad
from integrations.management.machine import MACHINE, first_line, reachable
from integrations.management.sealed import SEALED, audit_log
from integrations.management.wellbeing import WELLBEING

_MARKS = {Level.OK: "ok  ", Level.WARN: "WARN", Level.BAD: "BAD "}


class Command(BaseCommand):
    help = "Say in plain words what is wrong with this installation and how to mend it."
    # It runs the checks itself, so that a failing one is a finding instead of the end.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON list, for machines.")
        parser.add_argument(
            "--audit", action="store_true", help="Also verify every event of the audit log."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(examine(with_audit=options["audit"]))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in found], indent=2))
        else:
            self._tell(found)
        if any(finding.level is Level.BAD for finding in found):
            raise SystemExit(1)

    def _tell(self, found: list[Finding]) -> None:
        styles = {
            Level.OK: self.style.SUCCESS,
            Level.WARN: self.style.WARNING,
            Level.BAD: self.style.ERROR,
        }
        for finding in found:
            mark = styles[finding.level](_MARKS[finding.level])
            self.stdout.write(f"{mark} {finding.about}: {finding.what}")
            if finding.level is not Level.OK:
                self.stdout.write(f"     → {finding.do}")
        count = {level: sum(f.level is level for f in found) for level in Level}
        self.stdout.write(
            f"{count[Level.BAD]} wrong, {count[Level.WARN]} to look at, {count[Level.OK]} well."
        )


def examine(*, with_audit: bool = False) -> Iterator[Finding]:
    """All findings. Without a database there is only one."""
    first = list(reachable())
    yield from first
    if any(f.level is Level.BAD and "cannot be reached" in f.what for f in first):
        return
    for check in (*MACHINE, *SEALED, *WELLBEING, *((audit_log,) if with_audit else ())):
        yield from _guarded(check)


def _guarded(check: Check) -> Iterator[Finding]:
    """A check whose tables are missing is a finding too."""
    try:
        yield from list(check())
    except DatabaseError as err:
        name = check.__name__.replace("_", " ")
        yield bad(
            name,
            f"It could not be looked at: {first_line(err)}",
            "Run manage.py migrate, then this again.",
        )

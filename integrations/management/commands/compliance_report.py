"""``manage.py compliance_report``: what a platform's data protection audit asks, from what is kept
here. It only looks, and tells no buyer. Fails where a bound is broken.
"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from integrations.management.compliance import Report, report


class Command(BaseCommand):
    help = (
        "Say how long buyers' data are kept, who may see them, and how old keys and credentials "
        "are. Fails where they are kept for longer than a platform or a merchant allows, or a "
        "credential has ended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object, for machines.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = report(timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))
        else:
            self._tell(found)
        if found["broken"]:
            raise SystemExit(1)

    def _tell(self, found: Report) -> None:
        say = self.stdout.write
        say(f"Compliance report of {found['at']}")
        for title, key in _PARTS:
            say(f"\n{title}")
            rows = found[key]
            for row in rows if isinstance(rows, list) else [rows]:
                told = "; ".join(f"{name.replace('_', ' ')}: {_told(x)}" for name, x in row.items())
                say(f"- {told}")
            if not rows:
                say("- none")
        say("")
        for broken in found["broken"]:
            say(self.style.ERROR(f"BROKEN: {broken}"))
        if not found["broken"]:
            say(self.style.SUCCESS("Every bound holds."))


_PARTS = (
    ("Buyers' data, by store", "stores"),
    ("Accounts that may see them", "accounts"),
    ("API tokens that may read them", "tokens"),
    ("Signing in", "signing_in"),
    ("Keys that seal them", "keys"),
    ("Credentials that end by themselves", "credentials"),
    ("Privacy requests", "requests"),
    ("Records and logs", "logs"),
)


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "–" if value is None else str(value)

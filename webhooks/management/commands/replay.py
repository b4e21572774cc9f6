"""Work webhook deliveries again: ``manage.py replay --store "Example shop" --since 2026-11-20
--state parked``.
"""

from __future__ import annotations

import contextlib
from argparse import ArgumentParser
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime

from integrations.models import Store
from webhooks import replay

_STATES = ("done", "ignored", "parked")


class Command(BaseCommand):
    help = (
        "Work webhook deliveries again. What is already so stays so; every replay is audited. "
        "Deliveries whose body has expired cannot be replayed: use `sync --order` for those."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--store", default="", help="Name or id. Left out: all stores.")
        parser.add_argument(
            "--since", default="", metavar="TIME", help="Received from then on; UTC unless told."
        )
        parser.add_argument("--until", default="", metavar="TIME", help="Received before then.")
        parser.add_argument(
            "--state",
            action="append",
            choices=_STATES,
            help="Only deliveries in this state; may be given more than once. Left out: all three.",
        )
        parser.add_argument("--topic", default="", help="Topics that begin so, like “order”.")
        parser.add_argument("--order", default="", metavar="NUMBER", help="About this order only.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = replay.chosen(
            store=_store(options["store"]) if options["store"] else None,
            since=_time(options["since"], "--since"),
            until=_time(options["until"], "--until"),
            states=options["state"] or _STATES,
            topic=options["topic"],
            order_number=options["order"],
        )
        count = replay.replayable(chosen).count()
        expired = chosen.filter(body_sealed=None).count()
        if expired:
            self.stdout.write(f"{_deliveries(expired)} cannot be replayed: the body has expired.")
        if not count:
            self.stdout.write("There is nothing to replay.")
            return
        if not options["yes"]:
            answer = _asked(f"Replay {_deliveries(count)}? [y/N] ")
            if answer.strip().lower() not in {"y", "yes"}:
                self.stdout.write("Nothing was replayed.")
                return
        done = replay.replay_all(chosen, actor="system")
        self.stdout.write(f"{_deliveries(done)} will be worked again by the next free worker.")


def _asked(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        raise CommandError(
            "There is nobody to ask. Give --yes to replay without a question."
        ) from None


def _deliveries(count: int) -> str:
    return f"{count} delivery" if count == 1 else f"{count} deliveries"


def _store(text: str) -> Store:
    stores = Store.objects.filter(name__iexact=text)
    with contextlib.suppress(ValueError):  # not an id: a name, then
        stores = stores | Store.objects.filter(pk=UUID(text))
    found = list(stores[:2])
    if not found:
        names = ", ".join(Store.objects.values_list("name", flat=True)[:20])
        raise CommandError(f"There is no store “{text}”. Known are: {names or 'none'}.")
    if len(found) > 1:
        raise CommandError(f"Several stores are called “{text}”. Give the id instead.")
    return found[0]


def _time(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        found: datetime | date | None = parse_datetime(text) or parse_date(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"{option}: write a time like 2026-11-20 or 2026-11-20T14:30.")
    if not isinstance(found, datetime):
        found = datetime.combine(found, time.min)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

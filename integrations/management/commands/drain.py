"""``manage.py drain``: do what is due in this process, with no broker and no worker.

``--standby`` goes on for ever and works only while no worker gives a sign of life, so that a broker
that is down costs a minute and not the day. Beside running workers it is harmless: every task
claims what it works on.
"""

from __future__ import annotations

import signal
import threading
import time
from datetime import timedelta
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from integrations import schedule
from integrations.models import Heartbeat
from logix.celery import app
from logix.common import bell
from logix.common.ids import uuid7

log = structlog.get_logger(__name__)

# A worker's sign of life comes every 15 s.
SILENCE = timedelta(seconds=45)
_ROUND_S = 60.0
_PAUSE_S = 5.0
# What says that a worker answers must not be said by us.
_NOT_OURS = "integrations.tasks.heartbeat"


class Command(BaseCommand):
    help = "Do all work that is due in this process, without a broker."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--standby",
            action="store_true",
            help="Go on until stopped; work only while no worker gives a sign of life.",
        )
        parser.add_argument(
            "--seconds", type=float, default=_ROUND_S, help="Begin nothing new after so long."
        )

    def handle(self, *args: Any, standby: bool = False, seconds: float, **options: Any) -> None:
        if standby:
            stand_by(_stopped_by_signals(), round_s=seconds)
        else:
            done, failed = drain(seconds)
            self.stdout.write(f"{done} tasks done, {failed} failed.")


def drain(budget_s: float) -> tuple[int, int]:
    """Run the clock's tasks once and answer every ring they cause, until all is quiet or the time
    is over. Return how many tasks were done and how many failed; those are tried again next time.
    """
    app.autodiscover_tasks(force=True)
    end = time.monotonic() + budget_s
    done = failed = 0
    with bell.kept() as rings:
        rings.extend((task, ()) for task, *_ in schedule.TICKS.values() if task != _NOT_OURS)
        while rings and time.monotonic() < end:
            task, given = rings.popleft()
            if _answer(task, given):
                done += 1
            else:
                failed += 1
    return done, failed


def stand_by(stop: threading.Event, *, round_s: float = _ROUND_S) -> None:
    """Drain again and again while the workers are silent, until ``stop`` is set."""
    working = False
    while not stop.is_set():
        try:
            silent = workers_are_silent()
        except DatabaseError as err:
            log.warning("standby_waits", part="database", error=type(err).__name__)
            silent = False
        if silent != working:
            working = silent
            log.warning("standby_works" if working else "standby_rests")
        if working:
            drain(round_s)
        close_old_connections()
        stop.wait(_PAUSE_S)


def workers_are_silent() -> bool:
    young = Heartbeat.objects.filter(kind="worker", at__gt=timezone.now() - SILENCE)
    return not young.exists()


def _answer(task: str, given: tuple[Any, ...]) -> bool:
    with structlog.contextvars.bound_contextvars(request_id=uuid7().hex, task=task):
        try:
            app.tasks[task](*given)
        except Exception:  # as a worker does: the next task may fare better
            log.exception("task_failed")
            return False
        finally:
            close_old_connections()
    return True


def _stopped_by_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop

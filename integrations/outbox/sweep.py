"""Brings back what nobody works on any more: claims of dead workers, blocks whose cause is gone,
bells nobody heard.

The outbox drains by this alone when there is no broker. Safe to run anywhere, any number of times
at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.db.models import Count, F, Max, Min, Model, Q, QuerySet
from django.db.models.functions import Now

from integrations import policy
from integrations.models import Command, Push, StoreStatus
from integrations.outbox import commands, dirty, files
from integrations.outbox.reasons import SENTENCES, Reason
from logix.common import bulk
from logix.common.transactions import again_on

log = structlog.get_logger(__name__)

Row = TypeVar("Row", bound=Model)

_BATCH = 500
_RINGS = 500

_WRITABLE = Q(store__status=StoreStatus.ACTIVE, store__writes_enabled=True)
# Blocks that end when the store is active and writable again, with nobody having to press a button.
_ENDS_WITH_STORE = (Reason.WRITES_OFF, "authentication_failed", "merchant_must_act")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How the outbox stands. Ages in seconds of the longest due work that may be done now, 0 when
    there is none; commands that wait for an earlier one of their order do not count as due.
    """

    ready_pushes: int
    ready_commands: int
    oldest_push_s: float
    oldest_command_s: float
    blocked_pushes: int
    parked_commands: int
    unknown_commands: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep did, and how things stand after it."""

    reclaimed_pushes: int
    reclaimed_commands: int
    rearmed: int
    rung: int
    numbers: Numbers


def sweep() -> Swept:
    """One round. Bounded: what is left is done by the next."""
    reclaimed_pushes = _reclaim_pushes()
    reclaimed_commands = _reclaim_commands()
    rearmed = _rearm()
    rung = 0
    for store_id in due_stores("push"):
        dirty.ring_pushes(store_id)
        rung += 1
    for file_id in files.due():
        files.ring_for(file_id)
        rung += 1
    for store_id in due_stores("command"):
        commands.ring_commands(store_id)
        rung += 1
    done = Swept(
        reclaimed_pushes=reclaimed_pushes,
        reclaimed_commands=reclaimed_commands,
        rearmed=rearmed,
        rung=rung,
        numbers=numbers(),
    )
    if reclaimed_pushes or reclaimed_commands:
        log.warning("outbox_reclaimed", pushes=reclaimed_pushes, commands=reclaimed_commands)
    return done


def due_stores(kind: str, limit: int = _RINGS) -> list[UUID]:
    """Stores with work due now, ``kind`` "push" or "command", longest waiting first. One task each
    keeps it fair.
    """
    rows = _DUE[kind]().filter(_WRITABLE).values("store_id").annotate(first=Min("next_at"))
    return list(rows.order_by("first").values_list("store_id", flat=True)[:limit])


def numbers() -> Numbers:
    """The figures health and metrics show. Five statements."""
    ages = {}
    counts = {}
    for kind, due in _DUE.items():
        found = (
            due().filter(_WRITABLE).aggregate(n=Count("pk"), first=Min("next_at"), now=Max(Now()))
        )
        counts[kind] = found["n"]
        ages[kind] = (found["now"] - found["first"]).total_seconds() if found["first"] else 0.0
    ended = Command.objects.filter(state__in=[Command.State.PARKED, Command.State.UNKNOWN])
    by_state = dict(ended.values_list("state").annotate(n=Count("pk")).order_by())
    return Numbers(
        ready_pushes=counts["push"],
        ready_commands=counts["command"],
        oldest_push_s=ages["push"],
        oldest_command_s=ages["command"],
        blocked_pushes=Push.objects.filter(state=Push.State.BLOCKED).count(),
        parked_commands=by_state.get(Command.State.PARKED, 0),
        unknown_commands=by_state.get(Command.State.UNKNOWN, 0),
    )


def _due_pushes() -> QuerySet[Push]:
    return Push.objects.filter(state=Push.State.READY, next_at__lte=Now())


_DUE: dict[str, Callable[[], QuerySet[Any]]] = {"push": _due_pushes, "command": commands.due}


def _reclaim_pushes() -> int:
    """Expired leases go back to ready with the attempt counted, to be tried in smaller batches."""

    def write() -> int:
        expired = list(
            Push.objects.filter(state=Push.State.BUSY, lease_until__lt=Now())
            .order_by("pk")
            .select_for_update()
            .annotate(now=Now())[:_BATCH]
        )
        return len(bulk.update(Push, [_reclaimed(p, p.now) for p in expired], versioned="fence"))

    return again_on()(write)


def _reclaimed(push: Push, now: datetime) -> dict[str, object]:
    worn = push.attempts >= policy.MAX_ATTEMPTS
    reason = Reason.TOO_MANY_ATTEMPTS if worn else Reason.LEASE_EXPIRED
    wait = timedelta(seconds=policy.next_delay_s(push.attempts))
    return {
        "id": push.pk,
        "state": Push.State.BLOCKED if worn else Push.State.READY,
        "fence": push.fence + 1,
        "lease_until": None,
        "next_at": None if worn else now + wait,
        "problem_code": reason,
        "problem": SENTENCES[reason],
    }


def _reclaim_commands() -> int:
    """A command whose worker ended may have been done: unknown, to be looked up before it is sent
    again.
    """
    reason = Reason.LEASE_EXPIRED
    expired = Command.objects.filter(state=Command.State.BUSY, lease_until__lt=Now())
    count = 0
    for command in expired.annotate(now=Now()).order_by("pk")[:_BATCH]:
        if command.attempts >= policy.MAX_ATTEMPTS:
            count += commands.park(
                command, Reason.TOO_MANY_ATTEMPTS, SENTENCES[Reason.TOO_MANY_ATTEMPTS]
            )
            continue
        count += commands.end(
            command,
            None,
            state=Command.State.UNKNOWN,
            next_at=command.now + timedelta(seconds=policy.next_delay_s(command.attempts)),
            problem_code=reason,
            problem=SENTENCES[reason],
        )
    return count


def _rearm() -> int:
    """What was blocked because of its store and may go again, and what was to be tried again at its
    time.
    """
    blocked = Push.objects.filter(state=Push.State.BLOCKED)
    over = Q(problem_code__in=_ENDS_WITH_STORE) | Q(next_at__lte=Now())
    count = rearm_pushes(_within(blocked.filter(over).filter(_WRITABLE)))
    waiting = Command.objects.filter(
        _WRITABLE,
        state__in=commands.WAITING,
        next_at__isnull=True,
        problem_code__in=_ENDS_WITH_STORE,
    )
    return count + rearm_commands(_within(waiting))


def rearm_pushes(pushes: QuerySet[Push]) -> int:
    """Blocked pushes → ready now. Their wait before the gate starts anew."""
    return pushes.filter(state=Push.State.BLOCKED).update(
        state=Push.State.READY,
        fence=F("fence") + 1,
        next_at=Now(),
        dirty_since=Now(),
        attempts=0,
        problem_code="",
        problem="",
    )


def rearm_commands(waiting: QuerySet[Command]) -> int:
    return waiting.filter(state__in=commands.WAITING).update(
        next_at=Now(), attempts=0, problem_code="", problem=""
    )


def _within(rows: QuerySet[Row]) -> QuerySet[Row]:
    """A bounded part of the rows, as a plain filter by key, so that it can be updated on any
    database.
    """
    return rows.model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True)[:5000]))

"""What people do with the outbox: try again, drop, unblock a store. Each act is audited, with who
and what.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from integrations.models import Command, Push, Store
from integrations.outbox import commands, dirty, outside, sweep
from logix.accounts import audit

_State = Command.State
_RETRIABLE = (*commands.WAITING, _State.PARKED, _State.REFUSED)
_DROPPABLE = (*commands.WAITING, _State.PARKED)


@transaction.atomic
def retry_push(push: Push, *, actor: str) -> bool:
    """Compute and send this listing's figure now, whatever it waits for. False while it is being
    sent, or was handed over.
    """
    changed = (
        Push.objects.filter(pk=push.pk)
        .exclude(state__in=Push.UNDER_WAY)
        .update(
            state=Push.State.READY,
            want_version=F("want_version") + 1,
            fence=F("fence") + 1,
            next_at=Now(),
            dirty_since=Now(),
            attempts=0,
            problem_code="",
            problem="",
        )
    )
    if changed:
        _record("push.retried", push, actor, was=push.state, reason=push.problem_code)
        dirty.ring_pushes(push.store_id)
    return bool(changed)


@transaction.atomic
def retry_command(command: Command, *, actor: str) -> bool:
    """Send a command again from its first attempt. One that was ever sent is looked up first. False
    when it is done, dropped or being sent, or was refused and is over for its order: a refund, or
    what another store was to send, is asked for anew.
    """
    if is_over(command):
        return False
    sent = command.state == _State.UNKNOWN or command.attempts > 0
    changed = Command.objects.filter(
        pk=command.pk, fence=command.fence, state=command.state, state__in=_RETRIABLE
    ).update(
        state=_State.UNKNOWN if sent else _State.NEW,
        fence=F("fence") + 1,
        next_at=Now(),
        done_at=None,
        attempts=0,
        problem_code="",
        problem="",
    )
    if changed:
        _record("command.retried", command, actor, was=command.state, reason=command.problem_code)
        commands.ring_commands(command.store_id)
    return bool(changed)


def is_over(command: Command) -> bool:
    """Whether its refusal ended what it asked for, so that sending it again would be amiss."""
    ends = (Command.Kind.REFUND, *outside.KINDS)
    return command.state == _State.REFUSED and command.kind in ends


@transaction.atomic
def drop_command(command: Command, *, actor: str, reason: str) -> bool:
    """Give a command up; later ones of its order go on. False when it is final or being sent."""
    if command.state not in _DROPPABLE:
        return False
    title = f"Dropped, the store was not told: {reason}" if reason else "Dropped"
    dropped = commands.end(
        command, None, state=_State.DROPPED, next_at=None, done_at=Now(), problem=reason
    )
    if dropped:
        commands.note(command, "store_not_told", title, actor=actor)
        _record("command.dropped", command, actor, was=command.state, reason=reason)
        commands.ring_commands(command.store_id)
    return dropped


@transaction.atomic
def unblock_store(store: Store, *, actor: str) -> int:
    """Try everything again that is blocked for this store; return how much. Parked commands stay
    parked: they wait for a decision about one order.
    """
    pushes = sweep.rearm_pushes(Push.objects.filter(store=store))
    waiting = Command.objects.filter(store=store, next_at__isnull=True)
    told = sweep.rearm_commands(waiting)
    if not pushes + told:
        return 0
    audit.record(
        "outbox.unblocked",
        actor=actor,
        merchant=store.merchant,
        obj=store,
        details={"pushes": pushes, "commands": told},
    )
    dirty.ring_pushes(store.pk)
    commands.ring_commands(store.pk)
    return pushes + told


def _record(action: str, row: Push | Command, actor: str, **details: str) -> None:
    audit.record(action, actor=actor, merchant=row.store.merchant, obj=row, details=details)

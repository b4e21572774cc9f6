"""What commands hold of a buyer who is erased: words of notes, reasons."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from integrations.models import Command
from integrations.outbox.commands import note, ring_commands

_State = Command.State
_OPEN = (_State.NEW, _State.BUSY, _State.UNKNOWN, _State.PARKED)
_GONE = "The buyer was erased, and this held what somebody wrote about them."


def forget_buyer(order_id: UUID) -> int:
    """Erase the words; return in how many commands. A note that is not told yet is dropped, as
    nothing is left of it; a cancellation or a refund goes on without its reason.

    The fence settles the race with a worker that is sending one: its answer is not kept.
    """
    mine = Command.objects.filter(order_ref=order_id)
    notes = mine.filter(kind=Command.Kind.NOTE)
    waiting = list(notes.filter(state__in=_OPEN))
    notes.filter(pk__in=[x.pk for x in waiting]).update(
        state=_State.DROPPED,
        fence=F("fence") + 1,
        next_at=None,
        lease_until=None,
        done_at=Now(),
        problem=_GONE,
    )
    for command in waiting:
        note(
            command, "store_not_told", "The note was given up: the buyer was erased", actor="system"
        )
    if waiting:
        ring_commands(waiting[0].store_id)
    return mine.exclude(words_sealed=None).update(words_sealed=None)

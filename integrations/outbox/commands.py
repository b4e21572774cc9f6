"""The queue of commands: writes to a store that must happen once and in order. Shipments, statuses,
cancellations, notes, refunds.

Enqueued in the transaction that wants them, under a key that never doubles; ``dispatch`` sends
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from integrations.models import Command, Store
from integrations.outbox import outside, refunds, words
from integrations.outbox.reasons import SENTENCES, Reason
from inventory.errors import LedgerConflict
from logix.common import bulk
from logix.common.bell import ring
from logix.common.ids import uuid7
from logix.common.transactions import again_on
from orders import services
from orders.errors import OrderChangedMeanwhile

_State = Command.State
WAITING = (_State.NEW, _State.UNKNOWN)
# A later command of the same order waits for these. A refused or dropped one holds nobody up, nor
# do fields: they tell what is so when they are sent.
_NOT_FINAL = (*WAITING, _State.BUSY, _State.HANDED, _State.PARKED)


def _outlive(command: Command, state: str, _problem: str) -> None:
    """What a store refused of a parcel before it took a newer word of it is over."""
    told = command.payload
    if state != Command.State.DONE or told.get("version", 1) == 1 or told.get("cancelled"):
        return
    before = Command.objects.filter(
        store_id=command.store_id,
        kind=command.kind,
        key__startswith=f"{command.key.rpartition(':')[0]}:",
        sequence__lt=command.sequence,
        state=Command.State.REFUSED,
    )
    before.update(state=Command.State.DROPPED, problem_code="superseded", fence=F("fence") + 1)


# What the end of a command means to the order it is about, and to what came before it.
_FOLLOW: dict[str, Callable[[Command, str, str], None]] = {
    Command.Kind.SHIPMENT: _outlive,
    Command.Kind.REFUND: refunds.follow,
    Command.Kind.FULFILL: outside.follow,
    Command.Kind.UNFULFILL: outside.follow,
}


def enqueue_command(
    *,
    store_id: UUID,
    kind: Command.Kind | str,
    key: str,
    order_ref: UUID,
    external_order_id: str,
    payload: dict[str, Any],
    written: str = "",
    requested_by: str = "",
    request_id: str = "",
) -> Command:
    """Have something told to the store, once per ``key``: the same key again returns the first
    command unchanged. ``written`` is what a person wrote, if that is part of it; it is sealed.

    Call it in the transaction that wants it. While writing to the store is off, the command waits
    for that.
    """
    with transaction.atomic():
        known = Command.objects.filter(store_id=store_id, key=key).first()
        if known:
            return known
        told = Store.objects.values_list("writes_enabled", "name", "data_key_id", Now())
        writes, name, data_key_id, now = told.get(pk=store_id)
        last = Command.objects.filter(store_id=store_id, order_ref=order_ref)
        pk = uuid7()
        row = {
            "id": pk,
            "store_id": store_id,
            "kind": kind,
            "key": key,
            "order_ref": order_ref,
            "external_order_id": external_order_id,
            "payload": payload,
            "words_sealed": words.seal(
                written, store_id=store_id, data_key_id=data_key_id, key=key
            ),
            "sequence": (last.aggregate(last=Max("sequence"))["last"] or 0) + 1,
            "state": _State.NEW,
            "attempts": 0,
            "next_at": now if writes else None,
            "fence": 0,
            "problem_code": "" if writes else Reason.WRITES_OFF,
            "problem": "" if writes else SENTENCES[Reason.WRITES_OFF],
            "requested_by": requested_by,
            "request_id": request_id,
        }
        if not bulk.insert(Command, [row], ignore_conflicts=True):
            return Command.objects.get(store_id=store_id, key=key)
        command = Command.objects.get(pk=pk)
        if writes:
            ring_commands(store_id)
        else:
            note(command, "store_not_told", f"{name} was not told yet: writing to it is off")
        return command


def ring_commands(store_id: UUID, *, delay_s: float = 0.0) -> None:
    ring("integrations.tasks.send_commands", str(store_id), queue="push", delay_s=delay_s)


def due() -> QuerySet[Command]:
    """Commands whose time has come and that no earlier one of the same order holds up."""
    before = Q(sequence__lt=OuterRef("sequence")) | Q(
        sequence=OuterRef("sequence"), pk__lt=OuterRef("pk")
    )
    earlier = Command.objects.filter(
        before,
        store_id=OuterRef("store_id"),
        order_ref=OuterRef("order_ref"),
        state__in=_NOT_FINAL,
    ).exclude(kind=Command.Kind.FIELDS)
    return Command.objects.filter(~Exists(earlier), state__in=WAITING, next_at__lte=Now())


def end(command: Command, event: tuple[str, str] | None, **changes: Any) -> bool:
    """Write ``changes`` and an ``event`` (kind, title) on the order's timeline. False when somebody
    else was faster: a worker that slept past its lease finds another fence, and nothing is written.
    """

    def write() -> bool:
        ended = Command.objects.filter(
            pk=command.pk, fence=command.fence, state=command.state
        ).update(fence=F("fence") + 1, lease_until=None, **changes)
        if ended and event:
            note(command, *event)
        if ended and command.kind in _FOLLOW:
            _FOLLOW[command.kind](command, changes["state"], changes.get("problem", ""))
        return bool(ended)

    return again_on(OrderChangedMeanwhile, LedgerConflict)(write)


def done(command: Command, *, changed: bool, title: str) -> bool:
    """The store has it. Without ``title`` that is no news for the order's timeline."""
    return end(
        command,
        ("store_told", title) if title else None,
        state=_State.DONE,
        changed=changed,
        next_at=None,
        done_at=Now(),
        problem_code="",
        problem="",
    )


def refuse(command: Command, store: Store, code: str, sentence: str) -> bool:
    """The store's last word on it."""
    return end(
        command,
        ("store_refused", f"{store.name} was not changed: {sentence}"),
        state=_State.REFUSED,
        next_at=None,
        done_at=Now(),
        problem_code=code[:60],
        problem=sentence,
    )


def park(command: Command, code: str, sentence: str) -> bool:
    """Set a command aside with its reason. Later ones of the same order wait for it."""
    who = command.store if command.kind in outside.KINDS else "The store"
    return end(
        command,
        ("store_not_told", f"{who} was not told: {sentence}"),
        state=_State.PARKED,
        next_at=None,
        problem_code=code[:60],
        problem=sentence,
    )


def note(command: Command, kind: str, title: str, *, actor: str = "") -> None:
    """A row on the order's timeline about this command."""
    services.note_event(
        command.order_ref,
        kind=kind,
        title=title,
        data={"command": str(command.pk), "what": command.kind},
        actor=actor or command.requested_by,
        request_id=command.request_id,
    )

"""Where so many parcels wait for a store that calls would take long, they go to it in one file.

While a command is ``handed`` nobody else tells the store of its parcel. It comes back by its ending
(``commands.end``) or by ``put_back``. Only first news of a parcel goes this way, and only what was
never sent: anything else has to look at the store first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from integrations import registry
from integrations.models import Command, HandedParcel, ParcelHandOver, Store
from integrations.outbox import commands, files
from integrations.outbox.reasons import Reason
from logix.common import bulk
from logix.common.ids import uuid7
from logix.common.transactions import again_on

log = structlog.get_logger(__name__)

_File = ParcelHandOver.State
_State = Command.State


def gather(store: Store) -> ParcelHandOver | None:
    """Put what waits into a file, where enough of it does and no file of it is under way."""
    card = registry.known_card(store.platform)
    if card is None or not card.parcels_bulk_from:
        return None
    if _waiting(store)[: card.parcels_bulk_from].count() < card.parcels_bulk_from:
        return None
    begun = ParcelHandOver.objects.filter(store=store)
    if begun.filter(state__in=ParcelHandOver.OPEN).exists():
        return None
    if begun.filter(state=_File.FAILED, next_at__gt=Now()).exists():
        return None
    file = again_on()(lambda: _begin(store, card.parcels_bulk_most))
    if file is not None:
        log.info("hand_over_begun", store=str(store.pk), parcels=file.parcels)
        files.ring_for(file.pk)
    return file


def file_of(command: Command) -> ParcelHandOver | None:
    if command.state != _State.HANDED:
        return None
    line = HandedParcel.objects.filter(command=command).select_related("hand_over").first()
    return line.hand_over if line else None


def lines_after(file: ParcelHandOver, number: int, most: int = files.CHUNK) -> list[HandedParcel]:
    """The next lines whose commands are in the file, in turn."""
    rows = file.lines.filter(number__gt=number, command__state=_State.HANDED).order_by("number")
    return list(rows.select_related("command")[:most])


@transaction.atomic
def put_back(rows: Sequence[HandedParcel], *, was_sent: bool, code: str, problem: str) -> None:
    """These go out by calls. ``was_sent``: the store may have heard of them, so they are looked up
    first, by whoever sends them.
    """
    Command.objects.filter(pk__in=[row.command_id for row in rows], state=_State.HANDED).update(
        state=_State.UNKNOWN if was_sent else _State.NEW,
        attempts=1 if was_sent else 0,
        fence=F("fence") + 1,
        next_at=Now(),
        problem_code=code,
        problem=problem,
    )
    drop(rows)


def put_back_all(
    file: ParcelHandOver, *, was_sent: bool, code: str = "", problem: str = ""
) -> None:
    while rows := lines_after(file, 0):
        put_back(rows, was_sent=was_sent, code=code, problem=problem)


def drop(rows: Sequence[HandedParcel]) -> None:
    """Lines that have ended. What the store did not take stays, and says why."""
    HandedParcel.objects.filter(pk__in=[row.pk for row in rows], code="").delete()


def _waiting(store: Store) -> QuerySet[Command]:
    return (
        commands.due()
        .filter(
            store=store,
            kind=Command.Kind.SHIPMENT,
            state=_State.NEW,
            attempts=0,
            payload__version=1,
            payload__cancelled=False,
        )
        .exclude(problem_code=Reason.TOLD_BY_CALL)
    )


def _begin(store: Store, most: int) -> ParcelHandOver | None:
    pk = uuid7()
    row = {
        "id": pk,
        "store_id": store.pk,
        "state": _File.SENDING,
        "handle": {},
        "parcels": 0,
        "refused": 0,
        "attempts": 0,
        "fence": 0,
        "problem_code": "",
        "problem": "",
    }
    # Two that begin in the same moment: the constraint lets one.
    if not bulk.insert(ParcelHandOver, [row], ignore_conflicts=True):
        return None
    waiting = _waiting(store).order_by("next_at", "sequence", "pk")
    found = list(waiting.values_list("pk", "fence")[:most])
    count = 0
    for start in range(0, len(found), files.CHUNK):
        part = found[start : start + files.CHUNK]
        moved = bulk.update(Command, [_handed(*one) for one in part], versioned="fence")
        ours = [one for one, _ in part if one in moved]
        # Refused in an earlier file, and asked for again.
        HandedParcel.objects.filter(command__in=ours).delete()
        bulk.insert(HandedParcel, [_line(pk, one, n) for n, one in enumerate(ours, count + 1)])
        count += len(ours)
    mine = ParcelHandOver.objects.filter(pk=pk)
    mine.update(parcels=count, gathered_at=Now(), next_at=Now())
    return mine.get()


def _handed(pk: Any, fence: int) -> dict[str, Any]:
    return {
        "id": pk,
        "state": _State.HANDED,
        "attempts": 1,
        "fence": fence + 1,
        "next_at": None,
        "problem_code": "",
        "problem": "",
    }


def _line(file: Any, command: Any, number: int) -> dict[str, Any]:
    return {
        "hand_over_id": file,
        "command_id": command,
        "number": number,
        "code": "",
        "problem": "",
        "is_unsure": False,
    }

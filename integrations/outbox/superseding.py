"""Commands that a parcel which is taken back makes needless: what the store was not told yet is not
told any more, and what it may know is taken back there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from uuid import UUID

from django.db.models.functions import Now

from integrations.errors import Rejected
from integrations.models import Command
from integrations.outbox import commands
from orders.data import OrderData, ShipmentData
from orders.models import Order, Shipment
from orders.status import OrderStatus

_SUPERSEDED = "superseded"
_State = Command.State
_WAITS = (*commands.WAITING, _State.PARKED)
_OVER = (_State.REFUSED, _State.DROPPED)
# Sent, or being sent, without an answer that says what came of it.
_UNSURE = (*_WAITS, _State.BUSY, _State.HANDED)


class Memory(Enum):
    """What a store knows of a parcel. UNSURE: it may know it without its name."""

    NONE = auto()
    UNSURE = auto()
    BY_NAME = auto()


def forget_parcel(order: Order, parcel: Shipment, *, actor: str) -> Memory:
    """Drop what waits to be told of a parcel. What is being sent just now is looked for later by
    the command that takes it back, which comes after it.
    """
    told = Command.objects.filter(
        store_id=order.store_id,
        kind=Command.Kind.SHIPMENT,
        key__startswith=f"shipment:{parcel.pk}:",
    )
    found = list(told)
    never = [one for one in found if _was_never_sent(one)]
    why = f"parcel {parcel.reference} was taken back before"
    dropped = {one.pk for one in found if one.state in _WAITS and _drop(one, why, actor)}
    sent = [one for one in found if one not in never or one.pk not in dropped]
    if any(one.state == _State.DONE for one in sent):
        return Memory.BY_NAME
    if any(one.state in _UNSURE for one in sent):
        return Memory.UNSURE
    return Memory.BY_NAME if sent else Memory.NONE


def forget_completion(order: Order, *, actor: str) -> bool:
    """Drop what waits to complete an order of which a parcel came back: that would say of its goods
    that they left. Whether the store was told, or may have been, that the order is completed.
    """
    found = list(
        Command.objects.filter(
            store_id=order.store_id, order_ref=order.pk, kind=Command.Kind.STATUS
        ).order_by("sequence", "pk")
    )
    why = "a parcel of the order was taken back before"
    told = None
    for one in found:
        completes = one.payload.get("status") == OrderStatus.COMPLETED
        was_never_sent = _was_never_sent(one)
        waits = completes and one.state in _WAITS
        if waits and _drop(one, why, actor) and was_never_sent:
            continue
        if one.state not in _OVER:
            told = completes
    return bool(told)


def taken_back(commands_of: Sequence[Command]) -> set[UUID]:
    """Those of these commands whose parcels were taken back meanwhile."""
    back = Shipment.objects.filter(
        order_id__in={one.order_ref for one in commands_of}, cancelled_at__isnull=False
    )
    named = set(back.values_list("order_id", "reference"))
    return {x.pk for x in commands_of if (x.order_ref, x.payload["reference"]) in named}


def refuse_overtaken(command: Command) -> None:
    """A parcel that was taken back while its command was in hands, or that a person sends again, is
    not told any more. Raises Rejected.
    """
    is_back = Shipment.objects.filter(
        order_id=command.order_ref,
        reference=command.payload["reference"],
        cancelled_at__isnull=False,
    )
    if is_back.exists():
        raise Rejected("The parcel was taken back before.", code=_SUPERSEDED)


def as_named_there(
    command: Command, shipment: ShipmentData, there: OrderData | None
) -> ShipmentData:
    """A parcel whose tracking changed, with the store's own id of it, which may not have been known
    when the change was asked for: by what we know now, or by the number it was told with.
    """
    if shipment.external_id or command.payload.get("version", 1) == 1:
        return shipment
    stored = Shipment.objects.filter(order_id=command.order_ref, reference=shipment.reference)
    name = stored.values_list("external_id", flat=True).first()
    if not name and there is not None:
        told = Command.objects.filter(
            store_id=command.store_id,
            key__startswith=f"{command.key.rpartition(':')[0]}:",
            state=_State.DONE,
        ).order_by("-sequence")
        numbers = [x.payload["tracking_number"] for x in told[:1]]
        shown = (x for x in there.shipments or () if x.tracking_number in numbers)
        name = next((x.external_id for x in shown if x.tracking_number), "")
    return replace(shipment, external_id=name or "")


def _was_never_sent(command: Command) -> bool:
    """Nobody had it in hands yet: each claim raises the fence."""
    return command.state == _State.NEW and command.fence == 0


def _drop(command: Command, why: str, actor: str) -> bool:
    dropped = commands.end(
        command,
        None,
        state=_State.DROPPED,
        next_at=None,
        done_at=Now(),
        problem_code=_SUPERSEDED,
        problem=f"{why[:1].upper()}{why[1:]}.",
    )
    if dropped:
        commands.note(command, "store_not_told", f"The store was not told: {why}", actor=actor)
        commands.ring_commands(command.store_id)
    return dropped

"""How each kind of command is told to a store: one row of a table, and a look at the order before
it goes out.

Payloads are plain JSON. The adapter's own writes look first, so a command sent twice is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from integrations.base import BaseEcommerceIntegration
from integrations.errors import Rejected, Unsupported
from integrations.models import Command
from integrations.outbox import fields, outside, refunds, superseding
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.outbox.words import words_of
from integrations.platform import Ability
from orders import services
from orders.data import OrderData, ShipmentData, ShipmentLineData
from orders.models import Order
from orders.status import Flag, OrderStatus


@dataclass(frozen=True, slots=True)
class Told:
    """What the store answered: ``changed`` False means it was already so. Without ``title`` it is
    no news for the order's timeline.
    """

    changed: bool
    title: str


def tell(adapter: BaseEcommerceIntegration, command: Command) -> Told:
    """Do what the command says at the store. Raises the errors of ``integrations.errors``."""
    needed = _needed(command)
    _refuse_exempt(adapter, needed)
    adapter.require(needed)
    there = _look(adapter, command) if command.kind in _LOOKED_AT else None
    return _TELL[Command.Kind(command.kind)](adapter, command, there)


def shipment_payload(shipment: ShipmentData, *, version: int) -> dict[str, Any]:
    """A parcel as a payload; ``version`` 1 ships, higher ones change its tracking, or take it back
    where it is ``cancelled``.
    """
    return {
        "version": version,
        "cancelled": shipment.cancelled,
        "notify_customer": shipment.notify_customer,
        "reference": shipment.reference,
        "external_id": shipment.external_id,
        "external_location_id": shipment.external_location_id,
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking_number,
        "tracking_url": shipment.tracking_url,
        "shipped_at": shipment.shipped_at.isoformat() if shipment.shipped_at else None,
        "lines": [[line.line_external_id, line.quantity] for line in shipment.lines],
    }


def shipment_of(payload: Mapping[str, Any]) -> ShipmentData:
    shipped_at = payload.get("shipped_at")
    return ShipmentData(
        external_id=payload.get("external_id", ""),
        reference=payload["reference"],
        external_location_id=payload.get("external_location_id", ""),
        carrier=payload.get("carrier", ""),
        tracking_number=payload.get("tracking_number", ""),
        tracking_url=payload.get("tracking_url", ""),
        shipped_at=datetime.fromisoformat(shipped_at) if shipped_at else None,
        lines=tuple(
            ShipmentLineData(line_external_id=line, quantity=quantity)
            for line, quantity in payload.get("lines", [])
        ),
        cancelled=payload.get("cancelled", False),
        notify_customer=payload.get("notify_customer", True),
    )


def said_of(shipment: ShipmentData) -> str:
    tracking = " ".join(filter(None, (shipment.carrier, shipment.tracking_number)))
    return f"the shipment {tracking or shipment.reference}"


def _status(adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None) -> Told:
    status = OrderStatus(command.payload["status"])
    changed = adapter.update_order_status(command.external_order_id, status)
    return Told(changed, f"The store {'took over' if changed else 'already had'} status {status}")


def _shipment(adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None) -> Told:
    """The parcel goes with the status the order has now: a status of its own follows as its own
    command.
    """
    shipment = shipment_of(command.payload)
    if shipment.cancelled:
        return _take_back(adapter, command, shipment)
    superseding.refuse_overtaken(command)
    shipment = superseding.as_named_there(command, shipment, there)
    status = there.status.order if there else _known_status(command)
    changed = adapter.update_order_status(command.external_order_id, status, shipment=shipment)
    return Told(
        changed, f"The store {'shows' if changed else 'already showed'} {said_of(shipment)}"
    )


def _take_back(adapter: BaseEcommerceIntegration, command: Command, shipment: ShipmentData) -> Told:
    changed = adapter.cancel_shipment(command.external_order_id, shipment)
    done = "took back" if changed else "shows no more of"
    return Told(changed, f"The store {done} parcel {shipment.reference}")


def _cancel(adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None) -> Told:
    notify = bool(command.payload.get("notify_customer", True))
    if not notify:
        _refuse_exempt(adapter, Ability.QUIET_CANCEL)
    changed = adapter.cancel_order(
        command.external_order_id, words_of(command), notify_customer=notify
    )
    return Told(
        changed, f"The store {'cancelled' if changed else 'had already cancelled'} the order"
    )


def _note(adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None) -> Told:
    changed = adapter.add_note(
        command.external_order_id,
        words_of(command),
        reference=command.payload["reference"],
        to_customer=bool(command.payload.get("to_customer")),
    )
    return Told(changed, f"The store {'shows' if changed else 'already showed'} the note")


def _refund(adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None) -> Told:
    return Told(*refunds.tell(adapter, command))


def _fulfill(adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None) -> Told:
    return Told(*outside.request(adapter, command))


def _unfulfill(
    adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None
) -> Told:
    return Told(*outside.cancel(adapter, command))


def _fields(adapter: BaseEcommerceIntegration, command: Command, there: OrderData | None) -> Told:
    """What the store has already is no news, its own echo least of all. The names are told, not the
    values: they may name the buyer.
    """
    wanted = fields.fields_of(command)
    if not wanted.values:
        return Told(changed=False, title="")
    fields.refuse_a_fight(command)
    changed = adapter.write_order_fields(command.external_order_id, wanted.values, fill=wanted.fill)
    return Told(changed, f"The store took over {', '.join(wanted.values)}" if changed else "")


_TELL: dict[Command.Kind, Callable[[BaseEcommerceIntegration, Command, OrderData | None], Told]] = {
    Command.Kind.STATUS: _status,
    Command.Kind.SHIPMENT: _shipment,
    Command.Kind.CANCEL: _cancel,
    Command.Kind.NOTE: _note,
    Command.Kind.FIELDS: _fields,
    Command.Kind.REFUND: _refund,
    Command.Kind.FULFILL: _fulfill,
    Command.Kind.UNFULFILL: _unfulfill,
}
# What the merchant must have granted; without it only commands of this kind wait.
_NEEDS: Mapping[Command.Kind, Ability] = {
    Command.Kind.STATUS: Ability.STATUS_WRITE,
    Command.Kind.SHIPMENT: Ability.SHIPMENTS,
    Command.Kind.CANCEL: Ability.CANCEL,
    Command.Kind.NOTE: Ability.NOTES,
    Command.Kind.FIELDS: Ability.ORDER_FIELDS_WRITE,
    Command.Kind.REFUND: Ability.REFUNDS_WRITE,
    Command.Kind.FULFILL: Ability.FULFILS_FOR_OTHERS,
    Command.Kind.UNFULFILL: Ability.FULFILS_FOR_OTHERS,
}

_LOOKED_AT = frozenset({Command.Kind.STATUS, Command.Kind.SHIPMENT})


def _needed(command: Command) -> Ability:
    if command.kind == Command.Kind.SHIPMENT and command.payload.get("cancelled"):
        return Ability.SHIPMENT_CANCEL
    return _NEEDS[Command.Kind(command.kind)]


def _refuse_exempt(adapter: BaseEcommerceIntegration, ability: Ability) -> None:
    """Raises Unsupported with the reason that the platform's card gives."""
    if reason := adapter.card.exempt.get(ability):
        raise Unsupported(reason)


def _look(adapter: BaseEcommerceIntegration, command: Command) -> OrderData | None:
    """The order as the store has it now, where it can be read. Raises Rejected when it says not to
    go on.

    Goods are physical: what was decided here minutes ago may have been cancelled or edited there
    since. A parcel that is back is back, whatever became of its order.
    """
    if not adapter.can(Ability.ORDER_BY_ID) or command.payload.get("cancelled"):
        return None
    there = adapter.read_order(command.external_order_id)
    if there.status.order is OrderStatus.CANCELLED:
        raise _refused(Reason.CANCELLED_AT_STORE)
    if command.kind == Command.Kind.SHIPMENT and command.payload.get("version", 1) == 1:
        if Flag.CANCEL_REQUESTED in there.flags and not _goes_on(command):
            raise _refused(Reason.CANCEL_REQUESTED_AT_STORE)
        ordered = {line.external_id: line.quantity for line in there.lines}
        shipped = shipment_of(command.payload).lines
        if any(ordered.get(x.line_external_id, 0) < x.quantity for x in shipped):
            raise _refused(Reason.EDITED_AT_STORE)
        if _goes_elsewhere(command, there):
            raise _refused(Reason.MOVED_AT_STORE)
    return there


def _goes_on(command: Command) -> bool:
    order = Order.objects.filter(pk=command.order_ref).first()
    return order is not None and services.goes_on(order)


def _goes_elsewhere(command: Command, there: OrderData) -> bool:
    """Whether the store has another address by now than the one the parcel was prepared by."""
    order = Order.objects.select_related("store").filter(pk=command.order_ref).first()
    return order is not None and services.goes_elsewhere(order, there.buyer)


def _refused(reason: Reason) -> Rejected:
    return Rejected(SENTENCES[reason], code=reason)


def _known_status(command: Command) -> OrderStatus:
    status = Order.objects.filter(pk=command.order_ref).values_list("order_status", flat=True)
    return OrderStatus(status.first() or OrderStatus.OPEN)

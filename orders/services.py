"""What people and the API do with an order: ship, change tracking, set a status, cancel, note, read
the sealed parts.

Each call is one transaction. What the store must be told goes out as a signal in that transaction;
the store's own answer, not our wish, later decides the order's status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from inventory import ledger
from inventory.ledger import Demand, LedgerConflict
from inventory.models import Location
from logix.common import bulk
from logix.common.transactions import again_on
from orders import privacy, signals, timeline
from orders.data import Buyer
from orders.errors import OrderChangedMeanwhile, OrderError
from orders.models import Order, OrderEvent, OrderLine, Shipment, ShipmentLine
from orders.status import (
    Flag,
    FulfillmentStatus,
    ImportState,
    OrderStatus,
    fulfillment_status,
)

T = TypeVar("T")

_HOLDING = {
    Flag.CANCEL_REQUESTED: "A cancellation of this order is open. Decide it before shipping.",
    Flag.EDITED_AFTER_IMPORT: "The order was edited after picking began. Review the changes first.",
}
_REQUESTABLE = frozenset(
    {OrderStatus.OPEN, OrderStatus.ON_HOLD, OrderStatus.COMPLETED, OrderStatus.PENDING}
)


def add_shipment(
    order: Order,
    *,
    lines: Mapping[UUID, int] | None = None,
    carrier: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
    location: Location | None = None,
    reference: str = "",
    actor: str,
    request_id: str = "",
) -> Shipment:
    """Ship one parcel: ``lines`` is units by order line, None ships all that is left. The same
    ``reference`` again returns the parcel that was made. Raises OrderError.
    """

    def ship(order: Order) -> Shipment:
        existing = order.shipments.filter(reference=reference).first() if reference else None
        if existing:
            return existing
        _refuse_unless_shippable(order)
        by_id = {line.pk: line for line in order.lines.filter(removed_at=None)}
        units = _units_to_ship(by_id, lines)
        now = timezone.now()
        count = order.shipments.count()
        parcel = Shipment.objects.create(
            order=order,
            reference=reference or f"LGX-{order.number}-{count + 1}"[:64],
            origin=Shipment.Origin.HUB,
            carrier=carrier,
            tracking_number=tracking_number,
            tracking_url=tracking_url,
            location=location,
            shipped_at=now,
        )
        for line_id, quantity in units.items():
            ShipmentLine.objects.create(shipment=parcel, line_id=line_id, quantity=quantity)
            by_id[line_id].quantity_shipped += quantity
        bulk.update(
            OrderLine,
            [{"id": k, "quantity_shipped": by_id[k].quantity_shipped} for k in units],
        )
        _settle_stock(order, by_id, location, actor, request_id)
        _refigure_fulfillment(order, by_id.values())
        tracking = " ".join(filter(None, (carrier, tracking_number))) or "tracking follows"
        _note(
            order,
            "shipped",
            f"Shipped {sum(units.values())} units: {tracking}",
            actor,
            data={"reference": parcel.reference, "tracking_number": tracking_number},
            request_id=request_id,
        )
        signals.shipment_added.send(sender=Shipment, shipment=parcel, version=1, actor=actor)
        if order.fulfillment_status == FulfillmentStatus.FULFILLED:
            signals.status_requested.send(
                sender=Order, order=order, status=OrderStatus.COMPLETED, actor=actor
            )
        return parcel

    return _on(order, ship)


def update_tracking(
    shipment: Shipment,
    *,
    carrier: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
    actor: str,
    request_id: str = "",
) -> Shipment:
    """Set or correct a parcel's tracking; the store is told again. Raises OrderError."""

    def change(order: Order) -> Shipment:
        parcel = order.shipments.select_for_update().get(pk=shipment.pk)
        if parcel.cancelled_at:
            raise OrderError("shipment_cancelled", "This parcel was cancelled.")
        told = {
            "carrier": carrier or parcel.carrier,
            "tracking_number": tracking_number or parcel.tracking_number,
            "tracking_url": tracking_url or parcel.tracking_url,
        }
        if all(getattr(parcel, k) == v for k, v in told.items()):
            return parcel
        for name, value in told.items():
            setattr(parcel, name, value)
        parcel.version += 1
        parcel.save(update_fields=[*told, "version"])
        _note(
            order,
            "tracking",
            f"Tracking: {parcel}",
            actor,
            data={"reference": parcel.reference, "tracking_number": parcel.tracking_number},
            request_id=request_id,
        )
        signals.shipment_added.send(
            sender=Shipment, shipment=parcel, version=parcel.version, actor=actor
        )
        return parcel

    return _on(shipment.order, change)


def request_status(order: Order, *, status: OrderStatus, actor: str, request_id: str = "") -> None:
    """Ask the store for another status. It shows here when the store confirms it. Raises
    OrderError.
    """

    def ask(order: Order) -> None:
        if status is OrderStatus.CANCELLED:
            raise OrderError("use_cancel", "Cancel an order with the cancel call, not a status.")
        if status not in _REQUESTABLE:
            raise OrderError("status_not_settable", f"“{status}” cannot be set from here.")
        if order.is_cancelled:
            raise OrderError("order_cancelled", "The order is cancelled at the store.")
        if order.order_status == status:
            raise OrderError("already_so", f"The order is already {status}.")
        _note(
            order,
            "status_requested",
            f"Asked the store for status {status}",
            actor,
            request_id=request_id,
        )
        signals.status_requested.send(sender=Order, order=order, status=status, actor=actor)

    _on(order, ask)


def cancel_order(order: Order, *, reason: str = "", actor: str, request_id: str = "") -> None:
    """Ask the store to cancel. Stock is released when the store confirms. Raises OrderError."""

    def ask(order: Order) -> None:
        if order.is_cancelled:
            raise OrderError("already_cancelled", "The order is cancelled already.")
        if order.lines.filter(quantity_shipped__gt=0).exists():
            raise OrderError(
                "already_shipped",
                "Part of this order has left. Refund it at the store instead.",
            )
        _note(
            order,
            "cancel_requested",
            f"Asked the store to cancel{f': {reason}' if reason else ''}",
            actor,
            request_id=request_id,
        )
        signals.cancel_requested.send(sender=Order, order=order, reason=reason, actor=actor)

    _on(order, ask)


def add_note(
    order: Order, *, text: str, to_customer: bool = False, actor: str, request_id: str = ""
) -> OrderEvent:
    """Put a note on the order at the store. Raises OrderError."""

    def write(order: Order) -> OrderEvent:
        if not text.strip():
            raise OrderError("note_empty", "The note is empty.")
        event = _note(
            order,
            "note",
            "Note for the customer sent" if to_customer else "Note added",
            actor,
            request_id=request_id,
        )
        signals.note_requested.send(
            sender=Order,
            order=order,
            text=text,
            to_customer=to_customer,
            reference=f"note-{event.pk}",
            actor=actor,
        )
        return event

    return _on(order, write)


def mark_gone(order: Order, *, actor: str) -> None:
    """The store has deleted the order: keep it, release what it holds, ask a person."""

    def mark(order: Order) -> None:
        if order.gone_at:
            return
        order.gone_at = timezone.now()
        order.import_state = ImportState.NEEDS_REVIEW
        order.import_problem = (
            "The store deleted this order. Decide whether it was cancelled; it is kept here."
        )
        order.save(update_fields=["gone_at", "import_state", "import_problem"])
        order.binds_stock = False
        order.save(update_fields=["binds_stock"])
        lines = {line.pk: line for line in order.lines.filter(removed_at=None)}
        _settle_stock(order, lines, None, actor, "")
        _note(order, "gone", "The store deleted this order", actor)

    _on(order, mark)


def note_event(
    order_id: UUID,
    *,
    kind: str,
    title: str,
    data: dict[str, Any] | None = None,
    origin: str = OrderEvent.Origin.HUB,
    actor: str = "",
    request_id: str = "",
) -> None:
    """Put a row on an order's timeline, as the outbox does for answers of the store."""
    OrderEvent.objects.create(
        order_id=order_id,
        at=timezone.now(),
        kind=kind,
        title=title[:300],
        data=data or {},
        origin=origin,
        actor=actor,
        request_id=request_id,
    )


def buyer_of(order: Order) -> Buyer | None:
    """The opened buyer block; None when there is none or it was erased. Raises SealBroken."""
    if not order.buyer_sealed:
        return None
    key = order.store.data_key_id
    return privacy.open_buyer(key, order.store_id, order.external_id, order.buyer_sealed)


def payload_of(order: Order) -> bytes | None:
    """The platform's own last answer, UTF-8 JSON; None when it expired. Raises SealBroken."""
    payload = getattr(order, "payload", None)
    if payload is None:
        return None
    key = order.store.data_key_id
    return privacy.open_payload(key, order.store_id, order.external_id, payload.sealed)


def _on(order: Order, work: Callable[[Order], T]) -> T:
    """Run ``work`` on the freshly read, locked order. The revision guards against a faster writer
    on any database.
    """

    def once() -> T:
        fresh = Order.objects.select_for_update(of=("self",)).get(pk=order.pk)
        before = fresh.revision
        result = work(fresh)
        changed = Order.objects.filter(pk=fresh.pk, revision=before).update(
            revision=F("revision") + 1
        )
        if not changed:
            raise OrderChangedMeanwhile("The order was changed by another process.")
        return result

    return again_on(OrderChangedMeanwhile, LedgerConflict)(once)


def _refuse_unless_shippable(order: Order) -> None:
    if order.is_cancelled:
        raise OrderError("order_cancelled", "The order is cancelled; nothing may be shipped.")
    if order.gone_at:
        raise OrderError("order_gone", "The store deleted this order; nothing may be shipped.")
    if order.order_status == OrderStatus.DRAFT:
        raise OrderError("order_draft", "The order has not been placed yet.")
    for flag, sentence in _HOLDING.items():
        if flag in order.flag_set:
            raise OrderError(flag.value, sentence)


def _units_to_ship(
    by_id: dict[UUID, OrderLine], wanted: Mapping[UUID, int] | None
) -> dict[UUID, int]:
    left = {
        pk: max(0, line.quantity - line.quantity_refunded - line.quantity_shipped)
        for pk, line in by_id.items()
        if line.requires_shipping
    }
    if wanted is None:
        wanted = {pk: units for pk, units in left.items() if units}
    if not wanted:
        raise OrderError("nothing_to_ship", "Everything in this order has left already.")
    for pk, units in wanted.items():
        if pk not in by_id:
            raise OrderError("unknown_line", f"Line {pk} is not part of this order.")
        if units < 1:
            raise OrderError("bad_quantity", "Ship at least one unit of a line.")
        if units > left.get(pk, 0):
            line = by_id[pk]
            raise OrderError(
                "too_many",
                f"{line.sku or line.name}: {units} asked for, {left.get(pk, 0)} left to ship.",
            )
    return dict(wanted)


def _settle_stock(
    order: Order,
    by_id: Mapping[UUID, OrderLine],
    location: Location | None,
    actor: str,
    request_id: str,
) -> None:
    if not order.moves_stock:
        return
    items = dict(
        OrderLine.objects.filter(pk__in=by_id, variant__isnull=False).values_list(
            "pk", "variant__counted_as"
        )
    )
    demands = [
        Demand(
            line_ref=line.pk,
            order_ref=order.pk,
            store_id=order.store_id,
            variant_id=items[line.pk] or line.variant_id,  # type: ignore[arg-type]
            outstanding=(
                max(0, line.quantity - line.quantity_refunded - line.quantity_shipped)
                if order.binds_stock
                else 0
            ),
            shipped=line.quantity_shipped,
            placed_at=order.placed_at,
            location_id=location.pk if location else None,
        )
        for line in by_id.values()
        if line.pk in items
    ]
    ledger.settle(order.merchant_id, demands, actor=actor, request_id=request_id)


def _refigure_fulfillment(order: Order, lines: Any) -> None:
    needed = [x for x in lines if x.requires_shipping]
    order.fulfillment_status = fulfillment_status(
        word=FulfillmentStatus(order.fulfillment_status),
        required=sum(max(x.quantity_shipped, x.quantity - x.quantity_refunded) for x in needed),
        shipped=sum(x.quantity_shipped for x in needed),
    )
    order.save(update_fields=["fulfillment_status"])


def _note(
    order: Order,
    kind: str,
    title: str,
    actor: str,
    *,
    data: dict[str, Any] | None = None,
    request_id: str = "",
) -> OrderEvent:
    row = timeline.row(
        order.pk,
        kind,
        title,
        timezone.now(),
        origin=OrderEvent.Origin.PERSON if actor.startswith("user:") else OrderEvent.Origin.HUB,
        data=data,
        actor=actor,
    )
    return OrderEvent.objects.create(**{**row, "request_id": request_id})

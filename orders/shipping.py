"""Shipping an order from the hub, parcel by parcel, and the tracking of a parcel. What becomes of
one that is taken back is in ``unshipping``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.utils import timezone

from inventory.models import Location
from logix.common import bulk
from orders import conflict_diff, signals
from orders.changing import change, lines_of, note, settle_stock, units_left
from orders.errors import OrderError
from orders.models import Conflict, Order, OrderLine, Shipment, ShipmentLine
from orders.status import Flag, FulfillmentStatus, OrderStatus, fulfillment_status

_HOLDING = {
    Flag.CANCEL_REQUESTED: "A cancellation of this order is open. Decide it before shipping.",
    Flag.EDITED_AFTER_IMPORT: "The order was edited after picking began. Accept the edit first.",
}
# Of the 64 characters of a parcel's reference, what the order's number may take.
_NUMBER_IN_REFERENCE = 50


def add_shipment(
    order: Order,
    *,
    lines: Mapping[UUID, int] | None = None,
    carrier: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
    location: Location | None = None,
    reference: str = "",
    notify_customer: bool = True,
    actor: str,
    request_id: str = "",
) -> Shipment:
    """Ship one parcel: ``lines`` is units by order line, None ships all that is left. The same
    ``reference`` again returns the parcel that was made. ``notify_customer``: the store is to tell
    its customer of it, now and when its tracking changes. Raises OrderError.
    """

    def ship(order: Order) -> Shipment:
        existing = order.shipments.filter(reference=reference).first() if reference else None
        if existing and existing.cancelled_at:
            raise OrderError(
                "shipment_cancelled",
                f"Parcel {reference} was cancelled. Ship what leaves now under another reference.",
            )
        if existing:
            return existing
        _refuse_unless_shippable(order, location)
        by_id = lines_of(order)
        units = _units_to_ship(by_id, lines)
        parcel = Shipment.objects.create(
            order=order,
            reference=reference or _next_reference(order),
            origin=Shipment.Origin.HUB,
            carrier=carrier,
            tracking_number=tracking_number,
            tracking_url=tracking_url,
            location=location,
            shipped_at=timezone.now(),
            notify_customer=notify_customer,
        )
        _pack(parcel, by_id, units)
        settle_stock(order, by_id, location=location, actor=actor, request_id=request_id)
        _refigure_fulfillment(order, by_id.values())
        tracking = " ".join(filter(None, (carrier, tracking_number))) or "tracking follows"
        count = sum(units.values())
        note(
            order,
            "shipped",
            f"Shipped {count} {'unit' if count == 1 else 'units'}: {tracking}",
            actor,
            data={
                "reference": parcel.reference,
                "tracking_number": tracking_number,
                "notify_customer": notify_customer,
            },
            request_id=request_id,
        )
        signals.shipment_added.send(sender=Shipment, shipment=parcel, version=1, actor=actor)
        if order.fulfillment_status == FulfillmentStatus.FULFILLED:
            signals.status_requested.send(
                sender=Order,
                order=order,
                status=OrderStatus.COMPLETED,
                actor=actor,
                by_parcels=True,
            )
        return parcel

    return change(order, ship)


def update_tracking(
    shipment: Shipment,
    *,
    carrier: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
    notify_customer: bool | None = None,
    actor: str,
    request_id: str = "",
) -> Shipment:
    """Set or correct a parcel's tracking; the store is told again, and tells its customer as was
    said of the parcel before, unless ``notify_customer`` says otherwise. Raises OrderError.
    """

    def correct(order: Order) -> Shipment:
        parcel = order.shipments.select_for_update().get(pk=shipment.pk)
        if parcel.cancelled_at:
            raise OrderError("shipment_cancelled", "This parcel was cancelled.")
        told = {
            "carrier": carrier or parcel.carrier,
            "tracking_number": tracking_number or parcel.tracking_number,
            "tracking_url": tracking_url or parcel.tracking_url,
        }
        if notify_customer is not None and notify_customer != parcel.notify_customer:
            parcel.notify_customer = notify_customer
            parcel.save(update_fields=["notify_customer"])
        if all(getattr(parcel, k) == v for k, v in told.items()):
            return parcel
        for name, value in told.items():
            setattr(parcel, name, value)
        parcel.version += 1
        parcel.save(update_fields=[*told, "version"])
        note(
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

    return change(shipment.order, correct)


def _refuse_unless_shippable(order: Order, location: Location | None) -> None:
    if order.is_cancelled:
        raise OrderError("order_cancelled", "The order is cancelled; nothing may be shipped.")
    if order.gone_at:
        raise OrderError("order_gone", "The store deleted this order; nothing may be shipped.")
    if order.order_status == OrderStatus.DRAFT:
        raise OrderError("order_draft", "The order has not been placed yet.")
    if Flag.PLATFORM_FULFILLED in order.flag_set:
        raise OrderError(
            Flag.PLATFORM_FULFILLED.value,
            "The platform ships this order from its own stock; nothing of it is sent from here.",
        )
    for flag, sentence in _HOLDING.items():
        if flag in order.flag_set:
            raise OrderError(flag.value, f"{sentence}{_difference(order, flag)}")
    if location is not None and location.merchant_id != order.merchant_id:
        raise OrderError("unknown_location", "This place belongs to somebody else.")


def _difference(order: Order, flag: Flag) -> str:
    """What the edit changed, where that is known."""
    if flag is not Flag.EDITED_AFTER_IMPORT:
        return ""
    found = Conflict.objects.open().filter(order=order).first()
    return f" It differs by: {conflict_diff.summary(found.diff)}." if found else ""


def _units_to_ship(
    by_id: Mapping[UUID, OrderLine], wanted: Mapping[UUID, int] | None
) -> dict[UUID, int]:
    left = {pk: units_left(line) for pk, line in by_id.items() if line.requires_shipping}
    if not left:
        raise OrderError("nothing_to_ship", "Nothing in this order needs shipping.")
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


def _next_reference(order: Order) -> str:
    """The first number that no parcel of the order bears; a store may have reported some."""
    taken = set(order.shipments.values_list("reference", flat=True))
    number = len(taken) + 1
    stem = f"LGX-{order.number[:_NUMBER_IN_REFERENCE]}"
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def _pack(parcel: Shipment, by_id: Mapping[UUID, OrderLine], units: Mapping[UUID, int]) -> None:
    for line_id, quantity in units.items():
        ShipmentLine.objects.create(shipment=parcel, line_id=line_id, quantity=quantity)
        by_id[line_id].quantity_shipped += quantity
    shipped = [{"id": k, "quantity_shipped": by_id[k].quantity_shipped} for k in units]
    bulk.update(OrderLine, shipped)


def _refigure_fulfillment(order: Order, lines: Iterable[OrderLine]) -> None:
    needed = [x for x in lines if x.requires_shipping]
    order.fulfillment_status = fulfillment_status(
        word=FulfillmentStatus(order.fulfillment_status),
        required=sum(x.quantity_shipped + units_left(x) for x in needed),
        shipped=sum(x.quantity_shipped for x in needed),
    )
    order.save(update_fields=["fulfillment_status"])

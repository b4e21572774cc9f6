"""Shipping an order from the hub, parcel by parcel, and the tracking of a parcel. What becomes of
one that is taken back is in ``unshipping``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from inventory.models import Location
from logix.common import bulk
from orders import conflict_diff, signals
from orders.changing import change, lines_of, note, settle_stock, units_left, units_left_here
from orders.errors import OrderError
from orders.models import Conflict, Order, OrderLine, Shipment, ShipmentLine
from orders.status import Flag, FulfillmentStatus, OrderStatus, fulfillment_status

_HOLDING = {
    Flag.CANCEL_REQUESTED: "A cancellation of this order is open. Decide it before shipping.",
    Flag.EDITED_AFTER_IMPORT: "The order was edited after picking began. Accept the edit first.",
}
_OUTSIDE = "Another store's warehouse is sending the rest."
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
        refuse_unless_shippable(order, location)
        by_id = lines_of(order)
        units = units_to_ship(by_id, lines)
        return dispatch(
            order,
            by_id,
            units,
            reference=reference or _next_reference(order),
            origin=Shipment.Origin.HUB,
            carrier=carrier,
            tracking_number=tracking_number,
            tracking_url=tracking_url,
            location=location,
            shipped_at=timezone.now(),
            notify_customer=notify_customer,
            actor=actor,
            request_id=request_id,
        )

    return change(order, ship)


def dispatch(
    order: Order,
    by_id: Mapping[UUID, OrderLine],
    units: Mapping[UUID, int],
    *,
    by: str = "",
    actor: str,
    request_id: str = "",
    **told: Any,
) -> Shipment:
    """Make a parcel of ``units`` by line and have the store told. ``told``: columns of the parcel;
    ``by``: who sent it, where it was not us. Call it in a change of the order.
    """
    parcel = Shipment.objects.create(order=order, **told)
    _pack(parcel, by_id, units)
    settle_stock(order, by_id, location=parcel.location, actor=actor, request_id=request_id)
    _refigure_fulfillment(order, by_id.values())
    count = sum(units.values())
    note(
        order,
        "shipped",
        f"{f'{by} shipped' if by else 'Shipped'} {count} {'unit' if count == 1 else 'units'}: "
        f"{' '.join(filter(None, (parcel.carrier, parcel.tracking_number))) or 'tracking follows'}",
        actor,
        data={
            "reference": parcel.reference,
            "tracking_number": parcel.tracking_number,
            "notify_customer": parcel.notify_customer,
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
        if notify_customer is not None and notify_customer != parcel.notify_customer:
            parcel.notify_customer = notify_customer
            parcel.save(update_fields=["notify_customer"])
        correct_tracking(
            order,
            parcel,
            carrier=carrier,
            tracking_number=tracking_number,
            tracking_url=tracking_url,
            actor=actor,
            request_id=request_id,
        )
        return parcel

    return change(shipment.order, correct)


def correct_tracking(
    order: Order, parcel: Shipment, *, actor: str, request_id: str = "", **told: str
) -> None:
    """What is told empty, or is so already, changes nothing. Call it in a change of the order."""
    news = {name: value or getattr(parcel, name) for name, value in told.items()}
    if all(getattr(parcel, name) == value for name, value in news.items()):
        return
    for name, value in news.items():
        setattr(parcel, name, value)
    parcel.version += 1
    parcel.save(update_fields=[*news, "version"])
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


def refuse_unless_shippable(order: Order, location: Location | None = None) -> None:
    """Raises OrderError, in words."""
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
    if location is not None and location.kept_by_id:
        raise OrderError("location_closed", location.refusal)


def _difference(order: Order, flag: Flag) -> str:
    """What the edit changed, where that is known."""
    if flag is not Flag.EDITED_AFTER_IMPORT:
        return ""
    found = Conflict.objects.open().filter(order=order).first()
    return f" It differs by: {conflict_diff.summary(found.diff)}." if found else ""


def units_to_ship(
    by_id: Mapping[UUID, OrderLine], wanted: Mapping[UUID, int] | None
) -> dict[UUID, int]:
    """Units by line, all that is left where none are ``wanted``. Raises OrderError."""
    left = {pk: units_left_here(line) for pk, line in by_id.items() if line.requires_shipping}
    if not left:
        raise OrderError("nothing_to_ship", "Nothing in this order needs shipping.")
    if wanted is None:
        wanted = {pk: units for pk, units in left.items() if units}
    if not wanted:
        if any(line.outside_quantity for line in by_id.values()):
            raise OrderError("sent_outside", f"{_OUTSIDE} Call that off to send it from here.")
        raise OrderError("nothing_to_ship", "Everything in this order has left already.")
    for pk, units in wanted.items():
        if pk not in by_id:
            raise OrderError("unknown_line", f"Line {pk} is not part of this order.")
        if units < 1:
            raise OrderError("bad_quantity", "Ship at least one unit of a line.")
        if units > left.get(pk, 0):
            line = by_id[pk]
            elsewhere = f" {_OUTSIDE}" if line.outside_quantity else ""
            raise OrderError(
                "too_many",
                f"{line.sku or line.name}: {units} asked for, {left.get(pk, 0)} left to ship."
                f"{elsewhere}",
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

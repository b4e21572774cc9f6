"""Taking back a parcel that was made here: its units lie on the shelf again, and are still to leave
for the buyer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone

from inventory import kits
from inventory.models import MovementKind, StockMovement
from logix.common import bulk
from orders import signals
from orders.changing import change, note, settle_stock, units_left
from orders.errors import OrderError
from orders.lines import item_of
from orders.models import Order, OrderLine, RefundRequest, Shipment
from orders.status import FulfillmentStatus, OrderStatus, PaymentStatus, fulfillment_status

_ALL_LEFT = frozenset({FulfillmentStatus.FULFILLED, FulfillmentStatus.DELIVERED})


def cancel_shipment(
    shipment: Shipment, *, actor: str, reason: str = "", request_id: str = ""
) -> Shipment:
    """Take back a parcel of ours; one that was taken back already is returned as it is. Its units
    go back to where they left from, and are kept for the order as far as it still wants them. The
    store is told, if it heard of the parcel. Raises OrderError.
    """

    def take_back(order: Order) -> Shipment:
        parcel = order.shipments.select_for_update(of=("self",)).get(pk=shipment.pk)
        parcel.order = order
        if parcel.cancelled_at:
            return parcel
        # Lines removed at the store have left all the same.
        by_id = {line.pk: line for line in order.lines.with_items()}
        units = {x.line_id: x.quantity for x in parcel.lines.all()}
        _refuse_unless_ours_to_cancel(order, parcel)
        _refuse_if_back_already(order, by_id, units)
        was_all_shipped = order.fulfillment_status in _ALL_LEFT
        _unpack(by_id, units)
        parcel.cancelled_at = timezone.now()
        parcel.version += 1
        parcel.save(update_fields=["cancelled_at", "version"])
        reopens = _stands(order, by_id, was_all_shipped)
        settle_stock(order, by_id, location=parcel.location, actor=actor, request_id=request_id)
        count = sum(units.values())
        note(
            order,
            "shipment_cancelled",
            f"Parcel {parcel.reference} taken back, {count} {'unit' if count == 1 else 'units'}"
            f"{f': {reason}' if reason else ''}",
            actor,
            data={"reference": parcel.reference, "tracking_number": parcel.tracking_number},
            request_id=request_id,
        )
        signals.shipment_cancelled.send(
            sender=Shipment, shipment=parcel, reopens=reopens, actor=actor
        )
        return parcel

    return change(shipment.order, take_back)


def _refuse_unless_ours_to_cancel(order: Order, parcel: Shipment) -> None:
    if parcel.origin == Shipment.Origin.OTHER:
        raise OrderError(
            "not_our_shipment",
            "This parcel left another store's warehouse. What comes back of it is a return.",
        )
    if parcel.origin != Shipment.Origin.HUB:
        raise OrderError(
            "not_our_shipment",
            "This parcel was reported by the store. Cancel it there; it is taken over from there.",
        )
    if order.gone_at:
        raise OrderError(
            "order_gone",
            "The store deleted this order and cannot be told. If the goods are back, add them to "
            "the stock by hand.",
        )
    if order.fulfillment_status == FulfillmentStatus.DELIVERED:
        raise OrderError(
            "delivered", "The goods were delivered. What comes back now is a return or a refund."
        )


def _refuse_if_back_already(
    order: Order, by_id: Mapping[UUID, OrderLine], units: Mapping[UUID, int]
) -> None:
    """Units that a return, a refund or the store itself put back to stock are not put back a second
    time. What is counted may be parts of what was ordered.
    """
    items = {pk: item for pk, line in by_id.items() if (item := item_of(line)) is not None}
    recipes = kits.recipes(items.values())
    parts = {pk: recipes.get(item, {item: 1}) for pk, item in items.items()}
    gone: dict[UUID, int] = defaultdict(int)
    for pk, count in (*_asked_back(order), *units.items()):
        for part, each in parts.get(pk, {}).items():
            gone[part] -= count * each
    for pk, found in parts.items():
        for part, each in found.items():
            gone[part] += by_id[pk].quantity_shipped * each
    back = StockMovement.objects.filter(order_ref=order.pk, kind=MovementKind.RESTOCK)
    for part, count in back.order_by().values_list("variant").annotate(Sum("delta")):
        gone[part] -= count
    for pk in units:
        line = by_id[pk]
        if any(gone[part] < 0 for part in parts.get(pk, ())):
            raise OrderError(
                "already_restocked",
                f"{line.sku or line.name}: units that left were put back to stock by a return or a "
                "refund already.",
            )


def _asked_back(order: Order) -> Iterator[tuple[UUID, int]]:
    """Units by line that go back once the store has their refund."""
    asked = order.refund_requests.filter(state=RefundRequest.State.ASKED)
    for restock in asked.values_list("restock", flat=True):
        for line_id, count in restock.items():
            yield UUID(line_id), count


def _unpack(by_id: Mapping[UUID, OrderLine], units: Mapping[UUID, int]) -> None:
    for line_id, quantity in units.items():
        line = by_id[line_id]
        line.quantity_shipped = max(0, line.quantity_shipped - quantity)
    rows = [{"id": pk, "quantity_shipped": by_id[pk].quantity_shipped} for pk in units]
    bulk.update(OrderLine, rows)


def _stands(order: Order, by_id: Mapping[UUID, OrderLine], was_all_shipped: bool) -> bool:
    """Figure fulfilment anew. True when the order is finished at the store, or may be, because all
    had left, and units are to leave again: they are kept for it until the store has opened it.
    """
    needed = [x for x in by_id.values() if x.requires_shipping]
    left = sum(units_left(x) for x in needed)
    shipped = sum(x.quantity_shipped for x in needed)
    word = FulfillmentStatus(order.fulfillment_status)
    order.fulfillment_status = fulfillment_status(
        word=FulfillmentStatus.UNFULFILLED if word is not FulfillmentStatus.CANCELLED else word,
        required=shipped + left,
        shipped=shipped,
    )
    is_completed = order.order_status == OrderStatus.COMPLETED
    wanted = left > 0 and order.payment_status != PaymentStatus.REFUNDED
    if is_completed and wanted:
        order.binds_stock = True
    order.save(update_fields=["fulfillment_status", "binds_stock"])
    return wanted and not order.is_cancelled and (is_completed or was_all_shipped)

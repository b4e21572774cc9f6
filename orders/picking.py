"""A person's word that an order is being picked, or is not after all. What else says so, and what
an edit at the store means from then on, is in ``conflicts``.
"""

from __future__ import annotations

from django.utils import timezone

from orders.changing import change, lines_of, note, units_left_here
from orders.deciding import open_conflict
from orders.errors import OrderError
from orders.models import Order
from orders.status import UNFINISHED, FulfillmentStatus

_NOTHING_LEFT = frozenset(
    {
        FulfillmentStatus.FULFILLED,
        FulfillmentStatus.DELIVERED,
        FulfillmentStatus.NOT_REQUIRED,
        FulfillmentStatus.CANCELLED,
    }
)


def begin_picking(order: Order, *, actor: str, request_id: str = "") -> None:
    """From now on an edit at the store waits for a person. Once more changes nothing. The store is
    not told. Raises OrderError.
    """

    def begin(order: Order) -> None:
        if order.picking_since:
            return
        if order.gone_at:
            raise OrderError(
                "order_gone", "The store deleted this order; there is nothing to pick."
            )
        if order.order_status not in UNFINISHED or order.fulfillment_status in _NOTHING_LEFT:
            raise OrderError("nothing_to_pick", "Nothing of this order is left to be picked.")
        lines = [x for x in lines_of(order).values() if x.requires_shipping]
        if any(x.outside_quantity for x in lines) and not any(map(units_left_here, lines)):
            raise OrderError(
                "sent_outside",
                "Another store's warehouse is sending all that is left. Call that off to pick it "
                "here.",
            )
        order.picking_since = timezone.now()
        order.save(update_fields=["picking_since"])
        note(order, "picking", "Picking began", actor, request_id=request_id)

    change(order, begin)


def undo_picking(order: Order, *, actor: str, request_id: str = "") -> None:
    """Take that word back: an edit is applied at once again, unless a parcel or the store says that
    picking began. Once more changes nothing. Raises OrderError.
    """

    def undo(order: Order) -> None:
        if order.picking_since is None:
            return
        if open_conflict(order) is not None:
            raise OrderError(
                "edit_waits",
                "The store edited this order after picking began. Decide on the edit first: "
                "accept it to go on with what the order is now.",
            )
        order.picking_since = None
        order.save(update_fields=["picking_since"])
        note(order, "picking_undone", "Not being picked after all", actor, request_id=request_id)

    change(order, undo)

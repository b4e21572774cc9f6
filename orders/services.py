"""What people and the API do with an order: ship, take a parcel back, change tracking, have another
store send it, refund, put back goods that were returned or refunded, begin picking, set a status,
cancel, note, review, erase the buyer, read the sealed parts.

Each call is one transaction and one row of the timeline that says who did it. What the store must
be told goes out as a signal in that transaction; the store's own answer, not our wish, later
decides the order's status.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils import timezone

from logix.accounts import audit
from logix.common.crypto import SealBroken
from orders import erasing, privacy, signals, timeline
from orders.changing import change, lines_of, note, settle_stock
from orders.conflict_diff import place_of
from orders.data import Address, Buyer
from orders.deciding import accept_edit, open_conflict
from orders.errors import OrderError
from orders.models import Order, OrderEvent
from orders.outside import cancel as cancel_outside
from orders.outside import request as request_outside
from orders.outside import stop_unwanted
from orders.picking import begin_picking, undo_picking
from orders.refunded_goods import decide_goods, expect_goods
from orders.refunding import refund_ended, refund_told, request_refund
from orders.restocking import restock_return
from orders.shipping import add_shipment, update_tracking
from orders.status import Flag, ImportState, OrderStatus
from orders.unshipping import cancel_shipment

__all__ = [
    "accept_edit",
    "add_note",
    "add_shipment",
    "begin_picking",
    "buyer_of",
    "cancel_order",
    "cancel_outside",
    "cancel_shipment",
    "decide_goods",
    "erase_buyer",
    "expect_goods",
    "goes_elsewhere",
    "goes_on",
    "mark_gone",
    "mark_reviewed",
    "note_event",
    "payload_of",
    "refund_ended",
    "refund_told",
    "request_outside",
    "request_refund",
    "request_status",
    "restock_return",
    "reviewable",
    "undo_picking",
    "update_tracking",
]

_REQUESTABLE = frozenset(
    {OrderStatus.OPEN, OrderStatus.ON_HOLD, OrderStatus.COMPLETED, OrderStatus.PENDING}
)
# What a person has to look at before the order goes on.
REVIEWED = {
    Flag.EDITED_AFTER_IMPORT: "the edit",
    Flag.CANCEL_REQUESTED: "the cancellation",
}
_EDIT_UNDECIDED = (
    "The store edited this order after picking began. Look at the difference and accept the edit; "
    "marking the order as reviewed does not decide it."
)


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
        if order.gone_at:
            raise OrderError("order_gone", "The store deleted this order.")
        if order.order_status == status:
            raise OrderError("already_so", f"The order is already {status}.")
        note(
            order,
            "status_requested",
            f"Asked the store for status {status}",
            actor,
            request_id=request_id,
        )
        signals.status_requested.send(sender=Order, order=order, status=status, actor=actor)

    change(order, ask)


def cancel_order(
    order: Order,
    *,
    reason: str = "",
    notify_customer: bool = True,
    actor: str,
    request_id: str = "",
) -> None:
    """Ask the store to cancel, and to tell its customer or not, where it has that choice. Stock is
    released when the store confirms. Raises OrderError.
    """

    def ask(order: Order) -> None:
        if order.is_cancelled:
            raise OrderError("already_cancelled", "The order is cancelled already.")
        if order.gone_at:
            raise OrderError("order_gone", "The store deleted this order.")
        if order.lines.filter(quantity_shipped__gt=0).exists():
            raise OrderError(
                "already_shipped",
                "Part of this order has left. Refund it at the store instead. If its parcels are "
                "back, cancel them first.",
            )
        quietly = "" if notify_customer else ", without a word to the customer"
        note(
            order,
            "cancel_requested",
            f"Asked the store to cancel{quietly}{f': {reason}' if reason else ''}",
            actor,
            request_id=request_id,
        )
        signals.cancel_requested.send(
            sender=Order,
            order=order,
            reason=reason,
            notify_customer=notify_customer,
            actor=actor,
        )

    change(order, ask)


def add_note(
    order: Order, *, text: str, to_customer: bool = False, actor: str, request_id: str = ""
) -> OrderEvent:
    """Put a note on the order at the store. Raises OrderError."""

    def write(order: Order) -> OrderEvent:
        if not text.strip():
            raise OrderError("note_empty", "The note is empty.")
        event = note(
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

    return change(order, write)


def mark_reviewed(order: Order, *, actor: str, request_id: str = "") -> None:
    """A person has looked at a cancellation that came after picking began: the order may go on. An
    open edit is left as it is, for who accepts one says which they saw. Raises OrderError.
    """

    def review(order: Order) -> None:
        found = reviewable(order)
        if not found and Flag.EDITED_AFTER_IMPORT in order.flag_set:
            raise OrderError("edit_undecided", _EDIT_UNDECIDED)
        if not found:
            raise OrderError("nothing_to_review", "Nothing in this order waits for a review.")
        order.flags = ",".join(sorted(order.flag_set - found))
        order.save(update_fields=["flags"])
        what = " and ".join(REVIEWED[flag] for flag in REVIEWED if flag in found)
        data = {"flags": sorted(found)}
        note(order, "reviewed", f"Reviewed {what}", actor, data=data, request_id=request_id)

    change(order, review)


def reviewable(order: Order) -> frozenset[Flag]:
    """The flags that a review takes off. One statement where the order was edited, else none."""
    found = order.flag_set & REVIEWED.keys()
    if open_conflict(order) is not None:
        found -= {Flag.EDITED_AFTER_IMPORT}
    return frozenset(found)


def goes_on(order: Order) -> bool:
    """Whether a person said so of a cancellation that its store may still show."""
    if Flag.CANCEL_REQUESTED in order.flag_set:
        return False
    told = OrderEvent.objects.filter(order=order, kind="reviewed").values_list("data", flat=True)
    return any(Flag.CANCEL_REQUESTED in data.get("flags", ()) for data in told)


def erase_buyer(
    order: Order,
    *,
    actor: str,
    request_id: str = "",
    why: str = "",
    audited: bool = True,
    lasting: Collection[str] = (),
) -> dict[str, int] | None:
    """Erase what names the buyer, for good and everywhere: later imports obey. Amounts, country and
    city stay. Twice is once; what came in between is erased with it. Return the counts of what was
    emptied, None where it had been erased before. They are all that the audit log gets; not
    ``audited``: the caller tells it of many orders at once. ``why`` is for the timeline, names in
    ``custom`` that are ``lasting`` stay.
    """

    def erase(order: Order) -> dict[str, int] | None:
        is_first = order.erased_at is None
        counts = {what: rows for what, rows in erasing.erase(order, lasting).items() if rows}
        if is_first:
            title = "The buyer’s personal data was erased"
            title += f": {why}" if why else ""
            note(order, "erased", title, actor, request_id=request_id)
        if audited and (is_first or counts):
            audit.record(
                "order.buyer_erased",
                actor=actor,
                merchant=order.merchant,
                obj=order,
                details=counts,
                request_id=request_id,
            )
        return counts if is_first else None

    return change(order, erase)


def mark_gone(order: Order, *, actor: str) -> None:
    """The store has deleted the order: keep it, release what it holds, ask a person. Should the
    store show it again, its next answer counts as news.
    """

    def mark(order: Order) -> None:
        if order.gone_at:
            return
        order.gone_at = timezone.now()
        order.import_state = ImportState.NEEDS_REVIEW
        order.import_problem = (
            "The store deleted this order. Decide whether it was cancelled; it is kept here."
        )
        order.binds_stock = False
        order.digest = ""
        order.save(
            update_fields=["gone_at", "import_state", "import_problem", "binds_stock", "digest"]
        )
        settle_stock(order, lines_of(order), actor=actor)
        note(order, "gone", "The store deleted this order", actor)
        stop_unwanted({order.pk: "the order was deleted"})

    change(order, mark)


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
    timeline.write(
        order_id, kind, title, origin=origin, data=data, actor=actor, request_id=request_id
    )


def buyer_of(order: Order) -> Buyer | None:
    """The opened buyer block; None when there is none or it was erased. Raises SealBroken."""
    if not order.buyer_sealed:
        return None
    key = order.store.data_key_id
    return privacy.open_buyer(key, order.store_id, order.external_id, bytes(order.buyer_sealed))


def goes_elsewhere(order: Order, buyer: Buyer | None) -> bool:
    """Whether ``buyer``, as the store tells them now, is at another address than the order's. False
    where one of the two is not known.
    """
    try:
        was, now = place_of(buyer_of(order)), place_of(buyer)
    except SealBroken:
        return False
    return Address() not in (was, now) and was != now


def payload_of(order: Order) -> bytes | None:
    """The platform's own last answer, UTF-8 JSON; None when it expired. Raises SealBroken."""
    payload = getattr(order, "payload", None)
    if payload is None:
        return None
    key = order.store.data_key_id
    return privacy.open_payload(key, order.store_id, order.external_id, payload.sealed)

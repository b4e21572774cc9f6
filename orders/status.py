"""The three status axes of an order and the status of its returns, and how they are derived.

An adapter reports what the platform's words mean by its table (a ``StatusReading``); the amounts
and the line quantities, where they exist, outrank the words. Pure functions, no database. Rules:
docs/ORDER_STATES.md.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class OrderStatus(StrEnum):
    DRAFT = "draft"
    PENDING = "pending"
    OPEN = "open"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


UNFINISHED = frozenset({OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.ON_HOLD})
FINISHED = frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELLED})


class PaymentStatus(StrEnum):
    UNPAID = "unpaid"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    VOIDED = "voided"
    FAILED = "failed"
    UNKNOWN = "unknown"


class FulfillmentStatus(StrEnum):
    NOT_REQUIRED = "not_required"
    NOT_READY = "not_ready"
    UNFULFILLED = "unfulfilled"
    IN_PROGRESS = "in_progress"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    FULFILLED = "fulfilled"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class ReturnStatus(StrEnum):
    """Where one return stands. OPEN: agreed to, its goods are awaited or looked at. CLOSED: the
    store is done with it. UNKNOWN: the store's word is in no table.
    """

    REQUESTED = "requested"
    OPEN = "open"
    CLOSED = "closed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


# Somebody at the store has something to do yet; and nothing comes back by these.
UNSETTLED = frozenset({ReturnStatus.REQUESTED, ReturnStatus.OPEN, ReturnStatus.UNKNOWN})
CALLED_OFF = frozenset({ReturnStatus.DECLINED, ReturnStatus.CANCELLED})


class OrderReturnStatus(StrEnum):
    """What all returns of an order come to."""

    NONE = "none"
    REQUESTED = "requested"
    OPEN = "open"
    PARTLY_RETURNED = "partly_returned"
    RETURNED = "returned"


class Handling(StrEnum):
    """What is done here with goods that a store refunds or takes back. OFF: they are shown.
    RECORD: a person decides what can be sold again. AUTOMATIC: what the store says is back on sale
    is put on the shelf at once; the rest waits for a person.
    """

    OFF = "off"
    RECORD = "record"
    AUTOMATIC = "automatic"


class ImportState(StrEnum):
    RECEIVED = "received"
    AWAITING_MAPPING = "awaiting_mapping"
    NEEDS_REVIEW = "needs_review"
    ACCEPTED = "accepted"
    SKIPPED = "skipped"
    QUARANTINED = "quarantined"


class CameBy(StrEnum):
    """By which way an order was first heard of. POLL and COMPARISON: no webhook had told of it.
    BACKFILL: it was read with all others, as when a store is connected. ASKED: by its number.
    """

    WEBHOOK = "webhook"
    POLL = "poll"
    COMPARISON = "comparison"
    BACKFILL = "backfill"
    ASKED = "asked"


class Flag(StrEnum):
    EDITED_AFTER_IMPORT = "edited_after_import"
    CANCEL_REQUESTED = "cancel_requested"
    DISPUTED = "disputed"
    FULFILLMENT_DECLINED = "fulfillment_declined"
    PLATFORM_FULFILLED = "platform_fulfilled"
    OVERSOLD = "oversold"
    BACKORDERED = "backordered"
    ADDRESS_PROBLEM = "address_problem"
    INVOICE_NEEDED = "invoice_needed"
    ECHO = "echo"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReading:
    """What the platform's words mean. ``known`` is False for a word that is in no table: a person
    must look.

    ``reserve``: the order binds stock at the store (DOMAIN: pending with hold, authorised, paid).
    ``lapses``: while it is unpaid, the store lets go of what it binds after a while.
    ``fulfilled_assumed``: the word says everything was shipped and no shipment record proves it.
    """

    order: OrderStatus
    payment: PaymentStatus
    fulfillment: FulfillmentStatus
    known: bool = True
    reserve: bool = True
    lapses: bool = False
    skip: bool = False
    fulfilled_assumed: bool = False


def payment_status(
    *,
    word: PaymentStatus,
    total: Decimal,
    captured: Decimal,
    authorized: Decimal,
    refunded: Decimal,
) -> PaymentStatus:
    """Payment by amounts (in the order's currency), else by ``word``.

    A word that says void or failed stands: nothing was captured then.
    """
    if captured > 0:
        if refunded >= captured:
            return PaymentStatus.REFUNDED
        if refunded > 0:
            return PaymentStatus.PARTIALLY_REFUNDED
        return PaymentStatus.PAID if captured >= total else PaymentStatus.PARTIALLY_PAID
    if authorized > 0 and word not in (PaymentStatus.VOIDED, PaymentStatus.FAILED):
        return PaymentStatus.AUTHORIZED
    return word


def fulfillment_status(
    *, word: FulfillmentStatus, required: int, shipped: int
) -> FulfillmentStatus:
    """Fulfilment by line quantities: ``required`` = ordered − cancelled − refunded before shipping,
    in units.

    The word outranks the quantities only where it says more than they can: delivered, cancelled,
    not ready, in progress.
    """
    if word is FulfillmentStatus.CANCELLED and shipped == 0:
        return FulfillmentStatus.CANCELLED
    if required <= 0 and shipped == 0:
        return FulfillmentStatus.NOT_REQUIRED if word is not FulfillmentStatus.FULFILLED else word
    if shipped >= required > 0:
        return (
            FulfillmentStatus.DELIVERED
            if word is FulfillmentStatus.DELIVERED
            else FulfillmentStatus.FULFILLED
        )
    if shipped > 0:
        return FulfillmentStatus.PARTIALLY_FULFILLED
    return word


def return_status(
    statuses: Collection[ReturnStatus], *, returned: int, ordered: int
) -> OrderReturnStatus:
    """What is still to be done comes first; after that it is counted: units in closed returns
    (``returned``) against units ``ordered``.
    """
    if ReturnStatus.OPEN in statuses or ReturnStatus.UNKNOWN in statuses:
        return OrderReturnStatus.OPEN
    if ReturnStatus.REQUESTED in statuses:
        return OrderReturnStatus.REQUESTED
    if returned <= 0:
        return OrderReturnStatus.NONE
    whole = returned >= ordered
    return OrderReturnStatus.RETURNED if whole else OrderReturnStatus.PARTLY_RETURNED

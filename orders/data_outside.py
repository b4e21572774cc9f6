"""Plain records by which a store is asked to send an order of another store from the warehouses its
platform keeps, and tells how far it is. No Django here, so that adapters may use them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from orders.data import Address


class Speed(StrEnum):
    STANDARD = "standard"
    EXPEDITED = "expedited"
    PRIORITY = "priority"


class Progress(StrEnum):
    """How far it is there. ACCEPTED: it can still be called off. SENDING: it is being picked, or
    has left in part. PARTLY_SENT: what has not left never will. REFUSED: nothing of it will leave.
    """

    ACCEPTED = "accepted"
    SENDING = "sending"
    SENT = "sent"
    PARTLY_SENT = "partly_sent"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideLineData:
    """Units of one item that are to be sent. ``key`` is ours, unique in the order; ``sku`` that of
    the store that sends.
    """

    key: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideOrder:
    """What is to be sent. ``reference`` is ours, of at most 40 letters, digits and dashes: by it
    the request is known again, and one that was made is never made twice. ``number`` and
    ``placed_at`` are what the buyer knows of the order. ``speed`` None: none is chosen yet.
    """

    reference: str
    number: str
    placed_at: datetime
    lines: tuple[OutsideLineData, ...]
    address: Address = field(repr=False)
    speed: Speed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """``name`` is for people."""

    name: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsendable:
    """An item that cannot be sent, and why, in words."""

    sku: str
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What sending at one speed would cost and when it would arrive; each as far as it is told.
    Where it cannot be sent, ``reasons`` and ``lacking`` say why.
    """

    speed: Speed
    can_send: bool
    fees: tuple[Fee, ...] = ()
    ships_by: datetime | None = None
    arrives_from: datetime | None = None
    arrives_until: datetime | None = None
    reasons: tuple[str, ...] = ()
    lacking: tuple[Unsendable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideParcel:
    """One parcel that has left. ``external_id`` is the platform's and stays the same; ``units`` by
    the key of the line.
    """

    external_id: str
    units: tuple[tuple[str, int], ...]
    carrier: str = ""
    tracking_number: str = ""
    shipped_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideNews:
    """Where a request stands. ``parcels`` are all that have left so far; ``lost`` the units, by the
    key of the line, that will not leave any more. ``reason`` in words, where it went wrong.
    """

    reference: str
    progress: Progress
    raw_status: str
    parcels: tuple[OutsideParcel, ...] = ()
    lost: tuple[tuple[str, int], ...] = ()
    reason: str = ""

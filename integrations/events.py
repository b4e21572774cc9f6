"""Normalised news from a platform: what a raw webhook delivery (or queue message) turns into."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from inventory.data import ProductData
from orders.data import OrderData


class EventKind(StrEnum):
    ORDER = "order"
    PRODUCT = "product"
    STORE_GONE = "store_gone"
    PING = "ping"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDelivery:
    """What arrived, untouched. ``headers`` are lower-case and only those the card keeps."""

    topic: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One piece of news about one object.

    ``order`` / ``product`` carry the object when the payload was complete; None means: re-read
    ``external_id``. ``confirm`` asks for a re-read before believing the payload: it says something
    destructive (deleted), or is stale.
    """

    kind: EventKind
    external_id: str = ""
    topic: str = ""
    order: OrderData | None = None
    product: ProductData | None = None
    confirm: bool = False
    reason: str = ""

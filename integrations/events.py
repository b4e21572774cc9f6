"""Normalised news from a platform: what a raw webhook delivery (or queue message) turns into."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from integrations.platform import Ability
from inventory.data import ProductData
from orders.data import OrderData


class EventKind(StrEnum):
    """STORE_GONE: our app was removed there. SCOPES_CHANGED: what we may do there is another.
    PRIVACY: what a buyer, or the law, asks of us by way of the store. Of what the platform does in
    the background, OUTSIDE: an order of another store that it sends has changed; FILE: one that
    was handed over is worked off; REPORT: one is there; KEPT: units that it keeps have changed.
    """

    ORDER = "order"
    PRODUCT = "product"
    STORE_GONE = "store_gone"
    SCOPES_CHANGED = "scopes_changed"
    PRIVACY = "privacy"
    OUTSIDE = "outside"
    FILE = "file"
    REPORT = "report"
    KEPT = "kept"
    PING = "ping"
    IGNORED = "ignored"


IN_BACKGROUND = frozenset({EventKind.OUTSIDE, EventKind.FILE, EventKind.REPORT, EventKind.KEPT})
"""Hints: what waits for it is looked at soon, and nothing of them is believed."""


class PrivacyKind(StrEnum):
    EXPORT = "export"
    ERASE_BUYER = "erase_buyer"
    ERASE_STORE = "erase_store"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyAsk:
    """Whom a privacy request is about: all orders of ``order_ids``, and of the buyer of this id or
    e-mail. ``reference`` is the platform's own name of the request. ``account`` is the store as the
    signed body names it, spelled as in the card's ``account_header``.
    """

    kind: PrivacyKind
    reference: str = ""
    account: str = ""
    order_ids: tuple[str, ...] = ()
    customer_id: str = field(default="", repr=False)
    email: str = field(default="", repr=False)


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
    destructive (deleted), or is stale. ``privacy`` comes with that kind alone.

    Of what is done in the background, ``external_id`` is our reference of the order, or the
    platform's name of the file, report or listing. ``ability``: what reads a report that comes
    unasked.
    """

    kind: EventKind
    external_id: str = ""
    topic: str = ""
    order: OrderData | None = None
    product: ProductData | None = None
    privacy: PrivacyAsk | None = None
    ability: Ability | None = None
    confirm: bool = False
    reason: str = ""

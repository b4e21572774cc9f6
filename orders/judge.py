"""Decides what an incoming order is against the one we have: new, newer, the same, older, or not to
be trusted alone.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, auto
from hashlib import blake2b

import msgspec

from orders.data import Authority, OrderData
from orders.models import Order
from orders.status import OrderStatus

_encoder = msgspec.json.Encoder()
_TERMINAL = frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELLED})


class Verdict(Enum):
    NEW = auto()
    NEWER = auto()
    SAME = auto()
    TOUCHED = auto()  # a later time on the same content
    STALE = auto()
    REREAD = auto()


def judge(
    data: OrderData,
    digest: str,
    details: dict[str, str],
    known: Order | None,
    authority: Authority,
    observed_at: datetime,
) -> Verdict:
    """Newer wins by the platform's version, then its time, then how far the answer can be trusted,
    then when we asked.

    Equal time with other content cannot be decided from a page or a webhook (clocks count seconds):
    it is re-read by id, and so is a finished order that seems unfinished again.
    """
    if known is None:
        return Verdict.NEW
    ours = (known.source_version or 0, known.changed_at)
    theirs = (data.version or 0, data.changed_at)
    same_details = all(known.details.get(part) == value for part, value in details.items())
    if digest == known.digest and same_details:
        return Verdict.TOUCHED if theirs > ours else Verdict.SAME
    if theirs < ours:
        return Verdict.STALE
    by_id = authority is Authority.BY_ID
    if theirs == ours and not by_id and digest != known.digest:
        return Verdict.REREAD
    if theirs == ours and observed_at < known.observed_at:
        return Verdict.STALE
    was_done = known.order_status in _TERMINAL
    if was_done and data.status.order not in _TERMINAL and not by_id:
        return Verdict.REREAD
    return Verdict.NEWER


def digest_of(data: OrderData) -> str:
    """Of what every answer about an order tells, but its time of change and the raw payload."""
    told = (
        data.number,
        data.currency,
        data.placed_at,
        data.status,
        data.raw_status,
        data.raw_payment,
        data.raw_fulfillment,
        data.total,
        data.tax_total,
        data.prices_include_tax,
        data.paid_at,
        data.completed_at,
        data.cancelled_at,
        data.buyer,
        data.external_customer_id,
        data.lines,
        data.charges,
        data.payments,
        [(r.external_id, r.amount, r.reason) for r in data.refunds],
        sorted(data.flags),
        data.custom,
        data.gone,
    )
    return blake2b(_encoder.encode(told), digest_size=16).hexdigest()


def details_of(data: OrderData) -> dict[str, str]:
    """Digests of the parts that only some answers tell (refund lines, parcels); a part not told is
    missing.
    """
    told: dict[str, object] = {}
    lines = [(r.external_id, r.lines) for r in data.refunds if r.lines is not None]
    if lines and len(lines) == len(data.refunds):
        told["refunds"] = lines
    if data.shipments is not None:
        told["shipments"] = data.shipments
    return {
        part: blake2b(_encoder.encode(value), digest_size=8).hexdigest()
        for part, value in told.items()
    }

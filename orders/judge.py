"""Decides what an incoming order is against the one we have: new, newer, the same, older, or not to
be trusted alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from hashlib import blake2b

import msgspec

from orders.data import Authority, OrderData
from orders.models import Order
from orders.status import OrderStatus

# Clocks that nobody keeps differ by some minutes; beyond these a time of change is a mistake.
MOST_AHEAD = timedelta(minutes=10)
# A store that reads from a copy may answer by id with what was so some seconds ago.
_LAG = timedelta(seconds=5)

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
    ahead: timedelta = timedelta(),
) -> Verdict:
    """Newer wins by the platform's version, then its time, then how far the answer can be trusted,
    then when we asked. ``ahead``: by how much the store's clock goes before ours.

    What a page or a webhook cannot decide is re-read by id: equal time with other content (clocks
    count seconds), a time that has not come yet, a finished order that seems unfinished again. The
    store's answer by id, asked for after all we know was told, is its present word and wins.
    """
    if known is None:
        return Verdict.NEW
    ours = (known.source_version or 0, known.changed_at)
    theirs = (data.version or 0, data.changed_at)
    ours_early = is_early(known.changed_at, known.observed_at, ahead)
    theirs_early = is_early(data.changed_at, observed_at, ahead)
    same_details = all(known.details.get(part) == value for part, value in details.items())
    if digest == known.digest and same_details:
        if ours_early == theirs_early:
            return Verdict.TOUCHED if theirs > ours else Verdict.SAME
        return Verdict.TOUCHED if ours_early else Verdict.SAME
    by_id = authority is Authority.BY_ID
    if ours[0] == theirs[0]:
        if by_id and observed_at > _told_until(known, ours_early, ahead):
            return Verdict.NEWER
        if (ours_early or theirs_early) and not by_id:
            return Verdict.REREAD
        if ours_early or theirs_early:
            # One of the times is no fact: what counts is when each was told.
            is_later = (observed_at, theirs) >= (known.observed_at, ours)
            return Verdict.NEWER if is_later else Verdict.STALE
    if theirs < ours:
        return Verdict.STALE
    if theirs == ours and not by_id and digest != known.digest:
        return Verdict.REREAD
    if theirs == ours and observed_at < known.observed_at:
        return Verdict.STALE
    was_done = known.order_status in _TERMINAL
    if was_done and data.status.order not in _TERMINAL and not by_id:
        return Verdict.REREAD
    return Verdict.NEWER


def is_early(changed_at: datetime, observed_at: datetime, ahead: timedelta) -> bool:
    """Whether a change was told before its time had come: a wrong clock, which orders nothing."""
    return changed_at > observed_at + ahead + MOST_AHEAD


def _told_until(known: Order, early: bool, ahead: timedelta) -> datetime:
    """The moment, by our clock, from which on an answer by id outranks what is known."""
    if early:
        return known.observed_at
    return max(known.observed_at, known.changed_at - ahead) + _LAG


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
        [(r.external_id, r.amount, r.reason) for r in data.refunds or ()],
        sorted(data.flags),
        data.custom,
        data.gone,
    )
    return blake2b(_encoder.encode(told), digest_size=16).hexdigest()


def details_of(data: OrderData) -> dict[str, str]:
    """Digests of the parts that only some answers tell (refund lines, parcels, returns, what is on
    sale again); a part not told is missing.
    """
    told: dict[str, object] = {}
    refunds = data.refunds or ()
    lines = [(r.external_id, r.lines) for r in refunds if r.lines is not None]
    if lines and len(lines) == len(refunds):
        told["refunds"] = lines
    if data.shipments is not None:
        told["shipments"] = data.shipments
    if data.returns is not None:
        told["returns"] = data.returns
    if data.restocks:
        told["restocks"] = data.restocks
    return _digests(told)


def no_details() -> dict[str, str]:
    """Those of an order of which was told that it has no parcel and no return."""
    return _digests({"shipments": (), "returns": ()})


def _digests(told: Mapping[str, object]) -> dict[str, str]:
    return {
        part: blake2b(_encoder.encode(value), digest_size=8).hexdigest()
        for part, value in told.items()
    }

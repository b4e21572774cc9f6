"""The only writer of payouts: a page of them is one transaction with a bounded number of
statements. What a payout and its lines differ by is kept and said in words, never spread over them.

The lines of an order that is not here yet are linked when it comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Protocol
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from logix.common import bulk
from logix.common.amounts import money, places_of
from logix.common.ids import uuid7
from orders.data import ZERO, PayoutData
from orders.drafting import Mark
from orders.models import Order, Payout, PayoutLine

_encoder = msgspec.json.Encoder()

_UNTOLD = "The store has not told all lines of this payout, so they cannot be added up yet."


class PayoutChangedMeanwhile(Exception):
    """Another process wrote the same payout first. Nothing was written; run the whole transaction
    again.
    """


class StoreLike(Protocol):
    pk: Any
    merchant_id: Any


@dataclass(slots=True)
class PayoutImport:
    """What became of a batch. ``stale``: told earlier than what we have."""

    created: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    unchanged: int = 0
    stale: int = 0


@dataclass(slots=True)
class _Rows:
    """Rows to write. ``relined``: payouts whose stored lines give way to ``lines``."""

    new: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    relined: list[UUID] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)


@transaction.atomic
def import_payouts(
    store: StoreLike,
    records: Sequence[PayoutData],
    *,
    observed_at: datetime,
    now: datetime,
    mark: Mark | None = None,
) -> PayoutImport:
    """Bring the store's payouts to what ``records`` said at ``observed_at``. ``mark`` names the raw
    record a payout was made of, for callers who need not read its lines again.

    Raises PayoutChangedMeanwhile: run it again. Raises ValueError, ArithmeticError, DataError,
    IntegrityError for a record that cannot be stored; nothing is written then.
    """
    done, rows = PayoutImport(), _Rows()
    newest = {record.external_id: record for record in records}
    known = {
        payout.external_id: payout
        for payout in Payout.objects.filter(store_id=store.pk, external_id__in=list(newest))
    }
    for external_id, data in newest.items():
        before = known.get(external_id)
        digest = _digest(data)
        raw_mark = mark(data.raw) if mark is not None and data.raw else ""
        if before is not None and before.digest == digest:
            done.unchanged += 1
            if before.raw_mark != raw_mark:
                rows.marks.append({"id": before.pk, "raw_mark": raw_mark})
        elif before is not None and before.observed_at > observed_at:
            done.stale += 1
        else:
            told = {"digest": digest, "raw_mark": raw_mark, "observed_at": observed_at}
            _draft(store, data, before, told | {"applied_at": now}, rows)
    _write(rows)
    done.created = [row["id"] for row in rows.new]
    done.changed = [row["id"] for row in rows.changed]
    return done


def link_orders(store_id: UUID, external_order_ids: Collection[str]) -> int:
    """Give the lines that wait for these orders of the store their order; return how many. One
    statement.
    """
    waiting = PayoutLine.objects.filter(store_id=store_id)
    return _link(waiting.filter(external_order_id__in=list(external_order_ids)))


def link_waiting(store_id: UUID) -> int:
    """Likewise for all orders: what was written at the same moment as a payout, or whose
    ``link_orders`` was lost with its process, is found here. Call it now and then.
    """
    return _link(PayoutLine.objects.filter(store_id=store_id))


def _draft(
    store: StoreLike,
    data: PayoutData,
    before: Payout | None,
    told: dict[str, Any],
    rows: _Rows,
) -> None:
    row = {
        "id": before.pk if before is not None else uuid7(),
        **told,
        "status": data.status.value,
        "raw_status": data.raw_status,
        "currency": data.currency,
        "amount": data.amount,
        "issued_at": data.issued_at,
        "paid_at": data.paid_at,
        "revision": before.revision + 1 if before is not None else 0,
    }
    if before is not None and _keeps_lines(before, data):
        row |= {name: getattr(before, name) for name in _OF_LINES}
    else:
        row |= _sums(data)
    if before is None:
        owner = {"merchant_id": store.merchant_id, "store_id": store.pk}
        rows.new.append(row | owner | {"external_id": data.external_id})
    else:
        rows.changed.append(row)
    if before is None or before.lines_digest != row["lines_digest"]:
        if before is not None:
            rows.relined.append(before.pk)
        rows.lines += _lines(store, row["id"], data)


def _write(rows: _Rows) -> None:
    if len(bulk.insert(Payout, rows.new, ignore_conflicts=True)) != len(rows.new) or len(
        bulk.update(Payout, rows.changed, versioned="revision")
    ) != len(rows.changed):
        raise PayoutChangedMeanwhile("The same payout was written by another process.")
    bulk.update(Payout, rows.marks)
    if rows.relined:
        PayoutLine.objects.filter(payout_id__in=rows.relined).delete()
    bulk.insert(PayoutLine, rows.lines)
    if payout_ids := {line["payout_id"] for line in rows.lines}:
        _link(PayoutLine.objects.filter(payout_id__in=payout_ids))


def _link(lines: QuerySet[PayoutLine]) -> int:
    order = Order.objects.filter(
        store_id=OuterRef("store_id"), external_id=OuterRef("external_order_id")
    )
    waiting = lines.filter(order=None).exclude(external_order_id="")
    return waiting.filter(Exists(order)).update(order_id=Subquery(order.values("pk")[:1]))


# -- do the lines add up?

# What ``_sums`` makes of a payout's lines.
_OF_LINES = (
    "gross_total",
    "fee_total",
    "net_total",
    "remainder",
    "problem",
    "lines_complete",
    "line_count",
    "lines_digest",
)


def _keeps_lines(before: Payout, data: PayoutData) -> bool:
    """Lines told in part take nothing away from lines of the same amount that were told in full."""
    same_amount = (before.amount, before.currency) == (data.amount, data.currency)
    return same_amount and before.lines_complete and not data.lines_complete


def _sums(data: PayoutData) -> dict[str, Any]:
    """The lines' totals and what they leave unexplained. Lines in another currency are in no
    total. Raises ValueError for an amount that is no number.
    """
    told = [data.amount, *(x for line in data.lines for x in (line.amount, line.fee, line.net))]
    if not all(amount.is_finite() for amount in told):
        raise ValueError("An amount is no number.")
    added = [line for line in data.lines if line.currency == data.currency]
    net = sum((line.net for line in added), ZERO)
    remainder, problem = _remainder(data, net)
    return {
        "gross_total": sum((line.amount for line in added), ZERO),
        "fee_total": sum((line.fee for line in added), ZERO),
        "net_total": net,
        "remainder": remainder,
        "problem": problem,
        "lines_complete": data.lines_complete,
        "line_count": len(data.lines),
        "lines_digest": _hash(data.lines),
    }


def _remainder(data: PayoutData, net: Decimal) -> tuple[Decimal | None, str]:
    """What no line explains, and in words what is wrong; '' where the payout is explained."""
    foreign = [line.currency for line in data.lines if line.currency != data.currency]
    if not data.lines_complete:
        return None, _UNTOLD
    if foreign:
        lines = "1 line is" if len(foreign) == 1 else f"{len(foreign)} lines are"
        names = ", ".join(sorted(set(foreign)))
        return None, f"{lines} in {names} and cannot be added to a payout in {data.currency}."
    left = data.amount - net
    if not left:
        return ZERO, ""
    places = places_of(data.currency)
    total, gap = (f"{money(x, places)} {data.currency}" for x in (net, abs(left)))
    side = "less" if left > 0 else "more"
    return left, f"The lines add up to {total}, {gap} {side} than the payout. No line explains it."


def _lines(store: StoreLike, payout_id: UUID, data: PayoutData) -> Iterable[dict[str, Any]]:
    return (
        {
            "id": uuid7(),
            "payout_id": payout_id,
            "store_id": store.pk,
            "external_id": line.external_id,
            "position": position,
            "kind": line.kind.value,
            "raw_kind": line.raw_kind,
            "currency": line.currency,
            "amount": line.amount,
            "fee": line.fee,
            "net": line.net,
            "at": line.at,
            "external_order_id": line.external_order_id,
            "external_transaction_id": line.external_transaction_id,
        }
        for position, line in enumerate(data.lines)
    )


def _digest(data: PayoutData) -> str:
    return _hash(
        (
            data.status,
            data.raw_status,
            data.currency,
            data.amount,
            data.issued_at,
            data.paid_at,
            data.lines_complete,
            data.lines,
        )
    )


def _hash(told: Any) -> str:
    return blake2b(_encoder.encode(told), digest_size=16).hexdigest()

"""Refunds and returns that a store tells apart from their orders: kept as they were told, taken in
when their order is read.

An order that does not tell of them (``refunds`` is None) is completed with what was told before it
is judged, so that everything behind reads one whole order. What waits for its order is never lost:
it is taken in when the order comes, and an order that is here is ``owed`` another read. It may be
told any number of times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Protocol
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from logix.common import bulk
from logix.common.ids import uuid7
from orders.data import OrderData, PartData, PartKind, RefundData, ReturnData
from orders.models import Order, ToldPart

_TYPES: dict[str, type[RefundData] | type[ReturnData]] = {
    PartKind.REFUND: RefundData,
    PartKind.RETURN: ReturnData,
}
_FIRST = datetime.min.replace(tzinfo=UTC)


class StoreLike(Protocol):
    pk: Any


@dataclass(slots=True)
class Told:
    """What became of a batch. ``stale``: told earlier than what we have."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0


@dataclass(slots=True)
class Waiting:
    """What was put into orders and waits for them to be written: digests by the order's id."""

    rows: dict[str, dict[UUID, str]] = field(default_factory=dict)


@transaction.atomic
def tell(store: StoreLike, records: Sequence[PartData], *, observed_at: datetime) -> Told:
    """Keep what ``records`` said at ``observed_at``. Three statements at most. Raises ValueError,
    ArithmeticError, DataError, IntegrityError for one that cannot be stored; nothing is written
    then.
    """
    done = Told()
    newest = {_key(x.external_order_id, x.kind, x.told.external_id): x for x in records}
    rows = _of_orders(store, {x.external_order_id for x in records})
    known = {_key(row.external_order_id, row.kind, row.external_id): row for row in rows}
    new, changed = [], []
    for key, record in newest.items():
        before, told = known.get(key), _as_json(record)
        digest = _digest(record, told)
        columns = {
            "currency": record.currency,
            "by_sku": record.by_sku,
            "told": told,
            "digest": digest,
            "waits": True,
            "observed_at": observed_at,
        }
        if before is None:
            order, kind, external_id = key
            ids = {"external_order_id": order, "kind": kind, "external_id": external_id}
            new.append({"id": uuid7(), "store_id": store.pk, **ids, **columns})
        elif before.digest == digest:
            done.unchanged += 1
        elif before.observed_at > observed_at:
            done.stale += 1
        else:
            changed.append({"id": before.pk, **columns})
    # One that another process told of in this moment is there then, and waits as well.
    done.created = len(bulk.insert(ToldPart, new, ignore_conflicts=True))
    done.unchanged += len(new) - done.created
    done.changed = len(bulk.update(ToldPart, changed))
    return done


def completed(
    store: StoreLike, records: Sequence[OrderData]
) -> tuple[Sequence[OrderData], Waiting]:
    """The records with what was told of them apart. One statement, none where all are whole."""
    waiting = Waiting()
    partial = {x.external_id for x in records if x.refunds is None}
    if not partial:
        return records, waiting
    parts: dict[str, list[ToldPart]] = defaultdict(list)
    for row in _of_orders(store, partial):
        parts[row.external_order_id].append(row)
    whole = [_whole(x, parts[x.external_id]) if x.refunds is None else x for x in records]
    for record in records:
        rows = {
            row.pk: row.digest
            for row in parts[record.external_id]
            if row.waits and _fits(row, record)
        }
        if rows and record.refunds is None:
            waiting.rows[record.external_id] = rows
    return whole, waiting


def taken_in(waiting: Waiting, but: Collection[str]) -> None:
    """These orders show it now, but for those that were not written. What was told anew meanwhile
    waits on.
    """
    rows = [
        pair for name, pairs in waiting.rows.items() if name not in but for pair in pairs.items()
    ]
    if rows:
        told = ToldPart.objects.filter(pk__in=[pk for pk, _ in rows])
        told.filter(digest__in={digest for _, digest in rows}).update(waits=False)


def owed(store_id: UUID) -> QuerySet[Order]:
    """The orders that are here and have to be read again, because something was told of them."""
    rows = ToldPart.objects.filter(
        store_id=store_id, waits=True, external_order_id=OuterRef("external_id")
    )
    return Order.objects.filter(Exists(rows), store_id=store_id)


def _of_orders(store: StoreLike, external_order_ids: Iterable[str]) -> QuerySet[ToldPart]:
    return ToldPart.objects.filter(
        store_id=store.pk, external_order_id__in=sorted(external_order_ids)
    )


def _whole(record: OrderData, rows: Iterable[ToldPart]) -> OrderData:
    """Oldest first. A store that tells no return apart says nothing of returns here either."""
    parts = [_part(row, record) for row in rows if _fits(row, record)]
    refunds = [x for x in parts if isinstance(x, RefundData)]
    returns = [x for x in parts if isinstance(x, ReturnData)]
    return replace(
        record,
        refunds=tuple(sorted(refunds, key=_age)),
        returns=tuple(sorted(returns, key=_age)) if returns else record.returns,
    )


def _fits(row: ToldPart, record: OrderData) -> bool:
    """An amount in another currency is not the order's: it is kept, and waits."""
    return row.currency in ("", record.currency)


def _part(row: ToldPart, record: OrderData) -> RefundData | ReturnData:
    """A line that is named by its SKU is the order's first of that SKU. Money of none stays in the
    refund's amount, units of none are the return's all the same.
    """
    part: Any = msgspec.convert(row.told, _TYPES[row.kind])
    if not row.by_sku or part.lines is None:
        return part
    ids = _line_ids(record)
    lines = [
        replace(line, line_external_id=ids.get(line.line_external_id, "")) for line in part.lines
    ]
    if row.kind == PartKind.REFUND:
        lines = [line for line in lines if line.line_external_id]
    return replace(part, lines=tuple(lines))


def _line_ids(record: OrderData) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in record.lines:
        found.setdefault(line.sku, line.external_id)
    found.pop("", None)
    return found


def _age(part: RefundData | ReturnData) -> tuple[datetime, str]:
    return (part.created_at or _FIRST, part.external_id)


def _as_json(record: PartData) -> dict[str, Any]:
    """Without what people wrote: it may name them."""
    told = record.told
    if isinstance(told, ReturnData):
        told = replace(told, lines=tuple(replace(line, note="") for line in told.lines))
    amounts = [told.amount] if isinstance(told, RefundData) else []
    if not all(amount.is_finite() for amount in amounts):
        raise ValueError("An amount is no number.")
    plain: dict[str, Any] = msgspec.to_builtins(told, builtin_types=())
    return plain


def _digest(record: PartData, told: dict[str, Any]) -> str:
    whole = [record.currency, record.by_sku, told]
    return blake2b(msgspec.json.encode(whole), digest_size=16).hexdigest()


def _key(order: str, kind: str, external_id: str) -> tuple[str, str, str]:
    return (order, str(kind), external_id)

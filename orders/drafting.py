"""Turns one incoming order and what we know of it into the rows to write. Builds rows, touches no
database.

The order of business: parcels, lines with what was refunded and shipped, money, where the order
stands, returns, timeline, and what stock must become (``demands``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from inventory.ledger import Demand
from logix.common.crypto import Vault
from logix.common.ids import uuid7
from orders import (
    coming_back,
    conflicts,
    ending,
    holds,
    lines,
    money,
    parcels,
    privacy,
    returns,
    standing,
    timeline,
)
from orders.data import Authority, OrderData, ReturnData
from orders.details import Before
from orders.lines import VariantOf
from orders.models import (
    Conflict,
    Order,
    OrderLine,
    Payment,
    Refund,
    RefundRequest,
    Return,
    Shipment,
)

PAYLOAD_KEPT = timedelta(days=30)
# The raw record an order was made of → a name for it.
Mark = Callable[[bytes], str]

Row = dict[str, Any]


@dataclass(slots=True)
class Known:
    """The parts of an order as they are stored now, by external id."""

    lines: dict[str, OrderLine] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    shipments: list[Shipment] = field(default_factory=list)
    returns: dict[str, Return] = field(default_factory=dict)
    asked_refunds: list[RefundRequest] = field(default_factory=list)
    conflict: Conflict | None = None
    before: Before = field(default_factory=Before)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What all orders of one batch share. ``forgets_before``: buyers of orders that ended by then
    are not taken in. ``lasting``: names in ``custom`` that stay when one is erased.
    """

    store: Any
    vault: Vault
    authority: Authority
    observed_at: datetime
    now: datetime
    mark: Mark
    came_by: str = ""
    forgets_before: datetime | None = None
    lasting: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Rows to write for one order. ``lacks_refund_lines``: units may be free that only a read by id
    tells of. ``unmatched``: a line names a product that is not known.
    """

    known: Order | None
    external_id: str
    order: Row
    lines: lines.Lines
    money: money.Rows
    parcels: parcels.Parcels
    returns: returns.Rows
    conflict: conflicts.Drafted
    payload: Row | None
    events: list[Row]
    demands: list[Demand]
    lacks_refund_lines: bool
    back: coming_back.Drafted
    unmatched: list[UUID]


def draft(
    on: Occasion,
    data: OrderData,
    *,
    digest: str,
    details: dict[str, str],
    known: Order | None,
    parts: Known,
    variant_of: VariantOf,
) -> Draft:
    """Raises ValueError or ArithmeticError for amounts that are no numbers."""
    write = partial(
        _draft,
        on,
        data,
        digest=digest,
        details=details,
        known=known,
        parts=parts,
        variant_of=variant_of,
    )
    drafted = write(erased_at=known.erased_at if known else None)
    ended_at = drafted.order["ended_at"]
    if known is None and ended_at and on.forgets_before and ended_at <= on.forgets_before:
        return write(erased_at=on.now)
    return drafted


def _draft(
    on: Occasion,
    data: OrderData,
    *,
    digest: str,
    details: dict[str, str],
    known: Order | None,
    parts: Known,
    variant_of: VariantOf,
    erased_at: datetime | None,
) -> Draft:
    order_id = known.pk if known else uuid7()
    erased = erased_at is not None
    status = standing.order_status(data, known)
    line_ids = {external_id: line.pk for external_id, line in parts.lines.items()}
    for told in data.lines:
        line_ids.setdefault(told.external_id, uuid7())
    parcel_rows = parcels.draft(
        order_id,
        data.shipments or (),
        parts.shipments,
        line_ids,
        on.now,
        completed_at=data.completed_at,
    )
    line_rows = lines.draft(
        order_id,
        data,
        stored=parts.lines,
        refunds=parts.refunds,
        line_ids=line_ids,
        variant_of=variant_of,
        parcels=parcel_rows,
        order=status,
        erased=erased,
        now=on.now,
    )
    conflict = conflicts.draft(
        order_id,
        data,
        known,
        status,
        parts.lines,
        line_rows,
        parts.before,
        parts.conflict,
        on.now,
    )
    lines.hold(line_rows, conflict.held)
    amounts = money.amounts(data)
    stands = standing.stand(
        data,
        known,
        status,
        line_rows.all,
        amounts,
        on.store,
        in_conflict=conflict.is_open,
        ended_there=bool(parcel_rows.ended_there),
    )
    money_rows = money.rows(
        order_id, data, parts.payments, parts.refunds, parts.asked_refunds, erased=erased
    )
    seal = partial(privacy.seal_notes, on.vault, on.store.pk, data.external_id)
    return_rows = returns.draft(
        order_id,
        data.returns,
        parts.returns,
        line_ids,
        _no_notes if erased else seal,
        on.store.returns,
    )
    lacks_refund_lines = stands.moves_stock and any(
        r.lines is None and r.external_id not in parts.refunds for r in data.refunds or ()
    )
    back = coming_back.draft(
        data,
        known,
        on.store,
        line_rows,
        parts.refunds,
        parts.returns,
        return_rows,
        moves_stock=stands.moves_stock,
        lacks_refund_lines=lacks_refund_lines,
    )
    until = holds.until(on.store, data, stands.payment)
    binds = stands.binds_stock and not (until and until <= on.now)
    present = [x for x in line_rows.all if not x.removed]
    row = {
        "id": order_id,
        **_identity(on, data, known),
        **stands.columns,
        **amounts.columns,
        **_told(data, known),
        "holds_until": until,
        "erased_at": erased_at,
        **privacy.buyer_columns(on.store, data, known, on.vault, erased=erased),
        "custom": privacy.lasting_of(data.custom, on.lasting) if erased else dict(data.custom),
        "told_restocks": back.told,
        "line_count": len(present),
        "unit_count": sum(x.quantity for x in present),
        "authority": int(on.authority),
        "observed_at": on.observed_at,
        "digest": digest,
        "raw_mark": on.mark(data.raw) if data.raw else "",
        "details": {**known.details, **details} if known else details,
        "revision": known.revision + 1 if known else 1,
        "applied_at": on.now,
    }
    left = [x.shipped_at for x in data.shipments or () if not x.cancelled]
    left += [x.shipped_at for x in parts.shipments if x.cancelled_at is None]
    row["ended_at"] = ending.ended_at(row, left, known, on.now)
    return Draft(
        known=known,
        external_id=data.external_id,
        order=row,
        lines=line_rows,
        money=money_rows,
        parcels=parcel_rows,
        returns=return_rows,
        conflict=conflict,
        payload=None if erased else _payload(on, data, order_id),
        events=timeline.of_import(
            order_id,
            on.store.name,
            data,
            known,
            parts.before,
            row,
            line_rows,
            money_rows,
            parcel_rows,
            return_rows,
            on.now,
        )
        + conflict.events,
        demands=_demands(on.store, order_id, data, known, stands, line_rows, until, binds=binds),
        lacks_refund_lines=lacks_refund_lines,
        back=back,
        unmatched=[x.id for x in present if x.variant_id is None],
    )


def _demands(
    store: Any,
    order_id: UUID,
    data: OrderData,
    known: Order | None,
    stands: standing.Standing,
    line_rows: lines.Lines,
    until: datetime | None,
    *,
    binds: bool,
) -> list[Demand]:
    if not stands.moves_stock and (known is None or not known.moves_stock):
        return []
    found = [
        (x, x.demand(order_id, store.pk, data, binds, until)) for x in line_rows.all if x.item_id
    ]
    if stands.moves_stock:
        return [demand for _, demand in found]
    # The platform sends it from now on: what it held here is free, what had left stays gone.
    return [
        replace(demand, outstanding=0, shipped=_gone(x.before) if x.before else 0)
        for x, demand in found
    ]


def _gone(line: OrderLine) -> int:
    """Units of ours that had left."""
    return max(0, line.quantity_shipped - line.outside_shipped)


def _identity(on: Occasion, data: OrderData, known: Order | None) -> Row:
    named = {"number": data.number[:64], "currency": data.currency}
    if known is not None:
        return named
    return {
        "merchant_id": on.store.merchant_id,
        "store_id": on.store.pk,
        "external_id": data.external_id,
        "came_by": on.came_by,
        **named,
    }


def _told(data: OrderData, known: Order | None) -> Row:
    """The store's own words and times."""
    gone_at = (known.gone_at if known else None) or data.changed_at if data.gone else None
    return {
        "raw_status": data.raw_status[:60],
        "raw_payment": data.raw_payment[:60],
        "raw_fulfillment": data.raw_fulfillment[:60],
        "placed_at": data.placed_at,
        "paid_at": data.paid_at,
        "completed_at": data.completed_at,
        "cancelled_at": data.cancelled_at,
        "gone_at": gone_at,
        "changed_at": data.changed_at,
        "source_version": data.version,
    }


def _no_notes(_told: ReturnData, _before: bytes | None) -> None:
    """People name themselves in what they write."""


def _payload(on: Occasion, data: OrderData, order_id: UUID) -> Row | None:
    if not data.raw:
        return None
    return {
        "order_id": order_id,
        "sealed": privacy.seal_payload(on.vault, on.store.pk, data.external_id, data.raw),
        "at": on.observed_at,
        "purge_after": on.now + PAYLOAD_KEPT,
    }

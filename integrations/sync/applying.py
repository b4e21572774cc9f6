"""The one door: webhook, poll, back-fill, manual fetch and retry all hand their records in here, as
a batch.

A batch is one transaction. When it cannot be written, it is halved until the record that breaks it
stands alone and is parked with the reason; everything else is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from integrations.base import Unreadable
from integrations.errors import ContractBroken
from integrations.mapping import rules
from integrations.models import FieldRule, Store, StreamName
from integrations.sync import parking
from integrations.sync.outcome import Applied
from inventory.catalogue import import_products
from inventory.data import ProductData
from inventory.ledger import LedgerConflict
from logix.common.transactions import again_on
from orders import services
from orders.data import Authority, OrderData
from orders.errors import OrderChangedMeanwhile
from orders.importing import import_orders
from orders.models import Order

log = structlog.get_logger(__name__)
Record = TypeVar("Record", OrderData, ProductData)

CLASHES = (OrderChangedMeanwhile, LedgerConflict)
_BREAKS_A_RECORD = (DataError, IntegrityError, ContractBroken, ValueError, ArithmeticError)


def apply_orders(
    store: Store,
    records: Sequence[OrderData],
    *,
    authority: Authority,
    observed_at: datetime,
    origin: str = "",
) -> Applied:
    """Bring orders to what ``records`` say, whatever their number and origin. ``observed_at``: when
    we asked.

    Raises nothing for a bad record: it is parked. Database trouble is raised.
    """
    mapped, unmapped = _apply_rules(store, StreamName.ORDERS, records)

    def write(batch: Sequence[OrderData]) -> Applied:
        done = import_orders(
            store,
            batch,
            authority=authority,
            observed_at=observed_at,
            now=timezone.now(),
            request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        )
        return Applied(
            created=len(done.created),
            changed=len(done.changed),
            unchanged=done.unchanged,
            stale=done.stale,
            reread=tuple(done.reread),
        )

    return _apply(store, StreamName.ORDERS, mapped, unmapped, write, origin)


def apply_products(
    store: Store,
    records: Sequence[ProductData],
    *,
    observed_at: datetime,
    origin: str = "",
) -> Applied:
    """Bring listings to what ``records`` say. New items adopt the store's figure once its stock was
    opened.
    """
    mapped, unmapped = _apply_rules(store, StreamName.PRODUCTS, records)

    def write(batch: Sequence[ProductData]) -> Applied:
        done = import_products(
            store,
            batch,
            observed_at=observed_at,
            now=timezone.now(),
            adopt_stock=store.stock_opened_at is not None,
        )
        return Applied(
            created=done.created, changed=done.changed + done.gone, unchanged=done.unchanged
        )

    return _apply(store, StreamName.PRODUCTS, mapped, unmapped, write, origin)


def mark_gone(store: Store, external_id: str, *, actor: str) -> bool:
    """The store confirmed that it deleted an order. False when we never had it."""
    order = Order.objects.filter(store=store, external_id=external_id).first()
    if order is None:
        return False
    services.mark_gone(order, actor=actor)
    return True


def _apply(
    store: Store,
    stream: str,
    records: Sequence[Record],
    unmapped: Sequence[Unreadable],
    write: Callable[[Sequence[Record]], Applied],
    origin: str,
) -> Applied:
    done = again_on(*CLASHES)(lambda: _halving(store, stream, list(records), write))
    for unreadable in unmapped:
        parking.park(store, stream=stream, unreadable=unreadable)
    done.parked += tuple(u.external_id for u in unmapped)
    if done.seen != done.unchanged:
        log.info(
            "applied",
            store=str(store.pk),
            stream=stream,
            origin=origin,
            created=done.created,
            changed=done.changed,
            parked=len(done.parked),
        )
    return done


def _halving(
    store: Store,
    stream: str,
    records: list[Record],
    write: Callable[[Sequence[Record]], Applied],
) -> Applied:
    if not records:
        return Applied()
    try:
        with transaction.atomic():
            done = write(records)
            waiting = set(done.reread)
            if parking.has_parked(store, stream):
                ids = [r.external_id for r in records if r.external_id not in waiting]
                parking.resolve(store, stream=stream, external_ids=ids)
            return done
    except _BREAKS_A_RECORD as err:
        if len(records) == 1:
            return _park_one(store, stream, records[0], err)
    middle = len(records) // 2
    return _halving(store, stream, records[:middle], write) + _halving(
        store, stream, records[middle:], write
    )


def _park_one(store: Store, stream: str, record: Record, err: Exception) -> Applied:
    log.warning(
        "parked", store=str(store.pk), stream=stream, external_id=record.external_id, exc_info=err
    )
    unreadable = Unreadable(
        external_id=record.external_id,
        code=getattr(err, "code", None) or "not_storable",
        reason=f"The record could not be stored: {_in_words(err)}",
        path=getattr(err, "path", "$"),
        raw=record.raw,
    )
    parking.park(store, stream=stream, unreadable=unreadable)
    return Applied(parked=(record.external_id,))


def _in_words(err: Exception) -> str:
    """The first line only: a database's details may quote the record."""
    return str(err).splitlines()[0][:200] if str(err) else type(err).__name__


def _apply_rules(
    store: Store, stream: str, records: Sequence[Record]
) -> tuple[Sequence[Record], list[Unreadable]]:
    """The store's own field rules, in; a record that fails a required rule is set aside."""
    rows = FieldRule.objects.filter(
        store=store, stream=stream, direction=FieldRule.Direction.IN, enabled=True
    )
    compiled = [
        rules.Rule.compile(
            path=row.path,
            target=row.target,
            cast=row.cast,
            value_map=row.value_map,
            default=row.default,
            mode=row.mode,
        )
        for row in rows
    ]
    if not compiled:
        return records, []
    mapped: list[Record] = []
    failed: list[Unreadable] = []
    for record in records:
        try:
            mapped.append(rules.apply_in(compiled, record))
        except rules.RuleFailed as err:
            failed.append(
                Unreadable(
                    external_id=record.external_id,
                    code="rule_failed",
                    reason=str(err),
                    path=err.path,
                    raw=record.raw,
                )
            )
    return mapped, failed

"""The one door: webhook, poll, back-fill, manual fetch and retry all hand their records in here, as
a batch.

A batch is one transaction. When it cannot be written, it is halved until the record that breaks it
stands alone and is parked with the reason; everything else is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    transaction,
)
from django.utils import timezone

from integrations import channels, keeping, policy, registry
from integrations.base import Unreadable
from integrations.errors import ContractBroken
from integrations.models import Store, Stream, StreamName
from integrations.platform import Ability, Compensation
from integrations.sync import parking
from integrations.sync.inbound import Inbound
from integrations.sync.linking import note_links
from integrations.sync.outcome import Applied
from inventory import kept
from inventory.catalogue import import_products
from inventory.data import KeptStock, ProductData
from inventory.ledger import LedgerConflict
from logix.common.transactions import again_on
from orders import apart, fees, services
from orders.data import Authority, OrderData, PartData, PartKind, PayoutData
from orders.errors import OrderChangedMeanwhile
from orders.importing import import_orders
from orders.judge import is_early
from orders.models import Order
from orders.payouts import PayoutChangedMeanwhile, import_payouts, link_orders
from orders.status import CameBy

log = structlog.get_logger(__name__)
Record = TypeVar("Record", OrderData, ProductData, PayoutData, PartData, KeptStock)

CLASHES = (OrderChangedMeanwhile, LedgerConflict, PayoutChangedMeanwhile)
# Origins of many batches, which note their links once.
_RUNS = ("poll", "backfill")
# Not the record's fault: the database is away, or another process was faster.
_NOBODYS_FAULT = (OperationalError, InterfaceError, *CLASHES)
# What a record can be blamed for. Anything else is a mistake of ours.
_BREAKS_A_RECORD = (DataError, IntegrityError, ContractBroken, ValueError, ArithmeticError)

_CAME_BY = {
    "webhook": CameBy.WEBHOOK,
    "poll": CameBy.POLL,
    # A span of time that polling could not read at first.
    "gap": CameBy.POLL,
    "reconcile": CameBy.COMPARISON,
    "backfill": CameBy.BACKFILL,
}


def apply_orders(
    store: Store,
    records: Sequence[OrderData],
    *,
    authority: Authority,
    observed_at: datetime,
    origin: str = "",
) -> Applied:
    """Bring orders to what ``records`` say, whatever their number and origin. ``observed_at``: when
    we asked. Those of a channel that is off stay out, but for what is here already.

    Raises nothing for a bad record: it is parked. Database trouble is raised.
    """
    card, inbound = registry.known_card(store.platform), Inbound.of(store, StreamName.ORDERS)
    mapped, unmapped = inbound.apply(channels.sorted_out(store, records))

    def write(batch: Sequence[OrderData]) -> Applied:
        now = timezone.now()
        done = import_orders(
            store,
            batch,
            authority=authority,
            observed_at=observed_at,
            now=now,
            ahead=_ahead(store, batch, observed_at),
            mark=inbound.mark,
            own_fields=inbound.written,
            request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
            came_by=_CAME_BY.get(origin, CameBy.ASKED),
            forgets_before=keeping.forgets_before(card, store, now),
            lasting=card.lasting_fields if card else (),
        )
        if done.created and _is_paid_out(store):
            names = [record.external_id for record in batch]
            transaction.on_commit(lambda: link_orders(store.pk, names), robust=True)
        return Applied(
            created=len(done.created),
            changed=len(done.changed),
            unchanged=done.unchanged,
            stale=done.stale,
            reread=tuple(done.reread),
            incomplete=tuple(done.incomplete),
            left_out=done.left_out,
        )

    page = _Page(store, StreamName.ORDERS, observed_at, authority is not Authority.WEBHOOK)
    return _apply(page, mapped, unmapped, write, origin)


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
    mapped, unmapped = Inbound.of(store, StreamName.PRODUCTS).apply(records)

    def write(batch: Sequence[ProductData]) -> Applied:
        done = import_products(
            store,
            batch,
            observed_at=observed_at,
            now=timezone.now(),
            adopt_stock=stock_is_open(store),
            holds_open=figures_hold_open(store),
        )
        return Applied(
            created=done.created,
            changed=done.changed + done.gone,
            unchanged=done.unchanged,
            ways=done.ways,
        )

    page = _Page(store, StreamName.PRODUCTS, observed_at, certain=True)
    applied = _apply(page, mapped, unmapped, write, origin)
    if origin not in _RUNS:
        note_links(store, applied.ways, origin=origin)
    return applied


def apply_payouts(
    store: Store,
    records: Sequence[PayoutData],
    *,
    observed_at: datetime,
    origin: str = "",
) -> Applied:
    """Bring payouts to what ``records`` say. Field rules are for orders and products."""
    inbound = Inbound.of(store, StreamName.PAYOUTS)

    def write(batch: Sequence[PayoutData]) -> Applied:
        done = import_payouts(
            store, batch, observed_at=observed_at, now=timezone.now(), mark=inbound.mark
        )
        return Applied(
            created=len(done.created),
            changed=len(done.changed),
            unchanged=done.unchanged,
            stale=done.stale,
        )

    page = _Page(store, StreamName.PAYOUTS, observed_at, certain=True)
    return _apply(page, records, (), write, origin)


def apply_parts(
    store: Store,
    records: Sequence[PartData],
    *,
    stream: StreamName,
    observed_at: datetime,
    origin: str = "",
) -> Applied:
    """Keep what was told of orders apart from them. It is in the orders once they are read, but for
    fees, which stand beside them.
    """

    def write(batch: Sequence[PartData]) -> Applied:
        booked = [record for record in batch if record.kind is PartKind.FEES]
        others = [record for record in batch if record.kind is not PartKind.FEES]
        done = Applied()
        for tell, mine in ((apart.tell, others), (fees.tell, booked)):
            if mine:
                told = tell(store, mine, observed_at=observed_at)
                done += Applied(
                    created=told.created,
                    changed=told.changed,
                    unchanged=told.unchanged,
                    stale=told.stale,
                )
        return done

    return _apply(_Page(store, stream, observed_at, certain=True), records, (), write, origin)


def apply_kept(
    store: Store,
    records: Sequence[KeptStock],
    *,
    observed_at: datetime,
    origin: str = "",
) -> Applied:
    """Bring the units that the platform keeps to what ``records`` say."""

    def write(batch: Sequence[KeptStock]) -> Applied:
        done = kept.take(store, batch, observed_at=observed_at)
        return Applied(created=done.created, changed=done.changed, unchanged=done.unchanged)

    page = _Page(store, StreamName.KEPT, observed_at, certain=True)
    return _apply(page, records, (), write, origin)


def mark_gone(store: Store, external_id: str, *, actor: str) -> bool:
    """The store confirmed that it deleted an order. False when we never had it."""
    order = Order.objects.filter(store=store, external_id=external_id).first()
    if order is None:
        return False
    services.mark_gone(order, actor=actor)
    return True


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a batch comes from. ``certain``: it was asked for, so it is the store's present
    word.
    """

    store: Store
    stream: str
    observed_at: datetime
    certain: bool


def _apply(
    page: _Page,
    records: Sequence[Record],
    unmapped: Sequence[Unreadable],
    write: Callable[[Sequence[Record]], Applied],
    origin: str,
) -> Applied:
    with structlog.contextvars.bound_contextvars(origin=origin):
        done = again_on(*CLASHES)(lambda: _whole_or_halved(page, list(records), write))
    for unreadable in unmapped:
        parking.park(page.store, stream=page.stream, unreadable=unreadable)
    done.parked += tuple(u.external_id for u in unmapped)
    if done.seen != done.unchanged:
        log.info(
            "applied",
            store=str(page.store.pk),
            stream=page.stream,
            origin=origin,
            created=done.created,
            changed=done.changed,
            parked=len(done.parked),
        )
    return done


def _whole_or_halved(
    page: _Page, records: list[Record], write: Callable[[Sequence[Record]], Applied]
) -> Applied:
    """A mistake of ours that breaks every record of a page is not the records' fault: it is raised,
    and the place is kept until it is mended.
    """
    broken: list[tuple[Record, Exception]] = []
    done = _halving(page, records, write, broken)
    ours = [err for _, err in broken if not isinstance(err, _BREAKS_A_RECORD)]
    if len(ours) == len(records) > 1:
        raise ours[0]
    for record, err in broken:
        done += _park_one(page, record, err)
    return done


def _halving(
    page: _Page,
    records: list[Record],
    write: Callable[[Sequence[Record]], Applied],
    broken: list[tuple[Record, Exception]],
    *,
    again: bool = True,
) -> Applied:
    """Write what can be written; what cannot be, even alone, is added to ``broken``."""
    if not records:
        return Applied()
    try:
        with transaction.atomic():
            done = write(records)
            _resolve(page, records, done)
            return done
    except _NOBODYS_FAULT:
        raise
    except Exception as err:
        if len(records) == 1:
            # Another process may have written the same SKU a moment before: then it is there now.
            if again and isinstance(err, IntegrityError):
                return _halving(page, records, write, broken, again=False)
            broken.append((records[0], err))
            return Applied()
    middle = len(records) // 2
    return _halving(page, records[:middle], write, broken) + _halving(
        page, records[middle:], write, broken
    )


def _resolve(page: _Page, records: Sequence[Record], done: Applied) -> None:
    if not parking.has_parked(page.store, page.stream):
        return
    waiting = set(done.reread)
    parking.resolve(
        page.store,
        stream=page.stream,
        external_ids=[r.external_id for r in records if r.external_id not in waiting],
        observed_at=page.observed_at,
        certain=page.certain,
    )


def _park_one(page: _Page, record: Record, err: Exception) -> Applied:
    log.warning(
        "parked",
        store=str(page.store.pk),
        stream=page.stream,
        external_id=record.external_id,
        exc_info=err,
    )
    unreadable = Unreadable(
        external_id=record.external_id,
        code=getattr(err, "code", None) or "not_storable",
        reason=_in_words(err),
        path=getattr(err, "path", "$"),
        placed_at=getattr(record, "placed_at", None),
        raw=record.raw,
    )
    parking.park(page.store, stream=page.stream, unreadable=unreadable)
    return Applied(parked=(record.external_id,))


def _in_words(err: Exception) -> str:
    """A database's first line only: its details may quote the record, and so may a ValueError."""
    lead = "The record could not be stored: "
    if isinstance(err, DataError | IntegrityError | ContractBroken):
        return lead + str(err).partition("\n")[0][:200]
    if isinstance(err, _BREAKS_A_RECORD):
        return f"{lead}it holds a value that cannot be used ({type(err).__name__})."
    return policy.decide(err).sentence


def _ahead(store: Store, records: Sequence[OrderData], observed_at: datetime) -> timedelta:
    """By how much the store's clock goes before ours, as its answers showed. Asked for only where a
    record is told before its time.
    """
    if not any(is_early(x.changed_at, observed_at, timedelta()) for x in records):
        return timedelta()
    rows = Stream.objects.filter(store=store, name=StreamName.ORDERS)
    return timedelta(milliseconds=rows.values_list("skew_ms", flat=True).first() or 0)


def _is_paid_out(store: Store) -> bool:
    """Whether lines of payouts may wait for the store's orders."""
    try:
        return registry.card(store.platform).can(Ability.PAYOUTS)
    except registry.UnknownPlatform:
        return False


def stock_is_open(store: Store) -> bool:
    """Asked afresh until it is: a walk may be older than the opening."""
    if store.stock_opened_at is None:
        rows = Store.objects.filter(pk=store.pk)
        store.stock_opened_at = rows.values_list("stock_opened_at", flat=True).first()
    return store.stock_opened_at is not None


def figures_hold_open(store: Store) -> bool:
    """Whether units that the store's open orders wait for are still in the figures it tells."""
    try:
        return registry.card(store.platform).compensation is Compensation.OPEN_ORDERS
    except registry.UnknownPlatform:
        return False

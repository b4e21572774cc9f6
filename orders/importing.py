"""Orders coming in: a page of them is one transaction with a bounded number of statements, one
order a page of one.

``import_orders`` judges each record against what we have, writes what is new or newer set-wise, and
brings stock to what the lines say. An unknown SKU, an unknown status or a missing buyer never
refuses an order: it gets a named problem.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction

from inventory import ledger
from logix.accounts import keys
from logix.common import bulk
from logix.common.crypto import Vault
from orders import apart, matching, outside, privacy, refunding, restocking, shortage, signals
from orders.data import Authority, OrderData
from orders.details import Before
from orders.drafting import Draft, Known, Mark, Occasion, draft
from orders.errors import OrderChangedMeanwhile
from orders.judge import Verdict, details_of, digest_of, is_early, judge
from orders.models import (
    Conflict,
    Order,
    OrderEvent,
    OrderLine,
    OrderPayload,
    Payment,
    Refund,
    RefundRequest,
    Return,
    ReturnLine,
    Shipment,
    ShipmentLine,
)
from orders.status import Flag, OrderStatus


class StoreLike(Protocol):
    pk: Any
    merchant_id: Any
    data_key_id: Any
    name: str
    stock_since: datetime | None

    @property
    def unpaid_hold(self) -> timedelta | None: ...

    @property
    def returns(self) -> str: ...


@dataclass(slots=True)
class OrderImport:
    """What became of a batch. ``reread`` are external ids that only a read by id can decide, or
    complete: a refund whose lines were not told may have freed stock. ``incomplete``: those of them
    that were written, so they are counted already. ``left_out``: those that stay out, with why.
    """

    created: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    unchanged: int = 0
    stale: int = 0
    reread: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A record that will be written, with what it was judged by."""

    data: OrderData
    digest: str
    details: dict[str, str]
    known: Order | None


def no_mark(_raw: bytes) -> str:
    return ""


@transaction.atomic
def import_orders(
    store: StoreLike,
    records: Sequence[OrderData],
    *,
    authority: Authority,
    observed_at: datetime,
    now: datetime,
    ahead: timedelta = timedelta(),
    mark: Mark = no_mark,
    own_fields: frozenset[str] = frozenset(),
    request_id: str = "",
    came_by: str = "",
    forgets_before: datetime | None = None,
    lasting: Collection[str] = (),
) -> OrderImport:
    """Bring the store's orders to what ``records`` say. ``ahead``: by how much the store's clock
    goes before ours. ``mark`` names the raw record an order was made of, for callers who need not
    map the same again. ``own_fields``: names in ``custom`` that the hub itself writes.
    ``came_by``: kept with the orders that are new. ``forgets_before``: of new orders that ended by
    then no buyer is kept. ``lasting``: names in ``custom`` that stay when one is erased.

    Raises OrderChangedMeanwhile, LedgerConflict: run it again. Raises ValueError, ArithmeticError,
    DataError, IntegrityError for a record that cannot be stored; nothing is written then.
    """
    done = OrderImport()
    records, waiting = apart.completed(store, records)
    newest, torn = _newest(records, observed_at, ahead)
    stored = _stored(store, newest)
    stale: set[str] = set()
    touched: list[dict[str, Any]] = []
    todo: list[Judged] = []
    for external_id, data in newest.items():
        known = stored.get(external_id)
        if known is None and data.left_out:
            done.left_out[external_id] = data.left_out
            torn.discard(external_id)
            continue
        digest, details = digest_of(data), details_of(data)
        verdict = judge(data, digest, details, known, authority, observed_at, ahead)
        if verdict in (Verdict.NEW, Verdict.NEWER):
            todo.append(Judged(data, digest, details, known))
        elif verdict is Verdict.REREAD:
            torn.add(external_id)
        elif verdict is Verdict.STALE:
            done.stale += 1
            stale.add(external_id)
        elif known is not None:
            done.unchanged += 1
            raw_mark = mark(data.raw) if data.raw else ""
            # A webhook's bytes may differ from a list's, which is what the mark is for.
            is_marked = authority is Authority.WEBHOOK or known.raw_mark == raw_mark
            if verdict is Verdict.TOUCHED:
                told = {"changed_at": data.changed_at, "source_version": data.version}
                touched.append(_touch(known, observed_at, raw_mark, **told))
            elif not is_marked:
                touched.append(_touch(known, observed_at, raw_mark))
    # Who was faster wrote something newer: a touch that is refused is no loss.
    bulk.update(Order, touched, versioned="revision")
    if todo:
        drafts = _drafts(
            store,
            todo,
            Occasion(
                store,
                keys.vault(store.data_key_id),
                authority,
                observed_at,
                now,
                mark,
                came_by,
                forgets_before,
                lasting,
            ),
            own_fields,
        )
        _write(store, drafts, now, request_id)
        done.created = [d.order["id"] for d in drafts if d.known is None]
        done.changed = [d.order["id"] for d in drafts if d.known is not None]
        torn.update(d.external_id for d in drafts if d.lacks_refund_lines)
        news = {d.order["id"]: d.order["revision"] for d in drafts}
        signals.orders_imported.send(sender=Order, store=store, revisions=news)
    written = {x.data.external_id for x in todo}
    apart.taken_in(waiting, but=stale | set(done.left_out) | (torn - written))
    done.reread = [external_id for external_id in newest if external_id in torn]
    done.incomplete = [external_id for external_id in done.reread if external_id in written]
    return done


def _newest(
    records: Sequence[OrderData], observed_at: datetime, ahead: timedelta
) -> tuple[dict[str, OrderData], set[str]]:
    """One record an order, oldest change first; and the orders of which two records say different
    things where their times do not tell which is newer.
    """
    newest: dict[str, OrderData] = {}
    torn: set[str] = set()
    for record in sorted(records, key=_age):
        before = newest.pop(record.external_id, None)
        # Sorted: if only one of the two has a time that has not come yet, it is this one.
        says_when = not is_early(record.changed_at, observed_at, ahead)
        is_decided = before is None or (_age(before) != _age(record) and says_when)
        if not is_decided and before != record:
            torn.add(record.external_id)
        newest[record.external_id] = record
    return newest, torn


def _age(record: OrderData) -> tuple[int, datetime]:
    return (record.version or 0, record.changed_at)


def _touch(known: Order, observed_at: datetime, raw_mark: str, **told: Any) -> dict[str, Any]:
    """``told`` is a newer time or version of the same content."""
    return {
        "id": known.pk,
        "changed_at": known.changed_at,
        "source_version": known.source_version,
        **told,
        "observed_at": max(observed_at, known.observed_at),
        "raw_mark": raw_mark,
        "revision": known.revision + 1,
    }


def _stored(store: StoreLike, external_ids: Iterable[str]) -> dict[str, Order]:
    rows = Order.objects.filter(store_id=store.pk, external_id__in=list(external_ids)).defer(
        "buyer_sealed", "charges", "custom"
    )
    return {row.external_id: row for row in rows}


def _drafts(
    store: StoreLike, todo: list[Judged], on: Occasion, own_fields: frozenset[str]
) -> list[Draft]:
    known = _known_parts([x.known for x in todo if x.known is not None], on.vault, own_fields)
    _add_asked_refunds(known, todo)
    lines = [line for x in todo for line in x.data.lines]
    variants = matching.Matches.for_lines(store.pk, store.merchant_id, lines)
    return [
        draft(
            on,
            x.data,
            digest=x.digest,
            details=x.details,
            known=x.known,
            parts=known[x.known.pk] if x.known is not None else Known(),
            variant_of=variants.find,
        )
        for x in todo
    ]


def _known_parts(
    orders: list[Order], vault: Vault, own_fields: frozenset[str]
) -> dict[UUID, Known]:
    """Lines, money, parcels, returns and wide columns of the orders that change, in eight
    statements; one more where an edit of one waits for a person.
    """
    parts: dict[UUID, Known] = defaultdict(Known)
    if not orders:
        return parts
    order_ids = [order.pk for order in orders]
    wide = Order.objects.filter(pk__in=order_ids).values_list(
        "pk", "store_id", "external_id", "charges", "custom", "buyer_sealed"
    )
    for pk, store_id, external_id, charges, custom, sealed in wide:
        buyer = partial(privacy.opened, vault, store_id, external_id, sealed)
        parts[pk].before = Before(charges, custom, buyer, own_fields)
    for line in OrderLine.objects.filter(order_id__in=order_ids).with_items():
        parts[line.order_id].lines[line.external_id] = line
    for payment in Payment.objects.filter(order_id__in=order_ids):
        parts[payment.order_id].payments[payment.external_id] = payment
    for refund in Refund.objects.filter(order_id__in=order_ids):
        parts[refund.order_id].refunds[refund.external_id] = refund
    shipments = Shipment.objects.filter(order_id__in=order_ids).prefetch_related("lines")
    for shipment in shipments:
        parts[shipment.order_id].shipments.append(shipment)
    for known in Return.objects.filter(order_id__in=order_ids).prefetch_related("lines"):
        parts[known.order_id].returns[known.external_id] = known
    edited = [order.pk for order in orders if Flag.EDITED_AFTER_IMPORT in order.flag_set]
    if edited:
        for conflict in Conflict.objects.open().filter(order_id__in=edited):
            parts[conflict.order_id].conflict = conflict
    return parts


def _add_asked_refunds(parts: Mapping[UUID, Known], todo: list[Judged]) -> None:
    """Where a stored order shows a refund that is new, it may be one that was asked for here."""
    news = [
        x.known.pk
        for x in todo
        if x.known is not None
        and any(r.external_id not in parts[x.known.pk].refunds for r in x.data.refunds or ())
    ]
    if news:
        asked = RefundRequest.objects.filter(order_id__in=news).select_related("location")
        for request in asked.exclude(state=RefundRequest.State.DONE):
            parts[request.order_id].asked_refunds.append(request)


def _write(store: StoreLike, drafts: list[Draft], now: datetime, request_id: str) -> None:
    new = [d.order for d in drafts if d.known is None]
    old = [d.order for d in drafts if d.known is not None]
    if len(bulk.insert(Order, new, ignore_conflicts=True)) != len(new) or len(
        bulk.update(Order, old, versioned="revision")
    ) != len(old):
        raise OrderChangedMeanwhile("The same order was written by another process.")
    _write_parts(drafts)
    bulk.insert(OrderPayload, [d.payload for d in drafts if d.payload and d.known is None])
    _replace_payloads([d.payload for d in drafts if d.payload and d.known is not None])
    events = _all(drafts, lambda d: d.events)
    for event in events:
        event["request_id"] = request_id
    bulk.insert(OrderEvent, events)
    demands = _all(drafts, lambda d: d.demands)
    short = ledger.settle(store.merchant_id, demands, request_id=request_id)
    shortage.record(short, now, request_id=request_id)
    for money in (x.money for x in drafts if x.money.asked_here):
        for external_id, request in money.asked_here.items():
            refunding.refund_shown(request, external_id, request_id=request_id)
    for one in (x for x in drafts if x.back.comes or x.back.waits):
        restocking.take_back(store, one.order["id"], one.back, request_id=request_id)
    if unwanted := {d.order["id"]: why for d in drafts if (why := _unwanted(d))}:
        outside.stop_unwanted(unwanted)
    matching.match_after_commit(_all(drafts, lambda d: d.unmatched))


def _unwanted(draft: Draft) -> str:
    """Why what another store's warehouse is to send of it must not leave any more; '' where it may,
    or people decide.
    """
    under_way = [x for x in draft.lines.all if x.outside]
    if not under_way or draft.conflict.is_open:
        return ""
    if draft.order["order_status"] == OrderStatus.CANCELLED:
        return "the order was cancelled"
    if draft.order["gone_at"] is not None:
        return "the order was deleted"
    if any(x.required - x.shipped < x.outside for x in under_way):
        return outside.LESS_WANTED
    return ""


def _write_parts(drafts: list[Draft]) -> None:
    bulk.insert(OrderLine, _all(drafts, lambda d: d.lines.new))
    bulk.update(OrderLine, _all(drafts, lambda d: d.lines.changed))
    bulk.insert(Payment, _all(drafts, lambda d: d.money.new_payments))
    bulk.update(Payment, _all(drafts, lambda d: d.money.changed_payments))
    bulk.insert(Refund, _all(drafts, lambda d: d.money.new_refunds))
    bulk.update(Refund, _all(drafts, lambda d: d.money.changed_refunds))
    bulk.insert(Shipment, _all(drafts, lambda d: d.parcels.new))
    bulk.update(Shipment, _all(drafts, lambda d: d.parcels.changed))
    bulk.update(Shipment, _all(drafts, lambda d: d.parcels.fates))
    bulk.insert(ShipmentLine, _all(drafts, lambda d: d.parcels.new_lines))
    bulk.update(ShipmentLine, _all(drafts, lambda d: d.parcels.changed_lines))
    bulk.insert(Return, _all(drafts, lambda d: d.returns.new))
    bulk.update(Return, _all(drafts, lambda d: d.returns.changed))
    bulk.insert(ReturnLine, _all(drafts, lambda d: d.returns.new_lines))
    bulk.update(ReturnLine, _all(drafts, lambda d: d.returns.changed_lines))
    bulk.insert(Conflict, _all(drafts, lambda d: d.conflict.new))
    bulk.update(Conflict, _all(drafts, lambda d: d.conflict.changed))
    for model, gone in (
        (Payment, [x.pk for x in _all(drafts, lambda d: d.money.removed_payments)]),
        (Refund, [x.pk for x in _all(drafts, lambda d: d.money.removed_refunds)]),
        (ShipmentLine, _all(drafts, lambda d: d.parcels.removed_lines)),
        (Return, _all(drafts, lambda d: d.returns.removed)),
        (ReturnLine, _all(drafts, lambda d: d.returns.removed_lines)),
    ):
        if gone:
            model._default_manager.filter(pk__in=gone).delete()


def _all(drafts: list[Draft], part: Callable[[Draft], list[Any]]) -> list[Any]:
    return [row for draft in drafts for row in part(draft)]


def _replace_payloads(rows: list[dict[str, Any]]) -> None:
    if rows:
        OrderPayload.objects.filter(order_id__in=[r["order_id"] for r in rows]).delete()
        bulk.insert(OrderPayload, rows)

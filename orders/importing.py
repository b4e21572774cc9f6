"""Orders coming in: a page of them is one transaction with a bounded number of statements, one
order a page of one.

``import_orders`` judges each record against what we have, writes what is new or newer set-wise, and
brings stock to what the lines say. An unknown SKU, an unknown status or a missing buyer never
refuses an order: it gets a named problem.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction

from inventory import ledger
from inventory.catalogue import sku_key
from inventory.models import Listing, Variant
from logix.accounts import keys
from logix.common import bulk
from orders.data import Authority, OrderData
from orders.drafting import Draft, Known
from orders.errors import OrderChangedMeanwhile
from orders.judge import Verdict, details_of, digest_of, judge
from orders.models import (
    Order,
    OrderEvent,
    OrderLine,
    OrderPayload,
    Payment,
    Refund,
    Shipment,
    ShipmentLine,
)
from orders.status import Flag

PAYLOAD_KEPT = timedelta(days=30)


class StoreLike(Protocol):
    pk: Any
    merchant_id: Any
    data_key_id: Any
    name: str
    stock_since: datetime | None


@dataclass(slots=True)
class OrderImport:
    """What became of a batch. ``reread`` are external ids that only a read by id can decide, or
    complete: a refund whose lines were not told may have freed stock.
    """

    created: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    unchanged: int = 0
    stale: int = 0
    reread: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Judged:
    """A record that will be written, with what it was judged by."""

    data: OrderData
    digest: str
    details: dict[str, str]
    known: Order | None


@transaction.atomic
def import_orders(
    store: StoreLike,
    records: Sequence[OrderData],
    *,
    authority: Authority,
    observed_at: datetime,
    now: datetime,
    request_id: str = "",
) -> OrderImport:
    """Bring the store's orders to what ``records`` say. Raises OrderChangedMeanwhile,
    LedgerConflict: run it again.
    """
    done = OrderImport()
    newest = {r.external_id: r for r in sorted(records, key=_age)}
    stored = _stored(store, newest)
    touched: list[dict[str, Any]] = []
    todo: list[Judged] = []
    for external_id, data in newest.items():
        known = stored.get(external_id)
        digest, details = digest_of(data), details_of(data)
        verdict = judge(data, digest, details, known, authority, observed_at)
        if verdict in (Verdict.NEW, Verdict.NEWER):
            todo.append(Judged(data, digest, details, known))
        elif verdict is Verdict.REREAD:
            done.reread.append(external_id)
        elif verdict is Verdict.STALE:
            done.stale += 1
        else:
            done.unchanged += 1
            if verdict is Verdict.TOUCHED and known is not None:
                touched.append(
                    {
                        "id": known.pk,
                        "changed_at": data.changed_at,
                        "source_version": data.version,
                        "observed_at": observed_at,
                    }
                )
    bulk.update(Order, touched)
    if todo:
        drafts = _draft(store, todo, authority, observed_at, now)
        _write(store, drafts, request_id)
        done.created = [d.order["id"] for d in drafts if d.known is None]
        done.changed = [d.order["id"] for d in drafts if d.known is not None]
        done.reread += [d.external_id for d in drafts if d.lacks_refund_lines]
    return done


def _age(record: OrderData) -> tuple[int, datetime]:
    return (record.version or 0, record.changed_at)


def _stored(store: StoreLike, external_ids: Iterable[str]) -> dict[str, Order]:
    rows = Order.objects.filter(store_id=store.pk, external_id__in=list(external_ids)).defer(
        "buyer_sealed", "charges", "custom"
    )
    return {row.external_id: row for row in rows}


def _draft(
    store: StoreLike,
    todo: list[Judged],
    authority: Authority,
    observed_at: datetime,
    now: datetime,
) -> list[Draft]:
    known = _known_parts([x.known.pk for x in todo if x.known is not None])
    variants = Matches.for_lines(store, [line for x in todo for line in x.data.lines])
    vault = keys.vault(store.data_key_id)
    return [
        Draft.make(
            store=store,
            data=x.data,
            digest=x.digest,
            details=x.details,
            known=x.known,
            parts=known[x.known.pk] if x.known is not None else Known(),
            variant_of=variants.find,
            vault=vault,
            authority=authority,
            observed_at=observed_at,
            now=now,
        )
        for x in todo
    ]


def _known_parts(order_ids: list[UUID]) -> dict[UUID, Known]:
    """Lines, money and parcels of the orders that change, in five statements."""
    parts: dict[UUID, Known] = defaultdict(Known)
    if not order_ids:
        return parts
    for line in OrderLine.objects.filter(order_id__in=order_ids):
        parts[line.order_id].lines[line.external_id] = line
    for payment in Payment.objects.filter(order_id__in=order_ids):
        parts[payment.order_id].payments[payment.external_id] = payment
    for refund in Refund.objects.filter(order_id__in=order_ids):
        parts[refund.order_id].refunds[refund.external_id] = refund
    shipments = Shipment.objects.filter(order_id__in=order_ids).prefetch_related("lines")
    for shipment in shipments:
        parts[shipment.order_id].shipments.append(shipment)
    return parts


@dataclass(frozen=True, slots=True)
class Matches:
    """The variants that a batch's lines name: by the store's own listing first, then by a known
    SKU.
    """

    listings: dict[tuple[str, str], tuple[UUID | None, UUID | None]]
    skus: dict[str, tuple[UUID, UUID | None]]

    @classmethod
    def for_lines(cls, store: StoreLike, lines: Sequence[Any]) -> Matches:
        variant_ids = {x.external_variant_id for x in lines if x.external_variant_id}
        keys_wanted = {sku_key(x.sku) for x in lines if x.sku}
        listings = {
            (product, variant): (pk, counted_as)
            for product, variant, pk, counted_as in Listing.objects.filter(
                store_id=store.pk, external_variant_id__in=variant_ids
            ).values_list(
                "external_product_id",
                "external_variant_id",
                "variant_id",
                "variant__counted_as_id",
            )
        }
        skus = {
            key: (pk, counted_as)
            for key, pk, counted_as in Variant.objects.filter(
                merchant_id=store.merchant_id, sku_key__in=keys_wanted
            ).values_list("sku_key", "pk", "counted_as_id")
        }
        return cls(listings, skus)

    def find(self, line: Any) -> tuple[UUID | None, UUID | None]:
        """(variant, the variant that counts for it), both None when unknown. A listing that is
        known but not linked stays unknown: its SKU was found ambiguous.
        """
        own = (line.external_product_id, line.external_variant_id)
        if own in self.listings:
            variant, counted_as = self.listings[own]
            return variant, counted_as or variant
        variant, counted_as = self.skus.get(sku_key(line.sku), (None, None))
        return variant, counted_as or variant


def _write(store: StoreLike, drafts: list[Draft], request_id: str) -> None:
    new = [d.order for d in drafts if d.known is None]
    old = [d.order for d in drafts if d.known is not None]
    if len(bulk.insert(Order, new, ignore_conflicts=True)) != len(new) or len(
        bulk.update(Order, old, versioned="revision")
    ) != len(old):
        raise OrderChangedMeanwhile("The same order was written by another process.")
    bulk.insert(OrderLine, _all(drafts, "new_lines"))
    bulk.update(OrderLine, _all(drafts, "changed_lines"))
    bulk.insert(Payment, _all(drafts, "new_payments"))
    bulk.insert(Refund, _all(drafts, "new_refunds"))
    bulk.update(Refund, _all(drafts, "changed_refunds"))
    bulk.insert(Shipment, _all(drafts, "new_shipments"))
    bulk.update(Shipment, _all(drafts, "changed_shipments"))
    bulk.insert(ShipmentLine, _all(drafts, "new_shipment_lines"))
    bulk.insert(OrderPayload, [d.payload for d in drafts if d.payload and d.known is None])
    _replace_payloads([d.payload for d in drafts if d.payload and d.known is not None])
    events = _all(drafts, "events")
    for event in events:
        event["request_id"] = request_id
    bulk.insert(OrderEvent, events)
    short = ledger.settle(
        store.merchant_id,
        [demand for d in drafts for demand in d.demands],
        request_id=request_id,
    )
    if short:
        flag_short_orders(short)


def _all(drafts: list[Draft], name: str) -> list[dict[str, Any]]:
    return [row for draft in drafts for row in getattr(draft, name)]


def _replace_payloads(rows: list[dict[str, Any]]) -> None:
    if rows:
        OrderPayload.objects.filter(order_id__in=[r["order_id"] for r in rows]).delete()
        bulk.insert(OrderPayload, rows)


def flag_short_orders(short: dict[UUID, int]) -> None:
    """Mark the orders of lines that could not be reserved in full."""
    ids = OrderLine.objects.filter(pk__in=short).values_list("order_id", flat=True)
    for order in Order.objects.filter(pk__in=set(ids)).only("pk", "flags", "revision"):
        if Flag.OVERSOLD not in order.flag_set:
            flags = ",".join(sorted({*order.flag_set, Flag.OVERSOLD}))
            Order.objects.filter(pk=order.pk).update(flags=flags)

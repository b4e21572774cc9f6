"""Which products the lines of orders name; and lines that waited for a product they name: they
finish by themselves when it is imported or linked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower, Trim
from django.utils import timezone

from inventory import ledger
from inventory.catalogue import sku_key
from inventory.ledger import LedgerConflict
from inventory.models import Listing, Variant
from logix.common import bulk
from logix.common.transactions import again_on
from orders import shortage, timeline
from orders.changing import demand_of
from orders.errors import OrderChangedMeanwhile
from orders.lines import item_of
from orders.models import Order, OrderEvent, OrderLine
from orders.standing import unknown_lines_sentence
from orders.status import ImportState

Found = tuple[UUID | None, UUID | None]
_NOTHING: Found = (None, None)


@dataclass(frozen=True, slots=True)
class Matches:
    """The variants that a batch's lines name: by the store's own listing first, then by the SKU
    that a listing of the store has (``store_skus``), then by a variant's.
    """

    listings: dict[tuple[str, str], Found]
    store_skus: dict[str, Found]
    skus: dict[str, Found]

    @classmethod
    def for_lines(cls, store_id: Any, merchant_id: Any, lines: Sequence[Any]) -> Matches:
        """``lines``: incoming or stored ones of one store. Two statements."""
        variant_ids = {x.external_variant_id for x in lines if x.external_variant_id}
        wanted = {key for x in lines if (key := sku_key(x.sku))}
        rows = Listing.objects.filter(
            Q(external_variant_id__in=variant_ids) | Q(sku_key__in=wanted), store_id=store_id
        )
        listings: dict[tuple[str, str], Found] = {}
        by_sku: dict[str, set[Found]] = defaultdict(set)
        for product, variant, key, gone_at, pk, counted_as in rows.values_list(
            "external_product_id",
            "external_variant_id",
            "sku_key",
            "gone_at",
            "variant_id",
            "variant__counted_as_id",
        ):
            listings[product, variant] = found = (pk, counted_as or pk)
            if key and gone_at is None:
                by_sku[key].add(found)
        variants = Variant.objects.filter(merchant_id=merchant_id, sku_key__in=wanted)
        return cls(
            listings,
            {key: found.pop() if len(found) == 1 else _NOTHING for key, found in by_sku.items()},
            {
                str(key): (pk, counted_as or pk)
                for key, pk, counted_as in variants.values_list("sku_key", "pk", "counted_as_id")
            },
        )

    def find(self, line: Any) -> Found:
        """(variant, the variant that counts for it), both None when unknown. A listing that is
        known but not linked stays unknown, and so does a SKU that the store's listings do not
        agree on: a variant that has the SKU elsewhere may be another product.
        """
        own = (line.external_product_id, line.external_variant_id)
        if own in self.listings:
            return self.listings[own]
        key = sku_key(line.sku)
        if key in self.store_skus:
            return self.store_skus[key]
        return self.skus.get(key, _NOTHING)


@transaction.atomic
def match_waiting_lines(store_id: UUID, listing_ids: Iterable[UUID]) -> int:
    """Give the lines that wait for these listings their variant, in every store of the merchant
    that names it by SKU; return how many were matched. The order's import state follows, and so
    does stock.

    An order that another process is writing at this moment is not seen; so it is looked for once
    more when this transaction has committed. Raises OrderChangedMeanwhile, LedgerConflict.
    """
    ids = list(listing_ids)
    transaction.on_commit(lambda: _look_again(partial(_waiting_for, store_id, ids)), robust=True)
    return _match(_waiting_for(store_id, ids))


@transaction.atomic
def match_renamed(store_id: UUID, sku_keys: Collection[str]) -> int:
    """The same for lines that name these SKUs in this store alone: its listings have them anew, or
    one fewer has. Return how many were matched. Raises OrderChangedMeanwhile, LedgerConflict.
    """
    waiting = _waiting(Q(key__in=sku_keys, order__store_id=store_id))
    transaction.on_commit(lambda: _look_again(waiting.all), robust=True)
    return _match(waiting.all())


def settle_lines_of(variant_id: UUID, *, actor: str, request_id: str = "") -> None:
    """Bring stock to what the open orders of a variant ask for: what it is made of has changed.
    Raises LedgerConflict.
    """
    lines = OrderLine.objects.filter(
        Q(removed_at=None) | Q(held_quantity__gt=0),
        variant=variant_id,
        order__binds_stock=True,
        order__moves_stock=True,
    )
    now = timezone.now()
    demands = [
        demand_of(line.order, line, item, now)
        for line in lines.select_related("order").with_items()
        if (item := item_of(line)) is not None
    ]
    if demands:
        merchant_id = lines[0].order.merchant_id
        short = ledger.settle(merchant_id, demands, actor=actor, request_id=request_id)
        shortage.record(short, now, request_id=request_id)


def match_after_commit(line_ids: Collection[UUID]) -> None:
    """The other half of the same race: lines just written whose product was being imported."""
    if line_ids:
        lines = OrderLine.objects.filter(
            pk__in=list(line_ids), variant=None, removed_at=None
        ).exclude(sku="", external_variant_id="")
        transaction.on_commit(lambda: _look_again(lines.all), robust=True)


def _look_again(waiting: Any) -> None:
    again_on(OrderChangedMeanwhile, LedgerConflict)(lambda: _match(waiting()))


def _waiting_for(store_id: UUID, listing_ids: list[UUID]) -> models.QuerySet[OrderLine]:
    listings = list(
        Listing.objects.filter(pk__in=listing_ids, store_id=store_id, variant__isnull=False)
    )
    merchants = {x.merchant_id for x in listings}
    keys = {x.sku_key for x in listings if x.sku_key} | {x.sku.lower() for x in listings if x.sku}
    here = Q(
        order__store_id=store_id,
        external_variant_id__in=[x.external_variant_id for x in listings],
    )
    return _waiting(here | Q(key__in=keys), order__merchant_id__in=merchants)


def _waiting(*which: Q, **more: Any) -> models.QuerySet[OrderLine]:
    """Lines without a product; ``key`` is what their SKU is compared by."""
    lines = OrderLine.objects.alias(key=Lower(Trim("sku")))
    return lines.filter(*which, **more, variant=None, removed_at=None)


def _match(waiting: models.QuerySet[OrderLine]) -> int:
    """Match by the same rule as an import does, so that it does not matter which came first."""
    by_store: dict[UUID, list[OrderLine]] = defaultdict(list)
    for line in waiting.select_related("order"):
        by_store[line.order.store_id].append(line)
    matched: list[tuple[OrderLine, Found]] = []
    for store_id, lines in by_store.items():
        found = Matches.for_lines(store_id, lines[0].order.merchant_id, lines)
        matched += [(line, found.find(line)) for line in lines]
    matched = [(line, found) for line, found in matched if found[0] is not None]
    if matched:
        _write(matched)
    return len(matched)


def _write(matched: list[tuple[OrderLine, Found]]) -> None:
    now = timezone.now()
    orders = {line.order_id: line.order for line, _ in matched}
    bulk.update(OrderLine, [{"id": line.pk, "variant_id": found[0]} for line, found in matched])
    rows, events = _follow(orders, now)
    # The revision settles the race with an import that read the same lines unmatched.
    if len(bulk.update(Order, rows, versioned="revision")) != len(rows):
        raise OrderChangedMeanwhile("The same order was written by another process.")
    bulk.insert(OrderEvent, events)
    demands = [
        demand_of(line.order, line, item, now)
        for line, (_, item) in matched
        if item is not None and line.order.moves_stock
    ]
    if demands:
        merchant_id = matched[0][0].order.merchant_id
        shortage.record(ledger.settle(merchant_id, demands), now)


def _follow(
    orders: dict[UUID, Order], now: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Orders whose last unknown line this was are accepted; the others say how many are left."""
    left: dict[UUID, int] = defaultdict(int)
    for order_id in OrderLine.objects.filter(
        order_id__in=orders, variant=None, removed_at=None
    ).values_list("order_id", flat=True):
        left[order_id] += 1
    rows, events = [], []
    for order in orders.values():
        state, problem = order.import_state, order.import_problem
        if state == ImportState.AWAITING_MAPPING and left[order.pk]:
            problem = unknown_lines_sentence(left[order.pk], order.line_count)
        elif state == ImportState.AWAITING_MAPPING:
            state, problem = ImportState.ACCEPTED, ""
            title = "The product is known now"
            origin = OrderEvent.Origin.HUB
            events.append(timeline.row(order.pk, "matched", title, now, origin=origin))
        rows.append(
            {
                "id": order.pk,
                "import_state": state,
                "import_problem": problem,
                "revision": order.revision + 1,
            }
        )
    return rows, events

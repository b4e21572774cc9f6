"""Orders that waited for a product they name: they finish by themselves when it is imported or
linked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from inventory import ledger
from inventory.catalogue import sku_key
from inventory.ledger import Demand
from inventory.models import Listing
from logix.common import bulk
from orders import timeline
from orders.importing import flag_short_orders
from orders.models import Order, OrderEvent, OrderLine
from orders.status import ImportState

_MATCHED = "The product is known now"


@transaction.atomic
def match_waiting_lines(store_id: UUID, listing_ids: Iterable[UUID]) -> int:
    """Give waiting lines of the store's orders the variant of these listings; return how many were
    matched.

    The order's import state follows, and so does stock.
    """
    listings = list(
        Listing.objects.filter(pk__in=list(listing_ids), variant__isnull=False).select_related(
            "variant"
        )
    )
    by_ids = {(x.external_product_id, x.external_variant_id): x for x in listings}
    by_key = {x.sku_key: x for x in listings if x.sku_key}
    named = Q(external_variant_id__in=[v for _, v in by_ids]) | Q(sku__in=[x.sku for x in listings])
    waiting = OrderLine.objects.filter(
        named, order__store_id=store_id, variant=None, removed_at=None
    ).select_related("order")
    matched: list[tuple[OrderLine, Listing]] = []
    for line in waiting:
        own = (line.external_product_id, line.external_variant_id)
        listing = by_ids.get(own) or by_key.get(sku_key(line.sku))
        if listing is not None:
            matched.append((line, listing))
    if matched:
        _write(matched)
    return len(matched)


def _write(matched: list[tuple[OrderLine, Listing]]) -> None:
    bulk.update(OrderLine, [{"id": line.pk, "variant_id": x.variant_id} for line, x in matched])
    orders = {line.order_id: line.order for line, _ in matched}
    _accept(orders)
    demands = [_demand(line, x) for line, x in matched if line.order.moves_stock]
    if demands:
        short = ledger.settle(matched[0][1].merchant_id, demands)
        if short:
            flag_short_orders(short)


def _accept(orders: dict[UUID, Order]) -> None:
    """Orders whose last unknown line this was are accepted."""
    still = set(
        OrderLine.objects.filter(order_id__in=orders, variant=None, removed_at=None).values_list(
            "order_id", flat=True
        )
    )
    done = [
        order
        for order in orders.values()
        if order.pk not in still and order.import_state == ImportState.AWAITING_MAPPING
    ]
    now = timezone.now()
    Order.objects.filter(pk__in=[o.pk for o in done]).update(
        import_state=ImportState.ACCEPTED, import_problem=""
    )
    rows: list[dict[str, Any]] = [
        timeline.row(order.pk, "matched", _MATCHED, now, origin=OrderEvent.Origin.HUB)
        for order in done
    ]
    bulk.insert(OrderEvent, rows)


def _demand(line: OrderLine, listing: Listing) -> Demand:
    order, variant = line.order, listing.variant
    assert variant is not None  # noqa: S101 - only linked listings were read
    left = line.quantity - line.quantity_refunded - line.quantity_shipped
    return Demand(
        line_ref=line.pk,
        order_ref=order.pk,
        store_id=order.store_id,
        variant_id=variant.counted_as_id or variant.pk,
        outstanding=max(0, left) if order.binds_stock else 0,
        shipped=line.quantity_shipped,
        placed_at=order.placed_at,
    )

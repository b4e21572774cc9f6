"""Who took the units of an item: the orders that reserved of it last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from inventory.models import Bucket, StockMovement
from orders.models import Order

MOST_NAMED = 5


def takers_of(variant_ids: Collection[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """By stock item, newest first, at most ``MOST_NAMED``: order, its number and store, units and
    when they were kept for it here. Two statements.
    """
    newest = Window(
        RowNumber(), partition_by=F("variant_id"), order_by=[F("at").desc(), F("id").desc()]
    )
    rows = StockMovement.objects.filter(
        variant__in=variant_ids, bucket=Bucket.RESERVED, delta__gt=0, order_ref__isnull=False
    )
    last = rows.order_by().annotate(place=newest).filter(place__lte=MOST_NAMED)
    found = list(last.values_list("variant_id", "order_ref", "delta", "at", "place"))
    orders = Order.objects.filter(pk__in={order for _, order, *_ in found})
    names = {pk: rest for pk, *rest in orders.values_list("pk", "number", "store__name")}
    takers: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for item, order, units, at, _ in sorted(found, key=lambda row: row[-1]):
        number, store = names.get(order, ("", "")) if order else ("", "")
        takers[item].append(
            {
                "order": str(order),
                "number": number,
                "store": store,
                "units": units,
                "at": at.isoformat(),
            }
        )
    return dict(takers)

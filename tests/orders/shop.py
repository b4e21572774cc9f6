"""What tests of orders and stock say often: bring news of a store, count its shelf, look at it."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from inventory.catalogue import import_products
from inventory.models import Allocation, Bucket, Reservation, StockLevel, StockMovement
from orders.data import (
    Authority,
    OrderData,
    RefundData,
    RefundLineData,
    ShipmentData,
    ShipmentLineData,
)
from orders.importing import OrderImport, import_orders
from orders.models import Order
from tests.factories import NOW, make_product


def bring(
    store: Any, *records: OrderData, authority: Authority = Authority.LIST_PAGE
) -> OrderImport:
    return import_orders(store, records, authority=authority, observed_at=NOW, now=NOW)


def by_id(store: Any, *records: OrderData) -> OrderImport:
    return bring(store, *records, authority=Authority.BY_ID)


def stock(store: Any, *numbers: int, units: int = 10) -> None:
    """``units`` of each product, as the store counts them."""
    import_products(
        store,
        [make_product(n, stock=units) for n in numbers or (1,)],
        observed_at=NOW,
        now=NOW,
        adopt_stock=True,
    )


def level(sku: str = "SKU-1") -> StockLevel:
    return StockLevel.objects.get(variant__sku=sku)


def shelf(sku: str = "SKU-1") -> tuple[int, int]:
    """(on hand, reserved)."""
    found = level(sku)
    return found.on_hand, found.reserved


def later(order: OrderData, minutes: int = 1, **changes: Any) -> OrderData:
    return dataclasses.replace(
        order, changed_at=order.changed_at + timedelta(minutes=minutes), **changes
    )


def refund(number: int = 1, *, units: int | None = 1, line: str = "l1", **more: Any) -> RefundData:
    """``units`` None: a sum without lines, as an order's own list of refunds tells it."""
    lines = None
    if units is not None:
        lines = (RefundLineData(line_external_id=line, quantity=units),)
    return RefundData(
        external_id=f"r{number}", amount=more.pop("amount", Decimal("11.90")), lines=lines, **more
    )


def parcel(units: int = 1, *, line: str = "l1", **more: Any) -> ShipmentData:
    lines = (ShipmentLineData(line_external_id=line, quantity=units),) if units else ()
    return ShipmentData(lines=lines, **more)


def axes() -> tuple[str, str, str]:
    order = Order.objects.get()
    return order.order_status, order.payment_status, order.fulfillment_status


def assert_books_balance() -> None:
    """Each trail is unbroken and adds up to its level; what lines hold is what is reserved, and
    what is left for single stores is what is allocated.
    """
    for found in StockLevel.objects.all():
        for bucket in Bucket:
            trail = StockMovement.objects.filter(
                variant=found.variant_id, location=found.location_id, bucket=bucket
            )
            assert all(m.before + m.delta == m.after for m in trail)
            assert sum(m.delta for m in trail) == getattr(found, bucket.value)
    held: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for row in Reservation.objects.all():
        held[row.variant_id, row.location_id] += row.quantity
    assert {k: v for k, v in held.items() if v} == {
        (x.variant_id, x.location_id): x.reserved for x in StockLevel.objects.filter(reserved__gt=0)
    }
    left: dict[tuple[UUID, UUID], int] = defaultdict(int)
    for made in Allocation.objects.filter(left__gt=0):
        left[made.variant_id, made.location_id] += made.left
    kept = StockLevel.objects.filter(allocated__gt=0)
    assert left == {(x.variant_id, x.location_id): x.allocated for x in kept}
